"""diffusers' schedulers over a table of alpha-bar, as noise levels."""

from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.schedule.auditing.alpha_bar import LEAST_ALPHA_BAR
from spectra.schedule.auditing.config_values import number, respaced, respacing
from spectra.schedule.auditing.noise_levels import NoiseLevels
from spectra.schedule.densities.noise_density import NoiseDensity

__all__ = ["ONE_MORE", "discrete_levels"]

# Schedulers whose default spacing is "leading", at whole times; the others' is "linspace".
LEADING = ("DDPM", "DDIM", "PNDM")
# Those that space one step more and leave the cleanest out.
CLIPPED = ("DPMSolverMultistep", "DPMSolverSinglestep", "SASolver")  # these its noisiest too
ONE_MORE = (*CLIPPED, "UniPC", "DEIS")


def discrete_levels(
    alpha_bar: np.ndarray, name: str, config: dict[str, Any] | None = None, kind: str = "DDPM"
) -> NoiseLevels:
    """A table of alpha-bar [T], trained evenly over its entries.

    Raises
    ------
    InputError
        Values out of range.
    """
    config = config or {}
    with np.errstate(divide="ignore"):  # beta = 0
        log_sigma = (np.log1p(-alpha_bar) - np.log(alpha_bar)) / 2
    if not (np.isfinite(log_sigma).all() and (np.diff(log_sigma) > 0).all()):
        # Standing still is allowed: two entries of one level are one.
        log_sigma = np.maximum.accumulate(np.maximum(log_sigma, np.log(1e-6)))
        log_sigma = log_sigma + 1e-9 * np.arange(len(log_sigma))
    table = np.exp(log_sigma)
    index = np.arange(len(table))
    way = respacing(config, name)
    times = _times(config, name, kind, log_sigma)

    def grid(steps: int) -> np.ndarray:
        if config.get("interpolation_type") == "log_linear":
            sigmas = np.geomspace(table[-1], table[0], steps + 1)
            ends = (table[-1], table[0])
        else:
            sigmas = np.interp(times(steps), index, table)
            ends = (table[-1], table[0]) if kind.startswith(ONE_MORE) else sigmas[[0, -1]]
        if way is not None:
            return respaced(way, config, name, (float(ends[0]), float(ends[1])), steps)
        return sigmas[:steps]

    # An entry stands for the stretch half way to its neighbours.
    edges = np.interp(np.arange(len(index) + 1) - 0.5, index, log_sigma)
    return NoiseLevels(
        name,
        float(table[0]),
        float(table[-1]),
        grid,
        NoiseDensity(name, edges, np.linspace(0, 1, len(edges))),
        pure=bool(alpha_bar[-1] <= LEAST_ALPHA_BAR * (1 + 1e-9)),
    )


def _times(config: dict[str, Any], name: str, kind: str, log_sigma: np.ndarray) -> Any:
    """steps -> training times that a sampler of so many visits, falling, [steps]."""
    whole, one_more = kind.startswith(LEADING), kind.startswith(ONE_MORE)
    spacing = str(config.get("timestep_spacing") or ("leading" if whole else "linspace"))
    if kind.startswith("DPMSolverSinglestep"):
        spacing = "linspace"  # it knows no other
    offset = int(number(config, "steps_offset", 0, name, 0))
    count = top = len(log_sigma)
    if kind.startswith(CLIPPED):  # by ln (alpha / sigma)
        least = config.get("lambda_min_clipped")
        if least is not None and least != -np.inf:
            least = number(config, "lambda_min_clipped", 0.0, name)
            top = max(2, count - int(np.count_nonzero(-log_sigma < least)))

    def times(steps: int) -> np.ndarray:
        if steps > count:
            raise InputError(f"{name}: {steps} steps are more than its {count} training times")
        if spacing == "linspace":
            if one_more:
                return np.round(np.linspace(top - 1, 0, steps + 1)[:-1])
            even = np.linspace(count - 1, 0, steps)
            return np.round(even) if whole else even
        if spacing == "leading":
            first, stride = (1, top // (steps + 1)) if one_more else (0, count // steps)
            found = np.arange(first, first + steps)[::-1] * stride + offset
            return np.minimum(found, count - 1).astype(float)
        if spacing == "trailing":
            return np.round(np.arange(top, 0, -count / steps)[:steps]) - 1
        raise InputError(
            f"{name}: timestep_spacing {spacing!r} is unknown; leading, trailing or linspace is "
            "read"
        )

    return times
