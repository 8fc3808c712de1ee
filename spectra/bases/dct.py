"""The orthonormal DCT-II along every spatial axis."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.bases.arrays import along, constant_like, examples_like, is_torch

__all__ = ["DctBasis", "dct_matrix"]

# The fast transform overtakes the matrix product between 32 and 64 points in numpy; in torch,
# where it goes through a complex FFT, a product is ahead up to some hundreds.
NUMPY_MATRIX_POINTS = 32
TORCH_MATRIX_POINTS = 512


def dct_matrix(n: int) -> np.ndarray:
    """Orthonormal DCT-II matrix, row k = c_k cos(pi k (2 j + 1) / (2 n)), [n, n] float64."""
    k = np.arange(n)[:, None]
    j = np.arange(n)[None, :]
    matrix = np.sqrt(2.0 / n) * np.cos(np.pi * k * (2 * j + 1) / (2 * n))  # [n, n]
    matrix[0] /= np.sqrt(2.0)
    return matrix


@dataclass(frozen=True)
class DctBasis:
    """Separable DCT-II: no wrap-around jump at the edges, real, and nearly the PCA of photos."""

    shape: tuple[int, ...]
    name: str = "dct"

    @property
    def frequency(self) -> np.ndarray:
        """Row k of n points has k half-cycles: k / (2 n) cycles/pixel an axis; [C, *spatial]."""
        axes = [np.arange(n) / (2 * n) for n in self.shape[1:]]
        grids = np.meshgrid(*axes, indexing="ij")
        radial = np.sqrt(sum(grid**2 for grid in grids))
        return np.broadcast_to(radial, self.shape).copy()

    def forward(self, x: Any) -> Any:
        return self._apply(examples_like(x, self.shape), inverse=False)

    def inverse(self, z: Any) -> Any:
        return self._apply(examples_like(z, self.shape), inverse=True)

    def _apply(self, x: Any, inverse: bool) -> Any:
        if not is_torch(x) and max(self.shape[1:]) > NUMPY_MATRIX_POINTS:
            from scipy import fft

            transform = fft.idctn if inverse else fft.dctn
            return transform(x, axes=tuple(range(1 - len(self.shape), 0)), norm="ortho")
        for position in range(1 - len(self.shape), 0):
            n = self.shape[position]
            if n > TORCH_MATRIX_POINTS:
                x = x.swapaxes(position, -1)
                x = (_long_inverse(x) if inverse else _long_forward(x)).swapaxes(position, -1)
            else:
                matrix = constant_like(x, dct_matrix, n)  # [k, j]
                x = along(x, matrix.T if inverse else matrix, position)
        return x


def _long_forward(x: Any) -> Any:
    """DCT-II of a long axis by one FFT: even places, then the odd ones backwards (Makhoul 1980)."""
    import torch

    folded = torch.cat([x[..., ::2], x[..., 1::2].flip(-1)], dim=-1)
    return (torch.fft.fft(folded) * _long_phase(x)).real


def _long_inverse(z: Any) -> Any:
    """The transpose of `_long_forward`, which is its inverse."""
    import torch

    n = z.shape[-1]
    folded = (torch.fft.ifft(z * _long_phase(z).conj()) * n).real
    half = (n + 1) // 2
    x = torch.empty_like(folded)
    x[..., ::2], x[..., 1::2] = folded[..., :half], folded[..., half:].flip(-1)
    return x


def _long_phase(x: Any) -> Any:
    """c_k exp(-i pi k / (2 n)), [n], in the precision and on the device of x."""
    import torch

    tables = constant_like(x, _phase, x.shape[-1])
    return torch.complex(tables[0], tables[1])


def _phase(n: int) -> np.ndarray:
    """Real and imaginary part of c_k exp(-i pi k / (2 n)), [2, n]; c_k makes rows of length 1."""
    phase = np.sqrt(2.0 / n) * np.exp(-0.5j * np.pi * np.arange(n) / n)
    phase[0] /= np.sqrt(2.0)
    return np.stack([phase.real, phase.imag])
