"""The forward process: a schedule's tables in torch give what numpy gives."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.process import DiffusionProcess
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (2, 8, 12), quantum=2 / 255)
T = np.linspace(0, 1, 17)


@cache
def schedules() -> list[spectra.Schedule]:
    return [
        spectra.derive_schedule(SPECTRUM, ordering_strength=0.5, prior="data", form="flow"),
        spectra.derive_schedule(SPECTRUM, basis="fourier", ordering_strength=2.0),
        spectra.standard_schedule(SPECTRUM, process="edm", basis="pixel"),
        spectra.standard_schedule(SPECTRUM, process="vp-cosine"),
    ]


@pytest.fixture(params=range(4))
def schedule(request: pytest.FixtureRequest) -> spectra.Schedule:
    return schedules()[request.param]


def test_log_snr_alpha_and_sigma_are_the_schedules(schedule: spectra.Schedule) -> None:
    process = DiffusionProcess(schedule)
    t = torch.from_numpy(T)
    np.testing.assert_allclose(process.log_snr(t), schedule.log_snr(T), atol=2e-5)
    alpha, sigma = process.alpha_sigma(t)
    np.testing.assert_allclose(alpha, schedule.alpha(T), rtol=2e-5)
    np.testing.assert_allclose(sigma, schedule.sigma(T) * schedule.scale, rtol=2e-5)
    np.testing.assert_allclose(process.pace(t), schedule.pace_at(T), atol=1e-12)


def test_noised_components_have_the_signal_and_the_noise(schedule: spectra.Schedule) -> None:
    process = DiffusionProcess(schedule)
    generator = torch.manual_seed(0)
    z, noise = torch.randn(2, 17, *schedule.shape, generator=generator)
    t = torch.from_numpy(T)
    expected = schedule.alpha(T) * z.numpy() + schedule.sigma(T) * schedule.scale * noise.numpy()
    np.testing.assert_allclose(process.noised(z, t, noise), expected, rtol=1e-4, atol=1e-5)


def test_components_are_about_the_mean_and_come_back(schedule: spectra.Schedule) -> None:
    process = DiffusionProcess(schedule)
    x = torch.randn(3, *schedule.shape, generator=torch.manual_seed(0))
    np.testing.assert_allclose(process.examples(process.components(x)), x, atol=1e-5)
    mean = torch.from_numpy(schedule.mean).float()[None]
    np.testing.assert_allclose(process.components(mean), 0, atol=1e-6)
    basis = spectra.make_basis(schedule.basis, schedule.shape)
    np.testing.assert_allclose(
        process.components(x), basis.forward(x.numpy() - schedule.mean), atol=1e-5
    )


def test_the_level_told_to_networks_is_even_in_log_noise(schedule: spectra.Schedule) -> None:
    process = DiffusionProcess(schedule)
    level = process.noise_level(torch.from_numpy(T))
    assert level.dtype == torch.float32
    assert level[0] == 0
    assert level[-1] == 1
    pace = schedule.pace_at(T)
    np.testing.assert_allclose(level, (pace - pace[0]) / np.ptp(pace), atol=1e-6)


def test_training_times_and_their_importance_weights(schedule: spectra.Schedule) -> None:
    """The weight is d pace / d quantile: an integral over log SNR drawn this way is unbiased."""
    process = DiffusionProcess(schedule)
    quantile = (torch.arange(2**15, dtype=torch.float64) + 0.5) / 2**15
    t, rate = process.training_time(quantile)
    expected = np.interp(quantile, *schedule.quantiles)
    np.testing.assert_allclose(t, expected, atol=1e-9)
    pace = process.pace(t)
    for power in (0, 1, 2):
        drawn = float((rate * pace**power).mean())
        start, end = schedule.pace[[0, -1]]
        exact = (end ** (power + 1) - start ** (power + 1)) / (power + 1)
        assert drawn == pytest.approx(exact, rel=1e-3, abs=1e-3 * abs(end - start))


def test_white_noise_stays_white_in_components() -> None:
    for schedule in schedules():
        basis: Any = spectra.make_basis(schedule.basis, schedule.shape)
        noise = torch.randn(4000, *schedule.shape, generator=torch.manual_seed(3))
        variance = basis.forward(noise).var(dim=0)
        np.testing.assert_allclose(variance, 1, atol=5 * (2 / 4000) ** 0.5)
