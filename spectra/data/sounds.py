"""One sound file: its header, and its samples, whole or a stretch of them."""

import io
import signal
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO, Any, cast

import numpy as np

__all__ = ["Header", "Opened", "UnreadableSound", "open_sound", "resampled"]

BLOCK = 2**18  # frames decoded at once
LARGEST = 2.0**16  # of a sample: floats on a 16-bit scale; what is beyond is damaged
# No codec stores more samples in a byte: FLAC and Opus spend bytes even on silence.
SAMPLES_A_BYTE = 8192
NO_LENGTH = 2**63 - 1  # frames of a FLAC whose encoder did not know them
UNSTATED = 0x7FFFFF00  # sizes from here on are written by what streams, before it knows
# libsndfile 1.2 seeks in these to a place that is not always the one asked for: they are decoded
# from their start instead.
INEXACT = ("VORBIS", "OPUS", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III")
# Telephony, in which it cannot go back at all.
FORWARD = ("GSM610", "G721_32", "G723_24", "G723_40", *(f"NMS_ADPCM_{n}" for n in (16, 24, 32)))
# Bits of the value grid; every other subtype is of floats, lossy or not of even steps.
BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


class UnreadableSound(Exception):
    """This one file cannot be used; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself before its samples are decoded.

    Attributes
    ----------
    rate
        Frames a second.
    frames
        Samples of each channel.
    channels
        Their number.
    quantum
        Spacing of the value grid in [-1, 1]; 0 for floats and lossy codecs.
    """

    rate: int
    frames: int
    channels: int
    quantum: float


class Opened:
    """A sound file open for reading.

    Attributes
    ----------
    header
        What it says of itself.
    """

    def __init__(self, content: "_Calm", file: Any, header: Header) -> None:
        self._content = content
        self._file = file
        self._at = 0  # the next frame; some decoders cannot say it
        self.header = header

    def close(self) -> None:
        """Let the decoder go; the file itself is the caller's."""
        self._file.close()

    def samples(self, start: int, stop: int, channels: str) -> np.ndarray:
        """Decode frames start .. stop - 1, float32 [C, stop - start] in [-1, 1].

        Parameters
        ----------
        start, stop
            Within 0 .. frames.
        channels
            "mono" (the mean of all), "left", "right" or "stereo".

        Raises
        ------
        UnreadableSound
            They are damaged, fewer than the header says, or not finite.
        """
        out = np.empty((2 if channels == "stereo" else 1, stop - start), np.float32)
        for at, block in self.blocks(start, stop):
            out[:, at - start : at - start + len(block)] = _mixed(block, channels)
        return out

    def blocks(self, start: int, stop: int) -> Iterator[tuple[int, np.ndarray]]:
        """The same a stretch at a time, as stored: first frame, and float32 [n, channels].

        Raises
        ------
        UnreadableSound
            As `samples`.
        """
        self._go(start)
        for at in range(start, stop, BLOCK):
            wanted = min(BLOCK, stop - at)
            with _reported():
                block = self._file.read(wanted, dtype="float32", always_2d=True)
            self._at += len(block)
            if len(block) < wanted:
                raise UnreadableSound(
                    f"ends after {at + len(block):,} of {self.header.frames:,} samples"
                )
            # One comparison finds NaN, infinite and absurd values alike.
            if not (np.abs(block, out=np.empty_like(block)).max() <= LARGEST):
                raise UnreadableSound("holds NaN, infinite or absurdly large values")
            yield at, block

    def _go(self, start: int) -> None:
        with _reported():
            if self._file.subtype not in INEXACT + FORWARD:
                self._at = self._file.seek(start)
                return
            if self._at > start:
                self._rewind()
            while (left := start - self._at) > 0:
                skipped = len(self._file.read(min(left, BLOCK), dtype="float32"))
                if not skipped:
                    raise UnreadableSound(f"ends before sample {start:,}")
                self._at += skipped

    def _rewind(self) -> None:
        self._at = 0
        if self._file.subtype not in FORWARD:
            self._file.seek(0)
            return
        self._file.close()
        self._file = _decoder(self._content)


@contextmanager
def open_sound(file: IO[bytes]) -> Iterator[Opened]:
    """Open WAV, FLAC, Ogg (Vorbis, Opus), MP3, AIFF or what else libsndfile reads.

    Parameters
    ----------
    file
        Open for reading at its start, and seekable.

    Raises
    ------
    UnreadableSound
        It is none of them, damaged, cut short, without samples, or states what cannot be.
    """
    size = file.seek(0, io.SEEK_END)
    _check_whole(file, size)
    content = _Calm(file, size)
    with _reported():
        decoder = _decoder(content)
    header = Header(
        decoder.samplerate,
        decoder.frames,
        decoder.channels,
        2.0 ** (1 - BITS[decoder.subtype]) if decoder.subtype in BITS else 0.0,
    )
    with closing(Opened(content, decoder, header)) as opened:
        if header.frames < 1:
            raise UnreadableSound("holds no samples")
        if header.frames == NO_LENGTH:
            raise UnreadableSound("does not state its length; save it again")
        if header.frames * header.channels > SAMPLES_A_BYTE * size:
            raise UnreadableSound(
                f"is damaged: states {header.frames:,} samples, which {size:,} bytes cannot hold"
            )
        yield opened


def _decoder(content: "_Calm") -> Any:
    import soundfile

    content.seek(0)
    return soundfile.SoundFile(cast(Any, content))


def resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Bring [C, T] to another rate, float32 [C, ceil(T wanted / rate)], by soxr's high quality."""
    if rate == wanted:
        return samples
    import soxr

    length = -(-samples.shape[1] * wanted // rate)
    out = np.zeros((len(samples), length), np.float32)
    for channel, target in zip(samples, out, strict=True):
        values = soxr.resample(channel, rate, wanted, quality="HQ")[:length]
        target[: len(values)] = values
    return out


class _Calm:
    """A file for the decoder's callbacks, which print what is raised in them and go on."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._size = size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self.tell(), io.SEEK_END: self._size}[whence]
        return self._file.seek(min(max(start + offset, 0), self._size))

    def tell(self) -> int:
        return self._file.tell()

    def read(self, count: int = -1) -> bytes:
        try:
            return self._file.read(count)
        except OSError:
            return b""  # an end too early, which is found out


def _mixed(block: np.ndarray, channels: str) -> np.ndarray:
    """[n, channels] -> the channels wished, [C, n]; one channel serves for any of them."""
    if block.shape[1] == 1:
        return block.T
    if channels == "stereo":
        return block.T[:2]
    if channels in ("left", "right"):
        return block.T[("left", "right").index(channels)][None]
    return block.mean(axis=1)[None]


def _check_whole(file: IO[bytes], size: int) -> None:
    """Refuse a WAV or AIFF that states more bytes than are here: libsndfile takes what it finds."""
    if size == 0:
        raise UnreadableSound("is empty")
    file.seek(0)
    head = file.read(12)
    if head[:4] == b"RIFF":
        stated = int.from_bytes(head[4:8], "little")
    elif head[:4] == b"FORM":
        stated = int.from_bytes(head[4:8], "big")
    else:
        return
    if size + 8 < stated + 8 < UNSTATED:  # some writers count a few bytes of padding wrongly
        raise UnreadableSound(f"is cut short: {size:,} of {stated + 8:,} bytes are here")


@contextmanager
def _reported() -> Iterator[None]:
    """Turn what damaged bytes make the decoder raise into one reason."""
    import soundfile

    try:
        with _uninterrupted():
            yield
    except MemoryError:
        raise
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".").removeprefix("Error : ")
        raise UnreadableSound(
            f"is damaged, or no sound of a kind that is read ({reason})"
        ) from None
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnreadableSound(f"is damaged ({reason})") from None


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back for a moment.

    Raised in a callback of the decoder they would be printed and forgotten, and the file taken
    for one that ends too early.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handlers = {number: handler for number, handler in before.items() if callable(handler)}
    if threading.current_thread() is not threading.main_thread():
        handlers = {}
    held: list[tuple[int, FrameType | None]] = []
    for number in handlers:
        signal.signal(number, lambda number, frame: held.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if held:
            number, frame = held[0]
            handlers[signal.Signals(number)](number, frame)
