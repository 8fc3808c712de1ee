"""Gaussian fields whose spectrum is known, and the spectra of single draws."""

import numpy as np

from spectra.spectrum.moments import MomentAccumulator
from spectra.spectrum.spectrum import Spectrum

__all__ = ["power_law_fields", "spectrum_of_rings", "white_noise"]


def white_noise(
    rng: np.random.Generator, n: int, shape: tuple[int, ...], dtype: type = np.float64
) -> np.ndarray:
    """Unit-variance white noise, [n, *shape]."""
    return rng.standard_normal((n, *shape), dtype)


def power_law_fields(
    rng: np.random.Generator, n: int, shape: tuple[int, int], alpha: float
) -> np.ndarray:
    """Fields on a torus, E |F|^2 / (H W) = |f|^-alpha at every mode but DC (0), [n, H, W]."""
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    frequency[0, 0] = np.inf
    modes = np.fft.rfft2(white_noise(rng, n, shape)) * frequency ** (-alpha / 2)
    return np.fft.irfft2(modes, s=shape)


def spectrum_of_rings(power: np.ndarray, shape: tuple[int, int], window: str) -> Spectrum:
    """The Spectrum of examples of one file each, from their ring powers [n, F].

    `analyze` refuses a single example; a law of the fit is tested on single pictures too.
    """
    sums = {}
    for name, values in (("power", power), ("log", np.log(power))):
        moments = MomentAccumulator(power.shape[1])
        moments.add(values, np.arange(len(power)))
        sums[name] = moments.result()
    return Spectrum(
        name="synthetic",
        kind="array",
        shape=(1, *shape),
        window=window,
        power_moments=sums["power"],
        log_moments=sums["log"],
        mean=np.zeros((1, *shape)),
        mean_power_2d=np.zeros(shape),
        variances={},
    )
