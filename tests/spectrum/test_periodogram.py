"""Welch's mean and the periodogram: scipy's numbers, the level of white noise, its covariance."""

from typing import Any

import numpy as np
import pytest

from spectra import InputError
from spectra.spectrum.periodogram import segment_count, welch, welch_covariance
from tests.repeats import then_slow
from tests.shared import AUDIO


@pytest.mark.parametrize("segment", [4, 5, 64, 65, 1000])
@pytest.mark.parametrize("overlap", [0.0, 0.5, 0.75])
@pytest.mark.parametrize("window", ["hann", "none"])
def test_equals_scipy(segment: int, overlap: float, window: str) -> None:
    from scipy import signal

    x = np.random.default_rng(0).standard_normal((2, 4321)) + 5
    power, frequency = welch(x, segment, window=window, overlap=overlap)
    their_frequency, theirs = signal.welch(
        x,
        window={"hann": "hann", "none": "boxcar"}[window],
        nperseg=segment,
        noverlap=int(overlap * segment),
        detrend="constant",
        scaling="density",
    )
    count = (segment - 1) // 2
    expected = theirs[:, 1 : count + 1] / 2
    if window == "hann":
        expected[:, 0] *= 6 / 5  # the mean took a sixth of the first bin
    np.testing.assert_allclose(power, expected, rtol=1e-9)
    np.testing.assert_allclose(frequency, their_frequency[1 : count + 1], rtol=1e-12)


@pytest.mark.parametrize("segment", [16, 17, 3, 4])
@pytest.mark.parametrize("window", ["hann", "none"])
def test_white_noise_has_power_one_in_every_bin(segment: int, window: str) -> None:
    x = 3 + np.random.default_rng(1).standard_normal((400, 4000), np.float32)
    power, _ = welch(x, segment, window=window)
    assert power.dtype == np.float32
    np.testing.assert_allclose(power.mean(axis=0), 1, atol=0.01)


@pytest.mark.parametrize("samples", [501, 500])
def test_parseval_of_the_whole_clip(samples: int) -> None:
    x = np.random.default_rng(2).standard_normal(samples)
    power, frequency = welch(x, None, window="none")
    assert len(power) == (samples - 1) // 2
    nyquist = 0.0
    if samples % 2 == 0:
        nyquist = np.sum(x * (-1.0) ** np.arange(samples)) ** 2 / samples
    total = (2 * power.sum() + nyquist) / samples + x.mean() ** 2
    assert total == pytest.approx(np.mean(x**2), rel=1e-12)
    assert np.all(np.diff(frequency) > 0)
    assert frequency[-1] < 0.5


def test_a_tone_peaks_at_its_frequency_whatever_the_offset() -> None:
    x = 1e4 + np.cos(2 * np.pi * 0.125 * np.arange(8192))
    power, frequency = welch(x.astype(np.float32), 512)
    assert frequency[power.argmax()] == 0.125
    assert power[0] < 1e-4 * power.max()


def test_scale_and_batch() -> None:
    x = np.random.default_rng(3).standard_normal((2, 3, 700))
    power, _ = welch(x, 128)
    assert power.shape == (2, 3, 63)
    np.testing.assert_allclose(welch(x[1, 2], 128)[0], power[1, 2], rtol=1e-12)
    np.testing.assert_allclose(welch(7 * x, 128)[0], 49 * power, rtol=1e-12)
    np.testing.assert_allclose(
        welch(x.astype(np.float32), 128)[0], power, rtol=1e-4, atol=1e-6 * power.max()
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("segment", "segments", "window", "overlap"),
    [
        (16, 1, "hann", 0.5),
        (16, 6, "hann", 0.5),
        (17, 5, "hann", 0.75),
        (16, 6, "none", 0.5),
        (15, 4, "hann", 0.0),
    ],
)
def test_covariance_is_that_of_many_clips(
    segment: int, segments: int, window: str, overlap: float
) -> None:
    clips = 60_000
    hop = segment - int(overlap * segment)
    samples = segment + (segments - 1) * hop
    assert segment_count(samples, segment, overlap) == segments
    x = np.random.default_rng(4).standard_normal((clips, samples))
    power, _ = welch(x, segment, window=window, overlap=overlap)
    measured = np.cov(power.T)
    stated = welch_covariance(segment, segments, window=window, overlap=overlap).dense()
    variance = np.diag(stated)
    error = np.sqrt((np.outer(variance, variance) + stated**2) / clips)
    # Powers have heavier tails than a Gaussian: up to twice its error, and 4 of those.
    assert np.abs((measured - stated) / error).max() < 8


def test_covariance_without_overlap_or_taper_is_that_of_independent_modes() -> None:
    band = welch_covariance(64, 10, window="none", overlap=0.0)
    assert band.offsets.tolist() == [0]
    np.testing.assert_allclose(band.values, 0.1, rtol=1e-12)
    hann = welch_covariance(4096, 1)
    np.testing.assert_allclose(hann.values[:3, 100], [1, 4 / 9, 1 / 36], rtol=1e-9)
    assert len(hann.offsets) == 3


def test_half_overlap_of_hann_leaves_most_of_the_independence() -> None:
    """Neighbours share (1/6)^2 of their variance, so 2 / n is 1 + 1/18 of that of as many apart."""
    variance = welch_covariance(4096, 1000).values[0, 500]
    assert variance * 1000 == pytest.approx(1 + 2 * (1 / 6) ** 2, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "peak"), then_slow([("librispeech", 207)], [("esc10", 732), ("music", 344.5)])
)
def test_peak_of_the_mean_log_spectrum_of_real_sound(name: str, peak: float) -> None:
    """Whole clips, 4,096 samples, above 20 Hz: not at the lowest frequency, as a power law's is."""
    soundfile = pytest.importorskip("soundfile")
    found = sorted((AUDIO / name).glob("*")) if AUDIO.is_dir() else []
    paths = [path for path in found if path.suffix in (".flac", ".ogg")]
    if not paths:
        pytest.skip(f"no sound at ../shared/data/audio/{name}")
    logs, hertz = [], np.zeros(0)
    for path in paths:
        x, rate = soundfile.read(path, dtype="float32", always_2d=True)
        power, frequency = welch(x.mean(axis=1), 4096)
        logs.append(np.log(power))
        hertz = frequency * rate
    mean = np.mean(logs, axis=0)[hertz > 20]
    assert hertz[hertz > 20][mean.argmax()] == pytest.approx(peak, rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"x": np.zeros(0)}, "no samples"),
        ({"x": np.zeros(9000, complex)}, "complex128"),
        ({"x": ["a"]}, "not real numbers"),
        ({"x": np.zeros(100)}, "100 samples"),
        ({"x": np.zeros(2), "segment": None}, "2 samples"),
        ({"x": np.zeros(100), "segment": 2}, "segment"),
        ({"x": np.zeros(100), "segment": "8"}, "segment"),
        ({"x": np.zeros(100), "segment": 8, "overlap": 1.0}, "overlap"),
        ({"x": np.zeros(100), "segment": 8, "overlap": float("nan")}, "overlap"),
        ({"x": np.zeros(100), "segment": 8, "window": "hamming"}, "window"),
        ({"x": np.zeros(100), "segment": 8, "window": "periodic"}, "window"),
        ({"x": np.full(100, np.inf), "segment": 8}, "infinite"),
    ],
)
def test_bad_input_is_named(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        welch(**arguments)
    with pytest.raises(InputError, match="n_segments"):
        welch_covariance(16, 0)
