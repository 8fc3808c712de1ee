"""What a known spectrum gives in the rings: its expected power, and the scatter of one image."""

from functools import lru_cache

import numpy as np

from spectra.spectrum.rings import ring_plan
from spectra.spectrum.windows import window as make_window

__all__ = ["ring_covariance", "ring_power_of_law"]


def ring_power_of_law(shape: tuple[int, int], window: str, alpha: float) -> np.ndarray:
    """Expected ring power of images with the spectrum f^-alpha, without DC, [F].

    It is not the law at the ring's mean |f|: a ring has a width, over which f^-alpha is convex,
    and a taper brings power in from the modes around it.
    """
    plan = ring_plan(shape)
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    frequency[0, 0] = 1.0
    power = frequency**-alpha
    power[0, 0] = 0.0
    taper = make_window(window, shape)
    if taper.gain is not None:
        power = np.fft.irfft2(np.fft.rfft2(_mirrored(power, shape)) * _leakage(shape, window))
        power = power[:, : shape[1] // 2 + 1] * taper.gain
    inside = plan.weight * power.ravel()[plan.mode]
    return np.bincount(plan.slot, weights=inside)


@lru_cache(maxsize=32)
def ring_covariance(shape: tuple[int, int], window: str) -> np.ndarray:
    """Covariance of the relative ring powers of one Gaussian image, [F, F].

    2 / n_k on the diagonal without a taper. A taper correlates neighbouring modes, in a ring and
    between rings: 2 sum |rho(j - k)|^2 / (n_a n_b) over modes j of ring a and k of ring b, with
    rho the transform of the squared taper (exact where the spectrum is flat over its width).
    """
    plan = ring_plan(shape)
    rings = len(plan.ring)
    slot = np.full((shape[0], shape[1] // 2 + 1), rings)  # the modes of no ring come last
    slot.flat[plan.mode] = plan.slot
    slot = _mirrored(slot, shape)
    taper = make_window(window, shape)
    squared = np.zeros(shape)
    squared[0, 0] = 1.0
    if taper.taps is not None:
        squared = np.abs(np.fft.fft2(taper.taps**2) / taper.taps.size) ** 2
    pairs = np.zeros((rings + 1) ** 2)
    for row, column in np.argwhere(squared > 1e-9):
        pair = slot * (rings + 1) + np.roll(slot, (row, column), (0, 1))
        pairs += squared[row, column] * np.bincount(pair.ravel(), minlength=pairs.size)
    covariance = 2 * pairs.reshape(rings + 1, -1)[:rings, :rings]
    covariance /= np.outer(plan.count, plan.count)
    covariance.setflags(write=False)
    return covariance


@lru_cache(maxsize=32)
def _leakage(shape: tuple[int, int], window: str) -> np.ndarray:
    """Transform of |taper|^2 in frequency: what the spectrum is convolved with."""
    taps = make_window(window, shape).taps
    assert taps is not None
    return np.fft.rfft2(np.abs(np.fft.fft2(taps) / taps.size) ** 2)


def _mirrored(half: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A quantity of the half plane that is even in k over all of it, -> [H, W]."""
    rows = -np.arange(shape[0]) % shape[0]
    columns = np.arange(shape[1] // 2 + 1, shape[1])
    return np.concatenate([half, half[rows][:, shape[1] - columns]], axis=1)
