"""Which FFT modes belong to which ring of equal |f|."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

__all__ = ["Compat", "RingPlan", "RingReach", "ring_plan", "whole_plane"]

Compat = Literal["pysteps"] | None
RingReach = Literal["inside", "nyquist", "corners"]

MOST_RINGS_1D = 2048  # a longer series has rings of several modes


@dataclass(frozen=True, eq=False)
class RingPlan:
    """The map from the half plane of a real FFT to ring means, made once a shape.

    Attributes
    ----------
    shape : (H, W) or (T,)
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

    shape: tuple[int, ...]
    ring: np.ndarray
    frequency: np.ndarray
    count: np.ndarray
    mode: np.ndarray
    slot: np.ndarray
    weight: np.ndarray


@lru_cache(maxsize=64)
def ring_plan(
    shape: tuple[int, ...], compat: Compat = None, reach: RingReach = "inside"
) -> RingPlan:
    """Ring plan of an H x W image or a series of T samples; DC is apart.

    A ring is 1 / min(H, W) cycles/pixel wide, so that each holds every direction also where
    the image is not square. Of a series every mode is a ring, up to 2,048 rings; of a longer one
    rings hold several modes, and those below half the first ring are left out.

    Parameters
    ----------
    shape
    compat
        "pysteps" counts the radius in index units, labels ring k as k / max(H, W) and keeps DC
        as ring 0, as pysteps.utils.spectral.rapsd does.
    reach : {"inside", "nyquist", "corners"}
        Up to the last whole ring below 0.5 cycles/pixel, with the one at 0.5 (only part of a
        ring in each direction), or with the corners of the plane, |f| up to 0.707.
    """
    full = shape if len(shape) == 2 else (1, *shape)
    height, width = full
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
        longest = min(min(shape), 2 * MOST_RINGS_1D if len(shape) == 1 else min(shape))
        number = np.floor(radius * longest + 0.5).astype(np.int64)
        first, last = 1, (longest - 1) // 2
        if reach != "inside":
            last = longest // 2 if reach == "nyquist" else int(number.max())

    flat = number.ravel()
    inside = np.flatnonzero((flat >= first) & (flat <= last))
    found, slot = np.unique(flat[inside], return_inverse=True)
    count = np.bincount(slot, weights=twice.ravel()[inside])
    frequency = np.bincount(slot, weights=(twice * radius).ravel()[inside]) / count
    if compat == "pysteps":
        frequency = found / longest
    return RingPlan(
        shape=shape,
        ring=found,
        frequency=frequency,
        count=np.rint(count).astype(np.int64),
        mode=inside,
        slot=slot,
        weight=twice.ravel()[inside] / count[slot],
    )


def whole_plane(half: np.ndarray, width: int) -> np.ndarray:
    """A quantity that is even in k, from its half plane [H, W // 2 + 1] -> [H, W]."""
    rows = -np.arange(len(half)) % len(half)
    columns = np.arange(width // 2 + 1, width)
    return np.concatenate([half, half[rows][:, width - columns]], axis=1)
