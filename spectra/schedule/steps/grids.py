"""Where a sampler's steps lie: optimised for the solver on the data's spectrum, or as published."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name
from spectra.schedule.schedule import offset_histogram
from spectra.schedule.steps.checks import check_ends, check_steps, check_variance
from spectra.schedule.steps.entropy import entropic_levels
from spectra.schedule.steps.gaussian import (
    MOST_LOG_SNR,
    Knots,
    Start,
    knots_of,
    linear_solver,
    wiener_knots,
    within,
)
from spectra.schedule.steps.members import schedule_members
from spectra.schedule.steps.optimise import SMOOTHNESS, SPREAD, Criterion, Problem, optimise
from spectra.schedule.steps.rules import PUBLISHED, RULES, named_sigmas

if TYPE_CHECKING:
    from spectra.schedule.schedule import Schedule
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["grid_criterion", "optimal_sigmas", "schedule_grid"]

Last = Literal["fixed", "free"]

GROUPS = 96  # distinct curves an optimisation looks at
# A measured error takes the place of the lowered spectrum, beside the spectrum itself: alone it
# makes worse grids on mixtures (`make bench BENCH=mixtures`). It counts e^-2.
MEASURED = 2.0
MOST_OPTIMISED = 256  # knots; more lie along as smooth a curve
PROBES = 257  # times at which a schedule that is not separable is looked at


def optimal_sigmas(
    variance: np.ndarray,
    steps: int,
    solver: str = "heun",
    *,
    sigma_max: float,
    sigma_min: float,
    count: np.ndarray | None = None,
    criterion: str = "w2",
    start: Start = "data",
    last: Last = "fixed",
    smoothness: float = SMOOTHNESS,
    spread: float = SPREAD,
) -> np.ndarray:
    """Noise levels that cost a solver least on Gaussian data, [steps]; the final 0 is left out.

    Parameters
    ----------
    variance : [K]
        lambda of each component, above 0.
    steps : int
    solver : {"euler", "ddim", "heun", "2m", "ancestral", "covariance"}
        The last two are given the grid of Euler, whose limits they are.
    sigma_max, sigma_min : float
        The first level, and the last or (free) the lowest that the last may take.
    count : [K], optional
    criterion : {"w2", "kl"}
    start : {"data", "white"}
        See `gaussian.predict_error`.
    last : {"fixed", "free"}
    smoothness, spread : float
        Regularisation: price of a change of step between neighbours, and ln of the factor by
        which a second spectrum that the grid is judged on lies lower. 0 and 0 fit the surrogate.

    Returns
    -------
    float64 [steps]
        Never worse on the spectrum itself than the best of the published rules.

    Raises
    ------
    InputError
        An unknown name, fewer than one step, or levels that do not rise from above 0.

    Examples
    --------
    >>> variance = np.arange(1.0, 65.0) ** -2
    >>> spectra.optimal_sigmas(variance, 5, "heun", sigma_max=80, sigma_min=0.002).round(1)
    array([80. ,  5.4,  1.2,  0.2,  0. ])
    """
    variance, weight = check_variance(variance, count)
    sigma_min, sigma_max = check_ends(sigma_min, sigma_max)
    starts = [
        2
        * np.log(
            named_sigmas(
                rule, variance, steps, sigma_max=sigma_max, sigma_min=sigma_min, count=count
            )
        )
        for rule in PUBLISHED
    ]
    groups = _groups(np.log(variance)[None], weight, variance)

    def knots(q: np.ndarray, lower: float) -> Knots:
        log_sigma = np.repeat(q[:, None] / 2, len(groups.count), axis=1)
        return wiener_knots(log_sigma, np.exp(groups.mean - lower))

    problem = Problem(
        knots=knots,
        rate=_half,
        count=groups.count,
        total=groups.total,
        start=_known(start, Start, "start"),
        solver=linear_solver(solver),
        criterion=_known(criterion, Criterion, "criterion"),
        noisy=starts[0][0],
        clean=2 * np.log(sigma_min),
        fixed=_known(last, Last, "last") == "fixed",
        spread=spread,
    )
    return np.exp(_best(problem, starts, smoothness) / 2)


def schedule_grid(
    schedule: "Schedule",
    steps: int,
    solver: str = "heun",
    criterion: str | None = None,
    *,
    rule: str = "optimal",
    error: "DenoisingError | None" = None,
    start: Start = "data",
    smoothness: float = SMOOTHNESS,
    spread: float = SPREAD,
) -> np.ndarray:
    """Times of a sampler's knots along a schedule; see `Schedule.grid`."""
    check_steps(steps)
    small = grid_criterion(rule, criterion)
    if rule == "time":
        return np.linspace(1, 0, steps + 1)
    levels, t = _levels_of(schedule)
    if rule == "rescaled-entropic" and error is not None:
        return _times(entropic_levels(schedule, levels, t, steps, error), levels, t)
    noisy, clean = float(levels[-1]), float(levels[0])
    if schedule.separable:
        strength, count = schedule.offset_histogram
    else:
        middle = within(schedule.log_snr(np.array([0.5]))[0])
        strength, count = offset_histogram(middle + np.interp(0.5, t, levels))
    starts = [
        2
        * np.log(
            named_sigmas(
                name,
                np.exp(np.maximum(strength - noisy, -600)),  # in units of the noise at t = 1
                steps,
                sigma_max=1.0,
                sigma_min=float(np.exp(max(clean - noisy, -600) / 2)),
                count=count,
            )
        )
        + noisy
        for name in (PUBLISHED if rule == "optimal" else (rule,))
    ]
    found = starts[0]
    if small is not None:
        problem = _schedule_problem(schedule, levels, t, solver, small, error, start, spread)
        found = _best(problem, starts, smoothness)
    return _times(found, levels, t)


def grid_criterion(rule: str, criterion: str | None) -> Criterion | None:
    """What a grid makes small: w2 where none is named; None of published rules, which look at none.

    Raises
    ------
    InputError
        An unknown name, or a criterion of a published rule.
    """
    check_name("rule", rule, RULES)
    if rule == "optimal":
        return _known("w2" if criterion is None else criterion, Criterion, "criterion")
    if criterion is not None:
        raise InputError(
            f"criterion {criterion!r}: rule {rule!r} has no use for it; take rule 'optimal'"
        )
    return None


def _times(found: np.ndarray, levels: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Times of the levels found, [N] -> [N + 1]."""
    times = np.interp(found, levels, t)
    times[0] = 1.0
    times = np.minimum.accumulate(times)
    # Knots closer than this are one: t_{N-1} must not fall on the end itself.
    return np.r_[np.maximum(times, 1e-9 * np.arange(len(times), 0, -1)), 0.0]


def _levels_of(schedule: "Schedule") -> tuple[np.ndarray, np.ndarray]:
    """A noise level in ln sigma^2 that rises with t, and t: the pace, or what the mean SNR says."""
    if schedule.separable:
        if not schedule.pace[-1] > schedule.pace[0]:
            raise InputError(f"{schedule.name}: its noise stands still; there is nothing to step")
        return schedule.pace, schedule.t
    t = np.linspace(0, 1, PROBES)
    level = np.array([-within(schedule.log_snr(t[k : k + 1])).mean() for k in range(PROBES)])
    return level + 1e-6 * t, t


def _schedule_problem(
    schedule: "Schedule",
    levels: np.ndarray,
    t: np.ndarray,
    solver: str,
    criterion: str,
    error: "DenoisingError | None",
    start: Start,
    spread: float,
) -> Problem:
    """The cost of knots at levels q [N], over groups of components with like curves."""
    noisy, clean = float(levels[-1]), float(levels[0])
    variance = schedule.variance.ravel()
    if schedule.separable and error is None:
        groups = _groups(schedule.offset.reshape(1, -1), np.ones_like(variance), variance)

        def knots(q: np.ndarray, lower: float) -> Knots:
            log_sigma = -0.5 * within(groups.mean - q[:, None])  # of unit variance
            return wiener_knots(log_sigma, np.full(len(groups.mean), np.exp(-lower)))

        def rate(q: np.ndarray) -> np.ndarray:
            return 0.5 * (np.abs(groups.mean - q[:, None]) < MOST_LOG_SNR)

    else:
        probes = within(schedule.log_snr(np.interp(np.linspace(clean, noisy, 5), levels, t)))
        probes = probes.reshape(5, -1)
        if error is not None:
            probes = np.vstack(
                [probes, np.log(error.effective_variance())[::3].reshape(-1, len(variance))]
            )
        groups = _groups(probes, np.ones_like(variance), variance)
        small = 1e-4 * (noisy - clean)
        part, all_of_it = schedule_members(schedule, groups.member), np.arange(len(groups.member))

        def knots(q: np.ndarray, lower: float) -> Knots:
            times = np.interp(q, levels, t)
            if error is None or lower == 0:
                return knots_of(part, times, all_of_it, lower=lower)
            return knots_of(schedule, times, groups.member, error)

        def rate(q: np.ndarray) -> np.ndarray:
            above, below = np.minimum(q + small, noisy), np.maximum(q - small, clean)
            log_snr = within(part.log_snr(np.interp(np.r_[above, below], levels, t)))
            log_snr = log_snr.reshape(2, len(q), -1)
            return 0.5 * (log_snr[1] - log_snr[0]) / (above - below)[:, None]

    return Problem(
        knots=knots,
        rate=rate,
        count=groups.count,
        total=groups.total,
        start=_known(start, Start, "start"),
        solver=linear_solver(solver),
        criterion=_known(criterion, Criterion, "criterion"),
        noisy=noisy,
        clean=clean,
        fixed=False,
        spread=spread if error is None else MEASURED,
    )


def _best(problem: Problem, starts: Sequence[np.ndarray], smoothness: float) -> np.ndarray:
    """The regularised optimum, unless a published rule is better on the spectrum itself."""
    if len(starts[0]) > MOST_OPTIMISED:
        return _stretched(problem, starts, smoothness)
    bare = replace(problem, spread=0.0)
    costs = [bare.cost(start)[0] for start in starts]
    order = np.argsort(costs)
    begun = [starts[i] for i in order[:3]]
    if not problem.fixed:  # the rules end at the lowest level; a free last knot is seldom there
        begun += [problem.noisy + share * (begun[0] - problem.noisy) for share in (0.9, 0.75, 0.6)]
    found = optimise(problem, begun, smoothness)
    return found if bare.cost(found)[0] <= costs[order[0]] else begun[0]


def _stretched(problem: Problem, starts: Sequence[np.ndarray], smoothness: float) -> np.ndarray:
    """As many knots as are asked for along the best grid of fewer."""
    few, many = (np.linspace(0, 1, n) for n in (MOST_OPTIMISED, len(starts[0])))
    found = _best(problem, [np.interp(few, many, start) for start in starts], smoothness)
    bare = replace(problem, spread=0.0)
    return min([np.interp(many, few, found), *starts], key=lambda knots: bare.cost(knots)[0])


@dataclass(frozen=True)
class _Groups:
    """Components with like curves: how many, sum of lambda, mean feature, one member. [K] each."""

    count: np.ndarray
    total: np.ndarray
    mean: np.ndarray
    member: np.ndarray


def _groups(features: np.ndarray, count: np.ndarray, variance: np.ndarray) -> _Groups:
    """Group components by features [F, D], as finely as GROUPS groups allow."""
    width = 0.0
    while True:
        coarse = features if width == 0 else np.round(features / width)
        key = coarse[0] if len(coarse) == 1 else coarse.T @ np.cos(np.arange(1.0, len(coarse) + 1))
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        if len(first) <= GROUPS:
            break
        width = 1.25 * width if width else float(np.ptp(features, axis=1).max()) / GROUPS
    mass = count * variance
    total = np.bincount(group, mass)
    return _Groups(
        np.bincount(group, count), total, np.bincount(group, mass * features[0]) / total, first
    )


def _half(q: np.ndarray) -> np.ndarray:
    """d ln sigma / dq where q = ln sigma^2, [N, 1]."""
    return np.full((len(q), 1), 0.5)


def _known(value: str, names: Any, what: str) -> Any:
    """A name out of a Literal, or a clear refusal."""
    check_name(what, value, get_args(names))
    return value
