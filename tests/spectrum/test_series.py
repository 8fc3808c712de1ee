"""Spectra of series: Welch segments and whole clips, under the convention of images."""

from pathlib import Path

import numpy as np
import pytest
from scipy import signal

import spectra
from spectra import InputError
from spectra.spectrum.estimator import Estimator
from tests.repeats import then_slow


def series(rng: np.random.Generator, n: int, length: int, alpha: float = 0.0) -> np.ndarray:
    """Gaussian series on a circle, E |F|^2 / T = f^-alpha, [n, length]."""
    frequency = np.fft.rfftfreq(length)
    frequency[0] = np.inf
    modes = np.fft.rfft(rng.standard_normal((n, length))) * frequency ** (-alpha / 2)
    return np.fft.irfft(modes, n=length)


def opened(values: np.ndarray) -> spectra.Source:
    return spectra.open_source(values.astype(np.float32), view="series")


@pytest.mark.parametrize("window", ["hann", "none"])
@pytest.mark.parametrize(
    ("length", "segment"), then_slow([(1000, 250), (999, None)], [(4096, 256)])
)
def test_white_noise_has_power_one_in_every_ring(
    window: str, length: int, segment: int | None
) -> None:
    noise = series(np.random.default_rng(0), 1500, length)
    spectrum = spectra.analyze(opened(noise), window=window, segment=segment, bases=())  # pyright: ignore[reportArgumentType]
    error = np.sqrt(np.diagonal(spectrum.mode_covariance()) / 1500)
    assert np.abs((spectrum.power - 1) / error).max() < 5
    assert spectrum.power.mean() == pytest.approx(1, abs=0.01)
    assert spectrum.mean_power_2d is None


def test_welch_is_scipys() -> None:
    values = series(np.random.default_rng(1), 12, 5000, 1.0)
    spectrum = spectra.analyze(opened(values), segment=512, bases=())
    frequency, density = signal.welch(values, nperseg=512, detrend="constant")
    # scipy's is a one-sided density: twice ours at a sampling rate of 1.
    np.testing.assert_allclose(spectrum.frequency, frequency[1:-1])
    power, same = spectra.welch(values.astype(np.float32), 512)
    np.testing.assert_allclose(spectrum.power, power.mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(spectrum.frequency, same)
    ours = spectrum.power[2:]  # beside DC ours puts back what the mean took
    np.testing.assert_allclose(ours, density.mean(axis=0)[1:-1][2:] / 2, rtol=1e-4)


@pytest.mark.parametrize(
    ("window", "segment"), then_slow([("hann", 256)], [("none", 256), ("hann", None)])
)
def test_scatter_of_one_series_is_the_stated_one(window: str, segment: int | None) -> None:
    length = 2048 if segment else 512
    values = series(np.random.default_rng(2), 4000, length)
    spectrum = spectra.analyze(opened(values), window=window, segment=segment, bases=())  # pyright: ignore[reportArgumentType]
    variance = np.diagonal(spectrum.power_moments.covariance()) * 4000
    stated = np.diagonal(spectrum.mode_covariance())
    assert np.median(variance / stated) == pytest.approx(1, abs=0.05)


def test_long_clips_have_rings_of_several_modes() -> None:
    values = series(np.random.default_rng(3), 40, 40_000, 1.0)
    spectrum = spectra.analyze(opened(values), segment=None, window="none", bases=())
    assert len(spectrum.frequency) == 2047
    assert spectrum.count.min() >= 18
    np.testing.assert_allclose(
        (spectrum.power * spectrum.frequency)[5:], 1, atol=6 * (2 / 18 / 40) ** 0.5
    )
    np.testing.assert_allclose(spectrum.law_power(1.0)[5:], 1 / spectrum.frequency[5:], rtol=1e-2)


def test_a_power_law_is_recovered() -> None:
    values = series(np.random.default_rng(4), 200, 16_384, 1.5)
    spectrum = spectra.analyze(opened(values), bases=())
    assert spectrum.segment == 4096
    fit = spectra.fit_power_law(spectrum)
    assert fit.alpha == pytest.approx(1.5, abs=0.02)


def test_segments_are_half_overlapping() -> None:
    estimator = Estimator((1000,), segment=100)
    assert estimator.segments == 19
    assert Estimator((1000,)).segments == 1


def test_a_segment_that_does_not_fit_is_refused() -> None:
    values = series(np.random.default_rng(5), 4, 200)
    for segment in (201, 8, 0):
        with pytest.raises(InputError, match=f"segment {segment} does not fit"):
            spectra.analyze(opened(values), segment=segment)


def test_stereo_has_cross_power() -> None:
    rng = np.random.default_rng(6)
    left = series(rng, 50, 1024)
    both = np.stack([left, 0.5 * left + 0.1 * series(rng, 50, 1024)], axis=1)
    spectrum = spectra.analyze(opened(both), segment=128, bases=())
    assert spectrum.cross_power is not None
    np.testing.assert_allclose(spectrum.cross_power[0, 1], 0.5, atol=0.06)
    np.testing.assert_allclose(
        np.diagonal(spectrum.cross_power).mean(axis=1), spectrum.power, rtol=1e-5
    )


def test_the_mean_of_logs_is_over_clips_not_over_their_tiles(tmp_path: Path) -> None:
    """A long loud clip counts as one; a silent one not at all."""
    import soundfile

    rng = np.random.default_rng(7)
    lengths, levels = (40_000, 10_000, 10_000), (0.2, 0.02, 0.05)
    clips = [v * rng.standard_normal(n) for n, v in zip(lengths, levels, strict=True)]
    for number, clip in enumerate([*clips, np.zeros(9000)]):
        soundfile.write(tmp_path / f"{number}.wav", clip, 8000, "FLOAT")
    source = spectra.open_source(tmp_path, view="waveform", size=1024)
    spectrum = spectra.analyze(source, segment=256, bases=())
    assert spectrum.n_files == 4
    expected = []
    for clip in clips:
        tiles = clip[(len(clip) % 1024) // 2 :][: len(clip) // 1024 * 1024].reshape(-1, 1024)
        alone = spectra.analyze(opened(tiles), segment=256, bases=())
        expected.append(np.log(alone.power))
    np.testing.assert_allclose(spectrum.log_power, np.mean(expected, axis=0), atol=1e-4)
    assert (spectrum.unit, spectrum.physical_frequency[0]) == ("Hz", 8000 / 256)
