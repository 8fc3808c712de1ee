"""Many sound files as one set: what rate and length they share, and which can be read."""

from collections.abc import Iterable

import numpy as np

from spectra.data.file_sets import FileSet
from spectra.data.folders import ImageFiles, Skipped
from spectra.data.options import Options
from spectra.data.shown import shown
from spectra.data.sound_store import WHOLE_LIMIT, SoundStore, is_short, opened_file
from spectra.data.sound_views import (
    LEAST_SAMPLES,
    MelView,
    length_at,
    mel_view,
    resolve_sound,
    shared_rate,
    unfit_sounds,
)
from spectra.data.sounds import Header, UnreadableSound
from spectra.errors import InputError

__all__ = ["open_sounds"]


def open_sounds(files: ImageFiles, skipped: list[Skipped], options: Options) -> FileSet:
    """Read the headers and settle the view. A file damaged behind its header is found on reading.

    Parameters
    ----------
    files, skipped
        What was found, and what was left out already.
    options
        view "waveform" (also "auto"): examples [C, T], T = size or the largest power of two that
        nine tenths of the clips reach, at most 65,536; "log-mel": images [C, bands, frames],
        size (bands, frames) or 128 of each where the clips are as long. channels: "mono" (also
        "auto"), "left", "right", "stereo". rate: every file is resampled to it; unasked, files
        of another rate than most are skipped.

    Raises
    ------
    InputError
        No file can be used, none is as long as asked, or what is asked is not for sound.
    """
    label = files.label
    headers, left_out = _read_headers(files)
    short = {name: _short(header) for name, header in headers.items() if _short(header)}
    headers = {name: header for name, header in headers.items() if name not in short}
    if not headers:
        name, reason = next(iter((left_out | short).items()))
        count = len(left_out) + len(short) + len(skipped)
        raise InputError(
            f"{label}: none of its {count} sound files can be used "
            f"(first: {name}: {reason}); save them again as WAV or FLAC"
        )
    rate = shared_rate(headers, options, label)
    unfit = short | _unfit_rates(headers, rate, options)
    headers = {name: header for name, header in headers.items() if name not in unfit}
    if not headers:
        name, reason = next(iter((left_out | unfit).items()))
        raise InputError(f"{label}: no file is left (first: {name}: {reason})")
    mel = mel_view(options, rate, label)
    lengths = {name: _length(header, rate, mel) for name, header in headers.items()}
    view = resolve_sound(lengths, options, mel, label)
    unfit |= unfit_sounds(lengths, view)
    used = {name: header for name, header in headers.items() if name not in unfit}
    store = SoundStore(files, list(used), list(used.values()), rate, view, mel)
    all_skipped = skipped + [Skipped(*entry) for entry in left_out.items()]
    all_skipped += [Skipped(*entry, unfit=True) for entry in unfit.items()]
    all_skipped.sort(key=lambda entry: entry.name)
    quantum = _quantum(used.values(), view, rate)
    return FileSet("sound", store, view, quantum, all_skipped, *_spacing(view, rate, mel, label))


def _read_headers(files: ImageFiles) -> tuple[dict[str, Header], dict[str, str]]:
    """Headers of the files that have one, and why the others have not."""
    headers: dict[str, Header] = {}
    unreadable: dict[str, str] = {}
    for name in shown(files.names, len(files.names), "headers"):
        try:
            with opened_file(files, name) as opened:
                header = opened.header
        except UnreadableSound as error:
            unreadable[name] = str(error)
        else:
            headers[name] = header
    return headers, unreadable


def _short(header: Header) -> str:
    """Why a clip is too short for any size; "" where it is not."""
    if header.frames >= LEAST_SAMPLES:
        return ""
    return f"is {header.frames} samples long, under the least of {LEAST_SAMPLES}"


def _unfit_rates(headers: dict[str, Header], rate: int, options: Options) -> dict[str, str]:
    """Files of another rate that are not to be, or too long to be, resampled."""
    unfit = {}
    for name, header in headers.items():
        if header.rate == rate:
            continue
        if options.rate is None:
            unfit[name] = (
                f"has {header.rate} samples a second, most have {rate}; use --rate {rate} to "
                "resample it"
            )
        elif not is_short(header, rate):
            unfit[name] = (
                f"is {header.frames:,} samples long, over the {WHOLE_LIMIT // 2:,} that are "
                f"resampled; save it at {rate} samples a second"
            )
    return unfit


def _length(header: Header, rate: int, mel: MelView | None) -> int:
    samples = length_at(header, rate)
    return samples if mel is None else int(mel.frames(np.array(samples)))


def _quantum(headers: Iterable[Header], view: Options, rate: int) -> float:
    """The coarsest value grid; a mean of channels halves it, resampling and log-mel lose it."""
    if view.view == "log-mel":
        return 0.0
    mixed = view.channels == "mono"
    return max(
        header.quantum / (header.channels if mixed else 1) if header.rate == rate else 0.0
        for header in headers
    )


def _spacing(
    view: Options, rate: int, mel: MelView | None, label: str
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Distance of neighbouring samples along each axis, and in what."""
    own = (1 / rate,) if mel is None else (1.0, mel.hop / rate)
    units = ("s",) if mel is None else ("mel", "s")
    asked = view.distances(len(own), label)
    return (own, units) if asked is None else (asked, ("s",) if mel is None else ("unit", "unit"))
