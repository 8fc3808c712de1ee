"""Many image files as one set: what size and channels they share, and which can be read."""

import hashlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from spectra.data import stores
from spectra.data.folders import ImageFiles, Skipped
from spectra.data.images import Header, UnreadableImage, decode, read_header, reduce_to, select
from spectra.data.options import LEAST_SIDE, Options
from spectra.data.views import depth, image_quantum, resolve, unfit_files
from spectra.errors import InputError

__all__ = ["ImageSet", "open_images"]

HASHED_END = 64 * 1024  # bytes hashed at each end of a file
SHOWN_FROM = 200  # files; below this no progress bar
CHUNK = 64  # files worked on ahead, so that an interruption is answered at once

Size = tuple[int, int]
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class ImageSet:
    """The images of a source, read.

    Attributes
    ----------
    store
        Their pixels.
    names
        The files' names, in the order of the store.
    options
        The view, with nothing left to choose.
    quantum
        Spacing of the value grid in [-1, 1]: the coarsest of the files'.
    skipped
        Files left out, with reasons, by name.
    """

    store: stores.ImageStore
    names: list[str]
    options: Options
    quantum: float
    skipped: list[Skipped]


def open_images(files: ImageFiles, skipped: list[Skipped], options: Options) -> ImageSet:
    """Open headers, settle the view, then decode every file once.

    A file that turns out damaged is skipped; where that changes what the others share, the view
    is settled again without it.

    Raises
    ------
    InputError
        No file can be used, or none has the size asked for.
    """
    headers, unreadable = _read_headers(files)
    while headers:
        view = resolve(headers, options, files.label)
        unfit = unfit_files(headers, view)
        fitting = {name: header for name, header in headers.items() if name not in unfit}
        store, names, damaged, turned = _decode_all(files, fitting, view)
        unreadable |= damaged
        headers = {name: header for name, header in headers.items() if name not in damaged}
        headers |= turned
        if headers and not turned and resolve(headers, options, files.label) == view:
            left_out = skipped + [Skipped(*entry) for entry in (unreadable | unfit).items()]
            left_out.sort(key=lambda entry: entry.name)
            quantum = image_quantum([headers[name] for name in names], view)
            return ImageSet(store, names, view, quantum, left_out)
    first = next(iter(unreadable.items()))
    raise InputError(
        f"{files.label}: none of its {len(unreadable) + len(skipped)} image files can be used "
        f"(first: {first[0]}: {first[1]}); give whole images of {LEAST_SIDE}x{LEAST_SIDE} or more"
    )


def _read_headers(files: ImageFiles) -> tuple[dict[str, Header], dict[str, str]]:
    """Headers of the files that have one, and why the others have not."""
    headers: dict[str, Header] = {}
    unreadable: dict[str, str] = {}
    with _no_bomb_warning():
        for name in _shown(files.names, len(files.names), "headers"):
            try:
                with files.open(name) as file:
                    header = read_header(file)
            except UnreadableImage as error:
                unreadable[name] = str(error)
            except OSError as error:
                unreadable[name] = f"cannot be read ({error.strerror or error})"
            else:
                if min(header.height, header.width) < LEAST_SIDE:
                    size = f"{header.height}x{header.width}"
                    unreadable[name] = f"is {size}, under the least side of {LEAST_SIDE} pixels"
                else:
                    headers[name] = header
    return headers, unreadable


@dataclass(frozen=True)
class _Read:
    """One file read: its pixels as the view wants them, or why not."""

    pixels: np.ndarray | None
    size: Size  # of the whole picture
    digest: bytes
    reason: str = ""


@dataclass(frozen=True)
class _Reader:
    """Reads a file as the view wants it; also later, when its pixels were let go."""

    files: ImageFiles
    names: list[str]
    view: Options

    def __call__(self, file: int) -> np.ndarray:
        with _no_bomb_warning():
            read = self.read(self.names[file])
        if read.pixels is None:
            raise InputError(
                f"{self.files.label}: {self.names[file]} {read.reason}, though it could be read "
                "before; leave the files as they are while they are in use"
            )
        return read.pixels

    def read(self, name: str) -> _Read:
        view = self.view
        assert view.size is not None
        try:
            data = self.files.read(name)
            pixels = decode(io.BytesIO(data))
        except UnreadableImage as error:
            return _Read(None, (0, 0), b"", str(error))
        size = pixels.shape[0], pixels.shape[1]
        ends = data[:HASHED_END] + data[-HASHED_END:]
        digest = hashlib.sha256(len(data).to_bytes(8, "little") + ends).digest()
        if view.crop == "center":
            pixels = _centre(pixels, view.size)
        pixels = select(pixels, view.channels)
        if view.crop == "resize":
            pixels = _centre(reduce_to(pixels, view.size), view.size)
        return _Read(np.ascontiguousarray(pixels), size, digest)


def _decode_all(
    files: ImageFiles, headers: dict[str, Header], view: Options
) -> tuple[stores.ImageStore, list[str], dict[str, str], dict[str, Header]]:
    """Read every file once: their store and names, the damaged, and those of another size."""
    names: list[str] = []
    digests: list[bytes] = []
    damaged: dict[str, str] = {}
    turned: dict[str, Header] = {}
    reader = _Reader(files, names, view)
    cache = stores.PixelCache(reader, stores.MEMORY_LIMIT)
    with _no_bomb_warning():
        for name, read in _in_threads(reader.read, list(headers)):
            header = headers[name]
            if read.pixels is None:
                damaged[name] = read.reason
            elif read.size != (header.height, header.width):
                turned[name] = replace(header, height=read.size[0], width=read.size[1])
            else:
                if view.value_range is not None:
                    _check_range(f"{files.label}: {name}", read.pixels, view.value_range)
                cache.keep(len(names), read.pixels)
                names.append(name)
                digests.append(read.digest)
    used = [headers[name] for name in names]
    cut = view.crop in ("center", "resize")
    sizes = [view.size if cut else (header.height, header.width) for header in used]
    store = stores.ImageStore(
        cache,
        np.array(sizes, np.int64).reshape(-1, 2),
        np.array([depth(header) for header in used], np.float32),
        digests,
        3 if view.channels == "rgb" else 1,
        view.value_range,
    )
    return store, names, damaged, turned


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
    return pixels[top : top + size[0], left : left + size[1]]


def _in_threads(function: Callable[[T], U], items: list[T]) -> Iterator[tuple[T, U]]:
    """Map in order with several threads; Pillow decodes outside Python's lock."""
    shown = _shown(items, len(items), "images")
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(items), CHUNK):
            chunk = items[start : start + CHUNK]
            for item, result in zip(chunk, pool.map(function, chunk), strict=True):
                next(shown)
                yield item, result
    next(shown, None)


def _shown(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Pass items on, with a progress bar where someone watches a long wait."""
    if total <= SHOWN_FROM or not sys.stderr.isatty():
        return iter(items)
    from tqdm import tqdm

    return iter(tqdm(items, total=total, desc=what, file=sys.stderr, leave=False))


@contextmanager
def _no_bomb_warning() -> Iterator[None]:
    """Large pictures are wanted; those too large to be safe still raise."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield
