"""Orthonormal periodised wavelets: Haar and Daubechies, in the nested quadrant order."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from math import comb
from typing import Any

import numpy as np

from spectra.bases.arrays import along, constant_like, examples_like, is_torch
from spectra.errors import InputError

__all__ = [
    "VANISHING_MOMENTS",
    "WaveletBasis",
    "daubechies_filter",
    "is_wavelet_name",
    "wavelet_matrix",
]

VANISHING_MOMENTS = {"wavelet": 4, "wavelet-haar": 1, "wavelet-db2": 2, "wavelet-db4": 4}
# On longer axes the taps one by one take less time than the product with their matrix.
MATRIX_POINTS = 128


@lru_cache(maxsize=16)
def daubechies_filter(moments: int) -> np.ndarray:
    """Low-pass analysis filter h with `moments` vanishing moments, sum h = sqrt 2.

    Parameters
    ----------
    moments : int
        1 is Haar.

    Returns
    -------
    float64 [2 * moments]

    Notes
    -----
    |H(w)|^2 = 2 (1 - y)^N sum_k C(N - 1 + k, k) y^k, y = sin^2(w / 2). With y = (2 - z - 1/z) / 4
    its root inside the unit circle is taken from each pair: Daubechies, "Orthonormal bases of
    compactly supported wavelets" (1988), section 4.
    """
    y = np.roots([comb(moments - 1 + k, k) for k in reversed(range(moments))])
    pairs = [np.roots([1, 4 * root - 2, 1]) for root in y]
    inside = [pair[np.abs(pair) < 1][0] for pair in pairs]
    h = np.poly([-1.0] * moments + inside).real[::-1]
    h *= np.sqrt(2) / h.sum()
    h.setflags(write=False)
    return h


def is_wavelet_name(name: str) -> bool:
    """Whether it is a filter's, alone or with a number of levels: "wavelet-haar-3"."""
    return _filter_and_levels(name)[0] in VANISHING_MOMENTS


def _filter_and_levels(name: str) -> tuple[str, int | None]:
    """ "wavelet-haar-3" is ("wavelet-haar", 3); None: as many levels as there are."""
    family, _, number = name.rpartition("-")
    if number.isdecimal() and number.isascii() and number[0] != "0" and len(number) < 4:
        return family, int(number)
    return name, None


def _high_pass(h: np.ndarray) -> np.ndarray:
    """The filter orthogonal to h and its even shifts: h backwards with alternating signs."""
    return h[::-1] * (-1.0) ** np.arange(1, len(h) + 1)


def wavelet_matrix(n: int, moments: int) -> np.ndarray:
    """One level on n (even) periodic points, [n, n]: n / 2 low-pass rows, then the high-pass ones.

    Row k = sum_j h_j x[2 k + moments - j mod n]: its taps lie evenly about 2 k + 1/2.
    """
    h = daubechies_filter(moments)
    row, tap = np.indices((n // 2, len(h)))
    place = (2 * row + moments - tap) % n
    matrix = np.zeros((n, n))
    np.add.at(matrix, (row, place), h[tap])
    np.add.at(matrix, (row + n // 2, place), _high_pass(h)[tap])
    return matrix


@dataclass(frozen=True)
class WaveletBasis:
    """Wavelets on a torus, as many levels as halve every spatial axis, or as its name says.

    Level by level each axis splits into a low and a high half; the low corner splits again, so
    that z has the shape of x with the coarsest components in its first corner. Filters longer
    than a coarse level wrap around it and stay orthonormal.

    Attributes
    ----------
    shape : (C, *spatial)
    name : {"wavelet", "wavelet-haar", "wavelet-db2", "wavelet-db4"}
        With a number, "wavelet-haar-3", of so many levels.
    """

    shape: tuple[int, ...]
    name: str = "wavelet"

    def __post_init__(self) -> None:
        wished = _filter_and_levels(self.name)[1]
        if 0 < self._halvings < (wished or 0):
            raise InputError(
                f"basis {self.name!r}: shape {self.shape} can be halved {self._halvings} times; "
                "choose fewer levels, or sizes that are multiples of a higher power of two"
            )
        if self._halvings == 0:
            odd = next(n for n in self.shape[1:] if n % 2)
            raise InputError(
                f"basis {self.name!r}: an axis of {odd} cannot be halved (shape {self.shape}); "
                "choose an even size (a power of two halves to the end) or basis dct"
            )

    @property
    def moments(self) -> int:
        """Vanishing moments of the filter, half its length."""
        return VANISHING_MOMENTS[_filter_and_levels(self.name)[0]]

    @cached_property
    def levels(self) -> int:
        """How often every spatial axis is halved."""
        wished = _filter_and_levels(self.name)[1]
        return self._halvings if wished is None else wished

    @property
    def _halvings(self) -> int:
        """How often every spatial axis can be halved."""
        return min((n & -n).bit_length() - 1 for n in self.shape[1:])

    @cached_property
    def _corners(self) -> list[tuple[int, ...]]:
        """Sizes of the low corner before each level, and after the last: fine to coarse."""
        return [tuple(n >> level for n in self.shape[1:]) for level in range(self.levels + 1)]

    @property
    def level(self) -> np.ndarray:
        """int64 [C, *spatial]: 0 is the finest detail; `levels` is the approximation."""
        level = np.zeros(self.shape, np.int64)
        for corner in self._corners[1:]:
            level[_low(corner)] += 1
        return level

    @property
    def frequency(self) -> np.ndarray:
        """Centre of each component's ideal band, cycles/pixel, [C, *spatial].

        On each axis an ideal filter of level j (0 the finest) passes 1/4 to 1/2 of 2^-j, with
        its centre at 3/8 2^-j (detail), or 0 to 1/4, at 1/8 2^-j. Where two points are left on
        the axis these are their two modes, at 1/2 2^-j and 0. Given is the hypotenuse over axes.
        The geometric mean |f| of a component's power lies within 0.3 octaves of it; of Haar's,
        whose jumps leak, up to 0.7 above.
        """
        frequency = np.zeros(self.shape)
        for level, (block, corner) in enumerate(pairwise(self._corners)):
            axes = []
            for n, half in zip(block, corner, strict=True):
                low, high = (0.0, 0.5) if n == 2 else (0.125, 0.375)
                axes.append(np.where(np.arange(n) < half, low, high) * 0.5**level)
            grids = np.meshgrid(*axes, indexing="ij")
            frequency[_low(block)] = np.sqrt(sum(grid**2 for grid in grids))
        return frequency

    @property
    def position(self) -> np.ndarray:
        """Middle of each component's support along each axis, pixels from 0, [A, C, *spatial].

        Component k of level j lies about (k + 1/2) 2^(j + 1) - 1/2, k counted in its own block.
        """
        position = np.zeros((len(self.shape) - 1, *self.shape))
        for level, (block, corner) in enumerate(pairwise(self._corners)):
            axes = [
                (np.arange(n) % half + 0.5) * 2 ** (level + 1) - 0.5
                for n, half in zip(block, corner, strict=True)
            ]
            grids = np.meshgrid(*axes, indexing="ij")
            position[_low(block)] = np.stack(grids)[:, None]
        return position

    def forward(self, x: Any) -> Any:
        """Examples to components, [..., C, *spatial] -> the same; numpy or torch."""
        z = _copy(x, self.shape)
        for block in self._corners[:-1]:
            part = z[_low(block)]
            for position in range(-len(block), 0):
                part = _split(part, self.moments, position)
            z[_low(block)] = part
        return z

    def inverse(self, z: Any) -> Any:
        """Components to examples, [..., C, *spatial] -> the same; numpy or torch."""
        x = _copy(z, self.shape)
        for block in reversed(self._corners[:-1]):
            part = x[_low(block)]
            for position in range(-len(block), 0):
                part = _join(part, self.moments, position)
            x[_low(block)] = part
        return x


def _low(corner: tuple[int, ...]) -> tuple[Any, ...]:
    """Index of the first corner of these sizes."""
    return (..., *(slice(n) for n in corner))


def _copy(x: Any, shape: tuple[int, ...]) -> Any:
    x = examples_like(x, shape)
    return x.clone() if is_torch(x) else x.copy()


def _split(x: Any, moments: int, position: int) -> Any:
    """One level along one axis: [..., n, ...] -> low half, high half."""
    n = x.shape[position]
    if n <= MATRIX_POINTS:
        return along(x, constant_like(x, wavelet_matrix, n, moments), position)
    moved = x.swapaxes(position, -1)
    h, g = _taps(moments)
    even, odd = _wrapped(moved[..., 0::2], moments), _wrapped(moved[..., 1::2], moments)
    low = high = 0.0
    for tap in range(2 * moments):
        shift, parity = divmod(moments - tap, 2)
        source = _shifted(odd if parity else even, shift, n // 2, moments)
        low, high = low + h[tap] * source, high + g[tap] * source
    return _concatenated([low, high]).swapaxes(position, -1)


def _join(z: Any, moments: int, position: int) -> Any:
    """The transpose of `_split`, which is its inverse."""
    n = z.shape[position]
    if n <= MATRIX_POINTS:
        return along(z, constant_like(z, wavelet_matrix, n, moments).T, position)
    moved = z.swapaxes(position, -1)
    h, g = _taps(moments)
    low, high = _wrapped(moved[..., : n // 2], moments), _wrapped(moved[..., n // 2 :], moments)
    phases: list[Any] = [0.0, 0.0]
    for tap in range(2 * moments):
        shift, parity = divmod(moments - tap, 2)
        phases[parity] = (
            phases[parity]
            + h[tap] * _shifted(low, -shift, n // 2, moments)
            + g[tap] * _shifted(high, -shift, n // 2, moments)
        )
    x = moved.clone() if is_torch(moved) else np.empty_like(moved)
    x[..., 0::2], x[..., 1::2] = phases
    return x.swapaxes(position, -1)


def _taps(moments: int) -> tuple[list[float], list[float]]:
    """Low- and high-pass filter as plain numbers, which leave an array's precision alone."""
    h = daubechies_filter(moments)
    return h.tolist(), _high_pass(h).tolist()


def _wrapped(x: Any, width: int) -> Any:
    """`width` points of the other end put before and after the last axis."""
    return _concatenated([x[..., -width:], x, x[..., :width]])


def _shifted(wrapped: Any, shift: int, n: int, width: int) -> Any:
    """x[k + shift], k = 0..n - 1, out of `_wrapped`."""
    return wrapped[..., width + shift : width + shift + n]


def _concatenated(parts: list[Any]) -> Any:
    if is_torch(parts[0]):
        import torch

        return torch.cat(parts, dim=-1)
    return np.concatenate(parts, axis=-1)
