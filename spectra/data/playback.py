"""Examples of sound made audible again: waveforms as they are, log-mel images by Griffin-Lim."""

import io

import numpy as np

from spectra.data.options import Options
from spectra.data.sound_views import FLOOR_DB, TOP_DB, MelView, mel_view
from spectra.errors import InputError

__all__ = ["mel_waveform", "sound_of", "wav_bytes"]

ITERATIONS = 64
FULL_SCALE = 32767


def sound_of(examples: np.ndarray, view: str, n_mels: int, rate: int) -> np.ndarray:
    """Examples of a sound view as samples, [n, C, T] or [n, C, n_mels, frames] -> [n, C, T].

    Parameters
    ----------
    view : {"waveform", "log-mel"}
    n_mels : int
        Rows of a log-mel image.
    rate : int
        Samples a second.

    Raises
    ------
    InputError
        The view is none of sound.
    """
    if view == "waveform":
        return examples
    if view != "log-mel":
        raise InputError(f"view {view}: is no sound; waveform and log-mel can be heard")
    mel = mel_view(Options(view=view, size=(n_mels, examples.shape[-1])), rate, "sound")
    assert mel is not None
    return np.stack([[mel_waveform(image, mel) for image in example] for example in examples])


def mel_waveform(image: np.ndarray, mel: MelView) -> np.ndarray:
    """Samples whose log-mel image is nearly this one, [n_mels, frames] -> [hop (frames - 1)].

    Bands to bins by non-negative least squares, phases by Griffin and Lim, "Signal estimation from
    modified short-time Fourier transform" (1984), begun from seeded ones.
    """
    import librosa

    middle, half = (TOP_DB + FLOOR_DB) / 2, (TOP_DB - FLOOR_DB) / 2
    decibel = np.clip(middle + half * image.astype(float), FLOOR_DB, TOP_DB)
    magnitude = librosa.feature.inverse.mel_to_stft(
        10 ** (decibel / 10), sr=mel.rate, n_fft=mel.n_fft, power=2.0
    )
    return librosa.griffinlim(
        magnitude,
        n_iter=ITERATIONS,
        hop_length=mel.hop,
        n_fft=mel.n_fft,
        pad_mode="constant",
        random_state=0,
    ).astype(np.float32)


def wav_bytes(samples: np.ndarray, rate: int) -> bytes:
    """A 16-bit WAV file of samples [C, T] in [-1, 1]; what is louder is clipped."""
    import soundfile

    whole = np.round(np.clip(samples, -1, 1) * FULL_SCALE).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, whole.T, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
