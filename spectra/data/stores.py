"""The pixels behind a source: kept in their own type, read through windows, shared by splits."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from spectra.data.values import Range, take_channels, to_unit

__all__ = ["MEMORY_LIMIT", "ArrayStore", "ImageStore", "PixelCache", "Store"]

MEMORY_LIMIT = 2 * 1024**3  # bytes of decoded pixels kept
HASHED_WHOLE = 64 * 1024**2  # bytes of an array hashed in full; beyond, a sample of it
HASHED_EXAMPLES = 1024
HASHED_PART = 64 * 1024  # bytes from each example of that sample


class Store(Protocol):
    """What a source reads its examples from."""

    @property
    def sizes(self) -> np.ndarray:
        """Height and width of every file, int64 [F, 2]."""
        ...

    def windows(self, files: np.ndarray, corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Files [B] and top left corners [B, 2] -> float32 [B, C, h, w]."""
        ...

    def digest(self, members: np.ndarray) -> bytes:
        """A hash of the content of these files."""
        ...


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

    def keep(self, file: int, pixels: np.ndarray) -> None:
        """Keep a file's pixels, letting the longest unused go where they no longer fit."""
        self._kept[file] = pixels
        self._bytes += pixels.nbytes
        while self._bytes > self.limit and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= oldest.nbytes

    def pixels(self, file: int) -> np.ndarray:
        """A file's pixels, from memory or read again."""
        if file in self._kept:
            self._kept.move_to_end(file)
        else:
            self.keep(file, self.read(file))
        return self._kept[file]


@dataclass(frozen=True, eq=False)
class ImageStore:
    """Decoded image files, each [H, W] or [H, W, 3], uint8 or uint16.

    Attributes
    ----------
    cache
        Their pixels.
    sizes
        Height and width of every file, int64 [F, 2].
    levels
        The largest raw value of every file, float32 [F].
    digests
        A hash of every file's bytes.
    channels
        Channels of an example; grey pixels are repeated in each.
    value_range
        The raw values that become -1 and 1, or None for 0 and the file's own level.
    """

    cache: PixelCache
    sizes: np.ndarray
    levels: np.ndarray
    digests: list[bytes]
    channels: int
    value_range: Range | None

    def windows(self, files: np.ndarray, corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        height, width = size
        out = np.empty((len(files), self.channels, height, width), np.float32)
        for example, (file, (top, left)) in enumerate(zip(files, corners, strict=True)):
            pixels = self.cache.pixels(int(file))[top : top + height, left : left + width]
            out[example] = pixels if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0)
        if self.value_range is None:
            return to_unit(out, np.float32(0), self.levels[files][:, None, None, None])
        return to_unit(out, *self.value_range)

    def digest(self, members: np.ndarray) -> bytes:
        return hashlib.sha256(b"".join(self.digests[file] for file in members)).digest()


class ArrayStore:
    """An array [N, C, H, W] in memory or on disk, each example a file of its own.

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
        self.sizes = np.broadcast_to(np.array(array.shape[2:], np.int64), (len(array), 2))

    @property
    def channels_out(self) -> int:
        """Channels of an example as read."""
        present = self.array.shape[1]
        return present if self.channels in ("auto", "rgb") else 1

    def windows(self, files: np.ndarray, corners: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        if size == self.array.shape[2:]:
            values = self.array[_as_slice(files)]
        else:
            height, width = size
            values = np.empty((len(files), self.array.shape[1], *size), self.array.dtype)
            for example, (file, (top, left)) in enumerate(zip(files, corners, strict=True)):
                values[example] = self.array[file, :, top : top + height, left : left + width]
        values = take_channels(values, self.channels)
        if self.value_range is None:
            return np.array(values, np.float32, order="C")  # never a view of the user's array
        return to_unit(values, *self.value_range)

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


def _as_slice(files: np.ndarray) -> slice | np.ndarray:
    """Consecutive numbers as a slice, which a file on disk is read fastest by."""
    if len(files) and np.array_equal(files, np.arange(files[0], files[0] + len(files))):
        return slice(int(files[0]), int(files[0]) + len(files))
    return files
