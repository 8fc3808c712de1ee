"""One noise level for all components: where it is trained, and where a sampler steps."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.schedule.densities.noise_density import (
    NoiseDensity,
    log_normal_density,
    process_density,
)
from spectra.schedule.processes import process

__all__ = [
    "NoiseLevels",
    "edm_levels",
    "flow_levels",
    "flow_sigmas",
    "flow_times",
    "karras",
    "process_levels",
    "shifted",
]

BEYOND = 1e-3  # of the training times of a process with infinite ends are not looked at
ROUNDING = 1e-12  # of t


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
    density : NoiseDensity or None
        Of the noise levels in training; None where nothing is known.
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
    at_shift : callable or None
        (steps, shift) -> its grid, were a flow's shift another; None where it is not known.
    """

    name: str
    clean: float
    noisy: float
    grid: Callable[[int], np.ndarray]
    density: NoiseDensity | None = None
    solver: str = "euler"
    pure: bool = False
    sigma_data: float | None = None
    shift: float | None = None
    assumed: str = ""
    at_shift: Callable[[int, float], np.ndarray] | None = None


def karras(noisy: float, clean: float, steps: int, rho: float = 7.0) -> np.ndarray:
    """Karras et al. (2022), equation 5, [steps]."""
    ramp = np.linspace(0, 1, steps) if steps > 1 else np.zeros(1)
    return (noisy ** (1 / rho) + ramp * (clean ** (1 / rho) - noisy ** (1 / rho))) ** rho


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
    return NoiseLevels(
        name,
        sigma_min,
        sigma_max,
        lambda steps: karras(sigma_max, sigma_min, steps, rho),
        log_normal_density(p_mean, p_std),
        "heun",
        sigma_data=sigma_data,
    )


def flow_times(steps: int, shift: float, count: int | None = None) -> np.ndarray:
    """t = 1, 1 - 1/N, ..., 1/N shifted, [steps].

    With the `count` of a diffusers flow scheduler's training times the N times are, as its
    set_timesteps(N) has them, even down to the least of these, which is shifted twice.
    """
    least = 1 / steps if count is None else float(shifted(1 / count, shift))
    return shifted(np.linspace(1, least, steps), shift)


def flow_sigmas(t: np.ndarray) -> np.ndarray:
    """t / (1 - t) of falling times; at t = 1, where it is endless, that of 0.999 or nearer by."""
    t = np.array(t, float)
    if t[0] > 1 - ROUNDING:
        t[0] = max(1 - BEYOND, (1 + t[1]) / 2 if len(t) > 1 else 0.0)
    return t / (1 - t)


def shifted(t: Any, shift: float) -> Any:
    """Times of a flow, shifted."""
    return shift * t / (1 + (shift - 1) * t)


def flow_levels(
    name: str,
    shift: float = 1.0,
    *,
    logit_normal: bool = False,
    times: Callable[[int, float], np.ndarray] = flow_times,
) -> NoiseLevels:
    """Rectified flow, sigma = t / (1 - t): times shifted by k are noise levels times k.

    Trained evenly in t before the shift, or with logit t ~ N(0, 1) (Esser et al. 2024, SD3);
    `times` are the sampler's, from the steps and the shift.
    """
    if logit_normal:
        density = log_normal_density(float(np.log(shift)), 1.0)
    else:
        density = process_density("rectified-flow", shift=shift)
    ends = np.array([BEYOND, 1 - BEYOND])
    clean, noisy = shift * ends / (1 - ends)

    def at_shift(steps: int, shift: float) -> np.ndarray:
        return flow_sigmas(times(steps, shift))

    return NoiseLevels(
        name,
        float(clean),
        float(noisy),
        lambda steps: at_shift(steps, shift),
        density,
        pure=True,
        shift=shift,
        at_shift=at_shift,
    )


def process_levels(name: str) -> NoiseLevels:
    """A process trained evenly in its own time, and sampled so between t = 0.001 and 0.999."""
    log_snr = process(name).log_snr

    def grid(steps: int) -> np.ndarray:
        times = np.minimum(np.linspace(1, 1 / steps, steps), 1 - BEYOND)
        return np.exp(-log_snr(times) / 2)

    clean, noisy = np.exp(-log_snr(np.array([BEYOND, 1 - BEYOND])) / 2)
    return NoiseLevels(name, float(clean), float(noisy), grid, process_density(name))
