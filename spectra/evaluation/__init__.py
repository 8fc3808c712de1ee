"""Samples and held-out data -> scores, with intervals."""

from spectra.evaluation.bound import BoundScore, OdeScore
from spectra.evaluation.classifier import classifier_auc, high_frequency_features
from spectra.evaluation.comparison import Difference, paired_difference
from spectra.evaluation.features import FEATURES, Features, named_features, user_features
from spectra.evaluation.found import Scores
from spectra.evaluation.frechet import extrapolated_frechet, frechet_distance, frechet_interval
from spectra.evaluation.kernel import kernel_distance
from spectra.evaluation.memorisation import NearestNeighbours, nearest_neighbours
from spectra.evaluation.score import Interval, Score
from spectra.evaluation.scores import evaluate
from spectra.evaluation.spectral import OctaveDifference, SpectralDistance, spectral_distance
from spectra.evaluation.wasserstein import sliced_wasserstein

__all__ = [
    "FEATURES",
    "BoundScore",
    "Difference",
    "Features",
    "Interval",
    "NearestNeighbours",
    "OctaveDifference",
    "OdeScore",
    "Score",
    "Scores",
    "SpectralDistance",
    "classifier_auc",
    "evaluate",
    "extrapolated_frechet",
    "frechet_distance",
    "frechet_interval",
    "high_frequency_features",
    "kernel_distance",
    "named_features",
    "nearest_neighbours",
    "paired_difference",
    "sliced_wasserstein",
    "spectral_distance",
    "user_features",
]
