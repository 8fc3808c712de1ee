"""The order in which noise drowns frequencies: t_detect(f), and component by component."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from spectra.errors import InputError
from spectra.frequencies import frequency_scale, octave_ticks, tick_label
from spectra.plots.curves import thinned
from spectra.plots.directions import axis_names, is_spectrogram
from spectra.plots.labels import as_label
from spectra.plots.style import (
    DATA,
    INK,
    NOISY,
    PAPER,
    Layout,
    finish,
    frequency_axis,
    house_style,
    legend_above,
    new_figure,
    panel_legend,
    picture_bar,
)
from spectra.schedule import FrequencyCutoff
from spectra.schedule.drowning import out_of_order
from spectra.spectrum import Spectrum
from spectra.spectrum.spectrum import cycles_per

__all__ = ["plot_drowning", "plot_drowning_plane"]

TIMES = (0.001, 0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99, 0.999)
NEAREST = 1e-3  # to 0 and 1 that the axis of t goes
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
PER_OCTAVE = 3  # cells of the plane: single variances flicker
AXIS_STYLES = ((NOISY, "-."), (DATA, "-"))


@house_style()
def plot_drowning(cutoffs: Mapping[str, FrequencyCutoff], *, layout: Layout = "wide") -> Figure:
    """When each frequency drowns, t_detect(f), and which do so before a finer one.

    From coarse to fine the curve falls if noise works from the top. Where it lies under the dashed
    line, the last time at which anything finer is left, a frequency has drowned out of order:
    shaded. In the title: of the pairs of frequencies an octave or more apart, the share of which
    the lower drowns first (`schedule.out_of_order`).

    Parameters
    ----------
    cutoffs
        Name of a data set -> its cutoff; a panel each, at most 4.
    layout
        "wide" (side by side) or "narrow" (one under the other).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no cutoff, or a spectrum spans less than an octave.
    """
    if not cutoffs:
        raise InputError("cutoffs: none given; make one with frequency_cutoff(spectrum)")
    shown = dict(list(cutoffs.items())[:4])
    count, wide = len(shown), layout == "wide"
    columns = (2 if count in (2, 4) else min(3, count)) if wide else 1
    lines = -(-count // columns)
    figure = new_figure(layout, 1.0 + (2.9 if wide else 2.3) * lines)
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False)
    for axes, (name, cutoff) in zip(panels.ravel(), shown.items(), strict=False):
        _order(axes, cutoff)
        share = out_of_order(cutoff.spectrum)
        axes.set_title(as_label(f"{name}: {100 * share:.0f} % of pairs out of order"))
        scale = frequency_scale(cutoff.spectrum)
        frequency = cutoff.spectrum.physical_frequency
        frequency_axis(axes, frequency, scale.label, unit=scale.unit, most=5)
    for axes in panels.ravel()[count:]:
        axes.set_axis_off()
    first = next(iter(shown.values()))
    for axes in panels[:, 0]:
        axes.set_ylabel(f"drowns at t ({first.process.name})")
    panels[0, 0].set_yscale("logit")
    panels[0, 0].set_ylim(*_reach(shown.values()))
    _time_ticks(panels[0, 0], 0.05 if wide else 0.08)
    legend_above(figure, list(panels.ravel()), 3 if wide else 1)
    return finish(figure)


def _order(axes: Axes, cutoff: FrequencyCutoff) -> None:
    """t_detect(f), its interval, the latest time of anything finer, and what lies between."""
    spectrum = cutoff.spectrum
    factor = frequency_scale(spectrum).factor
    low, high = spectrum.power_interval(0.95)
    levels = (_levels(cutoff, power) for power in (spectrum.power, low, high))
    frequency, *rows = thinned(spectrum.frequency * factor, *levels)
    # On a logit axis 0 and 1 have no place.
    t, early, late = (cutoff.process.time(row).clip(1e-12, 1 - 1e-12) for row in rows)
    last = np.maximum.accumulate(t[::-1])[::-1]  # of all frequencies from here on up
    axes.fill_between(frequency, early, late, color=DATA, alpha=0.18, lw=0)
    axes.fill_between(
        frequency,
        t,
        last,
        where=(last > t).tolist(),
        interpolate=True,
        color=NOISY,
        alpha=0.35,
        lw=0,
        label="drowns before something finer",
    )
    axes.plot(frequency, last, color=INK, lw=1.0, ls="--", label="all finer ones have drowned")
    axes.plot(frequency, t, color=DATA, lw=1.8, label="this frequency drowns, 95 % interval")


def _reach(cutoffs: Iterable[FrequencyCutoff]) -> tuple[float, float]:
    """Ends of the axis of t, by the curves: bands of a few files would stretch it for nothing."""
    t = np.concatenate([c.process.time(_levels(c, c.spectrum.power)) for c in cutoffs])
    ends = np.log([NEAREST / (1 - NEAREST), (1 - NEAREST) / NEAREST])
    low, high = np.percentile(np.log(t.clip(1e-12) / (1 - t).clip(1e-12)), [0.5, 100])
    low, high = np.clip([low - 1.0, high + 1.5], *ends)
    return float(1 / (1 + np.exp(-low))), float(1 / (1 + np.exp(-high)))


def _time_ticks(axes: Axes, apart: float) -> None:
    """Times as plain numbers, at least so much of the axis apart."""

    def place(t: float) -> float:
        return float(np.log(t / (1 - t)))

    low, high = axes.get_ylim()
    chosen: list[float] = []
    for t in TIMES:
        near = chosen and place(t) - place(chosen[-1]) < apart * (place(high) - place(low))
        if low <= t <= high and not near:
            chosen.append(t)
    axes.yaxis.set_major_locator(FixedLocator(chosen))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda t, _: f"{t:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _levels(cutoff: FrequencyCutoff, power: np.ndarray) -> np.ndarray:
    """log SNR at which noise drowns these powers."""
    with np.errstate(divide="ignore"):
        return np.log(cutoff.threshold) - np.log(power)


@house_style()
def plot_drowning_plane(cutoff: FrequencyCutoff, *, layout: Layout = "wide") -> Figure:
    """When each DCT component of a picture drowns, over the plane and along either axis.

    Of log-mel pictures this is autoregression in the cepstrum, read from early to late as noise
    sees it and from late to early as a sampler does. Beside the plane, as functions of cycles per
    sample along one axis, is when the mean variance over the other axis drowns: row q is the
    variance of cepstral coefficient q in a frame.

    Parameters
    ----------
    cutoff
        Of pictures whose DCT was measured (``bases=("dct",)``, as `analyze` does unasked).
    layout
        "wide" (side by side) or "narrow" (one under the other).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        The examples are series, or the DCT was not measured.
    """
    spectrum = cutoff.spectrum
    if len(spectrum.shape) != 3:
        raise InputError(
            f"{spectrum.name}: series have one axis; plot_drowning shows when they drown"
        )
    variance = spectrum.component_variance("dct").mean(axis=0)  # [H, W]
    wide = layout == "wide"
    figure = new_figure(layout, 4.1 if wide else 7.4)
    if wide:
        plane, along = figure.subplots(1, 2, width_ratios=[1.12, 1])
    else:
        plane, along = figure.subplots(2, 1, height_ratios=[1.3, 1])
    _plane(plane, cutoff, variance)
    names = axis_names(spectrum)
    for axis, (colour, line) in enumerate(AXIS_STYLES):
        mean = variance.mean(axis=1 - axis)[1:]  # the mean along an axis has no frequency there
        frequency = np.arange(1, len(mean) + 1) / (2 * (len(mean) + 1))
        t = cutoff.process.time(_levels(cutoff, mean))
        label = f"{names[axis]} ({_sample(spectrum, axis)})"
        frequency, t = _octave_means(frequency, t)
        along.plot(frequency, t, color=colour, ls=line, marker=".", ms=5, label=label)
    frequency_axis(along, np.array([1 / (2 * max(variance.shape)), 0.5]), most=5)
    along.set_xlabel("frequency along the axis (cycles/sample)")
    along.set_ylabel(f"drowns at t ({cutoff.process.name})")
    along.set_ylim(0, None)
    panel_legend(along, "mean variance along an axis")
    return finish(figure)


def _sample(spectrum: Spectrum, axis: int) -> str:
    """What one sample along an axis is."""
    if is_spectrogram(spectrum):
        return "cycles/mel band" if axis == 0 else "cycles/frame"
    return "cycles/pixel"


def _plane(axes: Axes, cutoff: FrequencyCutoff, variance: np.ndarray) -> None:
    """Times of drowning in cells of a third of an octave, index 0 of either axis by itself."""
    spectrum = cutoff.spectrum
    starts = [_cells(size) for size in variance.shape]
    sums = np.add.reduceat(np.add.reduceat(variance, starts[0], 0), starts[1], 1)
    sizes = np.outer(
        *(np.diff(np.append(s, n)) for s, n in zip(starts, variance.shape, strict=True))
    )
    t = cutoff.process.time(_levels(cutoff, sums / sizes))
    edges, units = [], []
    for axis, (start, size) in enumerate(zip(starts, variance.shape, strict=True)):
        spacing = spectrum.spacing[axis] if spectrum.spacing else 1.0
        unit = spectrum.axis_units[axis] if spectrum.axis_units else "pixel"
        units.append(cycles_per(unit))
        places = np.append(start, size).astype(float) - 0.5
        places[0] = 0.2  # a strip for what does not vary along this axis
        edges.append(places / (2 * size * spacing))
    shown: Any = axes.pcolormesh(edges[1], edges[0], t, vmin=0, vmax=1, rasterized=True)
    middles = [np.sqrt(edge[:-1] * edge[1:]) for edge in edges]
    axes.contour(middles[1], middles[0], t, levels=LEVELS, colors=PAPER, linewidths=0.9)
    axes.grid(visible=False)
    names = axis_names(spectrum)
    for axis, which in enumerate("yx"):
        _strip_axis(axes, edges[axis], units[axis], which)
    axes.set_xlabel(f"{names[1]} ({units[1]})")
    axes.set_ylabel(f"{names[0]} ({units[0]})")
    axes.set_title(f"drowns at t; lines: {', '.join(f'{t:g}' for t in LEVELS)}")
    picture_bar(axes, shown, f"t ({cutoff.process.name})")


def _strip_axis(axes: Axes, edges: np.ndarray, unit: str, which: str) -> None:
    """Logarithmic, octaves marked, and 0 at the strip of index 0."""
    zero = float(np.sqrt(edges[0] * edges[1]))
    octaves = octave_ticks(edges[2], edges[-1], unit)
    octaves = octaves[:: 1 + (len(octaves) - 1) // (3 if which == "x" else 6)]
    axes.set(**{f"{which}scale": "log", f"{which}lim": (edges[0], edges[-1])})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator([zero, *octaves]))
    axis.set_major_formatter(FuncFormatter(lambda f, _: "0" if f < edges[1] else tick_label(f)))
    axis.set_minor_locator(NullLocator())


def _cells(size: int) -> np.ndarray:
    """First index of each cell: 0, 1, 2, ..., then thirds of an octave."""
    marks = 2.0 ** (np.arange(0, PER_OCTAVE * np.log2(size) + 1) / PER_OCTAVE)
    starts = np.unique(np.append(0, np.ceil(marks - 0.5).astype(int)))
    return starts[starts < size]


def _octave_means(frequency: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means over the cells of the plane, [K], [K] -> [cells], [cells]."""
    starts = _cells(len(frequency) + 1)[1:] - 1
    count = np.diff(np.append(starts, len(frequency)))
    means = [np.add.reduceat(row, starts) / count for row in (frequency, values)]
    return means[0], means[1]
