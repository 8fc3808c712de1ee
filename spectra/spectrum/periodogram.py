"""Power spectral density of sound and other series: whole-clip periodogram and Welch's mean."""

import math
import operator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from spectra.data.spectrogram import clips_of, frames_of, precision, transformed
from spectra.errors import InputError, check_name

__all__ = ["BandedCovariance", "segment_count", "welch", "welch_covariance"]

WINDOWS = ("hann", "none")
CHUNK_BYTES = 2**19  # of segments transformed at once: more leaves the cache
LEAST_SHARE = 1e-7  # covariances under this share of the variance are left out
HANN_POWER = 3 / 8  # mean square of the periodic Hann window


def welch(
    x: Any, segment: int | None = 4096, *, window: str = "hann", overlap: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    """Mean periodogram of overlapping segments, or with `segment=None` that of the whole clip.

    Parameters
    ----------
    x : array [..., T]
        Clips. float64 gives float64, everything else float32; computed in float64 either way.
    segment : int or None
        Samples N in a segment; what does not fill a last one is left out. None is all T.
    window : {"hann", "none"}
        Periodic taper, power-corrected, after each segment's mean is taken off.
    overlap : float
        Share of a segment that it has in common with the next, 0 up to, not including, 1.

    Returns
    -------
    power : [..., F]
        |F|^2 / N: white noise of unit variance has power 1. F = (N - 1) // 2: neither DC nor
        Nyquist. ``scipy.signal.welch(x, scaling="density")`` is twice that, but 5/3 in the bin
        beside DC, which loses a sixth of its power with the mean and has it put back here.
    frequency : float64 [F]
        k / N, cycles/sample.

    Raises
    ------
    InputError
        No samples, fewer than a segment or than three; an overlap that is no share; x has values
        that are not finite.

    Notes
    -----
    P. D. Welch, "The use of fast Fourier transform for the estimation of power spectra", IEEE
    Trans. Audio Electroacoust. 15, 70 (1967).

    Examples
    --------
    >>> t = np.arange(8000) / 8000
    >>> power, frequency = spectra.welch(np.sin(2 * np.pi * 440 * t), segment=800)
    >>> round(8000 * frequency[power.argmax()])
    440
    """
    from spectra.data.hann import add_hann_power, add_power

    check_name("window", window, WINDOWS)
    x = clips_of(x)
    samples = x.shape[-1]
    size = samples if segment is None else _size(segment)
    hop, count = _hop(size, overlap), segment_count(samples, size, overlap)
    flat = x.reshape(-1, samples)
    total = np.zeros((len(flat), (size - 1) // 2))
    per = max(1, min(count, CHUNK_BYTES // (8 * size)))
    modes = np.empty((per, size // 2 + 1), np.complex128)
    for clip, sums in zip(flat, total, strict=True):
        for _, segments in frames_of(clip, size, hop, False, count, per):
            parts = transformed(segments, modes).view(np.float64)
            if window == "hann":
                add_hann_power(parts, size % 2 == 1, sums)
            else:
                add_power(parts, sums)
    if not np.isfinite(total).all():
        raise InputError("x: NaN or infinite values, or too large ones; remove or rescale them")
    total *= _level(size, window) / (count * size)
    return total.reshape(*x.shape[:-1], -1).astype(precision(x), copy=False), _modes(size) / size


def segment_count(samples: int, segment: int, overlap: float = 0.5) -> int:
    """How many whole segments `welch` finds in a clip.

    Raises
    ------
    InputError
        Fewer samples than a segment, or than three.
    """
    if samples < segment or samples < 3:
        raise InputError(
            f"x: {samples} samples are fewer than a segment of {max(segment, 3)}; use a shorter "
            "segment, or longer clips"
        )
    return 1 + (samples - segment) // _hop(segment, overlap)


@dataclass(frozen=True, eq=False)
class BandedCovariance:
    """A symmetric covariance whose entries far from the diagonal are nought.

    Attributes
    ----------
    offsets : int64 [D]
        0 first, rising.
    values : float64 [D, F]
        values[d, i] is the covariance of i and i + offsets[d]; 0 where there is no such bin.
    """

    offsets: np.ndarray
    values: np.ndarray

    def dense(self) -> np.ndarray:
        """All of it, [F, F]."""
        size = self.values.shape[1]
        out = np.zeros((size, size))
        for offset, row in zip(self.offsets, self.values, strict=True):
            place = np.arange(size - offset)
            out[place, place + offset] = out[place + offset, place] = row[: size - offset]
        return out


@lru_cache(maxsize=16)
def welch_covariance(
    segment: int, n_segments: int = 1, *, window: str = "hann", overlap: float = 0.5
) -> BandedCovariance:
    """Covariance of the relative powers that `welch` gives for one Gaussian clip, [F, F] in bands.

    2 / n on the diagonal, with n real degrees of freedom: 2 for one segment, nearly 2 n_segments
    without overlap. A taper correlates neighbouring bins, an overlap the segments: with rho_m
    the transform of the product of the tapers m segments apart,
    sum over m of (1 - |m| / M) |rho_m(j - k)|^2 / M. Exact for white noise, and where the
    spectrum is flat over the taper's width.

    Parameters
    ----------
    segment, window, overlap
        As in `welch`.
    n_segments
        M, the segments of the clip (`segment_count`).

    Returns
    -------
    BandedCovariance

    Raises
    ------
    InputError
        A segment under three samples, no segments, or an overlap that is no share.

    Notes
    -----
    D. B. Percival, A. T. Walden, *Spectral Analysis for Physical Applications* (1993), 6.17.
    """
    check_name("window", window, WINDOWS)
    size, hop = _size(segment), _hop(segment, overlap)
    if n_segments < 1:
        raise InputError(f"n_segments {n_segments}: at least 1 is needed")
    lag = np.arange(0, min(size, n_segments * hop), hop)  # samples between segments
    share = (1 - np.arange(len(lag)) / n_segments) * np.where(lag > 0, 2, 1) / n_segments
    taps = _taps(size, window)
    apart = np.zeros(size)  # variance shared by modes j and k, by (j - k) mod N
    for s, w in zip(lag, share, strict=True):
        product = np.zeros(size)
        product[: size - s] = taps[s:] * taps[: size - s]
        apart += w * np.abs(np.fft.fft(product) / size) ** 2
    modes = _modes(size).astype(np.int64)
    reach = apart[: len(modes)] > LEAST_SHARE * apart[0]
    reach[0] = True
    offsets = np.flatnonzero(reach)
    values = np.zeros((len(offsets), len(modes)))
    for d, row in zip(offsets, values, strict=True):
        one, other = modes[: len(modes) - d], modes[d:]
        row[: len(one)] = apart[d] + apart[(one + other) % size]  # and the mirror of the other
    if window == "hann":
        first = _first_mode(size, taps, lag, share, offsets[offsets < len(modes)])
        values[:, 0] = first
    values.setflags(write=False)
    return BandedCovariance(offsets, values)


def _first_mode(
    size: int, taps: np.ndarray, lag: np.ndarray, share: np.ndarray, offsets: np.ndarray
) -> np.ndarray:
    """Covariance of mode 1 and mode 1 + offset: the mean taken off changes mode 1 alone, [D]."""
    # What is left of mode 1 is F_1 / 2 - F_2 / 4: the taper's own plus F_0 / 4.
    wave = np.exp(-2j * np.pi * np.arange(size) / size)
    first = taps * wave + 0.25 / math.sqrt(HANN_POWER)
    level = np.mean(np.abs(first) ** 2)  # 5/6
    out = np.zeros(len(offsets))
    for s, w in zip(lag, share, strict=True):
        keep = size - s
        # Either segment may be the later one.
        for one, other in ((first[s:], taps[:keep]), (first[:keep], taps[s:])):
            rho = np.abs(np.fft.fft(one * other, size) / size) ** 2
            mode = 1 + offsets[1:]
            out[1:] += w / 2 * (rho[-mode] + rho[mode]) / level
        out[0] += w * abs(np.vdot(first[:keep], first[s:]) / size) ** 2 / level**2
        out[0] += w * abs(np.dot(first[:keep], first[s:]) / size) ** 2 / level**2
    return out


def _taps(size: int, window: str) -> np.ndarray:
    """The taper, of mean square 1, [N]."""
    if window == "none":
        return np.ones(size)
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)) / math.sqrt(HANN_POWER)


def _level(size: int, window: str) -> np.ndarray | float:
    """What gives white noise power 1 in every bin, [F]."""
    if window == "none":
        return 1.0
    level = np.full((size - 1) // 2, 1 / HANN_POWER)
    level[0] *= 6 / 5  # 1/4 + 1/16 left of 1/4 + 2/16
    return level


def _modes(size: int) -> np.ndarray:
    return np.arange(1, (size - 1) // 2 + 1)


def _hop(size: int, overlap: float) -> int:
    if not 0 <= overlap < 1:
        raise InputError(f"overlap {overlap} is no share of a segment; give 0 up to under 1")
    return max(1, size - int(overlap * size))


def _size(segment: int) -> int:
    try:
        size = operator.index(segment)
    except TypeError:
        size = 0
    if size < 3:
        raise InputError(f"segment {segment!r}: a whole number of at least 3 samples is needed")
    return size
