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


@pytest.mark.slow
@pytest.mark.parametrize("true", [0.0, 0.4, 1.6, 6.0])
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


def test_octaves_are_counted_down_from_nyquist() -> None:
    data = noise(300, 4, side=64)
    modes = np.fft.rfft2(data)
    f = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.rfftfreq(64)[None, :])
    louder = np.fft.irfft2(modes * np.where(f > 0.25, 2.0, 1.0), s=(64, 64)).astype(np.float32)
    top, second, *rest = spectral_distance(louder, data).octaves
    assert (top.lowest, top.highest, second.lowest) == (0.25, 0.5, 0.125)
    assert top.difference_db == pytest.approx(20 * np.log10(2), abs=0.25)  # the taper's leakage
    assert top.low <= top.difference_db <= top.high
    assert abs(second.difference_db) < 0.5
    assert all(abs(octave.difference_db) < 0.01 for octave in rest)


def test_octave_intervals_cover_nothing() -> None:
    data = noise(2000, 0)
    found = [spectral_distance(noise(40, seed), data).octaves for seed in range(1, 61)]
    covered = [[octave.low <= 0 <= octave.high for octave in octaves] for octaves in found]
    assert (np.mean(covered, axis=0) >= 0.85).all()


@pytest.mark.parametrize("shape", [(1, 40), (2, 33), (1, 9, 40), (3, 16, 16)])
def test_series_and_oblong_images_have_one(shape: tuple[int, ...]) -> None:
    data = np.random.default_rng(0).standard_normal((200, *shape))
    found = spectral_distance(0.5 * data, data)
    assert found.value == pytest.approx(20 * np.log10(2), abs=0.05)
    assert found.octaves[0].highest == 0.5
    assert np.diff(found.frequency).min() > 0


def test_power_of_white_series_is_one() -> None:
    from spectra.evaluation.spectral import ring_power

    power = ring_power(np.random.default_rng(0).standard_normal((4000, 1, 64)))
    np.testing.assert_allclose(power.mean(axis=0), 1, atol=0.08)


def test_examples_of_one_file_count_once_for_the_interval() -> None:
    one = noise(40, 0)
    data = noise(400, 1)
    alone = spectral_distance(one, data)
    copied = spectral_distance(np.repeat(one, 9, axis=0), data, units=np.repeat(np.arange(40), 9))
    assert copied.high == pytest.approx(alone.high, rel=0.1)
    assert copied.octaves[0].low == pytest.approx(alone.octaves[0].low, rel=0.2)


def test_nan_is_refused_and_constants_are_far() -> None:
    data = noise(20, 0)
    with pytest.raises(InputError, match="NaN"):
        spectral_distance(np.where(data > 2, np.nan, data), data)
    assert 100 < spectral_distance(np.ones_like(data), data).value < np.inf
    with pytest.raises(InputError, match="too large"):
        spectral_distance(1e30 * data, data)
    with pytest.raises(InputError, match="ring"):
        spectral_distance(data[:, :, 0, :2], data[:, :, 0, :2])
    with pytest.raises(InputError, match="ring"):
        spectral_distance(data[..., :1, :1], data[..., :1, :1])
