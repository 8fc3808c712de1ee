"""A mixture with a known score: orders of the samplers, and of whom samples cannot tell."""

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch

from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.solvers import integrate
from tests.diffusion.gaussians import log_levels
from tests.diffusion.mixture_fields import drawn_by, mixture_schedule, p_values, shapes
from tests.mixtures import Mixture, line_mixture, starts
from tests.repeats import then_slow

HIGH, LOW = 8.0, 0.05  # sigma_max and sigma_min of the orders
SAMPLES = 5000
LEVEL = 0.01


def reached(toy: Mixture, start: torch.Tensor, steps: int, solver: str) -> torch.Tensor:
    """y at sigma_min, after steps even in log sigma: what the estimate for the last one is of."""
    levels = log_levels(steps + 1, LOW, HIGH)[:, None]
    seen = []

    def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
        seen.append(y)
        return toy.denoise(y, levels[k])

    gain = toy.variance / (toy.variance + levels[:-1] ** 2)
    integrate(estimate, levels, start, solver, gain=gain)
    return seen[-1]


@cache
def flowed(between: float) -> tuple[Mixture, torch.Tensor, torch.Tensor]:
    """A toy, noised examples at sigma_max, and where the flow has them at sigma_min."""
    toy = line_mixture(between, seed=3, size=8)
    start = starts(toy, 64, HIGH, seed=3)
    return toy, start, reached(toy, start, 8192, "2m")


@pytest.mark.parametrize("between", then_slow([0.8], [0.3]))
@pytest.mark.parametrize(
    ("solver", "order"),
    then_slow([("heun", 2)], [("euler", 1), ("ddim", 1), ("covariance", 1), ("2m", 2)]),
)
def test_samplers_are_of_their_order(solver: str, order: int, between: float) -> None:
    """Twice the steps divide the error by 2^order, between a fixed sigma_max and sigma_min > 0.

    Mean Euclidean distance to the probability flow's own endpoint, float64, at each of three
    doublings, and fitted over all.
    """
    toy, start, truth = flowed(between)
    steps = np.array([128, 256, 512, 1024])
    error = np.array(
        [float((reached(toy, start, n, solver) - truth).norm(dim=1).mean()) for n in steps]
    )
    fitted = -np.polyfit(np.log(steps), np.log(error), 1)[0]
    assert fitted == pytest.approx(order, abs=0.1)
    for coarse, fine in pairwise(error):
        assert np.log2(coarse / fine) == pytest.approx(order, abs=0.2)


def test_ancestral_is_of_first_order_in_distribution() -> None:
    """Two modes in one dimension: variance and kurtosis of the samples at sigma_min, no draws.

    The density is carried along by quadrature; each step's mean and noise are the solver's own.
    """
    toy = Mixture(torch.tensor([[-0.6], [0.6]]).double(), torch.tensor([0.04]).double())
    y = torch.linspace(-4, 4, 801, dtype=torch.float64)[:, None]
    dx = float(y[1] - y[0])

    def density(sigma: float) -> torch.Tensor:
        width = toy.within + sigma**2
        each = torch.exp(-((y - toy.means.T) ** 2) / (2 * width)) / (2 * torch.pi * width).sqrt()
        return each.mean(1)

    def moments(p: torch.Tensor) -> np.ndarray:
        return np.array([float((p * y[:, 0] ** k).sum() * dx) for k in (2, 4)])

    def step(s: float, s_next: float, noise: float) -> torch.Tensor:
        seen = []

        def estimate(at: torch.Tensor, k: int) -> torch.Tensor:
            seen.append(at)
            return toy.denoise(at, (s, s_next)[k])

        levels = torch.tensor([[s], [s_next], [0.0]], dtype=torch.float64)
        integrate(estimate, levels, y, "ancestral", noise=lambda _: torch.full_like(y, noise))
        return seen[-1]

    low, high = 0.1, 1.0
    truth, errors = moments(density(low)), []
    for steps in (16, 32, 64):
        p = density(high)
        for s, s_next in pairwise(log_levels(steps + 1, low, high)[:-1].tolist()):
            mean = step(s, s_next, 0.0)[:, 0]
            up = float(step(s, s_next, 1.0)[0, 0] - mean[0])
            kernel = torch.exp(-((y - mean) ** 2) / (2 * up**2)) / (up * (2 * np.pi) ** 0.5)
            p = kernel @ p * dx
        assert float(p.sum() * dx) == pytest.approx(1, abs=1e-3)
        errors.append(np.abs(moments(p) - truth))
    for coarse, fine in pairwise(errors):
        np.testing.assert_allclose(np.log2(coarse / fine), 1, atol=0.2)
    assert (errors[-1] < 0.05 * truth).all()


@cache
def samples(name: str, seed: int, n: int = SAMPLES) -> torch.Tensor:
    return drawn_by(shapes(), name, n, seed)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bands", "columns"])
def test_one_after_another_and_all_at_once_give_one_distribution(name: str) -> None:
    """5,000 samples each: neither modes nor values tell them apart, nor from exact draws."""
    sequential, joint = samples(name, 11), samples("joint", 12)
    exact = shapes().draw(SAMPLES, seed=13)
    for other in (joint, exact):
        assert min(p_values(shapes(), sequential, other)) > LEVEL


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bands", "columns"])
def test_the_same_test_rejects_a_weight_that_is_wrong(name: str) -> None:
    """0.55 where it is 0.5, by the same sampler: both parts of the test see it."""
    wrong = drawn_by(shapes((0.55, 0.27, 0.18)), name, SAMPLES, seed=14)
    assert max(p_values(shapes(), wrong, samples("joint", 12))) < LEVEL


@pytest.mark.slow
def test_five_percent_of_the_weight_itself() -> None:
    """0.525 for 0.5: 12,000 samples of either order pass, and reject it."""
    n = 12_000
    wrong = drawn_by(shapes((0.525, 0.285, 0.19)), "columns", n, seed=14)
    joint = samples("joint", 12, n)
    assert min(p_values(shapes(), samples("columns", 11, n), joint)) > LEVEL
    assert max(p_values(shapes(), wrong, joint)) < LEVEL


def test_the_permutation_test_errs_as_often_as_it_says() -> None:
    """Exact draws on both sides, 100 times: p <= 0.1 in about a tenth."""
    toy = shapes()
    p = np.array(
        [
            p_values(toy, toy.draw(150, 2 * k), toy.draw(150, 2 * k + 1), seed=k, permutations=99)
            for k in range(100)
        ]
    )
    # 100 trials at 0.1: more than 20 or fewer than 2 happen once in a thousand.
    alarms = (p <= 0.1).sum(axis=0)
    assert (alarms >= 2).all()
    assert (alarms <= 20).all()
    assert (p > 0.5).mean() == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(("name", "parts"), [("columns", 8), ("bands", 4)])
def test_parts_really_come_one_after_another(name: str, parts: int) -> None:
    """Where one part has a log-SNR between -5 and 5, all before are cleaner, all after noisier."""
    schedule = mixture_schedule(name)
    log_snr = schedule.log_snr(np.linspace(0, 1, 801)).reshape(801, 8, 8)
    label = np.broadcast_to(np.arange(8), (8, 8)) if name == "columns" else band_of(schedule.offset)
    assert len(np.unique(label)) == parts
    between = np.abs(log_snr) < 5
    for at in between:
        assert len(np.unique(label[at])) <= 1
    assert between.any(axis=0).all()


def band_of(offset: np.ndarray) -> np.ndarray:
    return np.unique(offset, return_inverse=True)[1].reshape(8, 8)


@pytest.mark.parametrize("solver", ["heun", "2m"])
def test_every_solver_lands_on_the_modes(solver: str) -> None:
    """Sequential samples keep the noise within a mode: their variance about it is the toy's."""
    toy = shapes()
    found = drawn_by(toy, "bands", 400, seed=15, solver=solver)
    means = toy.means[toy.modes(found)]
    assert float((found - means).square().mean()) == pytest.approx(toy.within, rel=0.03)


def exact(name: str) -> tuple[DiffusionProcess, Callable]:
    process = DiffusionProcess(mixture_schedule(name))
    return process, shapes().denoiser(process)


def test_the_denoiser_is_the_gradient_of_the_density() -> None:
    """Tweedie: z_hat = y + s^2 grad ln p(y), in the components of a window half open."""
    for name in ("joint", "columns"):
        process, denoise = exact(name)
        t = torch.full((3,), 0.4, dtype=torch.float64)
        alpha, sigma = (value[:1].double() for value in process.alpha_sigma(t))
        noise = (sigma / alpha).square()
        z = process.components(shapes().draw(3, 0).float()).double()
        drawn = torch.randn(z.shape, dtype=torch.float64, generator=torch.manual_seed(0))
        y = (z + noise.sqrt() * drawn).requires_grad_()
        means = process.components(shapes().means.float()).double().flatten(1)
        joint = shapes().log_joint(y.flatten(1), means, noise.flatten())
        score = torch.autograd.grad(torch.logsumexp(joint, 1).sum(), y)[0]
        expected = (y + noise * score).detach()
        found = denoise((alpha * y).detach(), t)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
