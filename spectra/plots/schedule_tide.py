"""A schedule's own tide: its noise rising through the variances of the components."""

from dataclasses import dataclass

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from spectra.plots.animation import INTERVAL_MS, Moving
from spectra.plots.labels import as_label
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.schedule import component_order
from spectra.plots.style import (
    DATA,
    DERIVED,
    STANDARD,
    Layout,
    frequency_axis,
    house_style,
)
from spectra.schedule import Schedule
from spectra.spectrum.spectrum import frequency_unit

__all__ = ["animate_schedule"]

FRAMES = 36
CELLS = 96  # of components of neighbouring frequency, evenly wide in the logarithm
ENDS = 0.002  # t = 0 and t = 1, where the noise may be none or infinite, are left out
BELOW, ABOVE = 8.0, 3.0  # e-folds that the axis goes beyond the variances


@dataclass(frozen=True)
class _Cells:
    """Components of neighbouring frequency (or rank) as one.

    Attributes
    ----------
    at
        Mean frequency, cycles/pixel, or rank, [K].
    member
        Number of each component's cell, [D]; -1 for the mean, which has no frequency.
    log_variance
        Mean of ln variance, [K].
    """

    at: np.ndarray
    member: np.ndarray
    log_variance: np.ndarray

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Mean of the components' values over each cell, [*shape] -> [K]."""
        held = self.member >= 0
        total = np.bincount(self.member[held], values.ravel()[held], len(self.at))
        return total / np.bincount(self.member[held], minlength=len(self.at))


@house_style()
def animate_schedule(
    schedule: Schedule,
    standard: Schedule,
    *,
    layout: Layout = "wide",
    axes: Axes | None = None,
) -> FuncAnimation:
    """The noise of a schedule rises through the variances of the components as t grows.

    Noise is drawn in the data's units, that is over the scale to which the signal has shrunk: a
    component drowns when the noise reaches its variance. Noise that is the same for every
    component is a flat line, which meets the coarse components last; the closer the line follows
    the data, the more all components are drowned at once; the steeper it stands against them, the
    more one waits for the other, as in autoregression.

    Parameters
    ----------
    schedule
        Drawn as the tide.
    standard
        Drawn as a dashed line at the same t; in the same basis.
    layout
        "wide" or "narrow".
    axes
        Where to draw; by default on a new figure.

    Returns
    -------
    FuncAnimation
        For `save_animation` and `inline_animation`; `plot_schedule` is its still.
    """
    times = np.linspace(ENDS, 1 - ENDS, FRAMES)
    cells, theirs = _cells_of(schedule), _cells_of(standard)
    panel = open_panel(axes, layout, 4.2 if layout == "wide" else 4.6)
    low, high = cells.log_variance.min() - BELOW, cells.log_variance.max() + ABOVE
    bottom, top = float(np.exp(low)), float(np.exp(high))
    panel.plot(cells.at, np.exp(cells.log_variance), color=DATA, lw=2.2, label="data: variance")
    panel.set_yscale("log")
    panel.set_ylim(bottom, top)
    panel.set_ylabel("variance of a component")
    if np.isnan(schedule.frequency).any():
        panel.set_xscale("log")
        panel.set_xlabel("component, by falling variance (rank)")
    else:
        label = f"component, by frequency ({frequency_unit(schedule.shape)})"
        frequency_axis(panel, cells.at, label)
    said = [panel.set_title(" ", loc=side) for side in ("left", "right")]
    name = "noise of this schedule"
    (line,) = panel.plot(cells.at, np.full_like(cells.at, top), color=DERIVED, lw=2.0, label=name)
    (other,) = panel.plot(
        theirs.at,
        np.full_like(theirs.at, top),
        color=STANDARD,
        lw=1.8,
        ls="--",
        label=as_label(f"noise of {standard.name}"),
    )
    water: list[Artist] = []

    def draw(frame: int) -> list[Artist]:
        t = times[frame : frame + 1]
        log_snr = np.clip(np.asarray(schedule.log_snr(t)), -60, 60)[0]
        noise = np.exp(np.clip(cells.log_variance - cells.mean(log_snr), low - 1, high + 1))
        beside = np.clip(np.asarray(standard.log_snr(t)), -60, 60)[0]
        line.set_ydata(noise)
        other.set_ydata(np.exp(theirs.log_variance - theirs.mean(beside)))
        for artist in water:
            artist.remove()
        fill = panel.fill_between(cells.at, bottom, noise, color=DERIVED, alpha=0.18, lw=0)
        water[:] = [fill]
        drowned = float(np.mean(log_snr < 0))
        said[0].set_text(f"t = {t[0]:.2f}")
        said[1].set_text(f"{100 * drowned:.0f} % of components drowned")
        return [line, other, fill, *said]

    draw(FRAMES // 2)
    figure = finish_panel(panel, axes, 3 if layout == "wide" else 1)
    draw(0)
    return Moving(figure, draw, frames=FRAMES, interval=INTERVAL_MS, cache_frame_data=False)


def _cells_of(schedule: Schedule) -> _Cells:
    """Components in cells of ln frequency; where the basis has none, of ln rank."""
    frequency = schedule.frequency.ravel()
    if np.isnan(frequency).any():
        frequency = np.empty(len(frequency))
        frequency[component_order(schedule)] = np.arange(1, len(frequency) + 1)
    held = frequency > 0
    log_f = np.log(frequency[held])
    edges = np.linspace(log_f.min(), log_f.max() * (1 + 1e-9) + 1e-9, CELLS + 1)
    cell = np.clip(np.searchsorted(edges, log_f, side="right") - 1, 0, CELLS - 1)
    used, member = np.unique(cell, return_inverse=True)
    every = np.full(len(frequency), -1)
    every[held] = member
    count = np.bincount(member, minlength=len(used))
    at = np.exp(np.bincount(member, log_f, len(used)) / count)
    log_variance = np.bincount(member, np.log(schedule.variance.ravel()[held]), len(used)) / count
    return _Cells(at, every, log_variance)
