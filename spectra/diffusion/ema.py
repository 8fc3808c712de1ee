"""Exponential moving average of a network's weights."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["Ema"]


class Ema:
    """Weights averaged over the images seen, with a half-life counted in images.

    Before each update the half-life in force is h = min(half_life, ramp n), n the images seen
    until then, and the average keeps the share beta = 2^(-b / h) of itself for a step of b
    images: short while the network still changes fast, and at the first step, n = 0, the average
    is the network (Karras et al., "Elucidating the Design Space of Diffusion-Based Generative
    Models", 2022, appendix F.2).

    Parameters
    ----------
    network : torch.nn.Module
        Its parameters, which have to be float32; buffers are not averaged.
    half_life : float
        Images; 0 for no averaging.
    ramp : float
        Half-life over images seen, during the ramp.
    """

    def __init__(self, network: nn.Module, half_life: float, ramp: float = 0.05) -> None:
        self.half_life = half_life
        self.ramp = ramp
        self.names = [name for name, _ in network.named_parameters()]
        self.weights = [weight.detach().clone() for weight in network.parameters()]
        self._sources = [weight.detach() for weight in network.parameters()]

    def share_kept(self, seen: int, images: int) -> float:
        """beta of a step of `images` after `seen` images."""
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
