"""P(f) = A f^-alpha, fitted in log space, with an exponent one can put an interval on."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name
from spectra.spectrum import Spectrum
from spectra.spectrum.expectation import ring_covariance, ring_power_of_law
from spectra.spectrum.spectrum import Average

__all__ = ["FitMethod", "PowerLaw", "fit_power_law"]

FitMethod = Literal["weighted", "log-resampled", "plain"]

# Optics, demosaicing and codecs bend the last octave of most pictures; it is left out by default.
DEFAULT_RANGE = (0.0, 0.25)  # cycles/pixel
FEWEST_RINGS = 4
RESAMPLED_POINTS = 100
# A law is called a power law while the curve stays this close to it (root mean square, dB).
POWER_LAW_TOLERANCE_DB = 1.5
NEWTON_STEPS = 8


@dataclass(frozen=True)
class PowerLaw:
    """A fitted P(f) = amplitude * f^-alpha.

    Attributes
    ----------
    alpha, alpha_se : float
        Exponent and its standard error.
    amplitude, log_amplitude_se : float
        Power at 1 cycle/pixel, and the standard error of its natural logarithm.
    degrees : float
        Degrees of freedom of the standard error (files - 1; infinite for mode counts).
    method, average : str
    f_range : (low, high)
        Frequencies used, cycles/pixel.
    n_rings : int
    dispersion : float
        Root of chi-squared per degree of freedom about the law, from mode counts alone; well
        above 1 the curve is not the law's, however exact the exponent.
    residual_db : float
        Root-mean-square departure of the curve from the law over the range.
    """

    alpha: float
    amplitude: float
    alpha_se: float
    log_amplitude_se: float
    degrees: float
    method: str
    average: str
    f_range: tuple[float, float]
    n_rings: int
    dispersion: float
    residual_db: float

    def predict(self, frequency: np.ndarray) -> np.ndarray:
        """P(f) at frequencies in cycles/pixel."""
        return self.amplitude * np.asarray(frequency, float) ** -self.alpha

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of alpha (Student t)."""
        from scipy import stats

        half = stats.t.ppf((1 + level) / 2, self.degrees) * self.alpha_se
        return float(self.alpha - half), float(self.alpha + half)

    @property
    def is_power_law(self) -> bool:
        """Whether the curve falls with f and stays within 1.5 dB (rms) of the law."""
        return self.interval()[0] > 0 and self.residual_db <= POWER_LAW_TOLERANCE_DB


def fit_power_law(
    spectrum: Spectrum,
    *,
    method: FitMethod = "weighted",
    average: Average | None = None,
    f_range: tuple[float, float] | None = None,
) -> PowerLaw:
    """Fit P(f) = A f^-alpha to a measured spectrum.

    Parameters
    ----------
    spectrum : Spectrum
    method : {"weighted", "log-resampled", "plain"}
        "weighted": least squares of ln P on ln f at the rings' mean |f|, weights from the mode
        counts, the bias of the logarithm taken off, and what the law gives in a whole ring and
        through the taper in place of its value at the mean |f|. "log-resampled": the post's;
        ring labels k / N, 100 points evenly spaced in ln f, ln P interpolated in ln f, unweighted.
        "plain": unweighted over the rings at their mean |f|.
    average : {"arithmetic", "log"}, optional
        Which average over examples; the arithmetic one by default, the log one for the post's
        and plain fits.
    f_range : (low, high), optional
        Cycles/pixel; by default (0, 0.25], or every ring where that holds fewer than 4, and
        every ring for the post's.

    Returns
    -------
    PowerLaw
        With one file the standard error comes from the mode counts (times the dispersion where
        that is above 1); with several from the scatter between files, which is what another
        draw of files would change.

    Raises
    ------
    InputError
        Fewer than 3 rings in the range, or an unknown method or average.

    Notes
    -----
    Var ln P_k = psi1(n_k / 2), E ln P_k = ln P + psi(n_k / 2) - ln(n_k / 2) for a ring of n_k
    real degrees of freedom. The post: S. Dieleman (2024).
    """
    from scipy.special import polygamma, psi

    check_name("fit method", method, get_args(FitMethod))
    average = average or ("arithmetic" if method == "weighted" else "log")
    check_name("average", average, get_args(Average))
    low, high = f_range or _default_range(spectrum, method)
    used = np.flatnonzero((spectrum.frequency >= low) & (spectrum.frequency <= high))
    if len(used) < 3:
        raise InputError(
            f"{spectrum.name}: {len(used)} rings between {low:g} and {high:g} cycles/pixel, "
            "3 are needed to fit a power law; widen f_range or use larger examples (--size)"
        )
    shape = spectrum.shape[1:]
    # The arithmetic mean of n examples has n times the modes; the mean of logs keeps the bias.
    examples = spectrum.n if average == "arithmetic" else 1
    scatter = ring_covariance(shape, spectrum.window)[np.ix_(used, used)] / examples  # [K, K]
    half = 1 / np.diagonal(scatter)  # n_k / 2, [K]
    log_power = spectrum.log_mean(average)[used] - (psi(half) - np.log(half))
    variance = polygamma(1, half)
    inflation = np.sqrt(variance * half)  # of a logarithm over a relative error
    scatter = scatter * np.outer(inflation, inflation)
    if average == "log":
        variance, scatter = variance / spectrum.n, scatter / spectrum.n

    if method == "log-resampled":
        log_power = spectrum.log_mean(average)[used]
        log_f = np.log(spectrum.ring[used] / min(shape))
        rows = _resampled_rows(log_f)
    else:
        log_f = np.log(spectrum.frequency[used])
        rows = _least_squares_rows(log_f, 1 / variance if method == "weighted" else None)
    slope, intercept = rows @ log_power
    if method == "weighted":
        for _ in range(NEWTON_STEPS):
            bend = _bend(spectrum, -slope)[used]
            rise = (_bend(spectrum, -slope + 1e-4)[used] - bend) / 1e-4  # d bend / d alpha
            straight = rows @ (log_power - bend)
            step = (slope - straight[0]) / (1 - rows[0] @ rise)
            slope -= step
            if abs(step) < 1e-9:
                break
        log_power = log_power - bend
        slope, intercept = rows @ log_power
        # The bend follows the exponent, so that an error of ln P moves both.
        rows[0] /= 1 - rows[0] @ rise
        rows[1] += (rows[1] @ rise) * rows[0]
    residual = log_power - (slope * log_f + intercept)

    dispersion = float(np.sqrt(np.sum(residual**2 / variance) / (len(used) - 2)))
    if spectrum.n_files >= 2:
        covariance = spectrum.log_covariance(average)[np.ix_(used, used)]
        degrees = float(spectrum.n_files - 1)
    else:
        covariance = scatter * max(1.0, dispersion) ** 2
        degrees = np.inf
    errors = np.sqrt(np.einsum("ik,kl,il->i", rows, covariance, rows).clip(0))
    return PowerLaw(
        alpha=float(-slope),
        amplitude=float(np.exp(intercept)),
        alpha_se=float(errors[0]),
        log_amplitude_se=float(errors[1]),
        degrees=degrees,
        method=method,
        average=average,
        f_range=(float(spectrum.frequency[used[0]]), float(spectrum.frequency[used[-1]])),
        n_rings=len(used),
        dispersion=dispersion,
        residual_db=float(10 / np.log(10) * np.sqrt(np.mean(residual**2))),
    )


def _default_range(spectrum: Spectrum, method: str) -> tuple[float, float]:
    """Frequencies fitted unasked, cycles/pixel."""
    enough = np.count_nonzero(spectrum.frequency <= DEFAULT_RANGE[1]) >= FEWEST_RINGS
    return DEFAULT_RANGE if enough and method != "log-resampled" else (0.0, 1.0)


def _bend(spectrum: Spectrum, alpha: float) -> np.ndarray:
    """ln of what f^-alpha gives in each ring over its value at the ring's mean |f|, [F]."""
    expected = ring_power_of_law(spectrum.shape[1:], spectrum.window, alpha)
    return np.log(expected) + alpha * np.log(spectrum.frequency)


def _least_squares_rows(log_f: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Rows c with (slope, intercept) = c @ ln P, [2, K]: every fit here is linear in ln P."""
    weights = np.ones_like(log_f) if weights is None else weights
    design = np.stack([log_f, np.ones_like(log_f)], axis=1)  # [K, 2]
    weighted = design.T * weights
    return np.linalg.solve(weighted @ design, weighted)


def _resampled_rows(log_f: np.ndarray) -> np.ndarray:
    """The post's fit as rows: linear interpolation to even spacing in ln f, then least squares."""
    points = np.linspace(log_f[0], log_f[-1], RESAMPLED_POINTS)
    interpolation = np.stack([np.interp(points, log_f, unit) for unit in np.eye(len(log_f))], 1)
    return _least_squares_rows(points, None) @ interpolation
