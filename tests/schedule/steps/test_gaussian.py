"""Predicted errors: the golden numbers, and the sampler itself on unit impulses."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import spectra
from spectra.diffusion.solvers import integrate
from spectra.errors import InputError
from spectra.schedule.steps.denoising import wiener_error
from spectra.schedule.steps.gaussian import predict_error, predict_sigmas
from spectra.schedule.steps.grids import optimal_sigmas, schedule_grid
from spectra.schedule.steps.rules import named_sigmas
from tests.schedule.known import known_spectrum, power_law

SIGMA_MAX, SIGMA_MIN = 80.0, 0.002
SOLVERS = ("euler", "heun", "2m")


def lattice(alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Distinct variances of the full 32 x 32 FFT lattice and their counts; the mean is 0.25."""
    k = np.fft.fftfreq(32) * 32
    radius = np.hypot(k[:, None], k[None, :])
    radius[0, 0] = 0.5
    power = radius**-alpha
    values, counts = np.unique((0.25 / power.mean() * power).round(13), return_counts=True)
    return values, counts.astype(float)


# spectrum, solver, steps, rule, W2^2 per dimension.
PUBLISHED = [
    (3.0, "euler", 10, "edm", 0.01121),
    (3.0, "euler", 10, "log-linear", 0.01604),
    (3.0, "euler", 10, "rescaled-entropic", 0.03217),
    (2.0, "heun", 9, "edm", 0.01454),
    (2.0, "heun", 18, "edm", 5.44e-4),
]
OPTIMAL = [
    (3.0, "euler", 10, "fixed", 0.00802),
    (3.0, "euler", 10, "free", 0.00669),
    (2.0, "heun", 9, "free", 7.9e-4),
    (2.0, "heun", 9, "fixed", 2.86e-3),
    (2.0, "heun", 18, "free", 2.6e-5),
    (2.0, "heun", 18, "fixed", 1.09e-4),
]


@pytest.mark.parametrize(("alpha", "solver", "steps", "rule", "golden"), PUBLISHED)
def test_golden_numbers_of_published_grids(
    alpha: float, solver: str, steps: int, rule: str, golden: float
) -> None:
    variance, count = lattice(alpha)
    grid = named_sigmas(
        rule, variance, steps, sigma_max=SIGMA_MAX, sigma_min=SIGMA_MIN, count=count
    )
    assert predict_sigmas(variance, grid, solver, count=count).w2 == pytest.approx(golden, rel=0.01)


@pytest.mark.parametrize(("alpha", "solver", "steps", "last", "golden"), OPTIMAL)
def test_golden_numbers_of_optimal_grids(
    alpha: float, solver: str, steps: int, last: str, golden: float
) -> None:
    variance, count = lattice(alpha)
    lowest = SIGMA_MIN if last == "fixed" else 1e-4
    grid = optimal_sigmas(
        variance, steps, solver, sigma_max=SIGMA_MAX, sigma_min=lowest, count=count, last=last,
        smoothness=0, spread=0,
    )  # fmt: skip
    assert predict_sigmas(variance, grid, solver, count=count).w2 == pytest.approx(golden, rel=0.05)


def test_golden_number_of_the_component_wise_optimum() -> None:
    """Every theta_i from arctan(80 / sqrt lambda_i) to 0 in 10 equal steps."""
    variance, count = lattice(3.0)
    theta = np.arctan(SIGMA_MAX / np.sqrt(variance))
    left = np.cos(theta / 10) ** 10  # a step multiplies by the cosine of its angle
    w2 = (count * variance * (1 - left) ** 2).sum() / count.sum()
    assert w2 == pytest.approx(0.00279, rel=0.05)


def test_equal_snr_with_the_tangent_grid_is_that_optimum() -> None:
    """One curve for all components: the tangent law is exactly optimal for Euler."""
    spectrum = known_spectrum(power_law(3.0), (1, 16, 16))
    schedule = spectra.derive_schedule(
        spectrum, basis="fourier", ordering_strength=0.0, pace="linear", g_denoise=-12, g_noise=9
    )
    tangent = predict_error(schedule, schedule.grid(10, rule="tangent"), "euler")
    noisy = np.arctan(np.exp(schedule.pace[-1] / 2))
    clean = np.arctan(np.exp(schedule.pace[0] / 2))
    angles = np.r_[np.full(9, (noisy - clean) / 9), clean]
    assert tangent.ratio == pytest.approx(np.prod(np.cos(angles)) ** 2, rel=1e-8)
    best = predict_error(schedule, schedule.grid(10, "euler"), "euler")
    assert best.w2 < 1.05 * tangent.w2


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    solver=st.sampled_from(SOLVERS),
    steps=st.integers(1, 12),
    start=st.sampled_from(("data", "white")),
)
def test_prediction_is_the_sampler_on_unit_impulses(
    seed: int, solver: str, steps: int, start: str
) -> None:
    """In pixel space, in float64: what the sampler makes of every single lit pixel."""
    rng = np.random.default_rng(seed)
    shape = (1, 5, 6)
    size = int(np.prod(shape))
    variance = 10 ** rng.uniform(-5, 1, shape)
    sigmas = np.sort(10 ** rng.uniform(-3, 2, steps))[::-1]
    basis = spectra.make_basis("dct", shape)
    levels = torch.tensor(np.r_[sigmas, 0.0]).reshape(-1, 1, 1, 1)

    def denoise(y: torch.Tensor, k: int) -> torch.Tensor:
        wiener = torch.tensor(variance / (variance + sigmas[k] ** 2))
        return basis.inverse(wiener * basis.forward(y))

    impulses = torch.eye(size, dtype=torch.float64).reshape(size, *shape)
    moved = integrate(denoise, levels, impulses, solver)
    # The sampler's matrix, rows and columns as components: its diagonal is all there is.
    matrix = basis.forward(moved).reshape(size, size).T @ impulses.reshape(size, size)
    matrix = basis.forward(matrix.reshape(size, *shape)).reshape(size, size).numpy()
    multiplier = np.diag(matrix)
    assert np.abs(matrix - np.diag(multiplier)).max() < 1e-9
    begun = variance + sigmas[0] ** 2 if start == "data" else sigmas[0] ** 2
    measured = multiplier.reshape(shape) ** 2 * begun / variance
    predicted = predict_sigmas(variance.ravel(), sigmas, solver, start=start).ratio.reshape(shape)
    scale = begun / variance  # of the ratio of a sampler that does nothing
    assert np.abs(predicted - measured).max() / scale.max() < 1e-6
    assert predicted == pytest.approx(measured, rel=1e-6, abs=1e-10)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("strength", [0.0, 0.5, 2.0])
def test_prediction_of_component_wise_schedules_is_the_sampler(
    solver: str, strength: float
) -> None:
    spectrum = known_spectrum(power_law(2.5, 1e-4), (1, 8, 8))
    schedule = spectra.derive_schedule(spectrum, ordering_strength=strength)
    grid = schedule.grid(7, solver)
    log_snr = torch.tensor(schedule.log_snr(grid))
    variance = torch.tensor(schedule.variance)
    levels = (variance * torch.exp(-log_snr)).sqrt()
    wiener = torch.sigmoid(log_snr)
    levels[-1] = 0
    start = (variance + levels[0] ** 2).sqrt()[None]
    out = integrate(lambda y, k: wiener[k] * y, levels, start, solver)[0].numpy()
    predicted = predict_error(schedule, grid, solver).ratio
    assert predicted == pytest.approx(out**2 / schedule.variance, rel=1e-6, abs=1e-12)


def test_ancestral_variance_is_that_of_many_draws() -> None:
    variance, sigmas = np.array([1.0, 0.01]), np.array([20.0, 5.0, 1.0, 0.3, 0.05])
    predicted = predict_sigmas(variance, sigmas, "ancestral").ratio
    rng = np.random.default_rng(0)
    levels = torch.tensor(np.r_[sigmas, 0.0]).reshape(-1, 1)
    start = torch.tensor(rng.standard_normal((200_000, 2)) * np.sqrt(variance + sigmas[0] ** 2))
    drawn = integrate(
        lambda y, k: y * torch.tensor(variance / (variance + sigmas[k] ** 2)),
        levels,
        start,
        "ancestral",
        lambda k: torch.tensor(rng.standard_normal((200_000, 2))),
    )
    assert predicted == pytest.approx(drawn.numpy().var(axis=0) / variance, rel=0.02)


def test_a_wiener_error_predicts_as_no_error_given() -> None:
    spectrum = known_spectrum(power_law(2.0, 1e-3), (1, 8, 8))
    schedule = spectra.derive_schedule(spectrum, ordering_strength=0.7)
    error = wiener_error(schedule, np.geomspace(1e-4, 1e3, 60))
    grid = schedule.grid(8)
    for solver in SOLVERS:
        bare = predict_error(schedule, grid, solver)
        measured = predict_error(schedule, grid, solver, error=error)
        assert measured.ratio == pytest.approx(bare.ratio, rel=1e-3)
    # Beside the spectrum itself the measured error changes nothing if it is the Wiener filter's.
    bare = schedule_grid(schedule, 8, spread=0)
    assert schedule.grid(8, error=error) == pytest.approx(bare, abs=5e-3)


def test_kl_and_rings_of_a_prediction() -> None:
    made = predict_sigmas(np.array([1.0, 0.1]), np.array([3.0, 1.0]), "euler", count=[1, 3])
    kl = 0.5 * (made.ratio - 1 - np.log(made.ratio))
    assert made.kl == pytest.approx((kl[0] + 3 * kl[1]) / 4)
    rings = made.by_ring(np.array([0.1, 0.4]), np.array([0.0, 0.2, 0.5, 0.7]))
    assert rings[:2] == pytest.approx(made.ratio)
    assert np.isnan(rings[2])


@pytest.mark.parametrize(
    ("sigmas", "solver", "message"),
    [
        ([1.0, 2.0], "heun", "must fall"),
        ([1.0, 0.0], "heun", "leave the final 0 out"),
        ([], "heun", "must fall"),
        ([1.0], "rk4", "solver"),
    ],
)
def test_nonsense_is_refused(sigmas: list[float], solver: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        predict_sigmas(np.ones(2), np.array(sigmas), solver)
