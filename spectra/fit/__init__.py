"""Spectrum -> a law with standard errors."""

from spectra.fit.power_law import FitMethod, PowerLaw, fit_power_law

__all__ = ["FitMethod", "PowerLaw", "fit_power_law"]
