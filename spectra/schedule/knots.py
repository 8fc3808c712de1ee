"""Times between which a schedule's curves are straight."""

import numpy as np

__all__ = ["rising", "with_knots"]

APART = 1e-9  # nearer to a knot nothing new is seen, and a share of training would not rise
NEVER_FLAT = 1e-6


def with_knots(own: np.ndarray, more: np.ndarray) -> np.ndarray:
    """A schedule's own knots, every one, and those of `more` that lie apart from them.

    Parameters
    ----------
    own : float64 [T]
        Rising; a pace may leap between two however near.
    more : float64 [M]
        Rising, between the first and the last of `own`.

    Returns
    -------
    float64 [N]
        Rising.
    """
    right = np.clip(np.searchsorted(own, more), 1, len(own) - 1)
    apart = np.minimum(np.abs(more - own[right - 1]), np.abs(own[right] - more)) > APART
    apart &= np.diff(more, prepend=-np.inf) > APART
    return np.sort(np.r_[own, more[apart]])


def rising(share: np.ndarray) -> np.ndarray:
    """A share from 0 to 1 that never falls, with a little for every knot, so that it rises, [T]."""
    found = (1 - NEVER_FLAT) * share + NEVER_FLAT * np.linspace(0, 1, len(share))
    found[-1] = 1.0
    return found
