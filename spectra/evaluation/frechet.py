"""Frechet distance between the Gaussian fits of two sets of features."""

import numpy as np

from spectra.errors import InputError
from spectra.evaluation.score import Interval, jackknife

__all__ = ["check_features", "extrapolated_frechet", "frechet_distance", "frechet_interval"]

SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
REPEATS = 3


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """|mean a - mean b|^2 + tr(A + B - 2 (A B)^(1/2)), covariances A, B.

    Too large for few examples, by about a constant over their number.

    Parameters
    ----------
    a, b : [N, F], [M, F]

    Returns
    -------
    float
        In squared units of the features.

    Raises
    ------
    InputError
        Features that do not fit together, are not finite, or fewer than 2 examples.

    Notes
    -----
    Dowson & Landau, "The Frechet distance between multivariate normal distributions" (1982).
    With A = R'R and B = S'S the eigenvalues of A B are the squared singular values of R S', so
    that no root of a matrix is taken and singular covariances (N < F) are no exception.

    Examples
    --------
    >>> from spectra.evaluation import frechet_distance
    >>> a = np.random.default_rng(0).standard_normal((5000, 3))
    >>> round(frechet_distance(a, a + 1), 6)
    3.0
    """
    check_features(a, b)
    mean = a.mean(axis=0) - b.mean(axis=0)
    left, right = _root(a), _root(b)
    cross = np.linalg.svd(left @ right.T, compute_uv=False).sum()
    distance = mean @ mean + (left**2).sum() + (right**2).sum() - 2 * cross
    return float(max(distance, 0.0))


def frechet_interval(
    a: np.ndarray, b: np.ndarray, units: np.ndarray | None = None, level: float = 0.95
) -> Interval:
    """Frechet distance with its interval over the examples of `a`; `b` is taken as it is.

    `units` [N] are the independent units of `a`, by default its examples.

    Parameters
    ----------
    a, b : [N, F], [M, F]
    units : int [N], optional
        The independent units of `a`, by default its examples.
    level : float

    Returns
    -------
    Interval
    """
    check_features(a, b)
    units = np.arange(len(a)) if units is None else units
    return jackknife(lambda kept: frechet_distance(a[kept], b), units, least=0.0, level=level)


def extrapolated_frechet(a: np.ndarray, b: np.ndarray, seed: int = 0) -> float | None:
    """Frechet distance at infinitely many examples, from how it falls with their number.

    A straight line over 1 / N through the distances of shares of both sets; its value at 0.
    None where half of a set has no more examples than features: no line is seen there yet.
    May come out below 0 where the distance is nothing.

    Parameters
    ----------
    a, b : [N, F], [M, F]
    seed : int
        Of the shares.

    Returns
    -------
    float or None

    Notes
    -----
    Chong & Forsyth, "Effectively unbiased FID and Inception score" (2020).
    """
    check_features(a, b)
    if min(len(a), len(b)) // 2 <= a.shape[1]:
        return None
    rng = np.random.default_rng(seed)
    inverse, distance = [], []
    for share in SHARES:
        for _ in range(REPEATS if share < 1 else 1):
            some, others = (x[rng.permutation(len(x))[: round(share * len(x))]] for x in (a, b))
            inverse.append(1 / share)
            distance.append(frechet_distance(some, others))
    return float(np.polyfit(inverse, distance, 1)[1])


def check_features(a: np.ndarray, b: np.ndarray) -> None:
    """Refuse features that cannot be compared."""
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or a.shape[1] == 0:
        raise InputError(f"features of shapes {a.shape} and {b.shape}: give [N, F] and [M, F]")
    if min(len(a), len(b)) < 2:
        raise InputError(f"features of {len(a)} and {len(b)} examples: at least 2 are needed")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError("features: NaN or infinite values; look at what computed them")


def _root(x: np.ndarray) -> np.ndarray:
    """R with R'R the covariance of the rows, [N, F] -> [min(N, F), F]."""
    centred = (x - x.mean(axis=0)) / np.sqrt(len(x) - 1)
    return np.asarray(np.linalg.qr(centred, mode="r"))
