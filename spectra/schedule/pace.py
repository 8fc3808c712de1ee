"""The pace u: how fast a schedule passes through the noise levels.

Everything here is in P = 2u, the amount taken off every component's log SNR.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np

from spectra.errors import InputError
from spectra.schedule.schedule import information

__all__ = ["Pace", "cutoff_pace", "information_pace", "refine", "spectral_pace"]

Pace = Literal["frequency", "octave", "information", "linear"]

Knots = tuple[np.ndarray, np.ndarray]  # t [T], pace [T]
KNOTS = 1025
CUTOFF_TOLERANCE = 2e-7  # cycles/pixel
LOWEST_FREQUENCY = 2e-7  # cycles/pixel; below it a wished f_max counts as 0


def information_pace(histogram: tuple[np.ndarray, np.ndarray], start: float, end: float) -> Knots:
    """Knots along which 1/2 sum ln(1 + SNR_i) falls linearly in t."""
    pace = np.linspace(start, end, 4 * KNOTS)
    left = information(histogram, pace)  # falling
    return _distinct((left[0] - left) / (left[0] - left[-1]), pace)


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
        Pace at t = 0 and t = 1. Before the top ring starts to drown and after the first has,
        f_max does not move: there P is linear in t, with the share of time that its share of
        the log-noise range gives it.
    octave : bool

    Raises
    ------
    InputError
        The curve does not fall with frequency, or the ends leave no room for it.
    """
    falling = np.minimum.accumulate(curve)
    if np.ptp(curve) < 1e-9:
        raise InputError(
            "pace 'frequency' and 'octave' need components that drown one after another; "
            "at ordering strength 0 all drown at once: choose pace information or linear"
        )
    if (falling < curve - 1e-9).any():
        raise InputError(
            "pace 'frequency' and 'octave' need an order that falls with frequency, which this "
            "spectrum does not; choose ordering frequency, or pace information"
        )
    first, last = curve[-1] - np.log(threshold), curve[0] - np.log(threshold)
    start, end = min(start, first), max(end, last)
    t_first, t_last = (first - start) / (end - start), (last - start) / (end - start)
    top, bottom = frequency[-1], frequency[0]

    def pace(t: np.ndarray) -> np.ndarray:
        share = np.clip((t - t_first) / (t_last - t_first), 0, 1)
        if octave:
            log_f = (1 - share) * np.log(top) + share * np.log(bottom)
        else:
            log_f = np.log((1 - share) * top + share * bottom)
        middle = np.interp(log_f, np.log(frequency), curve) - np.log(threshold)
        before = start + (first - start) * np.clip(t / max(t_first, 1e-300), 0, 1)
        after = last + (end - last) * np.clip((t - t_last) / max(1 - t_last, 1e-300), 0, 1)
        return np.where(t < t_first, before, np.where(t > t_last, after, middle))

    knots = np.unique(np.r_[np.linspace(0, 1, KNOTS), t_first, t_last])
    return refine(pace, knots)


def cutoff_pace(
    frequency: np.ndarray,
    curve: np.ndarray,
    threshold: float,
    wish: Callable[[np.ndarray], np.ndarray],
    knots: np.ndarray,
) -> Knots:
    """Knots along which the last crossing of the curve is the wished f_max(t).

    Raises
    ------
    InputError
        The curve rises somewhere: f_max cannot stop there.
    """
    if not (np.diff(curve) < 0).all():
        raise InputError(
            "f_max: this order does not fall with frequency, so that f_max(t) skips some "
            "frequencies; use ordering frequency"
        )

    def pace(t: np.ndarray) -> np.ndarray:
        log_f = np.log(np.clip(wish(t), frequency[0], frequency[-1]))
        return np.interp(log_f, np.log(frequency), curve) - np.log(threshold)

    # Where the curve is flat a small error of the pace is a large one of f_max.
    flattest = float((-np.diff(curve) / np.diff(frequency)).min())
    return refine(pace, knots, tolerance=CUTOFF_TOLERANCE * min(1.0, flattest))


def refine(
    pace: Callable[[np.ndarray], np.ndarray], knots: np.ndarray, tolerance: float = 1e-7
) -> Knots:
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


def _distinct(t: np.ndarray, pace: np.ndarray) -> Knots:
    """Knots with rising times from exactly 0 to exactly 1 and a pace that never falls."""
    t = np.clip(t, 0, 1)
    t[0], t[-1] = 0.0, 1.0
    keep = np.r_[True, np.diff(np.maximum.accumulate(t)) > 0]
    if not keep[-1]:  # the end itself must stay
        keep[np.flatnonzero(keep)[-1]] = False
        keep[-1] = True
    return t[keep], np.maximum.accumulate(pace[keep])
