"""The examples of each step on the training device, ready when the step needs them."""

import os
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import PurePosixPath
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from spectra.data import Source
from spectra.data.draws import uniform_integers
from spectra.data.values import to_unit
from spectra.diffusion.device_draws import device_draws
from spectra.diffusion.randomness import DROPPED, FLIPPED, Draws, step_shifts, training_draws
from spectra.errors import InputError

__all__ = [
    "Batch",
    "Batches",
    "HeldExamples",
    "check_mirrored",
    "class_names",
    "prefetched",
]

AHEAD = 2  # steps prepared while one runs
SHARE_HELD = 0.25  # of the free memory of a GPU, for examples,
MOST_HELD = 8 * 2**30  # and bytes: beyond, reading all of them first takes too long
BLOCK = 1024
LABELS_DROPPED = 0.1  # Ho and Salimans, "Classifier-Free Diffusion Guidance" (2022), table 1

T = TypeVar("T")


@dataclass(frozen=True)
class Batch:
    """Examples of a step, on the training device.

    Attributes
    ----------
    x : float32 tensor [B, C, *spatial]
        In data values, with the value grid's rounding noise.
    draws : Draws
    label : int64 tensor [B] or None
        Class of each; the number of classes where it is left out.
    """

    x: Tensor
    draws: Draws
    label: Tensor | None

    def part(self, start: int, stop: int) -> "Batch":
        """The examples start .. stop - 1."""
        draws = {field.name: getattr(self.draws, field.name) for field in fields(Draws)}
        return Batch(
            self.x[start:stop],
            Draws(**{name: values[start:stop] for name, values in draws.items()}),
            None if self.label is None else self.label[start:stop],
        )


class HeldExamples:
    """Whole 8-bit examples as bytes on a device; what it draws is `Source.draw`'s to the bit.

    Parameters
    ----------
    source : Source
        Of whole examples, all of them legible.
    values : uint8 tensor [N, C, *spatial]
    """

    def __init__(self, source: Source, values: Tensor) -> None:
        self.seed = source.settings["seed"]
        self.values = values
        # A table: on a GPU a division is a product with the reciprocal, and other in the last bit.
        levels = to_unit(np.arange(256, dtype=np.uint8), 0.0, 255.0)
        self._unit = torch.from_numpy(levels).to(values.device)

    @classmethod
    def of(cls, source: Source, device: torch.device | str, room: int) -> "HeldExamples | None":
        """Those of a source; None where they are not such, or take more than `room` bytes."""
        count, size = len(source), int(np.prod(source.shape))
        if source.windows.patches or source.quantum != 2 / 255 or count * size > room:
            return None
        values = torch.empty((count, *source.shape), dtype=torch.uint8, device=device)
        done = 0
        for block, _ in source.read(batch_size=BLOCK, workers=os.cpu_count() or 1):
            raw = np.rint((block + 1) * 127.5).clip(0, 255).astype(np.uint8)
            if not np.array_equal(to_unit(raw, 0.0, 255.0), block):
                return None
            values[done : done + len(raw)] = torch.from_numpy(raw).to(device)
            done += len(raw)
        return cls(source, values) if done == count else None

    def numbers(self, seed: int, step: int, indices: Sequence[int] | np.ndarray) -> Tensor:
        """Which examples `Source.draw` draws, int64 [B]."""
        key = (seed, self.seed)
        return torch.from_numpy(uniform_integers(key, step, indices, len(self.values)))

    def examples(self, numbers: Tensor) -> Tensor:
        """Examples by number [B] on the device -> float32 [B, C, *spatial]."""
        return self._unit[self.values[numbers].long()]


class Batches:
    """Batches of a training run: a function of the step, computed ahead in a thread of its own.

    On a GPU 8-bit examples are held there, where they take under 8 GiB and a quarter of its room,
    and noise is drawn there (`device_draws`); otherwise both come from the CPU.

    Parameters
    ----------
    source : Source
        The training part.
    seed, batch : int
        Of the run, and the size of the global batch.
    indices : array of int
        The examples of the global batch that are drawn here.
    device : torch.device
    classes : sequence of str
        Names of the classes; none for training without.
    random_flip : bool
        Whether half of the examples, at random, are mirrored along their last axis.
    """

    def __init__(
        self,
        source: Source,
        seed: int,
        batch: int,
        indices: np.ndarray,
        device: torch.device,
        classes: Sequence[str] = (),
        random_flip: bool = False,
    ) -> None:
        self.source = source
        self.seed = seed
        self.batch = batch
        self.indices = indices
        self.device = device
        self.random_flip = random_flip
        self.on_gpu = device.type == "cuda"
        self.held = None
        self._numbers = torch.as_tensor(indices, dtype=torch.int64, device=device)
        if self.on_gpu:
            free, _ = torch.cuda.mem_get_info(device)
            self.held = HeldExamples.of(source, device, min(int(free * SHARE_HELD), MOST_HELD))
        self.class_count = len(classes)
        number = {name: k for k, name in enumerate(classes)}
        self._classes = np.array([number[class_of(name)] for name in source.files if classes], int)

    def over(self, steps: range) -> Generator[Batch]:
        """The batches of steps, in order. Close it to stop its thread."""
        ready = prefetched(self._prepare, steps)
        try:
            for step, prepared in zip(steps, ready, strict=True):
                yield self._finish(step, prepared)
        finally:
            ready.close()

    def _prepare(self, step: int) -> dict[str, Any]:
        """What the CPU does for a step."""
        prepared: dict[str, Any] = {}
        if self.held is not None:
            numbers = self.held.numbers(self.seed, step, self.indices)
            files, _ = self.source.windows.placed(numbers.numpy())
            units = self.source.units[files]
            prepared["numbers"] = self._sendable(numbers)
        else:
            x, units = self.source.draw_with_units(self.seed, step, self.indices)
            prepared["x"] = self._sendable(torch.from_numpy(x))
        if self.class_count:
            prepared["label"] = self._sendable(torch.from_numpy(self._classes[units]))
        if self.on_gpu:
            prepared["shifts"] = self._sendable(step_shifts(self.seed, step, self.batch))
        else:
            prepared["draws"] = training_draws(
                self.seed, step, self.indices, self.batch, self.source.shape
            )
        return prepared

    def _finish(self, step: int, prepared: dict[str, Any]) -> Batch:
        """What is left to the device."""

        def here(tensor: Tensor) -> Tensor:
            return tensor.to(self.device, non_blocking=True)

        if self.held is not None:
            x = self.held.examples(here(prepared["numbers"]))
        else:
            x = here(prepared["x"])
        draws = prepared.get("draws")
        if draws is None:
            draws = device_draws(
                self.seed,
                step,
                self._numbers,
                self.batch,
                self.source.shape,
                self.device,
                here(prepared["shifts"]),
            )
        if self.random_flip:
            flipped = draws.choice[:, FLIPPED] < 0.5
            x = torch.where(flipped.reshape(-1, *[1] * (x.ndim - 1)), x.flip(-1), x)
        if self.source.quantum:
            x = x + self.source.quantum * draws.rounding
        label = None
        if self.class_count:
            dropped = draws.choice[:, DROPPED] < LABELS_DROPPED
            label = torch.where(dropped, self.class_count, here(prepared["label"]))
        return Batch(x, draws, label)

    def _sendable(self, tensor: Tensor) -> Tensor:
        """In memory that a GPU can fetch from while it computes."""
        return tensor.pin_memory() if self.on_gpu else tensor


def check_mirrored(source: Source) -> None:
    """Refuse to mirror what has no left and right.

    Raises
    ------
    InputError
    """
    if source.kind == "sound" or len(source.shape) < 3:
        raise InputError(f"random_flip: {source.name} has no left and right; leave it out")


def prefetched(prepare: Callable[[int], T], steps: range) -> Generator[T]:
    """prepare(step) of steps in order, each begun in one other thread before it is asked for."""
    with ThreadPoolExecutor(1, "spectra-batches") as pool:
        waiting = deque(pool.submit(prepare, step) for step in steps[:AHEAD])
        try:
            for place in range(len(steps)):
                ready = waiting.popleft().result()
                if place + AHEAD < len(steps):
                    waiting.append(pool.submit(prepare, steps[place + AHEAD]))
                yield ready
        finally:
            for future in waiting:
                future.cancel()


def class_of(name: str) -> str:
    """The class of a file: the name of the folder that it lies in, "" outside of any."""
    return PurePosixPath(name.replace("\\", "/")).parent.name


def class_names(source: Source) -> list[str]:
    """Names of a source's classes, sorted: the folders of its files.

    Raises
    ------
    InputError
        Its files do not lie in folders, two at least.
    """
    names = sorted({class_of(name) for name in source.files})
    if len(names) < 2 or "" in names:
        raise InputError(
            f"{source.name}: has no classes; put the files of each in a folder of its own, or "
            "train without --labels"
        )
    return names
