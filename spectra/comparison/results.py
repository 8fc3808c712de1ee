"""What a comparison found: every run's scores, and what may be said of one arm against another."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from spectra.comparison.scores import DISTANCES, RunScores, run_scores
from spectra.errors import InputError
from spectra.evaluation import Difference, paired_difference
from spectra.files import write_json

__all__ = ["ArmRecord", "Comparison", "Reach", "load_comparison"]

FORMAT = 1
BITS = "bits/dim"
LEAST_DISTANCE = 1e-3  # dB, and Frechet: nearer than this to the data is as good as on them


@dataclass(frozen=True)
class ArmRecord:
    """One arm: a schedule, how it is trained, and how it is stepped through.

    Attributes
    ----------
    name : str
    text : str
        As it was asked for.
    copied : bool
        Blind to the data: a published schedule.
    training, sampling : dict
    explanation : dict
        The schedule's own.
    """

    name: str
    text: str
    copied: bool
    training: Mapping[str, Any]
    sampling: Mapping[str, Any]
    explanation: Mapping[str, str]


@dataclass(frozen=True)
class Reach:
    """Steps an arm takes to another one's final bound, as shares of the other's steps.

    Attributes
    ----------
    arm, other : str
    shares : tuple of float
        By seed; infinite where it was not reached.
    mean, low, high : float
        Geometric mean with its interval; not a number where a seed did not reach it.
    """

    arm: str
    other: str
    shares: tuple[float, ...]
    mean: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """JSON's types."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """Several arms, trained alike with the same seeds.

    Attributes
    ----------
    source : str
    arms : tuple of ArmRecord
        The first is what the others are compared with.
    seeds : tuple of int
    runs : tuple of RunScores
    settings : dict
        All that was equal.
    bits_margin : float
        A difference whose interval lies wholly below this many bits/dim is a tie.
    distance_margin : float
        The same for distances, as a share.
    """

    source: str
    arms: tuple[ArmRecord, ...]
    seeds: tuple[int, ...]
    runs: tuple[RunScores, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    bits_margin: float = 0.02
    distance_margin: float = 0.05

    @cached_property
    def _by_name(self) -> dict[tuple[str, int], RunScores]:
        return {(run.arm, run.seed): run for run in self.runs}

    def run(self, arm: str, seed: int) -> RunScores:
        """The scores of an arm with a seed."""
        return self._by_name[arm, seed]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the arms, in their order."""
        return tuple(arm.name for arm in self.arms)

    def select(self, *names: str) -> "Comparison":
        """The same comparison of some arms only; the first is held against the others.

        Raises
        ------
        InputError
            There is no such arm, or none is named.
        """
        by_name = {arm.name: arm for arm in self.arms}
        missing = [name for name in names if name not in by_name]
        if missing or not names:
            raise InputError(
                f"arms {', '.join(missing) or '(none)'}: not of this comparison; it has "
                f"{', '.join(by_name)}"
            )
        runs = tuple(run for name in names for run in self.runs if run.arm == name)
        return replace(self, arms=tuple(by_name[name] for name in names), runs=runs)

    @property
    def samplers(self) -> tuple[tuple[str, int], ...]:
        """(solver, evaluations) that some arm's samples were drawn with, in order.

        Of the arms that name no solver of their own, where there are any.
        """
        free = {arm.name for arm in self.arms if "solver" not in arm.sampling}
        runs = [run for run in self.runs if run.arm in free] or self.runs
        return tuple(sorted({(one.solver, one.evaluations) for run in runs for one in run.drawn}))

    def solver_of(self, arm: str, solver: str) -> str:
        """The arm's own solver where it names one, else `solver`."""
        own = next(one.sampling for one in self.arms if one.name == arm)
        return own.get("solver", solver)

    def bits(self, arm: str) -> np.ndarray:
        """Final bits/dim by seed, [S]."""
        return np.array([self.run(arm, seed).bits[-1] for seed in self.seeds])

    def distances(self, arm: str, measure: str, evaluations: int, solver: str) -> np.ndarray:
        """A distance by seed, [S]; not a number where the arm was not drawn so.

        `measure` is "spectral" (dB) or "frechet". An arm that names a solver of its own is held
        against the others at that, with as many evaluations.
        """
        own = self.solver_of(arm, solver)
        found = []
        for seed in self.seeds:
            drawn = self.run(arm, seed).drawn
            here = [d for d in drawn if (d.solver, d.evaluations) == (own, evaluations)]
            found.append(getattr(here[0], measure) if here else np.nan)
        return np.array(found)

    def log_distances(self, arm: str, measure: str, evaluations: int, solver: str) -> np.ndarray:
        """ln of `distances`, [S]: they are compared by ratio, and nothing is nearer than 0."""
        found = self.distances(arm, measure, evaluations, solver)
        return np.log(np.maximum(found, LEAST_DISTANCE))

    def mean_distance(self, arm: str, measure: str, evaluations: int, solver: str) -> float:
        """Geometric mean of a distance over seeds."""
        return float(np.exp(self.log_distances(arm, measure, evaluations, solver).mean()))

    def bits_difference(self, a: str, b: str) -> Difference:
        """Final bits/dim of a less b, paired over seeds."""
        return paired_difference(
            self.bits(a),
            self.bits(b),
            measure=f"{BITS} after {self.run(a, self.seeds[0]).steps[-1]:,} steps",
            unit=BITS,
            margin=self.bits_margin,
        )

    def distance_difference(
        self, a: str, b: str, measure: str, evaluations: int, solver: str
    ) -> Difference | None:
        """By how many per cent a distance of a is over that of b, paired over seeds.

        The geometric mean of the ratios, less 1. None where one of them was not drawn so.
        """
        ours, theirs = (self.log_distances(x, measure, evaluations, solver) for x in (a, b))
        if not np.isfinite(ours + theirs).all():
            return None
        logs = paired_difference(ours, theirs, measure="", unit="")
        mean, low, high = (
            100 * float(np.expm1(min(end, 50.0))) for end in (logs.mean, logs.low, logs.high)
        )
        if logs.pairs < 2:
            low, high = -np.inf, np.inf
        ways = " against ".join(dict.fromkeys(self.solver_of(x, solver) for x in (a, b)))
        return Difference(
            f"{DISTANCES[measure]}, {evaluations} evaluations of {ways}",
            "%",
            mean,
            low,
            high,
            logs.pairs,
            logs.level,
            100 * self.distance_margin,
        )

    def differences(self, a: str, b: str) -> list[Difference]:
        """Everything that can be said of a less b; less is better throughout."""
        found = [self.bits_difference(a, b)]
        for measure in DISTANCES:
            for solver, evaluations in self.samplers:
                one = self.distance_difference(a, b, measure, evaluations, solver)
                found += [] if one is None else [one]
        return found

    def contrasts(self) -> Iterator[tuple[str, str, Difference]]:
        """The first arm less every other one, measure by measure."""
        first, *others = self.names
        for other in others:
            for difference in self.differences(first, other):
                yield first, other, difference

    @property
    def best_copied(self) -> str | None:
        """The copied arm of the lowest mean final bits/dim."""
        copied = [arm.name for arm in self.arms if arm.copied]
        means = {name: np.nan_to_num(self.bits(name).mean(), nan=np.inf) for name in copied}
        return min(copied, key=lambda name: means[name]) if copied else None

    def reach(self, arm: str, other: str) -> Reach:
        """Steps that an arm takes to the final bound of another, seed by seed."""
        shares = []
        for seed in self.seeds:
            theirs = self.run(other, seed)
            shares.append(self.run(arm, seed).reach(theirs.bits[-1]) / theirs.steps[-1])
        logs = np.log(np.array(shares))
        if not np.isfinite(logs).all():
            return Reach(arm, other, tuple(shares), np.nan, np.nan, np.nan)
        found = paired_difference(logs, np.zeros_like(logs), measure="", unit="")
        mean, low, high = (float(np.exp(end)) for end in (found.mean, found.low, found.high))
        return Reach(arm, other, tuple(shares), mean, low, high)

    def to_dict(self) -> dict[str, Any]:
        """All of it, and what follows from it, for JSON."""
        best = self.best_copied
        return {
            "format": FORMAT,
            "source": self.source,
            "settings": dict(self.settings),
            "margins": {"bits_per_dim": self.bits_margin, "distance": self.distance_margin},
            "seeds": list(self.seeds),
            "arms": [asdict(arm) for arm in self.arms],
            "runs": [asdict(run) for run in self.runs],
            "differences": [
                {"arm": a, "other": b, **difference.to_dict()}
                for a, b, difference in self.contrasts()
            ],
            "reach": [] if best is None else [self.reach(n, best).to_dict() for n in self.names],
        }

    def save(self, path: str | Path) -> None:
        """Write JSON."""
        write_json(Path(path), self.to_dict())


def load_comparison(path: str | Path) -> Comparison:
    """Read what `Comparison.save` wrote.

    Parameters
    ----------
    path
        The compare.json.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        Missing, damaged, or from a later version.

    Examples
    --------
    >>> digits = spectra.open_source("digits")
    >>> small = {"name": "unet", "width": 8}
    >>> sizes = dict(network=small, steps=5, seeds=2, samples=16, examples=16, evaluations=[3])
    >>> _ = spectra.compare(digits, ["derived", "edm"], out="compared", **sizes)
    >>> [arm.name for arm in spectra.load_comparison("compared/compare.json").arms]
    ['derived', 'edm']
    """
    try:
        held = json.loads(Path(path).read_text())
        later = held["format"] > FORMAT
        found = None if later else _comparison(held)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: cannot be read ({reason}); give a compare.json") from None
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        raise InputError(f"{path}: is no comparison; give what spectra compare wrote") from None
    if found is None:
        raise InputError(f"{path}: of a later version of spectra; upgrade it")
    return found


def _comparison(held: Mapping[str, Any]) -> Comparison:
    found = Comparison(
        source=str(held["source"]),
        arms=tuple(ArmRecord(**arm) for arm in held["arms"]),
        seeds=tuple(held["seeds"]),
        runs=tuple(run_scores(run) for run in held["runs"]),
        settings=held["settings"],
        bits_margin=held["margins"]["bits_per_dim"],
        distance_margin=held["margins"]["distance"],
    )
    found.to_dict()  # what is missing, or of another kind, is missed here
    return found
