"""Spectra that are written down, not measured."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from spectra.bases import make_basis
from spectra.spectrum import analyze
from spectra.spectrum.rings import ring_plan
from spectra.spectrum.spectrum import Spectrum
from tests.spectrum.fields import spectrum_of_rings

__all__ = ["bumped", "known_spectrum", "pca_spectrum", "power_law"]

Law = Callable[[np.ndarray], np.ndarray]  # frequency [...] -> power [...]


def power_law(alpha: float, amplitude: float = 1e-3) -> Law:
    return lambda f: amplitude * f**-alpha


def bumped(f: np.ndarray) -> np.ndarray:
    """A power law with a bump at 0.25 cycles/pixel that rises above what comes before it."""
    return 1e-3 * f**-2 * (1 + 8 * np.exp(-(((f - 0.25) / 0.03) ** 2)))


def known_spectrum(
    law: Law, shape: tuple[int, int, int] = (1, 16, 16), *, files: int = 12, quantum: float = 0.0
) -> Spectrum:
    """The Spectrum of `files` examples, the geometric middle of which is the law, in all bases.

    DC is given the power at half the lowest other frequency; pixels have the mean variance.
    """
    level = np.exp(np.linspace(-0.5, 0.5, files))
    rings = law(ring_plan(shape[1:]).frequency) * (level / level.mean())[:, None]
    variances = {}
    for name in ("dct", "fourier"):
        frequency = make_basis(name, shape).frequency
        lowest = frequency[frequency > 0].min()
        variances[name] = law(np.maximum(frequency, lowest / 2))
    variances["pixel"] = np.full(shape, variances["dct"].mean())
    rng = np.random.default_rng(0)
    return replace(
        spectrum_of_rings(rings, (shape[1], shape[2]), "none"),
        shape=shape,
        mean=rng.uniform(-0.5, 0.5, shape),
        variances=variances,
        quantum=quantum,
        data={"size": list(shape[1:]), "seed": 0},
        fingerprint="abc",
    )


def pca_spectrum(shape: tuple[int, ...] = (1, 8, 8), n: int = 400) -> Spectrum:
    """Measured from drawn fields whose principal components are no waves."""
    rng = np.random.default_rng(5)
    size = int(np.prod(shape))
    rotation = np.linalg.qr(rng.normal(size=(size, size)))[0]
    spread = np.exp(-np.arange(size) / 12)
    x = 0.1 + rng.normal(size=(n, size)) * spread @ rotation
    return analyze(x.reshape(n, *shape), bases=("dct", "pca"), window="none")
