"""The one noise level sigma of standard diffusion: whose variances, and between which ends."""

import numpy as np

from spectra.errors import InputError, check_number
from spectra.schedule import ends
from spectra.schedule.coordinates import coordinates
from spectra.schedule.schedule import Schedule, offset_histogram
from spectra.spectrum import Spectrum

__all__ = ["level_shift", "noise_ends", "single_noise_level", "variances"]


def level_shift(schedule: Schedule) -> float:
    """What to take off the pace for 2 ln sigma, where all components share one sigma."""
    return float((schedule.offset - np.log(schedule.variance)).mean())


def single_noise_level(schedule: Schedule) -> bool:
    """Whether all components share one noise level at all times: standard diffusion's order."""
    apart = np.ptp(schedule.offset - np.log(schedule.variance))
    return bool(schedule.separable and apart < 1e-9)


def noise_ends(
    variance: np.ndarray, quantum: float = 0.0, information_left: float = ends.INFORMATION_LEFT
) -> tuple[float, float]:
    """sigma_min, sigma_max of standard diffusion by a schedule's own criteria.

    At sigma_min the best denoiser of Gaussian data errs by a quarter of the value grid's rounding
    noise (or of continuous values by -50 dB); at sigma_max `information_left` nats are left.
    """
    check_number("information_left", information_left, low=0.0, strict=True)
    level = np.log(variance)
    budget, _ = ends.noise_budget(variance, quantum)
    start = ends.clean_end(variance, level, budget)
    end = ends.noisy_end(offset_histogram(level), information_left)
    return float(np.exp(start / 2)), float(np.exp(end / 2))


def variances(
    subject: Spectrum | Schedule | np.ndarray, basis: str = "dct"
) -> tuple[np.ndarray, float]:
    """Component variances, all above 0, and the spacing of the value grid.

    Raises
    ------
    InputError
        They are not finite and above 0, or the basis was not measured.
    """
    if isinstance(subject, Spectrum):
        subject = coordinates(subject, basis)
    if isinstance(subject, Schedule):
        return subject.variance, subject.quantum
    variance = np.asarray(subject, float)
    if variance.size == 0 or not (np.isfinite(variance) & (variance > 0)).all():
        raise InputError("variance: finite numbers above 0 are needed, one a component")
    return variance, 0.0
