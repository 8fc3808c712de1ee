"""Spectral distance: zero for equal spectra, the planted gain in dB, intervals that cover."""

import numpy as np
import pytest

from spectra.errors import InputError
from spectra.evaluation import spectral_distance


def noise(n: int, seed: int, scale: float = 1.0, side: int = 16) -> np.ndarray:
    return scale * np.random.default_rng(seed).normal(size=(n, 1, side, side)).astype(np.float32)


def test_a_gain_is_found_in_decibels() -> None:
    data = noise(400, 0)
    found = spectral_distance(2 * data, data)
    assert found.value == pytest.approx(20 * np.log10(2), abs=0.01)
    np.testing.assert_allclose(found.difference_db, 20 * np.log10(2), atol=1e-4)
    assert found.low <= found.value <= found.high


def test_equal_data_have_distance_zero() -> None:
    data = noise(50, 1)
    assert spectral_distance(data, data).value == 0


@pytest.mark.parametrize(
    "true",
    [
        pytest.param(0.0, marks=pytest.mark.slow),
        0.4,
        pytest.param(1.6, marks=pytest.mark.slow),
        pytest.param(6.0, marks=pytest.mark.slow),
    ],
)
def test_interval_covers_a_planted_distance(true: float) -> None:
    """95 % of the time or more; the value is unbiased in the square."""
    data = noise(4000, 0)
    gain = 10 ** (true / 20)
    found = [spectral_distance(noise(64, seed, gain), data, seed=seed) for seed in range(1, 121)]
    covered = np.mean([one.low <= true <= one.high for one in found])
    assert covered >= 0.88
    assert np.mean([one.value**2 for one in found]) == pytest.approx(true**2, abs=0.15)


def test_octaves_weigh_alike() -> None:
    """A gain in the top octave alone counts for the octave's share of ln f."""
    data = noise(400, 3, side=64)
    modes = np.fft.rfft2(data)
    f = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(64)[None, :])
    louder = np.fft.irfft2(modes * np.where(f > 0.25, 10.0, 1.0), s=(64, 64)).astype(np.float32)
    found = spectral_distance(louder, data)
    rings = found.frequency
    share = np.log(rings[-1] / 0.25) / np.log(rings[-1] / rings[0])
    assert found.value == pytest.approx(20 * np.sqrt(share), rel=0.05)


def test_shapes_must_agree() -> None:
    with pytest.raises(InputError, match="shape"):
        spectral_distance(noise(4, 0, side=8), noise(4, 0, side=16))
    with pytest.raises(InputError, match="2 samples"):
        spectral_distance(noise(1, 0), noise(4, 0))
