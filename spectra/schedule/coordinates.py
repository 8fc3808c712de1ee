"""What every schedule of a data set shares: components, their variance, their order."""

from collections.abc import Sequence

import numpy as np

from spectra.bases import Basis, PcaBasis, make_basis, pca
from spectra.errors import InputError, check_number
from spectra.schedule.orderings import (
    MOST_STRENGTH,
    ONE_NUMBER,
    Bands,
    Ordering,
    bent,
    check_bands,
    component_labels,
    orderings,
    radial_labels,
)
from spectra.schedule.schedule import Schedule
from spectra.spectrum import Spectrum

__all__ = ["AnyOrdering", "Strength", "check_spectrum_given", "component_variance", "coordinates"]

AnyOrdering = str | Ordering | Sequence[Ordering] | np.ndarray
Strength = float | Bands

LEAST_VARIANCE = 1e-120  # of the values' mean variance, and of its inverse
# Under this share of the mean variance a component counts as empty.
EMPTY = 1e-9
# A rising or white spectrum keeps an order of frequencies, levels and places.
LEAST_EXPONENT = 0.1


def coordinates(
    spectrum: Spectrum,
    basis: str,
    ordering: AnyOrdering = "variance",
    strength: Strength = 1.0,
) -> Schedule:
    """A schedule that has everything but its own pace, which is 0 to 1 here.

    Parameters
    ----------
    spectrum : Spectrum
    basis : str
    ordering : str, Ordering, sequence of Ordering, or float [C, *spatial]
        A name, a sum such as "level:1+columns:0.3", or labels l_i (larger drowns first).
    strength : float or sequence of (frequency edge, strength)
        Multiplies the whole order; by bands only where the order is one of frequencies.

    Raises
    ------
    InputError
        An unknown basis or ordering, an unmeasured basis, an order that the basis does not have,
        or a spectrum that holds NaN.
    """
    check_spectrum_given(spectrum)
    made, components = _basis(spectrum, basis)
    variance = component_variance(spectrum, basis)
    log_power = np.log(_seen_power(spectrum, variance))  # [F]
    labels, radial = _labels(spectrum, made, variance, log_power, ordering)
    if isinstance(strength, ONE_NUMBER):
        check_number("ordering_strength", float(strength), low=0.0, high=MOST_STRENGTH)
        labels, radial = float(strength) * labels, float(strength) * radial
    else:
        bands = check_bands(strength)
        if np.isnan(radial).any():
            raise InputError(
                "ordering_strength by bands needs an order of frequencies; choose ordering "
                "variance, frequency or level, or give one strength"
            )
        labels, radial = (
            bent(part, bands, spectrum.frequency, radial) for part in (labels, radial)
        )
    return Schedule(
        name="coordinates",
        basis=basis,
        shape=spectrum.shape,
        variance=variance,
        mean=spectrum.mean,
        offset=-labels,
        t=np.array([0.0, 1.0]),
        pace=np.array([0.0, 1.0]),
        scale=np.ones_like(variance),
        form="vp",
        radial_frequency=spectrum.frequency,
        radial_log_power=log_power,
        radial_offset=-radial,
        quantum=spectrum.quantum,
        data=spectrum.data,
        fingerprint=spectrum.fingerprint,
        components=components,
    )


def check_spectrum_given(spectrum: object) -> None:
    """Refuse a path, a schedule or an array in a spectrum's place."""
    if not isinstance(spectrum, Spectrum):
        raise InputError(
            f"spectrum: a {type(spectrum).__name__} is none; give what spectra.analyze or "
            "spectra.load_spectrum returns"
        )


def component_variance(spectrum: Spectrum, basis: str) -> np.ndarray:
    """lambda_i with the rounding noise that training adds, and a floor for empty components.

    Raises
    ------
    InputError
        The basis was not measured, or not in full, or its variances hold NaN.
    """
    measured = spectrum.component_variance(basis)
    if measured.shape != spectrum.shape:
        raise InputError(
            f"basis {basis!r}: only {measured.size} of {int(np.prod(spectrum.shape))} components "
            "are known, and a schedule needs all; measure smaller examples or choose basis dct"
        )
    if not np.isfinite(measured).all():
        raise InputError(f"{spectrum.name}: the spectrum holds NaN; analyze the source again")
    if (measured < 0).any():
        raise InputError(f"{spectrum.name}: a variance is under 0; analyze the source again")
    mean = float(measured.mean(dtype=float) + spectrum.quantisation_floor)
    if not LEAST_VARIANCE < mean < 1 / LEAST_VARIANCE and measured.any():
        raise InputError(
            f"{spectrum.name}: values of variance {mean:.3g} cannot be computed with; rescale them"
        )
    if not measured.any() and spectrum.quantum == 0:
        raise InputError(
            f"{spectrum.name}: all examples are the same; there is no variance to order noise by"
        )
    return np.maximum(measured, EMPTY * measured.mean()) + spectrum.quantisation_floor


def _seen_power(spectrum: Spectrum, variance: np.ndarray) -> np.ndarray:
    """Ring power with the rounding noise that training adds, and the floor of empty ones, [F]."""
    power = spectrum.power + spectrum.quantisation_floor
    if not np.isfinite(power).all() or (power < 0).any():
        raise InputError(f"{spectrum.name}: the spectrum holds NaN; analyze the source again")
    return np.maximum(power, EMPTY * variance.mean())


def _basis(spectrum: Spectrum, name: str) -> tuple[Basis, np.ndarray | None]:
    """The basis and, of pca, its components [D, D]."""
    if name != "pca":
        return make_basis(name, spectrum.shape), None
    variance = component_variance(spectrum, name)  # refuses what was not measured in full
    assert spectrum.scatter is not None
    components = pca(spectrum.scatter, spectrum.shape).components
    return PcaBasis(spectrum.shape, components, variance.ravel()), components


def _labels(
    spectrum: Spectrum,
    basis: Basis,
    variance: np.ndarray,
    log_power: np.ndarray,
    ordering: AnyOrdering,
) -> tuple[np.ndarray, np.ndarray]:
    """l_i of the whole order, per component [C, *spatial] and over the rings [F]."""
    frequency = spectrum.frequency
    if isinstance(ordering, np.ndarray):
        numbers = ordering.dtype.kind in "biuf" and bool(np.isfinite(ordering).all())
        if ordering.shape != spectrum.shape or not numbers:
            raise InputError(
                f"ordering: labels of shape {ordering.shape}; finite numbers of shape "
                f"{spectrum.shape} are needed, one a component"
            )
        return ordering.astype(float), np.full(len(frequency), np.nan)
    terms = orderings(ordering)
    alpha = 1.0
    if any(term.name != "variance" for term in terms):
        from spectra.fit import fit_power_law

        alpha = max(fit_power_law(spectrum).alpha, LEAST_EXPONENT)
    labels, radial = np.zeros(spectrum.shape), np.zeros(len(frequency))
    for term in terms:
        labels = labels + term.strength * component_labels(term, basis, variance, alpha)
        radial = radial + term.strength * radial_labels(term, basis, frequency, log_power, alpha)
    return labels, radial
