"""What training minimises."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import torch

from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.randomness import Draws
from spectra.diffusion.states import StateSampler
from spectra.errors import check_name
from spectra.schedule import Schedule

__all__ = ["Loss", "Objective", "component_weight"]

Loss = Literal["bound", "edm", "octave", "perceptual"]


@dataclass(frozen=True)
class Objective:
    """The loss of examples.

    Attributes
    ----------
    denoiser : Denoiser
    states : StateSampler
        Where on which path an example is noised.
    loss : {"edm", "bound", "octave", "perceptual"}
        "edm": the network's squared error with unit weight, 1 / out^2 in terms of z; the better
        samples. "bound": an unbiased draw of the variational bound's diffusion term, nats/dim,
        1/2 sum_i int E (eps_i - eps_hat_i)^2 d(-log SNR_i); the fewer bits/dim. "octave" and
        "perceptual": the bound with a weight w_i of mean 1 on each component's sum
        (`frequency_weighting`), every octave of frequency alike, or by the eye's sensitivity.
    """

    denoiser: Denoiser
    states: StateSampler
    loss: Loss

    def __post_init__(self) -> None:
        check_name("loss", self.loss, get_args(Loss))

    @cached_property
    def weight(self) -> torch.Tensor | None:
        """Weight of each component's part of the bound [C, *spatial]; None where all count 1."""
        process = self.denoiser.process
        weight = component_weight(process.schedule, self.loss)
        return None if weight is None else torch.tensor(weight).to(process.variance)

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
        if self.loss != "edm":
            weight = drawn.speed * coefficients.weight
            if self.weight is not None:
                weight = weight * self.weight
            return 0.5 * (weight * squared).flatten(1).mean(1)
        if not self.states.stands:
            return squared.flatten(1).mean(1)
        # A component that stands is no step's business: clean, its noise could not be told.
        moves = drawn.moves.expand_as(squared).flatten(1)
        return (squared.flatten(1) * moves).sum(1) / moves.sum(1).clamp(min=1)


def component_weight(schedule: Schedule, loss: Loss) -> np.ndarray | None:
    """What a loss weights each component's part of the bound with, float64 [C, *spatial].

    Raises
    ------
    InputError
        The components have no frequency, or what is seen is asked of what is no picture.
    """
    from spectra.schedule.weights.frequency_weights import frequency_weighting

    if loss == "octave":
        return frequency_weighting(schedule, "octave").weight
    if loss == "perceptual":
        return frequency_weighting(schedule, "contrast").weight
    return None
