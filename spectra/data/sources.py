"""A data set as examples: read in order, drawn at random, split by file."""

import hashlib
import json
import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from spectra.data.draws import shuffled, uniform_integers
from spectra.data.fields import GapStore
from spectra.data.folders import Skipped
from spectra.data.patches import Windows
from spectra.data.stores import Damaged, Numbers, Store
from spectra.errors import InputError

__all__ = ["Source", "parted", "spread_examples"]

SPREAD = 1 << 63  # first key of where in a file examples are spread; seeds are smaller
ATTEMPTS = 64  # draws of one example, before the damaged files are too many


@dataclass(frozen=True, eq=False)
class Source:
    """A data set through one view: examples of one shape, from files that stay apart.

    Attributes
    ----------
    name
        Of the manifest, folder or file.
    kind
        "images", "sound", "fields" or "array".
    shape
        (C, H, W) or (C, T) of one example.
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
        The store's number of each of this source's files, [F]; those of a unit lie together.
    spacing, axis_units
        Distance of neighbouring samples along each spatial axis, and in what: a frequency in
        cycles per sample over `spacing` is in cycles per unit.
    remarks
        What of the files is not read, a line each.

    Examples
    --------
    >>> source = spectra.open_source("digits")
    >>> source.shape, len(source), source.quantum
    ((1, 8, 8), 1797, 0.125)
    >>> next(source.batches(32)).shape
    (32, 1, 8, 8)
    >>> source.examples([0, 1]).shape
    (2, 1, 8, 8)
    """

    name: str
    kind: str
    shape: tuple[int, ...]
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
    spacing: tuple[float, ...] = (1.0, 1.0)
    axis_units: tuple[str, ...] = ("pixel", "pixel")
    remarks: tuple[str, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __len__(self) -> int:
        return len(self.windows)

    @cached_property
    def file_index(self) -> np.ndarray:
        """The unit (a number into `files`) of each example, int64 [N]."""
        return np.repeat(self.units, self.windows.counts)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of the units' names, the content and the settings; the place does not matter.

        Nothing is decoded for it: of a file its size and both ends count, of a zip's member its
        size and checksum, of a large array a thousand examples.
        """
        settings = json.dumps(self.settings, sort_keys=True).encode()
        content = hashlib.sha256(settings + "\0".join(["", *self.files]).encode())
        content.update(self.units.astype("<i8").tobytes())
        content.update(self.store.digest(self.members))
        return content.hexdigest()

    @property
    def damage(self) -> dict[str, str]:
        """Name -> reason of the files found undecodable so far."""
        found = np.array(sorted(self.store.damage), np.int64)
        mine: list[int] = found[np.isin(found, self.members)].tolist()
        return {self.store.names[file]: self.store.damage[file] for file in mine}

    @property
    def missing(self) -> float:
        """Share of the values read so far that were missing and were filled."""
        return getattr(self.store, "missing", 0.0)

    def gaps(self, start: int, stop: int | None) -> np.ndarray | None:
        """Share missing from each of the members start .. stop - 1 that was read, float32 [F].

        NaN for those that were not; None where no values are looked at for gaps.
        """
        if not isinstance(self.store, GapStore):
            return None
        return self.store.gaps(self.members[start:stop])

    def note_gaps(self, start: int, stop: int | None, shares: np.ndarray | None) -> None:
        """Enter what `gaps` gave of these members on another machine, or before."""
        if shares is not None and isinstance(self.store, GapStore):
            self.store.note_gaps(self.members[start:stop], shares)

    def read(
        self, start: int = 0, stop: int | None = None, batch_size: int = 64, *, workers: int = 1
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The examples of some members in order, each member decoded once and let go.

        Parameters
        ----------
        start, stop
            The members start .. stop - 1; None for all from `start` on.
        batch_size
            Examples given at once, at most.
        workers
            Threads that decode.

        Yields
        ------
        values, units
            float32 [B, C, \\*spatial] and the unit of each example, int64 [B]. Members that
            cannot be decoded are passed over and noted in `damage`.

        Raises
        ------
        InputError
            A batch of no examples is asked for, or of no workers; or values lie outside the
            value range.
        """
        if batch_size < 1:
            raise InputError(f"batch size {batch_size} is too small; give 1 or more")
        if workers < 1:
            raise InputError(f"workers {workers} are too few; give 1 or more")
        start, stop, _ = slice(start, stop).indices(len(self.members))
        first, last = self.windows.span(start, max(start, stop))
        with self.store.reader(workers) as windows:
            for at in range(first, last, batch_size):
                numbers = np.arange(at, min(at + batch_size, last))
                files, corners = self.windows.tiles(numbers)
                values, kept = windows(self.members[files], corners, self.windows.size)
                if len(values):
                    yield values, self.units[files[kept]]
                del values  # the next batch needs the room

    def batches(self, batch_size: int = 64) -> Iterator[np.ndarray]:
        """Every example once, in order, as float32 [B, C, \\*spatial]; a batch may be short.

        Those of files that cannot be decoded are left out, as in `read`.
        """
        for values, _ in self.read(batch_size=batch_size):
            yield values

    def examples(self, indices: Iterable[int]) -> np.ndarray:
        """The examples at these positions, float32 [len(indices), C, \\*spatial].

        Raises
        ------
        IndexError
            A position is outside 0 .. len - 1.
        InputError
            A file cannot be decoded.
        """
        numbers = np.asarray(list(indices), np.int64)
        if numbers.size and (numbers.min() < 0 or numbers.max() >= len(self)):
            raise IndexError(f"example out of range: the source has {len(self)}")
        try:
            return self._windows(*self.windows.tiles(numbers))
        except Damaged as error:
            raise InputError(self._damaged(error)) from None

    def readable(self, indices: Iterable[int]) -> np.ndarray:
        """Which of the examples at these positions can be decoded, bool [len(indices)]."""
        files, corners = self.windows.tiles(np.asarray(list(indices), np.int64))
        can = np.ones(len(files), bool)
        for at in range(len(files)):
            try:
                self._windows(files[at : at + 1], corners[at : at + 1])
            except Damaged:
                can[at] = False
        return can

    def some(self, most: int) -> np.ndarray:
        """A few examples of different units, the same ones each time, [n, C, \\*spatial].

        Each is from the middle of its unit; where a file cannot be decoded, from the next unit
        that can be. Fewer where there are fewer units.
        """
        starts = self.windows.tile_ends - self.windows.counts
        firsts = starts[np.flatnonzero(np.diff(self.units, prepend=-1))]
        middles = (firsts + np.append(firsts[1:], len(self))) // 2
        chosen = np.linspace(0, len(middles) - 1, min(most, len(middles))).round().astype(int)
        taken: dict[int, np.ndarray] = {}
        for unit in chosen.tolist():
            for other in (unit + step for step in range(len(middles))):
                other %= len(middles)
                if other in taken:
                    continue
                try:
                    values = self._windows(*self.windows.tiles(middles[other : other + 1]))
                except Damaged:
                    continue
                taken[other] = values[0]
                break
        shape = (len(taken), *self.shape)
        return np.array([taken[unit] for unit in sorted(taken)], np.float32).reshape(shape)

    def draw(self, seed: int, step: int, indices: Iterable[int]) -> np.ndarray:
        """Training examples: number i of a step depends on (seed, step, i) and the source alone.

        With patches, every position of every file is equally likely; otherwise every example.
        An example that falls on a damaged file is drawn again, so the others stay as they are.

        Parameters
        ----------
        seed, step
            Of the training run.
        indices
            Global numbers of the examples within the step's batch.

        Returns
        -------
        float32 [len(indices), C, \\*spatial]

        Raises
        ------
        InputError
            So many files are damaged that an example fell on one 64 times.
        """
        return self.draw_with_units(seed, step, indices)[0]

    def draw_with_units(
        self, seed: int, step: int, indices: Iterable[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """As `draw`, and the unit of each example, int64 [len(indices)]."""
        key = (seed, self.settings["seed"])
        asked = np.array([operator.index(index) for index in indices], object)
        numbers = uniform_integers(key, step, asked, self.windows.positions)
        attempts = np.zeros(len(asked), np.int64)
        while True:
            files, corners = self.windows.placed(numbers)
            try:
                return self._windows(files, corners), self.units[files]
            except Damaged as error:
                again = np.isin(self.members[files], list(self.store.damage))
                attempts[again] += 1
                if attempts.max() >= ATTEMPTS:
                    raise InputError(self._damaged(error)) from None
                for at in np.flatnonzero(again):
                    numbers[at] = uniform_integers(
                        key, step, asked[at : at + 1], self.windows.positions, int(attempts[at])
                    )[0]

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

    def _windows(self, files: np.ndarray, corners: np.ndarray) -> np.ndarray:
        return self.store.windows(self.members[files], corners, self.windows.size)

    def _damaged(self, error: Damaged) -> str:
        return (
            f"{self.name}: {self.store.names[error.file]} {error.reason}; mend the file or take "
            "it away"
        )


def parted(source: Source, held_out: float) -> tuple[Source, Source]:
    """What is trained on and what is scored on; the same source where nothing is held out.

    Parameters
    ----------
    source
    held_out
        Share of the units, from 0 and under 1; see `Source.split`.

    Returns
    -------
    trained_on, scored_on

    Raises
    ------
    InputError
        As `Source.split` does.
    """
    return source.split(held_out) if held_out > 0 else (source, source)


def spread_examples(source: Source, most: int) -> np.ndarray:
    """At most `most` example indices, spread over the files, always the same ones.

    Every file gives as many, within one, or all it has; one that cannot be decoded gives none.
    Within a file they lie evenly from a start of its own, so that every place is as likely:
    the first windows of sounds are silent, and those of pictures are their corners.

    Parameters
    ----------
    source
    most
        How many; all where there are fewer.

    Returns
    -------
    int64 [n], rising
    """
    _, first, sizes = np.unique(source.file_index, return_index=True, return_counts=True)
    numbers = np.arange(len(first))
    most = min(most, len(source))
    if len(first) > most:
        numbers = np.linspace(0, len(first) - 1, most).round().astype(int)
        first, sizes = first[numbers], sizes[numbers]
    shares = _shares(sizes, most)
    key = (SPREAD, source.settings["seed"])
    chosen = [
        at + (uniform_integers(key, 0, [number], size) + np.arange(share) * size) // share
        for number, at, size, share in zip(
            numbers.tolist(), first, sizes.tolist(), shares, strict=True
        )
    ]
    spread = np.concatenate(chosen)
    readable = source.readable(spread)
    return spread[readable] if readable.any() else spread  # the reader says why there is none


def _shares(sizes: np.ndarray, most: int) -> np.ndarray:
    """How many of `most` examples each of at most `most` files gives, int64 [F]."""
    shares = np.zeros_like(sizes)
    while (left := most - shares.sum()) > 0 and (more := np.flatnonzero(shares < sizes)).size:
        each = left // len(more)
        if each == 0:
            more = more[np.linspace(0, len(more) - 1, left).round().astype(int)]
        shares[more] = np.minimum(sizes[more], shares[more] + max(each, 1))
    return shares
