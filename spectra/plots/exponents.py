"""The exponents of a data set's single examples, as a histogram."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spectra.errors import InputError
from spectra.fit import Exponents, PowerLaw
from spectra.fit.exponents import HIGHEST, LOWEST, STEP
from spectra.frequencies import signed
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.style import DATA, FIT, INK, NOISE, Layout, house_style

__all__ = ["plot_exponents"]

FEWEST_BARS, MOST_BARS = 6, 60


@house_style()
def plot_exponents(
    exponents: Exponents,
    fit: PowerLaw | None = None,
    *,
    axes: Axes | None = None,
    layout: Layout = "wide",
) -> Figure:
    """How many examples have which exponent, their mean with its 95 % interval, and their spread.

    Each example is fitted by itself. The interval is of the mean, over files; the bar under the
    histogram spans the middle 80 % of the examples and gets no shorter with more of them.

    Parameters
    ----------
    exponents
        What `measure_exponents` gave.
    fit
        The law of the data set's mean power: its exponent is drawn beside the mean exponent,
        which is another number.
    axes
        Where to draw; by default on a figure of its own.
    layout
        "wide" or "narrow".

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        No example has an exponent.
    """
    if not exponents.n:
        raise InputError("exponents: no example has one; all of them are blank")
    panel = open_panel(axes, layout, 3.6 if layout == "wide" else 3.9)
    edges, counts = bars(exponents)
    panel.stairs(counts, edges, fill=True, color=DATA, alpha=0.3)
    panel.stairs(counts, edges, color=DATA, lw=1.0, label=f"{exponents.n:,} single examples")
    tallest = float(counts.max())
    low, high = exponents.interval(0.95)
    if np.isfinite([low, high]).all():
        panel.axvspan(low, high, color=INK, alpha=0.12, lw=0)
        between = f", 95 % interval {signed(low)} to {signed(high)}"
    else:
        between = ""
    panel.axvline(exponents.mean, color=INK, label=f"mean {signed(exponents.mean)}{between}")
    ends = [exponents.quantile(share) for share in (0.1, 0.9)]
    panel.plot(
        ends,
        [-0.06 * tallest] * 2,
        color=NOISE,
        lw=4,
        solid_capstyle="butt",
        label=f"10–90 % of the examples: {signed(ends[0])} to {signed(ends[1])}",
    )
    if fit is not None:
        average = "mean power" if fit.average == "arithmetic" else "mean of logs"
        label = f"exponent of the {average}: {signed(fit.alpha)}"
        panel.axvline(fit.alpha, color=FIT, ls="--", lw=1.4, label=label)
    panel.set_ylim(-0.12 * tallest, 1.06 * tallest)
    panel.yaxis.set_major_locator(MaxNLocator(5, integer=True, prune=None))
    panel.set_yticks([tick for tick in panel.get_yticks() if 0 <= tick <= 1.06 * tallest])
    panel.set_ylabel("examples")
    panel.set_xlabel(r"exponent α of one example: power ∝ $f^{-\alpha}$")
    return finish_panel(panel, axes, 2 if layout == "wide" else 1)


def bars(exponents: Exponents) -> tuple[np.ndarray, np.ndarray]:
    """Edges [B + 1] and counts [B] of bars as wide as Freedman and Diaconis (1981) advise."""
    counts = exponents.histogram
    filled = np.flatnonzero(counts)
    first, last = int(filled[0]), int(filled[-1]) + 1
    quartiles = exponents.quantile(0.75) - exponents.quantile(0.25)
    width = max(2 * quartiles * exponents.n ** (-1 / 3), (last - first) * STEP / MOST_BARS)
    width = min(width, (last - first) * STEP / FEWEST_BARS)
    step = max(1, round(width / STEP))
    first -= first % step
    places = np.arange(first, last, step)
    edges = LOWEST + STEP * np.append(places, places[-1] + step)
    return np.minimum(edges, HIGHEST + step * STEP), np.add.reduceat(counts[:last], places)
