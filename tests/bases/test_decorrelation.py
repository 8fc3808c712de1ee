"""Explained variance and the log-determinant gap."""

import numpy as np
import pytest

from spectra import InputError
from spectra.bases import (
    ScatterAccumulator,
    explained_variance,
    log_determinant_excess,
    log_determinant_gap,
    make_basis,
    pca_variance,
)


def covariance(size: int) -> np.ndarray:
    """Of an AR(1) sequence."""
    place = np.arange(size)
    return 0.9 ** np.abs(place[:, None] - place)


def test_the_gap_is_the_divergence_that_independence_costs() -> None:
    """Of AR(1) with coefficient r: pixels lose -(D - 1) / (2 D) ln(1 - r^2) exactly."""
    c = covariance(32)
    principal = np.linalg.eigvalsh(c)
    gap = log_determinant_gap(np.diag(c), principal)
    assert gap == pytest.approx(-31 / 64 * np.log(1 - 0.9**2))
    kl = (np.trace(np.linalg.solve(np.diag(np.diag(c)), c)) - 32 - np.linalg.slogdet(c)[1]) / 64
    assert gap == pytest.approx(kl)


@pytest.mark.parametrize("floor", [0.0, 1e-3, 1.0])
@pytest.mark.parametrize("name", ["pixel", "dct", "fourier", "wavelet", "wavelet-haar"])
def test_no_basis_beats_pca(name: str, floor: float) -> None:
    c = covariance(32)
    basis = make_basis(name, (1, 32))
    u = basis.forward(np.eye(32)[:, None])[:, 0].T  # columns of components
    variance = np.einsum("ki,ij,kj->k", u, c, u)
    principal = np.linalg.eigvalsh(c)
    gap = log_determinant_gap(variance, principal, floor)
    assert gap >= 0
    assert log_determinant_gap(variance, principal, 10.0) < max(gap, 1e-9)
    assert log_determinant_gap(principal, variance, floor) == pytest.approx(-gap)
    assert log_determinant_gap(variance.reshape(4, 8), principal[::-1], floor) == pytest.approx(gap)


def test_the_excess_of_a_sample_is_foreseen() -> None:
    """White Gaussian numbers have no gap; 100 examples of 30 show one of this size."""
    n, size = 100, 30
    rng = np.random.default_rng(0)
    gaps = []
    for _ in range(200):
        accumulator = ScatterAccumulator(size)
        accumulator.add(rng.standard_normal((n, size)))
        moments = accumulator.result()
        gaps.append(log_determinant_gap(moments.variance, pca_variance(moments)))
    error = np.std(gaps) / np.sqrt(len(gaps))
    assert np.mean(gaps) == pytest.approx(log_determinant_excess(n, size), abs=4 * error)
    assert error < 0.01 * np.mean(gaps)
    assert log_determinant_excess(30, 30) == np.inf
    assert log_determinant_excess(10**7, 30) < 1e-6


def test_explained_variance_is_scikit_learns() -> None:
    from sklearn.decomposition import PCA

    x = np.random.default_rng(0).standard_normal((50, 6)) * np.arange(1, 7)
    accumulator = ScatterAccumulator(6)
    accumulator.add(x)
    ours = explained_variance(pca_variance(accumulator.result()))
    expected = np.cumsum(PCA().fit(x).explained_variance_ratio_)
    np.testing.assert_allclose(ours, expected, rtol=1e-10)


def test_explained_variance_sorts_and_counts_what_was_left_out() -> None:
    np.testing.assert_allclose(explained_variance(np.array([[1.0, 4], [0, 3]])), [0.5, 0.875, 1, 1])
    np.testing.assert_allclose(explained_variance(np.array([4.0, 3]), residual=1), [0.5, 0.875])


def test_empty_and_impossible_variances_are_refused() -> None:
    good, empty = np.array([1.0, 2]), np.array([0.0, 2])
    for a, b in ((good, empty), (empty, good), (empty, empty)):
        with pytest.raises(InputError, match=r"1 components have variance 0.*floor"):
            log_determinant_gap(a, b)
        assert np.isfinite(log_determinant_gap(a, b, 1e-6))
    with pytest.raises(InputError, match="2 and 3"):
        log_determinant_gap(good, np.ones(3))
    for bad in (np.array([1, np.nan]), np.array([1, -1e-9]), np.array([]), np.array([np.inf])):
        with pytest.raises(InputError, match="finite numbers"):
            log_determinant_gap(bad, bad)
        with pytest.raises(InputError, match="finite numbers"):
            explained_variance(bad)
    with pytest.raises(InputError, match="nothing to explain"):
        explained_variance(np.zeros(3))
    with pytest.raises(InputError, match="floor"):
        log_determinant_gap(good, good, -1.0)
