"""Fields with gaps: values that are missing are refused, or filled and counted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from spectra.data.stores import Damaged, Reader, Size
from spectra.errors import InputError

__all__ = ["GapStore"]

MOST_MISSING = 0.5  # of a field; beyond, it is left out


class GapStore:
    """Another store, its values looked at as they are read.

    Under "refuse" a value that is NaN is an InputError. Under "fill" it becomes the mean of the
    values that its channel has in the whole field, and a field that misses more than half of its
    values is damaged. Infinity, and values outside a stated range, are refused under both.

    Parameters
    ----------
    inner
        A store whose values may be NaN.
    policy
        "refuse" or "fill".
    bounded
        Whether values have to lie in [-1, 1].
    label
        What the user named, for messages.
    """

    def __init__(self, inner: Any, policy: str, bounded: bool, label: str) -> None:
        self.inner = inner
        self.policy = policy
        self.bounded = bounded
        self.label = label
        self._shares: np.ndarray | None = None  # of each field read so far, NaN for the others

    @property
    def sizes(self) -> np.ndarray:
        return self.inner.sizes

    @property
    def names(self) -> Sequence[str]:
        return self.inner.names

    @property
    def damage(self) -> dict[int, str]:
        return self.inner.damage

    @property
    def channels_out(self) -> int:
        """Channels of an example as read."""
        return self.inner.channels_out

    @property
    def channels(self) -> int:
        """The same."""
        return self.inner.channels_out

    @property
    def missing(self) -> float:
        """Share of the values that were missing and filled, over the fields read so far."""
        if self._shares is None:
            return 0.0
        used = self._shares[(self._shares >= 0) & (self._shares <= MOST_MISSING)]
        return float(used.mean(dtype=np.float64)) if len(used) else 0.0

    def gaps(self, members: np.ndarray) -> np.ndarray:
        """Share of the values missing from each of these fields, NaN where it was not read."""
        shares = self._shares
        return np.full(len(members), np.nan, np.float32) if shares is None else shares[members]

    def note_gaps(self, members: np.ndarray, shares: np.ndarray) -> None:
        """Enter what `gaps` gave where these fields were read, on another machine say."""
        if self._shares is None:
            self._shares = np.full(len(self.sizes), np.nan, np.float32)
        read = ~np.isnan(shares)
        self._shares[members[read]] = shares[read]

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_shares": None}

    def windows(self, files: np.ndarray, corners: np.ndarray, size: Size) -> np.ndarray:
        def read(files: np.ndarray, corners: np.ndarray, size: Size) -> tuple:
            return self.inner.windows(files, corners, size), np.ones(len(files), bool)

        values, kept = self._checked(read, files, corners, size)
        if not kept.all():
            file = int(files[np.argmin(kept)])
            raise Damaged(file, self.damage[file])
        return values

    @contextmanager
    def reader(self, workers: int) -> Iterator[Reader]:
        with self.inner.reader(workers) as read:
            yield lambda files, corners, size: self._checked(read, files, corners, size)

    def digest(self, members: np.ndarray) -> bytes:
        return self.inner.digest(members)

    def _checked(
        self, read: Reader, files: np.ndarray, corners: np.ndarray, size: Size
    ) -> tuple[np.ndarray, np.ndarray]:
        """Windows with their gaps filled, and which of those asked for they are."""
        if self.policy == "refuse":
            values, kept = read(files, corners, size)
            self._refuse(values, files[kept], with_gaps=True)
            return values, kept
        if (self.sizes[files] == np.asarray(size)).all():
            return self._filled(read, files, corners, size)
        # The mean and the share of gaps are those of a whole field, wherever the windows lie.
        out = np.empty((len(files), self.channels_out, *size), np.float32)
        kept = np.zeros(len(files), bool)
        for file in dict.fromkeys(files.tolist()):
            mine = np.flatnonzero(files == file)
            whole = tuple(self.sizes[file].tolist())
            origin = np.zeros((1, len(whole)), np.int64)
            field, there = self._filled(read, np.array([file]), origin, whole)
            if not there[0]:
                continue
            for at in mine:
                first = corners[at].tolist()
                cut = tuple(slice(a, a + side) for a, side in zip(first, size, strict=True))
                out[at] = field[(0, slice(None), *cut)]
            kept[mine] = True
        return out[kept], kept

    def _filled(
        self, read: Reader, files: np.ndarray, corners: np.ndarray, size: Size
    ) -> tuple[np.ndarray, np.ndarray]:
        """Whole fields with their gaps filled, and which of those asked for they are."""
        values, kept = read(files, corners, size)
        fields = files[kept]
        if _all_finite(values):
            self.note_gaps(fields, np.zeros(len(fields), np.float32))
            self._refuse(values, fields, with_gaps=False)
            return values, kept
        gaps = np.isnan(values)
        shares = gaps.mean(axis=tuple(range(1, gaps.ndim)))
        usable = shares <= MOST_MISSING
        self.note_gaps(fields, shares)
        for at, (file, share) in enumerate(zip(fields.tolist(), shares.tolist(), strict=True)):
            if not usable[at]:
                self.damage[file] = f"misses {share:.0%} of its values"
            elif share:
                for channel, holes in zip(values[at], gaps[at], strict=True):
                    rest = channel if not holes.all() else values[at]
                    channel[holes] = np.nanmean(rest, dtype=np.float64)
        kept = kept.copy()
        kept[kept] = usable
        self._refuse(values[usable], fields[usable], with_gaps=False)
        return values[usable], kept

    def _refuse(self, values: np.ndarray, files: np.ndarray, with_gaps: bool) -> None:
        """Raise on what no policy admits."""
        if values.size == 0:
            return
        flat = values.reshape(len(values), -1)
        if not _all_finite(values):
            at = int(np.argmin(np.isfinite(flat).all(axis=1)))
            holes = float(np.isnan(flat[at]).mean())
            name = self.names[int(files[at])]
            what = f"misses {holes:.0%} of its values (NaN)" if holes else "holds infinity"
            mend = "; use --nan fill, or leave it out" if holes and with_gaps else "; mend it"
            raise InputError(f"{self.label}: example {name} {what}{mend}")
        if self.bounded and (flat.min() < -1 - 1e-6 or flat.max() > 1 + 1e-6):
            at = int(np.argmax(np.abs(flat).max(axis=1)))
            raise InputError(
                f"{self.label}: values of example {self.names[int(files[at])]} lie outside "
                "value_range; give the range that holds them"
            )


def _all_finite(values: np.ndarray) -> bool:
    """Whether no value is NaN or infinite."""
    # A sum is finite only where all values are, and takes one pass and no memory; it may also
    # overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        total = values.sum()
    return bool(np.isfinite(total) or np.isfinite(values).all())
