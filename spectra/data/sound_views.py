"""The view that a set of sound files shares: chosen from their headers where not asked for."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from spectra.data.options import SOUND_VIEWS, Options
from spectra.data.sounds import Header
from spectra.data.spectrogram import log_mel
from spectra.errors import InputError

__all__ = ["MelView", "length_at", "mel_view", "resolve_sound", "shared_rate", "unfit_sounds"]

LARGEST_CLIP = 65536  # samples; the largest waveform chosen unasked
LARGEST_FRAMES = 128  # columns of a log-mel spectrogram chosen unasked
N_MELS = 128
CHOSEN_PERCENTILE = 10  # of the lengths
LEAST_SAMPLES = 4
LEAST_RATE = 1000  # samples a second; below it a mel scale says nothing

# 93 ms at 22.05 kHz and 46 ms at 44.1 kHz; below 22.05 kHz the next shorter power of two.
LONGEST_FRAME = 2048
REFERENCE_RATE = 22050
# Decibels that become -1 and 1: silence, and the loudest a full-scale tone becomes.
FLOOR_DB = -100.0
TOP_DB = 40.0

SOUND_CHANNELS = ("auto", "mono", "left", "right", "stereo")
SOUND_CROPS = ("auto", "none", "center", "patches")


@dataclass(frozen=True)
class MelView:
    """How sound of one rate becomes a log-mel image.

    Attributes
    ----------
    rate
        Samples a second.
    n_fft, hop
        Samples in a frame, and from one to the next.
    n_mels
        Rows of the image.
    """

    rate: int
    n_fft: int
    hop: int
    n_mels: int

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """Columns of the image of clips of these lengths: frame i lies about sample i hop."""
        return 1 + samples // self.hop

    def needed(self, start: int, stop: int) -> tuple[int, int]:
        """The samples under frames start .. stop - 1; those outside the clip are zeros."""
        first = start * self.hop - self.n_fft // 2
        return first, first + (stop - start - 1) * self.hop + self.n_fft

    def image(self, samples: np.ndarray) -> np.ndarray:
        """[C, T] under some frames, as `needed` says -> [C, n_mels, frames], about [-1, 1]."""
        decibel = log_mel(
            samples,
            self.rate,
            n_fft=self.n_fft,
            hop=self.hop,
            n_mels=self.n_mels,
            floor=10 ** (FLOOR_DB / 10),
            center=False,
        )
        return (decibel - np.float32((TOP_DB + FLOOR_DB) / 2)) / np.float32((TOP_DB - FLOOR_DB) / 2)

    def stated(self) -> str:
        """All that an image depends on, in words."""
        return (
            f"log-mel, rate {self.rate}, n_fft {self.n_fft}, hop {self.hop}, mels {self.n_mels}, "
            f"dB {FLOOR_DB:g} to {TOP_DB:g}"
        )


def shared_rate(headers: Mapping[str, Header], options: Options, label: str) -> int:
    """The rate asked for, or that of most files; of two that are as common the higher.

    Raises
    ------
    InputError
        What is asked for is for images.
    """
    if options.view not in ("auto", *SOUND_VIEWS):
        raise InputError(
            f"{label}: holds sound, which has no view {options.view}; use waveform or log-mel"
        )
    for name, got, known in (
        ("channels", options.channels, SOUND_CHANNELS),
        ("crop", options.crop, SOUND_CROPS),
    ):
        if got not in known:
            raise InputError(f"{label}: {name} {got} is for images; sound has {', '.join(known)}")
    if options.value_range is not None:
        raise InputError(f"{label}: value_range is for images and arrays; leave it out for sound")
    if options.rate is not None:
        return options.rate
    counted = Counter(header.rate for header in headers.values())
    return max(counted, key=lambda rate: (counted[rate], rate))


def mel_view(options: Options, rate: int, label: str) -> MelView | None:
    """The log-mel view at this rate; None where the waveform is wished.

    Raises
    ------
    InputError
        The rate is too low, or too many bands are asked for.
    """
    if options.view != "log-mel":
        return None
    if rate < LEAST_RATE:
        raise InputError(f"{label}: a rate of {rate} is too low for log-mel; use --view waveform")
    longest = LONGEST_FRAME * min(rate, REFERENCE_RATE) // REFERENCE_RATE
    n_fft = 1 << (longest.bit_length() - 1)
    sides = options.sides(2, label)
    n_mels = min(N_MELS, n_fft // 4) if sides is None else sides[0]
    if n_mels > n_fft // 4:
        raise InputError(
            f"{label}: {n_mels} mel bands are too many at {rate} samples a second; use at most "
            f"{n_fft // 4} (--size {n_fft // 4}x{LARGEST_FRAMES})"
        )
    return MelView(rate, n_fft, n_fft // 4, n_mels)


def length_at(header: Header, rate: int) -> int:
    """Samples of a file once it is brought to a rate."""
    return -(-header.frames * rate // header.rate)


def resolve_sound(
    lengths: Mapping[str, int], options: Options, mel: MelView | None, label: str
) -> Options:
    """Settle size, crop and channels from the lengths along time, samples or frames.

    Size: the largest power of two that nine tenths of the lengths reach, at most 65,536 samples
    or 128 frames. Crop: none where every file that is long enough has just that length,
    otherwise patches.

    Raises
    ------
    InputError
        No file is long enough, or none is just as long as crop none asks for.
    """
    sides = options.sides(1 if mel is None else 2, label)
    unit, most = ("samples", LARGEST_CLIP) if mel is None else ("frames", LARGEST_FRAMES)
    if sides is None:
        ordered = sorted(lengths.values())
        length = ordered[len(ordered) * CHOSEN_PERCENTILE // 100]
        if options.crop == "none" and len(set(ordered)) > 1:
            raise InputError(
                f"{label}: crop none needs a size where lengths differ; use --size, or --crop "
                "patches"
            )
        if options.crop != "none":
            length = min(most, 1 << (length.bit_length() - 1))
    else:
        length = sides[-1]
    longest = max(lengths.values())
    if longest < length:
        raise InputError(
            f"{label}: every file is shorter than {length} {unit} (longest {longest}); "
            f"use --size {longest if mel is None else f'{mel.n_mels}x{longest}'}"
        )
    crop = options.crop
    if crop == "auto":
        crop = "none" if longest == length else "patches"
    if crop == "none" and length not in lengths.values():
        raise InputError(
            f"{label}: no file is just {length} {unit} long, which crop none asks for; use --crop "
            "center or patches"
        )
    return replace(
        options,
        size=(length,) if mel is None else (mel.n_mels, length),
        crop=crop,
        channels="mono" if options.channels == "auto" else options.channels,
        view="waveform" if mel is None else "log-mel",
    )


def unfit_sounds(lengths: Mapping[str, int], view: Options) -> dict[str, str]:
    """Files whose length rules them out, with the reason."""
    assert view.size is not None
    wanted, unit = view.size[-1], "samples" if view.view == "waveform" else "frames"
    unfit = {}
    for name, length in lengths.items():
        if length < wanted:
            unfit[name] = f"is {length} {unit} long, shorter than {wanted}"
        elif view.crop == "none" and length != wanted:
            unfit[name] = f"is {length} {unit} long, not {wanted} (crop none)"
    return unfit
