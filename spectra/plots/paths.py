"""Two bands of a data set against each other: from standard diffusion to autoregression."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MultipleLocator

from spectra.errors import InputError
from spectra.plots.labels import as_label, power_of_ten
from spectra.plots.style import (
    MUTED,
    NOISE,
    Layout,
    finish,
    house_style,
    legend_above,
    new_figure,
    ramp,
)
from spectra.schedule import Schedule
from spectra.schedule.auditing.account import octaves_of

__all__ = ["plot_snr_paths"]

POINTS = 2001
DECADES = 3.0  # either side of SNR = 1: a component beyond is known, or drowned
MOST = 7
Band = tuple[str, np.ndarray]


@house_style()
def plot_snr_paths(
    schedules: Mapping[str, Schedule],
    *,
    first: Band | None = None,
    second: Band | None = None,
    layout: Layout = "wide",
) -> Figure:
    """Paths through the SNR of two bands, generation running from bottom left to top right.

    First panel: SNR of the one against SNR of the other, on the axes' ends ("known", "drowned")
    where a band is beyond 10^3 or 10^-3. Equal SNR is the diagonal, standard diffusion is
    parallel to it, one band before the other follows the edges. Second panel: what is known of
    each, SNR / (1 + SNR), with a dot at every tenth of the time.

    Parameters
    ----------
    schedules
        Name -> schedule of one data set, from 1 to 7, such as one an ordering strength.
    first, second
        Name and components (bool [C, *spatial]) of each band; the lowest octave above DC and the
        highest one if not given.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        No schedule or too many, or a band without components or of another shape.
    """
    if not 0 < len(schedules) <= MOST:
        raise InputError(f"schedules: from 1 to {MOST} are drawn, not {len(schedules)}")
    wide = layout == "wide"
    figure = new_figure(layout, 4.9 if wide else 8.4)
    panels = figure.subplots(1 if wide else 2, 2 if wide else 1, squeeze=False).ravel()
    names = ("", "")
    for colour, (name, schedule) in zip(ramp(len(schedules)), schedules.items(), strict=True):
        bands = _bands(schedule, first, second)
        names = (bands[0][0], bands[1][0])
        log_snr = _log_snr(schedule, bands, _times(schedule))  # [2, T]
        x, y = np.clip(log_snr / np.log(10), -DECADES, DECADES)
        panels[0].plot(x, y, color=colour, lw=2.0, label=as_label(name), clip_on=False)
        panels[1].plot(*_known(log_snr), color=colour, lw=2.0, label=as_label(name), clip_on=False)
        tenths = _known(_log_snr(schedule, bands, np.linspace(0, 1, 11)))
        panels[1].plot(*tenths, color=colour, ls="none", marker="o", ms=3.6, clip_on=False)
    for axes, word in zip(panels, ("SNR", "share known"), strict=True):
        axes.set_xlabel(f"{word}: {as_label(names[0])}")
        axes.set_ylabel(f"{word}: {as_label(names[1])}")
        axes.set_box_aspect(1)
    _snr_axes(panels[0])
    panels[1].set(xlim=(0, 1), ylim=(0, 1))
    for axis in (panels[1].xaxis, panels[1].yaxis):
        axis.set_major_locator(MultipleLocator(0.25))
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    legend_above(figure, panels[:1].tolist(), len(schedules) if wide else 3)
    return finish(figure)


def _bands(schedule: Schedule, first: Band | None, second: Band | None) -> tuple[Band, Band]:
    """The two bands, with what is not given."""
    index, octaves = octaves_of(schedule.frequency, schedule.variance)
    low = 1 if octaves[0].label == "DC" and len(octaves) > 1 else 0
    chosen = []
    for given, octave in ((first, low), (second, len(octaves) - 1)):
        usual = (
            octaves[octave].label.replace("-", "\N{EN DASH}"),
            (index == octave).reshape(schedule.shape),
        )
        name, mask = usual if given is None else (given[0], np.asarray(given[1]))
        if mask.shape != schedule.shape or mask.dtype != bool or not mask.any():
            raise InputError(
                f"band {name!r}: a bool array of shape {schedule.shape} with a component in it "
                "is needed"
            )
        chosen.append((name, mask))
    return chosen[0], chosen[1]


def _times(schedule: Schedule) -> np.ndarray:
    """Times even in the schedule's noise levels: a path has no corner between them, [T]."""
    clock = np.linspace(schedule.clock[0], schedule.clock[-1], POINTS)
    return np.union1d(np.interp(clock, schedule.clock, schedule.t), schedule.t)


def _log_snr(schedule: Schedule, bands: tuple[Band, Band], t: np.ndarray) -> np.ndarray:
    """Mean ln SNR of the components of both bands, [2, T]."""
    if schedule.separable:
        pace = schedule.pace_at(t)
        return np.stack([schedule.offset[mask].mean() - pace for _, mask in bands])
    rows = [np.clip(schedule.log_snr(time[None])[0], -70, 70) for time in t]
    return np.array([[row[mask].mean() for row in rows] for _, mask in bands])


def _known(log_snr: np.ndarray) -> np.ndarray:
    """SNR / (1 + SNR), elementwise."""
    from scipy.special import expit

    return expit(log_snr)


def _snr_axes(axes: Axes) -> None:
    """Decades, with the lines where either band is half known."""
    axes.set(xlim=(-DECADES, DECADES), ylim=(-DECADES, DECADES))
    for line in (axes.axvline, axes.axhline):
        line(0, color=MUTED, lw=0.8)
    axes.axvspan(-1, 1, color=NOISE, alpha=0.12, lw=0)
    axes.axhspan(-1, 1, color=NOISE, alpha=0.12, lw=0)

    def name(k: float, _: int) -> str:
        if abs(k) >= DECADES:
            return "known" if k > 0 else "drowned"
        return power_of_ten(10.0**k)

    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MultipleLocator(1))
        axis.set_major_formatter(FuncFormatter(name))
