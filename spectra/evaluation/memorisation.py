"""Were training examples copied? Distances to the nearest one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.evaluation.examples import flattened
from spectra.evaluation.score import Interval

__all__ = ["NearestNeighbours", "nearest_neighbours"]

NEAREST = 10
# A copy is this much nearer to its original, beside its further neighbours, than any held-out
# example: those are compared to data that they were not copied from.
MARGIN = 0.5
QUANTILE = 0.01
RESAMPLES = 1000


@dataclass(frozen=True)
class NearestNeighbours:
    """How near samples and held-out examples lie to the training examples.

    Attributes
    ----------
    nearer : Interval
        Share of pairs (sample, held-out example) in which the sample lies nearer to its nearest
        training example: 0.5 for new examples, 1 for copies. Blurred samples lie nearer, too.
    samples, held_out : float64 [N], [H]
        Root-mean-square distance to the nearest training example, data values.
    copies : int64 [K]
        Numbers of the samples taken for copies.
    originals : int64 [K]
        The training examples that they copy.
    copies_held_out : int
        Held-out examples that the same rule takes for copies.
    searched : int
        Training examples, their mirror images among them where those were given.
    """

    nearer: Interval
    samples: np.ndarray
    held_out: np.ndarray
    copies: np.ndarray
    originals: np.ndarray
    copies_held_out: int
    searched: int

    def details(self) -> dict[str, Any]:
        """What belongs to the score, for JSON."""
        return {
            "median_distance": float(np.median(self.samples)),
            "median_distance_held_out": float(np.median(self.held_out)),
            "copies": self.copies.tolist(),
            "originals": self.originals.tolist(),
            "copies_held_out": self.copies_held_out,
            "searched": self.searched,
        }

    def line(self, of: str = "training examples") -> str:
        """Whether samples are copies, in a line that calls what was searched so."""
        if len(self.copies) == 0:
            return f"no copy of {self.searched} {of} among {len(self.samples)} samples"
        shown = ", ".join(map(str, self.copies[:8])) + (" ..." if len(self.copies) > 8 else "")
        return f"{len(self.copies)} of {len(self.samples)} samples are copies of {of}: {shown}"


def nearest_neighbours(
    samples: np.ndarray,
    held_out: np.ndarray,
    training: Iterable[np.ndarray],
    *,
    units: np.ndarray | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> NearestNeighbours:
    """Compare distances to the nearest training example, of samples and of held-out examples.

    A sample is taken for a copy where its distance to the nearest training example, over the mean
    distance to the next 9, is under half of that ratio's 1 % quantile for held-out examples. Only
    copies at the same place are seen: a shifted or mirrored one is another example (give mirrored
    training examples too where they were trained on).

    Parameters
    ----------
    samples, held_out : [N, C, *spatial], [H, C, *spatial]
    training
        Batches [B, C, *spatial] of what was trained on; read once.
    units : int [H], optional
        Files of the held-out examples, by default each its own.
    level, seed
        Of the interval of `nearer`, bootstrapped over samples and files.

    Returns
    -------
    NearestNeighbours

    Raises
    ------
    InputError
        Shapes differ, or fewer than 3 training examples.

    Examples
    --------
    >>> from spectra.evaluation import nearest_neighbours
    >>> images = np.random.default_rng(0).standard_normal((300, 1, 8, 8))
    >>> training, held_out = images[:200], images[200:]
    >>> found = nearest_neighbours(training[:10], held_out, [training])
    >>> found.copies
    array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    if samples.shape[1:] != held_out.shape[1:] or min(len(samples), len(held_out)) < 1:
        raise InputError(f"samples {samples.shape} against held-out examples {held_out.shape}")
    asked = flattened(np.concatenate([samples, held_out])).astype(np.float32)
    squares = (asked.astype(np.float64) ** 2).sum(axis=1)[:, None]
    best = np.empty((len(asked), 0))
    which = np.empty((len(asked), 0), np.int64)
    searched = 0
    for batch in training:
        if batch.shape[1:] != samples.shape[1:]:
            raise InputError(f"training examples {batch.shape[1:]} against {samples.shape[1:]}")
        flat = flattened(batch).astype(np.float32)
        other = (flat.astype(np.float64) ** 2).sum(axis=1)[None]
        distance = np.maximum(squares + other - 2 * (asked @ flat.T), 0)  # [A, B]
        numbers = np.broadcast_to(searched + np.arange(len(flat)), distance.shape)
        best, which = np.hstack([best, distance]), np.hstack([which, numbers])
        if best.shape[1] > NEAREST:
            kept = np.argpartition(best, NEAREST, axis=1)[:, :NEAREST]
            best = np.take_along_axis(best, kept, 1)
            which = np.take_along_axis(which, kept, 1)
        searched += len(flat)
    if searched < 3:
        raise InputError(f"{searched} training examples; at least 3 are needed")
    order = np.argsort(best, axis=1)
    best = np.sqrt(np.take_along_axis(best, order, 1) / asked.shape[1])
    which = np.take_along_axis(which, order, 1)

    ratio = best[:, 0] / np.maximum(best[:, 1:].mean(axis=1), 1e-30)
    ours, theirs = ratio[: len(samples)], ratio[len(samples) :]
    cut = MARGIN * np.quantile(theirs, QUANTILE)
    copies = np.flatnonzero(ours < cut)
    near, far = best[: len(samples), 0], best[len(samples) :, 0]
    return NearestNeighbours(
        nearer=_nearer(near, far, units, level, seed),
        samples=near,
        held_out=far,
        copies=copies,
        originals=which[copies, 0],
        copies_held_out=int((theirs < cut).sum()),
        searched=searched,
    )


def _nearer(
    near: np.ndarray, far: np.ndarray, units: np.ndarray | None, level: float, seed: int
) -> Interval:
    """Share of pairs in which the first is nearer, with its interval."""
    number = np.arange(len(far)) if units is None else np.unique(units, return_inverse=True)[1]
    order = np.sign(far[None] - near[:, None]) / 2 + 0.5  # [N, H]
    q = int(number.max()) + 1
    rng = np.random.default_rng(seed)
    first = rng.multinomial(len(near), np.full(len(near), 1 / len(near)), RESAMPLES)
    second = rng.multinomial(q, np.full(q, 1 / q), RESAMPLES)[:, number]
    shares = ((first @ order) * second).sum(axis=1) / (len(near) * second.sum(axis=1))
    low, high = np.quantile(shares, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(order.mean()), float(low), float(high))
