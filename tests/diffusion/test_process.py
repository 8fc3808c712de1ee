"""The forward process: a schedule's tables in torch give what numpy gives."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.process import DiffusionProcess
from tests.schedule.known import known_spectrum, pca_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (2, 8, 12), quantum=2 / 255)
T = np.linspace(0, 1, 17)


@cache
def schedules() -> list[spectra.Schedule]:
    return [
        spectra.derive_schedule(SPECTRUM, ordering_strength=0.5, prior="data", form="flow"),
        spectra.derive_schedule(SPECTRUM, basis="fourier", ordering_strength=2.0),
        spectra.standard_schedule(SPECTRUM, process="edm", basis="pixel"),
        spectra.standard_schedule(SPECTRUM, process="vp-cosine"),
        *curved(),
    ]


def curved() -> list[spectra.Schedule]:
    """Where every component has its own curve."""
    derived = spectra.derive_schedule(SPECTRUM, ordering_strength=0.7, prior="data", form="flow")
    both = replace(
        derived,
        blur_rate=(2 * np.pi * derived.frequency) ** 2,
        blur=derived.t**2,
        blur_floor=0.05,
        limits=(-6.0, 7.0),
    )
    return [
        spectra.preset("columns", SPECTRUM),
        spectra.preset("blurring", SPECTRUM, blur_max=4.0),
        spectra.preset("heat-dissipation", SPECTRUM, blur_max=2.0, basis="fourier"),
        both,
    ]


@pytest.fixture(params=range(8))
def schedule(request: pytest.FixtureRequest) -> spectra.Schedule:
    return schedules()[request.param]


def test_log_snr_alpha_and_sigma_are_the_schedules(schedule: spectra.Schedule) -> None:
    process = DiffusionProcess(schedule)
    t = torch.from_numpy(T)
    log_snr = schedule.log_snr(T)
    within = np.abs(log_snr) < 60  # what float32 has room for
    assert within.mean() > 0.9
    np.testing.assert_allclose(process.log_snr(t), log_snr.clip(-60, 60), atol=2e-5)
    ours = process.alpha_sigma(t)
    theirs = schedule.alpha(T), schedule.sigma(T) * schedule.scale
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one.numpy()[within], other[within], rtol=2e-5)
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
    """The pace, scaled; where that stands and the blur goes on, the time."""
    process = DiffusionProcess(schedule)
    level = process.noise_level(torch.from_numpy(T))
    assert level.dtype == torch.float32
    assert level[0] == 0
    assert level[-1] == 1
    pace = schedule.pace_at(T)
    told = (pace - pace[0]) / np.ptp(pace) if np.ptp(pace) > 0 else T
    np.testing.assert_allclose(level, told, atol=1e-6)


def test_training_times_and_their_importance_weights(schedule: spectra.Schedule) -> None:
    """The weight is d clock / d quantile: an integral over log SNR drawn this way is unbiased."""
    process = DiffusionProcess(schedule)
    quantile = (torch.arange(2**15, dtype=torch.float64) + 0.5) / 2**15
    t, rate = process.training_time(quantile)
    expected = np.interp(quantile, *schedule.quantiles)
    np.testing.assert_allclose(t, expected, atol=1e-9)
    clock = process.pace(t) if np.ptp(schedule.pace) > 0 else t
    for power in (0, 1, 2):
        drawn = float((rate * clock**power).mean())
        start, end = schedule.clock[[0, -1]]
        exact = (end ** (power + 1) - start ** (power + 1)) / (power + 1)
        assert drawn == pytest.approx(exact, rel=1e-3, abs=1e-3 * abs(end - start))


def test_decay_is_how_log_snr_falls_by_the_clock(schedule: spectra.Schedule) -> None:
    """Times the weight of a drawn time, its mean is the whole fall of every component."""
    process = DiffusionProcess(schedule)
    quantile = (torch.arange(2**15, dtype=torch.float64) + 0.5) / 2**15
    t, rate = process.training_time(quantile)
    fall = (rate.reshape(-1, 1, 1, 1) * process.decay(t)).double().mean(dim=0)
    ends = schedule.log_snr(np.array([0.0, 1.0])).clip(-60, 60)
    expected = ends[0] - ends[1]
    np.testing.assert_allclose(
        np.broadcast_to(fall.numpy(), expected.shape), expected, rtol=1e-2, atol=1e-2
    )
    middle = np.array([0.123, 0.456, 0.789])
    right = np.searchsorted(schedule.t, middle)
    speed = (np.diff(schedule.clock) / np.diff(schedule.t))[right - 1].reshape(-1, 1, 1, 1)
    found = process.decay(torch.from_numpy(middle)).numpy() * speed
    slope = schedule.log_snr_slope(middle)
    np.testing.assert_allclose(
        np.broadcast_to(found, slope.shape), -slope, rtol=1e-4, atol=1e-4 * speed.max()
    )


def test_principal_components_are_a_basis_like_the_others() -> None:
    schedule = spectra.derive_schedule(pca_spectrum((2, 8, 8)), basis="pca")
    process = DiffusionProcess(schedule)
    x = torch.randn(5, 2, 8, 8, generator=torch.manual_seed(0))
    z = process.components(x)
    assert z.shape == x.shape
    np.testing.assert_allclose(process.examples(z), x, atol=1e-5)
    rows = torch.from_numpy(schedule.components).float()  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(z.reshape(5, -1), (x - process.mean).flatten(1) @ rows.T, atol=1e-5)


def test_white_noise_stays_white_in_components() -> None:
    for schedule in schedules():
        basis: Any = schedule.make_basis()
        noise = torch.randn(4000, *schedule.shape, generator=torch.manual_seed(3))
        variance = basis.forward(noise).var(dim=0)
        np.testing.assert_allclose(variance, 1, atol=5 * (2 / 4000) ** 0.5)
