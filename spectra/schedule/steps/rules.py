"""Where published rules put a sampler's steps.

All are stated in noise levels sigma with respect to variances; a component-wise schedule gives
them sigma = exp(pace / 2) and exp(offset_i), whose ratio is SNR_i.
"""

from typing import Literal, get_args

import numpy as np

from spectra.errors import check_name
from spectra.schedule.steps.checks import check_ends, check_steps, check_variance

__all__ = ["OF_ERROR", "PUBLISHED", "RULES", "Rule", "named_sigmas"]

Rule = Literal[
    "optimal", "edm", "log-linear", "cosine", "tangent", "rescaled-entropic", "beta", "time"
]
RULES: tuple[Rule, ...] = get_args(Rule)
PUBLISHED = RULES[1:-1]  # "time" needs a schedule's own
OF_ERROR: tuple[Rule, ...] = ("optimal", "rescaled-entropic")  # a measured error moves their steps

EDM_RHO = 7.0
BETA = 0.6


def named_sigmas(
    rule: str,
    variance: np.ndarray,
    steps: int,
    *,
    sigma_max: float,
    sigma_min: float,
    count: np.ndarray | None = None,
) -> np.ndarray:
    """Noise levels of a published rule, [steps]; the final 0 is left out.

    Parameters
    ----------
    rule : {"edm", "log-linear", "cosine", "tangent", "rescaled-entropic", "beta"}
    variance : [K]
        Of the data's components: what tangent and rescaled-entropic look at.
    steps : int
    sigma_max, sigma_min : float
        The first level and the last.
    count : [K], optional
        How many components share each variance.

    Returns
    -------
    float64 [steps]
        Falling.

    Notes
    -----
    edm: even in sigma^(1/7) (Karras et al. 2022, equation 5). log-linear: even in ln sigma
    (Lu et al. 2022). cosine: even in t, sigma = tan(pi t / 2) (Nichol & Dhariwal 2021). tangent:
    sigma = c tan(theta), even in theta, c^2 the mean variance (Sabour et al. 2024, the Gaussian
    case of Align Your Steps). rescaled-entropic: even in int sum lambda / (lambda + sigma^2)
    dsigma (Stancevic et al. 2025). beta: Beta(0.6, 0.6) quantiles of the linear schedule's times
    (Lee et al. 2024).

    Examples
    --------
    >>> from spectra.schedule import named_sigmas
    >>> variance = np.arange(1.0, 65.0) ** -2
    >>> named_sigmas("edm", variance, 5, sigma_max=80, sigma_min=0.002).round(3)
    array([8.0000e+01, 1.7528e+01, 2.5150e+00, 1.7000e-01, 2.0000e-03])
    """
    check_name("rule", rule, PUBLISHED)
    check_steps(steps)
    sigma_min, sigma_max = check_ends(sigma_min, sigma_max)
    variance, count = check_variance(variance, count)
    if steps == 1:
        return np.array([sigma_max])
    levels = _levels(rule, variance, count, np.linspace(0, 1, steps), sigma_max, sigma_min)
    levels[0], levels[-1] = sigma_max, sigma_min
    return levels


def _levels(
    rule: str,
    variance: np.ndarray,
    count: np.ndarray,
    share: np.ndarray,
    noisy: float,
    clean: float,
) -> np.ndarray:
    """A rule at shares [N] of its way from the noisy end to the clean one."""
    if rule == "edm":
        high, low = noisy ** (1 / EDM_RHO), clean ** (1 / EDM_RHO)
        return (high + share * (low - high)) ** EDM_RHO
    if rule == "log-linear":
        return np.exp(np.log(noisy) + share * (np.log(clean) - np.log(noisy)))
    if rule in ("cosine", "tangent"):
        unit = 1.0 if rule == "cosine" else float(np.sqrt((count @ variance) / count.sum()))
        high, low = np.arctan(noisy / unit), np.arctan(clean / unit)
        return unit * np.tan(high + share * (low - high))
    if rule == "beta":
        from scipy.stats import beta

        from spectra.schedule.processes import process

        linear = process("vp-linear")
        high, low = linear.time(-2 * np.log(np.array([noisy, clean])))
        quantile = 1 - beta.ppf(1 - share, BETA, BETA)  # 0 at the noisy end
        return np.exp(-0.5 * linear.log_snr(high + quantile * (low - high)))
    fine = np.geomspace(clean, noisy, 4001)
    root = np.sqrt(variance)
    entropy = (count * root * np.arctan(fine[:, None] / root)).sum(axis=1)  # the integral, exactly
    wanted = entropy[-1] + share * (entropy[0] - entropy[-1])
    return np.exp(np.interp(wanted, entropy, np.log(fine)))
