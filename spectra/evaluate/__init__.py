"""Samples and held-out data -> scores, with intervals."""

from spectra.evaluate.comparison import Difference, paired_difference
from spectra.evaluate.scores import Scores, evaluate
from spectra.evaluate.spectral import SpectralDistance, spectral_distance

__all__ = [
    "Difference",
    "Scores",
    "SpectralDistance",
    "evaluate",
    "paired_difference",
    "spectral_distance",
]
