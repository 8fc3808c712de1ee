"""Random numbers that depend on what they are for, never on what was drawn before.

Philox is a function of a key and a counter (Salmon et al., "Parallel random numbers: as easy
as 1, 2, 3", SC 2011). Only its raw words are used: those NumPy promises never to change.
"""

import operator
from collections.abc import Iterable

import numpy as np

__all__ = ["shuffled", "uniform_integers"]

WORD = 1 << 64
DRAW, SHUFFLE = 0, 1  # second counter word: what the numbers are for


def uniform_integers(
    key: tuple[int, int], step: int, indices: Iterable[int], bound: int, attempt: int = 0
) -> np.ndarray:
    """One integer of [0, bound) for each index, a function of (key, step, index, attempt) alone.

    The departure from uniform is under bound / 2^64. A later `attempt` gives another integer,
    where the one before cannot be used.

    Returns
    -------
    int64 [len(indices)]
    """
    philox = _philox(key)
    state = philox.state
    step = operator.index(step) % WORD
    drawn = []
    for index in map(operator.index, indices):
        words = [attempt, DRAW, step, index % WORD]
        state["state"]["counter"] = np.array(words, np.uint64)
        philox.state = state
        drawn.append(int(philox.random_raw()) * bound >> 64)
    return np.array(drawn, np.int64)


def shuffled(key: tuple[int, int], count: int) -> np.ndarray:
    """The numbers 0 .. count - 1 in an order that depends on the key alone, int64 [count]."""
    philox = _philox(key)
    state = philox.state
    state["state"]["counter"] = np.array([0, SHUFFLE, 0, 0], np.uint64)
    philox.state = state
    return np.argsort(philox.random_raw(count), kind="stable").astype(np.int64)


def _philox(key: tuple[int, int]) -> np.random.Philox:
    return np.random.Philox(key=np.array([operator.index(part) % WORD for part in key], np.uint64))
