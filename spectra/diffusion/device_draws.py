"""The draws of a training step, made where they are needed: for GPUs, which a CPU cannot feed.

The numbers come from Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
SC 2011), written as integer arithmetic on tensors. Its key is the run's seed; its counter is
(block, purpose and law, step, number of the example). Like `training_draws` it is a function of
what is drawn for alone, whatever the batch, the processes or the steps before; the integers are the
same on every device, the normal numbers up to the last bits of logarithm and cosine. It is another
stream than `training_draws`': a run keeps to the device it began on.
"""

import math

import torch
from torch import Tensor

from spectra.diffusion.randomness import CHOICES, FAMILY, Draws, Indices, spread, step_shifts

__all__ = ["device_draws", "philox"]

LOW = 0xFFFFFFFF
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
ROUNDS = 10


def device_draws(
    seed: int,
    step: int,
    indices: Indices | Tensor,
    batch: int,
    shape: tuple[int, ...],
    device: torch.device | str,
    shifts: Tensor | None = None,
) -> Draws:
    """As `training_draws`, on a device and from a stream of its own.

    Parameters
    ----------
    seed, step, indices, batch, shape
        As `training_draws`.
    device
        Where the numbers are made and left.
    shifts : tensor [2], optional
        The step's (`step_shifts`). With these and the indices on the device already, nothing is
        waited for there.
    """
    numbers = torch.as_tensor(indices, dtype=torch.int64, device=device)
    shifts = step_shifts(seed, step, batch) if shifts is None else shifts
    size = math.prod(shape)
    normal, rounding, words = _words(seed, step, numbers, (size, size, CHOICES))
    choice = _uniform(words)[:, :CHOICES]
    quantile, choice[:, FAMILY] = spread(shifts.to(device), numbers, batch)
    return Draws(
        noise=_normal(normal)[:, :size].reshape(-1, *shape),
        rounding=_uniform(rounding)[:, :size].reshape(-1, *shape) - 0.5,
        quantile=quantile,
        choice=choice,
    )


def philox(counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]) -> Tensor:
    """Four 32-bit words of each counter, int64 tensors that broadcast to [...] -> [..., 4]."""
    a, b, c, d = torch.broadcast_tensors(*counter)
    for turn in range(ROUNDS):
        low, high = ((part + turn * step) & LOW for part, step in zip(key, WEYL, strict=True))
        # The product of 32-bit words fills 64 bits; the sign it may take is masked away.
        first, second = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = (
            ((second >> 32) & LOW) ^ b ^ low,
            second & LOW,
            ((first >> 32) & LOW) ^ d ^ high,
            first & LOW,
        )
    return torch.stack([a, b, c, d], dim=-1)


def _words(seed: int, step: int, numbers: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
    """32-bit words of each example, for each purpose at least as many as asked for, int64 [B, .].

    All at once: a GPU is kept waiting by the number of operations, not by their size.
    """
    counts = [(size + 3) // 4 for size in sizes]
    here = numbers.device
    blocks = torch.cat([torch.arange(count, device=here) for count in counts])
    purposes = torch.cat([torch.full((n,), k, device=here) for k, n in enumerate(counts)])
    counter = (
        blocks[None],
        # An example's number has 32 bits of its own, and 28 more beside the purpose.
        (numbers >> 32)[:, None] * 16 + purposes[None],
        torch.full((1, 1), step & LOW, device=here),
        (numbers & LOW)[:, None],
    )
    words = philox(counter, (seed & LOW, (seed >> 32) & LOW)).flatten(1)
    return words.split([4 * count for count in counts], dim=1)


def _uniform(words: Tensor) -> Tensor:
    """Numbers in [0, 1) with 24 bits, float32."""
    return (words >> 8).to(torch.float32) * 2.0**-24


def _normal(words: Tensor) -> Tensor:
    """Standard normal numbers from pairs of words (Box and Muller 1958), float32."""
    first, second = words.unflatten(1, (-1, 2)).unbind(-1)
    # (0, 1], so that the logarithm is finite; the smallest word gives 6.66.
    radius = (-2 * torch.log((first + 1).to(torch.float32) * 2.0**-32)).sqrt()
    angle = (second >> 8).to(torch.float32) * (2 * math.pi * 2.0**-24)
    return torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)], dim=1)
