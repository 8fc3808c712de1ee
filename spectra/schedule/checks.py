"""What a schedule's tables must be, whoever made them."""

from typing import TYPE_CHECKING

import numpy as np

from spectra.errors import InputError, check_number

if TYPE_CHECKING:
    from spectra.schedule.schedule import Schedule

__all__ = ["check_schedule"]


def check_schedule(schedule: "Schedule") -> None:
    """Refuse tables that do not fit each other, hold NaN, or would let SNR rise.

    Raises
    ------
    InputError
    """
    for name in ("variance", "mean", "offset", "scale"):
        table = getattr(schedule, name)
        if table.shape != schedule.shape:
            raise InputError(f"schedule: {name} has another shape than {schedule.shape}")
        if not np.isfinite(table).all():
            raise InputError(f"schedule: {name} holds NaN or infinities; derive it again")
    for name in ("variance", "scale"):
        if not (getattr(schedule, name) > 0).all():
            raise InputError(f"schedule: {name} must be above 0 in every component")
    t, pace = schedule.t, schedule.pace
    if len(t) < 2 or not (np.diff(t) > 0).all() or t[0] != 0 or t[-1] != 1:
        raise InputError("schedule: times must rise from 0 to 1")
    if pace.shape != t.shape or not (np.diff(pace) >= 0).all() or not np.isfinite(pace).all():
        raise InputError("schedule: the pace must rise with t, so that SNR falls")
    if schedule.limits is not None:
        low, high = schedule.limits
        if not (np.isfinite([low, high]).all() and low < high):
            raise InputError(f"schedule: limits {low}, {high}: two finite numbers, the lower first")
    density = schedule.density
    if density is not None:
        rises = density.shape == t.shape and bool((np.diff(density) > 0).all())
        if not (rises and density[0] == 0 and density[-1] == 1):
            raise InputError("schedule: density must rise from 0 to 1 with t")
    _check_blur(schedule)
    _check_components(schedule)


def _check_blur(schedule: "Schedule") -> None:
    rate, blur = schedule.blur_rate, schedule.blur
    check_number("blur_floor", schedule.blur_floor, low=0.0)
    if schedule.blur_floor >= 1:
        raise InputError(
            f"blur_floor {schedule.blur_floor}: must be under 1, or nothing is blurred"
        )
    if (rate is None) != (blur is None):
        raise InputError("schedule: blur and blur_rate come together")
    if rate is None or blur is None:
        return
    if rate.shape != schedule.shape:
        raise InputError(f"schedule: blur_rate has another shape than {schedule.shape}")
    if not (np.isfinite(rate).all() and (rate >= 0).all()):
        raise InputError("schedule: blur_rate must be finite and never under 0")
    rises = blur.shape == schedule.t.shape and bool((np.diff(blur) >= 0).all())
    if not (rises and np.isfinite(blur).all() and blur[0] >= 0):
        raise InputError("schedule: the blur must rise with t from at least 0, so that SNR falls")
    radial = schedule.radial_blur_rate
    if radial is not None and radial.shape != schedule.radial_frequency.shape:
        raise InputError("schedule: radial_blur_rate has another length than radial_frequency")


def _check_components(schedule: "Schedule") -> None:
    components, size = schedule.components, schedule.variance.size
    if (schedule.basis == "pca") != (components is not None):
        raise InputError(
            "schedule: basis 'pca' and the table `components` come together; derive it again"
        )
    if components is None:
        return
    if components.shape != (size, size):
        raise InputError(f"schedule: components {components.shape}; [{size}, {size}] is needed")
    if not np.allclose((components**2).sum(axis=1), 1, atol=1e-6):
        raise InputError("schedule: the rows of components are not of length 1; derive it again")
