"""A data set as examples: read in order, drawn at random, split by file."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, overload

import numpy as np

from spectra.data.draws import shuffled, uniform_integers
from spectra.data.folders import Skipped
from spectra.data.patches import Windows
from spectra.data.stores import Store
from spectra.errors import InputError

__all__ = ["Numbers", "Source"]


class Numbers(Sequence[str]):
    """Numbers as names, made when asked for: a million examples need no million strings."""

    def __init__(self, numbers: np.ndarray) -> None:
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "Numbers": ...
    def __getitem__(self, index: int | slice) -> "str | Numbers":
        if isinstance(index, slice):
            return Numbers(self.numbers[index])
        return str(self.numbers[index])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Numbers):
            return np.array_equal(self.numbers, other.numbers)
        return isinstance(other, list) and list(self) == other


@dataclass(frozen=True, eq=False)
class Source:
    """A data set through one view: examples of one shape, from files that stay apart.

    Attributes
    ----------
    name
        Of the manifest, folder or file.
    kind
        "images" or "array".
    shape
        (C, H, W) of one example.
    files
        Names of the independent units: a file, files of one scene, or an example of an array.
    settings
        The view as keywords of `open_source`, ready for JSON.
    quantum
        Spacing of the value grid where [-1, 1] is the range; 0 for floats.
    skipped
        Files left out, with reasons.
    citation, licence
        From the manifest, or "".
    store, windows, units
        Where pixels come from, where examples lie in this source's files, and the unit of each
        of these files [F].
    members
        The store's number of each of this source's files, [F].
    """

    name: str
    kind: str
    shape: tuple[int, int, int]
    files: Sequence[str] = field(repr=False)
    settings: dict[str, Any]
    quantum: float
    skipped: list[Skipped] = field(repr=False)
    citation: str = field(repr=False)
    licence: str = field(repr=False)
    store: Store = field(repr=False)
    windows: Windows = field(repr=False)
    members: np.ndarray = field(repr=False)
    units: np.ndarray = field(repr=False)

    def __len__(self) -> int:
        return len(self.windows)

    @cached_property
    def file_index(self) -> np.ndarray:
        """The unit (a number into `files`) of each example, int64 [N]."""
        return np.repeat(self.units, self.windows.counts)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the units' names, the content and the settings; the place does not matter.

        Large files are sampled at both ends, large arrays by a thousand examples.
        """
        settings = json.dumps(self.settings, sort_keys=True).encode()
        content = hashlib.sha256(settings + "\0".join(["", *self.files]).encode())
        content.update(self.units.astype("<i8").tobytes())
        content.update(self.store.digest(self.members))
        return content.hexdigest()

    def batches(self, batch_size: int = 64) -> Iterator[np.ndarray]:
        """Every example once, in order, as float32 [B, C, H, W]; the last batch may be short."""
        if batch_size < 1:
            raise InputError(f"batch size {batch_size} is too small; give 1 or more")
        for start in range(0, len(self), batch_size):
            yield self._at(np.arange(start, min(start + batch_size, len(self))))

    def examples(self, indices: Iterable[int]) -> np.ndarray:
        """The examples at these positions, float32 [len(indices), C, H, W].

        Raises
        ------
        IndexError
            A position is outside 0 .. len - 1.
        """
        numbers = np.asarray(list(indices), np.int64)
        if numbers.size and (numbers.min() < 0 or numbers.max() >= len(self)):
            raise IndexError(f"example out of range: the source has {len(self)}")
        return self._at(numbers)

    def draw(self, seed: int, step: int, indices: Iterable[int]) -> np.ndarray:
        """Training examples: number i of a step depends on (seed, step, i) and the source alone.

        With patches, every position of every file is equally likely; otherwise every example.

        Parameters
        ----------
        seed, step
            Of the training run.
        indices
            Global numbers of the examples within the step's batch.

        Returns
        -------
        float32 [len(indices), C, H, W]
        """
        key = (seed, self.settings["seed"])
        numbers = uniform_integers(key, step, indices, self.windows.positions)
        return self._read(*self.windows.placed(numbers))

    def split(self, held_out: float = 0.2, seed: int = 0) -> tuple["Source", "Source"]:
        """Part the units in two, both reading the same pixels.

        Parameters
        ----------
        held_out
            The share of the units kept for the second source: at least one, and not all.
        seed
            Which ones; together with the source's own seed.

        Returns
        -------
        train, held_out

        Raises
        ------
        InputError
            There is a single unit, or the share is not between 0 and 1.
        """
        count = len(self.files)
        if not 0 < held_out < 1:
            raise InputError(f"held_out {held_out} is no share; give one between 0 and 1")
        if count < 2:
            raise InputError(f"{self.name}: a split by file needs at least 2 files, here is 1")
        order = shuffled((seed, self.settings["seed"]), count)
        away = min(max(round(held_out * count), 1), count - 1)
        is_away = np.zeros(count, bool)
        is_away[order[:away]] = True
        return self._part(~is_away), self._part(is_away)

    def _part(self, chosen: np.ndarray) -> "Source":
        """The units where `chosen` [U] is true."""
        keep = chosen[self.units]
        renumbered = np.cumsum(chosen) - 1
        if isinstance(self.files, Numbers):
            files = Numbers(self.files.numbers[chosen])
        else:
            files = [name for name, taken in zip(self.files, chosen, strict=True) if taken]
        return replace(
            self,
            files=files,
            windows=replace(self.windows, sizes=self.windows.sizes[keep]),
            members=self.members[keep],
            units=renumbered[self.units[keep]],
        )

    def _at(self, numbers: np.ndarray) -> np.ndarray:
        return self._read(*self.windows.tiles(numbers))

    def _read(self, files: np.ndarray, corners: np.ndarray) -> np.ndarray:
        return self.store.windows(self.members[files], corners, self.windows.size)
