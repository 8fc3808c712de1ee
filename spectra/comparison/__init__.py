"""Arms, trained and scored alike -> what may be said of one against another."""

from spectra.comparison.arms import Arm, parse_arms
from spectra.comparison.experiment import compare
from spectra.comparison.results import (
    ArmRecord,
    Comparison,
    Reach,
    load_comparison,
)
from spectra.comparison.scores import Drawn, RunScores

__all__ = [
    "Arm",
    "ArmRecord",
    "Comparison",
    "Drawn",
    "Reach",
    "RunScores",
    "compare",
    "load_comparison",
    "parse_arms",
]
