"""One score as everybody reads it: a value, its interval, and what real data get."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

__all__ = ["Interval", "Score", "jackknife", "reach"]

GROUPS = 10


def reach(low: float, high: float, form: str = ".4g") -> str:
    """An interval in words; of a single file, say, there is none."""
    if np.isinf(high):
        return "no interval"
    return f"{low:{form}} to {high:{form}}"


@dataclass(frozen=True)
class Interval:
    """A value with its interval.

    Attributes
    ----------
    value, low, high : float
    """

    value: float
    low: float
    high: float

    def line(self, name: str, tail: str = "") -> str:
        """A line of a table."""
        return f"{name:<30}{self.value:>9.4g}   {reach(self.low, self.high)} {tail}".rstrip()


@dataclass(frozen=True)
class Score:
    """A score of samples against real data.

    Attributes
    ----------
    name, unit : str
    found : Interval
    floor : Interval or None
        The same score of as many real examples, from other files than those scored against:
        what samples that cannot be told from data would get.
    n, against : int
        Samples, and real examples they were scored against. Distances between distributions are
        too large by an amount that falls with both; the floor's is the same.
    details : dict
        What else belongs to it, ready for JSON.
    """

    name: str
    unit: str
    found: Interval
    floor: Interval | None
    n: int
    against: int
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def apart(self) -> bool | None:
        """Whether the two intervals do not touch; None without a floor."""
        if self.floor is None:
            return None
        return self.found.low > self.floor.high or self.found.high < self.floor.low

    def to_dict(self) -> dict[str, Any]:
        """JSON's types."""
        return {**asdict(self), "apart": self.apart}

    def lines(self) -> list[str]:
        """As lines of a table: value and interval; what real data get; a verdict if it has one."""
        lines = [self.found.line(self.name, self.unit)]
        if self.floor is not None:
            lines.append(self.floor.line("  of real data"))
        return lines + ([f"  {self.details['verdict']}"] if "verdict" in self.details else [])


def jackknife(
    statistic: Callable[[np.ndarray], float],
    units: np.ndarray,
    *,
    least: float = -np.inf,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """A statistic of examples with its interval, leaving out one group of units at a time.

    Duplicates, as a bootstrap makes them, would change a distance between distributions; leaving
    some out changes all its replicates alike (Shao & Tu, "The Jackknife and Bootstrap", 1995).

    Parameters
    ----------
    statistic
        Of the examples with these indices, int64 [K].
    units : int [N]
        The independent unit of each example.
    least : float
        Smallest value that the statistic can have.
    level : float
    seed : int
        Of the grouping.
    """
    from scipy import stats

    value = statistic(np.arange(len(units)))
    number = np.unique(units, return_inverse=True)[1]
    count = int(number.max()) + 1
    groups = min(GROUPS, count)
    if groups < 2:
        return Interval(value, least, np.inf)
    group = np.random.default_rng(seed).permutation(count)[number] % groups
    parts = np.array([statistic(np.flatnonzero(group != g)) for g in range(groups)])
    error = np.sqrt((groups - 1) * parts.var())
    half = float(stats.t.ppf((1 + level) / 2, groups - 1) * error)
    return Interval(value, max(value - half, least), value + half)
