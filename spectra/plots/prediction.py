"""Predicted power of samples, octave by octave, and what samples really have."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spectra.errors import InputError
from spectra.plots.curves import decibel
from spectra.plots.labels import as_label
from spectra.plots.octaves import STYLES, octave_ticks_of
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.style import MUTED, Layout, house_style
from spectra.schedule import Prediction, Schedule
from spectra.schedule.auditing.account import octaves_of

__all__ = ["plot_prediction", "sampled_octaves"]

DEEPEST = -30.0  # dB, where the axis ends


@house_style()
def plot_prediction(
    schedule: Schedule,
    predictions: Mapping[str, Prediction],
    *,
    samples: Mapping[str, np.ndarray] | None = None,
    axes: Axes | None = None,
    layout: Layout = "wide",
) -> Figure:
    """Power of samples over the data's in every octave: predicted (line) and measured (mark).

    0 dB is right. The prediction is of the solver's error alone, for a denoiser that is a Wiener
    filter: what marks lack beyond the line the network has not learnt. Bars are 95 % intervals
    from the scatter between samples.

    Parameters
    ----------
    schedule
        That all were made along; its basis and variances are those compared in.
    predictions
        Name -> what `predict_error` gave, or `predict_sigmas` of all variances; from 1 to 4.
    samples
        Name, one of those, -> samples [n, C, *spatial] in data values.
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
        No prediction or too many, one of other components, samples of another shape, fewer than
        two of them, not finite, or under a name that was not predicted.
    """
    samples = samples or {}
    if not 0 < len(predictions) <= len(STYLES):
        raise InputError(f"predictions: from 1 to {len(STYLES)} are drawn, not {len(predictions)}")
    for name in samples:
        if name not in predictions:
            raise InputError(f"samples {name!r}: not among {', '.join(predictions)}")
    drawn = open_panel(axes, layout, 4.3 if layout == "wide" else 4.9)
    index, octaves = octaves_of(schedule.frequency, schedule.variance)
    at = np.arange(len(octaves))
    variance = np.bincount(index, schedule.variance.ravel())
    drawn.axhline(0, color=MUTED, lw=1.1, ls="--")
    lowest = 0.0
    room = np.linspace(-0.12, 0.12, len(predictions)) if len(predictions) > 1 else np.zeros(1)
    for (name, one), (colour, mark), aside in zip(predictions.items(), STYLES, room, strict=False):
        if one.ratio.size != schedule.variance.size:
            raise InputError(f"{name}: predicted for {one.ratio.shape}, not {schedule.shape}")
        power = np.bincount(index, (one.ratio * one.variance).ravel())
        line = _shown(np.log(np.maximum(power, 1e-300) / variance))
        drawn.plot(at, line, color=colour, lw=1.8, label=as_label(f"{name}, predicted"))
        lowest = min(lowest, float(line.min()))
        if name in samples:
            middle, low, high = (_shown(row) for row in sampled_octaves(schedule, samples[name]))
            drawn.vlines(at + aside, low, high, color=colour, lw=1.6, alpha=0.7)
            drawn.plot(
                at + aside, middle, color=colour, ls="none", marker=mark, ms=6,
                label=as_label(f"{name}, measured"),
            )  # fmt: skip
            lowest = min(lowest, float(low.min()))
    octave_ticks_of(drawn, octaves, np.bincount(index), narrow=layout == "narrow")
    drawn.set_ylim(bottom=max(1.08 * lowest, DEEPEST) - 0.5)
    drawn.yaxis.set_major_locator(MaxNLocator(6))
    drawn.set_ylabel("power over the data's (dB)")
    return finish_panel(drawn, axes, 2 if layout == "wide" else 1)


def sampled_octaves(
    schedule: Schedule, samples: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ln of the samples' power over the data's in every octave, with its 95 % interval, [O] each.

    Raises
    ------
    InputError
        Samples of another shape, fewer than two, or not finite.
    """
    from scipy import stats

    x = np.asarray(samples, dtype=np.float64)
    if x.ndim < 2 or x.shape[1:] != schedule.shape or len(x) < 2:
        raise InputError(
            f"samples of shape {x.shape}: two or more of shape {schedule.shape} are needed"
        )
    if not np.isfinite(x).all():
        raise InputError("samples: hold NaN or infinities; sample again")
    z = np.abs(schedule.make_basis().forward(x - schedule.mean)).reshape(len(x), -1)
    index, octaves = octaves_of(schedule.frequency, schedule.variance)
    variance = np.bincount(index, schedule.variance.ravel())
    share = np.stack([np.bincount(index, row, len(octaves)) for row in z**2]) / variance  # [n, O]
    mean = np.maximum(share.mean(axis=0), 1e-300)
    half = stats.t.ppf(0.975, len(x) - 1) * share.std(axis=0, ddof=1) / np.sqrt(len(x)) / mean
    return np.log(mean), np.log(mean) - half, np.log(mean) + half


def _shown(log_ratio: np.ndarray) -> np.ndarray:
    """dB, no deeper than the axis."""
    return np.maximum(decibel(log_ratio), DEEPEST)
