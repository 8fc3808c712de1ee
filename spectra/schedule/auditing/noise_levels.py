"""One noise level for all components: where it is trained, and where a sampler steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "NoiseLevels",
    "edm_levels",
    "flow_grid",
    "flow_levels",
    "karras",
    "normal_quantiles",
    "process_levels",
]

QUANTILES = 1025
BEYOND = 1e-3  # of the training times of a process with infinite ends are not looked at


@dataclass(frozen=True)
class NoiseLevels:
    """A scalar schedule, in ln sigma of noise added to the data as they are (VE).

    Attributes
    ----------
    name : str
    clean, noisy : float
        sigma where the process ends.
    grid : callable
        steps -> sigma of the sampler's knots, falling; the final 0 is left out.
    share, log_sigma : float64 [Q] or None
        Cumulative share of training up to each level, both rising; None where nothing is known.
    solver : str
        That it is usually sampled with; "euler" is a flow's and DDIM's own step.
    pure : bool
        Sampling starts from noise alone, and training goes there too.
    sigma_data : float or None
        That the network is scaled by.
    shift : float or None
        Of a flow.
    assumed : str
        What the source does not say.
    count : int or None
        Of a flow, as `flow_grid`.
    """

    name: str
    clean: float
    noisy: float
    grid: Callable[[int], np.ndarray]
    share: np.ndarray | None = None
    log_sigma: np.ndarray | None = None
    solver: str = "euler"
    pure: bool = False
    sigma_data: float | None = None
    shift: float | None = None
    assumed: str = ""
    count: int | None = None


def karras(noisy: float, clean: float, steps: int, rho: float = 7.0) -> np.ndarray:
    """Karras et al. (2022), equation 5, [steps]."""
    ramp = np.linspace(0, 1, steps) if steps > 1 else np.zeros(1)
    return (noisy ** (1 / rho) + ramp * (clean ** (1 / rho) - noisy ** (1 / rho))) ** rho


def normal_quantiles(mean: float, std: float) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative share and values of a normal density, out to 5 standard deviations."""
    from scipy.stats import norm

    z = np.linspace(-5, 5, QUANTILES)
    share = norm.cdf(z)
    return (share - share[0]) / (share[-1] - share[0]), mean + std * z


def edm_levels(
    name: str = "edm",
    *,
    p_mean: float = -1.2,
    p_std: float = 1.2,
    sigma_data: float = 0.5,
    sigma_min: float = 0.002,
    sigma_max: float = 80.0,
    rho: float = 7.0,
) -> NoiseLevels:
    """Karras et al. (2022), table 1: ln sigma ~ N(p_mean, p_std^2)."""
    share, log_sigma = normal_quantiles(p_mean, p_std)
    return NoiseLevels(
        name,
        sigma_min,
        sigma_max,
        lambda steps: karras(sigma_max, sigma_min, steps, rho),
        share,
        log_sigma,
        "heun",
        sigma_data=sigma_data,
    )


def flow_grid(steps: int, shift: float, count: int | None = None) -> np.ndarray:
    """t / (1 - t) of t = 1, 1 - 1/N, ..., 1/N shifted; the first, infinite one at t = 0.999.

    With the `count` of a diffusers flow scheduler's training times the N times are, as its
    set_timesteps(N) has them, even down to the least of these, which is shifted twice.
    """
    least = 1 / steps if count is None else float(_shifted(1 / count, shift))
    t = np.minimum(_shifted(np.linspace(1, least, steps), shift), 1 - BEYOND)
    return t / (1 - t)


def _shifted(t: Any, shift: float) -> Any:
    return shift * t / (1 + (shift - 1) * t)


def flow_levels(
    name: str, shift: float = 1.0, *, logit_normal: bool = False, count: int | None = None
) -> NoiseLevels:
    """Rectified flow, sigma = t / (1 - t): times shifted by k are noise levels times k.

    Trained evenly in t before the shift, or with logit t ~ N(0, 1) (Esser et al. 2024, SD3).
    """
    if logit_normal:
        share, logit = normal_quantiles(0.0, 1.0)
    else:
        share = np.linspace(BEYOND, 1 - BEYOND, QUANTILES)
        logit = np.log(share) - np.log1p(-share)
        share = (share - share[0]) / (share[-1] - share[0])
    ends = np.array([BEYOND, 1 - BEYOND])
    clean, noisy = shift * ends / (1 - ends)
    return NoiseLevels(
        name,
        float(clean),
        float(noisy),
        lambda steps: flow_grid(steps, shift, count),
        share,
        logit + np.log(shift),
        pure=True,
        shift=shift,
        count=count,
    )


def process_levels(name: str, log_snr: Callable[[np.ndarray], np.ndarray]) -> NoiseLevels:
    """A process trained and sampled evenly in its own time, between t = 0.001 and 0.999."""
    t = np.linspace(BEYOND, 1 - BEYOND, QUANTILES)
    log_sigma = -log_snr(t) / 2

    def grid(steps: int) -> np.ndarray:
        times = np.minimum(np.linspace(1, 1 / steps, steps), 1 - BEYOND)
        return np.exp(-log_snr(times) / 2)

    share = (t - t[0]) / (t[-1] - t[0])
    ends = np.exp(log_sigma[[0, -1]])
    return NoiseLevels(name, float(ends[0]), float(ends[1]), grid, share, log_sigma)
