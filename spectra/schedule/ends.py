"""Where a schedule starts and stops, by what is left of signal and noise there."""

import numpy as np

from spectra.errors import InputError
from spectra.schedule.schedule import information

__all__ = ["INFORMATION_LEFT", "clean_end", "noise_budget", "noisy_end", "transport_end"]

# Nats of an example that may be left at t = 1: the bound's prior term.
INFORMATION_LEFT = 0.01
# Noise left at t = 0, as a share of the value grid's rounding noise.
ROUNDING_SHARE = 0.25
# For continuous values, as a share of their mean variance (-50 dB).
VARIANCE_SHARE = 1e-5
# Of the variance; a smaller W2 budget is lost in float64.
LEAST_SHARE = 1e-20


def noisy_end(histogram: tuple[np.ndarray, np.ndarray], left: float) -> float:
    """Smallest pace with 1/2 sum ln(1 + SNR_i) <= left, nats."""
    values, counts = histogram

    def excess(pace: float) -> float:
        return float(information(histogram, np.array([pace]))[0]) - left

    if left >= 0.5 * np.log(2) * counts.sum():
        raise InputError(
            f"information_left {left:g}: half of all components would still be seen at t = 1; "
            f"give less than {0.5 * np.log(2) * counts.sum():.3g} nats"
        )
    # ln(1 + x) <= x bounds it from above.
    return _root(excess, values.min() - 50, values.max() + np.log(counts.sum() / left))


def clean_end(variance: np.ndarray, offset: np.ndarray, budget: float) -> float:
    """Largest pace at which the best denoiser of Gaussian data errs by at most `budget`.

    The error is the mean over components of lambda_i / (1 + SNR_i).
    """

    from scipy.special import expit

    def excess(pace: float) -> float:
        return float(np.mean(variance * expit(pace - offset))) - budget

    if budget >= variance.mean():
        return float(offset.min())
    return _root(excess, float(offset.min()) - 80, float(offset.max()) + 80)


def transport_end(variance: np.ndarray, offset: np.ndarray, budget: float) -> float:
    """Largest pace at which landing on the denoised estimate moves Gaussian data by `budget`.

    W2^2 = mean lambda_i (1 - sqrt(SNR_i / (1 + SNR_i)))^2 between the data and the best denoiser's
    output there: what is still wrong with the samples of an exact solver whose last step goes from
    t = 0 to that estimate.

    Raises
    ------
    InputError
        The budget is all of the variance, or too small to compute with.
    """

    def excess(pace: float) -> float:
        moved = -np.expm1(-0.5 * np.logaddexp(0, pace - offset))  # 1 - sqrt(SNR / (1 + SNR))
        return float(np.log(np.mean(variance * moved**2)) - np.log(budget))

    share = budget / float(variance.mean())
    if not LEAST_SHARE <= share < 1:
        raise InputError(
            f"w2_left: {share:.3g} of the variance ({variance.mean():.3g} a value); a share of at "
            f"least {LEAST_SHARE:g} and under 1 is needed"
        )
    return _root(excess, float(offset.min()) - 80, float(offset.max()) + 80)


def noise_budget(variance: np.ndarray, quantum: float) -> tuple[float, str]:
    """Mean squared noise allowed at t = 0, and why."""
    if quantum > 0:
        budget = ROUNDING_SHARE * quantum**2 / 12
        return budget, f"a quarter of the rounding noise of values {quantum:.3g} apart"
    budget = VARIANCE_SHARE * float(variance.mean())
    return budget, "50 dB under the mean variance (continuous values)"


def _root(function: object, low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-10))  # pyright: ignore
