"""A few components of a schedule or a denoiser's error, looked at alone."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from spectra.schedule.schedule import Schedule
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["error_members", "schedule_members"]

EMPTY = 1e-9  # under this share of the mean variance a component counts as empty, as in schedules


def schedule_members(schedule: "Schedule", at: np.ndarray) -> "Schedule":
    """The curves of the components with flat indices `at` alone, as shape (1, K)."""
    rate = schedule.blur_rate
    return replace(
        schedule,
        basis="pixel",
        shape=(1, len(at)),
        variance=schedule.variance.ravel()[at][None],
        mean=np.zeros((1, len(at))),
        offset=schedule.offset.ravel()[at][None],
        scale=schedule.scale.ravel()[at][None],
        blur_rate=None if rate is None else rate.ravel()[at][None],
        components=None,
    )


def error_members(error: "DenoisingError", at: np.ndarray) -> "DenoisingError":
    """The error of the components with flat indices `at` alone, as shape (1, K)."""

    def pick(values: np.ndarray, lead: tuple[int, ...]) -> np.ndarray:
        return values.reshape(*lead, -1)[..., at].reshape(*lead, 1, len(at))

    levels = (len(error.sigma),)
    return replace(
        error,
        shape=(1, len(at)),
        error=pick(error.error, levels),
        standard_error=pick(error.standard_error, levels),
        variance=np.maximum(pick(error.variance, ()), EMPTY * error.variance.mean()),
        tilt=pick(error.tilt, ()),
        components=None,
    )
