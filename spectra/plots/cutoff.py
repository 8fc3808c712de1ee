"""What drowns when: f_max(t)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.frequencies import frequency_scale
from spectra.plots.style import (
    DATA,
    INK,
    MUTED,
    NOISE,
    NOISY,
    Layout,
    finish,
    frequency_axis,
    house_style,
    legend_above,
    new_figure,
)
from spectra.schedule import FrequencyCutoff

__all__ = ["plot_cutoff"]

TRANSITION = (0.1, 10.0)  # SNR between which neither signal nor noise has the upper hand


@house_style()
def plot_cutoff(cutoffs: Sequence[FrequencyCutoff], *, layout: Layout = "wide") -> Figure:
    """Largest detectable frequency f_max(t) with its 95 % interval, a curve per SNR threshold.

    The grey zone is where 0.1 < SNR < 10. Where the spectrum is not monotone, lower
    frequencies drown before f_max does; these times are hatched.

    Parameters
    ----------
    cutoffs
        Of one spectrum and one process, at one or two thresholds.
    layout
        "wide" or "narrow".

    Raises
    ------
    InputError
        There is no cutoff.
    """
    if not cutoffs:
        raise InputError("cutoffs: none given; make one with frequency_cutoff(spectrum)")
    first = cutoffs[0]
    scale = frequency_scale(first.spectrum)
    frequency = first.spectrum.physical_frequency
    t = np.linspace(0, 1, 801)  # [T]
    figure = new_figure(layout, 4.4 if layout == "wide" else 4.3)
    axes = figure.subplots()
    floor = float(frequency.min()) / 1.12  # where the axis ends: nothing is detectable

    low, high = (
        np.maximum(scale.factor * replace(first, threshold=snr).f_max(t), floor)
        for snr in TRANSITION[::-1]
    )
    axes.fill_between(t, low, high, color=NOISE, alpha=0.2, lw=0, label="0.1 < SNR < 10")
    for i, (cutoff, colour, line) in enumerate(
        zip(cutoffs, (DATA, NOISY, INK), ("-", "--", "-."), strict=False)
    ):
        low, high = (np.maximum(scale.factor * end, floor) for end in cutoff.interval(t, 0.95))
        axes.fill_between(t, low, high, color=colour, alpha=0.22, lw=0)
        label = f"f_max at SNR > {cutoff.threshold:g}" + (", 95 % interval" if i == 0 else "")
        f_max = scale.factor * cutoff.f_max(t)
        drowned = np.flatnonzero(f_max == 0)  # the curve ends where it meets the axis
        f_max[drowned[:1]], f_max[drowned[1:]] = floor, np.nan
        axes.plot(t, f_max, color=colour, ls=line, label=label)
    holes = np.any([cutoff.has_holes(t) for cutoff in cutoffs], axis=0)
    if holes.any():
        axes.fill_between(
            t,
            0,
            1,
            where=holes.tolist(),
            transform=axes.get_xaxis_transform(),
            facecolor="none",
            edgecolor=MUTED,
            alpha=0.6,
            lw=0,
            hatch="///",
            label="some lower frequency already drowned",
        )
    frequency_axis(axes, frequency, scale.label, unit=scale.unit, which="y")
    axes.set_ylim(bottom=floor)
    axes.set_xlim(0, 1)
    axes.set_xlabel(f"time t ({first.process.name}; 0 data, 1 noise)")
    legend_above(figure, [axes], 3 if layout == "wide" else 1)
    return finish(figure)
