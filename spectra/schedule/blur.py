"""Blurring as a part of a schedule: how much of each component's mean is left."""

import numpy as np

__all__ = ["log_blur", "log_blur_slope"]

MUCH = 1e-4  # a floor from which one formula keeps 12 digits throughout


def log_blur(x: np.ndarray, floor: float) -> np.ndarray:
    """ln d of d = floor + (1 - floor) exp(-x), x = rate times blur >= 0; any shape.

    No digits are lost where d is near 1, nor where a floor of 0 lets it vanish.
    """
    if floor == 0:
        return -x
    if floor > MUCH:
        return np.log1p((1 - floor) * np.expm1(-x))
    little = np.log1p((1 - floor) * np.expm1(-np.minimum(x, 1)))
    return np.where(x < 1, little, np.log(floor + (1 - floor) * np.exp(-x)))


def log_blur_slope(x: np.ndarray, floor: float) -> np.ndarray:
    """d ln d / dx, from -1 (no floor) to 0 (on it); any shape."""
    left = (1 - floor) * np.exp(-x)
    return -left / (floor + left) if floor > 0 else -np.ones_like(x)
