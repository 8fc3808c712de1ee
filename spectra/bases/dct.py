"""The orthonormal DCT-II along every spatial axis."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from spectra.bases.arrays import is_torch

__all__ = ["DctBasis", "dct_matrix"]


@lru_cache(maxsize=64)
def dct_matrix(n: int) -> np.ndarray:
    """Orthonormal DCT-II matrix, row k = c_k cos(pi k (2 j + 1) / (2 n)), [n, n] float64."""
    k = np.arange(n)[:, None]
    j = np.arange(n)[None, :]
    matrix = np.sqrt(2.0 / n) * np.cos(np.pi * k * (2 * j + 1) / (2 * n))  # [n, n]
    matrix[0] /= np.sqrt(2.0)
    matrix.setflags(write=False)
    return matrix


@lru_cache(maxsize=64)
def _torch_dct_matrix(n: int, dtype: Any, device: Any) -> Any:
    import torch

    return torch.tensor(dct_matrix(n), dtype=dtype, device=device)


def _matrix_like(n: int, x: Any) -> Any:
    """The matrix in the kind, precision and device of x."""
    if is_torch(x):
        return _torch_dct_matrix(n, x.dtype, x.device)
    dtype = x.dtype if np.issubdtype(x.dtype, np.floating) else np.float64
    return dct_matrix(n).astype(dtype, copy=False)


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
        return self._apply(x, transpose=False)

    def inverse(self, z: Any) -> Any:
        return self._apply(z, transpose=True)

    def _apply(self, x: Any, transpose: bool) -> Any:
        for axis in range(1, len(self.shape)):
            matrix = _matrix_like(self.shape[axis], x)  # [k, j]
            position = axis - len(self.shape)  # counted from the end: leading axes are free
            moved = x.swapaxes(position, -1)  # [..., j]
            x = (moved @ (matrix if transpose else matrix.T)).swapaxes(position, -1)
        return x
