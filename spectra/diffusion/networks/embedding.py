"""Noise levels and positions as vectors."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from spectra.diffusion.networks.inputs import NOTHING, Inputs, no_class
from spectra.errors import InputError

__all__ = ["STATE_WAVES", "LevelEmbedding", "VectorEmbedding", "grid_positions", "waves"]

HIGHEST = 32.0  # cycles over the unit interval of noise levels
LEVEL_WAVES = 16
# Cycles over a unit of a state's entry, the first of which tells -1 from 1. With up to 16, states
# near each other look unlike: one network over strengths 1/4 to 2 has up to 0.008 bits/dim more.
STATE_WAVES = (0.25, 0.5, 1.0, 2.0)


def waves(values: Tensor, frequency: Tensor) -> Tensor:
    """Cosine and sine of 2 pi f v, [N] and [F] -> [N, 2F]."""
    phase = 2 * math.pi * values[:, None] * frequency
    return torch.cat([phase.cos(), phase.sin()], dim=1)


class LevelEmbedding(nn.Module):
    """What conditions every block, as one vector: level [B] in [0, 1] -> [B, width].

    Through a small network of waves; frequencies rise geometrically from a quarter of a cycle,
    which tells the two ends apart, to `HIGHEST` cycles over the interval. The noise state's
    vector [B, K] and the label [B], where the network is told them, are added.
    """

    def __init__(self, width: int, inputs: Inputs = NOTHING) -> None:
        super().__init__()
        frequency = torch.logspace(-2, math.log2(HIGHEST), LEVEL_WAVES, base=2)
        self.register_buffer("frequency", frequency, persistent=False)
        self.first = nn.Linear(2 * LEVEL_WAVES, width)
        self.second = nn.Linear(width, width)
        self.state = VectorEmbedding(inputs.vector, width) if inputs.vector else None
        self.label = None
        if inputs.labels:
            self.label = nn.Embedding(inputs.labels + 1, width)
            nn.init.zeros_(self.label.weight)  # every class begins as none

    def forward(
        self, level: Tensor, vector: Tensor | None = None, label: Tensor | None = None
    ) -> Tensor:
        hidden = functional.silu(self.first(waves(level.float(), self.get_buffer("frequency"))))
        told = self.second(hidden)
        if self.state is not None:
            told = told + self.state(vector)
        elif vector is not None:
            raise InputError("network: made without a vector of the noise state, given one")
        if self.label is not None:
            if label is None:
                label = no_class(level, self.label.num_embeddings - 1)
            told = told + self.label(label)
        elif label is not None:
            raise InputError("network: made without class labels, given some")
        return functional.silu(told)


class VectorEmbedding(nn.Module):
    """Numbers in [-1, 1] -> vector, [B, K] -> [B, width], through a network of their waves."""

    def __init__(self, entries: int, width: int) -> None:
        super().__init__()
        self.entries = entries
        self.register_buffer("frequency", torch.tensor(STATE_WAVES), persistent=False)
        self.first = nn.Linear(2 * len(STATE_WAVES) * entries, width)
        self.second = nn.Linear(width, width)

    def forward(self, vector: Tensor | None) -> Tensor:
        found = None if vector is None else tuple(vector.shape[1:])
        if vector is None or found != (self.entries,):
            raise InputError(
                f"network: made for a noise state of {self.entries} numbers, given {found}"
            )
        told = waves(vector.float().flatten(), self.get_buffer("frequency"))  # [B K, 2 F]
        return self.second(functional.silu(self.first(told.reshape(len(vector), -1))))


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
