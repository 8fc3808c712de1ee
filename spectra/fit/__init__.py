"""Spectrum -> a law with standard errors."""

from spectra.fit.differences import PowerRatio, exponent_difference, power_ratio
from spectra.fit.examples import ExampleFits, fit_examples
from spectra.fit.exponents import ExponentAccumulator, Exponents, measure_exponents
from spectra.fit.floors import Floor, FloorName, find_floors
from spectra.fit.law import PowerLaw
from spectra.fit.peak import peak_interval
from spectra.fit.power_law import FitMethod, Presence, check_fit, fit_power_law

__all__ = [
    "ExampleFits",
    "ExponentAccumulator",
    "Exponents",
    "FitMethod",
    "Floor",
    "FloorName",
    "PowerLaw",
    "PowerRatio",
    "Presence",
    "check_fit",
    "exponent_difference",
    "find_floors",
    "fit_examples",
    "fit_power_law",
    "measure_exponents",
    "peak_interval",
    "power_ratio",
]
