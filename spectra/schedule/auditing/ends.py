"""Where a schedule begins and ends, and what it is scaled by, beside what the data ask for."""

import numpy as np

from spectra.schedule import ends
from spectra.schedule.auditing.account import Account
from spectra.schedule.auditing.records import Finding, Measured
from spectra.schedule.auditing.subject import Subject

__all__ = ["prior", "sigma_data", "stops_early"]

PRIOR_NATS, PRIOR_NATS_HIGH = 0.1, 1.0
STOPS_EARLY, STOPS_EARLY_HIGH = 4.0, 40.0  # times the noise budget
SCALED = 1.5  # factor between sigma_data and the data
OFFSET = 3.0  # times the deviation: a root mean square from here on is nearly all the mean's


def prior(subject: Subject, account: Account, seen: Measured, noisy: float) -> list[Finding]:
    nats = seen.prior_kl
    if nats <= PRIOR_NATS:
        return []
    known = seen.step_nats[0]
    octave = account.octaves[int(np.argmax(known))].label
    # No noise that fits the data about their mean hides a mean that is far larger.
    offset = 0.0 if subject.centred else 0.5 * np.sum(subject.schedule.mean**2) / noisy**2
    off = "take the mean example off the values, and " if offset > PRIOR_NATS else ""
    return [
        Finding(
            "prior mismatch",
            "high" if nats > PRIOR_NATS_HIGH else "medium",
            octave,
            nats,
            f"at sigma {seen.knots[0]:.3g}, where sampling starts from white noise, data are "
            f"{nats:.3g} nats from it; {seen.information_left:.3g} nats of an example are still "
            f"seen, most in {octave}",
            f"{off}start at sigma_max {noisy:.3g} ({ends.INFORMATION_LEFT:g} nats left), train "
            "there too, or start from N(0, lambda + sigma^2)",
        )
    ]


def stops_early(subject: Subject, account: Account, clean: float) -> list[Finding]:
    """The process's own clean end, against the rounding of the values."""
    if subject.levels is not None and subject.levels.shift is not None:
        return []  # a flow ends without noise
    left = account.left(np.array([subject.clean]))[0]
    size = subject.schedule.variance.size
    times = float(left.sum() / size / account.floor)
    if times <= STOPS_EARLY:
        return []
    octave = account.octaves[int(np.argmax(left))].label
    end = float(np.exp(account.log_noise(np.array([subject.clean]))[0]))
    quantum = subject.schedule.quantum
    than = (
        f"{times / 4:.3g} times the rounding noise of values {quantum:.3g} apart"
        if quantum > 0
        else f"{times:.3g} times the -50 dB of continuous values"
    )
    mend = f"go down to sigma_min {clean:.3g}" if subject.scalar else "lower the clean end"
    return [
        Finding(
            "stops early",
            "high" if times > STOPS_EARLY_HIGH else "medium",
            octave,
            times / 4 if quantum > 0 else times,
            f"at its clean end, sigma {end:.3g}, the best denoiser still errs by {than}, most in "
            f"{octave}",
            mend,
        )
    ]


def sigma_data(subject: Subject) -> list[Finding]:
    levels = subject.levels
    if levels is None or levels.sigma_data is None:
        return []
    power = subject.schedule.variance.mean()
    if not subject.centred:
        power = power + np.mean(subject.schedule.mean**2)
    own = float(np.sqrt(power))
    about = float(np.sqrt(subject.schedule.variance.mean()))
    factor = max(own / levels.sigma_data, levels.sigma_data / own)
    if factor < SCALED:
        return []
    return [
        Finding(
            "sigma_data",
            "high" if factor >= 3 else "medium",
            "all",
            levels.sigma_data / own,
            f"sigma_data {levels.sigma_data:.3g}, where a value's root mean square is {own:.3g}",
            f"set sigma_data to {own:.3g}"
            if own < OFFSET * about
            else f"take the mean example off the values, then set sigma_data to {about:.3g}",
        )
    ]
