"""Short-time spectra of sound: the power spectrogram and the log-mel spectrogram."""

import operator
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from spectra.errors import InputError, check_number

__all__ = [
    "clips_of",
    "frames_of",
    "log_mel",
    "mel_filters",
    "mel_frequencies",
    "mel_spectrogram",
    "precision",
    "spectrogram",
    "transformed",
]

CHUNK_BYTES = 2**21  # of frames transformed at once: more leaves the cache
OUT = np.lib.NumpyVersion(np.__version__) >= "2.0.0"  # whether its FFT writes where it is told

# Slaney's scale: linear up to 1 kHz, 15 mel there; beyond, 27 mel in a factor of 6.4.
MEL_HZ = 200.0 / 3.0
CORNER_HZ = 1000.0
LOG_STEP = np.log(6.4) / 27.0


def spectrogram(x: Any, *, n_fft: int = 2048, hop: int = 512, center: bool = True) -> np.ndarray:
    """Power spectrogram under a periodic Hann window.

    Parameters
    ----------
    x : array [..., T]
        Clips. float64 gives float64, everything else float32; computed in float64 either way,
        since beside a loud tone float32 hides what lies 60 dB under it.
    n_fft, hop : int
        Length of a frame and distance of neighbouring ones, samples.
    center : bool
        Put n_fft // 2 zeros before and after, so that frame i lies about sample i hop.

    Returns
    -------
    [..., n_fft // 2 + 1, frames], |F|^2 without any factor, as ``abs(librosa.stft(x)) ** 2``.
    Row k is at k rate / n_fft, column i at i hop / rate.

    Raises
    ------
    InputError
        A clip is empty, or without `center` shorter than a frame; n_fft or hop is no length; x
        has values that are not finite.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(16_000)
    >>> spectra.spectrogram(x, n_fft=512, hop=128).shape
    (257, 126)
    """
    from spectra.data.hann import hann_power

    bins = _length("n_fft", n_fft, 4) // 2 + 1
    return _mapped(x, n_fft, hop, center, bins, hann_power)


def mel_spectrogram(
    x: Any,
    rate: float,
    *,
    n_fft: int = 2048,
    hop: int = 512,
    n_mels: int = 128,
    center: bool = True,
) -> np.ndarray:
    """Power in mel bands, [..., T] -> [..., n_mels, frames], as librosa defines it.

    Slaney's mel scale from 0 to rate / 2, triangles of unit area in Hz, zeros beyond the ends.

    Parameters
    ----------
    x, n_fft, hop, center
        As in `spectrogram`.
    rate
        Samples in a second.
    n_mels
        Bands.

    Returns
    -------
    [..., n_mels, frames]
        Power; of the precision of `x`.

    Raises
    ------
    InputError
        As `spectrogram`; or the rate or n_mels is not positive.

    Notes
    -----
    M. Slaney, "Auditory Toolbox", Interval Research Corporation TR 1998-010 (1998).

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(16_000)
    >>> spectra.mel_spectrogram(x, 16_000, n_mels=80).shape
    (80, 32)
    """
    from spectra.data.hann import hann_bands

    slopes = _slopes(rate, _length("n_fft", n_fft, 4), _length("n_mels", n_mels, 1))
    x = clips_of(x)
    rows = np.zeros((4, n_fft // 2 + 1), precision(x))

    def banded(modes: np.ndarray, even: bool, out: np.ndarray) -> None:
        hann_bands(modes, even, *slopes, rows, out)

    return _mapped(x, n_fft, hop, center, n_mels, banded)


def log_mel(
    x: Any,
    rate: float,
    *,
    n_fft: int = 2048,
    hop: int = 512,
    n_mels: int = 128,
    floor: float = 1e-10,
    center: bool = True,
) -> np.ndarray:
    """Log-mel spectrogram in dB, 10 log10 max(floor, mel power), [..., T] -> [..., n_mels, frames].

    The floor is fixed: one relative to the clip's loudest frame (librosa's top_db) would make a
    frame depend on the rest of its clip.

    Parameters
    ----------
    x, rate, n_fft, hop, n_mels, center
        As in `mel_spectrogram`.
    floor
        Least mel power; 1e-10 is -100 dB.

    Returns
    -------
    [..., n_mels, frames]
        dB; of the precision of `x`.

    Raises
    ------
    InputError
        As `mel_spectrogram`; or the floor is not positive.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(16_000)
    >>> spectra.log_mel(x, 16_000, n_mels=80).shape
    (80, 32)
    >>> float(spectra.log_mel(0 * x, 16_000).max())
    -100.0
    """
    check_number("floor", floor, 0.0, strict=True)
    mel = mel_spectrogram(x, rate, n_fft=n_fft, hop=hop, n_mels=n_mels, center=center)
    np.maximum(mel, mel.dtype.type(floor), out=mel)
    np.log10(mel, out=mel)
    mel *= 10
    return mel


def mel_frequencies(rate: float, n_mels: int = 128) -> np.ndarray:
    """Edges and centres of the bands, Hz [n_mels + 2]: band m is entries m, m + 1, m + 2."""
    check_number("rate", rate, 0.0, strict=True)
    linear = MEL_HZ * np.linspace(0.0, _mel(rate / 2), n_mels + 2)
    corner = CORNER_HZ / MEL_HZ
    return np.where(
        linear < CORNER_HZ, linear, CORNER_HZ * np.exp(LOG_STEP * (linear / MEL_HZ - corner))
    )


@lru_cache(maxsize=16)
def mel_filters(rate: float, n_fft: int = 2048, n_mels: int = 128) -> np.ndarray:
    """Weights of the FFT's bins in each mel band, float32 [n_mels, n_fft // 2 + 1]."""
    edges = mel_frequencies(rate, n_mels)
    bins = np.fft.rfftfreq(n_fft, 1 / rate)  # Hz
    low, centre, high = (edges[i : i + n_mels, None] for i in range(3))
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    weights = (np.maximum(triangles, 0.0) * 2 / (high - low)).astype(np.float32)
    weights.setflags(write=False)
    return weights


def _mel(frequency: float) -> float:
    if frequency < CORNER_HZ:
        return frequency / MEL_HZ
    return CORNER_HZ / MEL_HZ + float(np.log(frequency / CORNER_HZ)) / LOG_STEP


@lru_cache(maxsize=16)
def _slopes(rate: float, n_fft: int, n_mels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First bin above each edge [n_mels + 2], and each bin's rising and falling weight [bins].

    A bin lies in two bands at most: it rises in one and falls in the one before.
    """
    weights = mel_filters(rate, n_fft, n_mels)
    bins = np.fft.rfftfreq(n_fft, 1 / rate)  # Hz
    edge = np.searchsorted(bins, mel_frequencies(rate, n_mels))
    rise, fall = np.zeros((2, len(bins)), np.float32)
    for band, row in enumerate(weights):
        up, down = slice(*edge[band : band + 2]), slice(*edge[band + 1 : band + 3])
        rise[up], fall[down] = row[up], row[down]
    return edge, rise, fall


def _mapped(
    x: Any,
    n_fft: int,
    hop: int,
    center: bool,
    rows: int,
    reduce: Callable[[np.ndarray, bool, np.ndarray], None],
) -> np.ndarray:
    """Modes of all frames [B, 2 bins] through `reduce` to [B, rows]; -> [..., rows, frames]."""
    hop = _length("hop", hop, 1)
    x = clips_of(x)
    count = _frame_count(x.shape[-1], n_fft, hop, center)
    flat = x.reshape(-1, x.shape[-1])
    out = np.empty((len(flat), count, rows), precision(x))
    per = max(1, min(count, CHUNK_BYTES // (8 * n_fft)))
    modes = np.empty((per, n_fft // 2 + 1), np.complex128)
    for clip, target in zip(flat, out, strict=True):
        for start, frames in frames_of(clip, n_fft, hop, center, count, per):
            plain = transformed(frames, modes).view(np.float64)
            reduce(plain, n_fft % 2 == 0, target[start : start + len(frames)])
    if not np.isfinite(out).all():
        raise InputError("x: NaN or infinite values, or too large ones; remove or rescale them")
    return np.moveaxis(out, 1, 2).reshape(*x.shape[:-1], rows, count)


def precision(x: np.ndarray) -> Any:
    """What clips are measured in: float64 where they are, else float32."""
    return np.float64 if x.dtype.kind == "f" and x.dtype.itemsize >= 8 else np.float32


def clips_of(x: Any) -> np.ndarray:
    """Clips [..., T] of real numbers, as an array.

    Raises
    ------
    InputError
        They are no real numbers, or none.
    """
    x = np.asarray(x)
    if x.dtype.kind not in "fiub":
        raise InputError(f"x: holds {x.dtype}, not real numbers; give samples, float or integer")
    if x.ndim == 0 or 0 in x.shape:
        raise InputError("x: there are no samples; give clips [..., T]")
    return x


def _frame_count(samples: int, n_fft: int, hop: int, center: bool) -> int:
    length = samples + 2 * (n_fft // 2) if center else samples
    if length < n_fft:
        raise InputError(
            f"x: {samples} samples are fewer than a frame of n_fft {n_fft}; use a smaller n_fft"
        )
    return 1 + (length - n_fft) // hop


def frames_of(
    clip: np.ndarray, n_fft: int, hop: int, center: bool, count: int, per: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Views [B, n_fft] of a float64 copy of the samples under them, `per` frames at a time."""
    held = np.empty((per - 1) * hop + n_fft)
    views = np.lib.stride_tricks.sliding_window_view(held, n_fft)[::hop]
    before = n_fft // 2 if center else 0
    for start in range(0, count, per):
        frames = min(per, count - start)
        first = start * hop - before
        last = first + (frames - 1) * hop + n_fft
        inside = clip[max(first, 0) : max(last, 0)]
        left = max(-first, 0)
        held[:left] = 0.0
        held[left : left + len(inside)] = inside
        held[left + len(inside) : last - first] = 0.0
        yield start, views[:frames]


def transformed(frames: np.ndarray, modes: np.ndarray) -> np.ndarray:
    """Real FFT of each frame [B, N], into the first rows of modes [>= B, N // 2 + 1]."""
    with np.errstate(invalid="ignore"):  # what is not finite is refused by its power
        if OUT:  # memory used again costs no page faults
            return np.fft.rfft(frames, out=modes[: len(frames)])
        return np.fft.rfft(frames)


def _length(name: str, value: int, least: int) -> int:
    try:
        whole = operator.index(value)
    except TypeError:
        whole = least - 1
    if whole < least:
        raise InputError(f"{name} {value!r}: a whole number of at least {least} is needed")
    return whole
