"""Which FFT modes belong to which ring of equal |f|."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

__all__ = ["Compat", "RingPlan", "ring_plan"]

Compat = Literal["pysteps"] | None


@dataclass(frozen=True)
class RingPlan:
    """The map from the half plane of a real FFT to ring means, made once a shape.

    Attributes
    ----------
    shape : (H, W)
    ring : int64 [F]
        Ring number; ring k lies at about k / min(H, W) cycles/pixel.
    frequency : float64 [F]
        Mean |f| of the ring's modes, cycles/pixel (ring 1 of a square is at 1.207 / N).
    count : int64 [F]
        Points of the *full* plane in the ring: its real degrees of freedom.
    mode : int64 [M]
        Flat positions in the half plane [H, W // 2 + 1] that lie in a ring.
    slot : int64 [M]
        Index into ring, frequency, count of each of these modes.
    weight : float64 [M]
        Share of each mode in its ring's mean; a ring's shares add to one.
    """

    shape: tuple[int, int]
    ring: np.ndarray
    frequency: np.ndarray
    count: np.ndarray
    mode: np.ndarray
    slot: np.ndarray
    weight: np.ndarray

    def matrix(self, dtype: Any) -> Any:
        """The ring mean as a sparse matrix [F, H * (W // 2 + 1)] (scipy CSR), cached by dtype."""
        return _matrix(self.shape, len(self.ring), self, np.dtype(dtype).str)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other


@lru_cache(maxsize=32)
def _matrix(shape: tuple[int, int], rings: int, plan: RingPlan, dtype: str) -> Any:
    from scipy.sparse import csr_array

    columns = shape[0] * (shape[1] // 2 + 1)
    return csr_array((plan.weight.astype(dtype), (plan.slot, plan.mode)), shape=(rings, columns))


@lru_cache(maxsize=32)
def ring_plan(shape: tuple[int, int], compat: Compat = None) -> RingPlan:
    """Ring plan of an H x W image; corners (|f| > 0.5) and the Nyquist ring are out, DC apart.

    A ring is 1 / min(H, W) cycles/pixel wide, so that each holds every direction also where
    the image is not square. `compat="pysteps"` counts the radius in index units, labels ring k
    as k / max(H, W) and keeps DC as ring 0, as pysteps.utils.spectral.rapsd does.
    """
    height, width = shape
    fy = np.fft.fftfreq(height)[:, None]  # [H, 1] cycles/pixel
    fx = np.fft.rfftfreq(width)[None, :]  # [1, W // 2 + 1]
    radius = np.hypot(fy, fx)  # [H, W // 2 + 1]
    # Every column stands for itself and its mirror, save the self-conjugate ones.
    twice = np.full(radius.shape, 2.0)
    twice[:, 0] = 1.0
    if width % 2 == 0:
        twice[:, -1] = 1.0

    if compat == "pysteps":
        longest = max(shape)
        number = np.hypot(fy * height, fx * width).round().astype(np.int64)
        first, last = 0, (longest - 1) // 2
    else:
        longest = min(shape)
        number = np.floor(radius * longest + 0.5).astype(np.int64)
        first, last = 1, (longest - 1) // 2

    flat = number.ravel()
    inside = np.flatnonzero((flat >= first) & (flat <= last))
    found, slot = np.unique(flat[inside], return_inverse=True)
    count = np.bincount(slot, weights=twice.ravel()[inside])
    frequency = np.bincount(slot, weights=(twice * radius).ravel()[inside]) / count
    if compat == "pysteps":
        frequency = found / longest
    return RingPlan(
        shape=(height, width),
        ring=found,
        frequency=frequency,
        count=np.rint(count).astype(np.int64),
        mode=inside,
        slot=slot,
        weight=twice.ravel()[inside] / count[slot],
    )
