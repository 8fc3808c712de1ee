"""Can samples be told from data by their highest frequencies alone?"""

from itertools import pairwise

import numpy as np

from spectra.errors import InputError
from spectra.evaluation.examples import check_examples
from spectra.evaluation.score import Interval

__all__ = ["classifier_auc", "high_frequency_features"]

FOLDS = 5
RESAMPLES = 1000
EDGE = 0.25  # cycles/pixel: the top octave is what lies above, on either axis
RINGS = 6
SECTORS = 4
QUIET = 1e-20
# The folds' models share most of what they learnt from, so that their errors go together: the
# spread of a cross-validated score is that much larger than its parts say (Nadeau & Bengio,
# "Inference for the generalization error", 2003, with 1 of 5 parts tested).
SHARED = (1 + FOLDS / (FOLDS - 1)) ** 0.5


def high_frequency_features(examples: np.ndarray) -> np.ndarray:
    """What the top octave of each example looks like, [N, C, *spatial] -> [N, F].

    Per channel: log power in bands of frequency, of direction (images), the log kurtosis of the
    band-passed values (edges make it large), and how unevenly their energy is spread; between
    channels: the correlation of their top octaves.

    Parameters
    ----------
    examples : [N, C, *spatial]

    Returns
    -------
    float64 [N, F]
    """
    n, channels = examples.shape[:2]
    spatial = examples.shape[2:]
    axes = tuple(range(2, examples.ndim))
    frequency = np.meshgrid(*[np.fft.fftfreq(length) for length in spatial], indexing="ij")
    radius = np.sqrt(sum(f**2 for f in frequency))
    top = radius > EDGE
    if not top.any():
        raise InputError(f"examples of {spatial}: too small to have a top octave")
    modes = np.fft.fftn(np.asarray(examples, np.float64), axes=axes) * top
    power = np.abs(modes) ** 2 / np.prod(spatial)
    band = np.fft.ifftn(modes, axes=axes).real

    masks = _bands(radius, top, RINGS)
    if len(spatial) == 2:
        angle = np.mod(np.arctan2(frequency[0], frequency[1]), np.pi)
        sector = np.floor(angle / np.pi * SECTORS + 0.5).astype(int) % SECTORS
        masks += [top & (sector == s) for s in range(SECTORS)]
    columns = [power[:, :, mask].mean(axis=2) for mask in masks if mask.any()]  # [N, C] each
    features = [np.log(column + QUIET) for column in columns]
    energy = (band**2).reshape(n, channels, -1)
    mean = energy.mean(axis=2) + QUIET
    features.append(np.log((energy**2).mean(axis=2) / mean**2 + QUIET))
    features.append(np.log(np.median(energy, axis=2) / mean + 1e-3))
    flat = band.reshape(n, channels, -1)
    scale = np.sqrt(mean)
    for first in range(channels - 1):
        product = (flat[:, first] * flat[:, first + 1]).mean(axis=1)
        features.append((product / (scale[:, first] * scale[:, first + 1]))[:, None])
    return np.concatenate(features, axis=1)


def classifier_auc(
    samples: np.ndarray,
    data: np.ndarray,
    *,
    units: np.ndarray | None = None,
    sample_units: np.ndarray | None = None,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Area under the curve of a classifier that sees the top octave; 0.5: cannot be told.

    Logistic regression on `high_frequency_features`, cross-validated in 5 folds that no file
    crosses; the area is the share of pairs (sample, real example) put in the right order, and
    its interval is bootstrapped over files and widened for what the folds share. With few files
    it can fall below 0.5.

    Parameters
    ----------
    samples, data : [N, C, *spatial], [M, C, *spatial]
    units, sample_units : int [M], [N], optional
        Files of the data, and of the samples (by default each its own).
    seed : int
    level : float

    Returns
    -------
    Interval

    Raises
    ------
    InputError
        Examples of two shapes, or fewer than 5 files of either.

    Examples
    --------
    >>> from spectra.evaluation import classifier_auc
    >>> images = np.random.default_rng(0).standard_normal((100, 1, 16, 16))
    >>> smooth = images[:50].cumsum(axis=-1)
    >>> classifier_auc(smooth, images[50:]).value > 0.9
    True
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    check_examples(samples, data, least=FOLDS)
    rng = np.random.default_rng(seed)
    sides = [
        np.arange(len(x)) if u is None else np.unique(u, return_inverse=True)[1]
        for x, u in ((samples, sample_units), (data, units))
    ]
    counts = [int(side.max()) + 1 for side in sides]
    if min(counts) < FOLDS:
        raise InputError(f"the classifier needs {FOLDS} files of either; got {min(counts)}")
    folds = [
        rng.permutation(count)[side] % FOLDS for count, side in zip(counts, sides, strict=True)
    ]
    features = np.concatenate([high_frequency_features(x) for x in (samples, data)])
    label = np.repeat([1, 0], [len(samples), len(data)])
    fold = np.concatenate(folds)
    said = np.empty(len(label))
    for one in range(FOLDS):
        model = make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=300)
        )
        model.fit(features[fold != one], label[fold != one])
        said[fold == one] = model.decision_function(features[fold == one])
    ours, theirs = said[label == 1], said[label == 0]
    # Decisions of two models have no common scale: pairs are made within a fold.
    right = np.zeros(counts)
    pairs = np.zeros(counts)
    for one in range(FOLDS):
        a, b = folds[0] == one, folds[1] == one
        order = np.sign(ours[a][:, None] - theirs[b][None]) / 2 + 0.5
        at = np.ix_(sides[0][a], sides[1][b])
        rows = np.zeros((counts[0], int(b.sum())))
        np.add.at(rows, sides[0][a], order)
        np.add.at(right.T, sides[1][b], rows.T)
        np.add.at(pairs, (at[0], at[1]), 1.0)
    value = float(right.sum() / pairs.sum())
    low, high = _bootstrap(right, pairs, rng, level)
    return Interval(
        value, max(value - SHARED * (value - low), 0.0), min(value + SHARED * (high - value), 1.0)
    )


def _bands(radius: np.ndarray, top: np.ndarray, count: int) -> list[np.ndarray]:
    """The top octave in bands of equal width in frequency."""
    edges = np.linspace(EDGE, radius[top].max() + 1e-9, count + 1)
    return [top & (radius >= low) & (radius < high) for low, high in pairwise(edges)]


def _bootstrap(
    right: np.ndarray, pairs: np.ndarray, rng: np.random.Generator, level: float
) -> tuple[float, float]:
    """Interval of the share of right pairs over the units of both sides, [p, q] each."""
    p, q = right.shape
    first = rng.multinomial(p, np.full(p, 1 / p), RESAMPLES)
    second = rng.multinomial(q, np.full(q, 1 / q), RESAMPLES)
    above = ((first @ right) * second).sum(axis=1)
    below = ((first @ pairs) * second).sum(axis=1)
    areas = above[below > 0] / below[below > 0]
    low, high = np.quantile(areas, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
