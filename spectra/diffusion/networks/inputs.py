"""What a network is told besides the noised example and its level."""

from dataclasses import dataclass

import torch
from torch import Tensor

from spectra.errors import InputError

__all__ = ["NOTHING", "Inputs", "joined", "no_class"]


@dataclass(frozen=True)
class Inputs:
    """Sizes of what a network is told; 0 where it is not told that.

    Attributes
    ----------
    vector : int
        Numbers in [-1, 1] of the noise state, K.
    maps : int
        Maps of the noise state in the example's own places, M, in [-1, 1].
    labels : int
        Classes. Label `labels`, one more, is "no class": that of an example without one.
    """

    vector: int = 0
    maps: int = 0
    labels: int = 0

    def __post_init__(self) -> None:
        for name in ("vector", "maps", "labels"):
            value = getattr(self, name)
            if type(value) is not int or value < 0:
                raise InputError(f"network: {name} {value!r} is wrong; give a whole number from 0")


NOTHING = Inputs()


def no_class(level: Tensor, classes: int) -> Tensor:
    """The label of examples without one, [B] -> int64 [B]."""
    return torch.full_like(level, classes, dtype=torch.int64)


def joined(x: Tensor, maps: Tensor | None, count: int) -> Tensor:
    """Maps as further channels, [B, C, *spatial] and [B, M, *spatial] -> [B, C + M, *spatial]."""
    found = 0 if maps is None else maps.shape[1]
    if found != count:
        raise InputError(f"network: made for {count} maps of the noise state, given {found}")
    return x if maps is None else torch.cat([x, maps.to(x.dtype)], dim=1)
