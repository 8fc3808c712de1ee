"""Spectra as curves: of the data with its law, of samples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.fit import PowerLaw
from spectra.fit.floors import Floor
from spectra.frequencies import FrequencyScale, frequency_scale, heard_peak, signed
from spectra.plots.curves import (
    BEYOND,
    Curve,
    as_curve,
    decibel,
    draw_band,
    law_in_rings,
    mean_curve,
    reach_of,
    single_curves,
    thinned,
)
from spectra.plots.labels import as_label
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.style import (
    DATA,
    DERIVED,
    FIT,
    INK,
    MUTED,
    NOISE,
    NOISY,
    SERIES,
    Layout,
    finish,
    frequency_axis,
    house_style,
    legend_above,
    new_figure,
    power_axis,
)
from spectra.spectrum import Spectrum
from spectra.spectrum.spectrum import Average

__all__ = ["POWER", "plot_rapsd", "plot_sample_spectrum", "plot_spectra"]

FREQUENCY = "frequency (cycles/pixel)"
POWER = "power (white unit noise = 1)"
DEEPEST = 1e-3  # under the least power, where the axis ends
FLOOR_MARKS = ("v", "s", "D", "^", "P")
SHORT_NAME = 20  # characters, of which four fit above a wide panel
COLOURS, LINES = (DATA, *SERIES), ("-", "--", "-.", ":")


@house_style()
def plot_rapsd(
    spectrum: Spectrum,
    fit: PowerLaw,
    singles: Any = None,
    floors: Sequence[Floor] = (),
    *,
    layout: Layout = "wide",
) -> Figure:
    """Mean RAPSD with its 95 % interval, the fitted power law, and what the law leaves over.

    The law is solid over the fitted range and dashed outside; it is drawn as the window and the
    rings show it, which is what was fitted. Of sound the mean of logs is drawn
    too, with its peak above 20 Hz.

    Parameters
    ----------
    spectrum
        Measured spectrum; the average drawn is the one that `fit` is about.
    fit
        Its power law.
    singles
        RAPSD of single examples at the spectrum's rings, [n, F] or [n, C, F]; thin lines.
    floors
        What ends the spectrum; marked where it begins.
    layout
        "wide" or "narrow".

    Returns
    -------
    Figure
    """
    scale = frequency_scale(spectrum)
    curve = mean_curve(spectrum, fit.average)
    law = law_in_rings(spectrum, fit)  # [F]
    figure = new_figure(layout, 5.2 if layout == "wide" else 5.4)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.15])
    frequency, *curves = thinned(spectrum.frequency, *curve[1:], law, spectrum.log_power)
    mean, low, high, law, of_logs = curves
    shown = frequency * scale.factor

    single = np.zeros((0, len(spectrum.frequency)))
    if singles is not None:
        single = single_curves(singles, spectrum.frequency)
    for i, row in enumerate(thinned(spectrum.frequency, single)[1]):
        top.plot(shown, row, color=NOISE, lw=0.7, alpha=0.6, label="" if i else "single examples")
    draw_band(top, (shown, mean, low, high), DATA, np.exp)
    name = "mean" if fit.average == "arithmetic" else "mean of logs"
    files = f"{spectrum.n} examples from {spectrum.n_files} files"
    top.plot(shown, np.exp(mean), color=DATA, label=f"{name} of {files}, 95 % interval")
    if spectrum.unit == "Hz":
        _heard(top, spectrum, shown, np.exp(of_logs), scale, fit.average == "arithmetic")
    lowest, highest = fit.interval(0.95)
    between = f"95 %: {signed(lowest)} to {signed(highest)}"
    label = f"{_law_name(fit)}, exponent {signed(fit.alpha)} ({between})"
    _law(top, frequency, np.exp(law), fit, scale.factor, label)
    if fit.knee > 0:
        at = fit.knee * scale.factor
        top.axvline(at, color=FIT, lw=0.9, ls=":", label=f"knee at {scale.say(fit.knee)}")
    reached = {floor.name for floor in floors}
    floor = spectrum.quantisation_floor
    if floor > 0 and "quantisation" not in reached:
        # A fine grid's floor, decades under the data, would only squeeze the curves.
        seen = floor > DEEPEST * spectrum.power.min()
        label = f"rounding noise of the value grid ({floor:.1e}{'' if seen else ', off the axis'})"
        top.axhline(floor if seen else np.nan, color=MUTED, lw=1.2, ls=":", label=label)
    _floors(top, spectrum, floors, scale)
    power_axis(top, POWER)
    # Nor does a silent example say anything decades under them all, or an interval far above.
    lowest_seen, highest_seen = top.get_ylim()
    most = max(float(np.exp(mean.max())), float(single.max(initial=0.0)))
    least = DEEPEST * float(np.exp(mean.min()))
    top.set_ylim(max(lowest_seen, least), min(highest_seen, BEYOND * most))

    residual = (shown, mean - law, low - law, high - law)
    _law(bottom, frequency, np.zeros_like(law), fit, scale.factor, "")
    draw_band(bottom, residual, DATA, decibel)
    marker = "." if len(frequency) < 130 else ""
    bottom.plot(shown, decibel(residual[1]), color=DATA, marker=marker, ms=4, lw=1.2)
    reach = reach_of([residual], residual)
    bottom.set_ylim(-reach, reach)
    bottom.set_ylabel("mean / law (dB)")
    frequency_axis(bottom, shown, scale.label, unit=scale.unit)
    legend_above(figure, [top], 2 if layout == "wide" else 1)
    return finish(figure)


@house_style()
def plot_spectra(
    spectra: Mapping[str, Curve | Spectrum | np.ndarray],
    *,
    average: Average = "log",
    axes: Axes | None = None,
    layout: Layout = "wide",
) -> Figure:
    """Spectra of several images or data sets in one panel, with 95 % intervals.

    Parameters
    ----------
    spectra
        Name -> a Spectrum, images [N, C, H, W] (Hann-windowed, mean of logs; one image alone has
        no interval), or a curve: frequency in cycles/pixel, then mean, low and high of ln power,
        [F] each. Their rings may differ.
    average
        Over the examples of a Spectrum: "log" (mean of logs) or "arithmetic" (mean power).
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
        There is no spectrum, or their frequencies have different units.
    """
    if not spectra:
        raise InputError("spectra: empty; give at least one")
    scales = {frequency_scale(one) for one in spectra.values() if isinstance(one, Spectrum)}
    if len(scales) > 1:
        raise InputError("spectra: their frequencies have different units; draw a figure for each")
    scale = next(iter(scales), FrequencyScale())
    panel = open_panel(axes, layout, 4.2 if layout == "wide" else 4.4)
    shown, deepest = [], []
    for i, (name, value) in enumerate(spectra.items()):
        curve = mean_curve(value, average) if isinstance(value, Spectrum) else as_curve(value)
        frequency, *rows = thinned(*curve)
        colour, line = COLOURS[i % len(COLOURS)], LINES[i // len(COLOURS) % len(LINES)]
        draw_band(panel, (scale.factor * frequency, *rows), colour, np.exp)
        shown.append(scale.factor * frequency)
        panel.plot(shown[-1], np.exp(rows[0]), color=colour, ls=line, label=as_label(name))
        deepest.append(float(np.exp(rows[0].min())))
    power_axis(panel, POWER)
    # The foot of an interval, or a silent example, would only squeeze the curves.
    low, high = panel.get_ylim()
    panel.set_ylim(max(low, min(deepest) / 4, DEEPEST * float(np.median(deepest))), high)
    frequency_axis(panel, np.concatenate(shown), scale.label, unit=scale.unit)
    columns = 4 if max(map(len, spectra)) <= SHORT_NAME else 2
    return finish_panel(panel, axes, columns if layout == "wide" else 1)


@house_style()
def plot_sample_spectrum(
    sample_spectra: Mapping[str, Curve | Spectrum | np.ndarray],
    data: Curve | Spectrum | np.ndarray,
    *,
    layout: Layout = "wide",
) -> Figure:
    """Spectrum of samples over that of the data, and their ratio in decibels.

    Parameters
    ----------
    sample_spectra
        Run's name -> images [N, C, H, W], a Spectrum, or a curve: frequency in cycles/pixel,
        then mean, low and high of ln power, [F] each. Always the mean of logs, Hann-windowed.
    data
        Any of the three.
    layout
        "wide" or "narrow".

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There are no samples, or their rings are not those of the data.
    """
    if not sample_spectra:
        raise InputError("sample_spectra: empty; give the spectrum of at least one run")
    reference = as_curve(data)
    frequency = np.asarray(reference[0])
    figure = new_figure(layout, 5.0 if layout == "wide" else 5.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1.5])
    draw_band(top, reference, DATA, np.exp)
    top.plot(frequency, np.exp(reference[1]), color=DATA, lw=2.6, label="data, 95 % interval")
    zero = (frequency, *(part - reference[1] for part in reference[1:]))
    draw_band(bottom, zero, DATA, decibel)
    bottom.axhline(0, color=DATA, lw=2.6)
    ratios = []
    for i, (name, value) in enumerate(sample_spectra.items()):
        curve = as_curve(value)
        if len(curve[0]) != len(frequency) or not np.allclose(curve[0], frequency):
            raise InputError(f"{name}: its rings are not the data's; measure at the same size")
        colour, line = SERIES[i % len(SERIES)], LINES[i % len(LINES)]
        draw_band(top, curve, colour, np.exp)
        label = as_label(f"samples: {name}")
        top.plot(frequency, np.exp(curve[1]), color=colour, ls=line, label=label)
        ratio = (frequency, *(part - reference[1] for part in curve[1:]))
        draw_band(bottom, ratio, colour, decibel)
        bottom.plot(frequency, decibel(ratio[1]), color=colour, ls=line)
        ratios.append(ratio)
    reach = reach_of(ratios, zero)
    bottom.set_ylim(-reach, reach)
    top.set_yscale("log")
    top.set_ylabel(POWER)
    bottom.set_ylabel("samples / data (dB)")
    frequency_axis(bottom, frequency, FREQUENCY)
    legend_above(figure, [top], 3 if layout == "wide" else 1)
    return finish(figure)


def _law(
    axes: Axes, frequency: np.ndarray, law: np.ndarray, fit: PowerLaw, factor: float, label: str
) -> None:
    """The law over all frequencies [F] (cycles/sample), and more strongly where it was fitted."""
    axes.plot(factor * frequency, law, color=FIT, lw=1.1, ls=(0, (4, 3)))
    inside = (frequency >= fit.f_range[0] * 0.999) & (frequency <= fit.f_range[1] * 1.001)
    axes.plot(factor * frequency[inside], law[inside], color=FIT, lw=1.5, label=label)


def _law_name(fit: PowerLaw) -> str:
    parts = [name for name, value in (("a knee", fit.knee), ("a floor", fit.floor)) if value > 0]
    return "power law" + (f" with {' and '.join(parts)}" if parts else "")


def _heard(
    axes: Axes,
    spectrum: Spectrum,
    shown: np.ndarray,
    of_logs: np.ndarray,
    scale: FrequencyScale,
    draw: bool,
) -> None:
    """The mean of logs, where it is not the mean that is drawn, and its peak."""
    if draw and np.isfinite(of_logs).all():
        axes.plot(shown, of_logs, color=DERIVED, lw=1.2, ls="--", label="mean of logs")
    peak = heard_peak(spectrum)
    if peak is None:
        return
    at = spectrum.frequency[peak]
    axes.plot(
        at * scale.factor,
        np.exp(spectrum.log_power[peak]),
        ls="none",
        marker="o",
        ms=7,
        mfc="none",
        mec=INK,
        mew=1.4,
        label=f"peak of the mean of logs: {scale.say(at)}",
    )


def _floors(axes: Axes, spectrum: Spectrum, floors: Sequence[Floor], scale: FrequencyScale) -> None:
    """Each from where it begins, at its level."""
    last = float(spectrum.physical_frequency[-1])
    for floor, mark in zip(floors, FLOOR_MARKS, strict=False):
        at = floor.frequency * scale.factor
        axes.axvline(at, color=MUTED, lw=0.9, ls=":")
        height = np.interp(floor.frequency, spectrum.frequency, spectrum.power)
        if np.isfinite(floor.level) and floor.level > 0:
            height = floor.level
            axes.plot([at, max(at, last)], [height] * 2, color=NOISY, lw=1.2, ls=":")
        label = f"{floor.name} from {scale.say(floor.frequency)}"
        axes.plot(at, height, ls="none", marker=mark, ms=7, mfc=NOISY, mec=INK, label=label)
