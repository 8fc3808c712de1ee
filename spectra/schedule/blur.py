"""Blurring as a part of a schedule: how much of each component's mean is left."""

import numpy as np

__all__ = ["log_blur", "log_blur_slope"]


def log_blur(x: np.ndarray, floor: float) -> np.ndarray:
    """ln d of d = floor + (1 - floor) exp(-x), x = rate times blur >= 0; any shape.

    No digits are lost where d is near 1, nor where a floor of 0 lets it vanish.
    """
    return -x if floor == 0 else np.log1p((1 - floor) * np.expm1(-x))


def log_blur_slope(x: np.ndarray, floor: float) -> np.ndarray:
    """d ln d / dx, from -1 (no floor) to 0 (on it); any shape."""
    if floor == 0:
        return -np.ones_like(x)
    return -(1 - floor) * np.exp(-x) / (1 + (1 - floor) * np.expm1(-x))
