"""Presets: published schedules under their names, in the coordinates of a data set.

Names and the options each takes (all optional; the rest are refused):

    rectified-flow, vp-cosine, vp-linear, ve          basis, shift, sigma_data
    edm                 basis, shift, sigma_data, p_mean, p_std
    equal-snr           basis, process
    soft-conditioning   basis, ordering, ordering_strength, g_denoise, g_noise
    blurring            basis, blur_max, blur_floor
    heat-dissipation    basis, blur_max, blur_min, noise
    power-law-noise     basis, process, noise_exponent
    columns, rows       basis, tau_max, gamma_min, gamma_max, reverse
"""

from collections.abc import Callable
from typing import Any, Literal, get_args

from spectra.errors import InputError, check_name
from spectra.schedule.blurred import blurring, heat_dissipation
from spectra.schedule.coordinates import Strength
from spectra.schedule.processes import ProcessName
from spectra.schedule.published import (
    edm,
    equal_snr,
    power_law_noise,
    soft_conditioning,
    windows,
)
from spectra.schedule.schedule import Schedule
from spectra.schedule.standard import standard_schedule
from spectra.spectrum import Spectrum

__all__ = ["PRESETS", "PresetName", "check_preset", "preset"]

PresetName = Literal[
    "rectified-flow",
    "vp-cosine",
    "vp-linear",
    "ve",
    "edm",
    "equal-snr",
    "soft-conditioning",
    "blurring",
    "heat-dissipation",
    "power-law-noise",
    "columns",
    "rows",
]
"""Published schedules, see `preset`."""

PRESETS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(get_args(ProcessName), ("basis", "shift", "sigma_data")),
    "edm": ("basis", "shift", "sigma_data", "p_mean", "p_std"),
    "equal-snr": ("basis", "process"),
    "soft-conditioning": ("basis", "ordering", "ordering_strength", "g_denoise", "g_noise"),
    "blurring": ("basis", "blur_max", "blur_floor"),
    "heat-dissipation": ("basis", "blur_max", "blur_min", "noise"),
    "power-law-noise": ("basis", "process", "noise_exponent"),
    "columns": ("basis", "tau_max", "gamma_min", "gamma_max", "reverse"),
    "rows": ("basis", "tau_max", "gamma_min", "gamma_max", "reverse"),
}
"""Which options of `preset` each one takes."""


def preset(
    name: str,
    spectrum: Spectrum,
    *,
    basis: str | None = None,
    shift: float | None = None,
    sigma_data: float | None = None,
    p_mean: float | None = None,
    p_std: float | None = None,
    process: str | None = None,
    ordering: str | None = None,
    ordering_strength: Strength | None = None,
    g_denoise: float | None = None,
    g_noise: float | None = None,
    blur_max: float | None = None,
    blur_min: float | None = None,
    blur_floor: float | None = None,
    noise: float | None = None,
    noise_exponent: float | None = None,
    tau_max: float | None = None,
    gamma_min: float | None = None,
    gamma_max: float | None = None,
    reverse: bool | None = None,
) -> Schedule:
    """A published schedule for the data behind a spectrum.

    What is not given is the source's own number. The spectrum gives the coordinates (component
    variances, mean) and, for some, the noise: nothing else is fitted to it.

    Parameters
    ----------
    name : {"rectified-flow", "vp-cosine", "vp-linear", "ve", "edm", "equal-snr", \
            "soft-conditioning", "blurring", "heat-dissipation", "power-law-noise", "columns", \
            "rows"}
    spectrum : Spectrum
    basis : str, optional
        "dct", for columns and rows "pixel".
    shift : float, optional
        rectified-flow, vp-cosine, vp-linear, ve, edm: every noise level times this, the times even
        as before; SD3's is 3.
    sigma_data : float, optional
        The same five: the values are taken as divided so that this is their standard deviation;
        by default as they are.
    p_mean, p_std : float, optional
        See `edm`.
    process : str, optional
        equal-snr, power-law-noise: the scalar process it is made from; "vp-linear".
    ordering, ordering_strength, g_denoise, g_noise
        See `soft_conditioning`.
    blur_max, blur_floor
        See `blurring`.
    blur_max, blur_min, noise
        See `heat_dissipation`.
    noise_exponent : float, optional
        See `power_law_noise`.
    tau_max, gamma_min, gamma_max, reverse
        See `windows`.

    Returns
    -------
    Schedule

    Raises
    ------
    InputError
        An unknown name, an option that the preset does not have, a number out of its range, or
        a basis that was not measured.

    Examples
    --------
    >>> spectrum = spectra.analyze("digits")
    >>> schedule = spectra.preset("equal-snr", spectrum)
    >>> bool(np.ptp(schedule.log_snr([0.5])) < 1e-9)
    True
    """
    given: dict[str, Any] = {
        "basis": basis,
        "shift": shift,
        "sigma_data": sigma_data,
        "p_mean": p_mean,
        "p_std": p_std,
        "process": process,
        "ordering": ordering,
        "ordering_strength": ordering_strength,
        "g_denoise": g_denoise,
        "g_noise": g_noise,
        "blur_max": blur_max,
        "blur_min": blur_min,
        "blur_floor": blur_floor,
        "noise": noise,
        "noise_exponent": noise_exponent,
        "tau_max": tau_max,
        "gamma_min": gamma_min,
        "gamma_max": gamma_max,
        "reverse": reverse,
    }
    given = {option: value for option, value in given.items() if value is not None}
    check_preset(name, given)
    if name in get_args(ProcessName) and name != "edm":
        return standard_schedule(spectrum, process=name, **given)
    if name in ("columns", "rows"):
        return windows(spectrum, axis=name, **given)
    make: dict[str, Callable[..., Schedule]] = {
        "edm": edm,
        "equal-snr": equal_snr,
        "soft-conditioning": soft_conditioning,
        "blurring": blurring,
        "heat-dissipation": heat_dissipation,
        "power-law-noise": power_law_noise,
    }
    return make[name](spectrum, **given)


def check_preset(name: str, options: dict[str, Any]) -> None:
    """Refuse an unknown preset, or options that it does not have, before there is a spectrum.

    Parameters
    ----------
    name : str
    options : dict
        Keywords of `preset` that were given.

    Raises
    ------
    InputError
    """
    check_name("preset", name, get_args(PresetName))
    other = [option for option in options if option not in PRESETS[name]]
    if other:
        raise InputError(
            f"preset {name} has no {', '.join(other)}; it takes {', '.join(PRESETS[name])}"
        )
