"""From a measured spectrum to a schedule: every choice is made, and explained, here."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name, check_number
from spectra.schedule import pace as paces
from spectra.schedule.best_basis import best_basis
from spectra.schedule.coordinates import (
    AnyOrdering,
    Strength,
    check_spectrum_given,
    coordinates,
)
from spectra.schedule.ends import Ends
from spectra.schedule.orderings import ONE_NUMBER, ordering_text, orderings, strength_text
from spectra.schedule.pace import POWER_WEIGHT, Knots, Pace
from spectra.schedule.processes import Form
from spectra.schedule.schedule import Schedule, offset_histogram
from spectra.schedule.strength import Penalty, choose_strength
from spectra.spectrum import Spectrum

if TYPE_CHECKING:
    from spectra.schedule.densities.density import DensityKind
    from spectra.schedule.densities.noise_density import NoiseDensity
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["COVERAGE", "chosen_basis", "derive_schedule", "ordered", "paced"]

# With density "pace" half of the training times follow the pace, half are even in log-noise: the
# pace alone may leave the high noise levels, where the layout of a sample is decided, almost
# untrained.
COVERAGE = 0.5


def derive_schedule(
    spectrum: Spectrum,
    *,
    basis: str = "auto",
    ordering: AnyOrdering = "variance",
    ordering_strength: Strength | Literal["auto"] = "auto",
    penalty: "Penalty | DenoisingError | None" = None,
    pace: str | Callable[[np.ndarray], np.ndarray] = "information",
    power_weight: float | None = None,
    threshold: float = 1.0,
    prior: str = "white",
    information_left: float | None = None,
    w2_left: float | None = None,
    w2_absolute: float | None = None,
    g_denoise: float | None = None,
    g_noise: float | None = None,
    form: Form = "vp",
    density: "Literal['pace'] | DensityKind | NoiseDensity" = "pace",
) -> Schedule:
    """Derive a component-wise schedule from a spectrum.

    What is not given is chosen from the spectrum; `explanation` has a line for every choice.

    Parameters
    ----------
    spectrum : Spectrum
        With the component variances of `basis` measured.
    basis : {"auto", "dct", "fourier", "pixel", "wavelet", "wavelet-haar", "wavelet-db2", \
"wavelet-db4", "pca"}
        auto: the measured one whose independent components lose least (see `best_basis`).
    ordering : str, Ordering, sequence of Ordering, or float [C, *spatial]
        Which components drown first: the weak ones ("variance"), the high frequencies, the fine
        wavelet levels ("level"), the places at the end of an axis ("columns", "rows", "frames",
        each also with "-reversed"), sums of these with a strength each ("level:1+columns:0.3"),
        or labels, of which the larger drowns first.
    ordering_strength : float, sequence of (frequency edge, strength), or "auto"
        a >= 0: 0 gives every component the same SNR, 1 (ordered by variance) is standard
        diffusion, and the larger the more sequential. By bands: the strength up to each edge,
        cycles/pixel. auto: see `choose_strength`; 1 for orders other than variance or frequency.
    penalty : float, callable or DenoisingError, optional
        What auto charges a strength for: c of c (a - 1)^2, a function of a, or what a trained
        denoiser knows beyond the Wiener filter.
    pace : str or callable
        What is lost evenly in time: "information" nats, "frequency" cycles/pixel of f_max,
        "octave" octaves of f_max, "modes" detectable components, "power" variance,
        "frequency-power" a mix of the two, "linear" log-SNR, "tangent" arctan(noise / signal); or
        a rising function of t, whose shape the noise (log-SNR) takes between the ends.
    power_weight : float, optional
        In [0, 1]: share of power in pace "frequency-power"; by default 0.5.
    threshold : float
        SNR at which a frequency counts as drowned.
    prior : {"white", "data"}
        Noise of equal variance in all components, or of the data's.
    information_left : float, optional
        Nats of an example still left at t = 1; by default 0.01.
    w2_left, w2_absolute : float, optional
        Squared W2 distance a value to the data that may remain at t = 0, as a share of the mean
        variance or in the data's units. By default a quarter of the value grid's rounding noise
        may remain as error, or of continuous values -50 dB.
    g_denoise, g_noise : float, optional
        Ends by hand: every component has log SNR(0) >= -g_denoise and log SNR(1) <= -g_noise.
    form : {"vp", "flow", "ve"}
    density : {"pace", "modes", "information"} or NoiseDensity
        Training times: half even in t and half in log-noise ("pace"), or as
        `schedule_with_density` draws them. "modes", where components drown, needs fewer steps on
        data near Gaussian (photographs, log-mel, rain) and many more on drawings with flat
        grounds; `refine_schedule` measures which it is.

    Returns
    -------
    Schedule
        Its `explanation` says what was chosen, and why.

    Raises
    ------
    InputError
        An unknown name, a negative strength, an unmeasured basis, a pace that the ordering cannot
        follow (at strength 0 all frequencies drown at once), or a choice that another leaves
        without effect.

    Notes
    -----
    Soft-conditioning: Gerdes, Welling, Cheng, "GUD: Generation with Unified Diffusion",
    arXiv 2410.02667; -log SNR_i(t) = a l_i + 2u(t), theirs with 2u linear in t.

    Examples
    --------
    >>> spectrum = spectra.analyze("digits")
    >>> schedule = spectra.derive_schedule(spectrum)
    >>> schedule.explanation["pace"]
    'information: equal nats of the Gaussian surrogate lost per unit time'
    >>> schedule.log_snr([0.0, 0.5, 1.0]).shape
    (3, 1, 8, 8)
    >>> half = spectra.derive_schedule(spectrum, ordering_strength=0.5, pace="octave")
    >>> half.f_max([0.5]).round(2)
    array([0.25])
    """
    check_spectrum_given(spectrum)
    check_number("threshold", threshold, low=0.0, strict=True)
    if not isinstance(basis, str):
        raise InputError("basis: give the name of a measured one, or 'auto'")
    if not callable(pace):
        check_name("pace", pace, get_args(Pace))
    if power_weight is not None and pace != "frequency-power":
        raise InputError("power_weight: only pace 'frequency-power' has it; give that pace too")
    check_name("prior", prior, ("white", "data"))
    check_name("form", form, get_args(Form))
    if isinstance(density, str):
        check_name("density", density, ("pace", "modes", "information"))
    wish = Ends(information_left, w2_left, w2_absolute, g_denoise, g_noise)
    wish.check()

    basis, basis_reason = chosen_basis(spectrum, basis, ordering)
    base, order_reason = ordered(spectrum, basis, ordering, ordering_strength, penalty, wish)
    start, end, reasons = wish.of(base)
    if not start < end:
        raise InputError(
            f"g_denoise, g_noise: the clean end ({start:.3g}) lies beyond the noise end "
            f"({end:.3g}); lower g_denoise or raise g_noise"
        )
    weight = POWER_WEIGHT if power_weight is None else power_weight
    (t, values), pace_reason = paced(base, pace, weight, threshold, start, end)
    made = replace(
        base,
        name="derived",
        t=t,
        pace=values,
        scale=np.ones_like(base.variance) if prior == "white" else np.sqrt(base.variance),
        form=form,
        threshold=float(threshold),
        coverage=COVERAGE,
        explanation={
            "basis": f"{basis}: {basis_reason}",
            "ordering": order_reason,
            **reasons,
            "pace": pace_reason,
        },
    )
    if isinstance(density, str) and density == "pace":
        return made
    from spectra.schedule.densities.times import schedule_with_density

    return schedule_with_density(made, density)


def chosen_basis(spectrum: Spectrum, basis: str, ordering: AnyOrdering) -> tuple[str, str]:
    """The basis, and why."""
    if basis == "auto":
        return best_basis(spectrum, ordering)
    if basis.startswith("wavelet"):
        return basis, "local in place and in octave; db4 loses least of them on photographs"
    reasons = {
        "dct": "nearly uncorrelated for pictures, and free of wrap-around at the edges",
        "fourier": "uncorrelated for stationary data on a torus",
        "pixel": "components are places; the spectrum enters only through each place's variance",
        "pca": f"uncorrelated on the {spectrum.n_files} files measured, and so flattered by them",
    }
    return basis, reasons.get(basis, "")


def ordered(
    spectrum: Spectrum,
    basis: str,
    ordering: AnyOrdering,
    strength: Strength | Literal["auto"],
    penalty: "Penalty | DenoisingError | None",
    wish: Ends,
) -> tuple[Schedule, str]:
    """The components with their order at its strength, and why."""
    terms = () if isinstance(ordering, np.ndarray) else orderings(ordering)
    words = ordering_text(terms) if terms else "given labels"
    if isinstance(strength, str):
        if strength != "auto":
            raise InputError(f"ordering_strength {strength!r}: give a number, bands, or auto")
        base = coordinates(spectrum, basis, ordering, 1.0)
        if words not in ("variance", "frequency"):
            if penalty is not None:
                raise InputError(
                    f"penalty: the strength of ordering {words} is not chosen; choose ordering "
                    "variance or frequency"
                )
            return base, f"{words}: each at its own strength"
        choice = choose_strength(base, lambda offset: _ends_at(base, offset, wish), penalty)
        labels = choice.strength * base.offset
        base = replace(base, offset=labels, radial_offset=choice.strength * base.radial_offset)
        return base, f"{words}, strength {choice.reason}"
    if penalty is not None:
        raise InputError("penalty: is for ordering_strength auto; leave one of the two out")
    base = coordinates(spectrum, basis, ordering, strength)
    said = f"{words}, strength {strength_text(strength)}"
    if isinstance(strength, ONE_NUMBER):
        said += f": {_strength_reason(words, float(strength))}"
    return base, said


def _ends_at(base: Schedule, offset: np.ndarray, wish: Ends) -> tuple[float, float]:
    start, end, _ = wish.of(replace(base, offset=offset))
    return start, end


def _strength_reason(ordering: str, strength: float) -> str:
    if strength == 0:
        return "every component has the same SNR (EqualSNR)"
    if strength == 1 and ordering == "variance":
        return "standard diffusion's order, one noise level for all components"
    return "the larger, the more one after another"


def paced(
    base: Schedule,
    pace: str | Callable[[np.ndarray], np.ndarray],
    power_weight: float,
    threshold: float,
    start: float,
    end: float,
) -> tuple[Knots, str]:
    """The knots of a pace between the ends, which may have to move, and what it holds even."""
    (t, values), words = _even_in(base, pace, power_weight, threshold, start, end)
    if values[0] < start - 1e-9 or values[-1] > end + 1e-9:
        words += "; the ends are moved out so that all of it drowns"
    return (t, values), words


def _even_in(
    base: Schedule,
    pace: str | Callable[[np.ndarray], np.ndarray],
    power_weight: float,
    threshold: float,
    start: float,
    end: float,
) -> tuple[Knots, str]:
    """The knots along which what the pace names is lost evenly, and that in words."""
    if callable(pace):
        words = "given: log SNR falls along the shape of the function"
        return paces.callable_pace(pace, start, end), words
    offset, variance = base.offset, base.variance
    radial = (base.radial_frequency, base.radial_offset, threshold, start, end)
    if pace == "information":
        knots = paces.information_pace(offset_histogram(offset), start, end)
        return knots, "information: equal nats of the Gaussian surrogate lost per unit time"
    if pace == "power":
        knots = paces.power_pace(paces.power_histogram(offset, variance), start, end)
        return knots, "power: equal variance lost to the best denoiser per unit time"
    if pace == "frequency-power":
        by_frequency = paces.spectral_pace(*radial, octave=False)
        power = paces.power_histogram(offset, variance)
        return paces.mixed_pace(by_frequency, power, power_weight), (
            f"frequency-power: {1 - power_weight:g} of f_max's fall and {power_weight:g} of the "
            "lost power, even in time"
        )
    if pace == "modes":
        knots = paces.modes_pace(offset, threshold, start, end)
        return knots, "modes: equal numbers of components drown per unit time"
    if pace == "tangent":
        reference = float(np.log(np.mean(np.exp(offset - offset.max()))) + offset.max())
        knots = paces.tangent_pace(reference, start, end)
        return knots, "tangent: arctan(noise / signal) of the mean SNR rises evenly"
    if pace == "linear":
        return (np.array([0.0, 1.0]), np.array([start, end])), "linear: log SNR falls evenly"
    octave = pace == "octave"
    unit = "octaves" if octave else "cycles/pixel"
    return paces.spectral_pace(*radial, octave=octave), (
        f"{pace}: f_max falls by equal {unit} per unit time"
    )
