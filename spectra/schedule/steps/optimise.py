"""Knots optimised for the solver that will use them, on the measured spectrum."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np

from spectra.schedule.steps.gaussian import Knots, Start, log_start
from spectra.schedule.steps.recursion import LinearSolver, multipliers_and_gradient

__all__ = ["SMOOTHNESS", "SPREAD", "Criterion", "Problem", "optimise"]

Criterion = Literal["w2", "kl", "spectrum"]

# A grid that fits the surrogate to the last digit cancels errors that real data do not have.
# So it is judged on the spectrum and on the same spectrum a factor e^-SPREAD lower, as the local
# spread of data is that comes in clusters; and neighbouring steps may differ only at a price.
SPREAD = 0.5
SMOOTHNESS = 0.01
ITERATIONS = 300
# Errors this far under the data's variance (-25 dB) are not worth a rougher grid.
NEGLIGIBLE = 3e-3


@dataclass(frozen=True)
class Problem:
    """What is minimised over the levels q_0 > q_1 > ... of a grid's knots.

    Attributes
    ----------
    knots : callable
        q [N], s -> the Knots of K groups of components on the spectrum a factor e^-s lower.
    rate : callable
        q [N] -> d ln sigma / dq of each group, [N, K] or [N, 1].
    count, total : [K]
        Components in each group, and the sum of their lambda.
    start : {"data", "white"}
    solver : {"euler", "heun", "2m"}
    criterion : {"w2", "kl", "spectrum"}
        Sums of lambda (1 - sqrt r)^2, of (r - 1 - ln r) / 2, of sqrt(lambda) (1 - sqrt r)^2.
    noisy, clean : float
        q at the first knot, and the lowest that is allowed.
    fixed : bool
        Whether the last knot lies at `clean`; otherwise it is free.
    """

    knots: Callable[[np.ndarray, float], Knots]
    rate: Callable[[np.ndarray], np.ndarray]
    count: np.ndarray
    total: np.ndarray
    start: Start
    solver: LinearSolver
    criterion: Criterion
    noisy: float
    clean: float
    fixed: bool
    spread: float = SPREAD

    def cost(self, q: np.ndarray) -> tuple[float, np.ndarray]:
        """ln of the criterion, and its gradient by q, [N]."""
        # A regularised grid gains nothing from errors so small.
        total = NEGLIGIBLE * float(self._weight(0.0).sum()) if self.spread > 0 else 1e-300
        lowered = (0.0, self.spread) if self.spread > 0 else (0.0,)
        both = _joined([self.knots(q, lower) for lower in lowered])  # in one go: half the time
        value, by_x = self._of(both, np.concatenate([self._weight(lower) for lower in lowered]))
        by_q = by_x.reshape(len(q), len(lowered), -1) * self.rate(q)[:, None]
        total += value
        return float(np.log(total)), by_q.sum(axis=(1, 2)) / total

    def _weight(self, lower: float) -> np.ndarray:
        """What each group counts, on the spectrum a factor e^-lower lower, [K]."""
        if self.criterion == "kl":
            return self.count
        total = self.total * np.exp(-lower)
        return total if self.criterion == "w2" else np.sqrt(total * self.count)

    def _of(self, knots: Knots, weight: np.ndarray) -> tuple[float, np.ndarray]:
        """The criterion, and its gradient by every ln sigma, [N, K]."""
        moved, by_x = multipliers_and_gradient(
            self.solver, knots.log_sigma, knots.gain, knots.slope
        )
        scale = np.exp(log_start(knots, self.start) / 2)
        root = moved * scale  # sqrt of Var_out / lambda, with its sign
        if self.criterion == "kl":
            square = np.maximum(root**2, 1e-30)
            value = 0.5 * (square - 1 - np.log(square))
            slope = np.where(np.abs(root) > 1e-15, root - 1 / np.where(root == 0, 1.0, root), 0.0)
        else:
            value, slope = (1 - root) ** 2, -2 * (1 - root)
        return float((weight * value).sum()), weight * slope * scale * by_x


def _joined(several: Sequence[Knots]) -> Knots:
    """One after another along the components."""
    log_sigma, gain, slope, variance, log_flow = (
        np.concatenate([getattr(knots, one.name) for knots in several], axis=-1)
        for one in fields(Knots)
    )
    return Knots(log_sigma, gain, slope, variance, log_flow)


def optimise(problem: Problem, starts: Sequence[np.ndarray], smoothness: float) -> np.ndarray:
    """The best knots [N] found from some starts, each [N] from noisy to clean.

    L-BFGS in the logarithms of the steps' shares of the range, which keeps knots in order.
    """
    from scipy.optimize import minimize

    size = problem.noisy - problem.clean
    steps = len(starts[0]) - (1 if problem.fixed else 0)
    if steps < 1 or (problem.fixed and len(starts[0]) < 3):
        return starts[0]

    def levels(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        share = np.exp(logits - logits.max())
        share /= share.sum()
        gone = np.r_[0.0, np.cumsum(share[: len(starts[0]) - 1])]
        return problem.noisy - size * gone, share

    def objective(logits: np.ndarray) -> tuple[float, np.ndarray]:
        q, share = levels(logits)
        value, by_q = problem.cost(q)
        # q_k = noisy - size sum_{j<k} share_j: later knots feel every earlier share.
        by_share = np.zeros_like(share)
        by_share[: len(q) - 1] = -size * np.cumsum(by_q[:0:-1])[::-1]
        by_logits = share * (by_share - by_share @ share)
        inner = logits[: len(q) - 1]  # what is left of the range after a free last knot is no step
        bend = np.diff(inner)
        value += smoothness * float(bend @ bend)
        by_logits[1 : len(inner)] += 2 * smoothness * bend
        by_logits[: len(inner) - 1] -= 2 * smoothness * bend
        return value, by_logits

    best, lowest = starts[0], np.inf
    for start in starts:
        gaps = -np.diff(start)
        if not problem.fixed:
            gaps = np.r_[gaps, start[-1] - problem.clean]
        logits = np.log(np.maximum(gaps, 1e-6 * size))
        with np.errstate(over="ignore", invalid="ignore"):  # a line search may leap too far
            found = minimize(
                objective,
                logits,
                jac=True,
                method="L-BFGS-B",
                options={"maxiter": ITERATIONS, "ftol": 1e-7},
            )
        if found.fun < lowest:
            best, lowest = levels(found.x)[0], float(found.fun)
    return best
