"""The values behind a source: kept in their own type, read through windows, shared by splits."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, overload

import numpy as np

from spectra.data.values import Range, take_channels, to_unit

__all__ = ["MEMORY_LIMIT", "ArrayStore", "Damaged", "Numbers", "PixelCache", "Reader", "Store"]

MEMORY_LIMIT = 2 * 1024**3  # bytes of decoded files kept
HASHED_WHOLE = 64 * 1024**2  # bytes of an array hashed in full; beyond, a sample of it
HASHED_EXAMPLES = 1024
HASHED_PART = 64 * 1024  # bytes from each example of that sample

Size = tuple[int, ...]

# Files [B], first corners [B, D] and a size -> the K windows that can be read, float32
# [K, C, *size], and which of the B they are, bool [B].
Reader = Callable[[np.ndarray, np.ndarray, Size], tuple[np.ndarray, np.ndarray]]


class Damaged(Exception):
    """A file of a store cannot be decoded: its number, and why."""

    def __init__(self, file: int, reason: str) -> None:
        super().__init__(file, reason)
        self.file = file
        self.reason = reason


class Store(Protocol):
    """What a source reads its examples from: F files of C channels along D axes."""

    @property
    def sizes(self) -> np.ndarray:
        """Sides of every file, int64 [F, D]."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Name of every file."""
        ...

    @property
    def damage(self) -> dict[int, str]:
        """The files found undecodable so far, and why."""
        ...

    def windows(self, files: np.ndarray, corners: np.ndarray, size: Size) -> np.ndarray:
        """Files [B] and first corners [B, D], in any order -> float32 [B, C, *size].

        Decoded files may be kept. One that cannot be decoded is entered in `damage`, and raises
        Damaged (at once where it is there already).
        """
        ...

    def reader(self, workers: int) -> AbstractContextManager[Reader]:
        """For one pass in order, with so many threads: each file is decoded once and let go.

        Windows of files that cannot be decoded are left out, and the files entered in `damage`.
        """
        ...

    def digest(self, members: np.ndarray) -> bytes:
        """A hash of the content of these files; none is decoded for it."""
        ...


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


class PixelCache:
    """Decoded files, as many of those last used as fit a number of bytes.

    Parameters
    ----------
    read
        File number -> its pixels, for those no longer (or not yet) kept.
    limit
        Bytes of pixels to keep.
    """

    def __init__(self, read: Callable[[int], np.ndarray], limit: int) -> None:
        self.read = read
        self.limit = limit
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, object]:
        # What is kept can be read again where it is sent.
        return {"read": self.read, "limit": self.limit}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)

    def pixels(self, file: int) -> np.ndarray:
        """A file's pixels, from memory or read again; the longest unused make room for them."""
        with self._lock:
            pixels = self._kept.get(file)
            if pixels is not None:
                self._kept.move_to_end(file)
                return pixels
        pixels = self.read(file)  # two threads may read the same one; neither waits
        with self._lock:
            if file not in self._kept:
                self._bytes += pixels.nbytes
            self._kept[file] = pixels
            while self._bytes > self.limit and len(self._kept) > 1:
                _, oldest = self._kept.popitem(last=False)
                self._bytes -= oldest.nbytes
        return pixels


class ArrayStore:
    """An array [N, C, *spatial] in memory or on disk, each example a file of its own.

    One that is memory-mapped is sent to another process by its path.

    Parameters
    ----------
    array
        Of any real type; it is read through views and never copied whole.
    channels
        Which channels are read, as in `Options`.
    value_range
        The raw values that become -1 and 1, or None where the values are used as they are.
    """

    def __init__(self, array: np.ndarray, channels: str, value_range: Range | None) -> None:
        self.array = array
        self.channels = channels
        self.value_range = value_range
        self.damage: dict[int, str] = {}

    @property
    def sizes(self) -> np.ndarray:
        sides = self.array.shape[2:]
        return np.broadcast_to(np.array(sides, np.int64), (len(self.array), len(sides)))

    @property
    def names(self) -> Numbers:
        return Numbers(np.arange(len(self.array)))

    @property
    def channels_out(self) -> int:
        """Channels of an example as read."""
        present = self.array.shape[1]
        return present if self.channels in ("auto", "rgb") else 1

    def windows(self, files: np.ndarray, corners: np.ndarray, size: Size) -> np.ndarray:
        if size == self.array.shape[2:]:
            values = self.array[_as_slice(files)]
        else:
            values = np.empty((len(files), self.array.shape[1], *size), self.array.dtype)
            for example, (file, corner) in enumerate(zip(files, corners, strict=True)):
                values[example] = self.array[(file, slice(None), *_within(corner, size))]
        values = take_channels(values, self.channels)
        if self.value_range is None:
            with np.errstate(over="ignore"):  # what becomes infinite is refused
                return np.array(values, np.float32, order="C")  # never a view of the user's array
        return to_unit(values, *self.value_range)

    @contextmanager
    def reader(self, workers: int) -> Iterator[Reader]:
        yield lambda files, corners, size: (
            self.windows(files, corners, size),
            np.ones(len(files), bool),
        )

    def digest(self, members: np.ndarray) -> bytes:
        content = hashlib.sha256(members.astype("<i8").tobytes())
        content.update(repr((self.array.shape, self.array.dtype.name)).encode())
        little = self.array.dtype.newbyteorder("<")
        if self.array.nbytes <= HASHED_WHOLE:
            for start in range(0, len(self.array), HASHED_EXAMPLES):
                block = self.array[start : start + HASHED_EXAMPLES]
                content.update(block.astype(little, copy=False).tobytes())
            return content.digest()
        for example in np.linspace(0, len(self.array) - 1, HASHED_EXAMPLES).astype(np.int64):
            values = self.array[example].astype(little, copy=False)
            content.update(values.tobytes()[:HASHED_PART])
        return content.digest()

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"array": _mapping(self.array) or self.array}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        if isinstance(self.array, _Mapping):
            self.array = self.array.opened()


@dataclass(frozen=True)
class _Mapping:
    """Where in a file the values of an array lie."""

    path: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype

    def opened(self) -> np.ndarray:
        """The array, mapped here."""
        whole = np.memmap(self.path, np.uint8, "r")
        return np.ndarray(self.shape, self.dtype, whole, self.offset, self.strides)  # pyright: ignore[reportArgumentType]


def _mapping(array: np.ndarray) -> _Mapping | None:
    """Where a view of a memory-mapped file lies in it; None for arrays in memory."""
    base, root = array, None
    while isinstance(base, np.ndarray):
        if isinstance(base, np.memmap):
            root = base  # the outermost knows its offset best
        base = base.base
    if root is None or root.filename is None:
        return None
    offset = root.offset + array.ctypes.data - root.ctypes.data
    return _Mapping(str(root.filename), offset, array.shape, array.strides, array.dtype)


def _as_slice(files: np.ndarray) -> slice | np.ndarray:
    """Consecutive numbers as a slice, which a file on disk is read fastest by."""
    if len(files) and np.array_equal(files, np.arange(files[0], files[0] + len(files))):
        return slice(int(files[0]), int(files[0]) + len(files))
    return files


def _within(corner: np.ndarray, size: Size) -> tuple[slice, ...]:
    return tuple(slice(first, first + side) for first, side in zip(corner, size, strict=True))
