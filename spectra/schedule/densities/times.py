"""A schedule whose training times are drawn from another density."""

from dataclasses import replace
from typing import get_args

import numpy as np

from spectra.errors import InputError, check_name
from spectra.schedule.densities.density import DensityKind
from spectra.schedule.densities.levels import level_shift, single_noise_level
from spectra.schedule.densities.noise_density import NoiseDensity
from spectra.schedule.knots import rising, with_knots
from spectra.schedule.schedule import Schedule
from spectra.schedule.steps.denoising import DenoisingError
from spectra.schedule.steps.passage import lost_along

__all__ = ["schedule_with_density"]

# Share of the times that stays even in log-noise: no level goes untrained.
COVERAGE = 0.1
TIMES = 1025  # knots that a density needs
LARGE, FEW_TIMES = 1 << 15, 257  # components from which on fewer must do


def schedule_with_density(
    schedule: Schedule,
    density: NoiseDensity | DensityKind = "modes",
    *,
    error: DenoisingError | None = None,
    coverage: float = COVERAGE,
) -> Schedule:
    """The same schedule, its training times drawn from another density.

    Parameters
    ----------
    schedule : Schedule
    density : NoiseDensity or {"modes", "information"}
        A name is taken along the schedule itself, each component at its own noise level at each
        time. A NoiseDensity is of one sigma, which only standard diffusion's order has.
    error : DenoisingError, optional
        Measured, in place of the Wiener filter's; with a name. In the schedule's basis.
    coverage : float
        Share of the times that is spread evenly in log-noise all the same, so that no level
        goes untrained.

    Returns
    -------
    Schedule
        Equal but for its training times.

    Raises
    ------
    InputError
        A NoiseDensity that the schedule has no single sigma for or that lies outside its ends, an
        unknown name, a share outside [0, 1], or an error of other components.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> denser = spectra.schedule_with_density(schedule, "modes")
    >>> bool((denser.pace == schedule.pace).all()), denser.density.shape
    (True, (2950,))
    """
    if not 0 <= coverage <= 1:
        raise InputError(f"coverage {coverage}: a share from 0 to 1 is needed")
    t = with_knots(schedule.t, _even(schedule, TIMES))
    if isinstance(density, NoiseDensity):
        if not single_noise_level(schedule):
            raise InputError(
                f"schedule {schedule.name}: its components have each their own noise level; name "
                "the kind of density, modes or information"
            )
        level = (schedule.pace_at(t) - level_shift(schedule)) / 2
        share = np.interp(level, density.log_sigma, density.cumulative)
        name = density.name
    else:
        check_name("density", density, get_args(DensityKind))
        probes = t if schedule.variance.size < LARGE else _even(schedule, FEW_TIMES)
        share = np.interp(t, probes, _along(schedule, probes, density, error))
        name = f"{density}, {'Gaussian surrogate' if error is None else error.name}"
    if not share[-1] > share[0]:
        raise InputError(f"density {name}: has nothing between the ends of {schedule.name}")
    share = np.maximum.accumulate((share - share[0]) / (share[-1] - share[0]))
    clock = np.interp(t, schedule.t, schedule.clock)
    even = (clock - clock[0]) / (clock[-1] - clock[0])
    share = rising((1 - coverage) * share + coverage * even)  # so that it can be inverted
    return replace(
        schedule,
        t=t,
        pace=np.interp(t, schedule.t, schedule.pace),
        blur=None if schedule.blur is None else np.interp(t, schedule.t, schedule.blur),
        density=share,
        explanation={
            **schedule.explanation,
            "training density": f"{name}; {coverage:.0%} even in log-noise",
        },
    )


def _even(schedule: Schedule, n: int) -> np.ndarray:
    """At most n times, even in the schedule's noise levels, from 0 to 1."""
    clock = np.linspace(schedule.clock[0], schedule.clock[-1], n)
    return np.unique(np.r_[0.0, np.interp(clock, schedule.clock, schedule.t), 1.0])


def _along(
    schedule: Schedule, t: np.ndarray, kind: str, error: DenoisingError | None
) -> np.ndarray:
    """How much is lost from t = 0 to each time: modes, or nats, [T]."""
    from scipy.special import expit

    if error is None and kind == "information":
        left = schedule.information(t)
        return left[0] - left
    if error is None and schedule.separable:
        values, counts = schedule.offset_histogram
        alive = expit(values - schedule.pace_at(t)[:, None]) @ counts
        return alive[0] - alive
    if error is not None and error.variance.shape != schedule.shape:
        raise InputError(
            f"error: of components {error.variance.shape}, the schedule has {schedule.shape}"
        )
    nats, alive = lost_along(schedule, t, error)
    if kind == "information":
        return nats
    alive = np.minimum.accumulate(alive)
    return alive[0] - alive
