"""Schedules of a spectrum that follows no law, one of every kind."""

from dataclasses import replace

import numpy as np

from spectra.schedule import derive_schedule, preset
from spectra.spectrum import Spectrum
from tests.schedule.known import known_spectrum, power_law

__all__ = ["SCHEDULES", "SPECTRUM", "rough"]


def rough(shape: tuple[int, int, int] = (1, 6, 8), scale: float = 10.0) -> Spectrum:
    """Variances that follow no law."""
    rng = np.random.default_rng(0)
    made = known_spectrum(power_law(2.0), shape)
    drawn = {name: scale * v * np.exp(rng.normal(size=shape)) for name, v in made.variances.items()}
    return replace(made, variances=drawn)


SPECTRUM = rough()
SCHEDULES = {
    "standard": derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0),
    "own noise, Fourier": derive_schedule(
        SPECTRUM, basis="fourier", ordering_strength=0.5, prior="data", form="flow"
    ),
    "blurred": preset("blurring", SPECTRUM, blur_max=2.0, blur_floor=0.1),
    "columns": preset("columns", SPECTRUM, tau_max=0.6),
}
