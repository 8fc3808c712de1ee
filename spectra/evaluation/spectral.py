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
        dB, with the interval over samples; what their number alone would add is taken off.
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
    *,
    level: float = 0.95,
    seed: int = 0,
) -> SpectralDistance:
    """How far the spectrum of what a model draws is from that of the data given.

    Parameters
    ----------
    samples : [N, C, H, W]
        A draw from the model: what is random here.
    data : [M, C, H, W]
        The target, as it is.
    level : float
    seed : int
        Of the bootstrap over samples.

    Raises
    ------
    InputError
        The two have different shapes, or fewer than 2 samples.
    """
    from scipy import stats

    if samples.shape[1:] != data.shape[1:]:
        raise InputError(f"samples of shape {samples.shape[1:]} against data {data.shape[1:]}")
    if len(samples) < 2:
        raise InputError("a spectral distance needs at least 2 samples")
    drawn = _ring_power(samples)  # [N, F]
    target = np.log(_ring_power(data).mean(axis=0))  # [F]
    plan = ring_plan(samples.shape[-2:])
    weights = np.gradient(np.log(plan.frequency)) if len(plan.frequency) > 1 else np.ones(1)
    weights = weights / weights.sum()

    log_ratio = np.log(drawn.mean(axis=0)) - target
    n = len(drawn)
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), RESAMPLES)  # [R, N]
    resampled = np.log(counts @ drawn / n) - target  # [R, F]
    # The square of a noisy mean is too large by its variance.
    noise = weights @ resampled.var(axis=0, ddof=1)
    squared = weights @ log_ratio**2 - noise
    # Near zero the square is skewed and its quantiles cover too little; its spread does not.
    half = stats.norm.ppf((1 + level) / 2) * (resampled**2 @ weights).std(ddof=1)
    low, high = squared - half, squared + half

    def decibel(square: float) -> float:
        return float(10 / np.log(10) * np.sqrt(max(square, 0.0)))

    return SpectralDistance(
        value=decibel(squared),
        low=decibel(low),
        high=decibel(high),
        frequency=plan.frequency,
        difference_db=10 / np.log(10) * log_ratio,
    )


def _ring_power(images: np.ndarray) -> np.ndarray:
    """Ring power of each example, the mean over channels, [N, C, H, W] -> [N, F]."""
    import torch

    power, _ = rapsd(torch.from_numpy(images.astype(np.float32)), window="hann")
    return power.mean(dim=1).double().numpy()
