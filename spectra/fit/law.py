"""A fitted law: its parameters, how sure they are, and whether the curve is a power law at all."""

from dataclasses import dataclass

import numpy as np

from spectra.fit.goodness import POWER_LAW_TOLERANCE_DB, Octave

__all__ = ["PowerLaw"]


@dataclass(frozen=True)
class PowerLaw:
    """A fitted P(f) = amplitude / (knee^alpha + f^alpha) + floor.

    Without a knee and a floor, which are 0 unless asked for, P(f) = amplitude * f^-alpha.

    Attributes
    ----------
    alpha, alpha_se : float
        Exponent and its standard error.
    amplitude, log_amplitude_se : float
        Power at 1 cycle/pixel, and the standard error of its natural logarithm.
    degrees : float
        Degrees of freedom of the standard errors (files - 1; infinite for mode counts).
    method, average : str
    f_range : (low, high)
        Frequencies used, cycles/pixel.
    n_rings : int
    dispersion : float
        Root of chi-squared per degree of freedom about the law, from mode counts alone; well
        above 1 the curve is not the law's, however exact the exponent. Theil-Sen's is from the
        median departure.
    residual_db : float
        Root-mean-square departure of the curve from the law over the rings.
    departure_db : float
        Root-mean-square departure of the curve from a straight line in ln f, whatever its slope,
        every octave counting alike.
    chi_squared : float
        Sum of squared departures over their variance from mode counts.
    r_squared : float
        Share of the weighted variance of ln P that the law explains.
    octaves : tuple of Octave
        How the curve runs in each octave of the range.
    floor, floor_se : float
        White power under the law, and its standard error.
    knee, knee_se : float
        Frequency f0 [cycles/pixel] under which the law is flat, and its standard error; the
        error is infinite where the rings do not show a knee.
    criterion : tuple of (parameters, BIC)
        What was compared where a choice was asked for, the least BIC chosen; else empty.

    Examples
    --------
    >>> spectrum = spectra.analyze(spectra.open_source("photos", size=64, crop="center"))
    >>> fit = spectra.fit_power_law(spectrum)
    >>> low, high = fit.predict([0.05, 0.1])
    >>> bool(np.isclose(low / high, 2**fit.alpha))
    True
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
    departure_db: float
    chi_squared: float
    r_squared: float
    octaves: tuple[Octave, ...]
    floor: float = 0.0
    floor_se: float = 0.0
    knee: float = 0.0
    knee_se: float = 0.0
    criterion: tuple[tuple[str, float], ...] = ()

    def predict(self, frequency: np.ndarray) -> np.ndarray:
        """P(f) at frequencies in cycles/pixel."""
        bent = self.knee**self.alpha if self.knee > 0 else 0.0
        return self.amplitude / (bent + np.asarray(frequency, float) ** self.alpha) + self.floor

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of alpha (Student t)."""
        from scipy import stats

        half = stats.t.ppf((1 + level) / 2, self.degrees) * self.alpha_se
        return float(self.alpha - half), float(self.alpha + half)

    @property
    def failings(self) -> tuple[str, ...]:
        """Why the curve is no power law, a phrase each; empty where it is one."""
        found = []
        if not self.residual_db <= POWER_LAW_TOLERANCE_DB:
            found.append(
                f"{self.residual_db:.1f} dB rms from the fit, {POWER_LAW_TOLERANCE_DB:g} allowed"
            )
        if not self.departure_db <= POWER_LAW_TOLERANCE_DB:
            found.append(
                f"{self.departure_db:.1f} dB rms from any power law over its octaves, "
                f"{POWER_LAW_TOLERANCE_DB:g} allowed"
            )
        found += [
            f"rises between {octave.low:.3g} and {octave.high:.3g}"
            for octave in self.octaves
            if octave.rises
        ]
        low, high = self.interval()
        if not low > 0:
            found.append(
                "the exponent is below 0" if high < 0 else "the exponent's interval reaches 0"
            )
        return tuple(found)

    @property
    def is_power_law(self) -> bool:
        """Whether the curve is within 3 dB (rms) of its fit and falls in every octave fitted.

        Within 3 dB over the rings, and over the octaves of the nearest straight line; and the
        exponent's 95 % interval lies above 0. `failings` says what is amiss; the thresholds are
        `POWER_LAW_TOLERANCE_DB` and `OCTAVE_ALLOWANCE` in `fit.goodness`.
        """
        return not self.failings
