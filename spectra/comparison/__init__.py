"""Arms, trained and scored alike -> what may be said of one against another."""

from spectra.comparison.arms import Arm, parse_arms
from spectra.comparison.experiment import compare
from spectra.comparison.results import (
    ArmRecord,
    Comparison,
    Drawn,
    Reach,
    RunScores,
    load_comparison,
)

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
