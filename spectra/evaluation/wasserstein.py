"""Sliced Wasserstein distance: two sets of examples seen along many lines."""

import numpy as np

from spectra.errors import InputError, check_number
from spectra.evaluation.examples import check_examples, flattened
from spectra.evaluation.score import Interval, jackknife

__all__ = ["patches", "sliced_wasserstein", "wasserstein_1d"]

PATCHES = 8  # of one channel of one example


def sliced_wasserstein(
    samples: np.ndarray,
    data: np.ndarray,
    *,
    patch: int | None = None,
    projections: int = 256,
    seed: int = 0,
    units: np.ndarray | None = None,
    level: float = 0.95,
) -> Interval:
    """Root-mean-square over random directions of the Wasserstein-2 distance along each.

    In data values: examples that all lie d off in the same way, root-mean-square over their
    values, are d away. Too large for few examples.

    Parameters
    ----------
    samples, data : [N, C, *spatial], [M, C, *spatial]
    patch : int, optional
        Compare patches of that side of one channel, less their mean, instead of whole examples:
        fine detail counts then, and where it lies does not.
    projections : int
    seed : int
        Of the directions, and of the places of patches.
    units : int [N], optional
        Independent units of the samples, by default each.
    level : float
        Of the interval, over samples; `data` is taken as it is.

    Returns
    -------
    Interval

    Raises
    ------
    InputError
        Examples of two shapes, fewer than 2, or a patch larger than they are.

    Notes
    -----
    Rabin et al., "Wasserstein barycenter and its application to texture mixing" (2011).

    Examples
    --------
    >>> from spectra.evaluation import sliced_wasserstein
    >>> images = np.random.default_rng(0).standard_normal((400, 1, 8, 8))
    >>> found = sliced_wasserstein(images[:200], images[200:] + 0.5)
    >>> round(found.value, 1)
    0.5
    """
    check_examples(samples, data, least=2)
    check_number("projections", projections, low=1)
    units = np.arange(len(samples)) if units is None else np.asarray(units)
    each = 1
    if patch is None:
        a, b = flattened(samples), flattened(data)
    else:
        a, b = patches(samples, patch, seed), patches(data, patch, seed + 1)
        each = len(a) // len(samples)
    directions = np.random.default_rng(seed).standard_normal((a.shape[1], projections))
    directions /= np.linalg.norm(directions, axis=0)
    along, target = (a @ directions).T, np.sort((b @ directions).T)  # [P, N], [P, M]

    def distance(kept: np.ndarray) -> float:
        rows = (kept[:, None] * each + np.arange(each)).ravel()
        return float(np.sqrt(wasserstein_1d(np.sort(along[:, rows]), target).mean()))

    return jackknife(distance, units, least=0.0, level=level)


def wasserstein_1d(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Squared Wasserstein-2 distance of sorted values, [P, N], [P, M] -> [P]; N, M may differ."""
    n, m = a.shape[1], b.shape[1]
    if n == m:
        return ((a - b) ** 2).mean(axis=1)
    # Both quantile functions are constant between neighbouring multiples of 1 / N and 1 / M.
    steps = np.unique(np.concatenate([np.arange(n + 1) * m, np.arange(m + 1) * n]))  # of 1 / N M
    return ((a[:, steps[:-1] // m] - b[:, steps[:-1] // n]) ** 2) @ np.diff(steps) / (n * m)


def patches(examples: np.ndarray, side: int, seed: int) -> np.ndarray:
    """Patches of one channel at random places, less their mean, [N, C, *spatial] -> [N K, D]."""
    spatial = examples.shape[2:]
    check_number("patch", side, low=2)
    if side > min(spatial):
        raise InputError(f"patch {side}: examples are {'x'.join(map(str, spatial))}")
    n, channels = examples.shape[:2]
    rng = np.random.default_rng(seed)
    window = tuple(range(2, 2 + len(spatial)))
    views = np.lib.stride_tricks.sliding_window_view(examples, (side,) * len(spatial), axis=window)
    shape = (n, channels, PATCHES)
    which = [np.arange(n)[:, None, None], np.arange(channels)[None, :, None]]
    which += [rng.integers(0, length - side + 1, shape) for length in spatial]
    taken = views[tuple(which)].reshape(n * channels * PATCHES, -1).astype(np.float64)
    return taken - taken.mean(axis=1, keepdims=True)
