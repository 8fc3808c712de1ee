"""Other people's noise schedules as noise levels: by name, or from the files that hold them."""

import json
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.schedule import processes
from spectra.schedule.auditing.config_values import BOUNDS, number
from spectra.schedule.auditing.diffusers_config import config_levels, looks_like_config
from spectra.schedule.auditing.diffusers_discrete import discrete_levels
from spectra.schedule.auditing.noise_levels import (
    NoiseLevels,
    edm_levels,
    flow_levels,
    flow_times,
    process_levels,
)
from spectra.schedule.auditing.sampler_file import list_levels, sampler_levels
from spectra.schedule.densities.noise_density import process_density

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
        text = path.read_text(encoding="utf-8-sig").strip()
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
        return sampler_levels(value, name)
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


def _edm(found: dict[str, Any], name: str) -> NoiseLevels:
    keys = [key for key in EDM_KEYS if key in found]
    given = {key: number(found, key, math.nan, name, *BOUNDS[key]) for key in keys}
    levels = edm_levels(name, **given)
    if not levels.clean < levels.noisy:
        raise InputError(
            f"{name}: sigma_min {levels.clean:g} must lie below sigma_max {levels.noisy:g}"
        )
    return levels
