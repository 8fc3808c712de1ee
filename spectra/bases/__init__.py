"""Orthonormal transforms x <-> z and the frequency of each component."""

from spectra.bases.basis import Basis, BasisName, make_basis
from spectra.bases.decorrelation import (
    explained_variance,
    log_determinant_excess,
    log_determinant_gap,
)
from spectra.bases.pca import PcaBasis, pca, pca_variance
from spectra.bases.scatter import ScatterAccumulator, ScatterMoments
from spectra.bases.wavelet import WaveletBasis

__all__ = [
    "Basis",
    "BasisName",
    "PcaBasis",
    "ScatterAccumulator",
    "ScatterMoments",
    "WaveletBasis",
    "explained_variance",
    "log_determinant_excess",
    "log_determinant_gap",
    "make_basis",
    "pca",
    "pca_variance",
]
