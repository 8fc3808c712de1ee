"""Spectrograms, mel spectrograms and cepstra: librosa's numbers, whatever lies beside them."""

import warnings
from typing import Any

import numpy as np
import pytest

from spectra import InputError
from spectra.data.spectrogram import mel_filters
from spectra.spectrum.mel import log_mel, mel_cepstrum, mel_spectrogram, mfcc, spectrogram
from tests.shared import AUDIO

# rate, n_fft, hop, n_mels: powers of two and not, even and odd, hop not a divisor, tiny
WAYS = [
    (22050, 2048, 512, 128),
    (8000, 512, 128, 64),
    (16000, 400, 160, 80),
    (44100, 1025, 300, 40),
    (48000, 4096, 1000, 229),
    (22050, 4, 1, 2),
    (22050, 64, 100, 10),
]


@pytest.fixture(scope="module")
def librosa() -> Any:
    return pytest.importorskip("librosa")


def theirs(librosa: Any, x: np.ndarray, way: tuple[int, int, int, int]) -> np.ndarray:
    rate, n_fft, hop, n_mels = way
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a clip shorter than a frame
        return librosa.feature.melspectrogram(
            y=x, sr=rate, n_fft=n_fft, hop_length=hop, n_mels=n_mels
        )


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("samples", [1, 7, 3000, 9001])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_mel_power_equals_librosa(
    librosa: Any, way: tuple[int, int, int, int], samples: int, dtype: Any
) -> None:
    rate, n_fft, hop, n_mels = way
    x = np.random.default_rng(samples).standard_normal((2, samples)).astype(dtype)
    ours = mel_spectrogram(x, rate, n_fft=n_fft, hop=hop, n_mels=n_mels)
    expected = theirs(librosa, x, way)
    assert ours.dtype == expected.dtype == dtype
    np.testing.assert_allclose(ours, expected, rtol=3e-6)


@pytest.mark.parametrize("way", WAYS)
def test_filters_equal_librosa(librosa: Any, way: tuple[int, int, int, int]) -> None:
    rate, n_fft, _, n_mels = way
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # empty bands
        expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels)
    np.testing.assert_allclose(mel_filters(rate, n_fft, n_mels), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("n_fft", [64, 65, 4, 5])
def test_spectrogram_equals_librosa(librosa: Any, n_fft: int) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 999))
    for center in (True, False):
        ours = spectrogram(x, n_fft=n_fft, hop=3, center=center)
        expected = np.abs(librosa.stft(x, n_fft=n_fft, hop_length=3, center=center)) ** 2
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-12)


def test_quiet_bands_beside_a_loud_tone_keep_their_digits(librosa: Any) -> None:
    """120 dB apart in float32: a transform in float32 is off there by a factor."""
    rng = np.random.default_rng(0)
    t = np.arange(30000) / 22050
    x = (np.sin(2 * np.pi * 440 * t) + 1e-6 * rng.standard_normal(t.size)).astype(np.float32)
    way = (22050, 2048, 512, 128)
    exact = theirs(librosa, x.astype(np.float64), way)
    assert exact.max() / exact.min() > 1e9
    np.testing.assert_allclose(mel_spectrogram(x, 22050), exact, rtol=1e-5)


@pytest.mark.parametrize("clip", ["music", "esc10", "librispeech"])
def test_log_mel_and_mfcc_of_real_sound_equal_librosa(librosa: Any, clip: str) -> None:
    soundfile = pytest.importorskip("soundfile")
    found = sorted((AUDIO / clip).glob("*")) if AUDIO.is_dir() else []
    paths = [path for path in found if path.suffix in (".flac", ".ogg")]
    if not paths:
        pytest.skip(f"no sound at ../shared/data/audio/{clip}")
    x, rate = soundfile.read(paths[0], frames=100_000, dtype="float32", always_2d=True)
    x = np.ascontiguousarray(x.mean(axis=1))
    mel = theirs(librosa, x, (rate, 2048, 512, 128))
    np.testing.assert_allclose(mel_spectrogram(x, rate), mel, rtol=1e-5, atol=1e-20)
    decibel = librosa.power_to_db(mel, top_db=None)
    np.testing.assert_allclose(log_mel(x, rate), decibel, atol=2e-4)
    expected = librosa.feature.mfcc(S=decibel, n_mfcc=20)
    np.testing.assert_allclose(mfcc(x, rate), expected, rtol=1e-5, atol=1e-3)


def test_a_frame_does_not_depend_on_the_rest_of_its_clip() -> None:
    """What librosa's top_db breaks."""
    rng = np.random.default_rng(1)
    quiet = 1e-4 * rng.standard_normal(22050)
    loud = np.concatenate([quiet, 100 * rng.standard_normal(22050)])
    alone, together = log_mel(quiet, 22050), log_mel(loud, 22050)
    np.testing.assert_array_equal(together[:, :40], alone[:, :40])


def test_floor_holds_in_silence() -> None:
    silence = log_mel(np.zeros(5000, np.float32), 22050, floor=1e-6)
    np.testing.assert_allclose(silence, -60, rtol=1e-6)


def test_cepstrum_is_the_mfcc_in_nepers_and_gives_the_frame_back() -> None:
    from scipy.fft import idct

    x = np.random.default_rng(2).standard_normal((2, 8000))
    cepstrum, quefrency = mel_cepstrum(x, 16000, n_fft=512, hop=128, n_mels=40)
    frames = log_mel(x, 16000, n_fft=512, hop=128, n_mels=40)
    np.testing.assert_allclose(idct(cepstrum, axis=-2, norm="ortho"), frames * np.log(10) / 10)
    assert quefrency[1] == 1 / 80  # half a cycle over 40 bands
    # A ripple of 5 cycles over the bands is coefficient 10.
    ripple = np.cos(2 * np.pi * quefrency[10] * (np.arange(40) + 0.5))
    from scipy.fft import dct

    assert np.argmax(np.abs(dct(ripple, norm="ortho"))) == 10


def test_integers_and_layouts_are_taken() -> None:
    x = np.random.default_rng(3).integers(-30000, 30000, (4000, 2), np.int16)
    strided = mel_spectrogram(x.T, 16000, n_fft=256, hop=64, n_mels=20)
    plain = mel_spectrogram(
        np.ascontiguousarray(x.T, np.float32), 16000, n_fft=256, hop=64, n_mels=20
    )
    np.testing.assert_array_equal(strided, plain)
    swapped = x.T.astype(">f8")
    assert mel_spectrogram(swapped, 16000, n_fft=256).dtype == np.float64
    np.testing.assert_allclose(
        mel_spectrogram(swapped, 16000, n_fft=256, hop=64, n_mels=20), plain, rtol=1e-5
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"x": np.zeros(0)}, "no samples"),
        ({"x": np.zeros(9000, complex)}, "complex128"),
        ({"x": ["a"]}, "not real numbers"),
        ({"x": np.zeros((0, 100))}, "no samples"),
        ({"x": np.full(100, np.nan)}, "NaN"),
        ({"x": np.zeros(100), "hop": 0}, "hop"),
        ({"x": np.zeros(100), "n_fft": 3}, "n_fft"),
        ({"x": np.zeros(100), "n_fft": 2.5}, "n_fft"),
        ({"x": np.zeros(100), "n_mels": 0}, "n_mels"),
        ({"x": np.zeros(100), "rate": -1}, "rate"),
        ({"x": np.zeros(100), "rate": float("nan")}, "rate"),
        ({"x": np.zeros(100), "n_fft": 256, "center": False}, "n_fft"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        mel_spectrogram(**({"rate": 8000} | arguments))
    with pytest.raises(InputError, match="floor"):
        log_mel(np.zeros(100), 8000, floor=0.0)
    with pytest.raises(InputError, match="n_mfcc"):
        mfcc(np.zeros(100), 8000, n_mfcc=0)
