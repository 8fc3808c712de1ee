"""A schedule for every single example, from its own spectrum, within the data set's ends."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name, check_number
from spectra.schedule import ends
from spectra.schedule.pace import POWER_WEIGHT, power_histogram
from spectra.schedule.schedule import Schedule, information, offset_histogram
from spectra.spectrum import Spectrum
from spectra.spectrum.engine import ring_power

__all__ = ["ExampleSchedules", "example_schedules"]

Constant = Literal["ring", "own"]

# An example with nothing to see still gets this much of the log-noise range, in nats of SNR.
LEAST_RANGE = 1.0
# Share of the time that is even in log-noise whatever is lost, so that the pace never stands.
EVEN_SHARE = 0.01
# Under this share of the data's mean ring power a ring of an example counts as empty.
EMPTY = 1e-9
FINE = 513


@dataclass(frozen=True, eq=False)
class ExampleSchedules:
    """log SNR_bi(t) = offset_i + ln (P_b / P)(f_i) - pace_b(t): one pace an example.

    Attributes
    ----------
    schedule : Schedule
        The data set's; every pace_b lies between its ends.
    frequency : float64 [F]
        Cycles/pixel.
    power : float64 [B, F]
        Ring power of each example, floored where it is empty.
    t : float64 [T]
        Even times.
    pace : float64 [B, T]
        Rising; in standard diffusion's order 2 ln(sigma / alpha).
    """

    schedule: Schedule
    frequency: np.ndarray
    power: np.ndarray
    t: np.ndarray
    pace: np.ndarray
    _log_gain: np.ndarray  # [B, 1 + F], of DC first

    def __len__(self) -> int:
        return len(self.pace)

    @cached_property
    def noise(self) -> np.ndarray:
        """Largest and least exp(pace / 2), [B, 2]: sigma_max, sigma_min in standard order."""
        return np.exp(self.pace[:, [-1, 0]] / 2)

    def log_snr(self, index: int, t: np.ndarray) -> np.ndarray:
        """ln SNR of every component of one example's own process, [T] -> [T, C, *spatial]."""
        return self.of(index).log_snr(t)

    def of(self, index: int) -> Schedule:
        """The schedule of one example: its own variances, offsets and pace."""
        gain = _by_component(self.schedule, self.frequency, self._log_gain[index])
        log_f = np.log(self.schedule.radial_frequency)
        radial = np.interp(log_f, np.log(self.frequency), self._log_gain[index, 1:])
        return replace(
            self.schedule,
            name=f"{self.schedule.name}, one example",
            variance=self.schedule.variance * np.exp(gain),
            offset=self.schedule.offset + gain,
            t=self.t,
            pace=self.pace[index],
            radial_log_power=self.schedule.radial_log_power + radial,
            radial_offset=self.schedule.radial_offset + radial,
            density=None,
        )


def example_schedules(
    examples: np.ndarray,
    spectrum: Spectrum,
    schedule: Schedule,
    *,
    power_weight: float = POWER_WEIGHT,
    information_left: float = ends.INFORMATION_LEFT,
    constant: Constant = "ring",
    steps: int = 128,
) -> ExampleSchedules:
    """A tight schedule for each example: its own ends, and a pace along its own spectrum.

    An example's component i is taken to have lambda_i P_b(f_i) / P(f_i), P_b its ring power and P
    the data set's; see `constant` for DC. Its noise ends where only
    `information_left` nats of it are left, and starts where its own denoised estimate is within
    the quantisation (or W2) budget. Both are kept within the data set's ends: an example of more
    power than most still ends where the schedule does.

    Parameters
    ----------
    examples : array [B, C, *spatial] or [B, F]
        Examples in data values, or their ring powers, measured as `spectrum` was.
    spectrum : Spectrum
    schedule : Schedule
        Derived from it; separable, and its basis has frequencies.
    power_weight : float
        In [0, 1]: how much of the time is even in the power lost; the rest is even in the
        frequencies drowned.
    information_left : float
        Nats of an example.
    constant : {"ring", "own"}
        What DC has, which is no ring: the lowest ring's P_b / P, so that a flat example has a
        short schedule whatever its level; or its own square. The first is the tighter; the level
        of a flat but very light or dark example may then still show at t = 1.
    steps : int
        Pieces of each pace.

    Returns
    -------
    ExampleSchedules

    Raises
    ------
    InputError
        The shapes do not fit, a power is negative or not finite, an option is out of range, or
        the schedule is not separable or without frequencies.

    Notes
    -----
    After Esteves and Makadia, "Spectrally-Guided Diffusion Noise Schedules", arXiv 2603.19222:
    tight ends and a mix of a frequency- and a power-focused schedule per image. Their bounds are
    others: these are the ends that `derive_schedule` uses, taken for one example.

    Examples
    --------
    >>> source = spectra.open_source("digits")
    >>> spectrum = spectra.analyze(source)
    >>> schedule = spectra.derive_schedule(spectrum, basis="dct", ordering_strength=1)
    >>> own = spectra.example_schedules(source.examples(range(4)), spectrum, schedule)
    >>> own.log_snr(0, [0.0, 0.5, 1.0]).shape
    (3, 1, 8, 8)
    """
    check_number("power_weight", power_weight, low=0.0)
    if power_weight > 1:
        raise InputError(f"power_weight {power_weight:g}: a share of at most 1 is needed")
    check_number("information_left", information_left, low=0.0, strict=True)
    check_name("constant", constant, get_args(Constant))
    check_number("steps", steps, low=1)
    _check_schedule(schedule, spectrum)
    power = _powers(examples, spectrum)
    floor = spectrum.quantisation_floor or EMPTY * float(spectrum.power.mean())
    power = power + floor
    gain = np.log(power) - np.log(spectrum.power + floor)
    level = gain[:, 0] if constant == "ring" else _own_level(examples, schedule)
    log_gain = np.concatenate([level[:, None], gain], axis=1)
    t = np.linspace(0, 1, int(steps) + 1)
    pace = np.array(
        [_pace(schedule, spectrum, gain, power_weight, information_left, t) for gain in log_gain]
    ).reshape(len(power), len(t))
    return ExampleSchedules(schedule, spectrum.frequency, power, t, pace, log_gain)


def _pace(
    schedule: Schedule,
    spectrum: Spectrum,
    log_gain: np.ndarray,
    power_weight: float,
    information_left: float,
    t: np.ndarray,
) -> np.ndarray:
    """Pace of one example at even times, [T]."""
    from scipy.special import expit

    gain = _by_component(schedule, spectrum.frequency, log_gain)
    variance, offset = schedule.variance * np.exp(gain), schedule.offset + gain
    histogram = offset_histogram(offset)
    start, end = _ends(schedule, variance, offset, histogram, information_left)
    pace = np.linspace(start, end, FINE)

    log_f = np.log(schedule.radial_frequency)
    curve = schedule.radial_offset + np.interp(log_f, np.log(spectrum.frequency), log_gain[1:])
    # Each frequency drowns on its own: where the spectrum falls, this share is f_max's way down.
    order, width = np.argsort(curve), np.gradient(schedule.radial_frequency)
    drowned = np.interp(
        pace + np.log(schedule.threshold), curve[order], np.cumsum(width[order]) - width[order] / 2
    )
    values, lost = power_histogram(offset, variance)
    gone = lost @ expit(pace[None, :] - values[:, None])
    share = (1 - power_weight) * _share(drowned) + power_weight * _share(gone)
    share = (1 - EVEN_SHARE) * _share(share) + EVEN_SHARE * np.linspace(0, 1, FINE)
    found = np.interp(t, share / share[-1], pace)
    found[0], found[-1] = start, end
    return np.maximum.accumulate(found)


def _ends(
    schedule: Schedule,
    variance: np.ndarray,
    offset: np.ndarray,
    histogram: tuple[np.ndarray, np.ndarray],
    information_left: float,
) -> tuple[float, float]:
    """Pace at t = 0 and t = 1 of one example, within the data set's."""
    low, high = float(schedule.pace[0]), float(schedule.pace[-1])
    budget, _ = ends.noise_budget(variance, schedule.quantum)
    start = float(np.clip(ends.clean_end(variance, offset, budget), low, high))
    if float(information(histogram, np.array([low]))[0]) <= information_left:
        end = low  # nothing of it is ever seen
    else:
        end = float(np.clip(ends.noisy_end(histogram, information_left), low, high))
    least = min(LEAST_RANGE, high - low)
    if end - start < least:  # an example without anything to see
        start = min(start, high - least)
        end = start + least
    return start, end


def _share(rising: np.ndarray) -> np.ndarray:
    """From 0 to 1 along a curve that never falls; 0 where it stands still."""
    rising = np.maximum.accumulate(rising - rising[0])
    return rising / rising[-1] if rising[-1] > 0 else rising


def _by_component(schedule: Schedule, frequency: np.ndarray, log_gain: np.ndarray) -> np.ndarray:
    """ln of each component's gain, from DC's and the rings', [1 + F] -> [C, *spatial]."""
    own = schedule.frequency
    log_f = np.log(np.maximum(own, frequency[0] / 2))
    return np.where(own > 0, np.interp(log_f, np.log(frequency), log_gain[1:]), log_gain[0])


def _own_level(examples: np.ndarray, schedule: Schedule) -> np.ndarray:
    """ln of the examples' own power at DC over the data set's, [B]."""
    examples, at_dc = np.asarray(examples, float), schedule.frequency == 0
    if examples.shape[1:] != schedule.shape:
        raise InputError("constant 'own' needs the examples; ring powers do not tell it")
    if not at_dc.any():
        return np.zeros(len(examples))
    z = schedule.make_basis().forward(examples - schedule.mean)[:, at_dc]
    mean = schedule.variance[at_dc].mean()
    return np.log(np.maximum((z**2).mean(axis=1), EMPTY * mean) / mean)


def _powers(examples: np.ndarray, spectrum: Spectrum) -> np.ndarray:
    """Ring powers of examples, or as given, [B, F]."""
    examples = np.asarray(examples, float)
    if not np.isfinite(examples).all():
        raise InputError("examples: hold NaN or infinities; leave these out")
    if examples.shape[1:] == spectrum.shape:
        return ring_power(examples, spectrum.estimator).mean(axis=1)
    if examples.shape[1:] == spectrum.frequency.shape:
        if (examples < 0).any():
            raise InputError("examples: a ring power is negative")
        return examples
    raise InputError(
        f"examples of shape {examples.shape}: [B, {', '.join(map(str, spectrum.shape))}] or ring "
        f"powers [B, {len(spectrum.frequency)}] are needed"
    )


def _check_schedule(schedule: Schedule, spectrum: Spectrum) -> None:
    if schedule.shape != spectrum.shape:
        raise InputError(
            f"schedule of shape {schedule.shape} and spectrum of {spectrum.shape}: give the "
            "spectrum that the schedule was derived from"
        )
    if not schedule.separable or np.isnan(schedule.radial_offset).any():
        raise InputError(
            "schedule: per-example schedules need an order of frequencies without blur or limits; "
            "derive one with ordering variance or frequency"
        )
    if np.isnan(schedule.frequency).any():
        raise InputError(
            f"schedule: the components of basis {schedule.basis!r} have no frequency; choose dct"
        )
