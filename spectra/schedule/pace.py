"""The pace u: how fast a schedule passes through the noise levels.

Everything here is in P = 2u, the amount taken off every component's log SNR. A pace is a table of
knots (t, P) so fine that what it promises is linear in t holds to `EVENNESS` between them too.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from spectra.errors import InputError, check_number
from spectra.schedule.schedule import information

__all__ = [
    "POWER_WEIGHT",
    "Knots",
    "Pace",
    "callable_pace",
    "information_pace",
    "mixed_pace",
    "modes_pace",
    "power_histogram",
    "power_pace",
    "refine",
    "spectral_pace",
    "tangent_pace",
]

Pace = Literal[
    "information", "frequency", "octave", "modes", "power", "frequency-power", "linear", "tangent"
]
Knots = tuple[np.ndarray, np.ndarray]  # t [T], pace [T]
Curve = Callable[[np.ndarray], np.ndarray]
Histogram = tuple[np.ndarray, np.ndarray]  # offsets [K], what is summed at each [K]

KNOTS = 1025
MOST_MODES = 8193  # knots of the pace by modes; with more components it is right to 1 / 8,192
POWER_BINS = 4096
POWER_WEIGHT = 0.5  # of power in frequency-power
EVENNESS = 2e-7  # share of the whole by which a promised straight line may be missed
NOTHING_MOVES = "at ordering strength 0 all drown at once: choose pace information or linear"


def information_pace(histogram: Histogram, start: float, end: float) -> Knots:
    """Knots along which 1/2 sum ln(1 + SNR_i) falls linearly in t."""
    return _even(lambda pace: -information(histogram, pace), start, end)


def power_pace(histogram: Histogram, start: float, end: float) -> Knots:
    """Knots along which the lost power sum lambda_i / (1 + SNR_i) rises linearly in t.

    histogram: offsets, with the variance lambda_i summed over the components that share them.
    """
    return _even(_lost_power(histogram), start, end)


def mixed_pace(by_frequency: Knots, histogram: Histogram, weight: float) -> Knots:
    """Knots along which (1 - weight) frequency lost + weight power lost rises linearly in t.

    Both are shares, from 0 at the ends of `by_frequency` to 1: what a frequency pace and a power
    pace each hold even. A mix of the two, per image, is in Esteves and Makadia,
    "Spectrally-Guided Diffusion Noise Schedules", arXiv 2603.19222.

    Raises
    ------
    InputError
        A weight outside [0, 1].
    """
    check_number("power_weight", weight, low=0.0)
    if weight > 1:
        raise InputError(f"power_weight {weight:g}: a share of at most 1 is needed")
    times, pace = by_frequency
    lost = _lost_power(histogram)
    low, high = lost(pace[[0, -1]])

    def share(at: np.ndarray) -> np.ndarray:
        return (1 - weight) * np.interp(at, pace, times) + weight * (lost(at) - low) / (high - low)

    return _even(share, float(pace[0]), float(pace[-1]))


def tangent_pace(reference: float, start: float, end: float) -> Knots:
    """Knots along which theta = arctan(noise / signal) rises linearly in t.

    theta is that of the mean SNR, of which the log at pace 0 is `reference`: (sigma / sigma_data)
    of standard diffusion. Sabour, Fidler, Kreis, "Align Your Steps" (2024), for isotropic Gaussian
    data.
    """
    low, high = (np.arctan(np.exp((pace - reference) / 2)) for pace in (start, end))

    def pace(t: np.ndarray) -> np.ndarray:
        inner = reference + 2 * np.log(np.tan((1 - t) * low + t * high))
        return np.where(t <= 0, start, np.where(t >= 1, end, inner))

    return refine(pace, np.linspace(0, 1, KNOTS), tolerance=4 * EVENNESS)


def callable_pace(shape: Curve, start: float, end: float) -> Knots:
    """Knots of start + (end - start) (g(t) - g(0)) / (g(1) - g(0)) for a rising function g.

    Raises
    ------
    InputError
        g gives another shape than its times have, NaN, falls somewhere, or does not rise at all.
    """
    times = np.linspace(0, 1, KNOTS)

    def value(t: np.ndarray) -> np.ndarray:
        try:
            found = np.asarray(shape(t), float)
        except (TypeError, ValueError):
            raise InputError("pace: the function gives no numbers") from None
        if found.shape != t.shape or not np.isfinite(found).all():
            raise InputError("pace: the function must give one finite number for every time")
        return found

    values = value(times)
    low, high = values[[0, -1]]
    if (np.diff(values) < -1e-12 * abs(high - low)).any() or not high > low:
        raise InputError("pace: the function must rise with t, so that SNR falls")
    # Its scale and its zero do not count: the ends are the schedule's.
    return refine(lambda t: start + (end - start) * (value(t) - low) / (high - low), times)


def spectral_pace(
    frequency: np.ndarray,
    curve: np.ndarray,
    threshold: float,
    start: float,
    end: float,
    octave: bool,
) -> Knots:
    """Knots along which f_max falls linearly in f, or in ln f, from the top ring to the first.

    Parameters
    ----------
    frequency, curve : [F]
        Cycles/pixel, and the offset as a function of frequency.
    threshold : float
    start, end : float
        Pace at t = 0 and t = 1; moved out where the rings need it. Before the top ring starts to
        drown and after the first has, f_max does not move: there P is linear in t, with the share
        of time that its share of the log-noise range gives it.
    octave : bool

    Raises
    ------
    InputError
        The order is none of frequencies, or the curve does not fall with frequency.
    """
    if np.isnan(curve).any():
        raise InputError(
            "pace 'frequency' and 'octave' need an order of frequencies, not of places or given "
            "labels; choose pace modes or information"
        )
    falling = np.minimum.accumulate(curve)
    if np.ptp(curve) < 1e-9:
        raise InputError(
            "pace 'frequency' and 'octave' need components that drown one after another; "
            + NOTHING_MOVES
        )
    if (falling < curve - 1e-9).any():
        raise InputError(
            "pace 'frequency' and 'octave' need an order that falls with frequency, which this "
            "spectrum does not; choose ordering frequency, or pace information"
        )
    log_f, level = np.log(frequency), np.log(threshold)

    def pace(share: np.ndarray) -> np.ndarray:
        if octave:
            at = (1 - share) * log_f[-1] + share * log_f[0]
        else:
            at = np.log((1 - share) * frequency[-1] + share * frequency[0])
        return np.interp(at, log_f, curve) - level

    # Where the curve is flat a small error of the pace is a large one of f_max.
    at = log_f if octave else frequency
    flattest = float((-np.diff(curve) / np.diff(at)).min()) * float(np.ptp(at))
    tolerance = EVENNESS * float(np.clip(flattest, 1e-3, 1.0))
    inner = refine(pace, np.linspace(0, 1, KNOTS), tolerance)
    return _padded(*inner, start, end)


def modes_pace(offset: np.ndarray, threshold: float, start: float, end: float) -> Knots:
    """Knots along which the number of components with SNR_i > threshold falls linearly in t.

    Between the moments at which two neighbours in the order drown P is linear, so that the number
    is never more than half of those that drown together away from its line (with more than 8,193
    moments, 1 / 8,192 of all). The ends are moved out and filled as in `spectral_pace`.

    Raises
    ------
    InputError
        All components drown at once.
    """
    values, counts = np.unique(offset, return_counts=True)
    if values[-1] - values[0] < 1e-9:
        raise InputError(
            "pace 'modes' needs components that drown one after another; " + NOTHING_MOVES
        )
    gone = np.cumsum(counts) - counts / 2  # half of those that drown together count as gone
    if len(values) > MOST_MODES:
        wanted = np.linspace(gone[0], gone[-1], MOST_MODES)
        kept = np.unique(np.searchsorted(gone, wanted).clip(0, len(gone) - 1))
        values, gone = values[kept], gone[kept]
    share = (gone - gone[0]) / (gone[-1] - gone[0])
    return _padded(share, values - np.log(threshold), start, end)


def refine(pace: Curve, knots: np.ndarray, tolerance: float = 1e-7) -> Knots:
    """Add knots until straight lines between them follow a pace to `tolerance` (in log SNR)."""
    t, values = knots, pace(knots)
    for _ in range(40):
        middle = (t[1:] + t[:-1]) / 2
        exact = pace(middle)
        wrong = np.abs(exact - (values[1:] + values[:-1]) / 2) > tolerance
        wrong &= np.diff(t) > 1e-12
        if not wrong.any():
            break
        t, order = np.unique(np.r_[t, middle[wrong]], return_index=True)
        values = np.r_[values, exact[wrong]][order]
    return _distinct(t, values)


def _even(gone: Curve, start: float, end: float) -> Knots:
    """Knots along which a rising function of P is linear in t, to `EVENNESS` between them too."""
    pace = np.linspace(start, end, KNOTS)
    values = gone(pace)
    whole = values[-1] - values[0]
    for _ in range(20):
        middle = (pace[1:] + pace[:-1]) / 2
        exact = gone(middle)
        wrong = np.abs(exact - (values[1:] + values[:-1]) / 2) > EVENNESS / 4 * whole
        if not wrong.any():
            break
        pace, order = np.unique(np.r_[pace, middle[wrong]], return_index=True)
        values = np.r_[values, exact[wrong]][order]
    return _distinct((values - values[0]) / whole, pace)


def _padded(share: np.ndarray, pace: np.ndarray, start: float, end: float) -> Knots:
    """Knots with a stretch before and after in which P is linear; each gets its share of time."""
    first, last = pace[0], pace[-1]
    start, end = min(start, first), max(end, last)
    t_first, t_last = (first - start) / (end - start), (last - start) / (end - start)
    t = t_first + (t_last - t_first) * share
    return _distinct(np.r_[0.0, t, 1.0], np.r_[start, pace, end])


def power_histogram(offset: np.ndarray, variance: np.ndarray) -> Histogram:
    """Distinct offsets with the variance of the components there (grouped above 4,096)."""
    values, inverse = np.unique(offset, return_inverse=True)
    power = np.bincount(inverse.ravel(), weights=variance.ravel())
    if len(values) <= POWER_BINS:
        return values, power
    edges = np.linspace(values[0], values[-1], POWER_BINS + 1)
    grouped, _ = np.histogram(values, edges, weights=power)
    sums, _ = np.histogram(values, edges, weights=power * values)
    used = grouped > 0
    return sums[used] / grouped[used], grouped[used]


def _lost_power(histogram: Histogram) -> Curve:
    """sum lambda_i / (1 + SNR_i) as a function of P."""
    from scipy.special import expit

    values, power = histogram

    def lost(pace: np.ndarray) -> np.ndarray:
        return expit(np.atleast_1d(pace)[:, None] - values[None, :]) @ power

    return lost


def _distinct(t: np.ndarray, pace: np.ndarray) -> Knots:
    """Knots with rising times from exactly 0 to exactly 1 and a pace that never falls."""
    t = np.clip(t, 0, 1)
    t[0], t[-1] = 0.0, 1.0
    keep = np.r_[True, np.diff(np.maximum.accumulate(t)) > 0]
    if not keep[-1]:  # the end itself must stay
        keep[np.flatnonzero(keep)[-1]] = False
        keep[-1] = True
    return t[keep], np.maximum.accumulate(pace[keep])
