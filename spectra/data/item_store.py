"""A store of examples that are read one at a time."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from spectra.data.items import Items, UnreadableItem
from spectra.data.stores import Damaged, Numbers, PixelCache, Reader, Size
from spectra.data.values import Range, take_channels, to_unit

__all__ = ["Arrangement", "ItemStore"]

KEPT = 256 * 1024**2  # bytes of examples kept for draws
HASHED = 64  # examples of the fingerprint

Arrangement = str  # "first", "last", or "none" where an example has no axis of channels


class ItemStore:
    """Examples read by number and cut to windows; those that cannot be read are damaged files.

    Parameters
    ----------
    items
        Of shape (N, *example).
    arrangement
        Where the axis of channels is.
    channels, value_range
        As of `ArrayStore`.
    """

    def __init__(
        self, items: Items, arrangement: Arrangement, channels: str, value_range: Range | None
    ) -> None:
        self.items = items
        self.arrangement = arrangement
        self.channels = channels
        self.value_range = value_range
        self.damage: dict[int, str] = {}
        self._cache = PixelCache(self._load, KEPT)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, *spatial)."""
        count, *example = self.items.shape
        if self.arrangement == "none":
            return (count, 1, *example)
        if self.arrangement == "last":
            return (count, example[-1], *example[:-1])
        return (count, *example)

    @property
    def sizes(self) -> np.ndarray:
        sides = self.shape[2:]
        return np.broadcast_to(np.array(sides, np.int64), (self.shape[0], len(sides)))

    @property
    def names(self) -> Numbers:
        return Numbers(np.arange(self.shape[0]))

    @property
    def channels_out(self) -> int:
        """Channels of an example as read."""
        return self.shape[1] if self.channels in ("auto", "rgb") else 1

    def windows(self, files: np.ndarray, corners: np.ndarray, size: Size) -> np.ndarray:
        out = np.empty((len(files), self.channels_out, *size), np.float32)
        for at, (file, corner) in enumerate(zip(files.tolist(), corners, strict=True)):
            if file in self.damage:
                raise Damaged(file, self.damage[file])
            try:
                out[at] = _cut(self._cache.pixels(file), corner, size)
            except UnreadableItem as error:
                self.damage[file] = str(error)
                raise Damaged(file, str(error)) from None
        return out

    @contextmanager
    def reader(self, workers: int) -> Iterator[Reader]:
        last: dict[int, np.ndarray] = {}

        def read(files: np.ndarray, corners: np.ndarray, size: Size) -> tuple:
            out: list[np.ndarray] = []
            kept = np.zeros(len(files), bool)
            for at, (file, corner) in enumerate(zip(files.tolist(), corners, strict=True)):
                if file in self.damage:
                    continue
                if file not in last:
                    last.clear()
                    try:
                        last[file] = self._load(file)
                    except UnreadableItem as error:
                        self.damage[file] = str(error)
                        continue
                out.append(_cut(last[file], corner, size))
                kept[at] = True
            shape = (len(out), self.channels_out, *size)
            return np.array(out, np.float32).reshape(shape), kept

        yield read

    def digest(self, members: np.ndarray) -> bytes:
        content = hashlib.sha256(members.astype("<i8").tobytes())
        content.update(repr((self.shape, self.items.dtype.name)).encode())
        chosen = np.linspace(0, len(members) - 1, min(HASHED, len(members))).astype(np.int64)
        for file in members[chosen].tolist():
            try:
                values = self.items.read(file)
                content.update(values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes())
            except UnreadableItem:
                content.update(b"unreadable")
        return content.digest()

    def _load(self, file: int) -> np.ndarray:
        """One example, float32 [C, *spatial]."""
        values = np.asarray(self.items.read(file))
        if self.arrangement == "none":
            values = values[None]
        elif self.arrangement == "last":
            values = np.moveaxis(values, -1, 0)
        values = take_channels(values[None], self.channels)
        if self.value_range is not None:
            return to_unit(values, *self.value_range)[0]
        with np.errstate(over="ignore"):  # what becomes infinite is refused
            return np.array(values[0], np.float32, order="C")


def _cut(values: np.ndarray, corner: np.ndarray, size: Size) -> np.ndarray:
    """[C, *spatial] -> [C, *size] from a corner on."""
    pairs = zip(corner.tolist(), size, strict=True)
    return values[(slice(None), *(slice(first, first + side) for first, side in pairs))]
