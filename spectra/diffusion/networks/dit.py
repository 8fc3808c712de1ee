"""A small diffusion transformer: patches as tokens, the noise level through adaLN-Zero."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from spectra.diffusion.networks.attention import attended
from spectra.diffusion.networks.embedding import LevelEmbedding, grid_positions
from spectra.diffusion.networks.inputs import NOTHING, Inputs, joined
from spectra.errors import InputError, check_share

__all__ = ["DiT", "DiTConfig"]


@dataclass(frozen=True)
class DiTConfig:
    """Size of a `DiT`.

    Attributes
    ----------
    width : int
        Length of a token, a multiple of 4 and of `heads`.
    depth : int
        Blocks.
    heads : int
        Attention heads of a block.
    patch : int
        Side of the square of pixels that one token stands for; of a series, its samples.
    expansion : int
        Hidden width of a block's network in units of `width`.
    dropout : float
        Share of the numbers that attention and network add to a token which training sets to 0
        (Vaswani et al., "Attention Is All You Need", 2017, section 5.4).
    """

    width: int = 128
    depth: int = 4
    heads: int = 4
    patch: int = 4
    expansion: int = 4
    dropout: float = 0.0

    def __post_init__(self) -> None:
        for name in ("width", "depth", "heads", "patch", "expansion"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)} is too small; give 1 or more")
        if self.width % 4 or self.width % self.heads:
            raise InputError(
                f"width {self.width} must be a multiple of 4 and of heads {self.heads}; "
                f"give {4 * self.heads * max(1, round(self.width / (4 * self.heads)))}"
            )
        check_share("dropout", self.dropout)


class DiT(nn.Module):
    """f(x, level), [B, C, H, W] or [B, C, L] and [B] -> the same; exactly 0 before training.

    Sides that the patch does not divide are padded with 0 at the bottom and right, and cropped
    again. Positions are computed, not learned, so that every shape has them. A series is an image
    of one row, whose patches have one row too.

    Parameters
    ----------
    config : DiTConfig
    shape : tuple of int
        Of an example, (C, H, W) or (C, L).
    inputs : Inputs
        What `forward` is told besides: the noise state as a vector or as maps, class labels.

    Notes
    -----
    Peebles and Xie, "Scalable Diffusion Models with Transformers" (2023): blocks begin as the
    identity.
    """

    def __init__(self, config: DiTConfig, shape: tuple[int, ...], inputs: Inputs = NOTHING) -> None:
        super().__init__()
        channels, *sides = shape
        self.maps, self.series = inputs.maps, len(sides) == 1
        height, width = (1, *sides) if self.series else sides
        self.patch = (1 if self.series else config.patch, config.patch)
        self.grid = (-(-height // self.patch[0]), -(-width // self.patch[1]))
        spare = [
            n * p - side for n, p, side in zip(self.grid, self.patch, (height, width), strict=True)
        ]
        self.padding = (0, spare[1], 0, spare[0])
        values = self.patch[0] * self.patch[1]
        self.register_buffer("positions", grid_positions(*self.grid, config.width), False)
        self.level = LevelEmbedding(config.width, inputs)
        self.enter = nn.Linear((channels + inputs.maps) * values, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.modulate = zeroed(nn.Linear(config.width, 2 * config.width))
        self.leave = zeroed(nn.Linear(config.width, channels * values))

    def forward(
        self,
        x: Tensor,
        level: Tensor,
        vector: Tensor | None = None,
        maps: Tensor | None = None,
        label: Tensor | None = None,
    ) -> Tensor:
        """Noised examples and levels, [B, C, *spatial], [B] -> [B, C, *spatial]; see `Inputs`."""
        embedded = self.level(level, vector, label)
        joint = joined(x, maps, self.maps)
        joint = joint.unsqueeze(2) if self.series else joint
        height, width = joint.shape[2:]
        tokens = self.enter(self.folded(functional.pad(joint, self.padding)))
        tokens = tokens + self.get_buffer("positions")  # [B, rows columns, width]
        for block in self.blocks:
            tokens = block(tokens, embedded)
        scale, shift = self.modulate(embedded)[:, None].chunk(2, dim=2)
        tokens = self.leave(modulated(tokens, scale, shift))
        out = self.unfolded(tokens)[..., :height, :width]
        return out.squeeze(2) if self.series else out

    def folded(self, x: Tensor) -> Tensor:
        """Patches as tokens, [B, C, H, W] -> [B, rows columns, C p p]."""
        x = x.unflatten(3, (-1, self.patch[1])).unflatten(2, (-1, self.patch[0]))
        return x.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def unfolded(self, tokens: Tensor) -> Tensor:
        """Tokens as patches, [B, rows columns, C p p] -> [B, C, H, W]."""
        x = tokens.unflatten(2, (-1, *self.patch)).unflatten(1, self.grid)  # [B, r, c, C, p, p]
        return x.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


class Block(nn.Module):
    """Attention and a network of two layers, each scaled, shifted and gated by the level."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.expansion * config.width
        self.heads, self.dropout = config.heads, config.dropout
        self.modulate = zeroed(nn.Linear(width, 6 * width))
        self.ask = nn.Linear(width, 3 * width)
        self.answer = nn.Linear(width, width)
        self.widen = nn.Linear(width, hidden)
        self.narrow = nn.Linear(hidden, width)

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        scale1, shift1, gate1, scale2, shift2, gate2 = self.modulate(embedded)[:, None].chunk(6, 2)
        h = self.attention(modulated(x, scale1, shift1))
        x = x + gate1 * functional.dropout(h, self.dropout, self.training)
        h = functional.gelu(self.widen(modulated(x, scale2, shift2)), approximate="tanh")
        return x + gate2 * functional.dropout(self.narrow(h), self.dropout, self.training)

    def attention(self, x: Tensor) -> Tensor:
        examples, places, width = x.shape
        asked = self.ask(x).reshape(examples, places, 3, self.heads, width // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)  # [B, heads, places, width / heads] each
        mixed = attended(query, key, value)
        return self.answer(mixed.transpose(1, 2).reshape(x.shape))


def modulated(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Layer norm without weights of its own, then scale and shift, [B, places, width]."""
    return torch.addcmul(shift, functional.layer_norm(x, x.shape[-1:]), 1 + scale)


def zeroed(layer: nn.Linear) -> nn.Linear:
    """The layer with weights and bias 0: what it ends begins as the identity, or as 0."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
