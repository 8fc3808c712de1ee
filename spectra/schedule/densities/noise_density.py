"""A density over noise levels, and those that others train with."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from spectra.errors import InputError, check_number
from spectra.schedule import processes
from spectra.schedule.strata import stratified

__all__ = [
    "KNOTS",
    "NoiseDensity",
    "log_normal_density",
    "process_density",
    "table_of_cumulative",
    "table_of_rate",
]

KNOTS = 2049


@dataclass(frozen=True, eq=False)
class NoiseDensity:
    """A density over ln sigma as a quantile table.

    sigma is the noise's standard deviation in the units of the data, x + sigma eps; of a process
    alpha x + sigma eps it is sigma / alpha.

    Attributes
    ----------
    name : str
    log_sigma : float64 [Q]
        Rising.
    cumulative : float64 [Q]
        Share of the draws below, from 0 to 1; linear in between.

    Examples
    --------
    >>> density = spectra.training_density(spectra.analyze("digits"))
    >>> log_sigma = np.linspace(-12, 12, 2401)
    >>> bool(np.isclose(density.at(log_sigma).sum() * 0.01, 1, atol=1e-3))
    True
    >>> density.quantile([0.1, 0.5, 0.9]).round(1)
    array([-2.1, -0.8,  0.5])
    """

    name: str
    log_sigma: np.ndarray
    cumulative: np.ndarray

    def __post_init__(self) -> None:
        level, share = self.log_sigma, self.cumulative
        if level.ndim != 1 or len(level) < 2 or level.shape != share.shape:
            raise InputError(f"density {self.name}: levels and shares must be two equal rows")
        if not (np.isfinite(level).all() and (np.diff(level) > 0).all()):
            raise InputError(f"density {self.name}: its noise levels must rise")
        if not ((np.diff(share) >= 0).all() and share[0] == 0 and share[-1] == 1):
            raise InputError(f"density {self.name}: its shares must rise from 0 to 1")

    @cached_property
    def mass(self) -> np.ndarray:
        """Share of the draws between neighbouring knots, [Q - 1]."""
        return np.diff(self.cumulative)

    @cached_property
    def middle(self) -> np.ndarray:
        """ln sigma half-way between neighbouring knots, [Q - 1]."""
        return (self.log_sigma[1:] + self.log_sigma[:-1]) / 2

    @property
    def mean(self) -> float:
        """Mean of ln sigma."""
        return float(self.mass @ self.middle)

    @property
    def std(self) -> float:
        """Standard deviation of ln sigma."""
        within = np.diff(self.log_sigma) ** 2 / 12
        return float(np.sqrt(self.mass @ ((self.middle - self.mean) ** 2 + within)))

    def at(self, log_sigma: np.ndarray) -> np.ndarray:
        """The density d share / d ln sigma, [N] -> [N]; 0 outside the table."""
        height = np.concatenate([[0.0], self.mass / np.diff(self.log_sigma), [0.0]])
        return height[np.searchsorted(self.log_sigma, log_sigma, side="right")]

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """The ln sigma below which a share u of the draws lies, [N] -> [N]."""
        return np.interp(u, self.cumulative, self.log_sigma)

    def sample(self, n: int, generator: Any) -> Any:
        """Draw n noise levels sigma, stratified, torch float64 [n].

        Parameters
        ----------
        n : int
        generator : torch.Generator
        """
        import torch

        return torch.from_numpy(np.exp(self.quantile(stratified(n, generator))))

    def distance(self, mean: float, std: float) -> float:
        """Total variation between this and a normal density of ln sigma, in [0, 1]."""
        from scipy.special import ndtr

        share = ndtr((self.log_sigma - mean) / std)
        outside = share[0] + 1 - share[-1]
        return float(np.abs(self.mass - np.diff(share)).sum() + outside) / 2


def log_normal_density(mean: float, std: float, name: str = "") -> NoiseDensity:
    """ln sigma ~ N(mean, std^2): EDM's training density, and SD3's.

    Rectified flow whose logit t ~ N(m, s^2), shifted by k, has mean m + ln k and std s: there
    sigma = t / (1 - t).

    Notes
    -----
    Karras et al. (2022), table 1; Esser et al., "Scaling Rectified Flow Transformers" (2024),
    section 3.1.
    """
    from scipy.special import ndtr

    check_number("mean", mean)
    check_number("std", std, low=0.0, strict=True)
    u = np.linspace(-6, 6, KNOTS)
    return table_of_cumulative(name or f"N({mean:g}, {std:g}²)", mean + std * u, ndtr(u))


def process_density(process: str, *, shift: float = 1.0) -> NoiseDensity:
    """Times drawn evenly in t from a scalar process, its noise levels times `shift`."""
    check_number("shift", shift, low=0.0, strict=True)
    scalar = processes.process(process)
    share = np.linspace(0, 1, 2 * KNOTS)
    if not np.isfinite(scalar.log_snr(share[[0, -1]])).all():  # endless, as trainers use it
        share = share[1:-1]
    levels = -scalar.log_snr(share) / 2 + np.log(shift)
    # Even in ln sigma: what is integrated along the table is smooth there, not in t.
    log_sigma = np.linspace(levels[0], levels[-1], KNOTS)
    t = scalar.time(-2 * (log_sigma - np.log(shift)))
    name = process if shift == 1 else f"{process}, shift {shift:g}"
    return table_of_cumulative(name, log_sigma, t - t[0])


def table_of_rate(name: str, log_sigma: np.ndarray, rate: np.ndarray) -> NoiseDensity:
    """A density from its rate at the knots, not normalised, by the trapezoidal rule."""
    mass = np.diff(log_sigma) * (rate[1:] + rate[:-1]) / 2
    return table_of_cumulative(name, log_sigma, np.concatenate([[0.0], np.cumsum(mass)]))


def table_of_cumulative(name: str, log_sigma: np.ndarray, total: np.ndarray) -> NoiseDensity:
    """A density from how much lies below each knot, not normalised, from any start."""
    total = total - total[0]
    if not total[-1] > 0:
        raise InputError(f"density {name}: nothing changes between these noise levels")
    share = np.clip(total / total[-1], 0, 1)
    return NoiseDensity(name, log_sigma, share)
