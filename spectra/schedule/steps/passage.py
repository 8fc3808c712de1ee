"""What a denoiser loses along a schedule: nats, and components that it can still see."""

from typing import TYPE_CHECKING

import numpy as np

from spectra.schedule.steps.gaussian import within

if TYPE_CHECKING:
    from spectra.schedule.schedule import Schedule
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["lost_along"]

CHUNK = 1 << 21  # numbers at a time


def lost_along(
    schedule: "Schedule", t: np.ndarray, error: "DenoisingError | None"
) -> tuple[np.ndarray, np.ndarray]:
    """Nats of an example lost from the first time on, and sum_i W_i at each, [T] both.

    By I-MMSE, dI_i = 1/2 W_i d ln SNR_i with W_i = E_i / sigma_i^2: the Wiener filter's, or of a
    measured error in the schedule's components.
    """
    from scipy.special import expit

    log_variance = np.log(schedule.variance)
    rows = max(1, CHUNK // schedule.variance.size)
    nats, alive = [0.0], []
    last: tuple[np.ndarray, np.ndarray] | None = None
    for first in range(0, len(t), rows):
        log_snr = within(schedule.log_snr(t[first : first + rows]))
        gain = expit(log_snr) if error is None else error.gain_at((log_variance - log_snr) / 2)[0]
        alive += list(gain.reshape(len(gain), -1).sum(axis=1))
        if last is not None:
            log_snr = np.concatenate([last[0], log_snr])
            gain = np.concatenate([last[1], gain])
        lost = -np.diff(log_snr, axis=0) * (gain[1:] + gain[:-1]) / 4
        nats += list(lost.reshape(len(lost), -1).sum(axis=1))
        last = log_snr[-1:], gain[-1:]
    return np.cumsum(nats), np.array(alive)
