"""A schedule as flow matching reads it: a shift, explicit times, or a warp of the unit interval."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.files import write_json
from spectra.interop.export import Export
from spectra.interop.scalar import ScalarView, scalar_view
from spectra.schedule import Schedule

__all__ = ["TimeWarp", "best_shift", "export_flow", "flow_sigmas", "time_warp"]

KNOTS = 129
PROBES = 1025
LARGEST_LOG_SHIFT = 12.0


@dataclass(frozen=True, eq=False)
class TimeWarp:
    """t(u): the flow time at which a share u of training lies below; rising, smooth.

    Draw u evenly in [0, 1] and train at x_t = (1 - t) x + t eps with t = warp(u); or sample along
    warp of an even grid.

    Attributes
    ----------
    u, logit : float64 [K]
        Knots of u from 0 to 1, and logit t there.
    logit_slope : float64 [K]
        d logit t / du at the knots: with these, cubic Hermite pieces.
    """

    u: np.ndarray
    logit: np.ndarray
    logit_slope: np.ndarray

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """Flow times, [N] -> [N]."""
        return 1 / (1 + np.exp(-self._curve(u)))

    def slope(self, u: np.ndarray) -> np.ndarray:
        """dt / du, [N] -> [N]: dt = t (1 - t) d logit t."""
        t = self(u)
        return t * (1 - t) * self._curve(u, derivative=1)

    def _curve(self, u: np.ndarray, derivative: int = 0) -> np.ndarray:
        from scipy.interpolate import CubicHermiteSpline

        u = np.asarray(u, float)
        if not ((u >= 0) & (u <= 1)).all():
            raise InputError("u: shares lie in [0, 1]")
        return CubicHermiteSpline(self.u, self.logit, self.logit_slope)(u, derivative)


def time_warp(schedule: Schedule, knots: int = KNOTS) -> TimeWarp:
    """The warp that draws a schedule's own training noise.

    Parameters
    ----------
    schedule : Schedule
        Where its noise differs between components, the one curve that stands for it.
    knots : int

    Returns
    -------
    TimeWarp

    Raises
    ------
    InputError
        Fewer than two knots.

    Notes
    -----
    Monotone pieces after Fritsch and Butland (1984), as in scipy's PchipInterpolator.
    """
    if knots < 2:
        raise InputError(f"knots {knots}: at least two are needed")
    from scipy.interpolate import PchipInterpolator

    u = np.linspace(0, 1, knots)
    logit = scalar_view(schedule).density.quantile(u)  # logit t = ln sigma
    return TimeWarp(u, logit, PchipInterpolator(u, logit)(u, 1))


def flow_sigmas(schedule: Schedule, steps: int, solver: str = "euler") -> np.ndarray:
    """Flow times of a sampler, falling, without the final 0, float32 [steps].

    For `FlowMatchEulerDiscreteScheduler(shift=1.0).set_timesteps(sigmas=...)`, which appends the
    0 and would shift them again at any other shift.

    Parameters
    ----------
    schedule : Schedule
    steps : int
    solver : {"euler", "ddim", "heun", "2m"}
        That they are optimised for.

    Returns
    -------
    float32 [steps]

    Raises
    ------
    InputError
        Fewer than one step, or an unknown solver.

    Examples
    --------
    >>> from spectra.interop import flow_sigmas
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> sigmas = flow_sigmas(schedule, 4)
    >>> sigmas.dtype.name, bool((np.diff(sigmas) < 0).all())
    ('float32', True)
    """
    view = scalar_view(schedule)
    return view.flow_time(view.schedule.grid(steps, solver)[:-1]).astype(np.float32)


def best_shift(view: ScalarView) -> tuple[float, float]:
    """The shift k whose t' = k t / (1 + (k - 1) t) is nearest to a schedule's flow time.

    Parameters
    ----------
    view : ScalarView

    Returns
    -------
    shift : float
        Of least mean square over even t in [0, 1].
    residual : float
        Largest |t' - flow time|.
    """
    from scipy.optimize import minimize_scalar

    t = np.linspace(0, 1, PROBES)
    wanted = view.flow_time(t)

    def shifted(log_shift: float) -> np.ndarray:
        shift = np.exp(log_shift)
        return shift * t / (1 + (shift - 1) * t)

    # The mean square may have more than one dip: a coarse look first.
    coarse = np.linspace(-LARGEST_LOG_SHIFT, LARGEST_LOG_SHIFT, 97)
    errors = [float(np.mean((shifted(value) - wanted) ** 2)) for value in coarse]
    near = coarse[int(np.argmin(errors))]
    found: Any = minimize_scalar(
        lambda value: float(np.mean((shifted(value) - wanted) ** 2)),
        bounds=(near - 0.25, near + 0.25),
        method="bounded",
    )
    return float(np.exp(found.x)), float(np.abs(shifted(found.x) - wanted).max())


def export_flow(
    schedule: Schedule, out: str | Path, *, steps: int = 10, solver: str = "euler"
) -> Export:
    """Write a folder for flow matching.

    OUT/scheduler_config.json (`FlowMatchEulerDiscreteScheduler`, shift 1, for the explicit times),
    OUT/flow.json (those times as `sigmas`, the shift, the warp for training), and
    OUT/shifted/scheduler_config.json for where no times can be given.

    Parameters
    ----------
    schedule : Schedule
    out : path
    steps : int
    solver : {"euler", "ddim", "heun", "2m"}

    Returns
    -------
    Export

    Raises
    ------
    InputError
        A file in the way, fewer than one step, or an unknown solver.
    """
    view = scalar_view(schedule)
    shift, residual = best_shift(view)
    sigmas, warp = flow_sigmas(schedule, steps, solver), time_warp(schedule)
    folder = Path(out)
    config = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000}
    explicit, shifted = folder / "scheduler_config.json", folder / "shifted/scheduler_config.json"
    write_json(explicit, {**config, "shift": 1.0})
    write_json(shifted, {**config, "shift": shift})
    values = {
        "sigmas": [float(sigma) for sigma in sigmas],
        "shift": shift,
        "shift_residual": residual,
    }
    lost = (f"the noise level at each time through shift alone: up to {residual:.2g} off in t",)
    table = folder / "flow.json"
    pieces = {
        "u": warp.u.tolist(),
        "logit_t": warp.logit.tolist(),
        "logit_t_slope": warp.logit_slope.tolist(),
    }
    cannot = (*view.cannot_carry, *lost)
    write_json(table, {**values, "time_warp": pieces, "cannot_carry": list(cannot)})
    return Export(
        "flow",
        (explicit, table, shifted),
        values,
        cannot,
        (
            f"FlowMatchEulerDiscreteScheduler.from_pretrained({str(folder)!r})"
            ".set_timesteps(sigmas=...) with the sigmas of flow.json",
            f"the first is not 1: start a pipeline with latents={float(sigmas[0]):.6g} * randn",
            "time_warp: cubic Hermite pieces of logit t over u in [0, 1]; draw u evenly to train",
        ),
    )
