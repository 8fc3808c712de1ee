"""What two data sets differ by: in their exponents, and in power at every frequency."""

from dataclasses import dataclass

import numpy as np

from spectra.errors import InputError
from spectra.fit.law import PowerLaw
from spectra.spectrum import Spectrum

__all__ = ["PowerRatio", "exponent_difference", "power_ratio", "shared_frequencies"]

FEWEST = 2  # rings; one is no curve


def exponent_difference(
    first: PowerLaw, second: PowerLaw, level: float = 0.95
) -> tuple[float, float, float]:
    """alpha of the first law less that of the second, with its interval.

    Parameters
    ----------
    first, second : PowerLaw
        Of data that share no file; of the same files the interval is wider than need be.
    level : float

    Returns
    -------
    difference, low, high : float

    Notes
    -----
    Standard errors add in squares; degrees of freedom by Welch (1947) and Satterthwaite (1946).
    """
    from scipy import stats

    squares = np.array([first.alpha_se, second.alpha_se]) ** 2
    total = float(squares.sum())
    loss = float((squares**2 / np.array([first.degrees, second.degrees])).sum())
    degrees = total**2 / loss if loss > 0 else np.inf
    half = float(stats.t.ppf((1 + level) / 2, degrees)) * np.sqrt(total)
    difference = first.alpha - second.alpha
    return difference, difference - half, difference + half


@dataclass(frozen=True)
class PowerRatio:
    """The power of one spectrum over that of another.

    Attributes
    ----------
    frequency : float64 [K]
    unit : str
        Of `frequency`.
    log_ratio, low, high : float64 [K]
        Natural logarithm of the ratio, and its interval.
    """

    frequency: np.ndarray
    unit: str
    log_ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray


def power_ratio(first: Spectrum, second: Spectrum, level: float = 0.95) -> PowerRatio:
    """Mean power of the first data set over that of the second, where both were measured.

    Taken at the rings of whichever has fewer there; the other is joined by straight lines in ln f
    and ln P.

    Parameters
    ----------
    first, second : Spectrum
        Of data that share no file; of the same files the interval is wider than need be.
    level : float

    Returns
    -------
    PowerRatio

    Raises
    ------
    InputError
        They have no range of frequencies in common.

    Notes
    -----
    The interval of a difference from those of its two terms, which need not be symmetric: each
    end takes the squares of the distances on its own side (Zou & Donner, Stat. Med. 27, 2008).
    """
    *frequencies, unit = shared_frequencies(first, second)
    low = max(f[0] for f in frequencies)
    high = min(f[-1] for f in frequencies)
    inside = [f[(f >= low * (1 - 1e-9)) & (f <= high * (1 + 1e-9))] for f in frequencies]
    grid = min(inside, key=len)
    if len(grid) < FEWEST:
        raise InputError(
            f"{first.name} and {second.name}: have no range of frequencies in common "
            f"({frequencies[0][0]:.3g} to {frequencies[0][-1]:.3g} and {frequencies[1][0]:.3g} to "
            f"{frequencies[1][-1]:.3g} {unit}); measure both at one size or rate"
        )

    def at(f: np.ndarray, power: np.ndarray) -> np.ndarray:
        return np.interp(np.log(grid), np.log(f), np.log(power))

    mean = [at(f, one.power) for f, one in zip(frequencies, (first, second), strict=True)]
    ends = [
        [at(f, end) for end in one.power_interval(level)]
        for f, one in zip(frequencies, (first, second), strict=True)
    ]
    ratio = mean[0] - mean[1]
    down = np.hypot(mean[0] - ends[0][0], ends[1][1] - mean[1])
    up = np.hypot(ends[0][1] - mean[0], mean[1] - ends[1][0])
    return PowerRatio(grid, unit, ratio, ratio - down, ratio + up)


def shared_frequencies(first: Spectrum, second: Spectrum) -> tuple[np.ndarray, np.ndarray, str]:
    """The rings of both in one unit: their own where it is the same, else cycles/sample."""
    if first.unit == second.unit:
        return first.physical_frequency, second.physical_frequency, first.unit
    return first.frequency, second.frequency, "cycles/sample"
