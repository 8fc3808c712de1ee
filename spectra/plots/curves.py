"""Curves of ln power with their intervals, and how they are drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from spectra.errors import InputError
from spectra.fit import PowerLaw
from spectra.fit.rings import Bend, ModeNoise, examples_behind
from spectra.spectrum import Spectrum, rapsd

__all__ = [
    "BEYOND",
    "Curve",
    "as_curve",
    "decibel",
    "draw_band",
    "law_in_rings",
    "mean_curve",
    "reach_of",
    "single_curves",
    "thinned",
]

PER_OCTAVE = 48  # points of a long curve; a page shows no more
LONG = 512
BEYOND = 100.0  # how far from the curves an axis may go for their intervals
STRAIGHT = ("plain", "log-resampled")  # fits of a line, whatever the window
UNCORRECTED = ("whittle", "log-resampled")  # fits of the average itself, not of ln P

# Frequency [F] in cycles/sample; mean, low and high of ln power, [F] each.
Curve = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def mean_curve(spectrum: Spectrum, average: str) -> Curve:
    """ln of the mean power ("arithmetic"), or the mean of ln power ("log"), 95 % interval."""
    from scipy import stats

    if average == "arithmetic" or np.isinf(spectrum.degrees("log")):
        low, high = (np.log(end / spectrum.power) for end in spectrum.power_interval(0.95))
    else:
        error = np.sqrt(np.diagonal(spectrum.log_covariance("log")).clip(0))
        high = stats.t.ppf(0.975, spectrum.degrees("log")) * error
        low = -high
    mean = np.log(spectrum.power) if average == "arithmetic" else spectrum.log_power
    return spectrum.frequency, mean, mean + low, mean + high


def as_curve(value: Curve | Spectrum | np.ndarray) -> Curve:
    """Mean of ln power over images, of a Spectrum or [N, C, H, W]; a curve stays as it is."""
    if isinstance(value, tuple):
        return value
    if isinstance(value, Spectrum):
        return mean_curve(value, "log")
    power, frequency = rapsd(np.asarray(value, dtype=np.float64), window="hann")
    # The logarithm of each channel, then their mean: as a Spectrum's log_power has it.
    log_power = np.log(np.maximum(power, np.finfo(np.float32).tiny))
    log_power = log_power.reshape(len(power), -1, len(frequency)).mean(axis=1)  # [N, F]
    mean = log_power.mean(axis=0)
    half = np.zeros_like(mean)  # one image has no scatter to draw
    if len(power) > 1:
        from scipy import stats

        error = log_power.std(axis=0, ddof=1) / np.sqrt(len(power))
        half = stats.t.ppf(0.975, len(power) - 1) * error
    return frequency, mean, mean - half, mean + half


def law_in_rings(spectrum: Spectrum, fit: PowerLaw) -> np.ndarray:
    """ln of what the fitted law gives in each ring, as that fit looked at the average, [F].

    Most fits know how a taper and the rings' width bend a law, and how far below ln P the mean of
    a logarithm lies; the straight lines of the post do not.
    """
    frequency = spectrum.frequency
    every = np.arange(len(frequency))
    law = fit.predict(frequency)
    if fit.method not in STRAIGHT:
        bend = Bend.of(spectrum, every)
        knee = (fit.knee / frequency) ** fit.alpha if fit.knee > 0 else 0.0
        slope = fit.alpha / (1 + knee) * np.ones_like(frequency)  # the local one
        law = (law - fit.floor) * np.exp(bend.at(slope)) + fit.floor * np.exp(bend.at(0.0))
    if fit.method in UNCORRECTED:
        return np.log(law)
    examples = examples_behind(spectrum, fit.average)
    return np.log(law) + ModeNoise.of(spectrum, every, examples).bias


def thinned(frequency: np.ndarray, *rows: np.ndarray) -> tuple[np.ndarray, ...]:
    """Means over 48ths of an octave where a curve is long, [F] and [..., F] each."""
    if len(frequency) <= LONG:
        return frequency, *rows
    cell = np.floor(PER_OCTAVE * np.log2(frequency / frequency[0]))
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    count = np.diff(np.append(starts, len(frequency)))
    return tuple(np.add.reduceat(row, starts, axis=-1) / count for row in (frequency, *rows))


def single_curves(singles: Any, frequency: np.ndarray) -> np.ndarray:
    """Power of single images for a logarithmic axis, [n, F] or [n, C, F] -> [n, F].

    Raises
    ------
    InputError
        The last axis is not as long as `frequency`.
    """
    rows = np.asarray(singles, dtype=np.float64)
    if rows.ndim == 3:
        rows = rows.mean(axis=1)
    if rows.ndim != 2 or rows.shape[1] != len(frequency):
        raise InputError(
            f"singles of shape {rows.shape}: [n, {len(frequency)}] is needed, one row per image "
            "at the spectrum's rings"
        )
    # A ring without power has no place on a logarithmic axis; the line breaks there.
    return np.where(rows > 0, rows, np.nan)


def draw_band(axes: Axes, curve: Sequence[np.ndarray], colour: str, scale: Any) -> None:
    """The interval of a curve, through `scale` (np.exp or decibel)."""
    frequency, _, low, high = curve
    axes.fill_between(frequency, scale(low), scale(high), color=colour, alpha=0.2, lw=0)


def decibel(log_ratio: np.ndarray) -> np.ndarray:
    """Natural logarithm of a power ratio -> dB."""
    return 10 / np.log(10) * log_ratio


def reach_of(curves: Sequence[Sequence[np.ndarray]], band: Sequence[np.ndarray]) -> float:
    """Half height, dB, of a panel about the curves: a far wider band may run out of it."""
    curve = max(float(np.abs(decibel(curve[1])).max()) for curve in curves)
    ends = float(np.abs(decibel(np.stack(band[2:]))).max())
    return max(1.5, 1.25 * curve, min(1.1 * ends, 4 * curve))
