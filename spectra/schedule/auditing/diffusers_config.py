"""diffusers' scheduler_config.json as noise levels, read without diffusers."""

from dataclasses import replace
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.schedule.auditing.noise_levels import (
    NoiseLevels,
    edm_levels,
    flow_levels,
    karras,
)
from spectra.schedule.densities.noise_density import NoiseDensity

__all__ = ["config_levels", "discrete_levels", "looks_like_config"]

LEAST_ALPHA_BAR = 2.0**-24  # diffusers' own stand-in for a zero terminal SNR
# Schedulers whose default spacing is "leading"; the others' is "linspace".
LEADING = ("DDPM", "DDIM", "PNDM")
# Those that space one step more and leave the cleanest out.
ONE_MORE = ("DPMSolverMultistep", "DPMSolverSinglestep", "UniPC", "DEIS", "SASolver")
# What they step with, where it is not DDIM's own step.
SOLVERS = {"DPMSolverMultistep": "2m", "HeunDiscrete": "heun"}


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
        edm = edm_levels(
            name,
            sigma_min=_number(config, "sigma_min", 0.002, name, 1e-20, 1e20),
            sigma_max=_number(config, "sigma_max", 80.0, name, 1e-20, 1e20),
            sigma_data=_number(config, "sigma_data", 0.5, name, 1e-20, 1e20),
            rho=_number(config, "rho", 7.0, name, 0.1, 1000.0),
        )
        if not edm.clean < edm.noisy:
            raise InputError(
                f"{name}: sigma_min {edm.clean:g} must lie below sigma_max {edm.noisy:g}"
            )
        assumed = "trained at EDM's P_mean -1.2, P_std 1.2, which the file does not say"
        return replace(edm, assumed=assumed)
    if "FlowMatch" in kind or config.get("use_flow_sigmas"):
        return _flow(config, name)
    return discrete_levels(_alpha_bar(config, name), name, config, kind)


def _flow(config: dict[str, Any], name: str) -> NoiseLevels:
    key = "flow_shift" if config.get("use_flow_sigmas") else "shift"
    shift = _number(config, key, 1.0, name, 1e-6, 1e6)
    assumed = "trained evenly in t before the shift, which the file does not say"
    if config.get("use_dynamic_shifting"):
        assumed += "; the shift depends on the size, the file's own is used"
    count = None
    if "FlowMatch" in str(config.get("_class_name")):
        count = int(_number(config, "num_train_timesteps", 1000, name))
    return replace(flow_levels(name, shift, count=count), assumed=assumed)


def _alpha_bar(config: dict[str, Any], name: str) -> np.ndarray:
    """Cumulative product of 1 - beta, [T]."""
    betas = _betas(config, name)
    if not (np.isfinite(betas).all() and (betas >= 0).all() and (betas <= 1).all()):
        raise InputError(f"{name}: betas must lie between 0 and 1")
    if len(betas) < 2 or not betas.any():
        raise InputError(f"{name}: betas must be at least two, and not all 0")
    alpha_bar = np.cumprod(1 - betas)
    if config.get("rescale_betas_zero_snr"):
        # Lin et al. (2024), algorithm 1: sqrt(alpha_bar) moved and stretched to end at 0.
        root = np.sqrt(alpha_bar)
        root = (root - root[-1]) * root[0] / (root[0] - root[-1])
        alpha_bar = root**2
        alpha_bar[-1] = LEAST_ALPHA_BAR
    return np.where(alpha_bar > 0, alpha_bar, LEAST_ALPHA_BAR)


def _betas(config: dict[str, Any], name: str) -> np.ndarray:
    given = config.get("trained_betas")
    if given is not None:
        try:
            return np.asarray(given, float).ravel()
        except (TypeError, ValueError):
            raise InputError(f"{name}: trained_betas must be a list of numbers") from None
    count = _number(config, "num_train_timesteps", 1000, name)
    if count != int(count) or not 1 < count <= 1e6:
        raise InputError(f"{name}: num_train_timesteps {count:g} must be a whole number above 1")
    steps = int(count)
    start = _number(config, "beta_start", 1e-4, name, 0)
    end = _number(config, "beta_end", 0.02, name, 0)
    kind = config.get("beta_schedule", "linear")
    if kind == "linear":
        return np.linspace(start, end, steps)
    if kind == "scaled_linear":
        return np.linspace(start**0.5, end**0.5, steps) ** 2
    if kind == "squaredcos_cap_v2":
        t = np.arange(steps + 1) / steps
        level = np.cos((t + 0.008) / 1.008 * np.pi / 2) ** 2
        return np.minimum(1 - level[1:] / level[:-1], 0.999)
    if kind == "sigmoid":
        return start + (end - start) / (1 + np.exp(-np.linspace(-6, 6, steps)))
    raise InputError(
        f"{name}: beta_schedule {kind!r} is unknown; linear, scaled_linear, squaredcos_cap_v2, "
        "sigmoid and trained_betas are read"
    )


def discrete_levels(
    alpha_bar: np.ndarray, name: str, config: dict[str, Any] | None = None, kind: str = "DDPM"
) -> NoiseLevels:
    """A table of alpha-bar [T], trained evenly over its entries."""
    config = config or {}
    with np.errstate(divide="ignore"):  # beta = 0
        log_sigma = (np.log1p(-alpha_bar) - np.log(alpha_bar)) / 2
    if not (np.isfinite(log_sigma).all() and (np.diff(log_sigma) > 0).all()):
        # Standing still is allowed: two entries of one level are one.
        log_sigma = np.maximum.accumulate(np.maximum(log_sigma, np.log(1e-6)))
        log_sigma = log_sigma + 1e-9 * np.arange(len(log_sigma))
    leading = any(kind.startswith(start) for start in LEADING)
    spacing = config.get("timestep_spacing") or ("leading" if leading else "linspace")
    offset = int(_number(config, "steps_offset", 0, name, 0))
    index = np.arange(len(log_sigma))
    one_more = any(kind.startswith(start) for start in ONE_MORE)

    def grid(steps: int) -> np.ndarray:
        times = _spaced(str(spacing), len(index), steps, offset, name, one_more)
        sigmas = np.exp(np.interp(times, index, log_sigma))
        ends = np.exp(log_sigma[[-1, 0]]) if one_more else sigmas[[0, -1]]
        if config.get("use_karras_sigmas"):
            return karras(float(ends[0]), float(ends[1]), steps)
        if config.get("use_exponential_sigmas"):
            return np.geomspace(ends[0], ends[1], steps) if steps > 1 else ends[:1]
        return sigmas

    # An entry stands for the stretch half way to its neighbours.
    edges = np.interp(np.arange(len(index) + 1) - 0.5, index, log_sigma)
    return NoiseLevels(
        name,
        float(np.exp(log_sigma[0])),
        float(np.exp(log_sigma[-1])),
        grid,
        NoiseDensity(name, edges, np.linspace(0, 1, len(edges))),
        solver=next((SOLVERS[start] for start in SOLVERS if kind.startswith(start)), "euler"),
        pure=bool(alpha_bar[-1] <= LEAST_ALPHA_BAR * (1 + 1e-9)),
    )


def _spaced(
    spacing: str, count: int, steps: int, offset: int, name: str, one_more: bool
) -> np.ndarray:
    """Training times that a sampler of `steps` steps visits, falling, [steps]."""
    if steps > count:
        raise InputError(f"{name}: {steps} steps are more than its {count} training times")
    if spacing == "linspace":
        if one_more:
            return np.round(np.linspace(count - 1, 0, steps + 1)[:-1])
        return np.linspace(count - 1, 0, steps) if steps > 1 else np.array([count - 1.0])
    if spacing == "leading":
        first, stride = (1, count // (steps + 1)) if one_more else (0, count // steps)
        times = np.arange(first, first + steps)[::-1] * stride + offset
        return np.minimum(times, count - 1).astype(float)
    if spacing == "trailing":
        return np.round(np.arange(count, 0, -count / steps)[:steps]) - 1
    raise InputError(
        f"{name}: timestep_spacing {spacing!r} is unknown; leading, trailing or linspace is read"
    )


def _number(
    config: dict[str, Any],
    key: str,
    default: float,
    name: str,
    low: float = -1e300,
    high: float = 1e300,
) -> float:
    value = config.get(key, default)
    if value is None:
        value = default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise InputError(f"{name}: {key} {str(value)[:40]!r} must be a finite number")
    if low > 0 and value <= 0:
        raise InputError(f"{name}: {key} {str(value)[:40]} must be above 0")
    if not low <= value <= high:
        raise InputError(f"{name}: {key} {str(value)[:40]} must be from {low:g} to {high:g}")
    return float(value)
