"""What a known spectrum gives in the rings: its expected power, and the scatter of one example."""

from functools import lru_cache

import numpy as np

from spectra.spectrum.rings import ring_plan, whole_plane
from spectra.spectrum.windows import window as make_window

__all__ = ["ring_covariance", "ring_power_of_law"]

Shape = tuple[int, ...]


def ring_power_of_law(
    shape: Shape, window: str, alpha: float, reach: str = "inside", detrend: str = "mean"
) -> np.ndarray:
    """Expected ring power of examples with the spectrum f^-alpha, without DC, [F].

    It is not the law at the ring's mean |f|: a ring has a width, over which f^-alpha is convex,
    a taper brings power in from the modes around it, and a plane taken off is power as well.
    """
    plan = ring_plan(shape, None, reach)  # pyright: ignore[reportArgumentType]
    height, width = _plane(shape)
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency[0, 0] = 1.0
    power = frequency**-alpha
    power[0, 0] = 0.0
    taper = make_window(window, shape)
    full = whole_plane(power, width)
    plane = _power_of_plane(full, taper.taps) if detrend == "plane" else None
    if taper.gain is not None:
        # A sum of all terms positive: a transform would drown the weakest in rounding.
        spread = sum(share * np.roll(full, step, (0, 1)) for step, share in _leakage(shape, window))
        power = np.asarray(spread)[:, : width // 2 + 1]
    if plane is not None:
        power = (power + plane[:, : width // 2 + 1]).clip(0)
    if taper.gain is not None:
        power = power * taper.gain.reshape(height, -1)
    inside = plan.weight * power.ravel()[plan.mode]
    return np.bincount(plan.slot, weights=inside)


@lru_cache(maxsize=8)
def ring_covariance(shape: Shape, window: str, reach: str = "inside") -> np.ndarray:
    """Covariance of the relative ring powers of one Gaussian example, [F, F].

    2 / n_k on the diagonal without a taper. A taper correlates neighbouring modes, in a ring and
    between rings: 2 sum |rho(j - k)|^2 / (n_a n_b) over modes j of ring a and k of ring b, with
    rho the transform of the squared taper (exact where the spectrum is flat over its width).
    """
    plan = ring_plan(shape, None, reach)  # pyright: ignore[reportArgumentType]
    height, width = _plane(shape)
    rings = len(plan.ring)
    slot = np.full((height, width // 2 + 1), rings)  # the modes of no ring come last
    slot.flat[plan.mode] = plan.slot
    slot = whole_plane(slot, width)
    taper = make_window(window, shape)
    squared = np.zeros((height, width))
    squared[0, 0] = 1.0
    if taper.taps is not None:
        taps = taper.taps.reshape(height, width)
        squared = np.abs(np.fft.fft2(taps**2) / taps.size) ** 2
    pairs = np.zeros((rings + 1) ** 2)
    for row, column in np.argwhere(squared > 1e-9):
        pair = slot * (rings + 1) + np.roll(slot, (row, column), (0, 1))
        pairs += squared[row, column] * np.bincount(pair.ravel(), minlength=pairs.size)
    covariance = 2 * pairs.reshape(rings + 1, -1)[:rings, :rings]
    covariance /= np.outer(plan.count, plan.count)
    covariance.setflags(write=False)
    return covariance


@lru_cache(maxsize=8)
def _leakage(shape: Shape, window: str) -> list[tuple[tuple[int, int], float]]:
    """|transform of the taper|^2: shifts in modes, and the share of power that each moves."""
    taps = make_window(window, shape).taps
    assert taps is not None
    share = np.abs(np.fft.fft2(taps.reshape(_plane(shape))) / taps.size) ** 2
    steps = np.argwhere(share > 1e-12 * share.max())
    return [((int(row), int(column)), float(share[row, column])) for row, column in steps]


def _power_of_plane(power: np.ndarray, taps: np.ndarray | None) -> np.ndarray:
    """What each mode gains where the least-squares plane is taken off first, [H, W].

    With u a ramp of unit norm, C the covariance of the spectrum, w the taper and e_k a mode:
    |u.we_k|^2 u.Cu - 2 Re (u.we_k)(we_k.Cu), summed over both ramps, which C leaves orthogonal.
    """
    w = np.ones(power.shape) if taps is None else taps.reshape(power.shape)
    gained = np.zeros(power.shape)
    for axis, n in enumerate(power.shape):
        if n < 2:
            continue
        place = np.arange(n) - (n - 1) / 2
        u = np.broadcast_to(place[:, None] if axis == 0 else place, power.shape)
        u = u / np.sqrt((u**2).sum())
        spread = np.fft.ifft2(power * np.fft.fft2(u)).real  # Cu
        own, across = np.fft.fft2(w * u), np.fft.fft2(w * spread)
        gained += np.abs(own) ** 2 * (u * spread).sum() - 2 * (own * across.conj()).real
    return gained / power.size


def _plane(shape: Shape) -> tuple[int, int]:
    """A series is an image of one row."""
    return (1, shape[0]) if len(shape) == 1 else (shape[0], shape[1])
