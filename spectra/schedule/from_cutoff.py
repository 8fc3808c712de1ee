"""The inverse of f_max: a wished cutoff gives the schedule that has it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spectra.errors import InputError, check_number
from spectra.schedule.coordinates import coordinates
from spectra.schedule.derive import COVERAGE
from spectra.schedule.pace import LOWEST_FREQUENCY, cutoff_pace
from spectra.schedule.processes import Form
from spectra.schedule.schedule import Schedule, information
from spectra.spectrum import Spectrum

__all__ = ["schedule_from_cutoff"]


def schedule_from_cutoff(
    spectrum: Spectrum,
    f_max: Callable[[np.ndarray], np.ndarray] | Sequence[float] | np.ndarray,
    *,
    basis: str = "dct",
    ordering: str = "frequency",
    ordering_strength: float = 1.0,
    threshold: float = 1.0,
    form: Form = "vp",
) -> Schedule:
    """The component-wise schedule whose f_max(t) is the wished one.

    Parameters
    ----------
    spectrum : Spectrum
    f_max : callable or array
        Wished f_max(t), cycles/pixel, never rising, from t = 0 to t = 1: a function of an array
        of times, or values at evenly spaced times (straight lines between).
    basis, ordering, ordering_strength, threshold, form
        As in `derive_schedule`; the strength must be above 0.

    Returns
    -------
    Schedule
        Its own `f_max` returns the wish (to 1e-6 cycles/pixel) up to 0.5 cycles/pixel.

    Raises
    ------
    InputError
        The wish rises, leaves [0, 0.5], or the order does not fall with frequency.
    """
    check_number("ordering_strength", ordering_strength, low=0.0, strict=True)
    check_number("threshold", threshold, low=0.0, strict=True)
    wish, knots = _wish(f_max)
    base = coordinates(spectrum, basis, ordering, float(ordering_strength))
    radial = base.radial_offset
    # The wish may go on above the last ring and below the first: so does the curve, straight.
    frequency = np.r_[LOWEST_FREQUENCY, spectrum.frequency, 0.5]
    log_f = np.log(frequency)
    low_slope = (radial[1] - radial[0]) / (log_f[2] - log_f[1])
    high_slope = (radial[-1] - radial[-2]) / (log_f[-2] - log_f[-3])
    curve = np.r_[
        radial[0] + low_slope * (log_f[0] - log_f[1]),
        radial,
        radial[-1] + high_slope * (log_f[-1] - log_f[-2]),
    ]
    t, pace = cutoff_pace(frequency, curve, threshold, wish, knots)
    if not pace[-1] > pace[0]:
        raise InputError("f_max: the wish is constant; it must fall between t = 0 and t = 1")
    clean = float(base.offset.min() - pace[0])
    left = float(information(base.offset_histogram, pace[-1:])[0])
    return replace(
        base,
        name="from f_max",
        t=t,
        pace=pace,
        form=form,
        radial_frequency=frequency,
        radial_log_power=np.interp(log_f, log_f[1:-1], base.radial_log_power),
        radial_offset=curve,
        threshold=float(threshold),
        coverage=COVERAGE,
        explanation={
            "pace": f"f_max(t) as wished, at SNR {threshold:g}",
            "ordering": f"{ordering}, strength {ordering_strength:g}",
            "clean end": f"the wish's own: lowest log SNR(0) is {clean:.3g}",
            "noise end": f"the wish's own: {left:.3g} nats of an example are left at t = 1",
        },
    )


def _wish(f_max: Any) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """A wished f_max as a function, with the times to start refining from."""
    times = np.linspace(0, 1, 1025)
    if callable(f_max):
        wish = lambda t: np.asarray(f_max(t), float) * np.ones_like(t)  # noqa: E731
    else:
        values = np.asarray(f_max, float)
        if values.ndim != 1 or len(values) < 2:
            raise InputError("f_max: give a function of t, or at least 2 values at even times")
        given = np.linspace(0, 1, len(values))
        times = np.unique(np.r_[times, given])
        wish = lambda t: np.interp(t, given, values)  # noqa: E731
    wished = wish(times)
    if not np.isfinite(wished).all() or wished.min() < 0 or wished.max() > 0.5:
        raise InputError("f_max: the wish must lie in [0, 0.5] cycles/pixel at every time")
    if (np.diff(wished) > 1e-12).any():
        raise InputError("f_max: the wish rises with t; noise can only drown more")
    return wish, times
