"""The weight per frequency that a training density and a loss imply."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name, check_number
from spectra.schedule.coordinates import coordinates
from spectra.schedule.densities.levels import variances
from spectra.schedule.densities.noise_density import NoiseDensity
from spectra.schedule.schedule import Schedule
from spectra.schedule.steps.gaussian import within
from spectra.spectrum import Spectrum

__all__ = [
    "ImpliedWeights",
    "LossName",
    "Preconditioned",
    "implied_weights",
    "octave_shares",
    "schedule_weights",
    "weight_curve",
    "weight_per_nat",
]

LossName = Literal["bound", "epsilon", "v", "x0", "flow", "edm", "min-snr", "truncated-snr"]
Preconditioned = Literal["scalar", "skip", "component"]
Loss = LossName | Callable[[np.ndarray], np.ndarray]

VARIANCES = 4097  # at which the curve over ln lambda is found
CHUNK = 1 << 22  # numbers at a time


@dataclass(frozen=True, eq=False)
class ImpliedWeights:
    """What an objective spends on each component.

    Attributes
    ----------
    name : str
    weight : float64 [*shape]
        Objective per nat: to second order the objective exceeds its least value by
        sum_i weight_i KL(N(0, lambda_i) || N(0, lambda_i')) where the model takes the variance
        of component i for lambda_i'. 1 everywhere for the variational bound.
    share : float64 [*shape]
        Of the objective itself that component i makes up, at the best linear denoiser; sums to 1.
    frequency : float64 [*shape]
        Of each component, cycles/pixel; NaN where it has none, and for bare variances.
    """

    name: str
    weight: np.ndarray
    share: np.ndarray
    frequency: np.ndarray


def weight_per_nat(
    loss: Loss, log_sigma: np.ndarray, *, sigma_data: float = 0.5, gamma: float = 5.0
) -> np.ndarray:
    """A loss's weight on the squared error of eps, r(sigma) = w(sigma) sigma^2, [N] -> [N].

    w weights the squared error of x_hat at x + sigma eps. "bound" needs the training density and
    is not here.

    Parameters
    ----------
    loss : {"epsilon", "v", "x0", "flow", "edm", "min-snr", "truncated-snr"} or callable
        What is squared: eps, v = alpha eps - sigma x, x, or the flow's velocity eps - x; "edm" is
        1 / c_out^2; "min-snr" is min(SNR, gamma) on x, "truncated-snr" max(SNR, 1), for values as
        they are, SNR = 1 / sigma^2. A callable is w(sigma).
    log_sigma : [N]
    sigma_data : float
        EDM's.
    gamma : float
        Min-SNR's.

    Notes
    -----
    v, truncated SNR: Salimans & Ho, arXiv 2202.00512, section 4. EDM: Karras et al. (2022), table
    1. Min-SNR: Hang et al., arXiv 2303.09556, equation 11. flow: x_hat off by e has the velocity
    off by e / t, t = sigma / (1 + sigma).
    """
    sigma = np.exp(np.asarray(log_sigma, float))
    if callable(loss):
        weight = np.asarray(loss(sigma), float) * sigma**2
        if weight.shape != sigma.shape or not (np.isfinite(weight) & (weight >= 0)).all():
            raise InputError("loss: w(sigma) must be finite and not negative, one a noise level")
        return weight
    check_name("loss", loss, get_args(LossName))
    if loss == "bound":
        raise InputError("loss 'bound' is 1 / (density sigma^2): it has no weight of its own")
    check_number("sigma_data", sigma_data, low=0.0, strict=True)
    check_number("gamma", gamma, low=0.0, strict=True)
    return {
        "epsilon": np.ones_like(sigma),
        "v": 1 + sigma**2,
        "x0": sigma**2,
        "flow": (1 + sigma) ** 2,
        "edm": 1 + (sigma / sigma_data) ** 2,
        "min-snr": np.minimum(1, gamma * sigma**2),
        "truncated-snr": np.maximum(1, sigma**2),
    }[loss]


def weight_curve(
    log_variance: np.ndarray,
    density: NoiseDensity,
    loss: Loss,
    *,
    sigma_data: float = 0.5,
    gamma: float = 5.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Objective per nat, and the objective itself, of components of variance lambda, [K] each.

    With g = lambda / (lambda + sigma^2), p the density of ln sigma and r = w sigma^2:

        weight = 4 int p r g^2 (1 - g) d ln sigma,      objective = int p r g d ln sigma

    A model that takes lambda for lambda (1 + d) errs by lambda sigma^2 / (lambda + sigma^2) +
    d^2 sigma^2 g^2 (1 - g) in x, which over int d ln sigma / sigma^2 is d^2 / 4 = KL: the bound
    (p r = 1) has weight 1, since 4 g^2 (1 - g) integrates to 1 over ln sigma.
    """
    from scipy.special import expit

    middle = density.middle
    if loss == "bound":
        spent = np.diff(density.log_sigma) * (density.mass > 0)
    else:
        rate = weight_per_nat(loss, middle, sigma_data=sigma_data, gamma=gamma)
        spent = density.mass * rate
    log_snr = np.asarray(log_variance, float)[:, None] - 2 * middle  # [K, Q - 1]
    gain = expit(log_snr)
    return 4 * (gain**2 * expit(-log_snr)) @ spent, gain @ spent


def implied_weights(
    subject: Spectrum | Schedule | np.ndarray,
    density: NoiseDensity,
    loss: Loss,
    *,
    basis: str = "dct",
    sigma_data: float | None = None,
    gamma: float = 5.0,
) -> ImpliedWeights:
    """What a scalar training recipe spends on each component of a data set.

    Every noise level weights all frequencies alike, and each frequency is decided in its own
    range of noise levels: so a density and a loss over noise levels are a weighting over
    frequencies.

    Parameters
    ----------
    subject : Spectrum, Schedule or array
        Whose component variances; an array is the variances themselves.
    density : NoiseDensity
        Of the training noise levels.
    loss : LossName or callable
        See `weight_per_nat`; "bound" is the variational bound over the density's range.
    basis : str
        Of a Spectrum.
    sigma_data : float, optional
        EDM's; the root mean variance where it is not given.
    gamma : float
        Min-SNR's.

    Returns
    -------
    ImpliedWeights

    Raises
    ------
    InputError
        An unknown loss, a basis that was not measured, or variances that are not positive.

    Notes
    -----
    S. Dieleman, "Diffusion is spectral autoregression" (2024): the loss over noise levels "is
    also implicitly a weighted average over all spatial frequencies". Made exact to second order
    by `weight_curve`.

    Examples
    --------
    >>> spectrum = spectra.analyze("digits")
    >>> weights = spectra.implied_weights(spectrum, spectra.training_density(spectrum), "edm")
    >>> weights.weight.shape
    (1, 8, 8)
    """
    variance, _ = variances(subject, basis)
    if sigma_data is None:
        sigma_data = float(np.sqrt(variance.mean()))
    level = np.log(variance)
    table = np.linspace(level.min(), level.max() + 1e-12, VARIANCES)
    parts = [
        weight_curve(part, density, loss, sigma_data=sigma_data, gamma=gamma)
        for part in np.array_split(table, 1 + VARIANCES * len(density.mass) // CHUNK)
    ]
    weight, spent = (
        np.interp(level, table, np.concatenate(rows)) for rows in zip(*parts, strict=True)
    )
    name = loss if isinstance(loss, str) else "custom loss"
    return ImpliedWeights(
        f"{name}, {density.name}", weight, _shares(spent), _frequency(subject, basis, variance)
    )


def schedule_weights(
    schedule: Schedule,
    loss: Literal["edm", "bound"] = "edm",
    *,
    preconditioning: Preconditioned = "scalar",
) -> ImpliedWeights:
    """What our own training spends on each component, whatever the schedule's order.

    Parameters
    ----------
    schedule : Schedule
    loss : {"edm", "bound"}
        As `Objective`; "edm" is 1 / out_i^2 on the squared error of z_i.
    preconditioning : {"scalar", "skip", "component"}
        As `Denoiser`: what out_i is.

    Returns
    -------
    ImpliedWeights

    Raises
    ------
    InputError
        An unknown name.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> spectra.schedule_weights(schedule, "edm").weight.shape
    (1, 8, 8)
    """
    from scipy.special import expit

    check_name("loss", loss, ("edm", "bound"))
    check_name("preconditioning", preconditioning, get_args(Preconditioned))
    variance = schedule.variance
    rows = max(2, CHUNK // variance.size)
    t, mass = _times(schedule, 1024 if variance.size < 1 << 15 else 256)
    weight, spent = np.zeros_like(variance), np.zeros_like(variance)
    for first in range(0, len(mass), rows):
        last = min(first + rows, len(mass))
        ends = within(schedule.log_snr(t[first : last + 1]))
        log_snr = (ends[1:] + ends[:-1]) / 2
        gain, rest = expit(log_snr), expit(-log_snr)
        noise = variance * np.exp(-log_snr)  # sigma_i^2
        share = mass[first:last].reshape(-1, *[1] * variance.ndim)
        if loss == "bound":
            rate = (ends[:-1] - ends[1:]) / 2  # d ln sigma_i
        elif preconditioning == "scalar":
            rate = share * (1 + noise / variance.mean())
        elif preconditioning == "component":
            rate = share * (1 + noise / variance)
        else:
            spatial = tuple(range(2, noise.ndim))
            out = (variance * rest).mean(axis=spatial, keepdims=True)
            rate = share * noise / out
        weight += (4 * rate * gain**2 * rest).sum(axis=0)
        spent += (rate * gain).sum(axis=0)
    return ImpliedWeights(f"{loss}, {schedule.name}", weight, _shares(spent), schedule.frequency)


def octave_shares(weights: ImpliedWeights) -> tuple[np.ndarray, np.ndarray]:
    """Share of the objective in each octave below 1/2 cycles/pixel, ([E + 1] edges, [E]).

    From the highest frequency down; the last holds all that is lower but DC, whose share is in
    none. What lies above 1/2 (corners) is in the first.

    Raises
    ------
    InputError
        The components have no frequency.
    """
    frequency = weights.frequency.ravel()
    if not np.isfinite(frequency).all():
        raise InputError(f"{weights.name}: its components have no frequency; choose dct or fourier")
    lowest = frequency[frequency > 0].min(initial=0.5)
    octaves = max(1, int(np.floor(np.log2(0.5 / lowest) + 1e-9)))
    edges = 0.5 ** np.arange(1, octaves + 2)  # falling
    at = np.clip(np.floor(-np.log2(np.maximum(frequency, 1e-300)) - 1 + 1e-9), 0, octaves - 1)
    inside = frequency > 0
    total = np.bincount(at[inside].astype(int), weights.share.ravel()[inside], octaves)
    return edges, total


def _times(schedule: Schedule, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Times between which the training density is summed, and its share in each cell."""
    clock = np.linspace(schedule.clock[0], schedule.clock[-1], cells + 1)
    t = np.unique(np.r_[0.0, np.interp(clock, schedule.clock, schedule.t), 1.0])
    share, knots = schedule.quantiles
    return t, np.diff(np.interp(t, knots, share))


def _shares(spent: np.ndarray) -> np.ndarray:
    total = spent.sum()
    if not (np.isfinite(total) and total > 0):
        raise InputError("loss: the objective is nought or endless at these noise levels")
    return spent / total


def _frequency(
    subject: Spectrum | Schedule | np.ndarray, basis: str, variance: np.ndarray
) -> np.ndarray:
    """Frequency of each component; NaN for bare variances."""
    if isinstance(subject, Schedule):
        return subject.frequency
    if isinstance(subject, Spectrum):
        return coordinates(subject, basis).frequency
    return np.full(variance.shape, np.nan)
