"""Other people's noise schedules as noise levels: by name, or from the files that hold them."""

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.schedule import processes
from spectra.schedule.auditing.diffusers_config import config_levels, looks_like_config
from spectra.schedule.auditing.diffusers_discrete import discrete_levels
from spectra.schedule.auditing.noise_levels import (
    NoiseLevels,
    edm_levels,
    flow_levels,
    flow_times,
    process_levels,
)
from spectra.schedule.densities.noise_density import (
    log_normal_density,
    process_density,
    table_of_cumulative,
)

__all__ = ["NAMES", "named_levels", "read_levels"]

NAMES = (
    "edm",
    "rectified-flow",
    "sd3 shift K",
    "flow shift K",
    "vp-cosine",
    "vp-linear",
    "ve",
    "ddpm",
    "stable-diffusion",
)
# EDM's keyword arguments under the names that files give them.
EDM_KEYS = ("p_mean", "p_std", "sigma_data", "sigma_min", "sigma_max", "rho")
LARGEST_FILE = 64 << 20  # bytes; a list of noise levels is far smaller
LARGEST_LOG_SIGMA = 200.0
# What no one means: larger numbers, and smaller ones, than any data set asks for.
BOUNDS = {
    "p_mean": (-50.0, 50.0),
    "p_std": (1e-3, 20.0),
    "sigma_data": (1e-20, 1e20),
    "sigma_min": (1e-20, 1e20),
    "sigma_max": (1e-20, 1e20),
    "rho": (0.1, 1000.0),
    "shift": (1e-6, 1e6),
}


def named_levels(name: str) -> NoiseLevels | None:
    """A published schedule's noise levels; None where the name is none of `NAMES`.

    Notes
    -----
    ddpm: betas from 1e-4 to 0.02 in 1,000 steps (Ho et al. 2020). stable-diffusion: roots of the
    betas from 0.00085 to 0.012 (Rombach et al. 2022). sd3 shift K: logit t ~ N(0, 1), shifted
    (Esser et al. 2024), sampled as its pipeline does; flow shift K: even in t, shifted.
    """
    key = " ".join(name.lower().replace("=", " ").split())
    if key == "edm":
        return edm_levels()
    if key == "rectified-flow":
        return flow_levels("rectified-flow")
    found = re.fullmatch(r"(sd3|flow)(?: shift ([0-9.eE+-]+))?", key)
    if found is not None:
        shift = _shift(name, found[2]) if found[2] else 3.0 if found[1] == "sd3" else 1.0
        name = f"{found[1]} shift {shift:g}"
        if found[1] == "sd3":
            return flow_levels(
                name, shift, logit_normal=True, times=partial(flow_times, count=1000)
            )
        return flow_levels(name, shift)
    if key in ("vp-cosine", "vp-linear"):
        return process_levels(key)
    if key == "ve":
        low, high = processes.VE_SIGMA_MIN, processes.VE_SIGMA_MAX
        return NoiseLevels(
            "ve",
            low,
            high,
            lambda steps: np.geomspace(high, low, steps) if steps > 1 else np.array([high]),
            process_density("ve"),
        )
    if key == "ddpm":
        return discrete_levels(np.cumprod(1 - np.linspace(1e-4, 0.02, 1000)), "ddpm")
    if key == "stable-diffusion":
        betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
        return discrete_levels(np.cumprod(1 - betas), key, {"steps_offset": 1})
    return None


def _shift(name: str, text: str) -> float:
    try:
        shift = float(text)
    except ValueError:
        shift = float("nan")
    low, high = BOUNDS["shift"]
    if not low <= shift <= high:
        raise InputError(f"{name}: the shift must be above 0, {low:g} to {high:g} (SD3's is 3)")
    return shift


def read_levels(path: Path) -> NoiseLevels:
    """Noise levels from a JSON or text file.

    A diffusers scheduler_config.json, EDM's keyword arguments (P_mean, P_std, sigma_data,
    sigma_min, sigma_max, rho), or a list of sigmas: a JSON list, {"sigmas": [...]}, or numbers
    in text with spaces, commas or lines between.

    Raises
    ------
    InputError
        The file is none of these; one line that says what was found.
    """
    name = path.name
    if path.is_dir():
        if not (path / "scheduler_config.json").is_file():
            raise InputError(f"{path}: a folder without a scheduler_config.json")
        path = path / "scheduler_config.json"
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: too large for a list of noise levels")
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise InputError(
            f"{path}: no text; a schedule.safetensors, a scheduler_config.json, EDM's constants "
            "as JSON, or a list of sigmas is read"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from error
    if text[:1] in ("{", "["):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:  # also whole numbers of 5,000 digits
            reason = " ".join(str(error).split())
            raise InputError(f"{path}: is not whole JSON ({reason})") from None
        return _from_json(value, name)
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    try:
        return list_levels([float(word) for word in words], name)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path}: neither JSON nor a list of numbers; a scheduler_config.json, EDM's constants "
            "as JSON, or a list of sigmas is read"
        ) from None


def _from_json(value: Any, name: str) -> NoiseLevels:
    if isinstance(value, dict) and isinstance(value.get("sigmas"), list):
        return _from_sampler(value, name)
    if isinstance(value, list):
        return list_levels(value, name)
    if looks_like_config(value):
        return config_levels(value, name)
    found = {str(key).lower(): number for key, number in value.items()}
    if not {"p_mean", "sigma_max", "sigma_min"} & set(found):
        keys = ", ".join(sorted(map(str, value))[:6]) or "nothing"
        raise InputError(
            f"{name}: holds {keys}; a scheduler_config.json, EDM's P_mean, P_std, sigma_data, "
            "sigma_min, sigma_max, or a list of sigmas is read"
        )
    return _edm(found, name)


def _from_sampler(value: dict[str, Any], name: str) -> NoiseLevels:
    """Sigmas with what a k-diffusion or flow export puts beside them."""
    if "shift" in value:  # a flow's sigmas are its times
        levels = list_levels(value["sigmas"], name)
        if levels.noisy > 1:
            raise InputError(f"{name}: the sigmas of a flow are times, at most 1")
        times = np.minimum(levels.grid(0), 0.999)
        sigmas = times / (1 - times)
        return replace(list_levels(sigmas.tolist(), name), pure=levels.noisy > 0.999)
    levels = list_levels(value["sigmas"], name)
    table, density = value.get("sample_density_table"), value.get("sigma_sample_density")
    try:
        if isinstance(table, dict):
            log_sigma = np.asarray(table["log_sigma"], float)
            share = np.asarray(table["cumulative"], float)
        elif isinstance(density, dict) and density.get("type") == "lognormal":
            mean, std = float(density["mean"]), float(density["std"])
            for key, moment in (("p_mean", mean), ("p_std", std)):
                if not BOUNDS[key][0] <= moment <= BOUNDS[key][1]:
                    raise InputError(
                        f"{name}: a log-normal density of mean {mean:g} and std {std:g} is out of "
                        "reach; mean -50 to 50 and std 0.001 to 20 are read"
                    )
            return replace(levels, density=log_normal_density(mean, std))
        else:
            return levels
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError):
        raise InputError(f"{name}: the density of its noise levels cannot be read") from None
    rises = (
        share.shape == log_sigma.shape and log_sigma.ndim == 1 and (np.diff(log_sigma) > 0).all()
    )
    if not (rises and (np.diff(share) >= 0).all() and len(share) > 1):
        raise InputError(f"{name}: the density's levels and their shares must rise together")
    if not (np.isfinite(share).all() and np.abs(log_sigma).max() < LARGEST_LOG_SIGMA):
        raise InputError(f"{name}: the density of its noise levels is not finite")
    return replace(levels, density=table_of_cumulative(name, log_sigma, share))


def _edm(found: dict[str, Any], name: str) -> NoiseLevels:
    given = {}
    for key in EDM_KEYS:
        if key not in found:
            continue
        number = found[key]
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise InputError(f"{name}: {key} {number!r} must be a number")
        low, high = BOUNDS[key]
        if not low <= number <= high:
            raise InputError(f"{name}: {key} {str(number)[:40]} must be from {low:g} to {high:g}")
        given[key] = float(number)
    levels = edm_levels(name, **given)
    if not levels.clean < levels.noisy:
        raise InputError(
            f"{name}: sigma_min {levels.clean:g} must lie below sigma_max {levels.noisy:g}"
        )
    return levels


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
