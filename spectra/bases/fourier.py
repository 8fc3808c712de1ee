"""The unitary Fourier basis in its real form (discrete Hartley transform)."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.bases.arrays import examples_like, is_torch

__all__ = ["FourierBasis"]


@dataclass(frozen=True)
class FourierBasis:
    """H = Re F - Im F of the unitary FFT: one real number a mode, its own inverse.

    A real multiplier that is even in k acts on H exactly as it does on F, and the mean of
    H(k)^2 and H(-k)^2 is |F(k)|^2: every diagonal law of the complex Fourier basis carries
    over, without conjugate pairs to keep in step.
    """

    shape: tuple[int, ...]
    name: str = "fourier"

    @property
    def frequency(self) -> np.ndarray:
        """|f| of each mode, cycles/pixel, [C, *spatial]."""
        grids = np.meshgrid(*(np.fft.fftfreq(n) for n in self.shape[1:]), indexing="ij")
        radial = np.sqrt(sum(grid**2 for grid in grids))
        return np.broadcast_to(radial, self.shape).copy()

    def forward(self, x: Any) -> Any:
        x = examples_like(x, self.shape)
        axes = tuple(range(1 - len(self.shape), 0))
        if is_torch(x):
            import torch

            modes: Any = torch.fft.fftn(x, dim=axes, norm="ortho")
        else:
            from scipy import fft

            modes = fft.fftn(x, axes=axes, norm="ortho")
        return modes.real - modes.imag

    def inverse(self, z: Any) -> Any:
        return self.forward(z)
