"""The scores of one run: its bound along the training, its samples' distance from the data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["DISTANCES", "Drawn", "RunScores", "drawn", "number", "run_scores"]

MOST = 2**63  # steps, and evaluations
DISTANCES = {"spectral": "spectral distance", "frechet": "Frechet distance, pca"}


@dataclass(frozen=True)
class Drawn:
    """Distances of one run's samples from the data, by one solver in so many evaluations.

    Attributes
    ----------
    solver : str
    steps, evaluations : int
    spectral : float
        dB.
    frechet : float
        Over principal components of the data.
    """

    solver: str
    steps: int
    evaluations: int
    spectral: float
    frechet: float


@dataclass(frozen=True)
class RunScores:
    """One arm trained with one seed.

    Attributes
    ----------
    arm : str
    seed : int
    steps : tuple of int
        Where the bound was taken along the training; the last is the end.
    bits : tuple of float
        The bound there on held-out files, bits/dim.
    gaussian : float
        The Wiener filter's on the same examples, in closed form: no training at all.
    drawn : tuple of Drawn
        At the end.
    run : str
        Folder of the training, within that of the comparison.
    """

    arm: str
    seed: int
    steps: tuple[int, ...]
    bits: tuple[float, ...]
    gaussian: float
    drawn: tuple[Drawn, ...]
    run: str = ""

    def reach(self, target: float) -> float:
        """Step at which the bound first falls to a target, or infinity.

        Straight in the logarithm of the step between two scores.
        """
        steps, bits = np.array(self.steps, float), np.array(self.bits)
        below = np.flatnonzero(bits <= target)
        if not len(below):
            return np.inf
        k = int(below[0])
        if k == 0:
            return float(steps[0])
        share = (bits[k - 1] - target) / (bits[k - 1] - bits[k])
        return float(np.exp(np.interp(share, [0, 1], np.log(steps[k - 1 : k + 1]))))


def run_scores(held: Mapping[str, Any]) -> RunScores:
    """One run's scores as JSON holds them; ValueError where its steps cannot be.

    Others of another kind are found as they are used.
    """
    steps = held["steps"]
    counts = [steps[-1], *(one[name] for one in held["drawn"] for name in ("steps", "evaluations"))]
    whole = all(type(step) is int and 0 <= step < MOST for step in [*steps, *counts])
    if not whole or 0 in counts or len(steps) != len(held["bits"]):
        raise ValueError("steps that are none")
    return RunScores(
        arm=held["arm"],
        seed=held["seed"],
        steps=tuple(held["steps"]),
        bits=tuple(number(value) for value in held["bits"]),
        gaussian=number(held["gaussian"]),
        drawn=tuple(drawn(one) for one in held["drawn"]),
        run=held["run"],
    )


def drawn(held: Mapping[str, Any]) -> Drawn:
    """Distances as JSON holds them."""
    distances = {name: number(held[name]) for name in DISTANCES}
    return Drawn(**{**held, **distances})


def number(held: float | None) -> float:
    """As JSON holds it: what is not finite is null there."""
    return np.nan if held is None else held
