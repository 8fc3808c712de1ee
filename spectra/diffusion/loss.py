"""What training minimises."""

from dataclasses import dataclass
from typing import Literal, get_args

import torch

from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.randomness import Draws
from spectra.diffusion.states import StateSampler
from spectra.errors import check_name

__all__ = ["Loss", "Objective"]

Loss = Literal["bound", "edm"]


@dataclass(frozen=True)
class Objective:
    """The loss of examples.

    Attributes
    ----------
    denoiser : Denoiser
    states : StateSampler
        Where on which path an example is noised.
    loss : {"edm", "bound"}
        "edm": the network's squared error with unit weight, 1 / out^2 in terms of z; the better
        samples. "bound": an unbiased draw of the variational bound's diffusion term, nats/dim,
        1/2 sum_i int E (eps_i - eps_hat_i)^2 d(-log SNR_i); the fewer bits/dim.
    """

    denoiser: Denoiser
    states: StateSampler
    loss: Loss

    def __post_init__(self) -> None:
        check_name("loss", self.loss, get_args(Loss))

    def __call__(
        self, x: torch.Tensor, draws: Draws, label: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Loss of each example, [B].

        Parameters
        ----------
        x : tensor [B, C, *spatial]
            Examples, in data values, with the value grid's rounding noise added.
        draws : Draws
            Of these examples; the noise is standard normal, in components.
        label : int64 tensor [B], optional
            Class of each.
        """
        denoiser, noise = self.denoiser, draws.noise.to(x.device)
        drawn = self.states.draw(draws)
        state = drawn.state
        z = denoiser.process.components(x)
        coefficients = denoiser.coefficients(state)
        output = denoiser.network_output(state.noised(z, noise), state, coefficients, label)
        squared = (coefficients.signal * z + coefficients.noise * noise - output) ** 2
        if self.loss == "bound":
            return 0.5 * (drawn.speed * coefficients.weight * squared).flatten(1).mean(1)
        if not self.states.stands:
            return squared.flatten(1).mean(1)
        # A component that stands is no step's business: clean, its noise could not be told.
        moves = (drawn.speed > 0).expand_as(squared).flatten(1)
        return (squared.flatten(1) * moves).sum(1) / moves.sum(1).clamp(min=1)
