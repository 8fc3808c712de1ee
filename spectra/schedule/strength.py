"""How strictly the order is kept, when nobody says: discretisation cost against a penalty."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from spectra.errors import InputError, check_number
from spectra.schedule.orderings import ONE_NUMBER
from spectra.schedule.schedule import Schedule
from spectra.schedule.steps.checks import check_same_shape
from spectra.schedule.steps.recursion import LinearSolver

if TYPE_CHECKING:
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["Penalty", "StrengthChoice", "choose_strength", "error_penalty", "structure_share"]

Penalty = float | Callable[[float], float]
Ends = Callable[[np.ndarray], tuple[float, float]]  # offsets -> pace at t = 0 and at t = 1

STEPS = 10
SOLVER: LinearSolver = "heun"
CANDIDATES = np.arange(0.0, 1.51, 0.25)
GROUPS = 48  # of components with like offsets, which are looked at as one
# J(a) = W2(a) / W2(1) + PENALTY (a - 1)^2. Unasked, a leaves 1 only if J falls by LEAST_GAIN.
PENALTY = 2.0
LEAST_GAIN = 0.25
# 2 (a - 1)^2 stands for data of whose denoising error a network explains a quarter more than the
# Wiener filter does, as on photographs (16 x 16: 3.20 nats a value by the filter, 2.29 trained).
PENALTY_PER_SHARE = PENALTY / 0.25


@dataclass(frozen=True)
class StrengthChoice:
    """An ordering strength and the two numbers that it trades.

    Attributes
    ----------
    strength : float
    candidates, cost, penalty : float64 [K]
        Strengths looked at; W2 of 10 Heun steps on each one's best grid relative to that at 1;
        what the strength is charged for.
    reason : str
        One line.
    """

    strength: float
    candidates: np.ndarray
    cost: np.ndarray
    penalty: np.ndarray
    reason: str

    @property
    def total(self) -> np.ndarray:
        """J, [K]."""
        return self.cost + self.penalty


def choose_strength(
    base: Schedule, ends: Ends, penalty: "Penalty | DenoisingError | None" = None
) -> StrengthChoice:
    """The strength a that is least in J(a) = cost(a) + penalty(a).

    cost is the W2 distance to Gaussian data of this spectrum that 10 Heun steps leave, on the
    grid that is best for them, relative to a = 1. It falls with a all the way to 0 (there every
    component has the same SNR, and one grid suits all), for Gaussian data have no structure that
    an order could help to learn. The penalty stands for that structure. Published evidence: on
    images GUD finds a near 1 best (arXiv 2410.02667), and a = 0 is on par at most (EqualSNR, arXiv
    2505.11278).

    Parameters
    ----------
    base : Schedule
        Of strength 1.
    ends : callable
        Offsets -> pace at t = 0 and t = 1.
    penalty : float, callable or DenoisingError, optional
        c of c (a - 1)^2, any function of a, or a measured denoising error (`error_penalty`). With
        none c = 2, and a stays 1 unless J falls by a quarter: the choice is conservative.

    Raises
    ------
    InputError
        A penalty that is negative or not finite.
    """
    if hasattr(penalty, "shape"):
        check_same_shape("penalty", penalty.shape, base.shape)  # pyright: ignore
    function, words = _penalty(penalty)
    charge = np.array([_charge(function, a) for a in CANDIDATES])
    at_one = _charge(function, 1.0)
    # cost(1) = 1, and above 1 it is more: these can still be least.
    looked = (charge < 1 + at_one) & ((CANDIDATES <= 1) | (charge < at_one)) | (CANDIDATES == 1)
    candidates, charge = CANDIDATES[looked], charge[looked]
    cost = np.array([_cost(base, a, ends) for a in candidates])
    one = int(np.argmin(np.abs(candidates - 1)))
    if not 0 < cost[one] < np.inf:
        return StrengthChoice(1.0, candidates, cost, charge, "1: there is no error to compare")
    cost = cost / cost[one]
    best = int(np.argmin(cost + charge))
    a = float(candidates[best])
    error, total = f"W2 of {STEPS} {SOLVER.title()} steps", cost + charge
    beside = f"{error} is {cost[best]:.2f} of that at 1, and {total[best]:.2f} with {words}"
    if a == 1:
        reason = f"1: {error}, with {words}, is least there"
    elif penalty is None and total[best] > 1 - LEAST_GAIN:
        reason = (
            f"1: at {a:g} {beside}: {1 - total[best]:.0%} lower, and under {LEAST_GAIN:.0%} it "
            "stays at 1"
        )
        a = 1.0
    else:
        reason = f"{a:g}: {beside}, the least; at 1 that is {total[one]:.2f}"
    return StrengthChoice(a, candidates, cost, charge, reason)


def error_penalty(error: "DenoisingError") -> Callable[[float], float]:
    """A penalty out of what a trained denoiser knows beyond the Wiener filter.

    8 s (a - 1)^2, s the share of the Wiener filter's error that the denoiser does without: 0 for
    Gaussian data, for which order is worth nothing. It is a scale for the penalty, not a proof:
    the error was measured at one strength only.

    Raises
    ------
    InputError
        The denoiser is worse than the Wiener filter, and tells nothing about the data.
    """
    share = structure_share(error)
    if share < -0.02:
        raise InputError(
            f"penalty: {error.name} denoises worse than the Wiener filter (by {-share:.0%}) and "
            "says nothing about the data; train it longer, or give a number"
        )
    scale = PENALTY_PER_SHARE * max(share, 0.0)
    return lambda a: scale * (a - 1) ** 2


def structure_share(error: "DenoisingError") -> float:
    """Share of the Wiener filter's nats int mmse / sigma^2 d ln sigma that a denoiser saves."""
    axes = tuple(range(1, error.error.ndim))
    level = error.sigma.reshape(-1, *[1] * len(error.shape)) * error.tilt
    wiener = error.variance / (error.variance + level**2)  # mmse / sigma^2, [L, *shape]
    x = np.log(error.sigma)
    if len(x) < 2:
        raise InputError(f"penalty: {error.name} was measured at one noise level; measure more")
    nats = [np.trapezoid(part.sum(axis=axes), x) for part in (wiener, error.error / level**2)]
    return float(1 - nats[1] / nats[0])


def _penalty(
    penalty: "Penalty | DenoisingError | None",
) -> tuple[Callable[[float], float], str]:
    """A penalty as a function of a, and in words."""
    if penalty is None:
        penalty = PENALTY
    if isinstance(penalty, ONE_NUMBER):
        scale = float(penalty)
        check_number("penalty", scale, low=0.0)
        return (lambda a: scale * (a - 1) ** 2), f"a penalty of {scale:g} (a - 1)^2"
    if callable(penalty):
        return penalty, "the given penalty"
    if not hasattr(penalty, "effective_variance"):
        raise InputError("penalty: give a number, a function of the strength, or a DenoisingError")
    share = structure_share(penalty)
    return error_penalty(penalty), f"the penalty of {penalty.name} ({share:.0%} under Wiener)"


def _charge(function: Callable[[float], float], a: float) -> float:
    try:
        value = float(function(float(a)))
    except (TypeError, ValueError):
        raise InputError(f"penalty: the function gives no number at strength {a:g}") from None
    check_number(f"penalty at strength {a:g}:", value, low=0.0)
    return value


def _cost(base: Schedule, a: float, ends: Ends) -> float:
    """W2 (root of the sum of squares) of the best grid at strength a."""
    from spectra.schedule.steps.gaussian import Knots, wiener_knots
    from spectra.schedule.steps.optimise import SMOOTHNESS, Problem, optimise

    offset, power = _grouped(base)
    clean, noisy = ends(a * base.offset)
    if not clean < noisy:  # ends by hand that leave nothing between them
        return np.inf

    def knots(q: np.ndarray, lower: float) -> Knots:
        log_sigma = 0.5 * (q[:, None] - a * offset)  # of unit variance
        return wiener_knots(log_sigma, np.full(len(offset), np.exp(-lower)))

    problem = Problem(
        knots=knots,
        rate=lambda q: np.full((len(q), 1), 0.5),
        count=np.ones_like(power),
        total=power,
        start="data",
        solver=SOLVER,
        criterion="w2",
        noisy=noisy,
        clean=clean,
        fixed=False,
    )
    # Even in ln sigma where the components are, or in sigma^(1/7): the two that win elsewhere.
    low = max(clean, min(a * float(offset.min()) - 2, noisy - 1e-3))
    share = np.linspace(0, 1, STEPS)
    root = np.exp(max((low - noisy) / 14, -700.0))
    starts = [noisy + share * (low - noisy), noisy + 14 * np.log(1 - share + share * root)]
    with np.errstate(all="ignore"):  # ends by hand may lie where ten steps overflow
        found = optimise(problem, starts, SMOOTHNESS)
        cost = float(np.exp(replace(problem, spread=0.0).cost(found)[0] / 2))
    return cost if np.isfinite(cost) else np.inf


def _grouped(base: Schedule) -> tuple[np.ndarray, np.ndarray]:
    """Offsets, and the variance summed, of groups of components with like offsets, [G], [G]."""
    offset, variance = base.offset.ravel(), base.variance.ravel()
    edges = np.linspace(offset.min(), offset.max(), GROUPS + 1)
    group = np.clip(np.searchsorted(edges, offset, side="right") - 1, 0, GROUPS - 1)
    power = np.bincount(group, variance, GROUPS)
    used = power > 0
    return np.bincount(group, variance * offset, GROUPS)[used] / power[used], power[used]
