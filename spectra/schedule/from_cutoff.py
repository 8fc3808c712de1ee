"""The inverse of f_max: a wished cutoff gives the schedule that has it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from spectra.errors import InputError, check_number
from spectra.schedule.best_basis import best_basis
from spectra.schedule.coordinates import AnyOrdering, Strength, coordinates
from spectra.schedule.cutoff import FrequencyCutoff
from spectra.schedule.derive import COVERAGE
from spectra.schedule.drawn import Drawn, drawn_curve
from spectra.schedule.orderings import ordering_text, orderings
from spectra.schedule.pace import Knots, refine
from spectra.schedule.processes import Form
from spectra.schedule.schedule import Schedule, information
from spectra.spectrum import Spectrum

__all__ = ["schedule_from_cutoff"]

CUTOFF_TOLERANCE = 2e-7  # cycles/pixel
LEAST_FALL = 1e-6  # of log SNR from t = 0 to t = 1
NYQUIST = 0.5  # cycles/pixel; corners lie above
LOWEST_FREQUENCY = 2e-7  # cycles/pixel; below it a wished f_max counts as 0


def schedule_from_cutoff(
    spectrum: Spectrum,
    f_max: Drawn | FrequencyCutoff,
    *,
    basis: str = "dct",
    ordering: AnyOrdering = "frequency",
    ordering_strength: Strength = 1.0,
    threshold: float = 1.0,
    form: Form = "vp",
) -> Schedule:
    """The component-wise schedule whose f_max(t) is the wished one.

    Parameters
    ----------
    spectrum : Spectrum
    f_max : callable, array, pairs or FrequencyCutoff
        Wished f_max(t), cycles/pixel, never rising, from t = 0 to t = 1: a function of an array
        of times; values at evenly spaced times, or pairs (t, f_max), straight lines between; or
        that of a process and an SNR threshold, as `frequency_cutoff` gives it.
    basis, ordering, ordering_strength, threshold, form
        As in `derive_schedule`; the strength must be above 0.

    Returns
    -------
    Schedule
        Its own `f_max` returns the wish (to 1e-6 cycles/pixel).

    Raises
    ------
    InputError
        The wish rises, leaves 0 to 0.5 cycles/pixel or to the last ring where that lies higher,
        or the order does not fall with frequency.

    Examples
    --------
    >>> spectrum = spectra.analyze("digits")
    >>> schedule = spectra.schedule_from_cutoff(spectrum, lambda t: 0.5 * (1 - t))
    >>> schedule.f_max([0.25, 0.5]).round(3)
    array([0.375, 0.25 ])
    """
    if not isinstance(ordering_strength, (list, tuple, np.ndarray)):
        check_number("ordering_strength", float(ordering_strength), low=0.0, strict=True)  # pyright: ignore[reportArgumentType]
    check_number("threshold", threshold, low=0.0, strict=True)
    source = f"as wished, at SNR {threshold:g}"
    if isinstance(f_max, FrequencyCutoff):
        source = f"of {f_max.process.name} at SNR {f_max.threshold:g}, here at SNR {threshold:g}"
        f_max = f_max.f_max
    wish, knots = _wish(f_max, max(NYQUIST, float(spectrum.frequency[-1])))
    if basis == "auto":
        basis, _ = best_basis(spectrum, ordering)
    base = coordinates(spectrum, basis, ordering, ordering_strength)
    radial = base.radial_offset
    if np.isnan(radial).any():
        raise InputError(
            "f_max: needs an order of frequencies, not of places or given labels; "
            "use ordering frequency"
        )
    # The wish may go on above the last ring and below the first: so does the curve, straight.
    rings = spectrum.frequency
    above = [NYQUIST] if rings[-1] < NYQUIST else []
    frequency = np.r_[LOWEST_FREQUENCY, rings, above]
    log_f, log_rings = np.log(frequency), np.log(rings)
    slope = np.diff(radial) / np.diff(log_rings)
    curve = np.r_[
        radial[0] + slope[0] * (log_f[0] - log_rings[0]),
        radial,
        radial[-1] + slope[-1] * (np.log(above) - log_rings[-1]),
    ]
    t, pace = cutoff_pace(frequency, curve, threshold, wish, knots)
    if not pace[-1] - pace[0] > LEAST_FALL:
        raise InputError("f_max: the wish is constant; it must fall between t = 0 and t = 1")
    words = "given" if isinstance(ordering, np.ndarray) else ordering_text(orderings(ordering))
    clean = float(base.offset.min() - pace[0])
    left = float(information(base.offset_histogram, pace[-1:])[0])
    return replace(
        base,
        name="from f_max",
        t=t,
        pace=pace,
        form=form,
        radial_frequency=frequency,
        radial_log_power=np.interp(log_f, log_rings, base.radial_log_power),
        radial_offset=curve,
        threshold=float(threshold),
        coverage=COVERAGE,
        explanation={
            "basis": basis,
            "pace": f"f_max(t) {source}",
            "ordering": f"{words}, strength {ordering_strength}",
            "clean end": f"the wish's own: lowest log SNR(0) is {clean:.3g}",
            "noise end": f"the wish's own: {left:.3g} nats of an example are left at t = 1",
        },
    )


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


def _wish(f_max: Drawn, highest: float) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """A wished f_max as a function, with the times to start refining from."""
    wish, times = drawn_curve("f_max", f_max)
    wished = wish(times)
    if not np.isfinite(wished).all() or wished.min() < 0 or wished.max() > highest:
        raise InputError(
            f"f_max: the wish must lie in [0, {highest:.4g}] cycles/pixel at every time"
        )
    if (np.diff(wished) > 1e-12).any():
        raise InputError("f_max: the wish rises with t; noise can only drown more")
    return wish, times
