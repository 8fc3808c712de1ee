"""The exponent of every single example, all at once."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spectra.errors import InputError
from spectra.fit.methods import least_squares_rows
from spectra.fit.rings import Bend, ModeNoise, default_range, rings_within
from spectra.spectrum import Spectrum

__all__ = ["ExampleFits", "ExampleFitter", "fit_examples"]

CHUNK = 1024  # examples at a time: their logarithms stay in the cache
TABLE = 2001  # exponents at which the bend's part of the slope is tabled


class ExampleFits(NamedTuple):
    """Power laws of N single examples; NaN for a blank one.

    Attributes
    ----------
    alpha, se : float64 [N]
        Exponent, and its standard error from the mode counts (times the dispersion where that is
        above 1).
    amplitude : float64 [N]
        Power at 1 cycle/pixel.
    """

    alpha: np.ndarray
    se: np.ndarray
    amplitude: np.ndarray


def fit_examples(
    power: np.ndarray, spectrum: Spectrum, *, f_range: tuple[float, float] | None = None
) -> ExampleFits:
    """The weighted fit of `fit_power_law` for each of N examples by itself.

    Parameters
    ----------
    power : [N, F]
        Ring power of single examples (of one channel, or the mean over channels), measured as
        `spectrum` was.
    spectrum : Spectrum
        Any spectrum of examples of this shape: it tells where the rings are, how many modes
        they have and what a law gives in them.
    f_range : (low, high), optional
        Cycles/pixel; as `fit_power_law` has it.

    Returns
    -------
    ExampleFits
        alpha, se, amplitude, each [N]. An example with a ring of no power, or one that is not
        finite, is NaN.

    Raises
    ------
    InputError
        Powers of another number of rings, or fewer than 3 rings in the range.

    Examples
    --------
    >>> source = spectra.open_source("photos", size=64, crop="center")
    >>> spectrum = spectra.analyze(source)
    >>> power, _ = spectra.rapsd(source.examples(range(11)).mean(axis=1), window="hann")
    >>> spectra.fit_examples(power, spectrum).alpha.round(1)
    array([1.5, 1.9, 3.2, 3.1, 3.2, 4. , 2.1, 1.5, 3.7, 1.7, 2.4])
    """
    return ExampleFitter.of(spectrum, f_range).fit(power)


@dataclass(frozen=True)
class ExampleFitter:
    """The weighted fit, with everything worked out that no example changes.

    alpha = rows . (ln P - bend(alpha)): with the bend's part tabled, one look-up solves it.

    Attributes
    ----------
    rings : int
        Of the spectrum, F.
    used : slice
        The K rings that are fitted.
    log_f, bias, weight : float64 [K]
    rows : float64 [2, K]
        ln A and alpha of an unbent law, from ln P.
    bend : Bend
    table, straight, error : float64 [TABLE]
        Exponents, what an unbent fit gives there, and the standard error.
    """

    rings: int
    used: slice
    log_f: np.ndarray
    bias: np.ndarray
    weight: np.ndarray
    rows: np.ndarray
    bend: Bend
    table: np.ndarray
    straight: np.ndarray
    error: np.ndarray

    @classmethod
    def of(cls, spectrum: Spectrum, f_range: tuple[float, float] | None = None) -> "ExampleFitter":
        used = rings_within(spectrum, f_range or default_range(spectrum), fewest=3)
        log_f = np.log(spectrum.frequency[used])
        noise, bend = ModeNoise.of(spectrum, used), Bend.of(spectrum, used)
        rows = least_squares_rows(log_f, 1 / noise.variance)
        table = np.linspace(bend.low, bend.high, TABLE)
        straight = table + bend.basis(table) @ (bend.coefficients @ rows[1])
        return cls(
            rings=len(spectrum.frequency),
            used=slice(used[0], used[-1] + 1),  # rings come in order of |f|
            log_f=log_f,
            bias=noise.bias,
            weight=1 / noise.variance,
            rows=rows,
            bend=bend,
            table=table,
            straight=straight,
            error=np.sqrt(rows[1] @ noise.scatter @ rows[1]) / np.gradient(straight, table),
        )

    def fit(self, power: np.ndarray) -> ExampleFits:
        """Fits of the ring powers [N, F] of N examples."""
        power = np.asarray(power)
        if power.ndim != 2 or power.shape[1] != self.rings:
            raise InputError(
                f"power of shape {list(power.shape)}: rows of {self.rings} rings are needed, one "
                "an example, as rapsd gives for examples of the spectrum's shape"
            )
        fits = np.full((3, len(power)), np.nan)
        for start in range(0, len(power), CHUNK):
            part = power[start : start + CHUNK, self.used]
            good = np.flatnonzero((part.min(axis=1) > 0) & np.isfinite(part.max(axis=1)))
            fits[:, start + good] = self._fit(part if len(good) == len(part) else part[good])
        return ExampleFits(*fits)

    def _fit(self, power: np.ndarray) -> np.ndarray:
        """alpha, its error and A of powers above 0 [B, K], -> [3, B]."""
        logs = np.log(power, dtype=np.float64) - self.bias
        slope = logs @ self.rows[1]
        alpha = np.interp(slope, self.straight, self.table)
        alpha += np.minimum(slope - self.straight[0], 0) + np.maximum(slope - self.straight[-1], 0)
        logs -= self.bend.basis(alpha) @ self.bend.coefficients
        level = logs @ self.rows[0]
        logs += np.multiply.outer(alpha, self.log_f)
        logs -= level[:, None]
        squares = np.einsum("bk,bk,k->b", logs, logs, self.weight)
        dispersion = np.sqrt(squares / max(1, len(self.weight) - 2))
        error = np.interp(alpha, self.table, self.error) * np.maximum(1, dispersion)
        return np.stack([alpha, error, np.exp(level)])
