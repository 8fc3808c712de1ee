"""Sources of every kind, made up, and their spectra."""

from dataclasses import dataclass, replace

import numpy as np

import spectra
from spectra import plots
from spectra.fit.floors import Floor
from spectra.plots import pages

__all__ = ["BLOCKS", "CLIFF", "RATE", "Case", "measured", "series"]

RATE = 16000
CLIFF = Floor("codec cliff", 1e-6, 0.4, "falls at once")
BLOCKS = Floor("8-pixel blocks", float("nan"), 0.125, "lines at 1/8")


@dataclass(frozen=True)
class Case:
    spectrum: spectra.Spectrum
    examples: np.ndarray

    @property
    def fit(self) -> spectra.PowerLaw:
        return spectra.fit_power_law(self.spectrum)

    def sections(self, floors=()) -> list[plots.Section]:
        return pages.analysis_sections(
            self.spectrum, self.fit, floors, self.examples, "rectified-flow", 1.0
        )


def series(n: int, shape: tuple[int, ...], tone: float = 0.0) -> np.ndarray:
    """Noise falling as f^-1, with a tone [cycles/sample] over a low end that is cut off.

    float32 [n, *shape] within 1.
    """
    rng = np.random.default_rng(3)
    frequency = np.fft.rfftfreq(shape[-1])
    frequency[0] = np.inf
    modes = np.fft.rfft(rng.standard_normal((n, *shape))) * frequency**-0.5
    if tone:
        modes *= 1 / (1 + (tone / 2 / frequency) ** 2)
    values = np.fft.irfft(modes, shape[-1])
    values += 2 * values.std() * np.sin(2 * np.pi * tone * np.arange(shape[-1]))
    return (values / np.abs(values).max()).astype(np.float32)


def measured(values: np.ndarray, bases=("dct", "pixel"), **told) -> Case:
    """Its spectrum, with what another kind of source would say of it."""
    source = spectra.open_source(values, **({"view": "series"} if values.ndim == 3 else {}))
    spectrum = spectra.analyze(source, bases=bases)
    return Case(replace(spectrum, **told), source.some(12))
