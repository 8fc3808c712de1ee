"""Component-wise schedules that others set by hand, with their formulas and their numbers.

Each is exact at its knots; where a source's curve is no straight line, 4,097 of them keep what is
between within 2e-4 of it in log SNR, the first and last hundredth of the time aside.
"""

from dataclasses import replace

import numpy as np

from spectra.errors import InputError, check_name, check_number
from spectra.schedule import processes
from spectra.schedule.coordinates import AnyOrdering, Strength, coordinates
from spectra.schedule.densities.noise_density import log_normal_density
from spectra.schedule.densities.times import schedule_with_density
from spectra.schedule.orderings import ordering_text, orderings, strength_text
from spectra.schedule.schedule import Schedule
from spectra.schedule.standard import scalar_pace, shifted, standard_schedule
from spectra.spectrum import Spectrum

__all__ = [
    "edm",
    "equal_snr",
    "frequencies",
    "power_law_noise",
    "soft_conditioning",
    "windows",
]

LARGEST_LOG_SNR = 300.0
MOST_EXPONENT = 100.0
P_MEAN, P_STD = -1.2, 1.2


def edm(
    spectrum: Spectrum,
    *,
    p_mean: float | None = None,
    p_std: float | None = None,
    shift: float | None = None,
    sigma_data: float | None = None,
    basis: str = "dct",
) -> Schedule:
    """EDM's noise levels, trained at where its normal density of ln sigma has them.

    Parameters
    ----------
    spectrum : Spectrum
    p_mean, p_std : float, optional
        Of ln sigma; of two of which one is given the other is EDM's, -1.2 and 1.2. Neither: times
        even in t. What lies beyond the schedule's ends is left out, for it has no such levels.
    shift, sigma_data : float, optional
        See `standard.shifted`; they move the density as well. EDM's own sigma_data is 0.5.
    basis : str

    Notes
    -----
    Karras et al. (2022), table 1: sigma = (0.002^(1/7) + t (80^(1/7) - 0.002^(1/7)))^7, ln sigma ~
    N(p_mean, p_std^2).
    """
    made = standard_schedule(spectrum, process="edm", basis=basis)
    if p_mean is not None or p_std is not None:
        mean, std = P_MEAN if p_mean is None else p_mean, P_STD if p_std is None else p_std
        check_number("p_mean", mean)
        check_number("p_std", std, low=0.0, strict=True)
        density = log_normal_density(mean, std)
        ends = np.interp(made.pace[[0, -1]] / 2, density.log_sigma, density.cumulative)
        made = schedule_with_density(made, density, coverage=0.0)
        words = f"ln sigma ~ N({mean:g}, {std:g}²); {1 - np.ptp(ends):.2%} beyond the ends left out"
        made = replace(made, explanation={**made.explanation, "training density": words})
    return shifted(made, shift=shift, sigma_data=sigma_data)


def equal_snr(spectrum: Spectrum, *, process: str = "vp-linear", basis: str = "dct") -> Schedule:
    """Noise of the data's own covariance: all components have one SNR.

    Parameters
    ----------
    spectrum : Spectrum
    process : {"rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"}
        At every time the SNR is the mean over components of this process's.
    basis : str
        The source's is "fourier".

    Notes
    -----
    Falck et al., "A Fourier Space Perspective on Diffusion Models", arXiv 2505.11278: SNR_i =
    abar C_i / ((1 - abar) Sigma_i) with Sigma = C, calibrated to mean_i abar C_i / (1 - abar).
    """
    base = coordinates(spectrum, basis)
    t, pace = scalar_pace(process)
    level = float(np.log(base.variance.mean()))
    return replace(
        base,
        name="equal-snr",
        offset=np.full(base.shape, level),
        t=t,
        pace=pace,
        scale=np.sqrt(base.variance),
        form=processes.process(process).form,
        radial_offset=np.full_like(base.radial_log_power, level),
        explanation={
            "preset": "equal-snr (Falck et al. 2025): the noise has the data's covariance",
            "process": f"{process}: the SNR is the mean of its SNRs at every time",
        },
    )


def soft_conditioning(
    spectrum: Spectrum,
    *,
    g_denoise: float = -7.0,
    g_noise: float = 3.0,
    ordering_strength: Strength = 1.0,
    ordering: AnyOrdering = "variance",
    basis: str = "dct",
) -> Schedule:
    """GUD's linear schedule between two SNRs that every component reaches.

    Parameters
    ----------
    spectrum : Spectrum
    g_denoise, g_noise : float
        log SNR_i(0) >= -g_denoise and log SNR_i(1) <= -g_noise for all i. Their code's defaults.
    ordering_strength, ordering, basis
        As in `derive_schedule`.

    Notes
    -----
    Gerdes, Welling, Cheng, "GUD: Generation with Unified Diffusion", arXiv 2410.02667, equation
    20: -log SNR_i(t) = g_denoise + a (l_i - l_max) + t D, D = g_noise - g_denoise + a (l_max -
    l_min).
    """
    check_number("g_denoise", g_denoise, low=-LARGEST_LOG_SNR, high=LARGEST_LOG_SNR)
    check_number("g_noise", g_noise, low=-LARGEST_LOG_SNR, high=LARGEST_LOG_SNR)
    base = coordinates(spectrum, basis, ordering, ordering_strength)
    start, end = g_denoise + float(base.offset.min()), g_noise + float(base.offset.max())
    if not start < end:
        raise InputError(
            f"g_denoise {g_denoise:g}, g_noise {g_noise:g}: raise g_noise or lower g_denoise"
        )
    return replace(
        base,
        name="soft-conditioning",
        pace=np.array([start, end]),
        explanation={
            "preset": "soft-conditioning (Gerdes et al. 2024): log SNR falls evenly",
            "ordering": f"{_named(ordering)}, strength {strength_text(ordering_strength)}",
            "ends": f"log SNR(0) >= {-g_denoise:g} and log SNR(1) <= {-g_noise:g}, as given",
        },
    )


def power_law_noise(
    spectrum: Spectrum,
    *,
    noise_exponent: float = -0.5,
    process: str = "vp-linear",
    basis: str = "dct",
) -> Schedule:
    """Spectrally anisotropic noise: its amplitude is a power of the frequency.

    Parameters
    ----------
    spectrum : Spectrum
    noise_exponent : float
        w in amplitude f^w, the noise's variance f^2w: under 0 favours low frequencies; 0 is
        standard diffusion. DC counts as half the lowest other frequency.
    process : {"rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"}
    basis : str
        The source's is "fourier".

    Notes
    -----
    Scimeca et al., "Learning What Matters: Steering Diffusion via Spectrally Anisotropic Forward
    Noise", arXiv 2510.09660: eps = F^-1 diag(w) F xi. Its mean variance is kept at 1 here.
    """
    check_number("noise_exponent", noise_exponent, low=-MOST_EXPONENT, high=MOST_EXPONENT)
    base = coordinates(spectrum, basis)
    frequency = frequencies(base, "power-law-noise")
    lowest = float(np.min(frequency[frequency > 0], initial=0.5))
    law = noise_exponent * np.log(np.maximum(frequency, lowest / 2))  # ln amplitude
    norm = 0.5 * np.log(np.mean(np.exp(2 * law)))
    radial = noise_exponent * np.log(base.radial_frequency) - norm
    t, pace = scalar_pace(process)
    return replace(
        base,
        name="power-law-noise",
        offset=np.log(base.variance) - 2 * (law - norm),
        t=t,
        pace=pace,
        scale=np.exp(law - norm),
        form=processes.process(process).form,
        radial_offset=base.radial_log_power - 2 * radial,
        explanation={
            "preset": f"power-law-noise (Scimeca et al. 2025): amplitude f^{noise_exponent:g}",
            "process": f"{process}: the same for any data",
        },
    )


def windows(
    spectrum: Spectrum,
    *,
    axis: str = "columns",
    tau_max: float = 0.5,
    gamma_min: float = -13.0,
    gamma_max: float = 5.0,
    reverse: bool = False,
    basis: str = "pixel",
) -> Schedule:
    """GUD's sequential schedule: columns (or rows) are noised one after another.

    Parameters
    ----------
    spectrum : Spectrum
        With the variances of `basis` measured.
    axis : {"columns", "rows"}
        Of the components; a series has columns only, its samples.
    tau_max : float
        In [0, 1): when the last window opens. (n - 1) / n makes n columns truly autoregressive.
    gamma_min, gamma_max : float
        -ln(alpha^2 / sigma^2) before and after a column's window.
    reverse : bool
        The last column is noised first, thus generated last: left to right. In the source's
        formula the first one is.
    basis : str

    Notes
    -----
    Gerdes, Welling, Cheng, arXiv 2410.02667, column schedule: tau_c = tau_max c / (n - 1),
    gamma_c(t) = clip(gamma_min + (t - tau_c) (gamma_max - gamma_min) / (1 - tau_max), gamma_min,
    gamma_max).
    """
    check_name("axis", axis, ("columns", "rows"))
    check_number("tau_max", tau_max, low=0.0)
    check_number("gamma_min", gamma_min, low=-LARGEST_LOG_SNR, high=LARGEST_LOG_SNR)
    check_number("gamma_max", gamma_max, low=gamma_min, strict=True, high=LARGEST_LOG_SNR)
    if tau_max >= 1:
        raise InputError(f"tau_max {tau_max:g}: must be under 1, or the last window never opens")
    base = coordinates(spectrum, basis)
    place = -1 if axis == "columns" else -2
    if len(base.shape) + place < 1:
        raise InputError("preset rows: a series has no rows; choose columns, its samples")
    count = base.shape[place]
    number = np.arange(count, dtype=float)
    number = number[::-1] if reverse else number
    opens = tau_max * number / max(count - 1, 1)  # tau_c, [n]
    rate = (gamma_max - gamma_min) / (1 - tau_max)
    along = [1] * len(base.shape)
    along[place] = count
    start = float(gamma_min)
    return replace(
        base,
        name=axis,
        offset=np.log(base.variance) + (rate * opens).reshape(along),
        pace=np.array([start, start + rate]),
        radial_offset=np.full_like(base.radial_log_power, np.nan),
        limits=(-float(gamma_max), -float(gamma_min)),
        explanation={
            "preset": f"{axis} (Gerdes et al. 2024): one after another, the last opens at "
            f"t = {tau_max:g}",
            "ends": f"ln(alpha^2 / sigma^2) from {-gamma_min:g} to {-gamma_max:g} in each",
            "ordering": f"the {'last' if reverse else 'first'} is noised first, generated last",
        },
    )


def frequencies(base: Schedule, what: str) -> np.ndarray:
    """Frequencies of the components, refused where there are none."""
    if np.isnan(base.frequency).any():
        raise InputError(
            f"preset {what}: the components of basis {base.basis!r} have no frequency; choose "
            "basis dct, fourier or wavelet"
        )
    return base.frequency


def _named(ordering: AnyOrdering) -> str:
    return (
        "given labels" if isinstance(ordering, np.ndarray) else ordering_text(orderings(ordering))
    )
