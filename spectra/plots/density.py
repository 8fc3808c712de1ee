"""Where a schedule trains, beside where information is lost along it."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.style import DATA, INK, NOISE, NOISY, Layout, house_style
from spectra.schedule import DenoisingError, Schedule, schedule_with_density

__all__ = ["plot_training_density", "time_shares"]

CELLS = 100  # of time, in which shares are counted


@house_style()
def plot_training_density(
    schedule: Schedule,
    *,
    error: DenoisingError | None = None,
    axes: Axes | None = None,
    layout: Layout = "wide",
) -> Figure:
    """How often each time is trained, beside the nats and the components that are lost there.

    Grey: the density of training times. Lines: the rate at which nats of an example are lost, and
    that at which components drown, each over its mean, so that all three have area 1. Where grey
    is under a line, training is short of examples for what is decided there.

    Parameters
    ----------
    schedule
        Any.
    error
        Of a denoiser in the schedule's components, in place of the Wiener filter's: the nats of
        the data themselves.
    axes
        Where to draw; a figure of its own if not given.
    layout
        "wide" or "narrow", of a figure of its own.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        An error of other components.
    """
    drawn = open_panel(axes, layout, 3.9)
    edges, trained, nats, modes = time_shares(schedule, error=error)
    width = np.diff(edges)
    drawn.stairs(trained / width, edges, fill=True, color=NOISE, alpha=0.35, label="trained at")
    drawn.stairs(nats / width, edges, baseline=None, color=DATA, lw=2.0, label="nats lost")
    drawn.stairs(
        modes / width, edges, baseline=None, color=NOISY, lw=1.6, ls="--", label="components drown"
    )
    drawn.set_xlim(0, 1)
    # One cell at either end may be higher than all else; it is cut, and its height written on it.
    highest = np.max([trained, nats, modes], axis=0) / width
    top = 1.08 * float(highest[1:-1].max())
    drawn.set_ylim(0, top)
    for cell, side in ((0, "left"), (-1, "right")):
        if highest[cell] > top:
            _mark_cut(drawn, float(edges[cell]), highest[cell], side)
    drawn.yaxis.set_major_locator(MaxNLocator(5))
    drawn.set_xlabel("time t (0 data, 1 noise)")
    drawn.set_ylabel("per unit time (mean = 1)")
    return finish_panel(drawn, axes, 3 if layout == "wide" else 2)


def _mark_cut(axes: Axes, t: float, height: float, side: str) -> None:
    """An arrow and a number above an end of the axis, beyond which something is that high."""
    axes.annotate(
        f"\N{UPWARDS ARROW} {height:.3g}",
        (t, 1),
        (0, 2),
        axes.get_xaxis_transform(),
        "offset points",
        ha=side,
        va="bottom",
        fontsize=9.0,
        color=INK,
    )


def time_shares(
    schedule: Schedule, *, error: DenoisingError | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Shares of the training times, of the nats and of the components within cells of time.

    Returns
    -------
    edges [K + 1], trained, nats, modes [K]
        Each sums to 1.
    """
    edges = np.linspace(0, 1, CELLS + 1)

    def share(one: Schedule) -> np.ndarray:
        held, times = one.quantiles
        return np.diff(np.interp(edges, times, held))

    nats, modes = (
        share(schedule_with_density(schedule, kind, error=error, coverage=0.0))
        for kind in ("information", "modes")
    )
    return edges, share(schedule), nats, modes
