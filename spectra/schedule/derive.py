"""From a measured spectrum to a schedule: every choice is made, and explained, here."""

from dataclasses import replace
from typing import get_args

import numpy as np

from spectra.errors import InputError, check_name, check_number
from spectra.schedule import ends
from spectra.schedule.coordinates import coordinates
from spectra.schedule.pace import Pace, information_pace, spectral_pace
from spectra.schedule.processes import Form
from spectra.schedule.schedule import Schedule, information, offset_histogram
from spectra.spectrum import Spectrum

__all__ = ["COVERAGE", "derive_schedule"]

# Half of the training times follow the pace, half are even in log-noise: the pace alone may
# leave the high noise levels, where the layout of a sample is decided, almost untrained.
COVERAGE = 0.5


def derive_schedule(
    spectrum: Spectrum,
    *,
    basis: str = "dct",
    ordering: str = "variance",
    ordering_strength: float = 1.0,
    pace: str = "information",
    threshold: float = 1.0,
    prior: str = "white",
    information_left: float = ends.INFORMATION_LEFT,
    g_denoise: float | None = None,
    g_noise: float | None = None,
    form: Form = "vp",
) -> Schedule:
    """Derive a component-wise schedule from a spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        With the component variances of `basis` measured.
    basis : {"dct", "fourier", "pixel", "wavelet", "wavelet-haar", "wavelet-db2", "wavelet-db4"}
    ordering : {"variance", "frequency"}
        Which components drown first: the weak ones, or the high frequencies.
    ordering_strength : float
        a >= 0: 0 gives every component the same SNR, 1 (ordered by variance) is standard
        diffusion, and the larger the more sequential.
    pace : {"information", "frequency", "octave", "linear"}
        What is lost evenly in time: nats, cycles/pixel of f_max, octaves of f_max, log-SNR.
    threshold : float
        SNR at which a frequency counts as drowned.
    prior : {"white", "data"}
        Noise of equal variance in all components, or of the data's.
    information_left : float
        Nats of an example still left at t = 1.
    g_denoise, g_noise : float, optional
        Ends by hand: every component has log SNR(0) >= -g_denoise and log SNR(1) <= -g_noise.
    form : {"vp", "flow", "ve"}

    Raises
    ------
    InputError
        An unknown name, a negative strength, an unmeasured basis, or a pace that the ordering
        cannot follow (at strength 0 all frequencies drown at once).

    Notes
    -----
    Soft-conditioning: Gerdes, Welling, Cheng, "GUD: Generation with Unified Diffusion",
    arXiv 2410.02667; -log SNR_i(t) = a l_i + 2u(t), theirs with 2u linear in t.
    """
    check_number("ordering_strength", ordering_strength, low=0.0)
    check_number("threshold", threshold, low=0.0, strict=True)
    check_number("information_left", information_left, low=0.0, strict=True)
    check_name("pace", pace, get_args(Pace))
    check_name("prior", prior, ("white", "data"))
    check_name("form", form, get_args(Form))
    strength = float(ordering_strength)
    base = coordinates(spectrum, basis, ordering, strength)
    variance, offset = base.variance, base.offset
    histogram = offset_histogram(offset)
    explanation = {
        "basis": f"{basis}: {_basis_reason(basis)}",
        "ordering": f"{ordering}, strength {strength:g}: {_strength_reason(ordering, strength)}",
    }

    budget, budget_reason = ends.noise_budget(variance, spectrum.quantum)
    start = ends.clean_end(variance, offset, budget)
    explanation["clean end"] = f"noise left at t = 0 is {budget_reason}"
    if g_denoise is not None:
        check_number("g_denoise", g_denoise)
        start = float(g_denoise) + float(offset.min())
        explanation["clean end"] = f"given: every log SNR(0) >= {-g_denoise:g}"
    end = ends.noisy_end(histogram, information_left)
    explanation["noise end"] = f"{information_left:g} nats of an example are left at t = 1"
    if g_noise is not None:
        check_number("g_noise", g_noise)
        end = float(g_noise) + float(offset.max())
        left = float(information(histogram, np.array([end]))[0])
        explanation["noise end"] = (
            f"given: every log SNR(1) <= {-g_noise:g}, which leaves {left:.3g} nats of an example"
        )
    if not start < end:
        raise InputError(
            f"g_denoise, g_noise: the clean end ({start:.3g}) lies beyond the noise end "
            f"({end:.3g}); lower g_denoise or raise g_noise"
        )

    if pace == "information":
        t, values = information_pace(histogram, start, end)
        explanation["pace"] = "information: equal nats of the Gaussian surrogate lost per unit time"
    elif pace == "linear":
        t, values = np.array([0.0, 1.0]), np.array([start, end])
        explanation["pace"] = "linear: log SNR falls evenly"
    else:
        t, values = spectral_pace(
            base.radial_frequency,
            base.radial_offset,
            threshold,
            start,
            end,
            octave=pace == "octave",
        )
        unit = "octaves" if pace == "octave" else "cycles/pixel"
        explanation["pace"] = f"{pace}: f_max falls by equal {unit} per unit time"
    return replace(
        base,
        name="derived",
        t=t,
        pace=values,
        scale=np.ones_like(variance) if prior == "white" else np.sqrt(variance),
        form=form,
        threshold=float(threshold),
        coverage=COVERAGE,
        explanation=explanation,
    )


def _basis_reason(basis: str) -> str:
    if basis.startswith("wavelet"):
        return "local in place and in octave; of the wavelets db4 loses least on photographs"
    return {
        "dct": "nearly uncorrelated for pictures, and free of wrap-around at the edges",
        "fourier": "uncorrelated for stationary data on a torus",
        "pixel": "components are places; the spectrum enters only through each place's variance",
    }[basis]


def _strength_reason(ordering: str, strength: float) -> str:
    if strength == 0:
        return "every component has the same SNR (EqualSNR)"
    if strength == 1 and ordering == "variance":
        return "standard diffusion's order, one noise level for all components"
    return "the larger, the more one after another"
