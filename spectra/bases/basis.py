"""What a basis is, and the one place that builds one from its name."""

from typing import Any, Literal, Protocol, get_args

import numpy as np

from spectra.bases.dct import DctBasis
from spectra.bases.fourier import FourierBasis
from spectra.bases.pixel import PixelBasis
from spectra.bases.wavelet import WaveletBasis, is_wavelet_name
from spectra.errors import InputError, check_name

__all__ = ["Basis", "BasisName", "make_basis"]

BasisName = Literal[
    "pixel", "dct", "fourier", "wavelet", "wavelet-haar", "wavelet-db2", "wavelet-db4"
]
"""Bases that a shape alone gives; "pca" needs examples."""


class Basis(Protocol):
    """A real orthonormal change of coordinates z = U x that keeps the example's shape.

    White noise stays white, so noise may be drawn on either side.
    """

    @property
    def name(self) -> str:
        """What `make_basis` calls it."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """(C, *spatial), of examples and of components."""
        ...

    @property
    def frequency(self) -> np.ndarray:
        """Radial frequency of each component, cycles/pixel, [C, *spatial]; NaN if it has none."""
        ...

    def forward(self, x: Any) -> Any:
        """Examples to components, [..., C, *spatial] -> the same; numpy or torch."""
        ...

    def inverse(self, z: Any) -> Any:
        """Components to examples, [..., C, *spatial] -> the same; numpy or torch."""
        ...


def make_basis(name: str, shape: tuple[int, ...]) -> Basis:
    """Build a basis for examples of `shape` = (C, *spatial).

    Parameters
    ----------
    name : {"pixel", "dct", "fourier", "wavelet", "wavelet-haar", "wavelet-db2", "wavelet-db4"}
        "wavelet" is db4: of the three its independent components lose least on photographs, 0.18
        nats/dimension to PCA, db2 0.25, Haar 0.29 (DCT 0.012; 32 x 32 crops of BSDS500).
        With a number, "wavelet-haar-3", of so many levels: its components see 2^3 pixels at most.
    shape : tuple of int

    Returns
    -------
    Basis
        `forward` takes examples to components, `inverse` back; `frequency` is the components'.

    Raises
    ------
    InputError
        The name is none of these, the shape has no spatial axis, a wavelet meets an odd size, or
        the basis is "pca", which no shape alone gives.

    Examples
    --------
    >>> basis = spectra.make_basis("dct", (3, 16, 16))
    >>> x = np.random.default_rng(0).standard_normal((2, 3, 16, 16))
    >>> z = basis.forward(x)
    >>> bool(np.allclose(basis.inverse(z), x)), basis.frequency[0, 0, :3].round(3)
    (True, array([0.   , 0.031, 0.062]))
    """
    shape = tuple(int(n) for n in shape)
    if len(shape) < 2 or min(shape) < 1:
        raise InputError(f"shape {shape}: a basis needs (channels, *spatial), each at least 1")
    if name == "pca":
        raise InputError(
            "basis 'pca' is measured, not made from a shape: analyze with bases including 'pca', "
            "then spectrum.component_variance('pca')"
        )
    if is_wavelet_name(name):
        return WaveletBasis(shape, name)
    check_name("basis", name, get_args(BasisName))
    if name == "pixel":
        return PixelBasis(shape)
    if name == "dct":
        return DctBasis(shape)
    return FourierBasis(shape)
