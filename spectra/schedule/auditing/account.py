"""When each octave of a data set is decided along a schedule: nats learnt, error left."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from spectra.errors import InputError
from spectra.schedule import ends
from spectra.schedule.schedule import Schedule
from spectra.schedule.steps.gaussian import within
from spectra.spectrum.spectrum import frequency_unit

if TYPE_CHECKING:
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["Account", "Octave", "octaves_of"]

DROWNED = 30.0  # of ln SNR
GROUPS = 48  # like components looked at together, an octave


@dataclass(frozen=True)
class Octave:
    """A band of components.

    Attributes
    ----------
    low, high : float
        Cycles/pixel, of series cycles/sample, low < f <= high (the highest with the corners beyond
        0.5); 0 and 0 of DC.
        Of components without frequency, ranks by falling variance.
    label : str
    """

    low: float
    high: float
    label: str


def octaves_of(
    frequency: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, tuple[Octave, ...]]:
    """The octave of each component [C, *spatial] -> [D] and what those are, by rising frequency."""
    unit, frequency = frequency_unit(frequency.shape), frequency.ravel()
    if np.isnan(frequency).any():
        rank = np.empty(len(frequency))
        rank[np.argsort(-variance.ravel(), kind="stable")] = np.arange(len(frequency)) + 1
        band = np.floor(np.log2(rank)).astype(int)
        edges = [(2.0**k, min(2.0 ** (k + 1) - 1, len(rank))) for k in range(band.max() + 1)]
        return band, tuple(Octave(a, b, f"components {a:.0f}-{b:.0f}") for a, b in edges)
    with np.errstate(divide="ignore"):
        power = np.minimum(np.ceil(np.log2(frequency) - 1e-9), -1)  # f <= 2^power
    values, index = np.unique(power, return_inverse=True)
    found = []
    for value in values:
        high = 0.0 if np.isneginf(value) else float(2.0**value)
        label = "DC" if high == 0 else f"{high / 2:.3g}-{high:.3g} {unit}"
        found.append(Octave(high / 2, high, label))
    return index.ravel(), tuple(found)


@dataclass(frozen=True, eq=False)
class Account:
    """What is known of each octave at each time, for Gaussian data or a measured denoiser.

    Attributes
    ----------
    schedule : Schedule
    octaves : tuple of Octave
    floor : float
        Noise variance under which nothing is counted as learnt: the schedule's clean end.
    order : int64 [D]
        Components, like ones together.
    starts : int64 [G]
        Where each group of them begins.
    octave, count, log_variance : [G]
    error : DenoisingError or None
    """

    schedule: Schedule
    octaves: tuple[Octave, ...]
    floor: float
    order: np.ndarray
    starts: np.ndarray
    octave: np.ndarray
    count: np.ndarray
    log_variance: np.ndarray
    error: "DenoisingError | None"

    @classmethod
    def of(cls, schedule: Schedule, error: "DenoisingError | None" = None) -> "Account":
        """Group the components of a schedule.

        Raises
        ------
        InputError
            The error was measured in other components.
        """
        if error is not None and (error.basis, error.shape) != (schedule.basis, schedule.shape):
            raise InputError(
                f"error: was measured in {error.basis} of {error.shape}, the audit is in "
                f"{schedule.basis} of {schedule.shape}; measure it in these"
            )
        index, octaves = octaves_of(schedule.frequency, schedule.variance)
        variance = schedule.variance.ravel()
        middle = schedule.log_snr(np.array([0.5])).ravel()
        order = np.lexsort((variance, middle, index))
        starts = []
        for k in range(len(octaves)):
            first, last = np.searchsorted(index[order], [k, k + 1])
            cuts = np.linspace(first, last, min(GROUPS, last - first) + 1)[:-1]
            starts.append(np.unique(cuts.astype(int)))
        begun = np.concatenate(starts)
        count = np.diff(np.r_[begun, len(order)])
        log_variance = np.add.reduceat(np.log(variance[order]), begun) / count
        floor, _ = ends.noise_budget(variance, schedule.quantum)
        return cls(
            schedule, octaves, floor, order, begun, index[order][begun], count, log_variance, error
        )

    def log_snr(self, t: np.ndarray) -> np.ndarray:
        """Mean ln SNR of each group, as far out as samplers tell apart, [T] -> [T, G]."""
        if self.schedule.separable:
            offset = self._mean(self.schedule.offset.ravel())
            return within(offset - self.schedule.pace_at(t)[:, None])
        rows = [self._mean(within(self.schedule.log_snr(time[None])).ravel()) for time in t]
        return np.array(rows)

    def _mean(self, values: np.ndarray) -> np.ndarray:
        return np.add.reduceat(values[self.order], self.starts) / self.count

    def log_noise(self, t: np.ndarray) -> np.ndarray:
        """ln sigma in data units, its mean over components, [T] -> [T].

        Blurring takes components beyond all noise: there it counts as what drowns them.
        """
        log_snr = self.log_snr(t)
        if not self.schedule.separable:
            log_snr = np.clip(log_snr, -DROWNED, DROWNED)
        half = (self.log_variance - log_snr) / 2
        return half @ self.count / self.count.sum()

    def learnt(self, t: np.ndarray) -> np.ndarray:
        """Nats of each octave known at falling times, above the floor's noise, [T] -> [T + 1, O].

        The last row is without noise. Of a measured denoiser the integral of its error,
        dI = (mmse / sigma^2) d ln sigma.
        """
        from scipy.special import expit

        log_snr = self.log_snr(t)
        log_sigma = (self.log_variance - log_snr) / 2
        floor = np.log(self.floor)
        total = np.logaddexp(2 * log_sigma, floor) / 2  # ln of noise with the floor's added
        total = np.vstack([total, np.full(total.shape[1], floor / 2)])
        if self.error is None:
            nats = 0.5 * np.logaddexp(0, self.log_variance - 2 * total)
        else:
            fine, place = _between(total)
            gain = expit(self._logit(fine))
            step = np.diff(-fine, axis=0) * (gain[1:] + gain[:-1]) / 2
            begun = -0.5 * np.log1p(-gain[:1])
            nats = (begun + np.vstack([np.zeros_like(begun), np.cumsum(step, axis=0)]))[place]
        return self._sums(nats * self.count)

    def left(self, t: np.ndarray) -> np.ndarray:
        """Mean squared error of each octave, summed, at times and without noise, [T + 1, O]."""
        log_sigma = (self.log_variance - self.log_snr(t)) / 2
        # sigma^2 W, with ln W = -ln(1 + exp(-logit W)): noise may be beyond all numbers
        error = np.exp(2 * log_sigma - np.logaddexp(0, -self._logit(log_sigma)))
        return self._sums(np.vstack([error, np.zeros(error.shape[1])]) * self.count)

    @cached_property
    def power(self) -> np.ndarray:
        """Sum of lambda over each octave, [O]."""
        return self._sums((np.exp(self.log_variance) * self.count)[None])[0]

    @cached_property
    def components(self) -> np.ndarray:
        """How many components each octave has, [O]."""
        return self._sums(self.count[None])[0].astype(int)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Over the groups of each octave, [T, G] -> [T, O]."""
        members = self.octave[:, None] == np.arange(len(self.octaves))
        return values @ members.astype(float)

    def _logit(self, log_sigma: np.ndarray) -> np.ndarray:
        """logit of W = mmse / sigma^2, [T, G]; ln SNR of the Wiener filter."""
        if self.error is None:
            return self.log_variance - 2 * log_sigma
        knots, logit = self._measured
        found = np.empty_like(log_sigma)
        for g in range(log_sigma.shape[1]):
            x = log_sigma[:, g]
            inside = np.clip(x, knots[0, g], knots[-1, g])
            found[:, g] = np.interp(inside, knots[:, g], logit[:, g]) - 2 * (x - inside)
        return found

    @cached_property
    def _measured(self) -> tuple[np.ndarray, np.ndarray]:
        """ln sigma and logit of the measured gain of each group, [L, G] each."""
        assert self.error is not None
        gain = self.error.gain()
        rows = np.array([self._mean(row.ravel()) for row in gain])
        tilt = self._mean(np.log(self.error.tilt).ravel())
        return np.log(self.error.sigma)[:, None] + tilt, np.log(rows) - np.log1p(-rows)


def _between(levels: np.ndarray, most: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Rows put between others until none is further than `most` from the next, and where those are.

    [T, G] falling -> [T', G], [T].
    """
    apart = np.abs(np.diff(levels, axis=0)).max(axis=1)
    parts = np.maximum(np.ceil(apart / most), 1).astype(int)
    place = np.r_[0, np.cumsum(parts)]
    at = np.interp(np.arange(place[-1] + 1), place, np.arange(len(levels)))
    low = np.minimum(at.astype(int), len(levels) - 2)
    share = (at - low)[:, None]
    return levels[low] * (1 - share) + levels[low + 1] * share, place
