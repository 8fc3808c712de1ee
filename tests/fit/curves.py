"""Spectra with a shape that is known, without fields behind them."""

import numpy as np

from spectra import Spectrum
from spectra.spectrum.moments import MomentAccumulator
from spectra.spectrum.rings import ring_plan
from tests.spectrum.fields import spectrum_of_rings

__all__ = ["exact_spectrum", "ring_draws", "spectrum_of_series"]


def exact_spectrum(alpha: float, size: int = 64, amplitude: float = 1.0) -> Spectrum:
    """Rings that lie on a law at their mean |f|, for a great many examples of one file each."""
    power = amplitude * ring_plan((size, size)).frequency ** -alpha
    return spectrum_of_rings(np.stack([power, power]), (size, size), "none")


def ring_draws(rng: np.random.Generator, law: np.ndarray, n: int, size: int) -> np.ndarray:
    """Ring powers of n untapered Gaussian images with a law [F], Gamma by mode counts, [n, F]."""
    half = ring_plan((size, size)).count / 2
    return law * rng.gamma(half, 1 / half, (n, len(law)))


def spectrum_of_series(
    power: np.ndarray, units: np.ndarray, samples: int, segment: int
) -> Spectrum:
    """The Spectrum of series [n, F] of the files [n], by Welch segments under a Hann taper."""
    sums = []
    for values in (power, np.log(power)):
        moments = MomentAccumulator(power.shape[1])
        moments.add(values, units)
        sums.append(moments.result())
    return Spectrum(
        name="series",
        kind="sound",
        shape=(1, samples),
        window="hann",
        segment=segment,
        power_moments=sums[0],
        log_moments=sums[1],
        mean=np.zeros((1, samples)),
        mean_power_2d=None,
        variances={},
    )
