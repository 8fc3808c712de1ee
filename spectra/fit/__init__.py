"""Spectrum -> a law with standard errors."""

from spectra.fit.law import PowerLaw
from spectra.fit.power_law import FitMethod, Presence, fit_power_law

__all__ = ["FitMethod", "PowerLaw", "Presence", "fit_power_law"]
