"""Sums over files that add up: means, and their covariance with the file as the unit."""

from dataclasses import dataclass

import numpy as np

__all__ = ["FileMoments", "MomentAccumulator"]

FILES_AT_ONCE = 64
ALONE = 1.02  # effective files; below this one of them is nearly everything


@dataclass(frozen=True)
class FileMoments:
    """Sums of a quantity y [F] over examples, kept by independent file.

    With n_f examples and the sum S_f = sum y in file f. Two of them add to the moments of both
    sets of files.

    Attributes
    ----------
    n, n_files : int
    squared_sizes : float
        sum n_f^2.
    total : float64 [F]
        sum S_f.
    sized_total : float64 [F]
        sum n_f S_f.
    outer : float64 [F, F]
        sum S_f S_f^T.
    """

    n: int
    n_files: int
    squared_sizes: float
    total: np.ndarray
    sized_total: np.ndarray
    outer: np.ndarray

    @classmethod
    def zero(cls, size: int) -> "FileMoments":
        return cls(0, 0, 0.0, np.zeros(size), np.zeros(size), np.zeros((size, size)))

    def __add__(self, other: "FileMoments") -> "FileMoments":
        return FileMoments(
            self.n + other.n,
            self.n_files + other.n_files,
            self.squared_sizes + other.squared_sizes,
            self.total + other.total,
            self.sized_total + other.sized_total,
            self.outer + other.outer,
        )

    @property
    def mean(self) -> np.ndarray:
        """Mean over examples, [F]; NaN of none."""
        return self.total / self.n if self.n else np.full_like(self.total, np.nan)

    @property
    def effective_files(self) -> float:
        """Files of one size that would say as much: 1 over the sum of squared shares of n."""
        return self.n**2 / self.squared_sizes if self.n else 0.0

    @property
    def effective_files_of_total(self) -> float:
        """The same for shares of the total, of which a few files may hold most; y >= 0.

        The mean over y's components, so that no single one decides.
        """
        held = self.total > 0
        if not held.any():
            return 0.0
        shares = np.diagonal(self.outer)[held] / self.total[held] ** 2  # sum of squares
        return float(1 / shares.mean())

    def covariance(self, effective: float | None = None) -> np.ndarray:
        """Covariance of the mean [F, F], from the scatter between files (ratio estimator).

        sum_f n_f^2 (m_f - m)(m_f - m)^T / n^2 * G / (G - 1), where G is the number of
        effective files: those that hold much pull the mean to themselves and hide their scatter.
        NaN where all is in one file.
        """
        files = self.effective_files if effective is None else effective
        if self.n_files < 2 or files < ALONE:
            return np.full_like(self.outer, np.nan)
        mean = self.mean
        cross = np.outer(self.sized_total, mean)
        scatter = self.outer - cross - cross.T + self.squared_sizes * np.outer(mean, mean)
        return scatter / self.n**2 * files / (files - 1)

    def degrees(self, effective: float | None = None) -> float:
        """Degrees of freedom of `covariance`; infinite where all is in one file."""
        files = self.effective_files if effective is None else effective
        return max(1.0, files - 1) if self.n_files >= 2 and files >= ALONE else float("inf")


class MomentAccumulator:
    """Collects examples, a batch at a time, into `FileMoments`.

    The examples of a file must come one after another, as a source gives them.

    Parameters
    ----------
    size : int
        Of an example's quantity.
    log_of_file : bool
        Take the logarithm of each file's mean, which then counts as one example; files of which
        some mean is 0 are left out.
    """

    def __init__(self, size: int, log_of_file: bool = False) -> None:
        self._log_of_file = log_of_file
        self._moments = FileMoments.zero(size)
        self._file: int | None = None  # the file that may go on in the next batch
        # The sum and the examples of each file, the last one perhaps unfinished.
        self._sums: list[np.ndarray] = []
        self._counts: list[int] = []

    def add(self, values: np.ndarray, files: np.ndarray) -> None:
        """Add examples, values [B, F] of the files [B]."""
        sums, counts = values.astype(np.float64), [1] * len(values)  # [G, F], [G]
        another = files[1:] != files[:-1]
        if not another.all():  # mostly a file is one example
            starts = np.flatnonzero(np.r_[True, another])
            sums = np.add.reduceat(sums, starts, axis=0)
            counts = np.diff(np.r_[starts, len(files)]).tolist()
        if self._file is not None and files[0] == self._file:
            sums[0] += self._sums.pop()
            counts[0] += self._counts.pop()
        self._file = int(files[-1])
        self._sums.extend(sums)
        self._counts.extend(counts)
        if len(self._sums) > FILES_AT_ONCE:
            self._close(len(self._sums) - 1)

    def _close(self, files: int) -> None:
        """Take the first of the collected files into the moments; products of many at once."""
        from spectra.spectrum.kernels import products

        sums = np.array(self._sums[:files])
        counts = np.array(self._counts[:files], np.float64)
        del self._sums[:files], self._counts[:files]
        if self._log_of_file:
            means = sums / counts[:, None]
            sums = np.log(means[(means > 0).all(axis=1)])
            counts = np.ones(len(sums))
            files = len(sums)
            if files == 0:
                return
        outer = np.empty((sums.shape[1], sums.shape[1]))
        products(sums, outer)
        self._moments += FileMoments(
            n=int(counts.sum()),
            n_files=files,
            squared_sizes=float((counts**2).sum()),
            total=sums.sum(axis=0),
            sized_total=(counts[:, None] * sums).sum(axis=0),
            outer=outer,
        )

    def result(self) -> FileMoments:
        """The moments of everything added; ends the accumulation."""
        if self._sums:
            self._close(len(self._sums))
            self._file = None
        return self._moments
