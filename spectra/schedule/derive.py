"""From a measured spectrum to a schedule: every choice is made, and explained, here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from spectra.bases import make_basis
from spectra.errors import InputError
from spectra.fit import fit_power_law
from spectra.schedule import ends, processes
from spectra.schedule.orderings import check_ordering, frequency_labels, variance_labels
from spectra.schedule.pace import (
    LOWEST_FREQUENCY,
    Pace,
    cutoff_pace,
    information_pace,
    spectral_pace,
)
from spectra.schedule.processes import Form
from spectra.schedule.schedule import Schedule, offset_histogram
from spectra.spectrum import Spectrum

__all__ = ["derive_schedule", "schedule_from_cutoff", "standard_beside", "standard_schedule"]

# Half of the training times follow the pace, half are even in log-noise: the pace alone may
# leave the high noise levels, where the layout of a sample is decided, almost untrained.
COVERAGE = 0.5
# A process that is endless in log-SNR is used between these times, as trainers do.
STANDARD_TIMES = (1e-3, 1 - 1e-3)
# Under this share of the mean variance a component counts as empty.
EMPTY = 1e-9


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
    basis : {"dct", "fourier", "pixel"}
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
    _check_number("ordering_strength", ordering_strength, low=0.0)
    _check_number("threshold", threshold, low=0.0, strict=True)
    _check_number("information_left", information_left, low=0.0, strict=True)
    check_ordering(ordering)
    _check_name("pace", pace, get_args(Pace))
    _check_name("prior", prior, ("white", "data"))
    _check_name("form", form, get_args(Form))
    variance = _variance(spectrum, basis)
    strength = float(ordering_strength)
    offset, radial = _offsets(spectrum, basis, variance, ordering, strength)
    histogram = offset_histogram(offset)
    explanation = {
        "basis": f"{basis}: {_basis_reason(basis)}",
        "ordering": f"{ordering}, strength {strength:g}: {_strength_reason(ordering, strength)}",
    }

    budget, budget_reason = ends.noise_budget(variance, spectrum.quantum)
    start = ends.clean_end(variance, offset, budget)
    explanation["clean end"] = f"noise left at t = 0 is {budget_reason}"
    if g_denoise is not None:
        _check_number("g_denoise", g_denoise)
        start = float(g_denoise) + float(offset.min())
        explanation["clean end"] = f"given: every log SNR(0) >= {-g_denoise:g}"
    end = ends.noisy_end(histogram, information_left)
    explanation["noise end"] = f"{information_left:g} nats of an example are left at t = 1"
    if g_noise is not None:
        _check_number("g_noise", g_noise)
        end = float(g_noise) + float(offset.max())
        explanation["noise end"] = f"given: every log SNR(1) <= {-g_noise:g}"
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
            spectrum.frequency, radial, threshold, start, end, octave=pace == "octave"
        )
        unit = "octaves" if pace == "octave" else "cycles/pixel"
        explanation["pace"] = f"{pace}: f_max falls by equal {unit} per unit time"
    return Schedule(
        name="derived",
        basis=basis,
        shape=spectrum.shape,
        variance=variance,
        mean=spectrum.mean,
        offset=offset,
        t=t,
        pace=values,
        scale=np.ones_like(variance) if prior == "white" else np.sqrt(variance),
        form=form,
        radial_frequency=spectrum.frequency,
        radial_log_power=_radial_log_power(spectrum),
        radial_offset=radial,
        threshold=float(threshold),
        coverage=COVERAGE,
        quantum=spectrum.quantum,
        data=spectrum.data,
        fingerprint=spectrum.fingerprint,
        explanation=explanation,
    )


def standard_schedule(
    spectrum: Spectrum, *, process: str = "rectified-flow", basis: str = "dct"
) -> Schedule:
    """The schedule one would have copied: a scalar process, blind to the data.

    The spectrum gives only the coordinates (component variances, mean), so that the result can
    be compared, trained and plotted beside a derived one. Times are drawn evenly in t.

    Parameters
    ----------
    spectrum : Spectrum
    process : {"rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"}
        Used between t = 0.001 and 0.999 where its ends are infinite.
    basis : {"dct", "fourier", "pixel"}
    """
    log_power = _radial_log_power(spectrum)
    variance = _variance(spectrum, basis)
    coordinates = Schedule(
        name=process,
        basis=basis,
        shape=spectrum.shape,
        variance=variance,
        mean=spectrum.mean,
        offset=np.log(variance),
        t=np.array([0.0, 1.0]),
        pace=np.array([0.0, 1.0]),
        scale=np.ones_like(variance),
        form="vp",
        radial_frequency=spectrum.frequency,
        radial_log_power=log_power,
        radial_offset=log_power,
        quantum=spectrum.quantum,
        data=spectrum.data,
        fingerprint=spectrum.fingerprint,
    )
    return standard_beside(coordinates, process=process)


def standard_beside(schedule: Schedule, *, process: str = "rectified-flow") -> Schedule:
    """The standard schedule in the coordinates of another one; see `standard_schedule`."""
    scalar = processes.process(process)
    low, high = STANDARD_TIMES if scalar.form != "ve" else (0.0, 1.0)
    t = np.linspace(0, 1, 4097)
    return replace(
        schedule,
        name=process,
        offset=np.log(schedule.variance),
        t=t,
        pace=-scalar.log_snr(low + t * (high - low)),
        scale=np.ones_like(schedule.variance),
        form=scalar.form,
        radial_offset=schedule.radial_log_power,
        threshold=1.0,
        coverage=0.0,
        explanation={"process": f"{process}: copied, the same for any data"},
    )


def schedule_from_cutoff(
    spectrum: Spectrum,
    f_max: Callable[[np.ndarray], np.ndarray] | Sequence[float] | np.ndarray,
    *,
    basis: str = "dct",
    ordering: str = "frequency",
    ordering_strength: float = 1.0,
    threshold: float = 1.0,
    form: Form = "vp",
) -> Schedule:
    """The component-wise schedule whose f_max(t) is the wished one.

    Parameters
    ----------
    spectrum : Spectrum
    f_max : callable or array
        Wished f_max(t), cycles/pixel, never rising, from t = 0 to t = 1: a function of an array
        of times, or values at evenly spaced times (straight lines between).
    basis, ordering, ordering_strength, threshold, form
        As in `derive_schedule`; the strength must be above 0.

    Returns
    -------
    Schedule
        Its own `f_max` returns the wish (to 1e-6 cycles/pixel) up to 0.5 cycles/pixel.

    Raises
    ------
    InputError
        The wish rises, leaves [0, 0.5], or the order does not fall with frequency.
    """
    _check_number("ordering_strength", ordering_strength, low=0.0, strict=True)
    _check_number("threshold", threshold, low=0.0, strict=True)
    check_ordering(ordering)
    wish, knots = _wish(f_max)
    variance = _variance(spectrum, basis)
    offset, radial = _offsets(spectrum, basis, variance, ordering, float(ordering_strength))
    # The wish may go on above the last ring and below the first: so does the curve, straight.
    frequency = np.r_[LOWEST_FREQUENCY, spectrum.frequency, 0.5]
    log_f = np.log(frequency)
    low_slope = (radial[1] - radial[0]) / (log_f[2] - log_f[1])
    high_slope = (radial[-1] - radial[-2]) / (log_f[-2] - log_f[-3])
    curve = np.r_[
        radial[0] + low_slope * (log_f[0] - log_f[1]),
        radial,
        radial[-1] + high_slope * (log_f[-1] - log_f[-2]),
    ]
    t, pace = cutoff_pace(frequency, curve, threshold, wish, knots)
    if not pace[-1] > pace[0]:
        raise InputError("f_max: the wish is constant; it must fall between t = 0 and t = 1")
    return Schedule(
        name="from f_max",
        basis=basis,
        shape=spectrum.shape,
        variance=variance,
        mean=spectrum.mean,
        offset=offset,
        t=t,
        pace=pace,
        scale=np.ones_like(variance),
        form=form,
        radial_frequency=frequency,
        radial_log_power=np.interp(log_f, log_f[1:-1], _radial_log_power(spectrum)),
        radial_offset=curve,
        threshold=float(threshold),
        coverage=COVERAGE,
        quantum=spectrum.quantum,
        data=spectrum.data,
        fingerprint=spectrum.fingerprint,
        explanation={
            "pace": f"f_max(t) as wished, at SNR {threshold:g}",
            "ordering": f"{ordering}, strength {ordering_strength:g}",
        },
    )


def _variance(spectrum: Spectrum, basis: str) -> np.ndarray:
    """lambda_i with the rounding noise that training adds, and a floor for empty components."""
    make_basis(basis, spectrum.shape)  # an unknown name is refused here
    measured = spectrum.component_variance(basis)
    if not np.isfinite(measured).all():
        raise InputError(f"{spectrum.name}: the spectrum holds NaN; analyze the source again")
    return np.maximum(measured, EMPTY * measured.mean()) + spectrum.quantisation_floor


def _radial_log_power(spectrum: Spectrum) -> np.ndarray:
    """ln of the ring power, rounding noise included, [F]."""
    return np.log(spectrum.power + spectrum.quantisation_floor)


def _offsets(
    spectrum: Spectrum, basis: str, variance: np.ndarray, ordering: str, strength: float
) -> tuple[np.ndarray, np.ndarray]:
    """-a l_i per component [C, H, W] and as a curve over the rings [F]."""
    if ordering == "variance":
        return -strength * variance_labels(variance), strength * _radial_log_power(spectrum)
    alpha = max(fit_power_law(spectrum).alpha, 0.1)  # a rising or white spectrum keeps an order
    frequency = make_basis(basis, spectrum.shape).frequency
    lowest = float(frequency[frequency > 0].min()) if not np.isnan(frequency).any() else 1.0
    labels = frequency_labels(frequency, alpha, lowest)
    return -strength * labels, -strength * frequency_labels(spectrum.frequency, alpha, lowest)


def _wish(f_max: Any) -> tuple[Callable[[np.ndarray], np.ndarray], np.ndarray]:
    """A wished f_max as a function, with the times to start refining from."""
    times = np.linspace(0, 1, 1025)
    if callable(f_max):
        wish = lambda t: np.asarray(f_max(t), float) * np.ones_like(t)  # noqa: E731
    else:
        values = np.asarray(f_max, float)
        if values.ndim != 1 or len(values) < 2:
            raise InputError("f_max: give a function of t, or at least 2 values at even times")
        given = np.linspace(0, 1, len(values))
        times = np.unique(np.r_[times, given])
        wish = lambda t: np.interp(t, given, values)  # noqa: E731
    wished = wish(times)
    if not np.isfinite(wished).all() or wished.min() < 0 or wished.max() > 0.5:
        raise InputError("f_max: the wish must lie in [0, 0.5] cycles/pixel at every time")
    if (np.diff(wished) > 1e-12).any():
        raise InputError("f_max: the wish rises with t; noise can only drown more")
    return wish, times


def _check_number(name: str, value: float, low: float | None = None, strict: bool = False) -> None:
    if not np.isfinite(value) or (low is not None and (value <= low if strict else value < low)):
        bound = "" if low is None else f" {'above' if strict else 'of at least'} {low:g}"
        raise InputError(f"{name} {value}: a finite number{bound} is needed")


def _check_name(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise InputError(f"{what} {name!r} is unknown; choose one of {', '.join(known)}")


def _basis_reason(basis: str) -> str:
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
