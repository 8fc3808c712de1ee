"""Noise levels and positions as vectors."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["LevelEmbedding", "grid_positions", "waves"]

HIGHEST = 32.0  # cycles over the unit interval of noise levels
LEVEL_WAVES = 16


def waves(values: Tensor, frequency: Tensor) -> Tensor:
    """Cosine and sine of 2 pi f v, [N] and [F] -> [N, 2F]."""
    phase = 2 * math.pi * values[:, None] * frequency
    return torch.cat([phase.cos(), phase.sin()], dim=1)


class LevelEmbedding(nn.Module):
    """Noise level in [0, 1] -> vector, [B] -> [B, width], through a small network.

    Frequencies rise geometrically from a quarter of a cycle, which tells the two ends apart, to
    `HIGHEST` cycles over the interval.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        frequency = torch.logspace(-2, math.log2(HIGHEST), LEVEL_WAVES, base=2)
        self.register_buffer("frequency", frequency, persistent=False)
        self.first = nn.Linear(2 * LEVEL_WAVES, width)
        self.second = nn.Linear(width, width)

    def forward(self, level: Tensor) -> Tensor:
        hidden = functional.silu(self.first(waves(level.float(), self.get_buffer("frequency"))))
        return functional.silu(self.second(hidden))


def grid_positions(rows: int, columns: int, width: int) -> Tensor:
    """Sine-cosine vector of each place of a grid, [rows * columns, width].

    Half of the width tells the row and half the column; the frequencies fall geometrically from
    a quarter of a cycle a place. Any grid has such vectors: none are learned.
    """
    frequency = 0.25 * torch.logspace(0, -4, width // 4, base=10)
    row, column = torch.meshgrid(
        torch.arange(rows, dtype=torch.float32),
        torch.arange(columns, dtype=torch.float32),
        indexing="ij",
    )
    return torch.cat([waves(row.flatten(), frequency), waves(column.flatten(), frequency)], dim=1)
