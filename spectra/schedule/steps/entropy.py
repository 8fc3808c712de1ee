"""The rescaled-entropic grid of a trained denoiser, whose error was measured."""

from typing import TYPE_CHECKING

import numpy as np

from spectra.schedule.steps.checks import check_same_components
from spectra.schedule.steps.passage import lost_along

if TYPE_CHECKING:
    from spectra.schedule.schedule import Schedule
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["entropic_levels"]

PROBES = 513  # noise levels at which the error is looked at
FINE = 4001


def entropic_levels(
    schedule: "Schedule",
    levels: np.ndarray,
    t: np.ndarray,
    steps: int,
    error: "DenoisingError",
) -> np.ndarray:
    """Levels even in int E / sigma^2 dsigma, from the noisy end to the clean one, [steps].

    E / sigma^2 dsigma = sigma dH, where dH = sum_i W_i d ln sigma_i are the nats lost and W_i =
    E_i / sigma_i^2. Where components have each their own noise, dH is that along the schedule and
    sigma what they share: the square root of exp(level).

    Parameters
    ----------
    schedule : Schedule
    levels, t : [T]
        ln sigma^2, rising, at times t.
    steps : int
    error : DenoisingError
        In the schedule's components.

    Raises
    ------
    InputError
        The error is of other components.

    Notes
    -----
    Stancevic, Handke, Ambrogioni, "Entropic Time Schedulers for Generative Diffusion Models",
    arXiv 2504.13612: the conditional entropy changes by dH / dsigma = E / sigma^3; rescaled by
    sigma.
    """
    from scipy.interpolate import PchipInterpolator

    check_same_components(error, schedule)
    noisy, clean = float(levels[-1]), float(levels[0])
    if steps == 1:
        return np.array([noisy])
    probes = np.linspace(clean, noisy, PROBES)
    nats, _ = lost_along(schedule, np.interp(probes, levels, t), error)
    fine = np.linspace(clean, noisy, FINE)
    lost = np.diff(PchipInterpolator(probes, nats)(fine))
    sigma = np.exp(np.maximum((fine[1:] + fine[:-1]) / 2 - noisy, -600) / 2)  # 1 at the noisy end
    entropy = np.concatenate([[0.0], np.cumsum(sigma * lost)])
    found = np.interp(np.linspace(entropy[-1], 0, steps), entropy, fine)
    found[0], found[-1] = noisy, clean
    return found
