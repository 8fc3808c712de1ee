"""Preconditioning and loss: the zero network, the identities, what the loss is a draw of."""

from functools import cache
from typing import Any, get_args

import numpy as np
import pytest
import torch

import spectra
from spectra import InputError
from spectra.diffusion.precondition import Denoiser, Preconditioning
from tests.diffusion.losses import training_loss
from tests.diffusion.silent import Silent
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0, 1e-2), (1, 8, 12))
KINDS = get_args(Preconditioning)


class Waves(torch.nn.Module):
    """Something smooth and far from the best answer."""

    def forward(self, image: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        return torch.sin(2 * image) + level[:, None, None, None]


@cache
def schedules() -> dict[str, spectra.Schedule]:
    return {
        "a = 0": spectra.derive_schedule(SPECTRUM, ordering_strength=0.0),
        "a = 0.5, data prior, flow": spectra.derive_schedule(
            SPECTRUM, ordering_strength=0.5, prior="data", form="flow"
        ),
        "a = 1": spectra.derive_schedule(SPECTRUM),
        "a = 2, fourier": spectra.derive_schedule(SPECTRUM, ordering_strength=2.0, basis="fourier"),
        "edm": spectra.standard_schedule(SPECTRUM, process="edm"),
        "rectified flow": spectra.standard_schedule(SPECTRUM),
    }


@pytest.fixture(params=list(schedules()))
def schedule(request: pytest.FixtureRequest) -> spectra.Schedule:
    return schedules()[request.param]


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", ["component", "skip"])
def test_a_zero_network_is_the_wiener_filter(kind: Any, schedule: spectra.Schedule) -> None:
    """z_hat = lambda alpha / (alpha^2 lambda + sigma^2) z(t), per component."""
    denoiser = Denoiser(Silent(), schedule, kind)
    t = np.linspace(0, 1, 9)
    noised = normal(9, *schedule.shape)
    alpha, sigma = schedule.alpha(t), schedule.sigma(t) * schedule.scale
    filtered = schedule.variance * alpha / (alpha**2 * schedule.variance + sigma**2)
    np.testing.assert_allclose(
        denoiser(noised, torch.from_numpy(t)), filtered * noised.numpy(), rtol=1e-4, atol=1e-7
    )


def test_a_zero_network_of_scalar_kind_has_edms_skip(schedule: spectra.Schedule) -> None:
    """EDM's c_skip: sigma_data^2 / (sigma_data^2 + sigma_i^2), sigma_data^2 the mean variance."""
    denoiser = Denoiser(Silent(), schedule, "scalar")
    t = np.linspace(0, 1, 9)
    noised = normal(9, *schedule.shape)
    alpha, sigma = schedule.alpha(t), schedule.sigma(t) * schedule.scale
    mean = schedule.variance.mean()
    filtered = mean * alpha / (alpha**2 * mean + sigma**2)
    np.testing.assert_allclose(
        denoiser(noised, torch.from_numpy(t)), filtered * noised.numpy(), rtol=1e-4, atol=1e-7
    )


def test_scalar_kind_at_strength_one_is_edm(schedule: spectra.Schedule) -> None:
    """Karras et al., table 1, on y = z(t) / alpha with noise sigma."""
    if np.ptp(schedule.log_ratio(np.array([0.5]))) > 1e-9:
        schedule = schedules()["edm"]
    denoiser = Denoiser(Silent(), schedule, "scalar")
    t = np.linspace(0, 1, 9)
    c = denoiser.coefficients(denoiser.process.state(torch.from_numpy(t)))
    alpha = schedule.alpha(t)
    sigma = schedule.sigma(t) * schedule.scale / alpha
    mean = schedule.variance.mean()
    np.testing.assert_allclose(c.skip.numpy() * alpha, mean / (mean + sigma**2), rtol=1e-4)
    np.testing.assert_allclose(c.out, sigma * np.sqrt(mean / (mean + sigma**2)), rtol=1e-4)
    np.testing.assert_allclose(c.input.numpy() * alpha, 1 / np.sqrt(mean + sigma**2), rtol=1e-4)


def test_component_kind_is_edm_with_each_variance(schedule: spectra.Schedule) -> None:
    """c_in = (lambda + sigma^2)^-1/2, c_out = sigma sqrt(lambda) (lambda + sigma^2)^-1/2."""
    denoiser = Denoiser(Silent(), schedule, "component")
    t = np.linspace(0, 1, 9)
    c = denoiser.coefficients(denoiser.process.state(torch.from_numpy(t)))
    alpha = schedule.alpha(t)
    sigma = schedule.sigma(t) * schedule.scale / alpha
    total = schedule.variance + sigma**2
    np.testing.assert_allclose(c.input.numpy() * alpha, total**-0.5, rtol=1e-4)
    np.testing.assert_allclose(c.out, sigma * np.sqrt(schedule.variance / total), rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_networks_input_and_target_have_unit_variance(
    kind: Any, schedule: spectra.Schedule
) -> None:
    """Over all components on average; with "component", in every one."""
    denoiser = Denoiser(Silent(), schedule, kind)
    t = torch.linspace(0, 1, 9, dtype=torch.float64)
    c = denoiser.coefficients(denoiser.process.state(t))
    variance = denoiser.process.variance
    alpha, sigma = denoiser.process.alpha_sigma(t)
    image = c.input**2 * (alpha**2 * variance + sigma**2)
    target = c.signal**2 * variance + c.noise**2
    if kind == "component":
        np.testing.assert_allclose(image, np.ones(image.shape), rtol=1e-4)
        np.testing.assert_allclose(target, np.ones(image.shape), rtol=1e-4)
    else:
        np.testing.assert_allclose(image.mean(dim=(1, 2, 3)), np.ones(9), rtol=1e-4)
    if kind == "skip":
        np.testing.assert_allclose(target.mean(dim=(1, 2, 3)), np.ones(9), rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_target_is_what_the_network_must_say(kind: Any, schedule: spectra.Schedule) -> None:
    """skip z(t) + out (signal z + noise eps) = z."""
    denoiser = Denoiser(Silent(), schedule, kind)
    t = torch.linspace(0.05, 0.95, 9, dtype=torch.float64)
    c = denoiser.coefficients(denoiser.process.state(t))
    z = normal(9, *schedule.shape, seed=1) * denoiser.process.variance.sqrt()
    noise = normal(9, *schedule.shape, seed=2)
    restored = c.skip * denoiser.process.noised(z, t, noise) + c.out * (
        c.signal * z + c.noise * noise
    )
    scale = denoiser.process.variance.sqrt()
    np.testing.assert_allclose((restored - z) / scale, 0, atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_bound_loss_is_half_rate_snr_over_lambda_squared_error(
    kind: Any, schedule: spectra.Schedule
) -> None:
    """1/2 (d pace / d quantile) mean_i SNR_i / lambda_i (z_i - z_hat_i)^2, whatever the kind."""
    denoiser = Denoiser(Waves(), schedule, kind)
    process = denoiser.process
    x = process.examples(normal(64, *schedule.shape, seed=1) * process.variance.sqrt())
    noise = normal(64, *schedule.shape, seed=2)
    quantile = (torch.arange(64) + 0.5) / 64
    t, rate = process.training_time(quantile)
    z = process.components(x)
    error = (z - denoiser(process.noised(z, t, noise), t)) ** 2
    weight = process.log_snr(t).exp() / process.variance
    expected = 0.5 * rate * (weight * error).flatten(1).mean(1)
    np.testing.assert_allclose(
        training_loss(denoiser, x, quantile, noise, loss="bound"), expected, rtol=5e-3
    )


@pytest.mark.parametrize("kind", KINDS)
def test_edm_loss_is_the_error_over_out_squared(kind: Any, schedule: spectra.Schedule) -> None:
    denoiser = Denoiser(Waves(), schedule, kind)
    process = denoiser.process
    x = process.examples(normal(32, *schedule.shape, seed=1) * process.variance.sqrt())
    noise = normal(32, *schedule.shape, seed=2)
    quantile = (torch.arange(32) + 0.5) / 32
    t, _ = process.training_time(quantile)
    z = process.components(x)
    error = (z - denoiser(process.noised(z, t, noise), t)) ** 2
    expected = (
        (error / denoiser.coefficients(denoiser.process.state(t)).out ** 2).flatten(1).mean(1)
    )
    loss = training_loss(denoiser, x, quantile, noise, loss="edm")
    np.testing.assert_allclose(loss, expected, rtol=5e-3)


@pytest.mark.parametrize("kind", then_slow(["component"], ["skip"]))
def test_bound_loss_of_the_zero_network_is_the_information_lost(
    kind: Any, schedule: spectra.Schedule
) -> None:
    """On Gaussian data its mean is (I(0) - I(1)) / d, I = 1/2 sum ln(1 + SNR), for any path."""
    denoiser = Denoiser(Silent(), schedule, kind)
    n = 16_384
    z = normal(n, *schedule.shape, seed=1)
    z = z / z.square().mean(dim=0).sqrt() * denoiser.process.variance.sqrt()
    x = denoiser.process.examples(z)
    noise = normal(n, *schedule.shape, seed=2)
    order = torch.randperm(n, generator=torch.manual_seed(3))
    quantile = ((torch.arange(n) + 0.5) / n)[order]
    with torch.no_grad():
        loss = training_loss(denoiser, x, quantile, noise, loss="bound")
    ends = 0.5 * np.log1p(np.exp(schedule.log_snr(np.array([0.0, 1.0])))).sum(axis=(1, 2, 3))
    lost = (ends[0] - ends[1]) / np.prod(schedule.shape)
    assert float(loss.mean()) == pytest.approx(lost, rel=0.02)


def test_gradients_reach_the_network() -> None:
    class Scale(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = torch.nn.Parameter(torch.zeros(()))

        def forward(self, image: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
            return self.factor * image

    for kind in KINDS:
        network = Scale()
        denoiser = Denoiser(network, schedules()["a = 0.5, data prior, flow"], kind)
        x = normal(16, *SPECTRUM.shape)
        training_loss(
            denoiser, x, torch.rand(16), normal(16, *SPECTRUM.shape), loss="edm"
        ).mean().backward()
        assert network.factor.grad is not None
        assert float(network.factor.grad.abs()) > 0


def test_unknown_names_are_refused() -> None:
    schedule = schedules()["a = 1"]
    with pytest.raises(InputError, match="'edm2' is unknown; choose one of component, skip"):
        Denoiser(Silent(), schedule, "edm2")  # pyright: ignore
    denoiser = Denoiser(Silent(), schedule)
    x = normal(2, *schedule.shape)
    with pytest.raises(InputError, match="'huber' is unknown; choose one of bound, edm"):
        training_loss(denoiser, x, torch.rand(2), x, loss="huber")  # pyright: ignore
