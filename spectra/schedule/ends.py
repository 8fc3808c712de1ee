"""Where a schedule starts and stops, by what is left of signal and noise there."""

from dataclasses import dataclass

import numpy as np

from spectra.errors import InputError, check_number
from spectra.schedule.schedule import Schedule, information, offset_histogram

__all__ = ["INFORMATION_LEFT", "Ends", "clean_end", "noise_budget", "noisy_end", "transport_end"]

# Nats of an example that may be left at t = 1: the bound's prior term.
INFORMATION_LEFT = 0.01
LEAST_NATS = 1e-30
LARGEST_LOG_SNR = 300.0
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


def _check_end(name: str, value: float) -> None:
    """Refuse a log SNR that is out of all proportion."""
    check_number(name, value, low=-LARGEST_LOG_SNR, high=LARGEST_LOG_SNR)


def _root(function: object, low: float, high: float) -> float:
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-10))  # pyright: ignore


@dataclass(frozen=True)
class Ends:
    """Where the schedule is to start and stop: the wishes of `derive_schedule`."""

    information_left: float | None = None
    w2_left: float | None = None
    w2_absolute: float | None = None
    g_denoise: float | None = None
    g_noise: float | None = None

    def check(self) -> None:
        if self.information_left is not None:
            check_number("information_left", self.information_left, low=LEAST_NATS)
            if self.g_noise is not None:
                raise InputError("information_left, g_noise: each is a noise end; give one of them")
        clean = {name: getattr(self, name) for name in ("w2_left", "w2_absolute", "g_denoise")}
        given = {name: value for name, value in clean.items() if value is not None}
        for name, value in given.items():
            if name == "g_denoise":
                _check_end(name, value)
            else:
                check_number(name, value, low=0.0, strict=True)
        if len(given) > 1:
            raise InputError(f"{', '.join(given)}: each is a clean end; give one of them")
        if self.g_noise is not None:
            _check_end("g_noise", self.g_noise)

    def of(self, base: Schedule) -> tuple[float, float, dict[str, str]]:
        """Pace at t = 0 and at t = 1 for these offsets, and what each end is."""
        offset, variance = base.offset, base.variance
        mean = float(variance.mean())
        if self.g_denoise is not None:
            start = float(self.g_denoise) + float(offset.min())
            clean = f"given: every log SNR(0) >= {-self.g_denoise:g}"
        elif self.w2_left is not None or self.w2_absolute is not None:
            budget = self.w2_left * mean if self.w2_left is not None else self.w2_absolute
            assert budget is not None
            start = transport_end(variance, offset, budget)
            clean = (
                f"W2 budget: denoising from t = 0 moves the data by W2^2 = {budget:.3g} a value, "
                f"{budget / mean:.3g} of the variance"
            )
        else:
            budget, words = noise_budget(variance, base.quantum)
            start = clean_end(variance, offset, budget)
            clean = f"noise left at t = 0 is {words}"
        histogram = offset_histogram(offset)
        if self.g_noise is not None:
            end = float(self.g_noise) + float(offset.max())
            left = float(information(histogram, np.array([end]))[0])
            noisy = (
                f"given: every log SNR(1) <= {-self.g_noise:g}, which leaves {left:.3g} nats of "
                "an example"
            )
        else:
            left = INFORMATION_LEFT if self.information_left is None else self.information_left
            end = noisy_end(histogram, left)
            noisy = f"{left:g} nats of an example are left at t = 1"
        return start, end, {"clean end": clean, "noise end": noisy}
