"""Inner loops compiled by numba: imported only where they run, for numba takes a while to load."""

from collections.abc import Callable
from typing import Any

__all__ = ["compiled"]


def compiled(fastmath: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Compile without Python's lock, keeping the machine code on disk where that is possible.

    Parameters
    ----------
    fastmath : bool
        Let sums be taken in any order, which loops over whole vectors need to be quick.
    """
    from numba import njit

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, nogil=True, fastmath=fastmath)(function)
        except RuntimeError:  # no folder that can be written
            return njit(nogil=True, fastmath=fastmath)(function)

    return decorate
