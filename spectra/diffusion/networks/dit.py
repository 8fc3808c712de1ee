"""A small diffusion transformer: patches as tokens, the noise level through adaLN-Zero."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from spectra.diffusion.networks.embedding import LevelEmbedding, grid_positions
from spectra.errors import InputError

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
        Side of the square of pixels that one token stands for.
    expansion : int
        Hidden width of a block's network in units of `width`.
    """

    width: int = 128
    depth: int = 4
    heads: int = 4
    patch: int = 4
    expansion: int = 4

    def __post_init__(self) -> None:
        for name in ("width", "depth", "heads", "patch", "expansion"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)} is too small; give 1 or more")
        if self.width % 4 or self.width % self.heads:
            raise InputError(
                f"width {self.width} must be a multiple of 4 and of heads {self.heads}; "
                f"give {4 * self.heads * max(1, round(self.width / (4 * self.heads)))}"
            )


class DiT(nn.Module):
    """f(x, level), [B, C, H, W] and [B] -> [B, C, H, W]; exactly 0 before training.

    Sides that the patch does not divide are padded with 0 at the bottom and right, and cropped
    again. Positions are computed, not learned, so that every shape has them.

    Notes
    -----
    Peebles and Xie, "Scalable Diffusion Models with Transformers" (2023): blocks begin as the
    identity.
    """

    def __init__(self, config: DiTConfig, shape: tuple[int, int, int]) -> None:
        super().__init__()
        channels, height, width = shape
        self.patch = config.patch
        rows, columns = -(-height // config.patch), -(-width // config.patch)
        self.padding = (0, columns * config.patch - width, 0, rows * config.patch - height)
        values = channels * config.patch**2
        positions = grid_positions(rows, columns, config.width)
        self.register_buffer("positions", positions, persistent=False)
        self.level = LevelEmbedding(config.width)
        self.enter = nn.Linear(values, config.width)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.modulate = zeroed(nn.Linear(config.width, 2 * config.width))
        self.leave = zeroed(nn.Linear(config.width, values))

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        x = functional.pad(x, self.padding)
        folded = functional.pixel_unshuffle(x, self.patch)  # [B, C p p, rows, columns]
        tokens = self.enter(folded.flatten(2).transpose(1, 2))  # [B, rows columns, width]
        tokens = tokens + self.get_buffer("positions")
        embedded = self.level(level)
        for block in self.blocks:
            tokens = block(tokens, embedded)
        scale, shift = self.modulate(embedded)[:, None].chunk(2, dim=2)
        tokens = self.leave(modulated(tokens, scale, shift))
        unfolded = functional.pixel_shuffle(
            tokens.transpose(1, 2).reshape(folded.shape), self.patch
        )
        return unfolded[..., :height, :width]


class Block(nn.Module):
    """Attention and a network of two layers, each scaled, shifted and gated by the level."""

    def __init__(self, config: DiTConfig) -> None:
        super().__init__()
        width, hidden = config.width, config.expansion * config.width
        self.heads = config.heads
        self.modulate = zeroed(nn.Linear(width, 6 * width))
        self.ask = nn.Linear(width, 3 * width)
        self.answer = nn.Linear(width, width)
        self.widen = nn.Linear(width, hidden)
        self.narrow = nn.Linear(hidden, width)

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        scale1, shift1, gate1, scale2, shift2, gate2 = self.modulate(embedded)[:, None].chunk(6, 2)
        x = x + gate1 * self.attention(modulated(x, scale1, shift1))
        h = functional.gelu(self.widen(modulated(x, scale2, shift2)), approximate="tanh")
        return x + gate2 * self.narrow(h)

    def attention(self, x: Tensor) -> Tensor:
        examples, places, width = x.shape
        asked = self.ask(x).reshape(examples, places, 3, self.heads, width // self.heads)
        query, key, value = asked.permute(2, 0, 3, 1, 4)  # [B, heads, places, width / heads] each
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return self.answer(mixed.transpose(1, 2).reshape(x.shape))


def modulated(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Layer norm without weights of its own, then scale and shift, [B, places, width]."""
    return torch.addcmul(shift, functional.layer_norm(x, x.shape[-1:]), 1 + scale)


def zeroed(layer: nn.Linear) -> nn.Linear:
    """The layer with weights and bias 0: what it ends begins as the identity, or as 0."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
