"""Kernel distance between two sets of features, unbiased at any number of examples."""

import numpy as np

from spectra.evaluation.frechet import check_features
from spectra.evaluation.score import Interval

__all__ = ["kernel_distance"]


def kernel_distance(
    a: np.ndarray,
    b: np.ndarray,
    units: np.ndarray | None = None,
    other_units: np.ndarray | None = None,
    level: float = 0.95,
) -> Interval:
    """Squared maximum mean discrepancy with the kernel (x y / F + 1)^3, unbiased.

    0 on average where the two are from one distribution, and then below 0 half of the time.

    Parameters
    ----------
    a, b : [N, F], [M, F]
    units, other_units : int [N], [M], optional
        Independent units of both, by default the examples. Pairs within one unit are left out.
    level : float

    Returns
    -------
    Interval

    Raises
    ------
    InputError
        As `frechet_distance`.

    Notes
    -----
    Binkowski et al., "Demystifying MMD GANs" (2018), equation 4; its interval is that of the
    jackknife over the units of both, which is too wide rather than too narrow near 0.

    Examples
    --------
    >>> from spectra.evaluation import kernel_distance
    >>> a = np.random.default_rng(0).standard_normal((2, 200, 4))
    >>> near, far = (kernel_distance(a[0], a[1] + off) for off in (0, 1))
    >>> near.low < 0 < near.high, far.low > 0
    (True, True)
    """
    from scipy import stats

    check_features(a, b)
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    first, second = _numbered(units, len(a)), _numbered(other_units, len(b))
    within, out_a = _mean_of_pairs(_summed(_kernel(a, a), first, first), np.bincount(first))
    beyond, out_b = _mean_of_pairs(_summed(_kernel(b, b), second, second), np.bincount(second))
    across = _summed(_kernel(a, b), first, second)  # [p, q]
    value = float(within + beyond - 2 * across.sum() / (len(a) * len(b)))
    if min(across.shape) < 3:  # with one left out, pairs of two units are needed
        return Interval(value, -np.inf, np.inf)
    variance = 0.0
    for out, sums, first_of, others in (
        (out_a, across.sum(axis=1), np.bincount(first), len(b)),
        (out_b, across.sum(axis=0), np.bincount(second), len(a)),
    ):
        left = (first_of.sum() - first_of) * others
        replicates = out - 2 * (across.sum() - sums) / left  # the other side's part is constant
        variance += (len(replicates) - 1) * replicates.var()
    half = float(stats.norm.ppf((1 + level) / 2) * np.sqrt(variance))
    return Interval(value, value - half, value + half)


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(x y / F + 1)^3, [N, F], [M, F] -> [N, M]."""
    return (a @ b.T / a.shape[1] + 1) ** 3


def _numbered(units: np.ndarray | None, count: int) -> np.ndarray:
    """Units as numbers from 0, without gaps."""
    return np.arange(count) if units is None else np.unique(units, return_inverse=True)[1]


def _summed(kernel: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sums over the examples of each pair of units, [N, M] -> [p, q]."""
    rows = np.zeros((first.max() + 1, kernel.shape[1]))
    np.add.at(rows, first, kernel)
    sums = np.zeros((second.max() + 1, len(rows)))
    np.add.at(sums, second, rows.T)
    return sums.T


def _mean_of_pairs(sums: np.ndarray, sizes: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean over pairs of different units, [p, p] -> whole, and with each unit left out [p]."""
    sums = sums - np.diag(np.diag(sums))
    total, pairs = sums.sum(), sizes.sum() ** 2 - (sizes**2).sum()
    rest = sizes.sum() - sizes
    with np.errstate(divide="ignore", invalid="ignore"):  # fewer than two units
        mean = total / pairs
        left_out = (total - 2 * sums.sum(axis=1)) / (rest**2 - ((sizes**2).sum() - sizes**2))
    return float(mean), left_out
