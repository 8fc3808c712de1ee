"""Mixtures of Gaussians in few dimensions: their denoiser, their schedules, their paths."""

import numpy as np
import pytest

from spectra.diffusion.mixture import (
    GaussianMixture,
    mixture_bound,
    mixture_paths,
    mixture_schedule,
)
from spectra.errors import InputError

pytestmark = pytest.mark.slow

MEANS = np.array([[-1.4, -1.1], [-0.7, -0.9], [-0.1, 0.35], [0.7, 0.4], [1.3, 1.5]])
WITHIN = np.array([[0.03, 0.01], [0.01, 0.02]])
SEQUENTIAL = 2 * np.log(1e4)  # apart by more than a component needs to drown


@pytest.fixture(scope="module")
def mixture() -> GaussianMixture:
    return GaussianMixture(MEANS, WITHIN)


def test_draws_have_the_moments_and_the_density_is_one(mixture) -> None:
    x = mixture.draw(40000, seed=1)
    np.testing.assert_allclose(x.mean(axis=0), mixture.mean, atol=0.02)
    np.testing.assert_allclose(np.cov(x.T), mixture.total_covariance, atol=0.03)
    side = np.linspace(-4, 4, 401)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    assert np.exp(mixture.log_density(grid)).sum() * 0.02**2 == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("basis", ["pixel", "pca"])
@pytest.mark.parametrize("gap", [0.0, 4.0, SEQUENTIAL])
def test_every_order_in_every_basis_gives_the_data(mixture, basis: str, gap: float) -> None:
    schedule = mixture_schedule(mixture, basis=basis, labels=np.array([0.0, 1.0]), strength=gap)
    t, x = mixture_paths(mixture, schedule, 2000, steps=150, seed=3)
    assert (t[0], t[-1], x.shape) == (1.0, 0.0, (151, 2000, 2))
    np.testing.assert_allclose(np.cov(x[-1].T), mixture.total_covariance, atol=0.09)
    truth = mixture.draw(20000)
    assert mixture.log_density(x[-1]).mean() == pytest.approx(
        mixture.log_density(truth).mean(), abs=0.12
    )


def test_standard_diffusion_is_the_same_in_both_bases(mixture) -> None:
    """Ordered by variance at strength 1 all components share one noise, whatever the basis."""
    for basis in ("pixel", "pca"):
        schedule = mixture_schedule(mixture, basis=basis)
        levels = schedule.log_ratio(np.linspace(0, 1, 5)).reshape(5, 2)
        np.testing.assert_allclose(levels[:, 0], levels[:, 1])


def test_a_sequence_finishes_one_pixel_before_it_starts_the_next(mixture) -> None:
    schedule = mixture_schedule(
        mixture, basis="pixel", labels=np.array([0.0, 1.0]), strength=SEQUENTIAL
    )
    t, x = mixture_paths(mixture, schedule, 300, steps=400)
    half = int(np.argmin(np.abs(t - 0.5)))
    np.testing.assert_allclose(x[half, :, 0], x[-1, :, 0], atol=0.05)  # the first is done
    np.testing.assert_allclose(x[half, :, 1], x[0, :, 1], atol=0.12)  # the second untouched
    assert np.abs(x[-1, :, 1] - x[0, :, 1]).mean() > 0.5


def test_a_single_mode_is_scaled_as_the_closed_form_says() -> None:
    one = GaussianMixture(np.array([[0.5, -0.2, 0.1]]), np.diag([4.0, 1.0, 0.01]))
    schedule = mixture_schedule(one, basis="pixel", strength=1.7)
    t, x = mixture_paths(one, schedule, 5, steps=2000)
    alpha, sigma = schedule.alpha(t[:1]).ravel(), schedule.sigma(t[:1]).ravel()
    variance = np.array([4.0, 1.0, 0.01])
    scale = np.sqrt(variance / (alpha**2 * variance + sigma**2))
    np.testing.assert_allclose(x[-1] - one.mean, scale * (x[0] - one.mean), rtol=2e-3)


@pytest.mark.parametrize(
    ("basis", "gap"), [("pixel", 0.0), ("pixel", SEQUENTIAL), ("pca", 1.0), ("pca", SEQUENTIAL)]
)
def test_the_bound_is_the_entropy_whatever_the_order(mixture, basis: str, gap: float) -> None:
    schedule = mixture_schedule(mixture, basis=basis, labels=np.array([0.0, 1.0]), strength=gap)
    mean, standard_error = mixture_bound(mixture, schedule, n=2500, levels=500)
    entropy = -mixture.log_density(mixture.draw(200000)).mean()
    assert standard_error < 0.03
    assert abs(mean - entropy) < 4 * standard_error + 0.01  # the ends: SNR 1e4 and 1e-4
    gaussian = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * mixture.total_covariance)[1]
    assert mean < gaussian - 0.3  # it knows more than the second moments


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: GaussianMixture(MEANS, np.eye(3)), "are needed"),
        (lambda: GaussianMixture(MEANS[0], np.eye(2)), "are needed"),
        (lambda: GaussianMixture(MEANS * np.nan, np.eye(2)), "finite"),
        (lambda: GaussianMixture(MEANS, -np.eye(2)), "above 0"),
        (lambda: mixture_schedule(GaussianMixture(MEANS, WITHIN), basis="dct"), "basis"),
        (lambda: mixture_schedule(GaussianMixture(MEANS, WITHIN), labels=np.ones(3)), "labels"),
        (lambda: mixture_schedule(GaussianMixture(MEANS, WITHIN), strength=-1), "strength"),
        (lambda: paths_of(n=0), "n"),
        (lambda: paths_of(steps=0), "steps"),
        (lambda: paths_of(solver="rk4"), "solver"),
        (lambda: paths_of(other=True), "schedule of"),
    ],
)
def test_bad_input_is_named_in_one_line(call, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        call()
    assert "\n" not in str(caught.value)


def paths_of(n: int = 3, steps: int = 4, solver: str = "heun", other: bool = False) -> None:
    mixture = GaussianMixture(MEANS, WITHIN)
    made = mixture_schedule(GaussianMixture(np.eye(3), np.eye(3)) if other else mixture)
    mixture_paths(mixture, made, n, steps=steps, solver=solver)
