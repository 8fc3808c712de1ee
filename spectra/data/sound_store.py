"""Sound files as a store: waveforms, or images of their log-mel spectrograms."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from spectra.data import stores
from spectra.data.folders import DiskFiles, ImageFiles
from spectra.data.images import UnreadableImage
from spectra.data.options import Options
from spectra.data.sound_views import MelView, length_at
from spectra.data.sounds import Header, Opened, UnreadableSound, open_sound, resampled
from spectra.data.stores import Damaged, Reader

__all__ = ["WHOLE_LIMIT", "SoundStore", "is_short", "opened_file"]

WHOLE_LIMIT = 2**26  # samples of a file decoded at once (256 MiB); beyond, read by stretches

Size = tuple[int, ...]
Cut = np.ndarray | None
Held = tuple[int, np.ndarray | Opened, ExitStack]  # a file's number, its samples, what closes it
Mapper = Callable[[Callable[[int], Cut], Iterable[int]], Iterator[Cut]]


@contextmanager
def opened_file(files: ImageFiles, name: str) -> Iterator[Opened]:
    """One of the files, open; a member of a zip is unpacked in memory.

    Raises
    ------
    UnreadableSound
        It cannot be read, or is no sound.
    """
    try:
        on_disk = isinstance(files, DiskFiles)
        handle = files.open(name) if on_disk else io.BytesIO(files.read(name))
    except UnreadableImage as error:
        raise UnreadableSound(str(error)) from None
    except OSError as error:
        raise UnreadableSound(f"cannot be read ({error.strerror or error})") from None
    with handle, open_sound(handle) as opened:
        yield opened


@dataclass(frozen=True, eq=False)
class SoundStore:
    """Sound files of a folder, zip or manifest.

    Where a file gives many windows, or is brought to another rate, it is decoded whole, so that
    damage anywhere in it is found whichever window is read first; otherwise its one window is
    read by itself.

    Attributes
    ----------
    files
        Where their bytes are.
    names
        Those used, in the order of their numbers.
    headers
        What each says of itself.
    rate
        Samples a second of all windows.
    view
        With nothing left to choose.
    mel
        How a waveform becomes an image, or None where it stays one.
    damage
        Number -> reason of those found undecodable.
    """

    files: ImageFiles
    names: list[str]
    headers: list[Header]
    rate: int
    view: Options
    mel: MelView | None
    damage: dict[int, str] = field(default_factory=dict)
    sound: set[int] = field(default_factory=set)  # long files found whole

    @cached_property
    def cache(self) -> stores.PixelCache:
        """Samples of the files last read at random."""
        return stores.PixelCache(self.decoded, stores.MEMORY_LIMIT)

    @property
    def channels(self) -> int:
        """Channels of an example."""
        return 2 if self.view.channels == "stereo" else 1

    @cached_property
    def lengths(self) -> np.ndarray:
        """Samples of each file at the store's rate, int64 [F]."""
        return np.array([length_at(header, self.rate) for header in self.headers], np.int64)

    @property
    def sizes(self) -> np.ndarray:
        """Samples [F, 1], or mel bands and frames [F, 2], of each file."""
        if self.mel is None:
            return self.lengths[:, None]
        frames = self.mel.frames(self.lengths)
        return np.stack([np.full_like(frames, self.mel.n_mels), frames], axis=1)

    def windows(self, files: np.ndarray, corners: np.ndarray, size: Size) -> np.ndarray:
        out = np.empty((len(files), self.channels, *size), np.float32)
        for file in dict.fromkeys(files.tolist()):
            at = np.flatnonzero(files == file)
            at = at[np.argsort(corners[at, -1], kind="stable")]  # one way through the file
            if self.is_whole(file):
                out[at] = self.cut(file, self.cache.pixels(file), corners[at], size)
            else:
                with self.noted(file), self.opened(file) as opened:
                    out[at] = self.cut(file, opened, corners[at], size)
        return out

    @contextmanager
    def reader(self, workers: int) -> Iterator[Reader]:
        with ExitStack() as stack:
            mapper = map
            if workers > 1:
                mapper = stack.enter_context(ThreadPoolExecutor(workers)).map
            one_pass = _Pass(self, mapper)
            stack.callback(one_pass.close)
            yield one_pass

    def is_whole(self, file: int) -> bool:
        """Whether a file is decoded whole."""
        header = self.headers[file]
        wanted = self.view.crop == "patches" or header.rate != self.rate
        return wanted and is_short(header, self.rate)

    def decoded(self, file: int) -> np.ndarray:
        """All the samples of a file as the view wants them, [C, T].

        Raises
        ------
        Damaged
            It cannot be decoded, now or when that was last tried.
        """
        header = self.headers[file]
        with self.noted(file), self.opened(file) as opened:
            samples = opened.samples(0, header.frames, self.view.channels)
        return resampled(samples, header.rate, self.rate)

    def cut(
        self, file: int, source: np.ndarray | Opened, corners: np.ndarray, size: Size
    ) -> np.ndarray:
        """Windows of one file, [B, C, *size], from its samples [C, T] or from the open file.

        Raises
        ------
        UnreadableSound
            They cannot be decoded, or what else the open file holds.
        """
        if isinstance(source, Opened):
            if self.view.crop == "patches" and file not in self.sound:
                for _ in source.blocks(0, self.headers[file].frames):
                    pass
                self.sound.add(file)

            def read(start: int, stop: int) -> np.ndarray:
                return source.samples(start, stop, self.view.channels)
        else:

            def read(start: int, stop: int) -> np.ndarray:
                return source[:, start:stop]

        out = np.empty((len(corners), self.channels, *size), np.float32)
        for corner, target in zip(corners, out, strict=True):
            target[...] = self._window(read, file, int(corner[-1]), size)
        return out

    @contextmanager
    def opened(self, file: int) -> Iterator[Opened]:
        """A file, open and as it was.

        Raises
        ------
        UnreadableSound
            It cannot be opened, or is another than before.
        """
        with opened_file(self.files, self.names[file]) as opened:
            if opened.header != self.headers[file]:
                raise UnreadableSound("is another file than when the data set was opened")
            yield opened

    @contextmanager
    def noted(self, file: int) -> Iterator[None]:
        """What is unreadable inside becomes the file's damage.

        Raises
        ------
        Damaged
            It is damaged, now or when that was last tried.
        """
        if file in self.damage:
            raise Damaged(file, self.damage[file])
        try:
            yield
        except UnreadableSound as error:
            self.damage[file] = str(error)
            raise Damaged(file, str(error)) from None

    def digest(self, members: np.ndarray) -> bytes:
        content = hashlib.sha256(b"" if self.mel is None else self.mel.stated().encode())
        for file in members:
            content.update(self.files.stamp(self.names[file]))
        return content.digest()

    def _window(
        self, read: Callable[[int, int], np.ndarray], file: int, start: int, size: Size
    ) -> np.ndarray:
        if self.mel is None:
            return read(start, start + size[0])
        first, last = self.mel.needed(start, start + size[1])
        samples = np.zeros((self.channels, last - first), np.float32)
        inside = max(first, 0), min(last, int(self.lengths[file]))
        samples[:, inside[0] - first : inside[1] - first] = read(*inside)
        return self.mel.image(samples)


def is_short(header: Header, rate: int) -> bool:
    """Whether all of a file's samples may be held at once."""
    return 2 * max(header.frames, length_at(header, rate)) <= WHOLE_LIMIT


class _Pass:
    """One pass in order: the last file stays at hand for its windows in the next batch."""

    def __init__(self, store: SoundStore, mapper: Mapper) -> None:
        self.store = store
        self.mapper = mapper
        self.held: Held | None = None

    def __call__(
        self, files: np.ndarray, corners: np.ndarray, size: Size
    ) -> tuple[np.ndarray, np.ndarray]:
        out = np.empty((len(files), self.store.channels, *size), np.float32)
        kept = np.ones(len(files), bool)
        starts = np.flatnonzero(np.diff(files, prepend=-1))
        stops = np.append(starts[1:], len(files))
        numbers = files[starts].tolist()
        groups = [slice(start, stop) for start, stop in zip(starts, stops, strict=True)]
        if self.held is not None and self.held[0] not in numbers:
            self.close()

        fresh: list[Held] = []

        def read(i: int) -> np.ndarray | None:
            into = fresh if i == len(numbers) - 1 else None
            return self._read(numbers[i], corners[groups[i]], size, into)

        for group, values in zip(groups, self.mapper(read, range(len(numbers))), strict=True):
            if values is None:
                kept[group] = False
            else:
                out[group] = values
        if fresh:
            self.close()
            self.held = fresh[0]
        return (out if kept.all() else out[kept]), kept

    def close(self) -> None:
        """Let the last file go."""
        if self.held is not None:
            self.held[2].close()
        self.held = None

    def _read(
        self, file: int, corners: np.ndarray, size: Size, into: list[Held] | None
    ) -> np.ndarray | None:
        """A file's windows, or None where it is damaged; it stays open where it goes `into`."""
        store, held = self.store, self.held
        try:
            with ExitStack() as stack, store.noted(file):
                if held is not None and held[0] == file:
                    return store.cut(file, held[1], corners, size)
                if store.is_whole(file):
                    source = store.decoded(file)
                else:
                    source = stack.enter_context(store.opened(file))
                values = store.cut(file, source, corners, size)
                if into is not None:
                    into.append((file, source, stack.pop_all()))
                return values
        except Damaged:
            return None
