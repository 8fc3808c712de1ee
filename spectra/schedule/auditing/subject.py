"""What is audited, in the coordinates of a data set: a schedule, its training, its sampler."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np

from spectra.errors import InputError
from spectra.schedule.auditing.foreign import NAMES, named_levels, read_levels
from spectra.schedule.auditing.noise_levels import NoiseLevels
from spectra.schedule.coordinates import coordinates
from spectra.schedule.densities.levels import noise_ends, single_noise_level
from spectra.schedule.presets import PresetName, preset
from spectra.schedule.schedule import Schedule
from spectra.schedule.tables import load_schedule
from spectra.spectrum import Spectrum

__all__ = ["Subject", "resolve", "scalar_schedule"]

MARGIN = 1e-3  # in ln sigma, beyond the levels that are trained and sampled


@dataclass(frozen=True, eq=False)
class Subject:
    """A schedule as it is used.

    Attributes
    ----------
    name : str
    schedule : Schedule
        From below every level that is looked at to above.
    clean, noisy : float
        Times at which the process itself ends.
    grid : callable
        (steps, solver) -> times 1 >= t_0 > ... > t_N = 0 of the sampler.
    share, t : float64 [Q] or None
        Cumulative share of training and its times; None where nothing is known.
    pure : bool
        Sampling starts where no signal is left by construction.
    centred : bool
        Whether the mean example is subtracted first.
    scalar : bool
        One noise level for all components.
    levels : NoiseLevels or None
        Where it came from, if not from a Schedule.
    assumed : str
        What its source does not say.
    """

    name: str
    schedule: Schedule
    clean: float
    noisy: float
    grid: Callable[[int, str], np.ndarray]
    share: np.ndarray | None
    t: np.ndarray | None
    pure: bool
    centred: bool
    scalar: bool
    levels: NoiseLevels | None = None
    assumed: str = ""


def resolve(
    subject: Schedule | str | Path,
    spectrum: Spectrum,
    sigmas: np.ndarray | None = None,
    basis: str | None = None,
) -> Subject:
    """A schedule, the name of one, or a file that holds one, beside a data set's spectrum.

    `sigmas`, if given, are the sampler's knots, in place of the subject's own; `basis` is where
    one noise level for all components is looked at.

    Raises
    ------
    InputError
        An unknown name that is no file either, a file that cannot be read, or a schedule of
        another shape than the spectrum's.
    """
    if isinstance(subject, Schedule):
        return _of_schedule(subject, spectrum)
    levels = named_levels(str(subject)) if isinstance(subject, str) else None
    if levels is None and subject in get_args(PresetName):
        return _of_schedule(preset(str(subject), spectrum), spectrum, even=True)
    if levels is None:
        path = Path(subject)
        if not _exists(path):
            presets = [name for name in get_args(PresetName) if name not in NAMES]
            raise InputError(
                f"audit {str(subject)[:200]!r}: neither a file nor a name; known are "
                f"{', '.join((*NAMES, *presets))}"
            )
        if path.suffix == ".safetensors":
            return _of_schedule(load_schedule(path), spectrum)
        levels = read_levels(path)
    return _of_levels(levels, spectrum, sigmas, basis)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # too long for a name, or out of reach
        return False


def _of_schedule(schedule: Schedule, spectrum: Spectrum, *, even: bool = False) -> Subject:
    """One of ours; `even` in its own time is how a published one is sampled."""
    if schedule.shape != spectrum.shape:
        raise InputError(
            f"schedule {schedule.name}: is for examples of shape {schedule.shape}, the spectrum "
            f"is of {spectrum.shape}; move it with transfer_schedule, or analyze at that size"
        )
    if schedule.components is None:
        # The data at hand, not those it was derived from; its noise stays as it is.
        here = coordinates(spectrum, schedule.basis)
        rise = np.log(here.variance) - np.log(schedule.variance)
        schedule = replace(
            schedule, variance=here.variance, offset=schedule.offset + rise, mean=here.mean
        )
    share, t = schedule.quantiles

    def grid(steps: int, solver: str) -> np.ndarray:
        return np.linspace(1, 0, steps + 1) if even else schedule.grid(steps, solver)

    scalar = single_noise_level(schedule)
    return Subject(schedule.name, schedule, 0.0, 1.0, grid, share, t, False, True, scalar)


def _of_levels(
    levels: NoiseLevels, spectrum: Spectrum, sigmas: np.ndarray | None, basis: str | None
) -> Subject:
    """A scalar one, stretched to hold every level that is trained or sampled."""
    base = scalar_schedule(spectrum, 0.0, 1.0, levels.name, basis)
    asked = noise_ends(base.variance, base.quantum)  # what the data ask for is looked at too
    seen = [np.log([levels.clean, levels.noisy]), np.log(asked)]
    density = levels.density
    if density is not None:
        seen.append(density.log_sigma[[0, -1]])
    if sigmas is not None:
        seen.append(np.log(sigmas[[-1, 0]]))
    for steps in (2, 64):  # a grid may leave the range that is trained
        try:
            seen.append(np.log(levels.grid(steps)[[-1, 0]]))
        except InputError:
            continue
    low = min(float(ends[0]) for ends in seen) - MARGIN
    high = max(float(ends[1]) for ends in seen) + MARGIN
    schedule = replace(base, pace=np.array([2 * low, 2 * high]))

    def time(log_sigma: np.ndarray) -> np.ndarray:
        return np.clip((log_sigma - low) / (high - low), 0, 1)

    def grid(steps: int, solver: str) -> np.ndarray:
        knots = levels.grid(steps) if sigmas is None else sigmas
        return np.r_[time(np.log(knots)), 0.0]

    return Subject(
        levels.name,
        schedule,
        float(time(np.log(levels.clean))),
        float(time(np.log(levels.noisy))),
        grid,
        None if density is None else density.cumulative,
        None if density is None else time(density.log_sigma),
        levels.pure,
        False,
        True,
        levels,
        levels.assumed,
    )


def scalar_schedule(
    spectrum: Spectrum, low: float, high: float, name: str, basis: str | None = None
) -> Schedule:
    """Standard diffusion of a data set between two values of ln sigma, even in it."""
    measured = [basis for basis in ("dct", "fourier") if basis in spectrum.bases]
    others = [basis for basis in spectrum.bases if basis != "pca"]
    if not measured + others:
        raise InputError(
            f"{spectrum.name}: no component variances were measured; analyze with bases "
            "including 'dct'"
        )
    base = coordinates(spectrum, basis or (measured + others)[0])
    return replace(
        base,
        name=name,
        offset=np.log(base.variance),
        pace=np.array([2 * low, 2 * high]),
        radial_offset=base.radial_log_power,
        form="ve",
    )
