"""A schedule as curves: when each octave goes from signal to noise."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from spectra.plots.cutoff import TRANSITION
from spectra.plots.labels import power_of_ten
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.style import (
    DATA,
    MUTED,
    NOISE,
    NOISY,
    OLIVE,
    STANDARD,
    Layout,
    house_style,
    ramp,
)
from spectra.schedule import Schedule
from spectra.schedule.auditing.account import Octave, octaves_of

__all__ = ["STYLES", "octave_axis", "octave_ticks_of", "plot_octaves"]

POINTS = 401
MOST = 8  # octaves; more lines are no longer told apart
DECADES = 6.0  # either side of SNR = 1, where the axis ends
STYLES = ((DATA, "o"), (NOISY, "s"), (STANDARD, "D"), (OLIVE, "^"))  # of what is drawn by octave


@house_style()
def plot_octaves(
    schedule: Schedule, *, axes: Axes | None = None, layout: Layout = "wide"
) -> Figure:
    """SNR of every octave over time: one line an octave, the geometric mean of its components.

    In the grey band neither signal nor noise has the upper hand. Lines that coincide are drawn
    thinner and thinner, so that all can be seen.

    Parameters
    ----------
    schedule
        Any. Components without frequency (pixel) are banded by rank of variance instead.
    axes
        Where to draw; a figure of its own if not given.
    layout
        "wide" or "narrow", of a figure of its own.

    Returns
    -------
    Figure
    """
    drawn = open_panel(axes, layout, 4.2 if layout == "wide" else 4.9)
    t = np.linspace(0, 1, POINTS)  # [T]
    index, octaves = octaves_of(schedule.frequency, schedule.variance)
    means = _octave_means(schedule, t, index, len(octaves)) / np.log(10)  # [T, O], decades
    shown = np.unique(np.linspace(0, len(octaves) - 1, MOST).round().astype(int))
    drawn.axhspan(*TRANSITION, color=NOISE, alpha=0.2, lw=0)
    drawn.axhline(1, color=MUTED, lw=0.9)
    colours = ramp(len(shown))
    unit, names = octave_axis([octave.label for octave in octaves])
    for k, octave in enumerate(shown):
        width = 3.6 - 2.4 * k / max(len(shown) - 1, 1)
        snr = 10 ** np.clip(means[:, octave], -30, 30)
        label = f"{names[octave]} {unit}" if octave == shown[-1] else names[octave]
        drawn.plot(t, snr, color=colours[k], lw=width, label=label)
    reach = np.clip(np.ceil(np.abs(means).max()), 1, DECADES)
    drawn.set(yscale="log", ylim=(10**-reach, 10**reach), xlim=(0, 1))
    ticks = np.arange(-reach, reach + 1, 2 if reach > 3 else 1)
    drawn.yaxis.set_major_locator(FixedLocator((10.0**ticks).tolist()))
    drawn.yaxis.set_major_formatter(FuncFormatter(power_of_ten))
    drawn.yaxis.set_minor_locator(NullLocator())
    drawn.set_xlabel("time t (0 data, 1 noise)")
    drawn.set_ylabel("SNR of the octave" if unit else "SNR of ranks of variance")
    return finish_panel(drawn, axes, 4 if layout == "wide" else 2)


def octave_axis(labels: Sequence[str]) -> tuple[str, list[str]]:
    """The unit of octaves' labels, "" of ranks, and each without it, as short as on an axis."""
    span, _, last = labels[-1].rpartition(" ")
    unit = last if span not in ("", "components") else ""
    bare = [label.removeprefix("components ").removesuffix(f" {unit}") for label in labels]
    return unit, [label.replace("-", "\N{EN DASH}") for label in bare]


def octave_ticks_of(
    axes: Axes, octaves: Sequence[Octave], count: np.ndarray, *, narrow: bool
) -> None:
    """One place an octave along the x axis: its upper frequency, and how many components it has."""
    unit, _ = octave_axis([octave.label for octave in octaves])

    def name(octave: Octave) -> str:
        if octave.label == "DC":
            return "DC"
        return f"{octave.high:.3g}" if unit else f"{octave.low:.0f}"

    every = 1 + (len(octaves) - 1) // (7 if narrow else 12)
    at = np.arange(len(octaves))[::-1][::every][::-1]
    axes.set_xticks(at.tolist(), labels=[f"{name(octaves[k])}\n({count[k]})" for k in at])
    axes.set_xlim(-0.4, len(octaves) - 0.6)
    told = f"octave up to ({unit})" if unit else "rank of variance from"
    axes.set_xlabel(f"{told}, and its components")


def _octave_means(schedule: Schedule, t: np.ndarray, index: np.ndarray, count: int) -> np.ndarray:
    """Mean ln SNR of the components of each octave, [T, O]."""
    members = np.bincount(index, minlength=count)
    rows = np.empty((len(t), count))
    for j, time in enumerate(t):  # one time at a time: all at once may not fit in memory
        log_snr = np.clip(schedule.log_snr(np.array([time])).ravel(), -70, 70)  # ends may be inf
        rows[j] = np.bincount(index, log_snr, count) / members
    return rows
