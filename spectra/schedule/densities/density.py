"""At which noise levels to train: densities over ln sigma, from a spectrum."""

from dataclasses import dataclass, field, fields
from typing import Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name, check_number
from spectra.schedule import ends
from spectra.schedule.densities.levels import level_shift, noise_ends, single_noise_level, variances
from spectra.schedule.densities.noise_density import (
    KNOTS,
    NoiseDensity,
    table_of_cumulative,
    table_of_rate,
)
from spectra.schedule.schedule import Schedule, offset_histogram
from spectra.schedule.steps.checks import check_steps
from spectra.schedule.steps.denoising import DenoisingError
from spectra.schedule.steps.gaussian import predict_sigmas
from spectra.spectrum import Spectrum

__all__ = [
    "DensityKind",
    "EdmConstants",
    "NoiseDensity",
    "edm_constants",
    "schedule_density",
    "training_density",
]

DensityKind = Literal["modes", "information"]

# Either side of the weakest and the strongest component a mode's logistic tail is under 1e-8.
TAIL = 9.5
CHUNK = 1 << 21  # numbers at a time
EDM_STEPS = 18  # EDM's own for 32 x 32
RHOS = np.arange(2.0, 20.5, 0.5)


def training_density(
    subject: Spectrum | Schedule | np.ndarray,
    kind: DensityKind = "modes",
    *,
    basis: str = "dct",
    error: DenoisingError | None = None,
    sigma_min: float | None = None,
    sigma_max: float | None = None,
) -> NoiseDensity:
    """The density of training noise levels that follows from a spectrum.

    Parameters
    ----------
    subject : Spectrum, Schedule or array
        Whose component variances lambda_i; an array is the variances themselves.
    kind : {"modes", "information"}
        "modes": the rate at which modes drown, -d d_eff / d ln sigma with d_eff = sum lambda_i /
        (lambda_i + sigma^2). "information": the rate at which nats of an example are lost,
        -dI / d ln sigma = sum lambda_i / (lambda_i + sigma^2), which has no end towards low noise:
        it is taken between the two sigmas.
    basis : str
        Of a Spectrum; it must have been measured.
    error : DenoisingError, optional
        The measured error of a denoiser, used in place of the Wiener filter's: sum_i mmse_i /
        sigma^2 in place of d_eff. "information" is then the entropy rate of the data themselves.
    sigma_min, sigma_max : float, optional
        Ends. None: for "modes" none, for "information" those of `noise_ends`.

    Returns
    -------
    NoiseDensity
        Over ln sigma, in data units.

    Raises
    ------
    InputError
        An unknown kind, a basis that was not measured, variances that are not positive, or ends
        that do not rise.

    Notes
    -----
    "modes" is the histogram of ln(lambda_i) / 2 under a logistic kernel, sech^2 / 2, so that its
    mean is mean(ln lambda) / 2 and its variance Var(ln lambda) / 4 + pi^2 / 12. "information" by
    I-MMSE: Guo, Shamai, Verdu (2005), dI / d(1 / sigma^2) = mmse / 2.

    Examples
    --------
    >>> density = spectra.training_density(spectra.analyze("digits"))
    >>> round(density.mean, 1), round(density.std, 1)
    (-0.8, 1.0)
    """
    check_name("density", kind, get_args(DensityKind))
    variance, quantum = variances(subject, basis)
    log_variance = np.log(variance)
    low, high = log_variance.min() / 2 - TAIL, log_variance.max() / 2 + TAIL
    if kind == "information":
        low, high = np.log(noise_ends(variance, quantum))
    for name, end in (("sigma_min", sigma_min), ("sigma_max", sigma_max)):
        if end is not None:
            check_number(name, end, low=0.0, strict=True)
    low = low if sigma_min is None else np.log(sigma_min)
    high = high if sigma_max is None else np.log(sigma_max)
    if not low < high:
        raise InputError(
            f"sigma_min, sigma_max: {np.exp(low):.3g} is not below {np.exp(high):.3g}; "
            "widen the range of noise levels"
        )
    log_sigma = np.linspace(low, high, KNOTS)
    alive = _alive(log_variance, log_sigma) if error is None else _measured(error, log_sigma)
    name = f"{kind}, {'Gaussian surrogate' if error is None else error.name}"
    if kind == "information":
        return table_of_rate(name, log_sigma, alive)
    alive = np.minimum.accumulate(alive)  # a measured one may wiggle
    return table_of_cumulative(name, log_sigma, alive[0] - alive)


def _alive(log_variance: np.ndarray, log_sigma: np.ndarray) -> np.ndarray:
    """d_eff = sum_i lambda_i / (lambda_i + sigma^2), [Q]."""
    from scipy.special import expit

    values, counts = offset_histogram(log_variance)
    return expit(values - 2 * log_sigma[:, None]) @ counts


def _measured(error: DenoisingError, log_sigma: np.ndarray) -> np.ndarray:
    """sum_i error_i / sigma_i^2 at levels [Q] shared by all components, or each its own, [Q]."""
    rows = max(1, CHUNK // error.variance.size)
    parts = [log_sigma[i : i + rows] for i in range(0, len(log_sigma), rows)]
    sums = [error.gain_at(part)[0].reshape(len(part), -1).sum(axis=1) for part in parts]
    return np.concatenate(sums)


def schedule_density(schedule: Schedule) -> NoiseDensity:
    """The density of sigma that a schedule trains at.

    Raises
    ------
    InputError
        Its components have different noise levels at one time.
    """
    if not single_noise_level(schedule):
        raise InputError(
            f"schedule {schedule.name}: its components have each their own noise level; one "
            "density of sigma exists only for standard diffusion's order"
        )
    pace = np.linspace(schedule.pace[0], schedule.pace[-1], KNOTS)
    share, t = schedule.quantiles
    return table_of_cumulative(
        schedule.name,
        (pace - level_shift(schedule)) / 2,
        np.interp(schedule.time_at(pace), t, share),
    )


@dataclass(frozen=True)
class EdmConstants:
    """EDM's hand-set numbers, for one data set.

    Attributes
    ----------
    p_mean, p_std : float
        Mean and standard deviation of ln sigma at which to train.
    sigma_data : float
        Root mean variance of a value about the mean example.
    sigma_min, sigma_max, rho : float
        Of the sampler's grid.
    distance : float
        Total variation, in [0, 1], between N(p_mean, p_std^2) and the density it stands for.
    reasons : dict of str
        One line per constant.
    """

    p_mean: float
    p_std: float
    sigma_data: float
    sigma_min: float
    sigma_max: float
    rho: float
    distance: float
    reasons: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, float]:
        """The numbers alone, under the names of EDM's own code."""
        names = {"p_mean": "P_mean", "p_std": "P_std"}
        return {
            names.get(part.name, part.name): getattr(self, part.name)
            for part in fields(self)
            if part.name not in ("distance", "reasons")
        }


def edm_constants(
    subject: Spectrum | Schedule | np.ndarray,
    *,
    basis: str = "dct",
    kind: DensityKind = "modes",
    error: DenoisingError | None = None,
    information_left: float = ends.INFORMATION_LEFT,
    sigma_min: float | None = None,
    sigma_max: float | None = None,
    steps: int = EDM_STEPS,
) -> EdmConstants:
    """P_mean, P_std, sigma_data, sigma_min, sigma_max and rho for a data set.

    Parameters
    ----------
    subject : Spectrum, Schedule or array
        Whose component variances; an array is the variances themselves.
    basis : str
        Of a Spectrum.
    kind : {"modes", "information"}
        The training density that P_mean and P_std are the moments of; see `training_density`.
    error : DenoisingError, optional
    information_left : float
        Nats of an example left at sigma_max.
    sigma_min, sigma_max : float, optional
        Ends by hand, in place of `noise_ends`.
    steps : int
        Of Heun's solver, for which rho is chosen.

    Returns
    -------
    EdmConstants
        With the distance of their normal density from the exact one.

    Raises
    ------
    InputError
        As `training_density`.

    Notes
    -----
    Karras et al. (2022), table 1; theirs for all images in [-1, 1] are -1.2, 1.2, 0.5, 0.002, 80
    and 7. That modes should be trained as they drown is a proposal, which meets theirs on 1/f^2
    fields of 32 x 32 (-1.24, 1.04) and lies at lower noise on CIFAR-10 (-2.2, 1.4).

    Examples
    --------
    >>> constants = spectra.edm_constants(spectra.analyze("digits"))
    >>> round(constants.p_mean, 1), round(constants.p_std, 1), round(constants.sigma_data, 2)
    (-0.8, 1.0, 0.54)
    """
    check_steps(steps)
    variance, quantum = variances(subject, basis)
    density = training_density(subject, kind, basis=basis, error=error)
    mean, std = density.mean, density.std
    distance = density.distance(mean, std)
    budget = ends.noise_budget(variance, quantum)[1]
    reasons = {
        "sigma_min": f"noise left by the best denoiser is {budget}",
        "sigma_max": f"{information_left:g} nats of an example are left",
    }
    low, high = noise_ends(variance, quantum, information_left)
    if sigma_min is not None:
        low, reasons["sigma_min"] = sigma_min, "given"
    if sigma_max is not None:
        high, reasons["sigma_max"] = sigma_max, "given"
    if not 0 < low < high < np.inf:
        raise InputError(f"sigma_min {low:g}, sigma_max {high:g}: must rise from above 0")
    rho, gain = _best_rho(variance, low, high, steps)
    than_7 = "" if rho == 7 else f", {gain:.0%} of rho 7's"
    what = "modes drown" if kind == "modes" else "nats are lost"
    return EdmConstants(
        p_mean=mean,
        p_std=std,
        sigma_data=float(np.sqrt(variance.mean())),
        sigma_min=low,
        sigma_max=high,
        rho=rho,
        distance=distance,
        reasons={
            "P_mean": f"mean of ln sigma where {what} ({density.name})",
            "P_std": f"its deviation; the normal density is {distance:.1%} away from the exact one",
            "sigma_data": "root mean variance of a value about the mean example",
            **reasons,
            "rho": f"least predicted error of {steps} Heun steps{than_7}",
        },
    )


def _best_rho(
    variance: np.ndarray, sigma_min: float, sigma_max: float, steps: int
) -> tuple[float, float]:
    """The rho of least predicted W2^2 under Heun, and that over what rho = 7 has."""
    values, counts = offset_histogram(np.log(variance))

    def error(rho: float) -> float:
        sigmas = np.linspace(sigma_max ** (1 / rho), sigma_min ** (1 / rho), steps) ** rho
        return predict_sigmas(np.exp(values), sigmas, "heun", count=counts).w2

    errors = [error(float(rho)) for rho in RHOS]
    best = int(np.argmin(errors))
    usual = error(7.0)  # 0 between ends so near that nothing can go wrong
    return float(RHOS[best]), errors[best] / usual if usual > 0 else 1.0
