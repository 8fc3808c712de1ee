"""Whether a curve is a power law: what is measured of it, and the test."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from spectra.fit.methods import Estimate, least_squares_rows
from spectra.fit.rings import Rings

__all__ = [
    "OCTAVE_ALLOWANCE",
    "POWER_LAW_TOLERANCE_DB",
    "Octave",
    "departure_db",
    "octaves",
    "r_squared",
    "residual_db",
]

# A curve is called a power law while it stays this close to its fit, ring by ring, and to a
# straight line in ln f, octave by octave (root mean square, dB) ...
POWER_LAW_TOLERANCE_DB = 3.0
# ... and falls in every octave: no octave's slope is above 0 by more than so many standard errors
# of the mode counts, which a falling curve of few modes does once in 40 octaves at most.
OCTAVE_ALLOWANCE = 2.0
DECIBEL = 10 / np.log(10)


@dataclass(frozen=True)
class Octave:
    """How the curve runs over one octave of the fitted range.

    Attributes
    ----------
    low, high : float
        Frequencies, cycles/pixel; the last octave may be half as wide, or half as wide again.
    slope, slope_se : float
        d ln P / d ln f, and its standard error from the mode counts.
    """

    low: float
    high: float
    slope: float
    slope_se: float

    @property
    def rises(self) -> bool:
        """Whether the curve goes up here, beyond what the modes let it stray."""
        return self.slope > OCTAVE_ALLOWANCE * self.slope_se


def octaves(rings: Rings, frequency: np.ndarray, read: np.ndarray) -> tuple[Octave, ...]:
    """Weighted slopes of the curve `read` [K] over |f| [K], an octave at a time from the lowest."""
    x = rings.log_f
    count = max(1, int(np.floor((x[-1] - x[0]) / np.log(2) + 0.5)))
    edges = x[0] + np.log(2) * np.arange(count + 1)
    edges[-1] = x[-1]
    found = []
    for low, high in pairwise(edges):
        # Up to the ring where the next octave begins, so that no step between two is left out.
        first, last = np.searchsorted(x, (low - 1e-9, high - 1e-9))
        inside = np.arange(first, last + 1)
        if len(inside) < 2:
            continue
        weight = 1 / rings.variance[inside]
        lever = weight * (x[inside] - np.average(x[inside], weights=weight))
        row = lever / (lever @ x[inside])
        error = np.sqrt(row @ rings.scatter[np.ix_(inside, inside)] @ row)
        slope = float(row @ read[inside])
        ends = frequency[inside[0]], frequency[inside[-1]]
        found.append(Octave(float(ends[0]), float(ends[1]), slope, float(error)))
    return tuple(found)


def residual_db(fit: Estimate) -> float:
    """Root-mean-square departure of the curve from the law over the rings, dB."""
    return float(DECIBEL * np.sqrt(np.mean((fit.read - fit.curve) ** 2)))


def departure_db(rings: Rings, read: np.ndarray) -> float:
    """Root-mean-square departure of the curve from the nearest power law along ln f, dB.

    Every octave counts alike here. Rings are even in f, so that over them the last octave counts
    as much as all before it, and the fit follows it.
    """
    share = np.gradient(rings.log_f)
    rows = least_squares_rows(rings.log_f, share)
    level, alpha = rows @ read
    return float(
        DECIBEL * np.sqrt(np.average((read - level + alpha * rings.log_f) ** 2, weights=share))
    )


def r_squared(rings: Rings, fit: Estimate) -> float:
    """Share of the weighted variance of ln P along f that the law explains."""
    about = fit.read - np.average(fit.read, weights=1 / rings.variance)
    left = np.sum((fit.read - fit.curve) ** 2 / rings.variance)
    whole = np.sum(about**2 / rings.variance)
    return float(1 - left / whole) if whole > 0 else float("nan")
