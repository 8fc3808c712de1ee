"""Loss weightings stated per frequency, and the noise levels that carry them."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name, check_number
from spectra.schedule.coordinates import coordinates
from spectra.schedule.schedule import Schedule
from spectra.spectrum import Spectrum

__all__ = [
    "FrequencyWeighting",
    "FrequencyWeightingName",
    "contrast_sensitivity",
    "frequency_weighting",
]

FrequencyWeightingName = Literal["bound", "octave", "contrast"]

# A 96-dpi screen at half a metre.
PIXELS_PER_DEGREE = 33.0
BINS = 96  # of ln lambda
LEVELS = 241
REACH = 6.0  # of ln sigma, either side of the components
ROUNDS = 400
LEAST = 1e-30  # a weight has a logarithm


@dataclass(frozen=True, eq=False)
class FrequencyWeighting:
    """What a nat of each component is to count.

    Attributes
    ----------
    name : str
    weight : float64 [*shape]
        Of each component, mean 1: a factor on its squared error at every noise level, over the
        bound's weight. Exact.
    log_snr : float64 [L]
        ln(alpha^2 / sigma^2) of a scalar process, rising.
    per_nat : float64 [L]
        The same wish for training code that weights noise levels only: the factor over the
        bound's weight at each. On the squared error of eps, times drawn with density p(ln sigma),
        the weight is per_nat / p.
    residual : float
        Largest |ln| by which what `per_nat` implies for a component misses `weight`: a noise level
        weights all components that it decides alike.
    reason : str
    """

    name: str
    weight: np.ndarray
    log_snr: np.ndarray
    per_nat: np.ndarray
    residual: float
    reason: str

    def per_nat_at(self, log_snr: np.ndarray) -> np.ndarray:
        """Factor over the bound's weight at ln(alpha^2 / sigma^2), [N]; constant beyond."""
        return np.exp(np.interp(log_snr, self.log_snr, np.log(self.per_nat)))


def frequency_weighting(
    subject: Spectrum | Schedule,
    name: FrequencyWeightingName = "octave",
    *,
    basis: str = "dct",
    pixels_per_degree: float = PIXELS_PER_DEGREE,
) -> FrequencyWeighting:
    """Weights per frequency, for a loss.

    Parameters
    ----------
    subject : Spectrum or Schedule
    name : {"bound", "octave", "contrast"}
        "bound": every nat alike, which is likelihood. "octave": every octave of frequency alike,
        whatever the number of its components. "contrast": by the square of the eye's contrast
        sensitivity at the component's frequency.
    basis : str
        Of a Spectrum; its components must have frequencies.
    pixels_per_degree : float
        Of the viewer's eye, for "contrast".

    Returns
    -------
    FrequencyWeighting
        A weight for each component; the weights' mean is 1.

    Raises
    ------
    InputError
        An unknown name, components without frequencies, or contrast asked of what is no picture.

    Examples
    --------
    >>> weighting = spectra.frequency_weighting(spectra.analyze("digits"), "octave")
    >>> weighting.weight.shape, round(float(weighting.weight.mean()), 6)
    ((1, 8, 8), 1.0)
    """
    check_name("weighting", name, get_args(FrequencyWeightingName))
    check_number("pixels_per_degree", pixels_per_degree, low=0.0, strict=True)
    held = subject if isinstance(subject, Schedule) else coordinates(subject, basis)
    frequency = held.frequency
    axes = len(held.shape) - 1
    if name != "bound" and not np.isfinite(frequency).all():
        raise InputError(
            f"basis {held.basis!r} has components without a frequency; choose dct or fourier"
        )
    if name == "bound":
        wish = np.ones_like(frequency)
        reason = "every nat alike: maximum likelihood"
    elif name == "octave":
        lowest = float(frequency[frequency > 0].min(initial=0.5))
        # Components within an octave of f are as f^axes in number; DC is as far below again.
        wish = np.maximum(frequency, lowest / 2) ** -float(axes)
        reason = f"every octave alike: f^-{axes}, one over its number of components"
    else:
        if axes != 2 or held.data.get("view") in ("waveform", "log-mel", "series"):
            raise InputError(
                "weighting contrast, which loss perceptual takes, is of the eye, and these are no "
                "pictures; choose octave or bound"
            )
        wish = contrast_sensitivity(frequency * pixels_per_degree) ** 2
        reason = (
            f"squared contrast sensitivity of the eye at {pixels_per_degree:g} pixels/degree "
            "(Mannos & Sakrison 1974)"
        )
    wish = wish / wish.mean()
    log_snr, per_nat, residual = _over_noise_levels(np.log(held.variance), wish)
    return FrequencyWeighting(name, wish, log_snr, per_nat, residual, reason)


def contrast_sensitivity(frequency: np.ndarray) -> np.ndarray:
    """The eye's sensitivity to contrast at f cycles/degree, about 1 at its best, [N] -> [N].

    Notes
    -----
    Mannos & Sakrison, "The effects of a visual fidelity criterion on the encoding of images",
    IEEE Trans. Inf. Theory 20 (1974): 2.6 (0.0192 + 0.114 f) exp(-(0.114 f)^1.1); best at 8.
    """
    scaled = 0.114 * np.asarray(frequency, float)
    return 2.6 * (0.0192 + scaled) * np.exp(-(scaled**1.1))


def _over_noise_levels(
    log_variance: np.ndarray, wish: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Weights of noise levels that imply, as nearly as they can, those of components.

    Richardson-Lucy on the kernel 4 g^2 (1 - g) of `weight_curve`, every bin of ln lambda alike.
    """
    from scipy.special import expit

    edges = np.linspace(log_variance.min(), log_variance.max() + 1e-9, BINS + 1)
    at = np.clip(np.digitize(log_variance.ravel(), edges) - 1, 0, BINS - 1)
    count = np.bincount(at, minlength=BINS)
    used = count > 0
    level = np.bincount(at, log_variance.ravel(), BINS)[used] / count[used]
    target = np.exp(np.bincount(at, np.log(wish).ravel(), BINS)[used] / count[used])
    log_sigma = np.linspace(level[0] / 2 - REACH, level[-1] / 2 + REACH, LEVELS)
    log_snr = level[:, None] - 2 * log_sigma
    gain = expit(log_snr)
    kernel = 4 * gain**2 * expit(-log_snr)  # [K, L]
    kernel /= kernel.sum(axis=1, keepdims=True)
    reached = kernel.sum(axis=0)
    weight = np.interp(2 * log_sigma + 1, level, target)  # g^2 (1 - g) is centred at ln SNR = 1
    for _ in range(ROUNDS):
        weight = weight * (kernel.T @ (target / (kernel @ weight))) / reached
    weight = np.maximum(weight, LEAST)
    # Components of one variance may have different wishes: each is looked at for itself.
    implied = np.interp(log_variance, level, np.log(kernel @ weight))
    residual = float(np.abs(implied - np.log(wish)).max())
    return -2 * log_sigma[::-1], weight[::-1], residual
