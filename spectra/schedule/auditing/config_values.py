"""What a file of settings holds under a key, checked; and the spacings that it may ask for."""

from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.schedule.auditing.noise_levels import karras

__all__ = ["BOUNDS", "number", "respaced", "respacing"]

SPACINGS = ("use_karras_sigmas", "use_lu_lambdas", "use_exponential_sigmas", "use_beta_sigmas")
BETA = 0.6
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
# Those that hold Karras' spacing to their own levels, whatever sigma_min and sigma_max say.
OWN_ENDS = ("LMSDiscrete", "DPMSolverSDE")


def number(
    config: dict[str, Any],
    key: str,
    default: float,
    name: str,
    low: float = -1e300,
    high: float = 1e300,
) -> float:
    """A finite number, or the default.

    Raises
    ------
    InputError
        None, or out of range.
    """
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


def respacing(config: dict[str, Any], name: str) -> str | None:
    """The one of diffusers' use_*_sigmas that is set.

    Raises
    ------
    InputError
        More than one is, which diffusers refuses too.
    """
    found = [key for key in SPACINGS if config.get(key)]
    if len(found) > 1:
        raise InputError(f"{name}: {' and '.join(found)} are both set; set one of them")
    return found[0] if found else None


def respaced(
    way: str,
    config: dict[str, Any],
    name: str,
    ends: tuple[float, float],
    steps: int,
    high: float = 1e20,
) -> np.ndarray:
    """Levels between the noisier end and the cleaner, or the config's own ends, [steps].

    Karras et al. (2022), equation 5; even in ln sigma (Lu et al. 2022); Beta(0.6, 0.6) quantiles
    (Lee et al. 2024).
    """
    noisy, clean = ends
    own = str(config.get("_class_name")).startswith(OWN_ENDS) and way == SPACINGS[0]
    if way != "use_lu_lambdas" and not own:
        noisy = number(config, "sigma_max", noisy, name, 1e-20, high)
        clean = number(config, "sigma_min", clean, name, 1e-20, high)
    if not clean < noisy and steps > 1:
        raise InputError(f"{name}: sigma_min {clean:g} must lie below sigma_max {noisy:g}")
    if way == "use_karras_sigmas":
        return karras(noisy, clean, steps)
    if way == "use_beta_sigmas":
        from scipy.stats import beta

        return clean + beta.ppf(1 - np.linspace(0, 1, steps), BETA, BETA) * (noisy - clean)
    return np.geomspace(noisy, clean, steps)
