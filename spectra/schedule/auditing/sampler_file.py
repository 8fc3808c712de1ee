"""A sampler's own noise levels: a bare list, or one with what an export keeps beside it."""

from dataclasses import replace
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.schedule.auditing.config_values import BOUNDS, number
from spectra.schedule.auditing.noise_levels import NoiseLevels, flow_sigmas
from spectra.schedule.densities.noise_density import (
    NoiseDensity,
    log_normal_density,
    table_of_cumulative,
)

__all__ = ["SAMPLERS", "list_levels", "sampler_levels"]

# What k-diffusion calls its samplers, by what they step with.
SAMPLERS = {
    "euler": "sample_euler",
    "heun": "sample_heun",
    "2m": "sample_dpmpp_2m",
    "ancestral": "sample_euler_ancestral",
}
SOLVERS = {name: solver for solver, name in SAMPLERS.items()}
LARGEST_LOG_SIGMA = 200.0


def sampler_levels(value: dict[str, Any], name: str) -> NoiseLevels:
    """The `sigmas` of a k-diffusion or flow export, and what it says of them.

    Raises
    ------
    InputError
        Levels that do not fall, or other values that cannot be.
    """
    levels = list_levels(value["sigmas"], name)
    if "shift" in value:  # a flow's sigmas are its times
        if levels.noisy > 1:
            raise InputError(f"{name}: the sigmas of a flow are times, at most 1")
        shift = number(value, "shift", 1.0, name, *BOUNDS["shift"])
        made = list_levels(flow_sigmas(levels.grid(0)).tolist(), name)
        return replace(made, pure=levels.noisy > 0.999, shift=shift)
    sampler = str(value.get("sampler", "sample_euler"))
    # The process goes down to sigma_min; the last step starts where it is best to.
    clean = number(value, "sigma_min", levels.clean, name, *BOUNDS["sigma_min"])
    width = value.get("sigma_data")
    return replace(
        levels,
        clean=min(clean, levels.clean),
        density=_density(value, name),
        solver=SOLVERS.get(sampler, "euler"),
        sigma_data=None
        if width is None
        else number(value, "sigma_data", 0.0, name, *BOUNDS["sigma_data"]),
        assumed="" if sampler in SOLVERS else f"stepped as euler, as {sampler[:40]!r} is unknown",
    )


def _density(value: dict[str, Any], name: str) -> NoiseDensity | None:
    """Of the noise levels in training, if the file says."""
    table, moments = value.get("sample_density_table"), value.get("sigma_sample_density")
    try:
        if isinstance(table, dict):
            return _tabled(
                np.asarray(table["log_sigma"], float), np.asarray(table["cumulative"], float), name
            )
        if isinstance(moments, dict) and moments.get("type") == "lognormal":
            return _log_normal(float(moments["mean"]), float(moments["std"]), name)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(f"{name}: the density of its noise levels cannot be read") from None
    return None


def _tabled(log_sigma: np.ndarray, share: np.ndarray, name: str) -> NoiseDensity:
    rises = (
        share.shape == log_sigma.shape and log_sigma.ndim == 1 and (np.diff(log_sigma) > 0).all()
    )
    if not (rises and (np.diff(share) >= 0).all() and len(share) > 1):
        raise InputError(f"{name}: the density's levels and their shares must rise together")
    if not (np.isfinite(share).all() and np.abs(log_sigma).max() < LARGEST_LOG_SIGMA):
        raise InputError(f"{name}: the density of its noise levels is not finite")
    return table_of_cumulative(name, log_sigma, share)


def _log_normal(mean: float, std: float, name: str) -> NoiseDensity:
    for key, moment in (("p_mean", mean), ("p_std", std)):
        if not BOUNDS[key][0] <= moment <= BOUNDS[key][1]:
            raise InputError(
                f"{name}: a log-normal density of mean {mean:g} and std {std:g} is out of reach; "
                "mean -50 to 50 and std 0.001 to 20 are read"
            )
    return log_normal_density(mean, std)


def list_levels(values: list[Any], name: str) -> NoiseLevels:
    """A sampler's own list of noise levels; a final 0 is left out.

    Raises
    ------
    InputError
    """
    try:
        sigmas = np.asarray(values, float)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{name}: sigmas must be a list of numbers") from None
    if sigmas.ndim == 1 and len(sigmas) and sigmas[-1] == 0:
        sigmas = sigmas[:-1]
    low, high = BOUNDS["sigma_min"]
    good = sigmas.ndim == 1 and len(sigmas) >= 2 and bool(np.isfinite(sigmas).all())
    if not (good and (sigmas >= low).all() and sigmas[0] <= high and (np.diff(sigmas) < 0).all()):
        raise InputError(
            f"{name}: sigmas must be at least two finite numbers that fall and stay above 0 "
            "(a last 0 is allowed), between 1e-20 and 1e20"
        )

    def grid(steps: int) -> np.ndarray:
        return sigmas

    return NoiseLevels(name, float(sigmas[-1]), float(sigmas[0]), grid)
