"""The top octave tells blurred, noisy and Gaussian samples from data, and data not from data."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import spectra
from spectra.errors import InputError
from spectra.evaluation import classifier_auc, high_frequency_features


def noise(n: int, seed: int, shape: tuple[int, ...] = (1, 16, 16)) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, *shape)).astype(np.float32)


@pytest.mark.slow
def test_data_are_not_told_from_data() -> None:
    found = [classifier_auc(noise(60, 2 * s), noise(90, 2 * s + 1), seed=s) for s in range(60)]
    assert np.mean([one.value for one in found]) == pytest.approx(0.5, abs=0.025)
    assert np.mean([one.low <= 0.5 <= one.high for one in found]) >= 0.88


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 12, 20), (1, 64), (2, 33)])
def test_blurred_and_noisy_samples_are_told(shape: tuple[int, ...]) -> None:
    data, other = noise(80, 0, shape), noise(80, 1, shape)
    blurred = gaussian_filter(other, 0.5, axes=tuple(range(2, other.ndim)))
    louder = 1.2 * other
    for wrong in (blurred, louder):
        found = classifier_auc(wrong, data)
        assert found.low > 0.6
        assert found.value > 0.7


@pytest.fixture(scope="module")
def photos() -> tuple[np.ndarray, np.ndarray]:
    source = spectra.open_source("photos", size=32)
    index = np.linspace(0, len(source) - 1, 240).astype(int)
    return source.examples(index), source.file_index[index]


def test_gaussian_fields_of_the_photos_own_spectra_are_told(photos) -> None:
    """Equal power in every mode of every patch, phases at random: only edges are missing."""
    data, files = photos
    phase = np.angle(np.fft.fft2(noise(len(data), 0, data.shape[1:])))
    fields = np.fft.ifft2(np.abs(np.fft.fft2(data)) * np.exp(1j * phase)).real
    assert classifier_auc(fields, data, units=files, sample_units=files).low > 0.7


def test_halves_of_the_photos_are_not_told(photos) -> None:
    """By file: patches of a photograph lie on one side and in one fold."""
    data, files = photos
    left = files % 2 == 0
    found = classifier_auc(data[left], data[~left], units=files[~left], sample_units=files[left])
    assert found.low <= 0.5 <= found.high


def test_the_colours_top_octaves_must_go_together() -> None:
    grey = np.repeat(noise(100, 0), 3, axis=1) + 0.1 * noise(100, 1, (3, 16, 16))
    apart = noise(100, 2, (3, 16, 16)) * np.sqrt(1.01)
    assert classifier_auc(apart, grey).low > 0.9


def test_features_see_only_the_top_octave() -> None:
    x = noise(5, 0, (1, 32, 32))
    wave = np.cos(2 * np.pi * 4 / 32 * np.arange(32)).astype(np.float32)
    np.testing.assert_allclose(
        high_frequency_features(x + 9 * wave), high_frequency_features(x), rtol=1e-3, atol=1e-4
    )
    assert np.isfinite(high_frequency_features(np.zeros((2, 1, 8, 8)))).all()


def test_too_little_is_refused() -> None:
    with pytest.raises(InputError, match="5"):
        classifier_auc(noise(4, 0), noise(20, 1))
    with pytest.raises(InputError, match="files"):
        classifier_auc(noise(20, 0), noise(20, 1), units=np.repeat([0, 1], 10))
    with pytest.raises(InputError, match="top octave"):
        classifier_auc(noise(9, 0, (1, 1, 1)), noise(9, 1, (1, 1, 1)))
