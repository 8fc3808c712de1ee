"""Samples and held-out data -> scores, with intervals."""

from spectra.evaluation.comparison import Difference, paired_difference
from spectra.evaluation.scores import Scores, evaluate
from spectra.evaluation.spectral import SpectralDistance, spectral_distance

__all__ = [
    "Difference",
    "Scores",
    "SpectralDistance",
    "evaluate",
    "paired_difference",
    "spectral_distance",
]
