"""Better, tied, worse or undecided: by the interval of the paired difference, and nothing else."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from spectra.errors import InputError

__all__ = ["Difference", "mean_interval", "paired_difference"]

Verdict = Literal["better", "tied", "worse", "undecided"]


@dataclass(frozen=True)
class Difference:
    """Mean of paired differences a - b of a score where less is better.

    Attributes
    ----------
    measure, unit : str
        What was measured, and the unit of the difference.
    mean, low, high : float
        With the interval (Student t over the pairs).
    pairs : int
    level : float
    margin : float
        How much more than nothing still counts as nothing.
    """

    measure: str
    unit: str
    mean: float
    low: float
    high: float
    pairs: int
    level: float
    margin: float = 0.0

    @property
    def verdict(self) -> Verdict:
        """What can be said of a against b."""
        if self.high < 0:
            return "better"
        if self.high < self.margin:
            return "tied"
        if self.low > 0:
            return "worse"
        return "undecided"

    def to_dict(self) -> dict[str, Any]:
        """JSON's types."""
        return {**asdict(self), "verdict": self.verdict}


def mean_interval(values: np.ndarray, level: float = 0.95) -> tuple[float, float, float]:
    """Mean of independent values with its Student t interval; infinite for a single value."""
    from scipy import stats

    values = np.asarray(values, float)
    mean = float(values.mean())
    if len(values) < 2:
        return mean, -np.inf, np.inf
    half = stats.t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return mean, float(mean - half), float(mean + half)


def paired_difference(
    a: np.ndarray,
    b: np.ndarray,
    *,
    measure: str,
    unit: str,
    level: float = 0.95,
    margin: float = 0.0,
) -> Difference:
    """a - b over pairs (same seed, or same file), values [P] each.

    Parameters
    ----------
    a, b : [P]
        Lower is better; value p of both shares a seed, or a file.
    measure, unit : str
        What the values are of, and in.
    level : float
    margin : float
        An interval wholly below it is a tie.

    Returns
    -------
    Difference
        With the interval of Student's t over the pairs, and the verdict.

    Raises
    ------
    InputError
        The two do not pair up.

    Examples
    --------
    >>> from spectra.evaluation import paired_difference
    >>> a, b = np.array([3.1, 3.0, 3.2]), np.array([3.6, 3.5, 3.7])
    >>> found = paired_difference(a, b, measure="bits", unit="bits/dim")
    >>> round(found.mean, 2), found.verdict
    (-0.5, 'better')
    """
    a, b = np.asarray(a, float), np.asarray(b, float)
    if a.shape != b.shape or a.ndim != 1 or len(a) == 0:
        raise InputError(f"a paired difference needs two equal lists; got {a.shape} and {b.shape}")
    mean, low, high = mean_interval(a - b, level)
    return Difference(measure, unit, mean, low, high, len(a), level, margin)
