"""Densities of training noise levels: their moments, their draws, and EDM's constants."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.schedule.densities.density import edm_constants, schedule_density, training_density
from spectra.schedule.densities.levels import noise_ends
from spectra.schedule.densities.noise_density import (
    NoiseDensity,
    log_normal_density,
    process_density,
)
from spectra.schedule.densities.times import schedule_with_density
from spectra.schedule.steps.denoising import wiener_error
from tests.schedule.known import known_spectrum, power_law
from tests.shared import CIFAR10

SPECTRUM = known_spectrum(power_law(2.2), quantum=2 / 255)


def lattice(size: int, alpha: float) -> np.ndarray:
    """|k|^-alpha over a full FFT plane, DC as at 1/2, of mean 1/4."""
    k = np.fft.fftfreq(size) * size
    radius = np.hypot(k[:, None], k)
    radius[0, 0] = 0.5
    variance = radius**-alpha
    return variance * 0.25 / variance.mean()


def lost_modes(variance: np.ndarray, low: float, high: float) -> float:
    """How much sum lambda / (lambda + sigma^2) falls between two noise levels."""
    alive = [float((variance / (variance + sigma**2)).sum()) for sigma in (low, high)]
    return alive[0] - alive[1]


@pytest.mark.parametrize("alpha", [0.0, 2.0, 3.0])
def test_moments_of_the_modes_density(alpha: float) -> None:
    variance = lattice(32, alpha)
    density = training_density(variance)
    log_variance = np.log(variance)
    assert density.mean == pytest.approx(log_variance.mean() / 2, abs=1e-4)
    spread = log_variance.var() / 4 + np.pi**2 / 12
    assert density.std == pytest.approx(np.sqrt(spread), abs=1e-3)


def test_shares_are_those_of_the_modes_that_drown() -> None:
    variance = lattice(16, 2.0)
    density = training_density(variance)
    for low, high in ((1e-3, 0.1), (0.1, 1.0), (1.0, 50.0)):
        share = np.interp(np.log([low, high]), density.log_sigma, density.cumulative)
        assert np.diff(share)[0] == pytest.approx(
            lost_modes(variance, low, high) / variance.size, abs=1e-5
        )


def test_information_is_lost_at_the_rate_of_the_density() -> None:
    variance = lattice(16, 2.0)
    density = training_density(variance, "information", sigma_min=0.01, sigma_max=50.0)

    def nats(sigma: float) -> float:
        return float(0.5 * np.log1p(variance / sigma**2).sum())

    for sigma in (0.03, 0.3, 3.0):
        share = np.interp(np.log(sigma), density.log_sigma, density.cumulative)
        exact = (nats(0.01) - nats(sigma)) / (nats(0.01) - nats(50.0))
        assert share == pytest.approx(exact, abs=1e-5)


def test_a_spectrum_like_edms_images_gives_edms_constants() -> None:
    """1/f^2 at 32 x 32 with sigma_data 1/2: (-1.24, 1.04), beside the hand-set (-1.2, 1.2)."""
    constants = edm_constants(lattice(32, 2.0))
    assert constants.p_mean == pytest.approx(-1.24, abs=0.01)
    assert constants.p_std == pytest.approx(1.04, abs=0.01)
    assert constants.sigma_data == pytest.approx(0.5, abs=1e-12)


@pytest.mark.slow
def test_constants_of_cifar10() -> None:
    if not CIFAR10.is_file():
        pytest.skip("CIFAR-10 is not at ../shared/data/cifar10")
    spectrum = spectra.analyze(spectra.open_source(CIFAR10), bases=("fourier",))
    constants = edm_constants(spectrum, basis="fourier")
    assert constants.p_mean == pytest.approx(-2.17, abs=0.05)
    assert constants.p_std == pytest.approx(1.36, abs=0.05)
    assert constants.sigma_data == pytest.approx(0.5, abs=0.02)
    assert constants.distance < 0.1


def test_the_ends_are_where_they_say() -> None:
    variance = lattice(16, 2.0)
    low, high = noise_ends(variance, 2 / 255, 0.05)
    left = variance * low**2 / (variance + low**2)
    assert left.mean() == pytest.approx((2 / 255) ** 2 / 12 / 4, rel=1e-6)
    assert 0.5 * np.log1p(variance / high**2).sum() == pytest.approx(0.05, rel=1e-4)


def test_constants_scale_with_the_data() -> None:
    """Values ten times as large: every sigma ten times, nothing else."""
    variance = lattice(16, 2.0)
    one, ten = edm_constants(variance), edm_constants(100 * variance)
    for name in ("sigma_data", "sigma_min", "sigma_max"):
        assert getattr(ten, name) == pytest.approx(10 * getattr(one, name), rel=1e-6)
    assert ten.p_mean - one.p_mean == pytest.approx(np.log(10), abs=1e-6)
    assert (ten.p_std, ten.rho) == (pytest.approx(one.p_std, abs=1e-6), one.rho)


def test_edms_code_takes_the_constants_by_name() -> None:
    constants = edm_constants(lattice(8, 2.0))
    assert list(constants.to_dict()) == [
        "P_mean",
        "P_std",
        "sigma_data",
        "sigma_min",
        "sigma_max",
        "rho",
    ]
    assert set(constants.reasons) == set(constants.to_dict())
    assert all("\n" not in reason for reason in constants.reasons.values())


def test_rho_is_the_best_of_edms_family() -> None:
    from spectra.schedule.steps.gaussian import predict_sigmas

    variance = lattice(16, 3.0).ravel()
    found = edm_constants(variance, steps=10)

    def error(rho: float) -> float:
        roots = np.linspace(found.sigma_max ** (1 / rho), found.sigma_min ** (1 / rho), 10)
        return predict_sigmas(variance, roots**rho, "heun").w2

    assert error(found.rho) <= min(error(found.rho - 0.5), error(found.rho + 0.5), error(7.0))


def test_the_wiener_error_given_as_measured_changes_nothing() -> None:
    schedule = spectra.standard_schedule(SPECTRUM, process="edm")
    error = wiener_error(SPECTRUM, np.exp(np.linspace(-7, 5, 49)))
    for kind in ("modes", "information"):
        ends: dict[str, Any] = {"sigma_min": 0.01, "sigma_max": 20.0}
        ours = training_density(schedule, kind, **ends)
        measured = training_density(schedule, kind, error=error, **ends)
        np.testing.assert_allclose(measured.cumulative, ours.cumulative, atol=1e-4)
        there = schedule_with_density(schedule, kind, error=error)
        np.testing.assert_allclose(
            there.quantiles[0], schedule_with_density(schedule, kind).quantiles[0], atol=2e-3
        )


def test_a_denoiser_that_sees_less_trains_at_lower_noise() -> None:
    """Real errors are under the Wiener filter's where data are not Gaussian."""
    error = wiener_error(SPECTRUM, np.exp(np.linspace(-7, 5, 49)))
    level = np.log(error.sigma)[:, None, None, None]
    better = replace(error, error=error.error * np.where(level > -3, 0.3, 1.0))
    kind: Any = "information"
    assert (
        training_density(SPECTRUM, kind, error=better).mean
        < training_density(SPECTRUM, kind, error=error).mean - 0.3
    )


def test_draws_are_stratified_and_seeded() -> None:
    import torch

    density = log_normal_density(-1.2, 1.2)
    sigma = density.sample(4096, torch.Generator().manual_seed(1))
    assert sigma.dtype == torch.float64
    log_sigma = sigma.log().numpy()
    assert log_sigma.mean() == pytest.approx(-1.2, abs=0.005)
    assert log_sigma.std() == pytest.approx(1.2, abs=0.01)
    share = np.interp(np.sort(log_sigma), density.log_sigma, density.cumulative)
    np.testing.assert_allclose(share, (np.arange(4096) + 0.5) / 4096, atol=1.01 / 4096)
    again = density.sample(4096, torch.Generator().manual_seed(1))
    assert torch.equal(sigma, again)


def test_published_densities() -> None:
    assert log_normal_density(0.3, 0.7).mean == pytest.approx(0.3, abs=1e-6)
    flow = process_density("rectified-flow")
    t = 1 / (1 + np.exp(-flow.log_sigma))  # sigma = t / (1 - t), t even
    np.testing.assert_allclose(flow.cumulative, (t - t[0]) / (t[-1] - t[0]), atol=1e-9)
    shifted = process_density("rectified-flow", shift=3.0)
    assert shifted.mean - flow.mean == pytest.approx(np.log(3), abs=1e-6)
    cosine = process_density("vp-cosine")
    assert cosine.at(np.array([0.0]))[0] == pytest.approx(1 / np.pi, rel=1e-3)  # 1 / (pi cosh)
    assert log_normal_density(0, 1).distance(0, 1) < 1e-3
    assert log_normal_density(0, 1).distance(30, 1) == pytest.approx(1, abs=1e-6)


def test_the_density_of_a_standard_schedule_is_that_of_its_process() -> None:
    for process in ("edm", "vp-linear", "rectified-flow"):
        ours = schedule_density(spectra.standard_schedule(SPECTRUM, process=process))
        theirs = process_density(process)
        assert ours.mean == pytest.approx(theirs.mean, abs=0.02)
        levels = np.linspace(-2, 2, 9)
        np.testing.assert_allclose(ours.at(levels), theirs.at(levels), rtol=0.03)


def test_a_schedule_draws_its_times_from_the_density_it_is_given() -> None:
    standard = spectra.standard_schedule(SPECTRUM, process="edm")
    ours = schedule_with_density(standard, log_normal_density(-1.2, 1.2), coverage=0.0)
    found = schedule_density(ours)
    assert found.mean == pytest.approx(-1.2, abs=0.01)
    assert found.std == pytest.approx(1.2, abs=0.01)
    t = np.linspace(0, 1, 101)
    np.testing.assert_allclose(ours.log_snr(t), standard.log_snr(t), atol=1e-9)
    assert "N(-1.2, 1.2²)" in ours.explanation["training density"]


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 3.0])
def test_modes_drown_evenly_in_the_quantiles_of_any_ordering(strength: float) -> None:
    schedule = spectra.derive_schedule(SPECTRUM, ordering_strength=strength)
    drawn = schedule_with_density(schedule, coverage=0.0)
    share, t = drawn.quantiles
    times = np.interp(np.linspace(0, 1, 33), share, t)
    alive = (1 / (1 + np.exp(-drawn.log_snr(times)))).reshape(33, -1).sum(axis=1)
    lost = -np.diff(alive)
    np.testing.assert_allclose(lost, lost.mean(), rtol=0.01)


@pytest.mark.parametrize("measured", [False, True])
def test_modes_drown_evenly_where_log_snr_has_no_single_pace(measured: bool) -> None:
    """Windows by column within limits; and blurring, each with the error given or not."""
    base = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0)
    columns = replace(
        base,
        offset=-8.0 * np.arange(16.0) + 0 * base.offset,
        pace=np.linspace(-130, 20, len(base.t)),
        limits=(-12.0, 6.0),
    )
    rate = (np.pi * base.frequency) ** 2
    blur = replace(base, blur_rate=rate, blur=np.linspace(0, 40, len(base.t)), blur_floor=1e-3)
    error = wiener_error(SPECTRUM, np.exp(np.linspace(-7, 5, 49))) if measured else None
    for schedule in (columns, blur):
        drawn = schedule_with_density(schedule, error=error, coverage=0.0)
        times = np.interp(np.linspace(0, 1, 17), *drawn.quantiles)
        alive = (1 / (1 + np.exp(-drawn.log_snr(times)))).reshape(17, -1).sum(axis=1)
        np.testing.assert_allclose(np.diff(alive), np.diff(alive).mean(), rtol=0.02)
        np.testing.assert_allclose(drawn.log_snr(times), schedule.log_snr(times), atol=1e-6)


@pytest.mark.parametrize("kind", ["modes", "information"])
@pytest.mark.parametrize("strength", [10.0, 30.0])
def test_knots_however_near_are_kept(strength: float, kind: Any) -> None:
    """The tangent pace begins with knots 1e-12 apart, between which it leaps."""
    quiet = replace(SPECTRUM, quantum=0.0)
    schedule = spectra.derive_schedule(
        quiet, basis="dct", ordering_strength=strength, pace="tangent"
    )
    assert np.diff(schedule.t).min() < 1e-12
    drawn = schedule_with_density(schedule, kind)
    assert np.isin(schedule.t, drawn.t).all()
    assert np.array_equal(drawn.pace_at(schedule.t), schedule.pace)
    assert (np.diff(drawn.quantiles[0]) > 0).all()


def test_a_schedule_with_a_density_survives_its_file(tmp_path: Path) -> None:
    schedule = schedule_with_density(spectra.derive_schedule(SPECTRUM))
    schedule.save(tmp_path / "x")
    again = spectra.load_schedule(tmp_path / "x")
    for ours, theirs in zip(again.quantiles, schedule.quantiles, strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert (np.diff(again.quantiles[0]) > 0).all()


def test_what_cannot_be_is_refused() -> None:
    ordered = spectra.derive_schedule(SPECTRUM, ordering_strength=0.5)
    kind: Any = "mode"
    for call, names in (
        (lambda: training_density(np.array([1.0, 0.0])), "variance"),
        (lambda: training_density(np.array([1.0, np.nan])), "variance"),
        (lambda: training_density(np.array([])), "variance"),
        (lambda: training_density(SPECTRUM, kind), "density 'mode'"),
        (lambda: training_density(SPECTRUM, basis="wavelet-haar"), "was not measured"),
        (lambda: training_density(SPECTRUM, sigma_min=2.0, sigma_max=1.0), "sigma_min"),
        (lambda: training_density(SPECTRUM, sigma_min=-1.0), "sigma_min"),
        (lambda: log_normal_density(0.0, 0.0), "std"),
        (lambda: process_density("edm", shift=0.0), "shift"),
        (lambda: process_density("sd3"), "process"),
        (lambda: schedule_density(ordered), "each their own"),
        (lambda: schedule_with_density(ordered, log_normal_density(0, 1)), "each their own"),
        (lambda: schedule_with_density(ordered, kind), "density 'mode'"),
        (lambda: schedule_with_density(ordered, coverage=1.5), "coverage"),
        (
            lambda: schedule_with_density(
                spectra.derive_schedule(SPECTRUM), log_normal_density(90, 1)
            ),
            "nothing between",
        ),
        (lambda: NoiseDensity("x", np.array([0.0, 0.0]), np.array([0.0, 1.0])), "rise"),
        (lambda: NoiseDensity("x", np.array([0.0, 1.0]), np.array([0.0, 0.9])), "shares"),
        (lambda: edm_constants(SPECTRUM, information_left=0.0), "information_left"),
    ):
        with pytest.raises(InputError, match=names) as refusal:
            call()
        assert "\n" not in str(refusal.value)
