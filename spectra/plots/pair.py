"""Two data sets in one figure: their spectra, and what drowns when."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.fit import PowerLaw
from spectra.fit.differences import power_ratio, shared_frequencies
from spectra.frequencies import signed
from spectra.plots.curves import BEYOND, decibel, draw_band, law_in_rings, thinned
from spectra.plots.cutoff import to_the_axis
from spectra.plots.labels import as_label
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.spectrum import POWER
from spectra.plots.style import (
    DATA,
    INK,
    MUTED,
    NOISY,
    Layout,
    finish,
    frequency_axis,
    house_style,
    legend_above,
    new_figure,
    power_axis,
)
from spectra.schedule import FrequencyCutoff, Schedule
from spectra.spectrum import Spectrum
from spectra.spectrum.spectrum import frequency_unit

__all__ = ["plot_two_cutoffs", "plot_two_spectra"]

COLOURS, LINES = (DATA, NOISY), ("-", "--")
ROOM = 10.0  # dB, likewise
FOLD = 44  # letters of a line in a legend


@house_style()
def plot_two_spectra(
    first: Spectrum,
    second: Spectrum,
    fits: Sequence[PowerLaw] = (),
    names: Sequence[str] = (),
    *,
    layout: Layout = "wide",
) -> Figure:
    """The RAPSD of two data sets with 95 % intervals, and the first over the second in dB.

    Parameters
    ----------
    first, second
        Arithmetic means are drawn. Where their units differ, frequencies are in cycles/sample.
    fits
        The power law of each, to be drawn too; none or two.
    names
        Of both, for the legend; by default their own.
    layout
        "wide" or "narrow".

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        They have no frequency in common, or there is one fit or one name only.
    """
    spectra = (first, second)
    names = told_apart(names or [one.name for one in spectra])
    if len(fits) not in (0, 2) or len(names) != 2:
        raise InputError("fits, names: give one for each of the two spectra, or none")
    ratio = power_ratio(first, second)
    *frequencies, unit = shared_frequencies(first, second)
    figure = new_figure(layout, 5.2 if layout == "wide" else 5.6)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2.4, 1.3])
    for i, (one, frequency) in enumerate(zip(spectra, frequencies, strict=True)):
        rows = [np.log(part) for part in (one.power, *one.power_interval())]
        shown, *curve = thinned(frequency, *rows)
        label = as_label(f"{names[i]}, 95 % interval", FOLD)
        if fits:
            low, high = (signed(end) for end in fits[i].interval())
            said = f"{names[i]}: exponent {signed(fits[i].alpha)} (95 %: {low} to {high})"
            label = as_label(said, 96 if layout == "wide" else FOLD)
            law = thinned(frequency, law_in_rings(one, fits[i]))[1]
            top.plot(shown, np.exp(law), color=COLOURS[i], lw=0.9, ls=":")
        draw_band(top, (shown, *curve), COLOURS[i], np.exp)
        top.plot(shown, np.exp(curve[0]), color=COLOURS[i], ls=LINES[i], label=label)
    if fits:
        top.plot([], [], color=MUTED, lw=0.9, ls=":", label="the power laws")
    power_axis(top, POWER if layout == "wide" else "power")
    lowest, highest = top.get_ylim()
    least = min(float(one.power.min()) for one in spectra)
    most = max(float(one.power.max()) for one in spectra)
    top.set_ylim(max(lowest, least / BEYOND), min(highest, most * BEYOND))
    over = thinned(ratio.frequency, ratio.log_ratio, ratio.low, ratio.high)
    bottom.axhline(0, color=MUTED, lw=0.9)
    draw_band(bottom, over, INK, decibel)
    bottom.plot(over[0], decibel(over[1]), color=INK, lw=1.4)
    _fit_to(bottom, over)
    bottom.set_ylabel("first / second (dB)")
    every = np.sort(np.concatenate(frequencies))
    few = 4 if layout == "narrow" and every[0] < 0.01 else 6  # such labels are long
    frequency_axis(bottom, every, f"frequency ({unit})", unit=unit, most=few)
    legend_above(figure, [top], 2 if layout == "wide" and not fits else 1)
    return finish(figure)


@house_style()
def plot_two_cutoffs(
    first: FrequencyCutoff | Schedule,
    second: FrequencyCutoff | Schedule,
    names: Sequence[str] = ("first", "second"),
    *,
    axes: Axes | None = None,
    layout: Layout = "wide",
) -> Figure:
    """f_max(t), the largest frequency still above the noise, of two data sets or two schedules.

    Parameters
    ----------
    first, second
        A cutoff is drawn with its 95 % interval. Where their units differ, frequencies are in
        cycles/sample.
    names
        Of both, for the legend.
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
        One of them is a schedule of places, which have no frequency, or there are not two names.
    """
    if len(names) != 2:
        raise InputError("names: give one for each of the two")
    names = told_apart(names)
    t = np.linspace(0, 1, 801)  # [T]
    units, factors = _scales(first, second)
    curves = [factor * _f_max(one, t) for one, factor in zip((first, second), factors, strict=True)]
    if not all(np.isfinite(curve).all() for curve in curves):
        raise InputError("f_max: a schedule that is ordered by place has no frequency; give others")
    floor = min(factors[i] * _lowest(one) for i, one in enumerate((first, second))) / 1.12
    top = max(float(curve[:, 0].max()) for curve in curves)
    panel = open_panel(axes, layout, 4.2)
    for i, curve in enumerate(curves):
        f_max, low, high = curve.T
        banded = isinstance((first, second)[i], FrequencyCutoff)
        if banded:
            low, high = np.maximum(low, floor), np.maximum(high, floor)
            panel.fill_between(t, low, high, color=COLOURS[i], alpha=0.2, lw=0)
        f_max = to_the_axis(np.maximum(f_max, floor), floor)
        label = as_label(f"{names[i]}{', 95 % interval' if banded else ''}", FOLD)
        panel.plot(t, f_max, color=COLOURS[i], ls=LINES[i], label=label)
    ends = np.array([floor * 1.12, max(top, 2 * floor)])
    frequency_axis(panel, ends, f"f_max ({units})", unit=units, which="y")
    panel.set_ylim(bottom=floor)
    panel.set_xlim(0, 1)
    panel.set_xlabel(f"time t ({_process(first, second)}0 data, 1 noise)")
    return finish_panel(panel, axes, 2 if layout == "wide" else 1)


def _f_max(subject: FrequencyCutoff | Schedule, t: np.ndarray) -> np.ndarray:
    """f_max with the ends of its interval, itself where there is none, [T, 3] in cycles/sample."""
    f_max = subject.f_max(t)
    ends = subject.interval(t) if isinstance(subject, FrequencyCutoff) else (f_max, f_max)
    return np.stack([f_max, *ends], axis=1)


def _lowest(subject: FrequencyCutoff | Schedule) -> float:
    """The lowest frequency above 0 that it knows, cycles/sample."""
    schedule = isinstance(subject, Schedule)
    known = subject.radial_frequency if schedule else subject.spectrum.frequency
    return float(known[known > 0].min())


def _scales(*subjects: FrequencyCutoff | Schedule) -> tuple[str, list[float]]:
    """The unit both are shown in, and what turns cycles/sample into it."""
    units, factors = [], []
    for one in subjects:
        if isinstance(one, Schedule):
            units.append(frequency_unit(one.shape))
            factors.append(1.0)
        else:
            units.append(one.spectrum.unit)
            factors.append(float(one.spectrum.physical_frequency[0] / one.spectrum.frequency[0]))
    if len(set(units)) == 1:
        return units[0], factors
    return "cycles/sample", [1.0] * len(subjects)


def _process(*subjects: FrequencyCutoff | Schedule) -> str:
    """The process of cutoffs, where it is one."""
    found = {one.process.name for one in subjects if isinstance(one, FrequencyCutoff)}
    return f"{found.pop()}; " if len(found) == 1 else ""


def told_apart(names: Sequence[str]) -> list[str]:
    """Two names that differ."""
    if len(set(names)) == len(names):
        return list(names)
    return [f"{name} ({place})" for name, place in zip(names, ("first", "second"), strict=False)]


def _fit_to(axes: Axes, ratio: Sequence[np.ndarray]) -> None:
    """Limits that show the whole curve and 0 dB, and of its band what leaves both readable."""
    _, middle, low, high = (np.append(decibel(part), 0.0) for part in ratio)
    least, most = middle.min(), middle.max()
    room = max(ROOM, 1.5 * (most - least))
    below, above = least - min(least - low.min(), room), most + min(high.max() - most, room)
    slack = 0.05 * (above - below) or 1.0
    axes.set_ylim(below - slack, above + slack)
