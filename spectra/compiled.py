"""Inner loops compiled by numba: imported only where they run, for numba takes a while to load."""

import os
from collections.abc import Callable
from typing import Any

__all__ = ["compiled"]


def compiled(
    fastmath: bool = False, uses: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Any]:
    """Compile without Python's lock, keeping the machine code on disk where that is possible.

    Parameters
    ----------
    fastmath : bool
        Let sums be taken in any order, which loops over whole vectors need to be quick.
    uses : tuple of str
        Files of compiled parts that it takes in, besides its own: where one of them changed, what
        is kept on disk is old. Numba itself looks at the file of the function alone.
    """
    from numba import njit

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            kept: Any = njit(cache=True, nogil=True, fastmath=fastmath)(function)
        except RuntimeError:  # no folder that can be written
            return njit(nogil=True, fastmath=fastmath)(function)
        if uses and hasattr(kept, "_cache"):  # not where numba is told to compile nothing
            files = [(stat.st_mtime, stat.st_size) for stat in map(os.stat, uses)]
            file = kept._cache._cache_file
            file._source_stamp = (file._source_stamp, *files)
        return kept

    return decorate
