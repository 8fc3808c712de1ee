"""How far the spectrum of samples is from that of the data, in dB."""

from dataclasses import dataclass

import numpy as np

from spectra.errors import InputError
from spectra.spectrum import rapsd
from spectra.spectrum.rings import ring_plan

__all__ = ["SpectralDistance", "spectral_distance"]

RESAMPLES = 1000


@dataclass(frozen=True)
class SpectralDistance:
    """Root-mean-square difference of two mean spectra over ln f, so that octaves weigh alike.

    Attributes
    ----------
    value, low, high : float
        dB, with the interval over samples and over data files.
    frequency : float64 [F]
        Cycles/pixel.
    difference_db : float64 [F]
        Samples over data, ring by ring.
    """

    value: float
    low: float
    high: float
    frequency: np.ndarray
    difference_db: np.ndarray


def spectral_distance(
    samples: np.ndarray,
    data: np.ndarray,
    files: np.ndarray | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
) -> SpectralDistance:
    """Distance between the spectra of samples and of data.

    Parameters
    ----------
    samples : [N, C, H, W]
    data : [M, C, H, W]
    files : int [M], optional
        Independent unit of each example; each its own by default.
    level : float
    seed : int
        Of the bootstrap: samples, and data files, are drawn with replacement.

    Raises
    ------
    InputError
        The two have different shapes, or fewer than 2 samples.
    """
    if samples.shape[1:] != data.shape[1:]:
        raise InputError(f"samples of shape {samples.shape[1:]} against data {data.shape[1:]}")
    if len(samples) < 2:
        raise InputError("a spectral distance needs at least 2 samples")
    drawn = _ring_power(samples)  # [N, F]
    measured = _ring_power(data)  # [M, F]
    _, unit = np.unique(np.arange(len(data)) if files is None else files, return_inverse=True)
    sizes = np.bincount(unit).astype(float)  # [G]
    sums = np.stack([np.bincount(unit, weights=column) for column in measured.T], 1)  # [G, F]

    plan = ring_plan(samples.shape[-2:])
    weights = np.gradient(np.log(plan.frequency)) if len(plan.frequency) > 1 else np.ones(1)
    weights = weights / weights.sum()

    def distance(log_ratio: np.ndarray) -> np.ndarray:
        return 10 / np.log(10) * np.sqrt(log_ratio**2 @ weights)

    log_ratio = np.log(drawn.mean(0)) - np.log(sums.sum(0) / sizes.sum())
    rng = np.random.default_rng(seed)
    n, g = len(drawn), len(sizes)
    of_samples = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n  # [R, N]
    of_files = rng.multinomial(g, np.full(g, 1 / g), RESAMPLES)  # [R, G]
    means = (of_files @ sums) / (of_files @ sizes)[:, None]
    spread = distance(np.log(of_samples @ drawn) - np.log(means))
    low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
    value = float(distance(log_ratio))
    return SpectralDistance(
        value=value,
        low=float(min(low, value)),
        high=float(max(high, value)),
        frequency=plan.frequency,
        difference_db=10 / np.log(10) * log_ratio,
    )


def _ring_power(images: np.ndarray) -> np.ndarray:
    """Ring power of each example, the mean over channels, [N, C, H, W] -> [N, F]."""
    power, _ = rapsd(images.astype(np.float32), window="hann")
    return power.mean(axis=1).astype(np.float64)
