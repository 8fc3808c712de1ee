"""What few steps cost on a spectrum, for every rule, solver and number of evaluations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from spectra.errors import InputError, check_name
from spectra.schedule.schedule import Schedule
from spectra.schedule.steps.gaussian import GridSolver, evaluations, predict_error
from spectra.schedule.steps.rules import RULES

if TYPE_CHECKING:
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["EVALUATIONS", "GridComparison", "compare_grids", "steps_for"]

EVALUATIONS = (5, 9, 19, 35)


@dataclass(frozen=True)
class GridComparison:
    """Predicted squared W2 distance over the data's variance.

    Attributes
    ----------
    evaluations : tuple of int
        Of the denoiser.
    errors : dict
        Solver -> rule -> one value for each number of evaluations.
    """

    evaluations: tuple[int, ...]
    errors: dict[str, dict[str, list[float]]]


def compare_grids(
    schedule: Schedule,
    *,
    solvers: Sequence[str] = ("euler", "heun", "2m"),
    evaluations: Sequence[int] = EVALUATIONS,
    rules: Sequence[str] = RULES,
    error: "DenoisingError | None" = None,
) -> GridComparison:
    """Predict the error of every rule's grid; see `gaussian.predict_error`.

    Parameters
    ----------
    schedule : Schedule
    solvers : sequence of {"euler", "ddim", "heun", "2m", "ancestral", "covariance"}
    evaluations : sequence of int
    rules : sequence of {"optimal", "edm", "log-linear", "cosine", "tangent", ...}
    error : DenoisingError, optional
        Of a trained denoiser, in place of the Wiener filter's.

    Returns
    -------
    GridComparison
        For every solver, rule and number of evaluations.

    Raises
    ------
    InputError
        An unknown name, or nothing to compare.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> errors = spectra.compare_grids(schedule, solvers=["heun"], evaluations=[9]).errors["heun"]
    >>> min(errors, key=errors.get)
    'optimal'
    """
    if not (solvers and evaluations and rules):
        raise InputError("solvers, evaluations, rules: at least one of each is needed")
    for solver in solvers:
        check_name("solver", solver, get_args(GridSolver))
    variance = float(schedule.variance.mean())

    def relative(solver: str, rule: str, count: int) -> float:
        grid = schedule.grid(steps_for(count, solver), solver, rule=rule, error=error)
        return predict_error(schedule, grid, solver, error=error).w2 / variance

    return GridComparison(
        tuple(evaluations),
        {
            solver: {rule: [relative(solver, rule, n) for n in evaluations] for rule in rules}
            for solver in solvers
        },
    )


def steps_for(count: int, solver: str) -> int:
    """Most steps that at most `count` evaluations allow; at least one."""
    steps = count
    while steps > 1 and evaluations(steps, solver) > count:
        steps -= 1
    return max(1, steps)
