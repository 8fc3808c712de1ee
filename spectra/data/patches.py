"""Where the examples lie in the files: tiles in order, and every position for a draw."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

__all__ = ["Windows"]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of one size in files of many sizes, along D axes.

    With `patches`, the tiles of a file are all that fit side by side, the grid centred in the
    file, and a draw may fall on any position; otherwise each file has one window, its centre.

    Attributes
    ----------
    sizes
        Sides of every file, int64 [F, D], none smaller than `size`.
    size
        Sides of a window, D of them.
    patches
        Whether a file has many windows.
    """

    sizes: np.ndarray  # [F, D]
    size: tuple[int, ...]
    patches: bool

    def __getstate__(self) -> dict[str, Any]:
        # What is computed from these is computed again where they are sent.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def grid(self) -> np.ndarray:
        """Tiles along each axis of each file, [F, D]."""
        if self.patches:
            return self.sizes // np.asarray(self.size)
        return np.broadcast_to(np.int64(1), self.sizes.shape)

    @cached_property
    def counts(self) -> np.ndarray:
        """Tiles in each file, [F]."""
        return self.grid.prod(axis=1)

    @cached_property
    def tile_ends(self) -> np.ndarray:
        """Number of the first tile after each file's own, [F]."""
        return np.cumsum(self.counts)

    @cached_property
    def position_ends(self) -> np.ndarray:
        """As `tile_ends`, for every position at which a window fits."""
        return np.cumsum((self.sizes - np.asarray(self.size) + 1).prod(axis=1))

    def __len__(self) -> int:
        return int(self.tile_ends[-1])

    @property
    def positions(self) -> int:
        """How many windows a draw chooses from."""
        return int(self.position_ends[-1]) if self.patches else len(self)

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """The numbers of the first tile of file `start`, and of the first of file `stop`."""
        ends = self.tile_ends
        return (
            int(ends[start - 1]) if start > 0 else 0,
            int(ends[stop - 1]) if stop > 0 else 0,
        )

    def tiles(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tile numbers [B] -> file [B] and first corner [B, D]."""
        file, within = _locate(numbers, self.tile_ends)
        grid = self.grid[file]
        margin = (self.sizes[file] - grid * np.asarray(self.size)) // 2
        return file, margin + _cells(within, grid) * np.asarray(self.size)

    def placed(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Position numbers [B] in [0, positions) -> file [B] and first corner [B, D].

        Every position is one number, so numbers drawn uniformly choose a file by its positions
        and a position evenly within it.
        """
        if not self.patches:
            return self.tiles(numbers)
        file, within = _locate(numbers, self.position_ends)
        return file, _cells(within, self.sizes[file] - np.asarray(self.size) + 1)


def _locate(numbers: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Running number -> the file it falls in, and its number within that file."""
    file = np.searchsorted(ends, numbers, side="right")
    starts = np.where(file > 0, ends[file - 1], 0)
    return file, numbers - starts


def _cells(within: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Running number within a grid [B], the last axis fastest -> its place [B, D]."""
    cells = np.empty_like(grid)
    for axis in reversed(range(grid.shape[1])):
        within, cells[:, axis] = np.divmod(within, grid[:, axis])
    return cells
