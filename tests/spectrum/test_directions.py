"""Spectra by direction: the axes, sectors of angle, and isotropic noise."""

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.spectrum.directions import axis_spectrum, sector_spectra
from tests.spectrum.fields import power_law_fields, white_noise


@pytest.mark.parametrize("shape", [(64, 64), (33, 48)])
def test_white_noise_is_one_in_every_direction(shape: tuple[int, int]) -> None:
    images = white_noise(np.random.default_rng(0), 400, shape)
    spectrum = spectra.analyze(images, window="none", bases=())
    for axis in (0, 1):
        np.testing.assert_allclose(axis_spectrum(spectrum, axis).power, 1, atol=0.05)
    found = sector_spectra(spectrum, 6)
    np.testing.assert_allclose(found.power[found.count > 8], 1, atol=0.1)
    np.testing.assert_array_equal(found.count.sum(axis=0), spectrum.count)
    weighted = np.nansum(found.power * found.count, axis=0) / found.count.sum(axis=0)
    np.testing.assert_allclose(weighted, spectrum.power, rtol=1e-5)


@pytest.mark.parametrize(("axis", "angle"), [(1, 0), (0, 90)])
def test_waves_along_an_axis_lie_in_its_sector(axis: int, angle: int) -> None:
    rng = np.random.default_rng(1)
    place = np.indices((64, 64))[axis]
    phase = rng.uniform(0, 2 * np.pi, (20, 1, 1))
    images = np.cos(2 * np.pi * 0.125 * place + phase) + 0.1 * white_noise(rng, 20, (64, 64))
    spectrum = spectra.analyze(images, window="none", bases=())
    found = sector_spectra(spectrum)
    ring = int(np.argmin(np.abs(found.frequency - 0.125)))
    assert found.angle[int(np.nanargmax(found.power[:, ring]))] == angle
    assert found.power[:, ring].max() > 100 * found.power[:, ring].min()
    along = axis_spectrum(spectrum, axis)
    assert along.frequency[int(along.power.argmax())] == pytest.approx(0.125)
    across = axis_spectrum(spectrum, 1 - axis)
    assert across.power.max() / across.power.min() < 2


def test_isotropic_fields_have_even_sectors() -> None:
    images = power_law_fields(np.random.default_rng(2), 800, (64, 64), 2.0)
    found = sector_spectra(spectra.analyze(images, window="none", bases=()))
    with np.errstate(invalid="ignore"):
        ratio = found.power.max(axis=0) / found.power.min(axis=0)
    assert np.nanmax(ratio[4:]) < 1.25


def test_axes_carry_their_units() -> None:
    images = white_noise(np.random.default_rng(0), 8, (32, 32))
    spectrum = spectra.analyze(spectra.open_source(images, spacing=(2.0, 0.5)))
    across = axis_spectrum(spectrum, 1)
    np.testing.assert_allclose(across.physical_frequency, across.frequency / 0.5)
    with pytest.raises(InputError, match="axis 2"):
        axis_spectrum(spectrum, 2)
    with pytest.raises(InputError, match="sectors"):
        sector_spectra(spectrum, 1)
