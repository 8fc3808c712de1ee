"""What a network keeps beside its parameters."""

import torch
from torch import Tensor, nn

__all__ = ["HELD", "kept_buffers"]

# What a file of tables can hold.
HELD = {
    torch.bool,
    torch.uint8,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.float16,
    torch.float32,
    torch.float64,
    torch.complex64,
}


def kept_buffers(network: nn.Module) -> dict[str, Tensor]:
    """Buffers that are part of a network's state, by name; not those that are made anew with it."""
    state = network.state_dict()
    return {name: buffer for name, buffer in network.named_buffers() if name in state}
