"""Image files as a store: decoded when read, kept only where they are read at random."""

import hashlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from spectra.data import stores
from spectra.data.folders import ImageFiles
from spectra.data.images import UnreadableImage, decode, reduce_to, select
from spectra.data.options import Options
from spectra.data.stores import Damaged, Reader
from spectra.data.values import write_unit
from spectra.errors import InputError

__all__ = ["ImageStore"]

Size = tuple[int, ...]
NOISY_PIXELS = 2**26  # fewer than Pillow warns of
Mapper = Callable[[Callable[[int], np.ndarray | None], Iterable[int]], Iterator[np.ndarray | None]]


@dataclass(frozen=True, eq=False)
class ImageStore:
    """Image files of a folder, zip or manifest.

    Attributes
    ----------
    files
        Where their bytes are.
    names
        Those used, in the order of their numbers.
    stored
        Height and width of each picture as its header says, upright, int64 [F, 2].
    levels
        The largest raw value of each, float32 [F].
    view
        With nothing left to choose.
    damage
        Number -> reason of those found undecodable.
    """

    files: ImageFiles
    names: list[str]
    stored: np.ndarray
    levels: np.ndarray
    view: Options
    damage: dict[int, str] = field(default_factory=dict)

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def cache(self) -> stores.PixelCache:
        """Pixels of the files last read at random."""
        return stores.PixelCache(self.decoded, stores.MEMORY_LIMIT)

    @property
    def channels(self) -> int:
        """Channels of an example; grey pixels are repeated in each."""
        return 3 if self.view.channels == "rgb" else 1

    @property
    def sizes(self) -> np.ndarray:
        """Height and width as the view gives them: cut here, or left to the windows."""
        if self.view.crop in ("center", "resize"):
            return np.broadcast_to(np.array(self.view.size, np.int64), self.stored.shape)
        return self.stored

    def windows(self, files: np.ndarray, corners: np.ndarray, size: Size) -> np.ndarray:
        out = np.empty((len(files), self.channels, *size), np.float32)
        for example, (file, corner) in enumerate(zip(files, corners, strict=True)):
            pixels = self.cache.pixels(int(file))
            write_unit(out[example], *self.cut(int(file), pixels, corner, size))
        return out

    @contextmanager
    def reader(self, workers: int) -> Iterator[Reader]:
        if workers == 1:
            yield _Pass(self, map)
            return
        with ThreadPoolExecutor(workers) as pool:
            yield _Pass(self, pool.map)

    def decoded(self, file: int) -> np.ndarray:
        """A file's pixels as the view wants them, [h, w] or [h, w, 3] of its own type.

        Raises
        ------
        Damaged
            It cannot be decoded, now or when that was last tried.
        InputError
            Its values lie outside the value range.
        """
        if file in self.damage:
            raise Damaged(file, self.damage[file])
        try:
            pixels = self._read(file)
        except UnreadableImage as error:
            self.damage[file] = str(error)
            raise Damaged(file, str(error)) from None
        if self.view.value_range is not None:
            _check_range(f"{self.files.label}: {self.names[file]}", pixels, self.view.value_range)
        return pixels

    def digest(self, members: np.ndarray) -> bytes:
        content = hashlib.sha256()
        for file in members:
            content.update(self.files.stamp(self.names[file]))
        return content.digest()

    def _read(self, file: int) -> np.ndarray:
        view, stored = self.view, tuple(self.stored[file].tolist())
        assert view.size is not None
        data = self.files.read(self.names[file])
        read = _quietly_decode if _is_noisy(data, stored) else decode
        pixels = read(data, view.channels == "grey")
        if pixels.shape[:2] != stored:
            height, width = pixels.shape[:2]
            raise UnreadableImage(
                f"is {height}x{width} once decoded, not {stored[0]}x{stored[1]} as its header "
                "says; save it again"
            )
        if view.crop == "center":
            pixels = _centre(pixels, view.size)
        pixels = select(pixels, view.channels)
        if view.crop == "resize":
            pixels = _centre(reduce_to(pixels, view.size), view.size)
        return pixels

    def cut(
        self, file: int, pixels: np.ndarray, corner: np.ndarray, size: Size
    ) -> tuple[np.ndarray, np.float32, np.float32]:
        """One window of a picture [1 or C, h, w], and the raw values that become -1 and 0 to 1."""
        top, left = corner.tolist()
        window = pixels[top : top + size[0], left : left + size[1]]
        low, high = self.view.value_range or (0.0, self.levels[file])
        planes = window[None] if window.ndim == 2 else window.transpose(2, 0, 1)
        return planes, np.float32(low), np.float32((high - low) / 2)


class _Pass:
    """One pass in order: the last file's pixels serve its tiles in the next batch."""

    def __init__(self, store: ImageStore, mapper: Mapper) -> None:
        self.store = store
        self.mapper = mapper
        self.write = _fastest_writer()
        self.last: tuple[int, np.ndarray | None] = (-1, None)

    def __call__(
        self, files: np.ndarray, corners: np.ndarray, size: Size
    ) -> tuple[np.ndarray, np.ndarray]:
        out = np.empty((len(files), self.store.channels, *size), np.float32)
        kept = np.ones(len(files), bool)
        starts = np.flatnonzero(np.diff(files, prepend=-1))
        stops = np.append(starts[1:], len(files))
        numbers = files[starts].tolist()
        for file, pixels, start, stop in zip(
            numbers, self.mapper(self._pixels, numbers), starts, stops, strict=True
        ):
            self.last = (file, pixels)
            if pixels is None:
                kept[start:stop] = False
                continue
            for example in range(start, stop):
                self.write(out[example], *self.store.cut(file, pixels, corners[example], size))
        return (out if kept.all() else out[kept]), kept

    def _pixels(self, file: int) -> np.ndarray | None:
        last, pixels = self.last
        if file == last:
            return pixels
        try:
            return self.store.decoded(file)
        except Damaged:
            return None


def _fastest_writer() -> Callable[..., None]:
    """`write_unit`, compiled where that can be: the result is the same."""
    try:
        from spectra.data.unit_kernels import write_planes
    except ImportError:  # a machine that trains need not have numba
        return write_unit
    return write_planes


def _check_range(name: str, pixels: np.ndarray, value_range: tuple[float, float]) -> None:
    low, high = pixels.min(), pixels.max()
    if low < value_range[0] or high > value_range[1]:
        raise InputError(
            f"{name} has values from {low} to {high}, outside value_range "
            f"{value_range[0]:g} to {value_range[1]:g}; give the range that holds them"
        )


def _centre(pixels: np.ndarray, size: Size) -> np.ndarray:
    top = (pixels.shape[0] - size[0]) // 2
    left = (pixels.shape[1] - size[1]) // 2
    return np.ascontiguousarray(pixels[top : top + size[0], left : left + size[1]])


def _is_noisy(data: bytes, size: Size) -> bool:
    """Whether Pillow may warn of this file: of a large picture, or of a TIFF's odd entries."""
    return size[0] * size[1] > NOISY_PIXELS or data[:2] in (b"II", b"MM")


def _quietly_decode(data: bytes, grey: bool) -> np.ndarray:
    """As `decode`; what cannot be read raises, what can needs no warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return decode(data, grey)
