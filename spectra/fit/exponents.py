"""What the exponents of a data set's examples are like: mean, scatter, quantiles."""

from dataclasses import dataclass

import numpy as np

from spectra.data import Source
from spectra.fit.examples import ExampleFits, ExampleFitter
from spectra.spectrum import Spectrum
from spectra.spectrum.engine import ring_power
from spectra.spectrum.moments import FileMoments, MomentAccumulator

__all__ = ["ExponentAccumulator", "Exponents", "measure_exponents"]

BATCH_VALUES = 2**22
# The histogram that quantiles come from; exponents beyond its ends count at the ends.
LOWEST, HIGHEST, STEP = -4.0, 8.0, 0.001
BINS = round((HIGHEST - LOWEST) / STEP)


@dataclass(frozen=True, eq=False)
class Exponents:
    """The exponents of single examples of many files, summed up; two of them add.

    Attributes
    ----------
    moments : FileMoments
        Of alpha, [1].
    noise : float
        Sum of the squared standard errors of single fits.
    histogram : int64 [BINS]
        Examples by alpha, in steps of 0.001 from -4 to 8.
    blank : int
        Examples without an exponent.
    """

    moments: FileMoments
    noise: float
    histogram: np.ndarray
    blank: int

    @property
    def n(self) -> int:
        """Examples with an exponent."""
        return self.moments.n

    @property
    def n_files(self) -> int:
        """Independent files they are from."""
        return self.moments.n_files

    @property
    def mean(self) -> float:
        """Mean exponent over examples."""
        return float(self.moments.mean[0]) if self.n else float("nan")

    @property
    def mean_se(self) -> float:
        """Standard error of the mean: from the scatter between files; of one file, of its fits."""
        if np.isinf(self.moments.degrees()):
            return float(np.sqrt(self.noise)) / self.n if self.n else float("nan")
        return float(np.sqrt(self.moments.covariance()[0, 0].clip(0)))

    @property
    def spread(self) -> float:
        """Standard deviation between files, the noise of their fits included; NaN for one file."""
        if np.isinf(self.moments.degrees()):
            return float("nan")
        return self.mean_se * self.n / float(np.sqrt(self.moments.squared_sizes))

    @property
    def scatter(self) -> float:
        """Standard deviation between files that the noise of single fits does not explain."""
        each = self.noise / self.n * self.n / self.moments.squared_sizes if self.n else np.nan
        return float(np.sqrt(np.maximum(self.spread**2 - each, 0)))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Interval of the mean exponent (Student t over files)."""
        from scipy import stats

        half = stats.t.ppf((1 + level) / 2, self.moments.degrees()) * self.mean_se
        return float(self.mean - half), float(self.mean + half)

    def quantile(self, share: float) -> float:
        """The exponent that this share (0 to 1) of the examples reaches at most, to 0.001."""
        if not self.n:
            return float("nan")
        rank = np.clip(np.ceil(share * self.n), 1, self.n)
        place = int(np.searchsorted(np.cumsum(self.histogram), rank))
        return float(LOWEST + STEP * (place + 0.5))

    def __add__(self, other: "Exponents") -> "Exponents":
        """Those of both sets of files; the two must hold different files."""
        return Exponents(
            self.moments + other.moments,
            self.noise + other.noise,
            self.histogram + other.histogram,
            self.blank + other.blank,
        )


class ExponentAccumulator:
    """Collects fits of single examples into `Exponents`, a batch at a time.

    The examples of a file must come one after another, as a source gives them.
    """

    def __init__(self) -> None:
        self._moments = MomentAccumulator(1)
        self._noise = 0.0
        self._histogram = np.zeros(BINS, np.int64)
        self._blank = 0

    def add(self, fits: ExampleFits, units: np.ndarray) -> None:
        """Add the fits of examples [B] of the files [B]."""
        good = np.isfinite(fits.alpha)
        self._blank += int(np.count_nonzero(~good))
        if not good.any():
            return
        alpha = fits.alpha[good]
        self._moments.add(alpha[:, None], np.asarray(units)[good])
        self._noise += float(np.sum(fits.se[good] ** 2))
        place = np.clip((alpha - LOWEST) / STEP, 0, BINS - 1).astype(np.int64)
        self._histogram += np.bincount(place, minlength=BINS)

    def result(self) -> Exponents:
        """Everything added; ends the accumulation."""
        return Exponents(self._moments.result(), self._noise, self._histogram, self._blank)


def measure_exponents(
    source: Source, spectrum: Spectrum, *, f_range: tuple[float, float] | None = None
) -> Exponents:
    """Read a source (again), and fit every example by itself.

    Parameters
    ----------
    source : Source
    spectrum : Spectrum
        Of this source, or of another with examples of the same shape; says how to measure.
    f_range : (low, high), optional
        Cycles/pixel; as `fit_power_law` has it.

    Returns
    -------
    Exponents
        Their mean, with its interval over files, is the data set's mean exponent. That of the
        arithmetic mean of powers is another one: it is led by the strongest examples.

    Raises
    ------
    InputError
        As `fit_examples`, or the source's own.

    Examples
    --------
    >>> source = spectra.open_source("photos", size=64, crop="center")
    >>> exponents = spectra.measure_exponents(source, spectra.analyze(source))
    >>> round(exponents.mean, 1), np.round(exponents.interval(0.95), 1).tolist()
    (2.6, [2.0, 3.2])
    """
    fitter, found = ExampleFitter.of(spectrum, f_range), ExponentAccumulator()
    size = max(1, BATCH_VALUES // int(np.prod(spectrum.shape)))
    for examples, units in source.read(0, len(source.members), size):
        power = ring_power(examples, spectrum.estimator).mean(axis=1)  # [B, F]
        found.add(fitter.fit(power), units)
    return found.result()
