"""Data that are not Gaussian, with their best denoiser known: what a surrogate is worth."""

from collections.abc import Callable
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.measure import measure_denoiser
from spectra.schedule.steps.grids import optimal_sigmas
from spectra.schedule.steps.rules import named_sigmas
from tests.mixtures import (
    Mixture,
    endpoint_error,
    field_mixture,
    line_mixture,
    starts,
    true_endpoints,
)
from tests.repeats import then_slow

ENDS = {"sigma_max": 80.0, "sigma_min": 0.002}
TOYS = pytest.mark.parametrize("make", [line_mixture, field_mixture])


@cache
def held(make: Callable, between: float) -> tuple[Mixture, torch.Tensor, torch.Tensor]:
    """A toy, its starts and the true endpoints."""
    toy = make(between, seed=3)
    start = starts(toy, 100, 80.0, seed=3)
    return toy, start, true_endpoints(toy, start, 80.0, steps=1000)


def test_the_denoiser_is_the_posterior_mean() -> None:
    """One dimension, by quadrature over z."""
    toy = Mixture(torch.tensor([[-1.0], [0.3], [1.1]]).double(), torch.tensor([0.04]).double())
    z = np.linspace(-4, 4, 20_001)
    prior = np.exp(-((z - toy.means.numpy()) ** 2) / 0.08).sum(axis=0)
    y = np.array([-2.0, -0.4, 0.1, 0.7, 3.0])
    for sigma in (0.05, 0.4, 2.0):
        weight = prior * np.exp(-((y[:, None] - z) ** 2) / (2 * sigma**2))
        expected = (weight * z).sum(axis=1) / weight.sum(axis=1)
        found = toy.denoise(torch.from_numpy(y[:, None]), sigma)[:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@TOYS
@pytest.mark.parametrize("between", [0.2, 0.8])
def test_toys_have_the_variance_asked_for(make: Callable, between: float) -> None:
    toy = make(between)
    assert toy.means.shape == (40, 64)
    assert float(toy.variance.mean()) == pytest.approx(0.25)
    np.testing.assert_allclose(toy.means.square().mean(dim=0) / toy.variance, between)
    np.testing.assert_allclose(toy.means.mean(dim=0), 0, atol=1e-12)
    np.testing.assert_allclose(make(0.5).variance, toy.variance)


@pytest.mark.parametrize(
    ("make", "between"),
    then_slow([(field_mixture, 0.2)], product((line_mixture, field_mixture), (0.2, 0.8))),
)
def test_the_reference_is_fine_enough(make: Callable, between: float) -> None:
    toy, start, truth = held(make, between)
    finer = true_endpoints(toy, start, 80.0, steps=2000)
    assert float((finer - truth).norm(dim=1).mean()) < 1e-3


@TOYS
@pytest.mark.parametrize("rule", ["edm", "log-linear"])
def test_covariance_aware_ddim_at_5_steps(make: Callable, rule: str) -> None:
    """At least 3 times nearer than DDIM at 20 % between modes, and no farther at 80 %."""
    for between, asked in ((0.2, 3.0), (0.8, 1.0)):
        case = held(make, between)
        sigmas = named_sigmas(rule, case[0].variance.numpy(), 5, **ENDS)
        plain, aware = (endpoint_error(*case, sigmas, name) for name in ("ddim", "covariance"))
        assert plain > asked * aware


@pytest.mark.parametrize(("between", "golden"), [(0.2, (0.80, 0.28)), (0.8, (0.69, 0.28))])
def test_heun_at_17_evaluations_on_the_line(between: float, golden: tuple[float, float]) -> None:
    """EDM's grid and the optimised one: known endpoint errors, of other draws of the modes."""
    case = held(line_mixture, between)
    variance = case[0].variance.numpy()
    edm = endpoint_error(*case, named_sigmas("edm", variance, 9, **ENDS), "heun")
    ours = endpoint_error(*case, optimal_sigmas(variance, 9, "heun", last="free", **ENDS), "heun")
    assert edm == pytest.approx(golden[0], rel=0.15)
    assert ours == pytest.approx(golden[1], rel=0.15)


def test_a_measured_error_knows_the_modes() -> None:
    """lambda_eff is lambda at high noise and the modes' own variance, a fifth of it, at low.

    It brings covariance-aware DDIM nearer than lambda does.
    """
    case = held(field_mixture, 0.8)
    toy = case[0]
    table = toy.draw(600, seed=9).reshape(-1, 1, 8, 8).numpy()

    def denoise(y: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return toy.denoise(y.reshape(-1, 64).double(), sigma[0].item()).reshape(y.shape)

    found = measure_denoiser(
        denoise, spectra.open_source(table), basis="pixel", n=600, batch=200,
        sigmas=np.geomspace(0.01, 30.0, 12), device="cpu",
    )  # fmt: skip
    share = found.effective_variance().reshape(12, 64) / toy.variance.numpy()
    # Where half is lost: neither W nor 1 - W is lost in the draws' scatter.
    level = found.sigma[:, None] / toy.variance.sqrt().numpy()
    assert np.median(share[(level > 0.1) & (level < 0.3)]) == pytest.approx(0.2, rel=0.05)
    assert np.median(share[(level > 5) & (level < 20)]) == pytest.approx(1, rel=0.15)
    sigmas = named_sigmas("edm", toy.variance.numpy(), 10, **ENDS)
    plain = endpoint_error(*case, sigmas, "covariance")
    measured = endpoint_error(
        *case, sigmas, "covariance", lambda x: found.gain_at(x)[0].reshape(len(x), 64)
    )
    assert measured < 0.95 * plain
