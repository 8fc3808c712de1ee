"""What a basis is worth: how few components hold the variance, and what independence costs."""

import numpy as np

from spectra.errors import InputError, check_number

__all__ = ["explained_variance", "log_determinant_excess", "log_determinant_gap"]


def explained_variance(variance: np.ndarray, residual: float = 0.0) -> np.ndarray:
    """Share of the variance in the 1, 2, ... largest components.

    Parameters
    ----------
    variance : float [...]
        Of every component, in any order and shape.
    residual : float
        Variance outside these components (a truncated PCA's).

    Returns
    -------
    float64 [D]
        Rising; the last is 1 where `residual` is 0.

    Raises
    ------
    InputError
        A variance that is negative or not finite, or none above 0.

    Examples
    --------
    >>> from spectra.bases import explained_variance
    >>> explained_variance(np.array([1.0, 6.0, 3.0]))
    array([0.6, 0.9, 1. ])
    """
    check_number("residual variance", residual, 0.0)
    rising = np.cumsum(np.sort(_checked(variance))[::-1])
    total = rising[-1] + residual
    if total == 0:
        raise InputError("variance: all components are 0; there is nothing to explain")
    return rising / total


def log_determinant_gap(a: np.ndarray, b: np.ndarray, floor: float = 0.0) -> float:
    """What independent Gaussian components lose in basis a beside basis b, nats/dimension.

        1/2 mean ln(a_i + floor) - 1/2 mean ln(b_i + floor)

    With the variances of PCA for b this is KL(N(m, C) || N(m, U^T diag(U C U^T) U)) / D: 0 where
    a decorrelates the data, else positive (Hadamard's inequality); divided by ln 2, the bits/dim
    that a model of independent components loses on Gaussian data.

    Parameters
    ----------
    a, b : float [...]
        Variances of all D components of the same data, in any order and shape.
    floor : float
        Variance of white noise thought added to the data: rounding's (quantum^2 / 12), or a
        schedule's least noise. It is the same in every orthonormal basis, so the inequality
        stands, and it bounds what empty components count for.

    Returns
    -------
    float
        Nats/dimension.

    Raises
    ------
    InputError
        Another number of components in a than in b, or components of variance 0 without a floor.

    Notes
    -----
    PCA from n examples is more decorrelated than the truth; `log_determinant_excess` says by how
    much, and a gap under a few times that is none.

    Examples
    --------
    >>> from spectra.bases import log_determinant_gap
    >>> spectrum = spectra.analyze("digits", bases=("dct", "pca"))
    >>> dct, pca = spectrum.component_variance("dct"), spectrum.component_variance("pca")
    >>> round(log_determinant_gap(dct, pca, floor=spectrum.quantum**2 / 12), 2)
    0.68
    """
    check_number("floor", floor, 0.0)
    a, b = _checked(a) + floor, _checked(b) + floor
    if len(a) != len(b):
        raise InputError(f"log-determinants of {len(a)} and {len(b)} components do not compare")
    empty = max(int((a == 0).sum()), int((b == 0).sum()))
    if empty:
        raise InputError(
            f"log-determinant: {empty} components have variance 0; "
            "give a floor, such as rounding's quantum^2 / 12, or more examples"
        )
    return float((np.log(a).mean() - np.log(b).mean()) / 2)


def log_determinant_excess(n: int, size: int) -> float:
    """Excess of the gap to PCA, as measured on n independent examples of `size` numbers.

        1/(2 D) sum_i [psi((n - 1) / 2) - psi((n - i) / 2)], i = 1..D,   nats/dimension

    The expectation of the measured `log_determinant_gap` of any basis to PCA (floor 0) less the
    true one, exact for Gaussian data whatever their covariance: subtract it. Infinite for n <= D.
    The examples of one file are not independent: n is then less than their number.

    Parameters
    ----------
    n : int
        Independent examples.
    size : int
        D, the numbers in an example.

    Returns
    -------
    float
        Nats/dimension.

    Notes
    -----
    ln det of a Wishart matrix of n - 1 degrees of freedom: Anderson, "An Introduction to
    Multivariate Statistical Analysis", section 7.5.
    """
    if n <= size:
        return float("inf")
    from scipy.special import digamma

    return float((digamma((n - 1) / 2) - digamma((n - np.arange(1, size + 1)) / 2)).mean() / 2)


def _checked(variance: np.ndarray) -> np.ndarray:
    """The variances as a flat float64 array, refused where they cannot be variances."""
    flat = np.asarray(variance, np.float64).ravel()
    if len(flat) == 0 or not np.isfinite(flat).all() or (flat < 0).any():
        raise InputError("variance: finite numbers of at least 0 are needed, one a component")
    return flat
