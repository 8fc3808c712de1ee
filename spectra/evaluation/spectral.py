"""How far the spectrum of samples is from that of the data, in dB, whole and octave by octave."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.evaluation.examples import check_examples
from spectra.spectrum import rapsd
from spectra.spectrum.rings import ring_plan
from spectra.spectrum.windows import window

__all__ = ["OctaveDifference", "SpectralDistance", "ring_power", "spectral_distance"]

RESAMPLES = 1000
DECIBEL = 10 / np.log(10)
NYQUIST = 0.5
SHORTEST = 3  # values along an axis of examples that have a ring
SILENT = 1e-30  # power of what is constant: its distance is large, and finite


@dataclass(frozen=True)
class OctaveDifference:
    """Power of samples over data in one octave.

    Attributes
    ----------
    lowest, highest : float
        Edges, cycles/pixel; 0.25 and 0.5 for the top one.
    difference_db, low, high : float
        Mean log ratio of the rings, each by its share of ln f, with its interval over samples.
    """

    lowest: float
    highest: float
    difference_db: float
    low: float
    high: float


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
    octaves : tuple of OctaveDifference
        Highest first, each half of the one before.
    """

    value: float
    low: float
    high: float
    frequency: np.ndarray
    difference_db: np.ndarray
    octaves: tuple[OctaveDifference, ...] = ()

    def octave_records(self) -> list[dict[str, Any]]:
        """The octaves, for JSON."""
        return [asdict(octave) for octave in self.octaves]


def spectral_distance(
    samples: np.ndarray,
    data: np.ndarray,
    *,
    level: float = 0.95,
    seed: int = 0,
    units: np.ndarray | None = None,
) -> SpectralDistance:
    """How far the spectrum of what a model draws is from that of the data given.

    Parameters
    ----------
    samples : [N, C, H, W] or [N, C, T]
        A draw from the model: what is random here.
    data : [M, C, H, W] or [M, C, T]
        The target, as it is.
    level : float
    seed : int
        Of the bootstrap over samples.
    units : int [N], optional
        The independent unit of each of `samples` where that is not itself: the file of real
        examples that stand for them.

    Returns
    -------
    SpectralDistance
        In dB, with its octaves.

    Raises
    ------
    InputError
        The two have different shapes, fewer than 2 samples, or values that are not finite.

    Examples
    --------
    >>> from spectra.evaluation import spectral_distance
    >>> noise = np.random.default_rng(0).standard_normal((200, 1, 16, 16))
    >>> found = spectral_distance(2 * noise[:100], noise[100:])
    >>> round(found.value), round(20 * np.log10(2))
    (6, 6)
    """
    from scipy import stats

    check_examples(samples, data, least=2)
    drawn = ring_power(samples)  # [N, F]
    target = _log(ring_power(data).mean(axis=0))  # [F]
    frequency = ring_plan(samples.shape[2:]).frequency
    weights = np.gradient(np.log(frequency)) if len(frequency) > 1 else np.ones(1)
    weights = weights / weights.sum()

    log_ratio = _log(drawn.mean(axis=0)) - target
    resampled = _log(_resampled_means(drawn, units, seed)) - target  # [R, F]
    # The square of a noisy mean is too large by its variance.
    noise = weights @ resampled.var(axis=0, ddof=1)
    squared = weights @ log_ratio**2 - noise
    # Near zero the square is skewed and its quantiles cover too little; its spread does not.
    z = float(stats.norm.ppf((1 + level) / 2))
    half = z * (resampled**2 @ weights).std(ddof=1)

    def decibel(square: float) -> float:
        return float(DECIBEL * np.sqrt(max(square, 0.0)))

    return SpectralDistance(
        value=decibel(squared),
        low=decibel(squared - half),
        high=decibel(squared + half),
        frequency=frequency,
        difference_db=DECIBEL * log_ratio,
        octaves=_octaves(frequency, weights, log_ratio, resampled, z),
    )


def ring_power(examples: np.ndarray) -> np.ndarray:
    """Ring power of each example, the mean over channels, [N, C, *spatial] -> [N, F]."""
    import torch

    if min(examples.shape[2:]) < SHORTEST:
        raise InputError(
            f"examples of {examples.shape[2:]} have no ring; at least {SHORTEST} values an axis "
            "are needed"
        )
    if examples.ndim == 4:
        power, _ = rapsd(torch.from_numpy(examples.astype(np.float32)), window="hann")
        return _finite(power.mean(dim=1).double().numpy())
    length = examples.shape[-1]
    plan, taper = ring_plan((length,)), window("hann", (length,))
    centred = examples.astype(np.float64) - examples.mean(axis=-1, keepdims=True)
    power = np.abs(np.fft.rfft(centred * taper.taps)) ** 2 / length * taper.gain  # [N, C, K]
    rings = np.zeros((len(examples), len(plan.ring)))
    np.add.at(rings.T, plan.slot, (power.mean(axis=1)[:, plan.mode] * plan.weight).T)
    return _finite(rings)


def _finite(power: np.ndarray) -> np.ndarray:
    """Power, or the reason why there is none."""
    if not np.isfinite(power).all():
        raise InputError("examples: values too large for their power; rescale them")
    return power


def _log(power: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(power, SILENT))


def _resampled_means(drawn: np.ndarray, units: np.ndarray | None, seed: int) -> np.ndarray:
    """Bootstrap means over independent units, [N, F] -> [R, F]."""
    number = np.arange(len(drawn)) if units is None else np.unique(units, return_inverse=True)[1]
    n = int(number.max()) + 1
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), RESAMPLES)  # [R, n]
    each = counts[:, number]
    return each @ drawn / each.sum(axis=1, keepdims=True)


def _octaves(
    frequency: np.ndarray,
    weights: np.ndarray,
    log_ratio: np.ndarray,
    resampled: np.ndarray,
    z: float,
) -> tuple[OctaveDifference, ...]:
    """Mean log ratio and its interval, octave by octave down from Nyquist."""
    number = np.floor(np.log2(NYQUIST / frequency) + 1e-9).astype(int)  # 0: above 0.25
    found = []
    for octave in np.unique(number):
        share = np.where(number == octave, weights, 0.0)
        share = share / share.sum()
        value = float(share @ log_ratio)
        half = z * float((resampled @ share).std(ddof=1))
        edge = NYQUIST / 2.0**octave
        inside = DECIBEL * np.array([value, value - half, value + half])
        found.append(OctaveDifference(float(edge / 2), float(edge), *inside.tolist()))
    return tuple(found)
