"""How a network's weights lie in memory."""

from itertools import chain

import torch
from torch import nn

__all__ = ["lay_out"]

IMAGES = 4  # dimensions of a convolution's weights, and of what it is given


def lay_out(network: nn.Module, layout: torch.memory_format) -> None:
    """Bring the weights to a layout, where all are such as have it: volumes have another."""
    if all(one.ndim <= IMAGES for one in chain(network.parameters(), network.buffers())):
        network.to(memory_format=layout)  # pyright: ignore[reportCallIssue]
