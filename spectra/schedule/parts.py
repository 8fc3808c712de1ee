"""Schedules between a copied one and a derived one: each part is of the one or of the other."""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name
from spectra.schedule import processes
from spectra.schedule.coordinates import Strength, check_spectrum_given
from spectra.schedule.densities.times import schedule_with_density
from spectra.schedule.derive import COVERAGE, chosen_basis, ordered, paced
from spectra.schedule.ends import Ends
from spectra.schedule.pace import POWER_WEIGHT, Knots, Pace, refine
from spectra.schedule.schedule import Schedule
from spectra.schedule.standard import scalar_pace, shifted
from spectra.spectrum import Spectrum

__all__ = ["mixed_schedule"]

ENDS = ("copied", "derived")
PACES = ("copied", *get_args(Pace))
DENSITIES = ("time", "pace", "modes", "information")

KNOTS = 1025
CLOSE = 2e-5  # in log SNR, of straight lines between the knots of a process's own curve


def mixed_schedule(
    spectrum: Spectrum,
    *,
    process: str = "rectified-flow",
    ends: str = "copied",
    pace: str = "copied",
    ordering_strength: Strength | Literal["auto"] = 1.0,
    density: str = "time",
    basis: str = "dct",
    shift: float | None = None,
    sigma_data: float | None = None,
) -> Schedule:
    """A scalar process of which some parts are derived from a spectrum.

    As it stands it is `standard_schedule`; with ends "derived", pace "information",
    ordering_strength "auto" and density "pace" it is `derive_schedule` (in the process's form).

    Parameters
    ----------
    spectrum : Spectrum
        With the component variances of `basis` measured.
    process : {"rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"}
        What is copied.
    ends : {"copied", "derived"}
        The noise levels at t = 0 and t = 1.
    pace : "copied", or one of `derive_schedule`
        How the noise rises between the ends. copied: as the process does in its own t, cut or
        continued by its own formula to the ends.
    ordering_strength : float, sequence of (frequency edge, strength), or "auto"
        1 is copied, one noise level for all. At others the copied ends and pace hold for the mean
        SNR, so that 0 is preset equal-snr. auto: as `derive_schedule` chooses.
    density : {"time", "pace", "modes", "information"}
        Training times: even in t, as copied, or as in `derive_schedule`.
    basis : str
        Also "auto".
    shift, sigma_data : float, optional
        Of what is copied; see `standard.shifted`. The derived parts know the data's own scale.

    Returns
    -------
    Schedule

    Raises
    ------
    InputError
        An unknown name, an unmeasured basis, or a pace that the ordering cannot follow.

    Examples
    --------
    >>> from spectra.schedule import mixed_schedule
    >>> spectrum = spectra.analyze("digits")
    >>> mixed = mixed_schedule(spectrum, process="edm", ends="derived")
    >>> mixed.explanation["pace"]
    'copied: edm cut or continued to these ends, even in its own t'
    """
    check_spectrum_given(spectrum)
    check_name("ends", ends, ENDS)
    check_name("pace", pace, PACES)
    check_name("density", density, DENSITIES)
    check_name("process", process, get_args(processes.ProcessName))
    basis, basis_reason = chosen_basis(spectrum, basis, "variance")
    wish = Ends()
    base, order_reason = ordered(spectrum, basis, "variance", ordering_strength, None, wish)
    moved = shifted(base, shift=shift, sigma_data=sigma_data)
    level = _level(base, moved)
    start, end, reasons = _ends(base, wish, process, level, ends)
    if pace != "copied":
        (t, values), words = paced(base, pace, POWER_WEIGHT, 1.0, start, end)
        words = f"derived: {words}"
    elif ends == "copied":
        t, values = scalar_pace(process)
        values, words = values + level, f"copied: {process}, even in its own t"
    else:
        t, values = _between(process, level, start, end)
        words = f"copied: {process} cut or continued to these ends, even in its own t"
    made = replace(
        base,
        name="mixed",
        t=t,
        pace=values,
        form=processes.process(process).form,
        coverage=COVERAGE if density == "pace" else 0.0,
        explanation={
            "basis": f"{basis}: {basis_reason}",
            "ordering": _order_words(ordering_strength, order_reason),
            **reasons,
            "pace": words,
            **{name: f"of what is copied, {said}" for name, said in moved.explanation.items()},
        },
    )
    if density == "time":
        said = "copied: even in t"
    elif density == "pace":
        said = f"derived: {1 - COVERAGE:.0%} even in t, {COVERAGE:.0%} even in log-noise"
    else:
        made = schedule_with_density(made, "modes" if density == "modes" else "information")
        said = f"derived: {made.explanation['training density']}"
    return replace(made, explanation={**made.explanation, "training density": said})


def _level(base: Schedule, moved: Schedule) -> float:
    """What a process's -ln(alpha^2 / sigma^2) lacks to be a pace beside the offsets of `base`.

    The mean SNR is then the process's at every time, whatever the strength; 0 at strength 1.
    """
    shift = moved.pace[0] - base.pace[0]
    values = (moved.offset - base.offset).ravel()[0]
    spread = _log_mean(np.log(base.variance)) - _log_mean(base.offset)
    return float(shift - values - spread)


def _log_mean(log_values: np.ndarray) -> float:
    """ln mean exp."""
    most = log_values.max()
    return float(np.log(np.mean(np.exp(log_values - most))) + most)


def _ends(
    base: Schedule, wish: Ends, process: str, level: float, kind: str
) -> tuple[float, float, dict[str, str]]:
    """Pace at t = 0 and t = 1, and what each is."""
    if kind == "derived":
        start, end, reasons = wish.of(base)
        if not start < end:
            raise InputError("ends: these data leave nothing between derived ones; take copied")
        return start, end, {name: f"derived: {words}" for name, words in reasons.items()}
    first, last = scalar_pace(process)[1][[0, -1]]
    clean, noisy = (
        f"copied: {process}, sigma / alpha {np.exp(pace / 2):.3g}" for pace in (first, last)
    )
    return first + level, last + level, {"clean end": clean, "noise end": noisy}


def _between(process: str, level: float, start: float, end: float) -> Knots:
    """A process's own curve between other ends, even in its own t."""
    scalar = processes.process(process)
    low, high = scalar.inverse(level - np.array([start, end]))

    def pace(t: np.ndarray) -> np.ndarray:
        # What t cannot tell from an end (flows near t = 1) is the end.
        with np.errstate(over="ignore", divide="ignore"):
            found = np.clip(level - scalar.log_snr(low + t * (high - low)), start, end)
        return np.where(t <= 0, start, np.where(t >= 1, end, found))

    return refine(pace, np.linspace(0, 1, KNOTS), CLOSE)


def _order_words(strength: Strength | str, reason: str) -> str:
    """The order, copied where it is standard diffusion's."""
    if strength == "auto":
        return f"derived: {reason}"
    if strength == 1:
        return "copied: one noise level for all components (strength 1)"
    return f"given: {reason}; what is copied holds for the mean SNR"
