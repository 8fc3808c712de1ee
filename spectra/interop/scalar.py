"""A schedule as one curve: what every other library can read."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from spectra.errors import InputError
from spectra.schedule import Schedule
from spectra.schedule.densities.density import NoiseDensity, schedule_density
from spectra.schedule.knots import rising, with_knots
from spectra.schedule.schedule import information, offset_histogram

__all__ = ["ScalarView", "scalar_view", "whitened"]

# Curves further apart than this in ln(alpha^2 / sigma^2) are not one.
SAME = 1e-6
MOST = 2**27  # numbers looked at where every component has its own curve
KNOTS = 513
LEVELS = 4001
CHUNK = 1 << 22  # values of log SNR held at once
LARGEST = 600.0  # of ln sigma^2 either way: its exponential is finite, and not 0


@dataclass(frozen=True, eq=False)
class ScalarView:
    """x_t = alpha(t) x + sigma(t) eps with one alpha and one sigma, eps white.

    Attributes
    ----------
    schedule : Schedule
        That has this one curve for all its components.
    exact : bool
        Whether it is the schedule that was given.
    departure : float
        Largest |difference| of ln(alpha_i^2 / sigma_i^2) from the schedule's, over components and
        times at which 0.001 < SNR_i < 1000; 0 if exact.
    cannot_carry : tuple of str
        What this loses, one line each; empty if exact.
    """

    schedule: Schedule
    exact: bool
    departure: float
    cannot_carry: tuple[str, ...]

    def log_ratio(self, t: np.ndarray) -> np.ndarray:
        """ln(alpha^2 / sigma^2), [N] -> [N]."""
        return -self.schedule.pace_at(t)

    def sigma(self, t: np.ndarray) -> np.ndarray:
        """Noise standard deviation beside the unscaled example (VE, EDM), [N] -> [N]."""
        return np.exp(self.schedule.pace_at(t) / 2)

    def flow_time(self, t: np.ndarray) -> np.ndarray:
        """s with x_s = (1 - s) x + s eps at the same SNR: logit s = ln sigma, [N] -> [N]."""
        return 1 / (1 + np.exp(-self.schedule.pace_at(t) / 2))

    def sigmas(self, steps: int, solver: str = "heun") -> np.ndarray:
        """Noise levels of a sampler, [steps + 1], falling, the last 0.

        Those of `Schedule.grid` for that solver.
        """
        sigmas = self.sigma(self.schedule.grid(steps, solver))
        sigmas[-1] = 0.0
        return sigmas

    @cached_property
    def density(self) -> NoiseDensity:
        """At which ln sigma the schedule trains."""
        return schedule_density(self.schedule)


def scalar_view(schedule: Schedule) -> ScalarView:
    """The one curve that a schedule is, or the one that stands for it best.

    A schedule whose components share alpha_i / (sigma_i s_i) (ordering strength 1 by variance,
    every copied process) is returned as it is. Otherwise the curve is the scalar process with the
    same information left at each time, 1/2 sum ln(1 + SNR_i), and `cannot_carry` says so.

    Parameters
    ----------
    schedule : Schedule

    Returns
    -------
    ScalarView

    Examples
    --------
    >>> from spectra.interop import scalar_view
    >>> schedule = spectra.preset("equal-snr", spectra.analyze("digits"))
    >>> len(scalar_view(schedule).cannot_carry) > 0
    True
    """
    t = _times(schedule)
    low, high = _ratio_range(schedule, t)
    exact = bool((high - low).max() <= SAME)
    departure, cannot = 0.0, ()
    if exact:
        ratio = (low + high) / 2
    else:
        ratio = np.minimum.accumulate(_ratio_of_equal_information(schedule, t))
        departure = _departure(schedule, t, ratio)
        whole = "spectra.interop has SpectralScheduler for the whole"
        if schedule.separable:
            whole += ", and whitened"
        cannot = (
            "noise per component: one curve with the same nats left at each time stands for it, "
            f"up to {departure:.3g} off in log SNR; {whole}",
        )
    quantile, times = schedule.quantiles
    density = np.interp(t, times, quantile)
    curve = replace(
        schedule,
        offset=np.log(schedule.variance),
        t=t,
        pace=np.clip(np.maximum.accumulate(-ratio), -LARGEST, LARGEST),
        scale=np.ones_like(schedule.scale),
        radial_offset=schedule.radial_log_power,
        limits=None,
        blur_rate=None,
        radial_blur_rate=None,
        blur=None,
        density=density if (np.diff(density) > 0).all() else rising(density),
    )
    return ScalarView(curve, exact, departure, cannot)


def whitened(schedule: Schedule) -> tuple[Schedule, np.ndarray]:
    """A separable schedule in coordinates where it is one curve, and how to get there.

    In y_i = gain_i z_i, z = U (x - mean), every component has the same noise: any scalar library
    runs the schedule exactly on y (an "encoder" with an exact inverse).

    Parameters
    ----------
    schedule : Schedule

    Returns
    -------
    schedule : Schedule
        Of y: the same SNR of every component at every time, about a mean of 0.
    gain : float64 [C, *spatial]
        Mean square 1 weighted by variance, so that y has the mean variance of z.

    Raises
    ------
    InputError
        The schedule blurs or has windows: no rescaling makes it one curve.

    Examples
    --------
    >>> from spectra.interop import whitened
    >>> schedule = spectra.preset("equal-snr", spectra.analyze("digits"))
    >>> white, gain = whitened(schedule)
    >>> bool(np.ptp(white.variance) < 1e-9), gain.shape
    (True, (1, 8, 8))
    """
    if not schedule.separable:
        raise InputError("the schedule is not separable: no rescaling makes it one curve")
    log_gain = (schedule.offset - np.log(schedule.variance)) / 2
    power = np.exp(2 * (log_gain - log_gain.max())) * schedule.variance
    log_gain += 0.5 * np.log(schedule.variance.mean() / power.mean()) - log_gain.max()
    moved = replace(
        schedule,
        variance=np.exp(2 * log_gain) * schedule.variance,
        mean=np.zeros_like(schedule.mean),
        scale=np.ones_like(schedule.scale),
    )
    return moved, np.exp(log_gain)


def _times(schedule: Schedule) -> np.ndarray:
    """Where the one curve is looked at: the schedule's own knots, or fewer of very many curves."""
    t = with_knots(schedule.t, np.linspace(0, 1, KNOTS))
    few = max(KNOTS, MOST // schedule.variance.size)
    if schedule.separable or len(t) <= few:
        return t
    return np.interp(np.linspace(0, 1, few), np.linspace(0, 1, len(t)), t)


def _chunks(schedule: Schedule, t: np.ndarray) -> list[np.ndarray]:
    """Times a few at a time: log SNR of them all may not fit in memory."""
    rows = max(1, CHUNK // schedule.variance.size)
    return [t[start : start + rows] for start in range(0, len(t), rows)]


def _ratios(schedule: Schedule, t: np.ndarray) -> np.ndarray:
    """ln(alpha_i^2 / (sigma_i s_i)^2), [T] -> [T, K]."""
    return (schedule.log_snr(t) - np.log(schedule.variance)).reshape(len(t), -1)


def _ratio_range(schedule: Schedule, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest ln(alpha_i^2 / (sigma_i s_i)^2) at each time, [T] each."""
    if schedule.separable:  # a constant apart at all times
        unit = schedule.offset - np.log(schedule.variance)
        pace = schedule.pace_at(t)
        return unit.min() - pace, unit.max() - pace
    low, high = np.empty(len(t)), np.empty(len(t))
    start = 0
    for part in _chunks(schedule, t):
        found, rows = _ratios(schedule, part), slice(start, start + len(part))
        low[rows], high[rows] = found.min(axis=1), found.max(axis=1)
        start += len(part)
    return low, high


def _ratio_of_equal_information(schedule: Schedule, t: np.ndarray) -> np.ndarray:
    """ln(alpha^2 / sigma^2) with 1/2 sum ln(1 + lambda_i alpha^2 / sigma^2) = I(t), [T]."""
    left = np.maximum(schedule.information(t), 1e-12)  # nats; sequential windows end at 0
    histogram = offset_histogram(np.log(schedule.variance))
    size = schedule.variance.size
    # ln x <= ln(1 + x) <= x, with the smallest and the largest variance for all.
    highest = 2 * left.max() / size - histogram[0].min()
    lowest = np.log(left.min() / size) - histogram[0].max()
    ratio = np.linspace(lowest, highest, LEVELS)
    nats = np.log(information(histogram, -ratio))
    return np.interp(np.log(left), nats, ratio)


def _departure(schedule: Schedule, t: np.ndarray, ratio: np.ndarray) -> float:
    """Largest difference in ln(alpha^2 / sigma^2) where a component is neither clean nor gone."""
    largest = 0.0
    for part in _chunks(schedule, t[:: max(1, len(t) // 65)]):
        theirs = _ratios(schedule, part)
        off = np.abs(theirs - np.interp(part, t, ratio)[:, None])
        decided = np.abs(theirs + np.log(schedule.variance).ravel()) < np.log(1000)
        largest = max(largest, float(np.max(off, where=decided, initial=0.0)))
    return largest
