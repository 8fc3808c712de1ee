"""Distances between distributions: closed forms of Gaussians, peers, nothing between equals."""

import numpy as np
import pytest
from scipy import linalg, stats

from spectra.errors import InputError
from spectra.evaluation import (
    extrapolated_frechet,
    frechet_distance,
    frechet_interval,
    kernel_distance,
    sliced_wasserstein,
)
from spectra.evaluation.score import jackknife
from spectra.evaluation.wasserstein import patches, wasserstein_1d


def gaussian(n: int, f: int, seed: int, spread: float = 1.0, mean: float = 0.0) -> np.ndarray:
    return mean + spread * np.random.default_rng(seed).standard_normal((n, f))


def test_frechet_of_known_gaussians_is_the_closed_form() -> None:
    """F (s - 1)^2 + F m^2, covered by the interval; the target's moments are exact."""
    b = gaussian(500, 6, 0)
    b = b - b.mean(0)
    b = 1.5 * b @ np.linalg.inv(np.linalg.cholesky(np.cov(b.T))).T + 0.3
    true = 6 * 0.25 + 6 * 0.09
    found = [frechet_interval(gaussian(1000, 6, seed), b) for seed in range(1, 61)]
    assert np.mean([one.value for one in found]) == pytest.approx(true, abs=0.03)
    assert np.mean([one.low < true < one.high for one in found]) >= 0.88


@pytest.mark.parametrize(("n", "m"), [(300, 200), (12, 9)])  # more and fewer than features
def test_frechet_is_the_formula_with_a_matrix_root(n: int, m: int) -> None:
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((20, 20))
    a, b = rng.standard_normal((n, 20)) @ mix, rng.standard_normal((m, 20)) + 1
    first, second = np.cov(a.T), np.cov(b.T)
    # tr (A B)^(1/2) by the eigenvalues of the symmetric A^(1/2) B A^(1/2)
    root = linalg.eigh(first)
    half = root[1] * np.sqrt(np.maximum(root[0], 0)) @ root[1].T
    cross = np.sqrt(np.maximum(linalg.eigvalsh(half @ second @ half), 0)).sum()
    mean = a.mean(0) - b.mean(0)
    expected = mean @ mean + np.trace(first) + np.trace(second) - 2 * cross
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_of_few_examples_is_too_large_and_extrapolates_to_nothing() -> None:
    a, b = gaussian(400, 40, 0), gaussian(400, 40, 1)
    raw, at_infinity = frechet_distance(a, b), extrapolated_frechet(a, b)
    assert raw > 1.5
    assert at_infinity is not None
    assert abs(at_infinity) < 0.25 * raw
    assert extrapolated_frechet(a[:60], b[:60]) is None


def test_frechet_of_equals_is_nothing() -> None:
    a = gaussian(50, 7, 0)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_is_the_sum_over_pairs() -> None:
    a, b = gaussian(7, 3, 0), gaussian(5, 3, 1, 2.0)
    k = [[(x @ y / 3 + 1) ** 3 for y in np.vstack([a, b])] for x in np.vstack([a, b])]
    k = np.array(k)
    aa = (k[:7, :7].sum() - np.trace(k[:7, :7])) / 42
    bb = (k[7:, 7:].sum() - np.trace(k[7:, 7:])) / 20
    assert kernel_distance(a, b).value == pytest.approx(aa + bb - 2 * k[:7, 7:].mean(), rel=1e-9)


def test_kernel_distance_of_equal_distributions_is_nothing_on_average() -> None:
    found = [
        kernel_distance(gaussian(40, 5, 2 * s), gaussian(60, 5, 2 * s + 1)) for s in range(150)
    ]
    values = np.array([one.value for one in found])
    assert abs(values.mean()) < 3 * values.std() / np.sqrt(len(values))
    assert np.mean([one.low <= 0 <= one.high for one in found]) >= 0.92
    assert kernel_distance(gaussian(200, 5, 0), gaussian(200, 5, 1, mean=0.5)).low > 0


@pytest.mark.slow
def test_kernel_interval_of_distinct_distributions_covers() -> None:
    true = kernel_distance(gaussian(3000, 4, 0), gaussian(3000, 4, 1, 1.3)).value
    found = [
        kernel_distance(gaussian(80, 4, 2 * s), gaussian(80, 4, 2 * s + 1, 1.3))
        for s in range(5, 105)
    ]
    assert np.mean([one.low <= true <= one.high for one in found]) >= 0.87


def test_kernel_pairs_within_a_file_are_left_out() -> None:
    """Each example twice, as two of one file: the value of the examples once."""
    a, b = gaussian(30, 4, 0), gaussian(30, 4, 1)
    once = kernel_distance(a, b)
    twice = kernel_distance(np.repeat(a, 2, axis=0), b, units=np.repeat(np.arange(30), 2))
    assert twice.value == pytest.approx(once.value, rel=1e-9)
    assert twice.high == pytest.approx(once.high, rel=1e-9)


def test_what_is_no_feature_is_refused() -> None:
    a = gaussian(10, 3, 0)
    for wrong in (a[:, :2], a[:1], a[:, 0], np.where(a > 1, np.nan, a)):
        for distance in (frechet_distance, kernel_distance):
            with pytest.raises(InputError, match="features"):
                distance(a, wrong)


@pytest.mark.parametrize(("n", "m"), [(12, 12), (6, 9), (5, 7), (1, 4)])
def test_wasserstein_on_a_line_is_that_of_repeated_values(n: int, m: int) -> None:
    rng = np.random.default_rng(0)
    a, b = np.sort(rng.standard_normal((3, n))), np.sort(rng.standard_normal((3, m)))
    expected = ((np.repeat(a, m, axis=1) - np.repeat(b, n, axis=1)) ** 2).mean(axis=1)
    np.testing.assert_allclose(wasserstein_1d(a, b), expected, rtol=1e-12)


def images(n: int, seed: int, shape: tuple[int, ...] = (1, 8, 12), shift: float = 0.0):
    return shift + np.random.default_rng(seed).standard_normal((n, *shape)).astype(np.float32)


@pytest.mark.parametrize("shape", [(1, 8, 12), (3, 6, 6), (1, 40), (2, 5), (1, 1, 1)])
def test_a_shift_of_every_value_is_that_far(shape: tuple[int, ...]) -> None:
    a = images(60, 0, shape)
    found = sliced_wasserstein(a + 3.0, a, projections=4000)
    assert found.value == pytest.approx(3.0, rel=0.05)
    assert found.low <= found.value <= found.high


def test_equal_distributions_are_as_near_as_data_to_data() -> None:
    """The score of a perfect model is its floor: the median of many floors lies within."""
    floor = [
        sliced_wasserstein(images(80, s), images(80, 100 + s), projections=64) for s in range(20)
    ]
    values = np.array([one.value for one in floor])
    told = sliced_wasserstein(1.3 * images(80, 50), images(80, 51), projections=64)
    assert told.low > values.max()
    assert np.mean([one.low <= np.median(values) <= one.high for one in floor]) >= 0.9


def test_patches_see_detail_and_not_level() -> None:
    a = images(40, 0, (2, 16, 20))
    level = np.random.default_rng(2).uniform(-5, 5, (40, 1, 1, 1)).astype(np.float32)
    same = sliced_wasserstein(a + level, a, patch=4)
    assert same.value == pytest.approx(sliced_wasserstein(a, a, patch=4).value, rel=1e-3)
    smooth = (a + np.roll(a, 1, axis=-1)) / 2
    assert sliced_wasserstein(smooth, a, patch=4).low > 3 * same.high
    assert patches(a, 4, 0).shape == (40 * 2 * 8, 16)
    assert patches(a[:, :, 0], 5, 0).shape == (40 * 2 * 8, 5)
    with pytest.raises(InputError, match="patch 17"):
        sliced_wasserstein(a, a, patch=17)


def test_what_is_no_set_of_examples_is_refused() -> None:
    a = images(6, 0)
    for wrong in (a[:1], a[:, 0, 0], a[..., :5], np.full_like(a, np.nan)):
        with pytest.raises(InputError):
            sliced_wasserstein(wrong, a)


def test_jackknife_of_a_mean_is_students_interval() -> None:
    """Of as many groups as values it is the textbook's, and of files it is that of their means."""
    x = np.random.default_rng(0).standard_normal(10)
    found = jackknife(lambda kept: float(x[kept].mean()), np.arange(10))
    low, high = stats.t.interval(0.95, 9, x.mean(), stats.sem(x))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9)
    files = np.repeat(x, 3)
    same = jackknife(lambda kept: float(files[kept].mean()), np.repeat(np.arange(10), 3))
    assert (same.low, same.high) == pytest.approx((low, high), rel=1e-9)
    assert jackknife(lambda kept: 1.0, np.zeros(5)).high == np.inf
