"""Tapers: scipy's numbers at the level of white noise, in shapes down to one sample."""

import numpy as np
import pytest
import scipy.signal

from spectra import InputError
from spectra.spectrum.windows import window


def hann(shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Its taps and its gain."""
    made = window("hann", shape)
    assert made.taps is not None
    assert made.gain is not None
    return made.taps, made.gain


@pytest.mark.parametrize("shape", [(64,), (2,), (8, 8), (33, 20), (2, 5)])
def test_taps_are_scipys_scaled_to_keep_the_mean_square(shape: tuple[int, ...]) -> None:
    taps, _ = hann(shape)
    expected = np.ones(())
    for n in shape:
        expected = np.multiply.outer(expected, scipy.signal.get_window("hann", n))  # periodic
    np.testing.assert_allclose(taps, expected / np.sqrt((expected**2).mean()), atol=1e-15)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("shape", [(1,), (1, 1), (1, 1, 1)])
def test_a_single_sample_is_left_as_it_is(shape: tuple[int, ...]) -> None:
    for table in hann(shape):
        np.testing.assert_array_equal(table, np.ones(shape))


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("n", [2, 3, 16, 33])
def test_an_axis_of_one_sample_changes_nothing(n: int) -> None:
    series_taps, series_gain = hann((n,))
    for shape in ((1, n), (n, 1)):
        taps, gain = hann(shape)
        np.testing.assert_allclose(taps.ravel(), series_taps, atol=1e-15)
        np.testing.assert_allclose(gain.ravel()[: n // 2 + 1], series_gain, rtol=1e-12)
        assert np.isfinite(gain).all()


@pytest.mark.parametrize("shape", [(8,), (5, 6), (1, 8)])
def test_white_noise_keeps_power_one_in_every_mode(shape: tuple[int, ...]) -> None:
    """Exactly: the mean square of each mode over the unit impulses, which white noise sums."""
    (taps, gain), size = hann(shape), int(np.prod(shape))
    impulses = np.eye(size).reshape(size, *shape)
    tapered = (impulses - 1 / size) * taps
    modes = np.fft.rfftn(tapered, axes=range(1, len(shape) + 1))
    power = (np.abs(modes) ** 2).sum(axis=0) / size * gain
    np.testing.assert_allclose(power.ravel()[1:], 1.0, rtol=1e-9)


def test_other_tapers_leave_values_alone_and_unknown_ones_are_refused() -> None:
    for name in ("none", "periodic"):
        assert window(name, (1, 1)).taps is None
    with pytest.raises(InputError, match="boxcar"):
        window("boxcar", (8, 8))
