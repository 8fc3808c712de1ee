"""Copied baselines as people copy them: shifted, on rescaled values, trained at EDM's density."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import truncnorm

import spectra
from spectra.schedule import Schedule, training_density
from spectra.schedule.densities.density import schedule_density
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (3, 8, 12), quantum=2 / 255)
SCALAR = ("rectified-flow", "vp-cosine", "vp-linear", "ve", "edm")
T = np.linspace(0, 1, 33)
RMS = np.sqrt(spectra.preset("edm", SPECTRUM).variance.mean())


def drawn(schedule: Schedule, n: int = 4000) -> np.ndarray:
    """ln sigma, in data units, at which training draws its examples, [n]."""
    times = schedule.sample_times(n, torch.Generator().manual_seed(0)).numpy()
    return -schedule.log_ratio(times)[:, 0, 0, 0] / 2


def test_the_shift_is_sd3s() -> None:
    """t' = k t / (1 + (k - 1) t) of rectified flow, at times that are even as before."""
    plain = spectra.preset("rectified-flow", SPECTRUM)
    ours = spectra.preset("rectified-flow", SPECTRUM, shift=3.0)
    inner = 1e-3 + T * 0.998
    moved = 3 * inner / (1 + 2 * inner)
    expected = np.log(ours.variance) + 2 * np.log((1 - moved) / moved)[:, None, None, None]
    knots = T * 4096 % 1 == 0
    assert knots.sum() > 30
    np.testing.assert_allclose(ours.log_snr(T)[knots], expected[knots], rtol=0, atol=1e-9)
    one, other = (s.sample_times(64, torch.Generator().manual_seed(0)) for s in (plain, ours))
    assert torch.equal(one, other)


@pytest.mark.parametrize("process", SCALAR)
def test_shift_and_values_move_log_snr_alone(process: str) -> None:
    """By -2 ln k, and by 2 ln(sigma_data / rms): exactly, whatever the process."""
    plain = spectra.preset(process, SPECTRUM)
    ours = spectra.preset(process, SPECTRUM, shift=1.7, sigma_data=0.5)
    by = -2 * np.log(1.7) + 2 * np.log(0.5 / RMS)
    np.testing.assert_allclose(ours.log_snr(T), plain.log_snr(T) + by, rtol=0, atol=1e-11)
    np.testing.assert_allclose(ours.log_ratio(T), plain.log_ratio(T) + by, rtol=0, atol=1e-11)
    assert ours.form == plain.form
    # f_max too: threshold 1 after the move is the threshold e^-by before it.
    before = replace(plain, threshold=float(np.exp(-by)))
    np.testing.assert_allclose(ours.f_max(T), before.f_max(T), atol=1e-9)
    assert ours.explanation["shift"].startswith("1.7")
    assert "0.5" in ours.explanation["values"]
    assert "shift" not in plain.explanation
    assert "values" not in plain.explanation


@pytest.mark.parametrize("process", SCALAR)
def test_values_as_if_divided_are_divided_values(process: str) -> None:
    """sigma_data on x has the SNRs that no sigma_data has on x divided by rms / sigma_data."""
    factor = 0.5 / RMS
    divided = known_spectrum(power_law(2.0, 1e-3 * factor**2), (3, 8, 12), quantum=2 / 255 * factor)
    ours = spectra.preset(process, SPECTRUM, sigma_data=0.5)
    theirs = spectra.preset(process, divided)
    assert np.sqrt(theirs.variance.mean()) == pytest.approx(0.5, rel=1e-12)
    np.testing.assert_allclose(ours.log_snr(T), theirs.log_snr(T), rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.information(T), theirs.information(T), rtol=1e-9)


@pytest.mark.parametrize(("mean", "std"), [(-1.2, 1.2), (-0.4, 1.0), (-4.5, 1.6), (2.0, 0.3)])
def test_edm_trains_at_its_normal_density(mean: float, std: float) -> None:
    """Quantiles of ln sigma are those of the normal density cut at 0.002 and 80."""
    ours = spectra.preset("edm", SPECTRUM, p_mean=mean, p_std=std)
    low, high = ((np.log(end) - mean) / std for end in (0.002, 80.0))
    u = np.linspace(0.01, 0.99, 50)
    expected = truncnorm.ppf(u, low, high, loc=mean, scale=std)
    np.testing.assert_allclose(np.quantile(drawn(ours), u), expected, atol=0.02 * std)
    outside = 1 - np.diff(truncnorm(-50, 50, loc=mean, scale=std).cdf(np.log([0.002, 80.0])))[0]
    assert f"{outside:.2%} beyond" in ours.explanation["training density"]
    plain = spectra.preset("edm", SPECTRUM)
    np.testing.assert_allclose(ours.log_snr(T), plain.log_snr(T), rtol=0, atol=1e-9)


def test_one_number_of_edms_density_takes_the_other_from_edm() -> None:
    both = schedule_density(spectra.preset("edm", SPECTRUM, p_mean=-1.2, p_std=1.2))
    by_mean = spectra.preset("edm", SPECTRUM, p_mean=-1.2)
    by_std = spectra.preset("edm", SPECTRUM, p_std=1.2)
    assert schedule_density(by_mean).mean == schedule_density(by_std).mean == both.mean
    assert (both.mean, both.std) == pytest.approx((-1.2, 1.2), abs=2e-3)
    neither = spectra.preset("edm", SPECTRUM)
    assert neither.density is None
    assert neither.coverage == 0


def test_edms_density_moves_with_the_values_and_the_shift() -> None:
    """EDM sees x sigma_data / rms: in data units its noise is rms / sigma_data times as large."""
    ours = spectra.preset("edm", SPECTRUM, p_mean=-1.2, p_std=1.2, sigma_data=0.5, shift=2.0)
    at = schedule_density(ours)
    assert at.mean == pytest.approx(-1.2 + np.log(2 * RMS / 0.5), abs=2e-3)
    assert at.std == pytest.approx(1.2, abs=2e-3)
    assert drawn(ours).mean() == pytest.approx(at.mean, abs=5e-3)


def test_what_reads_a_schedule_reads_these(tmp_path) -> None:
    """A file, a grid and a density come of it as of any other."""
    ours = spectra.preset("edm", SPECTRUM, p_mean=-1.2, sigma_data=0.5)
    ours.save(tmp_path / "s")
    again = spectra.load_schedule(tmp_path / "s")
    np.testing.assert_array_equal(again.quantiles[0], ours.quantiles[0])
    assert again.explanation == ours.explanation
    for rule in ("edm", "optimal", "rescaled-entropic"):
        assert (np.diff(ours.grid(6, rule=rule)) < 0).all()
    # The EDM rule on it is EDM's own: even in sigma^(1/7), which t is.
    np.testing.assert_allclose(ours.grid(6, rule="edm")[:-1], np.linspace(1, 0, 6), atol=1e-6)
    named = spectra.schedule_with_density(ours, "modes", coverage=0.0)
    own = training_density(ours, "modes")
    assert schedule_density(named).mean == pytest.approx(own.mean, abs=0.05)
