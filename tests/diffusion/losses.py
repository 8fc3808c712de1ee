"""The training loss of given draws, along a denoiser's own schedule."""

import torch

from spectra.diffusion.loss import Loss, Objective
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.randomness import CHOICES, Draws
from spectra.diffusion.states import StateSampler

__all__ = ["training_loss"]


def training_loss(
    denoiser: Denoiser, x: torch.Tensor, quantile: torch.Tensor, noise: torch.Tensor, loss: Loss
) -> torch.Tensor:
    """Loss of each example, [B]."""
    draws = Draws(noise, torch.zeros_like(noise), quantile, torch.rand(len(x), CHOICES))
    return Objective(denoiser, StateSampler([denoiser.process]), loss)(x, draws)
