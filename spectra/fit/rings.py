"""The ring powers that a law is fitted to, with their noise and what a law gives in them."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from spectra.errors import InputError
from spectra.spectrum import Spectrum
from spectra.spectrum.estimator import Estimator
from spectra.spectrum.spectrum import Average, frequency_unit

__all__ = [
    "EVERY_RING",
    "Bend",
    "ModeNoise",
    "Rings",
    "default_range",
    "examples_behind",
    "read_rings",
    "rings_within",
]

# Optics, demosaicing and codecs bend the last octave of most pictures; it is left out by default.
DEFAULT_RANGE = (0.0, 0.25)  # cycles/pixel
EVERY_RING = (0.0, 1.0)
FEWEST_RINGS = 4
# The bend is smooth in the exponent: polynomials through so many nodes are exact to 1e-6.
EXPONENTS = (-2.0, 6.0)
NODES = 14
# What a taper brings in is known to about 1e-16 of the strongest ring, so that over a wide range
# of f a steep law's weakest rings would be rounding.
LARGEST_RATIO = 1e11


@dataclass(frozen=True)
class Bend:
    """ln of what f^-alpha gives in each ring over its value at the ring's mean |f|.

    A ring has a width, over which f^-alpha is convex, and a taper brings power in from around.

    Attributes
    ----------
    coefficients : float64 [NODES, K]
        Chebyshev polynomials in alpha, by ring.
    low, high : float
        Exponents they hold between; the bend is constant beyond.
    """

    coefficients: np.ndarray
    low: float
    high: float

    @classmethod
    def of(cls, spectrum: Spectrum, used: np.ndarray) -> "Bend":
        whole = _bend_of(spectrum.estimator)
        return cls(whole.coefficients[:, used], whole.low, whole.high)

    def at(self, alpha: float | np.ndarray) -> np.ndarray:
        """The bend where the exponent is alpha, or alpha [K] ring by ring, -> [K]."""
        return self._sum(alpha, self.coefficients)

    def rise(self, alpha: float | np.ndarray) -> np.ndarray:
        """d bend / d alpha, [K]."""
        inside = (np.asarray(alpha) > self.low) & (np.asarray(alpha) < self.high)
        return np.where(inside, self._sum(alpha, self._slopes), 0.0)

    def basis(self, alpha: float | np.ndarray, terms: int = NODES) -> np.ndarray:
        """The polynomials at each alpha, [..., terms]."""
        middle, reach = (self.low + self.high) / 2, (self.high - self.low) / 2
        place = np.clip((np.asarray(alpha) - middle) / reach, -1.0, 1.0)
        return np.cos(np.multiply.outer(np.arccos(place), np.arange(terms)))  # T_n(x)

    @cached_property
    def _slopes(self) -> np.ndarray:
        """Polynomials of the derivative, [NODES - 1, K]."""
        return np.polynomial.chebyshev.chebder(self.coefficients) * 2 / (self.high - self.low)

    def _sum(self, alpha: float | np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        basis = self.basis(alpha, len(coefficients))
        return basis @ coefficients if basis.ndim == 1 else np.sum(basis.T * coefficients, axis=0)


@lru_cache(maxsize=32)
def _bend_of(estimator: Estimator) -> Bend:
    """The bend of every ring."""
    frequency = estimator.plan.frequency
    steepest = np.log(LARGEST_RATIO) / np.log(frequency[-1] / frequency[0])
    low, high = max(EXPONENTS[0], -steepest), min(EXPONENTS[1], steepest)
    nodes = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)  # [D]
    alphas = (low + high) / 2 + (high - low) / 2 * nodes
    bends = [np.log(estimator.law_power(a)) + a * np.log(frequency) for a in alphas]
    vandermonde = np.polynomial.chebyshev.chebvander(nodes, NODES - 1)
    return Bend(np.linalg.solve(vandermonde, bends), low, high)


@dataclass(frozen=True)
class ModeNoise:
    """Noise of ln P in K rings of so many examples, Gaussian and independent.

    Attributes
    ----------
    half : float64 [K]
        n_k / 2, half the real degrees of freedom.
    bias, variance : float64 [K]
        E ln P_k - ln P = psi(n_k / 2) - ln(n_k / 2), and Var ln P_k = psi1(n_k / 2).
    scatter : float64 [K, K]
        Covariance: a taper correlates neighbouring rings.
    """

    half: np.ndarray
    bias: np.ndarray
    variance: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, spectrum: Spectrum, used: np.ndarray, examples: float = 1) -> "ModeNoise":
        from scipy.special import polygamma, psi

        scatter = spectrum.mode_covariance()[np.ix_(used, used)] / examples  # [K, K]
        half = 1 / np.diagonal(scatter)
        variance = polygamma(1, half)
        inflation = np.sqrt(variance * half)  # of a logarithm over a relative error
        scatter = scatter * inflation * inflation[:, None]
        return cls(half, psi(half) - np.log(half), variance, scatter)


@dataclass(frozen=True)
class Rings:
    """What a fit reads: K rings, in natural logarithms.

    Attributes
    ----------
    log_f, log_power : float64 [K]
        ln |f|, and ln P with the logarithm's own bias taken off.
    raw : float64 [K]
        ln of the average as it is.
    half : float64 [K]
        n_k / 2, half the real degrees of freedom behind the average.
    variance : float64 [K]
        Of `log_power`, from the mode counts.
    scatter : float64 [K, K]
        Covariance of `log_power`, from the mode counts: one Gaussian example says no more.
    between : float64 [K, K] or None
        Covariance of `log_power` from the scatter between files; None for a single file.
    degrees : float
        Degrees of freedom of a standard error (effective files - 1; infinite for mode counts).
    bend : Bend
    """

    log_f: np.ndarray
    log_power: np.ndarray
    raw: np.ndarray
    half: np.ndarray
    variance: np.ndarray
    scatter: np.ndarray
    between: np.ndarray | None
    degrees: float
    bend: Bend

    def covariance(self, dispersion: float) -> np.ndarray:
        """Covariance [K, K] that standard errors rest on.

        The scatter between files, which is what another draw of files would change; for one
        file that of the modes, widened where the curve strays further than they explain.
        """
        if self.between is not None:
            return self.between
        return self.scatter * max(1.0, dispersion) ** 2


def read_rings(
    spectrum: Spectrum, average: Average, f_range: tuple[float, float], fewest: int
) -> tuple[Rings, np.ndarray]:
    """The rings in a range [cycles/pixel], and which ones of the spectrum's they are, [K].

    Raises
    ------
    InputError
        Fewer than `fewest` rings.
    """
    used = rings_within(spectrum, f_range, fewest)
    # The arithmetic mean of n examples has n times the modes; the mean of logs keeps the bias.
    noise = ModeNoise.of(spectrum, used, examples_behind(spectrum, average))
    shrink = spectrum.log_moments.n if average == "log" else 1
    raw = spectrum.log_mean(average)[used]
    degrees = spectrum.degrees(average)
    several = np.isfinite(degrees)
    rings = Rings(
        log_f=np.log(spectrum.frequency[used]),
        log_power=raw - noise.bias,
        raw=raw,
        half=noise.half,
        variance=noise.variance / shrink,
        scatter=noise.scatter / shrink,
        between=spectrum.log_covariance(average)[np.ix_(used, used)] if several else None,
        degrees=degrees,
        bend=Bend.of(spectrum, used),
    )
    return rings, used


def examples_behind(spectrum: Spectrum, average: str) -> float:
    """Examples whose mean power each logarithm is of."""
    return spectrum.n if average == "arithmetic" else spectrum.per_log


def rings_within(spectrum: Spectrum, f_range: tuple[float, float], fewest: int) -> np.ndarray:
    """Indices of the rings in a range [cycles/pixel], [K]; InputError where they are too few."""
    low, high = f_range
    used = np.flatnonzero((spectrum.frequency >= low) & (spectrum.frequency <= high))
    if len(used) < fewest:
        raise InputError(
            f"{spectrum.name}: {len(used)} rings between {low:g} and {high:g} "
            f"{frequency_unit(spectrum.shape)}, {fewest} are needed to fit this power law; widen "
            "f_range or use larger examples (--size)"
        )
    return used


def default_range(spectrum: Spectrum) -> tuple[float, float]:
    """Frequencies fitted unasked, cycles/pixel."""
    enough = np.count_nonzero(spectrum.frequency <= DEFAULT_RANGE[1]) >= FEWEST_RINGS
    return DEFAULT_RANGE if enough else EVERY_RING
