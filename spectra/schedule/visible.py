"""f_max of a schedule: the largest frequency that the noise leaves above the threshold."""

from typing import TYPE_CHECKING

import numpy as np

from spectra.schedule.blur import log_blur
from spectra.schedule.cutoff import last_crossing

if TYPE_CHECKING:
    from spectra.schedule.schedule import Schedule

__all__ = ["largest_visible"]


def largest_visible(schedule: "Schedule", t: np.ndarray) -> np.ndarray:
    """See `Schedule.f_max`, [T] -> [T]."""
    level = np.log(schedule.threshold)
    if schedule.separable and not np.isnan(schedule.radial_offset).any():
        lowered = level + schedule.pace_at(t)
        return last_crossing(schedule.radial_frequency, schedule.radial_offset, lowered)
    return np.array([_at(schedule, time, level) for time in t])


def _at(schedule: "Schedule", t: float, level: float) -> float:
    """f_max at one time, where it is not one curve lowered by the pace."""
    curve = _radial_log_snr(schedule, t)
    if curve is not None:
        return float(last_crossing(schedule.radial_frequency, curve, np.array([level]))[0])
    above = schedule.log_snr(np.array([t]))[0] > level
    if np.isnan(schedule.frequency).any():
        return float("nan")
    return float(np.max(schedule.frequency[above], initial=0.0))


def _radial_log_snr(schedule: "Schedule", t: float) -> np.ndarray | None:
    """ln SNR over the rings at one time, [F]; None where there is no such curve."""
    blurred, radial = schedule.blur_rate is not None, schedule.radial_blur_rate
    unknown = np.isnan(schedule.radial_offset).any() or (blurred and radial is None)
    if unknown or (schedule.limits is not None and (schedule.scale != 1).any()):
        return None
    curve = schedule.radial_offset - schedule.pace_at(np.array(t))
    if radial is not None and schedule.blur is not None:
        x = radial * np.interp(t, schedule.t, schedule.blur)
        curve = curve + 2 * log_blur(x, schedule.blur_floor)
    if schedule.limits is not None:
        power = schedule.radial_log_power
        curve = np.clip(curve - power, *schedule.limits) + power
    return curve
