"""What steps, variances and ends of a grid must be."""

from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from spectra.errors import InputError

if TYPE_CHECKING:
    from spectra.schedule.schedule import Schedule
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = [
    "check_ends",
    "check_same_components",
    "check_same_shape",
    "check_steps",
    "check_variance",
]

MOST_STEPS = 10_000
LARGEST_SIGMA = 1e140  # whose squares stay finite


def check_steps(steps: int) -> None:
    """Refuse what is no number of steps."""
    if isinstance(steps, bool) or not isinstance(steps, Integral) or steps < 1:
        raise InputError(f"steps {steps}: at least one whole step is needed")
    if steps > MOST_STEPS:
        raise InputError(f"steps {steps}: at most {MOST_STEPS:,} are looked at")


def check_variance(variance: Any, count: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Variances above 0 with how many components have each, ([K], [K]), or a clear refusal."""
    try:
        found = np.atleast_1d(np.asarray(variance, float))
        held = np.ones_like(found) if count is None else np.asarray(count, float)
    except (TypeError, ValueError):
        raise InputError("variance, count: numbers are needed, one a component") from None
    if found.ndim != 1 or not len(found) or not ((found > 0) & (found < np.inf)).all():
        raise InputError("variance: a list of finite numbers above 0 is needed, one a component")
    if held.shape != found.shape or not ((held >= 0) & (held < np.inf)).all() or not held.any():
        raise InputError("count: how many components each variance stands for, one number each")
    return found, held


def check_same_shape(what: str, measured: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    """Refuse a denoising error of other examples than a schedule's."""
    if measured != wanted and measured:
        raise InputError(
            f"{what}: was measured on examples of shape {measured}, these are of {wanted}; measure "
            "it on these"
        )


def check_same_components(error: "DenoisingError", schedule: "Schedule") -> None:
    """Refuse a denoising error in other components than a schedule's."""
    if (error.basis, error.shape) != (schedule.basis, schedule.shape):
        raise InputError(
            f"error: was measured in {error.basis} of {error.shape}, the schedule is in "
            f"{schedule.basis} of {schedule.shape}; measure it in the schedule's"
        )


def check_ends(sigma_min: Any, sigma_max: Any) -> tuple[float, float]:
    """Two noise levels of which the second is the larger, or a clear refusal."""
    try:
        low, high = float(sigma_min), float(sigma_max)
    except (TypeError, ValueError):
        raise InputError("sigma_min, sigma_max: two numbers are needed") from None
    if not 1 / LARGEST_SIGMA <= low < high <= LARGEST_SIGMA:
        raise InputError(f"sigma_min {low:g}, sigma_max {high:g}: must rise from above 0")
    return low, high
