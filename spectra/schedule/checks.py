"""What a schedule's tables must be, whoever made them."""

import math
from numbers import Real
from typing import TYPE_CHECKING, get_args

import numpy as np

from spectra.errors import InputError, check_name, check_number
from spectra.schedule.processes import Form

if TYPE_CHECKING:
    from spectra.schedule.schedule import Schedule

__all__ = ["check_schedule"]

LARGEST_LOG = 1e6  # of log SNR
LARGEST_VALUE = 1e150  # of a variance, and of its inverse
TABLES = ("variance", "mean", "offset", "scale", "t", "pace")
RADIAL = ("radial_frequency", "radial_log_power", "radial_offset")
OPTIONAL = ("blur_rate", "radial_blur_rate", "blur", "components", "density")
TEXTS = ("name", "basis", "form", "fingerprint")


def check_schedule(schedule: "Schedule") -> None:
    """Refuse tables that do not fit each other, hold NaN, or would let SNR rise.

    Raises
    ------
    InputError
    """
    _check_kinds(schedule)
    for name in ("variance", "mean", "offset", "scale"):
        table = getattr(schedule, name)
        if table.shape != schedule.shape:
            raise InputError(f"schedule: {name} has another shape than {schedule.shape}")
        if not np.isfinite(table).all():
            raise InputError(f"schedule: {name} holds NaN or infinities; derive it again")
    for name in ("variance", "scale"):
        if not (getattr(schedule, name) > 0).all():
            raise InputError(f"schedule: {name} must be above 0 in every component")
        values = getattr(schedule, name)
        if not 1 / LARGEST_VALUE <= float(values.min()) <= float(values.max()) <= LARGEST_VALUE:
            raise InputError(f"schedule: {name} is too large or small; rescale the data")
    if float(np.abs(schedule.mean).max()) > LARGEST_VALUE**0.5:
        raise InputError("schedule: mean is too large; rescale the data")
    for name in ("offset", "pace"):
        if np.nan_to_num(np.abs(getattr(schedule, name))).max(initial=0) > LARGEST_LOG:
            raise InputError(f"schedule: {name} is beyond {LARGEST_LOG:g}; derive it again")
    t, pace = schedule.t, schedule.pace
    if (
        t.ndim != 1
        or len(t) < 2
        or not np.isfinite(t).all()
        or not (np.diff(t) > 0).all()
        or t[0] != 0
        or t[-1] != 1
    ):
        raise InputError("schedule: times must rise from 0 to 1")
    if pace.shape != t.shape or not np.isfinite(pace).all() or not (np.diff(pace) >= 0).all():
        raise InputError("schedule: the pace must rise with t, so that SNR falls")
    if schedule.limits is not None:
        if not isinstance(schedule.limits, tuple) or len(schedule.limits) != 2:
            raise InputError(f"schedule: limits {schedule.limits!r} must be (low, high)")
        low, high = schedule.limits
        if not (np.isfinite([low, high]).all() and low < high):
            raise InputError(f"schedule: limits {low}, {high}: two finite numbers, the lower first")
    density = schedule.density
    if density is not None:
        shares = density.shape == t.shape and bool(((density >= 0) & (density <= 1)).all())
        if not (shares and (np.diff(density) > 0).all() and density[0] == 0 and density[-1] == 1):
            raise InputError("schedule: density must rise from 0 to 1 with t")
    _check_blur(schedule)
    _check_components(schedule)


def _check_kinds(schedule: "Schedule") -> None:
    """Refuse what is no number, no text and no table where one is needed."""
    for name in (*TABLES, *RADIAL, *OPTIONAL):
        table = getattr(schedule, name)
        if table is None and name in OPTIONAL:
            continue
        if not isinstance(table, np.ndarray) or table.dtype.kind != "f":
            raise InputError(f"schedule: {name} must be a NumPy array of float64")
    for name in TEXTS:
        if not isinstance(getattr(schedule, name), str):
            raise InputError(f"schedule: {name} must be text")
    check_name("schedule: form", schedule.form, get_args(Form))
    shape = schedule.shape
    whole = isinstance(shape, tuple) and all(isinstance(n, int) and n > 0 for n in shape)
    if not (whole and len(shape) in (2, 3)):
        raise InputError(f"schedule: shape {shape!r} is none of an example, (C, *spatial)")
    for name in ("threshold", "coverage", "quantum", "blur_floor"):
        value = getattr(schedule, name)
        number = isinstance(value, Real) and not isinstance(value, bool)
        if not (number and math.isfinite(value)):
            raise InputError(f"schedule: {name} {value!r} must be a finite number")
    check_number("schedule: threshold", schedule.threshold, low=0.0, strict=True)
    if not 0 <= schedule.coverage <= 1:
        raise InputError(f"schedule: coverage {schedule.coverage} must lie between 0 and 1")
    if not 0 <= float(schedule.quantum) <= LARGEST_VALUE**0.5:
        raise InputError(f"schedule: quantum {schedule.quantum} must not be negative, or so large")
    if not isinstance(schedule.explanation, dict) or not isinstance(schedule.data, dict):
        raise InputError("schedule: explanation and data must be tables of settings")
    lengths = {getattr(schedule, name).shape for name in RADIAL}
    if len(lengths) > 1 or len(lengths.pop()) != 1:
        raise InputError(f"schedule: {', '.join(RADIAL)} must be curves of one length")


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
    if not ((rate <= LARGEST_VALUE).all() and (rate >= 0).all()):
        raise InputError("schedule: blur_rate must be finite and never under 0")
    finite = blur.shape == schedule.t.shape and bool((np.abs(blur) <= LARGEST_VALUE).all())
    if not (finite and (np.diff(blur) >= 0).all() and blur[0] >= 0):
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
    if not (np.abs(components) <= 2).all() or not np.allclose(
        (components**2).sum(axis=1), 1, atol=1e-6
    ):
        raise InputError("schedule: the rows of components are not of length 1; derive it again")
