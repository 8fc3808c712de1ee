"""Sums by file: any batching and any order of merging gives the two-pass numbers."""

import numpy as np
import pytest
from scipy import stats

from spectra.spectrum.moments import FileMoments, MomentAccumulator


def accumulated(values: np.ndarray, files: np.ndarray, batch: int) -> FileMoments:
    moments = MomentAccumulator(values.shape[1])
    for start in range(0, len(values), batch):
        moments.add(values[start : start + batch], files[start : start + batch])
    return moments.result()


@pytest.fixture
def table() -> tuple[np.ndarray, np.ndarray]:
    """Examples of 30 files of 1 to 9 examples, with a level of their own, [N, 5] and [N]."""
    rng = np.random.default_rng(0)
    files = np.repeat(np.arange(30), rng.integers(1, 10, 30))
    values = 3 + rng.standard_normal((len(files), 5)) + rng.standard_normal((30, 5))[files]
    return values, files


@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_mean_and_covariance_are_the_two_pass_ones(
    table: tuple[np.ndarray, np.ndarray], batch: int
) -> None:
    values, files = table
    moments = accumulated(values, files, batch)
    assert (moments.n, moments.n_files) == (len(values), 30)
    np.testing.assert_allclose(moments.mean, values.mean(axis=0), rtol=1e-12)
    residual = values - values.mean(axis=0)
    sums = np.stack([residual[files == f].sum(axis=0) for f in range(30)])
    shares = np.bincount(files) / len(values)
    expected = sums.T @ sums / len(values) ** 2 / (1 - (shares**2).sum())
    np.testing.assert_allclose(moments.covariance(), expected, rtol=1e-10, atol=1e-14)


def test_one_example_a_file_is_the_usual_standard_error() -> None:
    values = np.random.default_rng(1).standard_normal((50, 3))
    moments = accumulated(values, np.arange(50), 16)
    np.testing.assert_allclose(moments.covariance(), np.cov(values.T) / 50, rtol=1e-10)


def test_merging_is_one_pass(table: tuple[np.ndarray, np.ndarray]) -> None:
    values, files = table
    cut = np.flatnonzero(files == 11)[0]
    both = accumulated(values[:cut], files[:cut], 8) + accumulated(values[cut:], files[cut:], 8)
    once = accumulated(values, files, 8)
    assert (both.n, both.n_files, both.squared_sizes) == (once.n, once.n_files, once.squared_sizes)
    for name in ("total", "sized_total", "outer"):
        np.testing.assert_allclose(getattr(both, name), getattr(once, name), rtol=1e-12)


def test_a_single_file_has_no_scatter() -> None:
    moments = accumulated(np.ones((4, 2)), np.zeros(4, int), 4)
    assert np.isnan(moments.covariance()).all()
    assert np.isinf(moments.degrees())


@pytest.mark.parametrize(
    "sizes", [[1] * 8, [1] * 7 + [7], [1] * 20 + [20], [1, 2, 4, 8, 16, 32], [1, 1, 1, 1, 20]]
)
def test_the_interval_covers_whatever_the_sizes_of_the_files(sizes: list[int]) -> None:
    """Files that pull the mean to themselves hide their own scatter."""
    rng = np.random.default_rng(0)
    files, repeats = np.repeat(np.arange(len(sizes)), sizes), 2000
    levels = rng.standard_normal((len(sizes), repeats))
    moments = accumulated(levels[files], files, len(files))
    error = np.sqrt(np.diagonal(moments.covariance()))
    covered = np.abs(moments.mean) < stats.t.ppf(0.975, moments.degrees()) * error
    assert 0.93 < covered.mean() <= 1.0
    assert 1.0 <= moments.degrees() <= len(sizes) - 1


def test_files_that_hold_most_of_the_power_count_for_more() -> None:
    values = np.ones((10, 3))
    equal = accumulated(values, np.arange(10), 10)
    np.testing.assert_allclose(equal.effective_files_of_total, 10)
    values[0] = 1000
    one = accumulated(values, np.arange(10), 10)
    assert one.effective_files == 10
    assert one.effective_files_of_total < 1.02
