"""Cepstra of sound: the DCT along the mel axis of a log-mel spectrogram."""

from typing import Any

import numpy as np

from spectra.data.spectrogram import log_mel, mel_spectrogram, spectrogram
from spectra.errors import InputError

__all__ = ["log_mel", "mel_cepstrum", "mel_spectrogram", "mfcc", "spectrogram"]


def mfcc(
    x: Any,
    rate: float,
    *,
    n_mfcc: int = 20,
    n_fft: int = 2048,
    hop: int = 512,
    n_mels: int = 128,
    floor: float = 1e-10,
) -> np.ndarray:
    """Mel-frequency cepstral coefficients, [..., T] -> [..., n_mfcc, frames].

    The first `n_mfcc` of the orthonormal DCT-II of each frame of `log_mel`, in dB:
    ``librosa.feature.mfcc(S=librosa.power_to_db(mel, amin=floor, top_db=None))``.

    Parameters
    ----------
    x, rate, n_fft, hop, n_mels, floor
        As in `log_mel`.
    n_mfcc
        Coefficients, 1 to n_mels.

    Returns
    -------
    [..., n_mfcc, frames]
        dB; of the precision of `x`.

    Raises
    ------
    InputError
        As `log_mel`; or n_mfcc is not between 1 and n_mels.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(16_000)
    >>> spectra.mfcc(x, 16_000, n_mfcc=13).shape
    (13, 32)
    """
    from scipy.fft import dct

    if not 1 <= n_mfcc <= n_mels:
        raise InputError(f"n_mfcc {n_mfcc}: give 1 to n_mels, here {n_mels}")
    frames = log_mel(x, rate, n_fft=n_fft, hop=hop, n_mels=n_mels, floor=floor)
    return np.ascontiguousarray(np.asarray(dct(frames, axis=-2, norm="ortho"))[..., :n_mfcc, :])


def mel_cepstrum(
    x: Any,
    rate: float,
    *,
    n_fft: int = 2048,
    hop: int = 512,
    n_mels: int = 128,
    floor: float = 1e-10,
) -> tuple[np.ndarray, np.ndarray]:
    """Mel-cepstrum: every coefficient of the natural logarithm of mel power, and its quefrency.

    Parameters
    ----------
    x, rate, n_fft, hop, n_mels, floor
        As in `log_mel`.

    Returns
    -------
    cepstrum : [..., n_mels, frames]
        Orthonormal DCT-II along mel, nepers of power: `mfcc` times ln(10) / 10.
    quefrency : float64 [n_mels]
        Cycles in a band: coefficient q makes q / 2 cycles over the n_mels bands.

    Raises
    ------
    InputError
        As `log_mel`.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal(16_000)
    >>> cepstrum, quefrency = spectra.mel_cepstrum(x, 16_000, n_mels=80)
    >>> cepstrum.shape, quefrency.shape
    ((80, 32), (80,))
    """
    decibel = mfcc(x, rate, n_mfcc=n_mels, n_fft=n_fft, hop=hop, n_mels=n_mels, floor=floor)
    return decibel * decibel.dtype.type(np.log(10) / 10), np.arange(n_mels) / (2 * n_mels)
