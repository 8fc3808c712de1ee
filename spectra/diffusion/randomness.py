"""What is drawn for an example: a function of what it is for, never of what came before.

Philox is a function of a key and a counter (Salmon et al., "Parallel random numbers: as easy as
1, 2, 3", SC 2011). Here the key is the seed and the counter holds (purpose, step, number of the
example): a run that resumes, or that is spread over processes, draws what an undisturbed one in
one process does. torch's own CPU generator keeps 32 bits of a seed, so that a long run would meet
the same noise again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

__all__ = [
    "CHOICES",
    "DROPPED",
    "FAMILY",
    "FLIPPED",
    "KNOWN",
    "PART",
    "SAMPLING",
    "SCORING",
    "TRAINING",
    "Draws",
    "derived_seed",
    "normal",
    "spread",
    "step_shifts",
    "training_draws",
    "uniform",
]

WORD = 1 << 64
# What numbers are drawn for: streams that never meet. 0 is the data's own (`Source.draw`).
TRAINING, SAMPLING, SCORING, CHOOSING = 1, 2, 3, 4
NORMAL, UNIFORM = 0, 1
# Columns of `Draws.choice`: place within a family of schedules, whether the class is left out,
# whether a part is known, which (`KnownParts.draw`, five columns), whether it is mirrored.
FAMILY, DROPPED, KNOWN, PART, FLIPPED = 0, 1, 2, 3, 8
CHOICES = 9
GOLDEN = (5**0.5 - 1) / 2
UNDER_ONE = 1 - 2**-24  # the largest float32 there

Indices = Sequence[int] | np.ndarray


@dataclass(frozen=True)
class Draws:
    """Random numbers of some examples of a training step.

    Attributes
    ----------
    noise : float32 tensor [B, C, H, W]
        Standard normal.
    rounding : float32 tensor [B, C, H, W]
        Uniform in [-1/2, 1/2): times the value grid's spacing, it undoes the rounding.
    quantile : float64 tensor [B]
        Place in [0, 1) within the distribution of training times.
    choice : float32 tensor [B, 9]
        Uniform in [0, 1): what else is chosen for an example, a column each (`CHOICES`).
    """

    noise: torch.Tensor
    rounding: torch.Tensor
    quantile: torch.Tensor
    choice: torch.Tensor


def training_draws(
    seed: int, step: int, indices: Indices, batch: int, shape: tuple[int, ...]
) -> Draws:
    """Draw for the examples `indices` of a step whose global batch has `batch` examples.

    The times of a step are (u + i / batch) mod 1 with one u for all: evenly spread, each uniform
    (Kingma et al., "Variational Diffusion Models", 2021, appendix I.1). Places in the family are
    (v + i g) mod 1 with the golden ratio's g = 0.618...: evenly spread, at neighbouring times too.

    Parameters
    ----------
    seed, step
        Of the run; the step is counted from 0.
    indices
        Numbers of the examples within the global batch.
    batch
        Size of the global batch; only times and places depend on it.
    shape
        Of one example.
    """
    choice = uniform(CHOOSING, seed, step, indices, (CHOICES,))
    numbers = torch.as_tensor(np.asarray(indices))
    quantile, choice[:, FAMILY] = spread(step_shifts(seed, step, batch), numbers, batch)
    return Draws(
        noise=normal(TRAINING, seed, step, indices, shape),
        rounding=uniform(TRAINING, seed, step, indices, shape) - 0.5,
        quantile=quantile,
        choice=choice,
    )


def step_shifts(seed: int, step: int, batch: int) -> torch.Tensor:
    """u and v of a step, by which `training_draws` shifts times and places, float64 [2]."""
    # Number `batch` is no example's: the step's own.
    shifts = [uniform(purpose, seed, step, [batch], ()) for purpose in (TRAINING, CHOOSING)]
    return torch.cat(shifts).double()


def spread(
    shifts: torch.Tensor, numbers: torch.Tensor, batch: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Times and places of examples as `training_draws` spreads them, float64 and float32 [B].

    From a step's two shifts and the examples' numbers [B], on one device.
    """
    times, places = shifts.split(1)
    place = ((places + numbers * GOLDEN) % 1.0).float().clamp(max=UNDER_ONE)
    return (times + numbers / torch.tensor(batch, dtype=torch.float64)) % 1.0, place


def derived_seed(seed: int, *numbers: int) -> int:
    """A seed of 64 bits from a seed and further whole numbers, for a generator of its own.

    Hashed, so that the 32 bits which torch's CPU generator keeps depend on all of them.
    """
    words = np.random.SeedSequence((seed % WORD, *numbers)).generate_state(1, np.uint64)
    return int(words[0])


def normal(
    purpose: int, seed: int, step: int, indices: Indices, shape: tuple[int, ...]
) -> torch.Tensor:
    r"""Standard normal numbers of (purpose, seed, step, index), float32 [len(indices), \*shape]."""
    drawn = np.empty((len(indices), *shape), np.float32)
    for generator, place in _generators(purpose, NORMAL, seed, step, indices, drawn):
        generator.standard_normal(dtype=np.float32, out=place)
    return torch.from_numpy(drawn)


def uniform(
    purpose: int, seed: int, step: int, indices: Indices, shape: tuple[int, ...]
) -> torch.Tensor:
    r"""Numbers in [0, 1) of (purpose, seed, step, index), float32 [len(indices), \*shape]."""
    drawn = np.empty((len(indices), *shape), np.float32)
    for generator, place in _generators(purpose, UNIFORM, seed, step, indices, drawn):
        generator.random(dtype=np.float32, out=place)
    return torch.from_numpy(drawn)


def _generators(
    purpose: int, law: int, seed: int, step: int, indices: Indices, drawn: np.ndarray
) -> Iterator[tuple[np.random.Generator, np.ndarray]]:
    """For each index the generator at its first number, and where its numbers go.

    It is one generator, moved from counter to counter: making one anew costs more.
    """
    philox = np.random.Philox(key=np.array([seed % WORD, 0], np.uint64))
    generator, state = np.random.Generator(philox), philox.state
    for place, index in enumerate(indices):
        words = [0, 2 * purpose + law, step, int(index)]
        state["state"]["counter"] = np.array(words, np.uint64)
        philox.state = state
        yield generator, drawn[place, ...]  # an array even where an example is one number
