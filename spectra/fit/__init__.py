"""Spectrum -> a law with standard errors."""

from spectra.fit.examples import ExampleFits, fit_examples
from spectra.fit.exponents import ExponentAccumulator, Exponents, measure_exponents
from spectra.fit.floors import Floor, FloorName, find_floors
from spectra.fit.law import PowerLaw
from spectra.fit.power_law import FitMethod, Presence, check_fit, fit_power_law

__all__ = [
    "ExampleFits",
    "ExponentAccumulator",
    "Exponents",
    "FitMethod",
    "Floor",
    "FloorName",
    "PowerLaw",
    "Presence",
    "check_fit",
    "find_floors",
    "fit_examples",
    "fit_power_law",
    "measure_exponents",
]
