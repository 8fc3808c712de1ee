"""Pixels to [-1, 1] in one compiled pass: numpy's three leave the cache.

Imported only when files are read in one pass: numba takes a while to load.
"""

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["write_planes"]


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile without Python's lock, keeping the machine code on disk where that is possible."""
    try:
        return njit(cache=True, nogil=True)(function)
    except RuntimeError:  # no folder that can be written
        return njit(nogil=True)(function)


@_compiled
def write_planes(out: Any, pixels: Any, low: Any, half: Any) -> None:
    """As `write_unit`, to the last bit: [C or 1, h, w] -> out [C, h, w]."""
    one = out.dtype.type(1)
    last = pixels.shape[0] - 1
    for channel in range(out.shape[0]):
        plane = min(channel, last)
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                out[channel, y, x] = (out.dtype.type(pixels[plane, y, x]) - low) / half - one
