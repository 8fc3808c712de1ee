"""diffusers' scheduler_config.json as noise levels, read without diffusers."""

from dataclasses import replace
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.schedule.auditing.alpha_bar import config_alpha_bar
from spectra.schedule.auditing.config_values import number
from spectra.schedule.auditing.diffusers_discrete import discrete_levels
from spectra.schedule.auditing.diffusers_flow import config_flow, is_flow
from spectra.schedule.auditing.noise_levels import NoiseLevels, edm_levels

__all__ = ["config_levels", "looks_like_config"]

# What they step with; of several beginnings the first counts.
SOLVERS = {
    "EDMDPMSolverMultistep": "2m",
    "EDMEuler": "euler",
    "FlowMatchHeun": "heun",
    "FlowMatchEuler": "euler",
    "DPMSolverMultistep": "2m",
    "HeunDiscrete": "heun",
    "EulerAncestral": "ancestral",
    "EulerDiscrete": "euler",
    "DDIM": "euler",
    "DDPM": "euler",
}
# Whose steps are none of ours, and what is nearest.
NEAREST = {
    "UniPC": "2m",
    "DEIS": "2m",
    "DPMSolverSinglestep": "2m",
    "SASolver": "2m",
    "KDPM2Ancestral": "ancestral",
    "KDPM2": "heun",
    "DPMSolverSDE": "heun",
}
ENDS_ABOVE_0 = ("DEIS", "SASolver")


def looks_like_config(value: dict[str, Any]) -> bool:
    """Whether a JSON object is a scheduler's."""
    return "_class_name" in value or "beta_schedule" in value or "trained_betas" in value


def config_levels(config: dict[str, Any], name: str) -> NoiseLevels:
    """What a scheduler trains and samples at.

    Raises
    ------
    InputError
        A beta schedule that is not known, values out of range, or a component-wise scheduler.
    """
    kind = str(config.get("_class_name", "DDPMScheduler"))
    if kind == "SpectralScheduler":
        raise InputError(f"{name}: is component-wise; audit the schedule.safetensors beside it")
    if kind.startswith("EDM"):
        levels = _edm(config, name)
    elif is_flow(config, kind):
        levels = config_flow(config, name, kind)
    else:
        levels = _discrete(config, name, kind)
    solver, notes = _solver(config, kind)
    assumed = "; ".join(note for note in (levels.assumed, *notes) if note)
    return replace(levels, solver=solver, assumed=assumed)


def _edm(config: dict[str, Any], name: str) -> NoiseLevels:
    levels = edm_levels(
        name,
        sigma_min=number(config, "sigma_min", 0.002, name, 1e-20, 1e20),
        sigma_max=number(config, "sigma_max", 80.0, name, 1e-20, 1e20),
        sigma_data=number(config, "sigma_data", 0.5, name, 1e-20, 1e20),
        rho=number(config, "rho", 7.0, name, 0.1, 1000.0),
    )
    low, high = levels.clean, levels.noisy
    if not low < high:
        raise InputError(f"{name}: sigma_min {low:g} must lie below sigma_max {high:g}")
    spacing = config.get("sigma_schedule", "karras")
    if spacing not in ("karras", "exponential"):
        raise InputError(f"{name}: sigma_schedule {spacing!r} is neither karras nor exponential")
    if spacing == "exponential":
        levels = replace(levels, grid=lambda steps: np.geomspace(high, low, steps))
    assumed = "trained at EDM's P_mean -1.2, P_std 1.2, which the file does not say"
    return replace(levels, assumed=assumed)


def _discrete(config: dict[str, Any], name: str, kind: str) -> NoiseLevels:
    """Over a table of betas; where time is continuous, from sigma_max down to sigma_min."""
    levels = discrete_levels(config_alpha_bar(config, name), name, config, kind)
    if config.get("timestep_type") != "continuous":
        return levels
    return replace(
        levels,
        clean=number(config, "sigma_min", levels.clean, name, 1e-20, 1e20),
        noisy=number(config, "sigma_max", levels.noisy, name, 1e-20, 1e20),
        density=None,
        assumed="in continuous time the file does not say at which noise it was trained",
    )


def _solver(config: dict[str, Any], kind: str) -> tuple[str, list[str]]:
    """What a scheduler steps with, and what of its steps is not followed."""
    known = next((SOLVERS[start] for start in SOLVERS if kind.startswith(start)), None)
    near = next((NEAREST[start] for start in NEAREST if kind.startswith(start)), "euler")
    solver = known or near
    notes = [] if known else [f"stepped as {solver}, the nearest to {kind} that is known"]
    order = config.get("solver_order", 2)
    if solver == "2m" and order == 1:
        solver = "euler"
    elif solver == "2m" and order != 2:
        notes.append(f"stepped at order 2, where the file's is {order!s:.20}")
    if str(config.get("algorithm_type")).startswith("sde") or config.get("stochastic_sampling"):
        notes.append("stepped without the noise that the file has added on the way")
    if config.get("final_sigmas_type") == "sigma_min" or kind.startswith(ENDS_ABOVE_0):
        notes.append("the last step goes to 0, where the file's ends at its least noise")
    if config.get("snr_shift_scale") not in (None, 1, 1.0):
        notes.append("snr_shift_scale is not followed")
    return solver, notes
