"""Tables of alpha-bar, as diffusers' configs state them by their betas."""

from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.schedule.auditing.config_values import number

__all__ = ["LEAST_ALPHA_BAR", "config_alpha_bar"]

LEAST_ALPHA_BAR = 2.0**-24  # diffusers' own stand-in for a zero terminal SNR
# Schedulers whose betas are Stable Diffusion's where none are given.
STABLE_BETAS = ("HeunDiscrete", "KDPM2", "DPMSolverSDE")


def config_alpha_bar(config: dict[str, Any], name: str) -> np.ndarray:
    """Cumulative product of 1 - beta, [T].

    Raises
    ------
    InputError
        A beta schedule that is not known, or values out of range.
    """
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
    count = number(config, "num_train_timesteps", 1000, name)
    if count != int(count) or not 1 < count <= 1e6:
        raise InputError(f"{name}: num_train_timesteps {count:g} must be a whole number above 1")
    steps = int(count)
    stable = str(config.get("_class_name")).startswith(STABLE_BETAS)
    start = number(config, "beta_start", 0.00085 if stable else 1e-4, name, 0)
    end = number(config, "beta_end", 0.012 if stable else 0.02, name, 0)
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
