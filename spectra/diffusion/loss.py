"""What training minimises."""

from typing import Literal, get_args

import torch

from spectra.diffusion.precondition import Denoiser
from spectra.errors import check_name

__all__ = ["Loss", "training_loss"]

Loss = Literal["bound", "edm"]


def training_loss(
    denoiser: Denoiser,
    x: torch.Tensor,
    quantile: torch.Tensor,
    noise: torch.Tensor,
    loss: Loss,
) -> torch.Tensor:
    """Loss of each example, [B].

    Parameters
    ----------
    denoiser : Denoiser
    x : tensor [B, C, *spatial]
        Examples, in data values, with the value grid's rounding noise added.
    quantile : tensor [B]
        Uniform in [0, 1]: the schedule's training density turns it into a time.
    noise : tensor [B, C, *spatial]
        Standard normal, in components.
    loss : {"edm", "bound"}
        "edm": the network's squared error with unit weight, 1 / out^2 in terms of z; the better
        samples. "bound": an unbiased draw of the variational bound's diffusion term, nats/dim,
        1/2 sum_i int E (eps_i - eps_hat_i)^2 d(-log SNR_i); the fewer bits/dim.
    """
    check_name("loss", loss, get_args(Loss))
    process = denoiser.process
    t, rate = process.training_time(quantile)
    z = process.components(x)
    coefficients = denoiser.coefficients(t)
    output = denoiser.network_output(process.noised(z, t, noise), t, coefficients)
    squared = (coefficients.signal * z + coefficients.noise * noise - output) ** 2
    if loss == "edm":
        return squared.flatten(1).mean(1)
    weight = process.decay(t) * coefficients.weight
    return 0.5 * rate * (weight * squared).flatten(1).mean(1)
