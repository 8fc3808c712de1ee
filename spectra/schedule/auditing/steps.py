"""Where a sampler's steps lie, beside where they would cost least."""

import numpy as np

from spectra.schedule.auditing.account import Account
from spectra.schedule.auditing.records import AuditOctave, Finding, Measured, Severity
from spectra.schedule.auditing.subject import Subject
from spectra.schedule.steps.gaussian import predict_sigmas

__all__ = ["shift_finding", "too_few", "wasted"]

WORSE, MUCH_WORSE = 2.0, 5.0  # squared W2 of an octave over that of the best grid
SLIGHT, LARGE = 0.005, 0.02  # of an octave's variance
SEEN_SHARE = 0.1  # of all the error: an octave with less of it is not worth a word
BETTER_SHIFT = 0.67  # of the squared W2 that the shift in use has
FEWER = 0.7  # of the steps would do


def too_few(octaves: tuple[AuditOctave, ...], seen: Measured) -> list[Finding]:
    found = []
    for octave in octaves:
        times = octave.times
        if times < WORSE or octave.w2 - octave.best_w2 < SEEN_SHARE * seen.predicted.w2:
            continue
        there = seen.best_knots[
            (seen.best_knots >= octave.sigma_low) & (seen.best_knots <= octave.sigma_high)
        ]
        listed = ": " + ", ".join(f"{sigma:.3g}" for sigma in there) if len(there) else ""
        found.append(
            Finding(
                "too few steps",
                _severity(times, octave.error),
                octave.label,
                times,
                f"predicted squared W2 of {octave.label} is {octave.w2:.3g} a dimension "
                f"({octave.error:.2%} of its variance), {times:.3g} times the optimal grid's; "
                f"{octave.steps} of {len(seen.knots)} steps begin at sigma {octave.sigma_low:.3g} "
                f"to {octave.sigma_high:.3g}, where it is decided",
                f"the optimal grid has {octave.best_steps} there{listed}",
            )
        )
    return found


def _severity(times: float, error: float) -> Severity:
    """By how much worse it is, and whether the error is large at all."""
    if error < SLIGHT:
        return "low"
    return "high" if times >= MUCH_WORSE and error >= LARGE else "medium"


def wasted(seen: Measured) -> list[Finding]:
    steps = len(seen.knots)
    if seen.least_steps > FEWER * steps:
        return []
    return [
        Finding(
            "wasted compute",
            "high" if seen.least_steps <= steps / 2 else "medium",
            "all",
            1 - seen.least_steps / steps,
            f"{seen.least_steps} optimal steps reach the predicted error of these {steps}",
            f"use the optimal grid: squared W2 {seen.predicted.w2:.3g} -> {seen.best.w2:.3g} a "
            "dimension at equal cost, or the same error for "
            f"{1 - seen.least_steps / steps:.0%} fewer steps",
        )
    ]


def shift_finding(subject: Subject, account: Account, seen: Measured) -> list[Finding]:
    """A flow's one knob, searched."""
    levels = subject.levels
    if levels is None or levels.shift is None or levels.at_shift is None:
        return []
    own, at_shift, steps = levels.shift, levels.at_shift, len(seen.knots)
    shifts = own * 2.0 ** np.arange(-6, 6.01, 0.25)
    variance = np.exp(account.log_variance)

    def cost(shift: float) -> float:
        grid = at_shift(steps, shift)
        return predict_sigmas(variance, grid, seen.solver, count=account.count, start=seen.start).w2

    costs = np.array([cost(float(shift)) for shift in shifts])
    now, best = cost(own), float(costs.min())
    if best > now * BETTER_SHIFT or now <= account.floor:
        return []
    shift = float(shifts[costs.argmin()])
    return [
        Finding(
            "shift",
            "high" if best < now / MUCH_WORSE else "medium",
            "all",
            shift,
            f"a shift of {own:.3g} has a predicted squared W2 of {now:.3g} a dimension in {steps} "
            f"steps of {seen.solver}, one of {shift:.3g} {best:.3g}",
            f"shift {shift:.3g}, in training too",
        )
    ]
