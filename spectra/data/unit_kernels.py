"""Pixels to [-1, 1] in one compiled pass: numpy's three leave the cache.

Imported only when files are read in one pass: numba takes a while to load.
"""

from typing import Any

from spectra.compiled import compiled

__all__ = ["write_planes"]


@compiled()
def write_planes(out: Any, pixels: Any, low: Any, half: Any) -> None:
    """As `write_unit`, to the last bit: [C or 1, h, w] -> out [C, h, w]."""
    one = out.dtype.type(1)
    last = pixels.shape[0] - 1
    for channel in range(out.shape[0]):
        plane = min(channel, last)
        for y in range(out.shape[1]):
            for x in range(out.shape[2]):
                out[channel, y, x] = (out.dtype.type(pixels[plane, y, x]) - low) / half - one
