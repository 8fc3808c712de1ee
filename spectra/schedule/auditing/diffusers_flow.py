"""diffusers' flow-matching configs as noise levels."""

from dataclasses import replace
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.schedule.auditing.alpha_bar import config_alpha_bar
from spectra.schedule.auditing.config_values import number, respaced, respacing
from spectra.schedule.auditing.diffusers_discrete import ONE_MORE
from spectra.schedule.auditing.noise_levels import (
    NoiseLevels,
    flow_levels,
    flow_times,
    shifted,
)

__all__ = ["config_flow", "is_flow"]

BEFORE_ONE = 1e-6  # UniPC's distance from t = 1


def is_flow(config: dict[str, Any], kind: str) -> bool:
    """Whether a scheduler of that class steps along a flow."""
    return "FlowMatch" in kind or (
        kind.startswith(ONE_MORE) and bool(config.get("use_flow_sigmas"))
    )


def config_flow(config: dict[str, Any], name: str, kind: str) -> NoiseLevels:
    """What a flow's scheduler trains and samples at.

    Raises
    ------
    InputError
        Values out of range, or a grid that does not fall from noise to data.
    """
    matching, predictor = "FlowMatch" in kind, kind.startswith("UniPC")
    plain = kind.startswith("FlowMatchHeun")  # knows its shift alone
    if config.get("invert_sigmas"):
        raise InputError(f"{name}: invert_sigmas swaps noise and data; audit it without")
    shift = number(config, "shift" if matching else "flow_shift", 1.0, name, 1e-6, 1e6)
    count = int(number(config, "num_train_timesteps", 1000, name, 1, 1e9))
    dynamic = bool(config.get("use_dynamic_shifting")) and not plain
    stretches = (matching or predictor) and not plain
    terminal = number(config, "shift_terminal", 0.0, name, 0.0, 0.999) if stretches else 0.0
    way = None if plain else respacing(config, name)

    def times(steps: int, shift: float) -> np.ndarray:
        if matching and not dynamic:
            t = flow_times(steps, shift, count)
        elif matching:
            t = shifted(np.linspace(1, 1 / count, steps), shift)
        elif predictor:
            t = shifted(np.linspace(1, 1 / count, steps + 1)[:-1], shift)
        else:
            t = shifted(np.linspace(1 - 1 / count, 0, steps + 1)[:-1], shift)
        if terminal > 0 and t[-1] < 1:
            t = 1 - (1 - t) * (1 - terminal) / (1 - t[-1])
        if way is not None:
            t = respaced(way, config, name, (float(t[0]), float(t[-1])), steps, high=1.0)
        return np.minimum(t, 1 - BEFORE_ONE) if predictor else t

    assumed = "trained evenly in t before the shift, which the file does not say"
    if dynamic:
        assumed += "; the shift depends on the size, the file's own is used"
    levels = replace(flow_levels(name, shift, times=times), assumed=assumed)
    if way is None or matching:
        return levels
    if not (predictor and way == "use_karras_sigmas"):
        raise InputError(f"{name}: use_flow_sigmas and {way} are both set; set one of them")
    table = np.sqrt(1 / config_alpha_bar(config, name) - 1)  # UniPC's Karras levels are VE's
    ends = (float(table[-1]), float(table[0]))
    return replace(
        levels, grid=lambda steps: respaced(way, config, name, ends, steps), at_shift=None
    )
