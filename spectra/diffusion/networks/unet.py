"""A small residual U-Net: local, and fast on few cores."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from spectra.diffusion.networks.attention import attended
from spectra.diffusion.networks.embedding import LevelEmbedding
from spectra.diffusion.networks.inputs import NOTHING, Inputs, joined
from spectra.diffusion.networks.norms import GroupNorm
from spectra.errors import InputError, check_share

__all__ = ["UNet", "UNetConfig"]

GROUP = 8  # channels normalised together


@dataclass(frozen=True)
class UNetConfig:
    """Size of a `UNet`.

    Attributes
    ----------
    width : int
        Channels at full resolution, a multiple of 8.
    multipliers : tuple of int
        Channels of each level in units of `width`; each level halves the resolution.
    blocks : int
        Residual blocks of a level, on the way down and again on the way up.
    attention : tuple of int
        Levels, counted from 0 at full resolution, whose blocks end in self-attention.
    dropout : float
        Share of the numbers before a block's second convolution that training sets to 0, for
        small data sets (Ho et al., "Denoising Diffusion Probabilistic Models", 2020, appendix B).
    """

    width: int = 32
    multipliers: tuple[int, ...] = (1, 2, 2)
    blocks: int = 1
    attention: tuple[int, ...] = ()
    dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.width < GROUP or self.width % GROUP:
            raise InputError(f"width {self.width} is no multiple of {GROUP}; give {GROUP} or more")
        if not self.multipliers or min(self.multipliers) < 1:
            raise InputError(
                f"multipliers {self.multipliers} are no level widths; give whole numbers from 1"
            )
        if self.blocks < 1:
            raise InputError(f"blocks {self.blocks} is too few; give 1 or more")
        if not set(self.attention) <= set(range(len(self.multipliers))):
            raise InputError(
                f"attention {self.attention} names a level that is not there; "
                f"levels are 0 to {len(self.multipliers) - 1}"
            )
        check_share("dropout", self.dropout)

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each level."""
        return tuple(self.width * multiplier for multiplier in self.multipliers)


class UNet(nn.Module):
    """f(x, level), [B, C, H, W] or [B, C, L] and [B] -> the same; exactly 0 before training.

    Every length, height and width is taken as it is: a level has half the places of the one
    above, rounded up, and on the way back takes the size of its skip connection. Skip connections
    are added, not concatenated, which halves the costliest convolutions. A series is an image of
    one row, whose kernels have one row too.

    Parameters
    ----------
    config : UNetConfig
    channels : int
        Of an example.
    inputs : Inputs
        What `forward` is told besides: the noise state as a vector or as maps, class labels.
    series : bool
        Whether examples are series [C, L].
    """

    def __init__(
        self, config: UNetConfig, channels: int, inputs: Inputs = NOTHING, series: bool = False
    ) -> None:
        super().__init__()
        widths = config.widths
        embedding = 4 * config.width
        self.maps, self.series = inputs.maps, series

        def stage(level: int) -> nn.Module:
            return Stage(config, level, embedding, series)

        self.level = LevelEmbedding(embedding, inputs)
        self.enter = convolution(channels + inputs.maps, widths[0], series)
        self.down = nn.ModuleList(stage(level) for level in range(len(widths)))
        self.shrink = nn.ModuleList(
            convolution(fine, coarse, series, stride=2) for fine, coarse in pairwise(widths)
        )
        # The change of width commutes with nearest upsampling, and is cheaper before it.
        self.narrow = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in pairwise(widths))
        self.up = nn.ModuleList(stage(level) for level in range(len(widths) - 1))
        self.norm = GroupNorm(widths[0] // GROUP, widths[0])
        self.leave = zeroed(convolution(widths[0], channels, series))

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
        x = joined(x, maps, self.maps)
        h = self.enter(x.unsqueeze(2) if self.series else x)
        skips = []
        for depth, stage in enumerate(self.down):
            if depth > 0:
                skips.append(h)
                h = self.shrink[depth - 1](h)
            h = stage(h, embedded)
        for depth, skip in reversed(list(enumerate(skips))):
            h = skip + functional.interpolate(self.narrow[depth](h), size=skip.shape[-2:])
            h = self.up[depth](h, embedded)
        out = self.leave(functional.silu(self.norm(h)))
        return out.squeeze(2) if self.series else out


class Stage(nn.Module):
    """The blocks of one level, one way."""

    def __init__(self, config: UNetConfig, level: int, embedding: int, series: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(config, level, embedding, series) for _ in range(config.blocks)
        )

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, embedded)
        return x


class Block(nn.Module):
    """Two convolutions beside the identity, the second one's input scaled and shifted by level."""

    def __init__(self, config: UNetConfig, level: int, embedding: int, series: bool) -> None:
        super().__init__()
        width = config.widths[level]
        self.norm1 = GroupNorm(width // GROUP, width)
        self.conv1 = convolution(width, width, series)
        self.norm2 = GroupNorm(width // GROUP, width)
        self.conv2 = zeroed(convolution(width, width, series))
        self.modulate = nn.Linear(embedding, 2 * width)
        self.dropout = config.dropout
        self.attention = Attention(width) if level in config.attention else None

    def forward(self, x: Tensor, embedded: Tensor) -> Tensor:
        scale, shift = self.modulate(embedded)[:, :, None, None].chunk(2, dim=1)  # [B, width, 1, 1]
        h = self.conv1(functional.silu(self.norm1(x)))
        h = torch.addcmul(shift, self.norm2(h), 1 + scale)
        h = functional.dropout(functional.silu(h), self.dropout, self.training)
        h = x + self.conv2(h)
        return h if self.attention is None else self.attention(h)


class Attention(nn.Module):
    """Self-attention among all places of an image, one head, beside the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = GroupNorm(width // GROUP, width)
        self.ask = nn.Conv2d(width, 3 * width, 1)
        self.answer = zeroed(nn.Conv2d(width, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        asked = self.ask(self.norm(x)).flatten(2).transpose(1, 2)  # [B, H * W, 3 * width]
        query, key, value = (part[:, None].contiguous() for part in asked.chunk(3, dim=2))
        mixed = attended(query, key, value)[:, 0]
        return x + self.answer(mixed.transpose(1, 2).reshape(x.shape))


def convolution(given: int, made: int, series: bool, stride: int = 1) -> nn.Conv2d:
    """3 x 3 places, or 3 of a series laid out as one row."""
    if series:
        return nn.Conv2d(given, made, (1, 3), stride=(1, stride), padding=(0, 1))
    return nn.Conv2d(given, made, 3, stride=stride, padding=1)


def zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with weights and bias 0: what it ends begins as the identity, or as 0."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
