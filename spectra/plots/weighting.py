"""What a training recipe cares about: its implied weight per frequency."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from spectra.errors import InputError
from spectra.frequencies import FrequencyScale
from spectra.plots.labels import as_label
from spectra.plots.style import (
    MUTED,
    SERIES,
    Layout,
    finish,
    frequency_axis,
    house_style,
    legend_above,
    new_figure,
)
from spectra.schedule.weights.weighting import ImpliedWeights, octave_shares

__all__ = ["plot_weighting"]

PER_OCTAVE = 3  # points of a curve
MARKS = ("o", "s", "D", "^", "v")
DEEPEST = 1e-4  # of the mean weight, where the axis ends


@house_style()
def plot_weighting(
    weights: Mapping[str, ImpliedWeights],
    *,
    scale: FrequencyScale | None = None,
    layout: Layout = "wide",
) -> Figure:
    """Weight per frequency that training recipes imply, and where their losses lie.

    First panel: what a nat at each frequency counts, each recipe over its geometric mean over
    octaves; the variational bound is the level line. Second: the share of the objective that each
    octave makes up at the best linear denoiser.

    Parameters
    ----------
    weights
        Name -> what `implied_weights` or `schedule_weights` gave, of one data set; at most 5.
    scale
        Of the frequencies shown; cycles/pixel where it is not given.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Nothing to draw, more than 5, or components that have no frequency.
    """
    if not 0 < len(weights) <= len(SERIES):
        raise InputError(f"weights: from 1 to {len(SERIES)} recipes are drawn, not {len(weights)}")
    scale = scale or FrequencyScale()
    wide = layout == "wide"
    figure = new_figure(layout, 4.2 if wide else 6.4)
    panels = figure.subplots(1 if wide else 2, 2 if wide else 1, squeeze=False).ravel()
    left, right = panels
    left.axhline(1, color=MUTED, lw=1.1, ls="--", label="likelihood: every nat alike")
    highest, lowest = 1.0, 1.0
    for (name, one), colour, mark in zip(weights.items(), SERIES, MARKS, strict=False):
        edges, share = octave_shares(one)
        frequency, weight = _curve(one)
        shown = frequency * scale.factor
        dots = mark if len(shown) < 3 else ""
        left.plot(shown, weight, color=colour, marker=dots, ms=5, label=as_label(name))
        highest, lowest = max(highest, weight.max()), min(lowest, weight.min())
        middle = np.sqrt(edges[1:] * edges[:-1]) * scale.factor
        right.plot(middle, share, color=colour, marker=mark, ms=5, label=as_label(name))
        for axes in panels:
            frequency_axis(axes, shown, scale.label, unit=scale.unit, most=6 if wide else 5)
    _weight_axis(left, max(lowest / 1.4, DEEPEST), highest * 1.4)
    left.set_ylabel("weight of a nat\n(mean over octaves = 1)")
    right.set_ylabel("share of the loss per octave")
    right.yaxis.set_major_locator(MaxNLocator(5))
    right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
    right.set_ylim(bottom=0)
    legend_above(figure, [left], 3 if wide else 1)
    return finish(figure)


def _curve(weights: ImpliedWeights) -> tuple[np.ndarray, np.ndarray]:
    """Mean weight at each frequency, over its geometric mean over octaves, ([P], [P]).

    Thirds of an octave, or the single frequencies where those are further apart.
    """
    frequency, weight = weights.frequency.ravel(), weights.weight.ravel()
    used = frequency > 0
    if not used.any():
        raise InputError("weights: no component has a frequency; choose dct or fourier")
    frequency, weight = frequency[used], weight[used]
    _, cell = np.unique(np.round(PER_OCTAVE * np.log2(frequency)), return_inverse=True)
    count = np.bincount(cell)
    at = np.exp(np.bincount(cell, np.log(frequency)) / count)
    mean = np.bincount(cell, weight) / count
    level = np.log(np.maximum(mean, 1e-300))
    if len(at) > 1:
        octaves = np.gradient(np.log(at))
        return at, np.exp(level - (octaves * level).sum() / octaves.sum())
    return at, np.ones(1)


def _weight_axis(axes: Axes, low: float, high: float) -> None:
    """Logarithmic, in plain numbers."""
    axes.set(yscale="log", ylim=(low, high))
    few = high < 100 * low
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
