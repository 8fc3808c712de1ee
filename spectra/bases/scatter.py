"""Mean and scatter of examples: streamed, mergeable, whole or as a sketch."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from spectra.errors import InputError

__all__ = ["EXACT_UP_TO", "SKETCH_COLUMNS", "ScatterAccumulator", "ScatterMoments"]

# 3 x 32 x 32. A scatter of that many components is 75 MB, its eigenvectors take seconds.
EXACT_UP_TO = 3072
SKETCH_COLUMNS = 256
SKETCH_SEED = 20200
# Rows of the test matrix made into floats at a time.
CHUNK = 4096


@dataclass(frozen=True, eq=False)
class ScatterMoments:
    """Mean and centred scatter S = sum (x - m)(x - m)^T of examples of D numbers.

    Two of them add to the moments of both sets of examples. With more than `EXACT_UP_TO` numbers
    S is too large; its product S W with a fixed matrix W [D, Q] of random signs is kept, which
    adds up all the same because it is linear in S.

    Attributes
    ----------
    n : int
    mean : float64 [D]
    square : float64 [D]
        The diagonal of S.
    scatter : float64 [D, Q]
        S W; Q = D and W the identity where S is kept whole.
    """

    n: int
    mean: np.ndarray
    square: np.ndarray
    scatter: np.ndarray

    @classmethod
    def zero(cls, size: int, columns: int | None = None) -> "ScatterMoments":
        """No examples yet of `size` numbers; `columns` of a sketch, None for as many as suit.

        Raises
        ------
        InputError
            Fewer than one number or column.
        """
        if columns is None:
            columns = size if size <= EXACT_UP_TO else SKETCH_COLUMNS
        if min(size, columns) < 1:
            raise InputError(f"scatter of {size} numbers in {columns} columns: give at least 1")
        return cls(0, np.zeros(size), np.zeros(size), np.zeros((size, min(columns, size))))

    @property
    def exact(self) -> bool:
        """Whether S is kept whole."""
        return self.scatter.shape[0] == self.scatter.shape[1]

    @property
    def variance(self) -> np.ndarray:
        """Variance of each of the D numbers (n - 1), [D]; their sum is that of all of PCA's."""
        self.check_enough()
        return self.square / (self.n - 1)

    def covariance(self) -> np.ndarray:
        """Sample covariance (n - 1), [D, D]; for a sketch its product with W, [D, Q]."""
        self.check_enough()
        return self.scatter / (self.n - 1)

    def check_enough(self) -> None:
        """Refuse a variance from fewer than two examples."""
        if self.n < 2:
            raise InputError(f"pca of {self.n} example(s): at least 2 are needed")

    def __add__(self, other: "ScatterMoments") -> "ScatterMoments":
        """Moments of both sets of examples (Chan, Golub and LeVeque 1979).

        Raises
        ------
        InputError
            The two are of different sizes, or one is a sketch and the other not.
        """
        if self.scatter.shape != other.scatter.shape:
            raise InputError(
                f"scatter of {self.scatter.shape} and of {other.scatter.shape} do not add; "
                "measure both on examples of one shape with one number of columns"
            )
        n = self.n + other.n
        share = other.n / max(n, 1)
        shift = other.mean - self.mean
        between = self.n * share
        scatter = self.scatter + other.scatter
        scatter += between * np.outer(shift, probed(shift[None], self.scatter.shape[1]))
        return ScatterMoments(
            n=n,
            mean=self.mean + share * shift,
            square=self.square + other.square + between * shift**2,
            scatter=scatter,
        )

    def tables(self) -> dict[str, np.ndarray]:
        """What `from_tables` reads back to the bit: float64 arrays, of 8 (D + 2) Q bytes about."""
        return {
            "n": np.array([float(self.n)]),
            "mean": self.mean,
            "square": self.square,
            "scatter": self.scatter,
        }

    @classmethod
    def from_tables(cls, tables: Mapping[str, np.ndarray]) -> "ScatterMoments":
        """The moments that `tables` gave.

        Raises
        ------
        KeyError
            A table is missing; the message names it.
        """
        return cls(int(tables["n"].item()), tables["mean"], tables["square"], tables["scatter"])


class ScatterAccumulator:
    """Collects examples, a batch at a time, into `ScatterMoments`, in place.

    Parameters
    ----------
    size : int
        D, the numbers of one example.
    columns : int, optional
        Of the sketch; None keeps S whole up to `EXACT_UP_TO` numbers.
    """

    def __init__(self, size: int, columns: int | None = None) -> None:
        self._moments = ScatterMoments.zero(size, columns)

    def add(self, batch: np.ndarray) -> None:
        """Add examples, [B, ...] of D numbers each; batches of hundreds go fastest.

        Raises
        ------
        InputError
            Examples of another size, or values that are not finite or overflow when squared.
        """
        batch, held = np.asarray(batch), self._moments
        size, columns = held.scatter.shape
        count = len(batch)
        if batch.size != count * size:
            raise InputError(f"examples of shape {batch.shape[1:]}: {size} numbers are expected")
        if count == 0:
            return
        x = batch.reshape(count, size).astype(np.float64)
        n = held.n + count
        between = held.n * count / n
        with np.errstate(over="ignore", invalid="ignore"):  # refused below
            mean = x.mean(axis=0)
            x -= mean
            shift = mean - held.mean
            square = held.square + np.einsum("bd,bd->d", x, x) + between * shift**2
        if not np.isfinite(square).all():
            raise InputError("values are too large or not finite; rescale them")
        held.scatter[...] += x.T @ (x if held.exact else probed(x, columns))
        if held.n:
            held.scatter[...] += between * np.outer(shift, probed(shift[None], columns))
        self._moments = ScatterMoments(
            n=n, mean=held.mean + count / n * shift, square=square, scatter=held.scatter
        )

    def result(self) -> ScatterMoments:
        """The moments of everything added so far; adding more leaves them alone."""
        held = self._moments
        return ScatterMoments(held.n, held.mean, held.square, held.scatter.copy())


def probed(x: np.ndarray, columns: int) -> np.ndarray:
    """x W, [B, D] -> [B, Q]; x itself where Q = D."""
    size = x.shape[1]
    if columns == size:
        return x
    product = np.zeros((len(x), columns))
    signs = random_signs(size, columns)
    for start in range(0, size, CHUNK):
        rows = slice(start, start + CHUNK)
        product += x[:, rows] @ signs[rows].astype(np.float64)
    return product


@lru_cache(maxsize=4)
def random_signs(size: int, columns: int) -> np.ndarray:
    """W: random signs, int8 [D, Q], the same for ever.

    From the raw bits of PCG64, which numpy promises not to change; merging parts made by
    different versions relies on it.
    """
    words = np.random.PCG64(SKETCH_SEED).random_raw(-(-size * columns // 64))
    bits = np.unpackbits(words.astype("<u8").view(np.uint8))[: size * columns]
    signs = 2 * bits.astype(np.int8).reshape(size, columns) - 1
    signs.setflags(write=False)
    return signs
