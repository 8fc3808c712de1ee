"""Samplers on Gaussian data, where one step is a number: exact variances, orders, golden grids."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from spectra import InputError
from spectra.diffusion.solvers import covariance_share, evaluations, integrate
from tests.diffusion.gaussians import (
    amplitudes,
    edm_levels,
    lattice,
    log_levels,
    tangent_levels,
    wiener,
)


def w2(variance: torch.Tensor, levels: torch.Tensor, solver: str) -> float:
    """W2^2 / d between the samples and the data, both Gaussian."""
    return float((variance * (1 - amplitudes(variance, levels, solver)) ** 2).mean())


@pytest.mark.parametrize("steps", [4, 10, 50])
@pytest.mark.parametrize("grid", ["edm", "log", "tangent"])
@pytest.mark.parametrize("alpha", [2.0, 3.0])
def test_ddim_variance_is_the_product_of_cos_squared(alpha: float, grid: str, steps: int) -> None:
    """Var_out / lambda_i = prod cos^2(theta_i - theta_i'), theta_i = arctan(sigma / sqrt lambda_i).

    In every component and float64, to 1e-6.
    """
    variance = lattice(alpha)
    levels = {
        "edm": edm_levels(steps),
        "log": log_levels(steps),
        "tangent": tangent_levels(steps, torch.tensor(0.25, dtype=torch.float64)),
    }[grid]
    theta = torch.arctan(levels[:, None] / variance.sqrt())
    expected = torch.cos(theta[:-1] - theta[1:]).prod(dim=0) ** 2
    for solver in ("ddim", "euler"):
        ratio = amplitudes(variance, levels, solver) ** 2
        np.testing.assert_allclose(ratio, expected, rtol=1e-6)


def test_ddim_variance_of_drawn_samples() -> None:
    """The same end to end: samples drawn from N(0, lambda + 80^2), pushed through DDIM."""
    variance = lattice(2.0, size=8)
    levels = edm_levels(10)[:, None].expand(-1, 64)
    noise = torch.randn(40_000, 64, dtype=torch.float64, generator=torch.manual_seed(0))
    start = (variance + 80**2).sqrt() * noise
    samples = integrate(wiener(variance, levels), levels, start, "ddim")
    theta = torch.arctan(levels / variance.sqrt())
    expected = variance * torch.cos(theta[:-1] - theta[1:]).prod(dim=0) ** 2
    np.testing.assert_allclose(samples.var(dim=0) / expected, 1, atol=5 * (2 / 40_000) ** 0.5)


@pytest.mark.parametrize(
    ("alpha", "solver", "steps", "grid", "expected"),
    [
        (3.0, "euler", 10, "edm", 0.01121),
        (3.0, "euler", 10, "log", 0.01604),
        (3.0, "euler", 10, "entropic", 0.03217),
        (3.0, "euler", 10, "component", 0.00279),
        (2.0, "heun", 9, "edm", 0.01454),
        (2.0, "heun", 18, "edm", 5.44e-4),
    ],
)
def test_golden_discretisation_errors(
    alpha: float, solver: str, steps: int, grid: str, expected: float
) -> None:
    """W2^2 / d on the 32 x 32 lattice, to the digits known."""
    variance = lattice(alpha)
    if grid == "component":  # theta_i from arctan(80 / sqrt lambda_i) to 0 in equal steps
        root = variance.sqrt()
        share = torch.linspace(1, 0, steps + 1, dtype=torch.float64)[:, None]
        levels = root * torch.tan(share * torch.arctan(80 / root))
    elif grid == "entropic":
        levels = entropic_levels(steps, variance)
    else:
        levels = {"edm": edm_levels, "log": log_levels}[grid](steps)
    assert w2(variance, levels, solver) == pytest.approx(expected, rel=5e-3)
    assert evaluations(steps, solver) == (2 * steps - 1 if solver == "heun" else steps)


def entropic_levels(steps: int, variance: torch.Tensor) -> torch.Tensor:
    """Knots even in int d_eff d sigma, d_eff = sum lambda / (lambda + sigma^2)."""
    root = variance.sqrt()
    sigma = torch.logspace(np.log10(0.002), np.log10(80), 200_001, dtype=torch.float64)
    # The integral in closed form: sum sqrt(lambda) arctan(sigma / sqrt(lambda)).
    integral = torch.zeros_like(sigma)
    values, counts = torch.unique(root, return_counts=True)
    for value, count in zip(values, counts, strict=True):
        integral += count * value * torch.arctan(sigma / value)
    even = np.linspace(float(integral[-1]), float(integral[0]), steps)
    levels = np.interp(even, integral.numpy(), sigma.numpy())
    return torch.from_numpy(np.r_[levels, 0.0])


@pytest.mark.parametrize(("solver", "order"), [("euler", 1), ("ddim", 1), ("heun", 2), ("2m", 2)])
@pytest.mark.parametrize("spacing", ["log", "power"])
def test_order_of_convergence(solver: str, order: int, spacing: str) -> None:
    """Between fixed noise levels the error falls as the number of steps to the order.

    The last step of `integrate`, to 0, is an estimate, not a solver's step: y at the last level
    above 0 is what is compared, found from that estimate by dividing the Wiener filter out.
    """
    variance = torch.tensor([0.02, 0.25, 1.7], dtype=torch.float64)
    low, high = 0.05, 8.0
    errors = []
    for steps in (64, 128, 256):
        levels = log_levels(steps + 1, low, high)
        if spacing == "power":
            levels = edm_levels(steps + 1, low, high)
        levels = levels[:, None].expand(-1, 3)
        start = (variance + high**2).sqrt()
        last = integrate(wiener(variance, levels), levels, start, solver)
        reached = last * (variance + low**2) / variance
        errors.append((reached / (variance + low**2).sqrt() - 1).abs())
    for coarse, fine in pairwise(errors):
        measured = torch.log2(coarse / fine)
        np.testing.assert_allclose(measured, order, atol=0.15)
    assert errors[-1].max() < 0.05


def test_heun_and_2m_beat_euler_on_the_same_knots() -> None:
    variance = lattice(2.0)
    levels = edm_levels(18)
    assert w2(variance, levels, "heun") < 0.2 * w2(variance, levels, "euler")
    assert w2(variance, levels, "2m") < 0.5 * w2(variance, levels, "euler")


def test_2m_is_the_recursion_as_written() -> None:
    """D~ = (1 + 1/(2 r)) D - 1/(2 r) D_last, r = h_last / h; first and last step D~ = D."""
    variance = torch.tensor([0.3], dtype=torch.float64)
    levels = edm_levels(6)[:, None]
    denoise = wiener(variance, levels)
    start = torch.tensor([[2.5]], dtype=torch.float64)
    x, last, h_last = start, None, None
    for k in range(5):
        d = denoise(x, k)
        h = torch.log(levels[k] / levels[k + 1])
        blended = d
        if last is not None:
            r = h_last / h
            blended = (1 + 1 / (2 * r)) * d - 1 / (2 * r) * last
        ratio = levels[k + 1] / levels[k]
        x = ratio * x + (1 - ratio) * blended
        last, h_last = d, h
    expected = denoise(x, 5)
    np.testing.assert_allclose(integrate(denoise, levels, start, "2m"), expected, rtol=1e-12)


@pytest.mark.parametrize("solver", ["euler", "ddim", "heun", "2m"])
def test_components_do_not_mix(solver: str) -> None:
    """Elementwise: a component's result is that of integrating it alone on its own levels."""
    variance = torch.tensor([0.1, 1.0, 3.0], dtype=torch.float64).reshape(1, 1, 3)
    levels = torch.stack([edm_levels(8, low, 20.0) for low in (0.01, 0.05, 0.2)], dim=-1)
    levels = levels.reshape(9, 1, 1, 3)
    start = torch.randn(5, 1, 1, 3, dtype=torch.float64, generator=torch.manual_seed(1))
    together = integrate(wiener(variance, levels), levels, start, solver)
    for i in range(3):
        part = levels[..., i : i + 1]
        alone = integrate(
            wiener(variance[..., i : i + 1], part), part, start[..., i : i + 1], solver
        )
        np.testing.assert_allclose(together[..., i : i + 1], alone, rtol=1e-12)


def ancestral_variance(variance: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """Var of ancestral samples with the exact denoiser, step by step, [d]."""
    y = variance + levels[0] ** 2
    for s, s_next in pairwise(levels):
        kept = variance / (variance + s**2)
        share = (s_next / s) ** 2
        y = (kept + share * (1 - kept)) ** 2 * y + s_next**2 * (1 - share)
    return y


def test_ancestral_keeps_the_variance_as_steps_grow() -> None:
    """Drawn samples have the variance of the recursion, which tends to the data's as 1 / steps."""
    variance = lattice(2.0, size=4)
    generator = torch.manual_seed(0)
    n = 40_000

    def normal(_: int = 0) -> torch.Tensor:
        return torch.randn(n, 16, dtype=torch.float64, generator=generator)

    for steps in (5, 20):
        levels = edm_levels(steps)[:, None].expand(-1, 16)
        start = (variance + 80**2).sqrt() * normal()
        samples = integrate(wiener(variance, levels), levels, start, "ancestral", noise=normal)
        expected = ancestral_variance(variance, levels)
        np.testing.assert_allclose(samples.var(dim=0) / expected, 1, atol=5 * (2 / n) ** 0.5)
    errors = [
        (ancestral_variance(variance, edm_levels(steps)[:, None]) / variance - 1).abs()
        for steps in (250, 1000, 4000)
    ]
    for coarse, fine in pairwise(errors):
        np.testing.assert_allclose(coarse / fine, 4, rtol=0.1)
    assert errors[-1].max() < 0.01


def test_ancestral_noise_is_the_posteriors() -> None:
    """One step in expectation: mean D + (s'^2/s^2)(y - D), variance s'^2 (1 - s'^2/s^2)."""
    levels = torch.tensor([[2.0], [0.5], [0.0]], dtype=torch.float64)
    start = torch.full((1, 1), 3.0, dtype=torch.float64)
    seen = {}

    def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
        seen[k] = y
        return torch.full_like(y, 0.4)

    for value in (0.0, 1.0):
        integrate(estimate, levels, start, "ancestral", noise=lambda _: torch.full((1, 1), value))  # noqa: B023
        mean = 0.4 + 0.0625 * (3.0 - 0.4)
        assert float(seen[1]) == pytest.approx(mean + value * 0.5 * (1 - 0.0625) ** 0.5)


def test_an_exact_estimate_is_returned_by_every_solver() -> None:
    """Data of one value: all solvers land on it, whatever the grid."""
    target = torch.randn(1, 6, dtype=torch.float64, generator=torch.manual_seed(2))
    levels = edm_levels(5)[:, None].expand(-1, 6)
    start = target + 80 * torch.randn(3, 6, dtype=torch.float64)
    for solver in ("euler", "ddim", "heun", "2m", "ancestral"):
        samples = integrate(
            lambda y, _: target.expand_as(y), levels, start, solver, noise=lambda _: start * 0
        )
        np.testing.assert_allclose(samples, target.expand(3, -1), atol=1e-12)


def gains(variance: torch.Tensor, levels: torch.Tensor) -> torch.Tensor:
    """Of the Wiener filter at every level above 0, [N, d]."""
    return variance / (variance + levels[:-1].reshape(len(levels) - 1, -1) ** 2)


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("mean", [0.0, 0.7])
def test_covariance_aware_ddim_is_exact_on_gaussian_data(mean: float, steps: int) -> None:
    """In one step or several: the flow of N(m, lambda) is y' = m + sqrt(...) (y - m), to 0 too."""
    variance = lattice(3.0)
    levels = edm_levels(steps)[:, None].expand(-1, len(variance))
    start = mean + 80 * torch.randn(4, 1024, dtype=torch.float64, generator=torch.manual_seed(4))

    def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
        return mean + variance / (variance + levels[k] ** 2) * (y - mean)

    samples = integrate(estimate, levels, start, "covariance", gain=gains(variance, levels))
    exact = mean + (variance / (variance + 80**2)).sqrt() * (start - mean)
    np.testing.assert_allclose(samples, exact, rtol=1e-6, atol=1e-9)


def test_covariance_aware_ddim_is_the_update_as_written() -> None:
    """m = D + (lambda/s^2)(D - y), y' = m + sqrt((lambda + s'^2)/(lambda + s^2)) (y - m)."""
    generator = torch.manual_seed(5)
    variance, s, y, d = torch.rand(4, 50, dtype=torch.float64, generator=generator) + 0.1
    for s_next in (0.7 * s, 0 * s):
        m = d + variance / s**2 * (d - y)
        expected = m + ((variance + s_next**2) / (variance + s**2)).sqrt() * (y - m)
        levels = torch.stack([s, s_next])
        gain = (variance / (variance + s**2))[None]
        moved = integrate(lambda *_: d, levels, y[None], "covariance", gain=gain)[0]
        np.testing.assert_allclose(moved, expected, rtol=1e-10, atol=1e-12)


def test_covariance_aware_ddim_without_variance_is_ddim() -> None:
    variance = lattice(2.0)
    levels = edm_levels(7)[:, None].expand(-1, len(variance))
    start = torch.randn(3, 1024, dtype=torch.float64, generator=torch.manual_seed(6))
    curved = lambda y, k: torch.tanh(y / (1 + levels[k]))  # noqa: E731
    ddim = integrate(curved, levels, start, "ddim")
    none = integrate(curved, levels, start, "covariance", gain=torch.zeros_like(levels[:-1]))
    np.testing.assert_allclose(none, ddim, rtol=1e-12, atol=1e-14)


def test_any_gain_gives_a_finite_step_in_float32() -> None:
    """From lambda = 0 to infinity, and for steps of no length; between DDIM and half of it."""
    gain = torch.tensor([0.0, 1e-30, 1e-8, 0.5, 1 - 1e-7, 1.0])
    for s, s_next in ((80.0, 79.999), (80.0, 80.0), (80.0, 1e-4), (2e-3, 1e-3), (2e-3, 0.0)):
        share = covariance_share(torch.tensor(s), torch.tensor(s_next), gain)
        assert torch.isfinite(share).all()
        assert (share <= 1 - s_next / s + 1e-6).all()
        assert (share >= (1 - (s_next / s) ** 2) / 2 - 1e-6).all()


@pytest.mark.parametrize("solver", ["euler", "ddim", "heun", "2m", "ancestral", "covariance"])
def test_evaluations_are_counted_as_they_are_made(solver: str) -> None:
    variance = torch.ones(2, dtype=torch.float64)
    for steps in (1, 2, 7):
        levels = edm_levels(steps)[:, None].expand(-1, 2)
        calls = []

        def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
            calls.append(k)  # noqa: B023
            return wiener(variance, levels)(y, k)  # noqa: B023

        start, gain = torch.ones(1, 2).double(), torch.full_like(levels[:-1], 0.5)
        integrate(estimate, levels, start, solver, noise=lambda _: 0.0, gain=gain)  # pyright: ignore
        assert len(calls) == evaluations(steps, solver)


def test_unknown_solvers_and_missing_noise_are_refused() -> None:
    levels = edm_levels(3)[:, None]
    start = torch.ones(1, 1, dtype=torch.float64)
    with pytest.raises(InputError, match="'rk4' is unknown; choose one of euler, ddim"):
        integrate(lambda y, _: y, levels, start, "rk4")
    with pytest.raises(InputError, match="'covariance' needs the gain"):
        integrate(lambda y, _: y, levels, start, "covariance")
    with pytest.raises(InputError, match="ancestral"):
        integrate(lambda y, _: y, levels, start, "ancestral")
