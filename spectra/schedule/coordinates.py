"""What every schedule of a data set shares: components, their variance, their order."""

from typing import get_args

import numpy as np

from spectra.bases import make_basis
from spectra.errors import InputError, check_name
from spectra.fit import fit_power_law
from spectra.schedule.orderings import Ordering, frequency_labels, variance_labels
from spectra.schedule.schedule import Schedule
from spectra.spectrum import Spectrum

__all__ = ["coordinates"]

# Under this share of the mean variance a component counts as empty.
EMPTY = 1e-9


def coordinates(
    spectrum: Spectrum, basis: str, ordering: str = "variance", strength: float = 1.0
) -> Schedule:
    """A schedule that has everything but its own pace, which is 0 to 1 here.

    Raises
    ------
    InputError
        An unknown basis or ordering, an unmeasured basis, or a spectrum that holds NaN.
    """
    check_name("ordering", ordering, get_args(Ordering))
    variance = _variance(spectrum, basis)
    log_power = np.log(spectrum.power + spectrum.quantisation_floor)  # [F]
    if ordering == "variance":
        offset, radial = -strength * variance_labels(variance), strength * log_power
    else:
        offset, radial = _by_frequency(spectrum, basis, strength)
    return Schedule(
        name="coordinates",
        basis=basis,
        shape=spectrum.shape,
        variance=variance,
        mean=spectrum.mean,
        offset=offset,
        t=np.array([0.0, 1.0]),
        pace=np.array([0.0, 1.0]),
        scale=np.ones_like(variance),
        form="vp",
        radial_frequency=spectrum.frequency,
        radial_log_power=log_power,
        radial_offset=radial,
        quantum=spectrum.quantum,
        data=spectrum.data,
        fingerprint=spectrum.fingerprint,
    )


def _variance(spectrum: Spectrum, basis: str) -> np.ndarray:
    """lambda_i with the rounding noise that training adds, and a floor for empty components."""
    make_basis(basis, spectrum.shape)  # an unknown name is refused here
    measured = spectrum.component_variance(basis)
    if not np.isfinite(measured).all():
        raise InputError(f"{spectrum.name}: the spectrum holds NaN; analyze the source again")
    return np.maximum(measured, EMPTY * measured.mean()) + spectrum.quantisation_floor


def _by_frequency(spectrum: Spectrum, basis: str, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """-a l_i of the frequency ordering, per component [C, H, W] and over the rings [F]."""
    frequency = make_basis(basis, spectrum.shape).frequency
    alpha = max(fit_power_law(spectrum).alpha, 0.1)  # a rising or white spectrum keeps an order
    lowest = float(np.min(frequency[frequency > 0], initial=0.5))
    return (
        -strength * frequency_labels(frequency, alpha, lowest),
        -strength * frequency_labels(spectrum.frequency, alpha, lowest),
    )
