"""What drowns when: f_max(t)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.frequencies import frequency_scale
from spectra.plots.curves import single_curves
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.style import (
    DATA,
    DERIVED,
    INK,
    MUTED,
    NOISE,
    NOISY,
    STANDARD,
    Layout,
    frequency_axis,
    house_style,
)
from spectra.schedule import FrequencyCutoff
from spectra.schedule.cutoff import last_crossing

__all__ = ["TRANSITION", "example_cutoffs", "plot_cutoff", "to_the_axis"]

TRANSITION = (0.1, 10.0)  # SNR between which neither signal nor noise has the upper hand
COLOURS, LINES = (DATA, NOISY, DERIVED, STANDARD, INK), ("-", "--", "-.", ":")
SPREAD = (0.1, 0.9)
BRIEF = 0.2  # of the time axis: what drowns within less is drawn over a part of it


@house_style()
def plot_cutoff(
    cutoffs: Sequence[FrequencyCutoff],
    singles: Any = None,
    *,
    axes: Axes | None = None,
    layout: Layout = "wide",
) -> Figure:
    """Largest detectable frequency f_max(t) with its 95 % interval, a curve per cutoff.

    Of several processes each has its colour, and each threshold its line. Of one process the
    grey zone is where 0.1 < SNR < 10. Where the spectrum is not monotone, lower frequencies
    drown before f_max does; these times are hatched. The axis ends about the times at which
    something drowns where these are few, as of values far from unit scale.

    Parameters
    ----------
    cutoffs
        Of one spectrum: up to five processes, and up to four thresholds of each.
    singles
        Power of single examples at the spectrum's rings, [n, F] or [n, C, F], as `rapsd` gives
        it: the middle 80 % of their own f_max at the first cutoff's process and threshold.
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
        There is no cutoff, they are of several spectra, or `singles` has other rings.

    Examples
    --------
    >>> from spectra.plots import plot_cutoff, save_figure
    >>> spectrum = spectra.analyze(spectra.open_source("photos", size=64, crop="center"))
    >>> names = ("rectified-flow", "vp-cosine")
    >>> cutoffs = [spectra.frequency_cutoff(spectrum, process=name) for name in names]
    >>> save_figure(plot_cutoff(cutoffs), "f_max.svg")
    """
    if not cutoffs:
        raise InputError("cutoffs: none given; make one with frequency_cutoff(spectrum)")
    first = cutoffs[0]
    if any(cutoff.spectrum is not first.spectrum for cutoff in cutoffs):
        raise InputError("cutoffs: they are of several spectra; draw a figure for each")
    processes = list(dict.fromkeys(cutoff.process.name for cutoff in cutoffs))
    thresholds = list(dict.fromkeys(cutoff.threshold for cutoff in cutoffs))
    scale = frequency_scale(first.spectrum)
    frequency = first.spectrum.physical_frequency
    start, end = _times_shown(cutoffs)
    t = np.linspace(start, end, 401)  # [T]
    floor = float(frequency.min()) / 1.12  # where the axis ends: nothing is detectable
    panel = open_panel(axes, layout, 4.4 if layout == "wide" else 4.3)

    if len(processes) == 1:
        low, high = (
            np.maximum(scale.factor * replace(first, threshold=snr).f_max(t), floor)
            for snr in TRANSITION[::-1]
        )
        panel.fill_between(t, low, high, color=NOISE, alpha=0.2, lw=0, label="0.1 < SNR < 10")
    if singles is not None and len(singles):
        single = single_curves(singles, first.spectrum.frequency)
        ends = np.quantile(example_cutoffs(first, single, t), SPREAD, axis=0)
        low, high = np.maximum(scale.factor * ends, floor)
        label = f"10–90 % of {len(single)} single examples"
        panel.fill_between(t, low, high, color=DATA, alpha=0.12, lw=0)
        panel.plot(t, to_the_axis(low, floor), color=DATA, lw=0.9, ls=(0, (1, 1.5)), label=label)
        panel.plot(t, to_the_axis(high, floor), color=DATA, lw=0.9, ls=(0, (1, 1.5)))
    for i, cutoff in enumerate(cutoffs):
        row, column = processes.index(cutoff.process.name), thresholds.index(cutoff.threshold)
        colour = COLOURS[(row if len(processes) > 1 else column) % len(COLOURS)]
        low, high = (np.maximum(scale.factor * end, floor) for end in cutoff.interval(t, 0.95))
        panel.fill_between(t, low, high, color=colour, alpha=0.22, lw=0)
        name = f"{cutoff.process.name}, " if len(processes) > 1 else "f_max at "
        label = f"{name}SNR > {cutoff.threshold:g}" + (", 95 % interval" if i == 0 else "")
        f_max = np.maximum(scale.factor * cutoff.f_max(t), floor)
        line = LINES[column % len(LINES)]
        panel.plot(t, to_the_axis(f_max, floor), color=colour, ls=line, label=label)
    holes = np.any([cutoff.has_holes(t) for cutoff in cutoffs], axis=0)
    if holes.any():
        panel.fill_between(
            t,
            0,
            1,
            where=holes.tolist(),
            transform=panel.get_xaxis_transform(),
            facecolor="none",
            edgecolor=MUTED,
            alpha=0.6,
            lw=0,
            hatch="///",
            label="some lower frequency already drowned",
        )
    frequency_axis(panel, frequency, scale.label, unit=scale.unit, which="y")
    panel.set_ylim(bottom=floor)
    panel.set_xlim(start, end)
    if end - start < 1:
        panel.locator_params(axis="x", nbins=4)  # their labels are long
        panel.ticklabel_format(axis="x", useOffset=False, style="plain")
    told = f"{first.process.name}; " if len(processes) == 1 else ""
    panel.set_xlabel(f"time t ({told}0 data, 1 noise)")
    return finish_panel(panel, axes, 3 if layout == "wide" else 1)


def _times_shown(cutoffs: Sequence[FrequencyCutoff]) -> tuple[float, float]:
    """Ends of the time axis: 0 and 1, unless all that is drawn moves within a part of it."""
    power = cutoffs[0].spectrum.power
    ends = np.log([power[power > 0].min(), power.max()])
    snrs = np.log([*TRANSITION, *(cutoff.threshold for cutoff in cutoffs)])
    levels = np.array([snrs.max() - ends[0], snrs.min() - ends[1]])  # log-SNR of unit power
    times = np.concatenate([cutoff.process.time(levels) for cutoff in cutoffs])
    start, end = float(times.min()), float(times.max())
    if end - start >= BRIEF:
        return 0.0, 1.0
    margin = (end - start) / 10
    return max(0.0, start - margin), min(1.0, end + margin)


def example_cutoffs(cutoff: FrequencyCutoff, power: np.ndarray, t: np.ndarray) -> np.ndarray:
    """f_max(t) of single examples by their own spectra, [n, F], [T] -> [n, T] cycles/pixel.

    A ring without power is never above the noise.
    """
    frequency, level = cutoff.spectrum.frequency, -cutoff.process.log_snr(t)
    level = level + np.log(cutoff.threshold)  # ln of the power that is just detectable, [T]
    logs = np.log(np.where(power > 0, power, 1e-300))
    return np.stack([last_crossing(frequency, row, level) for row in logs])


def to_the_axis(curve: np.ndarray, floor: float) -> np.ndarray:
    """The curve as far as where it first meets the foot of the axis."""
    drowned = np.flatnonzero(curve <= floor)
    shown = curve.copy()
    shown[drowned[1:]] = np.nan
    return shown
