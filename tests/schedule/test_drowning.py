"""The share of frequencies that noise drowns out of order."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import spectra
from spectra.schedule import out_of_order
from tests.plots.conftest import power_law_images


def shaped(power) -> spectra.Spectrum:
    """A measured spectrum of 64 rings or so, given another arithmetic mean: f [F] -> power [F]."""
    rng = np.random.default_rng(0)
    clips = rng.standard_normal((40, 256)).astype(np.float32)
    spectrum = spectra.analyze(spectra.open_source(clips, view="series"), bases=())
    moments = spectrum.power_moments
    ratio = power(spectrum.frequency) / spectrum.power
    return replace(spectrum, power_moments=replace(moments, total=moments.total * ratio))


def test_a_power_law_has_none_and_a_rising_spectrum_all():
    assert out_of_order(shaped(lambda f: f**-2.0)) == 0
    assert out_of_order(shaped(lambda f: f**1.5)) == 1


def test_white_noise_has_about_half():
    shares = []
    for seed in range(20):
        noise = np.random.default_rng(seed).lognormal(size=10**4)
        shares.append(out_of_order(shaped(lambda f, noise=noise: noise[: len(f)])))
    assert np.mean(shares) == pytest.approx(0.5, abs=0.1)


def test_a_peak_in_the_middle_of_the_octaves_has_half():
    """Rising to the geometric middle and falling as steeply, as many pairs go either way."""

    def tent(f):
        return np.exp(-np.abs(np.log(f / np.sqrt(f[0] * f[-1]))))

    assert out_of_order(shaped(tent)) == pytest.approx(0.5, abs=0.03)


def test_it_is_the_order_in_which_a_cutoff_says_they_drown():
    spectrum = shaped(lambda f: f**-1.0 * (1 + 40 * np.exp(-((np.log(f / 0.1) / 0.3) ** 2))))
    share = out_of_order(spectrum)
    assert 0.05 < share < 0.5
    for name in ("rectified-flow", "vp-cosine"):
        cutoff = spectra.frequency_cutoff(spectrum, process=name, threshold=3.0)
        f = np.geomspace(spectrum.frequency[0], spectrum.frequency[-1], 60)
        t = cutoff.t_detect(np.minimum(f, spectrum.frequency[-1]))
        apart = f[None] >= 2 * f[:, None]
        assert (t[:, None] < t[None])[apart].mean() == pytest.approx(share, abs=0.06)


def test_pictures_count_too():
    assert out_of_order(spectra.analyze(power_law_images(12, (1, 16, 16)), bases=())) == 0


def test_less_than_an_octave_is_refused():
    spectrum = spectra.analyze(power_law_images(4, (1, 8, 8)), bases=())
    assert out_of_order(spectrum) == 0
    kept = spectrum.frequency > 0.6 * spectrum.frequency[-1]
    cut: Any = SimpleNamespace(
        name="cut", frequency=spectrum.frequency[kept], power=spectrum.power[kept]
    )
    with pytest.raises(spectra.InputError, match="octave"):
        out_of_order(cut)
