"""Samplers as pure functions, elementwise in the components.

All work on y = z(t) / alpha = z + sigma eps, with one noise level sigma_i a component, along a
list of levels that ends in exactly 0. The last step lands on the denoised estimate, but for
"covariance", which keeps the variance that the estimate lacks.
"""

from collections.abc import Callable
from typing import Literal, get_args

import torch

from spectra.errors import InputError, check_name
from spectra.schedule.steps.recursion import LEAST_RATIO

__all__ = ["Solver", "covariance_share", "evaluations", "integrate"]

Solver = Literal["euler", "ddim", "heun", "2m", "ancestral", "covariance"]

# (y [B, C, H, W], index of the level) -> estimate of z [B, C, H, W]
Estimate = Callable[[torch.Tensor, int], torch.Tensor]


def integrate(
    estimate: Estimate,
    levels: torch.Tensor,
    start: torch.Tensor,
    solver: str = "heun",
    noise: Callable[[int], torch.Tensor] | None = None,
    gain: torch.Tensor | None = None,
) -> torch.Tensor:
    """Carry y from the first noise level to the last.

    Parameters
    ----------
    estimate : callable
        D(y, k): the denoiser at level k.
    levels : tensor [N + 1, C, H, W]
        sigma_i of each level, falling, 0 at the end.
    start : tensor [B, C, H, W]
        y at the first level.
    solver : {"euler", "ddim", "heun", "2m", "ancestral", "covariance"}
    noise : callable, ancestral only
        Step number -> standard normal [B, C, H, W].
    gain : tensor [N, C, H, W], covariance only
        W_i = lambda_i / (lambda_i + sigma_i^2) at each level above 0: what of a change in y the
        denoiser passes on.

    Returns
    -------
    tensor [B, C, H, W]
        Components of the samples.

    Notes
    -----
    euler = DDIM (Song et al. 2021); heun: Karras et al. 2022, algorithm 1; 2m: DPM-Solver++(2M),
    Lu et al. 2022; ancestral: DDPM's posterior variance (Ho et al. 2020); covariance: DDIM that
    knows how the denoiser turns with y, exact in one step for Gaussian data (`covariance_share`).
    """
    check_name("solver", solver, get_args(Solver))
    if solver == "covariance" and gain is None:
        raise InputError("solver 'covariance' needs the gain of every component; none was given")
    y, previous, steps = start, None, len(levels) - 1
    for k in range(steps):
        s, s_next = levels[k], levels[k + 1]
        denoised = estimate(y, k)
        if solver == "covariance":
            assert gain is not None
            y = y + covariance_share(s, s_next, gain[k]) * (denoised - y)
            continue
        if k == steps - 1:
            return denoised
        if solver in ("euler", "ddim"):
            y = denoised + s_next / s * (y - denoised)
        elif solver == "heun":
            slope = (y - denoised) / s
            trial = y + (s_next - s) * slope
            slope_next = (trial - estimate(trial, k + 1)) / s_next
            y = y + (s_next - s) * (slope + slope_next) / 2
        elif solver == "2m":
            ahead = denoised
            if previous is not None:
                ratio = torch.log(levels[k - 1] / s) / torch.log(s / s_next)  # h_last / h
                moves = ratio > LEAST_RATIO  # a level that stood still says nothing of the slope
                slope = (denoised - previous) / (2 * torch.where(moves, ratio, 1.0))
                ahead = denoised + torch.where(moves, slope, 0.0)
            y = s_next / s * y + (1 - s_next / s) * ahead
            previous = denoised
        else:
            if noise is None:
                raise InputError("solver 'ancestral' draws noise at every step; none was given")
            down = s_next**2 / s
            up = s_next * (1 - (s_next / s) ** 2).clamp(min=0).sqrt()
            y = denoised + down / s * (y - denoised) + up * noise(k)
    return y


def covariance_share(s: torch.Tensor, s_next: torch.Tensor, gain: torch.Tensor) -> torch.Tensor:
    """How much of the way from y to D a step goes, elementwise: (1 - q^2) / (1 + root).

    q = s' / s, root = sqrt(q^2 + W (1 - q^2)). It is the exact flow of N(m, lambda), whose mean
    m = D + (lambda / s^2)(D - y) follows from D: y' = m + root (y - m), rewritten so that nothing
    cancels for any lambda from 0 (then it is DDIM's 1 - q) to infinity.
    """
    ratio = s_next / s
    rest = (1 - ratio) * (1 + ratio)
    return rest / (1 + (ratio**2 + gain * rest).sqrt())


def evaluations(steps: int, solver: str) -> int:
    """Evaluations of the network that `steps` steps of a solver take."""
    return 2 * steps - 1 if solver == "heun" else steps
