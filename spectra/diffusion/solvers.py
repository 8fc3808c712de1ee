"""Samplers as pure functions, elementwise in the components.

All work on y = z(t) / alpha = z + sigma eps, with one noise level sigma_i a component, along a
list of levels that ends in exactly 0: the last step always lands on the denoised estimate.
"""

from collections.abc import Callable
from typing import Literal, get_args

import torch

from spectra.errors import InputError, check_name

__all__ = ["Solver", "evaluations", "integrate"]

Solver = Literal["euler", "ddim", "heun", "2m", "ancestral"]

# (y [B, C, H, W], index of the level) -> estimate of z [B, C, H, W]
Estimate = Callable[[torch.Tensor, int], torch.Tensor]


def integrate(
    estimate: Estimate,
    levels: torch.Tensor,
    start: torch.Tensor,
    solver: str = "heun",
    noise: Callable[[int], torch.Tensor] | None = None,
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
    solver : {"euler", "ddim", "heun", "2m", "ancestral"}
    noise : callable, ancestral only
        Step number -> standard normal [B, C, H, W].

    Returns
    -------
    tensor [B, C, H, W]
        Components of the samples.

    Notes
    -----
    euler = DDIM (Song et al. 2021); heun: Karras et al. 2022, algorithm 1; 2m: DPM-Solver++(2M),
    Lu et al. 2022; ancestral: DDPM's posterior variance (Ho et al. 2020).
    """
    check_name("solver", solver, get_args(Solver))
    y, previous, steps = start, None, len(levels) - 1
    for k in range(steps):
        s, s_next = levels[k], levels[k + 1]
        denoised = estimate(y, k)
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
                moves = ratio > 1e-6  # a level that stood still says nothing of the slope
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


def evaluations(steps: int, solver: str) -> int:
    """Evaluations of the network that `steps` steps of a solver take."""
    return 2 * steps - 1 if solver == "heun" else steps
