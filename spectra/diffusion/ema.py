"""Moving average of a network's weights."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from spectra.errors import InputError

__all__ = ["Ema", "power_exponent"]


class Ema:
    """Weights averaged over the images seen, with a half-life counted in images.

    Before each update the half-life in force is h = min(half_life, ramp n), n the images seen
    until then, and the average keeps the share beta = 2^(-b / h) of itself for a step of b
    images: short while the network still changes fast, and at the first step, n = 0, the average
    is the network (Karras et al., "Elucidating the Design Space of Diffusion-Based Generative
    Models", 2022, appendix F.2).

    With a `width` it is the power function's average instead: weight proportional to n^gamma after
    n images, so that it covers the same part of every run, however long. It keeps the share
    beta = (n / (n + b))^(gamma + 1) (Karras et al., "Analyzing and Improving the Training Dynamics
    of Diffusion Models", 2024, section 3.1).

    Parameters
    ----------
    network : torch.nn.Module
        Its parameters, which have to be float32; buffers are not averaged.
    half_life : float
        Images; 0 for no averaging.
    ramp : float
        Half-life over images seen, during the ramp.
    width : float or None
        Standard deviation of the power function over the images seen, under 0.28; None for the
        half-life.
    """

    def __init__(
        self,
        network: nn.Module,
        half_life: float,
        ramp: float = 0.05,
        width: float | None = None,
    ) -> None:
        self.half_life = half_life
        self.ramp = ramp
        self.exponent = None if width is None else power_exponent(width)
        self.names = [name for name, _ in network.named_parameters()]
        self.weights = [weight.detach().clone() for weight in network.parameters()]
        self._sources = [weight.detach() for weight in network.parameters()]

    def share_kept(self, seen: int, images: int) -> float:
        """beta of a step of `images` after `seen` images."""
        if self.exponent is not None:
            return (seen / (seen + images)) ** (self.exponent + 1)
        half_life = min(self.half_life, self.ramp * seen)
        return 0.5 ** (images / half_life) if half_life > 0 else 0.0

    @torch.no_grad()
    def update(self, seen: int, images: int) -> None:
        """Move the average towards the network after a step of `images`, `seen` before it."""
        share = 1 - self.share_kept(seen, images)
        torch._foreach_lerp_(self.weights, self._sources, share)  # pyright: ignore[reportPrivateImportUsage]

    def state_dict(self) -> dict[str, Tensor]:
        """The averaged weights under the network's own names."""
        return dict(zip(self.names, self.weights, strict=True))

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""
        for name, weight in zip(self.names, self.weights, strict=True):
            weight.copy_(state[name])


def power_exponent(width: float) -> float:
    """gamma of the power function whose relative standard deviation is `width`.

    width^2 = (gamma + 1) / ((gamma + 2)^2 (gamma + 3)) (Karras et al. 2024, eq. 3), which falls
    from 1/12 at gamma = 0: the largest root of a cubic.

    Raises
    ------
    InputError
        No power from 0 up is as wide.
    """
    if not 0 < width < 12**-0.5:
        raise InputError(f"ema_width {width!r} is wrong; give a number above 0 and under 0.288")
    inverse = width**-2
    return float(np.roots([1, 7, 16 - inverse, 12 - inverse]).real.max())
