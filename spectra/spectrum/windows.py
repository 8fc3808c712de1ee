"""Tapers, and what they do to the level of white noise."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from spectra.errors import check_name

__all__ = ["Window", "WindowName", "window"]

WindowName = Literal["hann", "none", "periodic"]


@dataclass(frozen=True)
class Window:
    """A taper over an image, scaled so that white noise of unit variance keeps power 1.

    Attributes
    ----------
    taps : float64 [H, W] or [T], or None
        None leaves the image as it is.
    gain : float64 [H, W // 2 + 1] or [T // 2 + 1], or None
        Factor on the power of each mode: taking the mean off first costs the modes beside DC
        what the taper would have moved into them from there.
    """

    name: str
    taps: np.ndarray | None = None
    gain: np.ndarray | None = None


@lru_cache(maxsize=32)
def window(name: str, shape: tuple[int, ...]) -> Window:
    """The taper `name` for an H x W image, or for a series of T samples.

    Raises
    ------
    InputError
        The name is unknown.
    """
    check_name("window", name, get_args(WindowName))
    if name != "hann":  # "periodic" is no taper (spectra/spectrum/edges.py)
        return Window(name)
    taps = np.ones(())
    for n in shape:
        taps = np.multiply.outer(taps, _hann(n))
    taps /= np.sqrt(np.mean(taps**2))
    moved = np.abs(np.fft.rfftn(taps) / taps.size) ** 2
    moved.flat[0] = 0.0  # DC itself is never read
    gain = 1 / (1 - moved)
    taps.setflags(write=False)
    gain.setflags(write=False)
    return Window("hann", taps, gain)


def _hann(n: int) -> np.ndarray:
    """Periodic, [n]; a single sample has no edges to taper."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n) if n > 1 else np.ones(1)
