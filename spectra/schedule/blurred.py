"""Schedules that blur, as others set them by hand, with their formulas and their numbers.

The sources have alpha_i^2 + sigma_i^2 < 1; here `form` decides how the two share one ratio, a known
rescaling of each component: log SNR_i(t), and with it the process, is the source's.
"""

from dataclasses import replace

import numpy as np

from spectra.errors import check_number
from spectra.schedule.coordinates import coordinates
from spectra.schedule.published import frequencies
from spectra.schedule.schedule import Schedule
from spectra.spectrum import Spectrum

__all__ = ["blurring", "heat_dissipation"]

KNOTS = 4097
MOST_BLUR = 1e6  # pixels
LEAST_NOISE = 1e-50


def blurring(
    spectrum: Spectrum,
    *,
    blur_max: float = 20.0,
    blur_floor: float = 0.001,
    log_snr_end: float = 10.0,
    basis: str = "dct",
) -> Schedule:
    """Blurring diffusion: a cosine schedule whose signal is blurred as well.

    Parameters
    ----------
    spectrum : Spectrum
    blur_max : float
        Standard deviation of the blur at t = 1, pixels.
    blur_floor : float
        d_min, the share of a component that no blur takes away.
    log_snr_end : float
        ln(a_t^2 / sigma_t^2) goes from this to its negative.
    basis : str
        The source's is "dct"; elsewhere a component's own frequency stands for its modes'.

    Notes
    -----
    Hoogeboom and Salimans, "Blurring Diffusion Models", arXiv 2209.05557, section 4 and its
    pseudo-code: z_t = a_t d_t z + sigma_t eps, d_t = (1 - d_min) exp(-lambda tau_t) + d_min,
    lambda = pi^2 (n^2 / W^2 + m^2 / H^2), tau_t = sigma_B(t)^2 / 2, sigma_B(t) = blur_max
    sin^2(pi t / 2), ln(a^2 / sigma^2) = -2 ln tan(b + t c) with the ends at +-log_snr_end.
    """
    check_number("blur_max", blur_max, low=0.0, high=MOST_BLUR)
    check_number("log_snr_end", log_snr_end, low=0.0, strict=True, high=300.0)
    t = np.linspace(0, 1, KNOTS)
    first, last = np.arctan(np.exp([-log_snr_end / 2, log_snr_end / 2]))
    width = blur_max * np.sin(np.pi * t / 2) ** 2
    return replace(
        _blurred(spectrum, basis, t, width),
        name="blurring",
        pace=2 * np.log(np.tan(first + t * (last - first))),
        blur_floor=float(blur_floor),
        explanation={
            "preset": "blurring (Hoogeboom, Salimans 2022): cosine noise on a blurred signal",
            "blur": f"up to {blur_max:g} pixels, never under {blur_floor:g} of a component",
            "ends": f"ln(a^2 / sigma^2) from {log_snr_end:g} to {-log_snr_end:g} before the blur",
        },
    )


def heat_dissipation(
    spectrum: Spectrum,
    *,
    noise: float = 0.02,
    blur_min: float = 0.5,
    blur_max: float = 24.0,
    steps: int = 200,
    basis: str = "dct",
) -> Schedule:
    """Inverse heat dissipation: a signal that is only blurred, under a little constant noise.

    Parameters
    ----------
    spectrum : Spectrum
    noise : float
        Standard deviation. The source's is 0.01 for values in [0, 1], thus 0.02 in [-1, 1] (its
        sampler adds 1.25 times as much in each step).
    blur_min, blur_max : float
        Standard deviation of the blur at the first and the last of `steps`, pixels; even in
        their logarithm, with none at t = 0. The source has 24 for 32 pixels.
    steps : int
        K; t = k / K.
    basis : str
        The source's is "dct".

    Notes
    -----
    Rissanen, Heinonen, Solin, "Generative Modelling with Inverse Heat Dissipation", arXiv
    2206.13397: u_k = V exp(-Lambda t_k) V^T u_0 + noise, t_k = blur_k^2 / 2. Blur alone leaves
    the mean of each example as it is: much information is left at t = 1, and the source starts
    its sampler from blurred examples; a start from N(0, v) has their variances only.
    """
    check_number("noise", noise, low=LEAST_NOISE, high=1 / LEAST_NOISE)
    check_number("blur_min", blur_min, low=1 / MOST_BLUR, high=MOST_BLUR)
    check_number("blur_max", blur_max, low=blur_min, strict=True, high=MOST_BLUR)
    check_number("steps", steps, low=2)
    t = np.linspace(0, 1, int(steps) + 1)
    widths = np.exp(np.linspace(np.log(blur_min), np.log(blur_max), int(steps)))
    made = _blurred(spectrum, basis, t, np.r_[0.0, widths])
    return replace(
        made,
        name="heat-dissipation",
        pace=np.full(len(t), 2 * np.log(noise)),
        explanation={
            "preset": "heat-dissipation (Rissanen et al. 2022): blur under constant noise",
            "blur": f"none at t = 0, then {blur_min:g} to {blur_max:g} pixels in {steps} steps",
            "ends": f"noise {noise:g} throughout; what the blur leaves is still seen at t = 1",
        },
    )


def _blurred(spectrum: Spectrum, basis: str, t: np.ndarray, width: np.ndarray) -> Schedule:
    """White noise on a signal blurred by a Gaussian of this width (pixels) at the knots."""
    base = coordinates(spectrum, basis)
    # The heat equation: d/dtau z = -(2 pi f)^2 z.
    return replace(
        base,
        t=t,
        pace=np.zeros_like(t),
        blur_rate=(2 * np.pi * frequencies(base, "blurring, heat-dissipation")) ** 2,
        radial_blur_rate=(2 * np.pi * base.radial_frequency) ** 2,
        blur=width**2 / 2,
    )
