"""Orthonormal transforms x <-> z and the frequency of each component."""

from spectra.bases.basis import Basis, BasisName, make_basis

__all__ = ["Basis", "BasisName", "make_basis"]
