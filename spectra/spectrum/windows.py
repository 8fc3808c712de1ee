"""Tapers, and what they leave of the degrees of freedom."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np

from spectra.errors import InputError

__all__ = ["Window", "WindowName", "window"]

WindowName = Literal["hann", "none"]


@dataclass(frozen=True)
class Window:
    """A taper over an image, scaled so that white noise of unit variance keeps power 1.

    Attributes
    ----------
    taps : float64 [H, W] or None
        None leaves the image as it is.
    ring_dof : float
        Share of a ring's modes that count as independent in the ring's own mean: a taper
        correlates neighbours along the ring.
    fit_dof : float
        The same for a fit over many rings: neighbouring rings are correlated too.
    """

    name: str
    taps: np.ndarray | None
    ring_dof: float
    fit_dof: float


@lru_cache(maxsize=32)
def window(name: str, shape: tuple[int, int]) -> Window:
    """The taper `name` for an H x W image.

    Raises
    ------
    InputError
        The name is unknown.
    """
    if name == "none":
        return Window("none", None, ring_dof=1.0, fit_dof=1.0)
    if name == "hann":
        # Periodic Hann; over one axis sum |rho|^2 = 1 + 2 (2/3)^2 + 2 (1/6)^2 = 1.944, of which
        # a ring, one mode thick, sees about one factor and a fit over rings both.
        axes = [0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n) for n in shape]
        taps = np.multiply.outer(*axes)  # [H, W]
        taps /= np.sqrt(np.mean(taps**2))
        taps.setflags(write=False)
        return Window("hann", taps, ring_dof=0.55, fit_dof=0.264)
    raise InputError(f"window {name!r} is unknown; choose one of {', '.join(get_args(WindowName))}")
