"""What an audit's findings are read from: densities, step costs, and what is left at the ends."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spectra.schedule.auditing.account import Account
from spectra.schedule.auditing.records import Measured
from spectra.schedule.auditing.subject import Subject
from spectra.schedule.densities.levels import noise_ends
from spectra.schedule.schedule import Schedule
from spectra.schedule.steps.gaussian import Prediction, Start, predict_error

if TYPE_CHECKING:
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["measure"]

FINE = 385  # levels at which densities are looked at
ALIKE = 0.05  # of the predicted W2: grids that are no better need no search for shorter ones


def measure(
    found: Subject,
    account: Account,
    times: np.ndarray,
    solver: str,
    start: Start,
    error: "DenoisingError | None",
) -> Measured:
    """Everything that findings are read from."""
    schedule, steps = found.schedule, len(times) - 1
    fine = np.linspace(1, 0, FINE)
    if schedule.separable:  # as finely in log-noise, where time may stand still
        even = schedule.time_at(np.linspace(schedule.pace[-1], schedule.pace[0], FINE))
        fine = np.unique(np.round(np.r_[fine, even], 9))[::-1]  # neighbours apart by more
    training = None
    if found.share is not None and found.t is not None:
        training = np.interp(fine, found.t, found.share, left=0.0, right=1.0)
    best = _reference(found)

    def optimal(count: int) -> tuple[np.ndarray, Prediction]:
        own = best.grid(count, solver, error=error)
        return own, predict_error(best, own, solver, start=start, error=error)

    predicted = predict_error(schedule, times, solver, start=start, error=error)
    best_times, best_prediction = optimal(steps)
    least, low = steps, 0  # fewest steps whose optimum is as good, by halving
    if best_prediction.w2 > (1 - ALIKE) * predicted.w2 or error is not None:
        low = steps  # with a measured denoiser each optimum takes seconds
    while least - low > 1:
        middle = (low + least) // 2
        if optimal(middle)[1].w2 <= predicted.w2:
            least = middle
        else:
            low = middle
    left, kl = _at_the_start(found, times[0])
    nats, power = account.learnt(fine), account.left(fine)
    return Measured(
        t=fine,
        log_noise=account.log_noise(fine),
        octave_nats=nats[:-1],
        octave_left=power[:-1],
        clean_nats=nats[-1],
        training=training,
        times=times,
        step_nats=account.learnt(times[:-1]),
        step_left=account.left(times[:-1]),
        knots=np.exp(account.log_noise(times[:-1])),
        best_knots=np.exp(Account.of(best, error).log_noise(best_times[:-1])),
        information_left=left,
        prior_kl=0.0 if found.pure or start == "data" else kl,
        predicted=predicted,
        best=best_prediction,
        least_steps=least,
        solver=solver,
        start=start,
    )


def _reference(found: Subject) -> Schedule:
    """Where the optimal grid lies: between the ends this spectrum asks for, if they are free."""
    if not found.scalar:
        return found.schedule
    schedule = found.schedule
    clean, noisy = noise_ends(schedule.variance, schedule.quantum)
    pace = 2 * np.log([clean, noisy])
    level = np.log(schedule.variance)
    return replace(
        schedule, offset=level, t=np.array([0.0, 1.0]), pace=pace, density=None, limits=None
    )


def _at_the_start(found: Subject, t: float) -> tuple[float, float]:
    """Nats left at a time, and KL(data with noise || the noise alone) there."""
    schedule = found.schedule
    log_snr = schedule.log_snr(np.array([t]))[0]
    snr = np.exp(np.minimum(log_snr, 600))
    left = 0.5 * np.logaddexp(0, log_snr)
    kl = 0.5 * snr - left
    if not found.centred:  # what is never taken off is there at the start too
        mean = schedule.make_basis().forward(schedule.mean)
        kl = kl + 0.5 * mean**2 * snr / schedule.variance
    return float(left.sum()), float(kl.sum())
