"""The measured spectrum of a data set: a value that can be saved, loaded and merged."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spectra.bases import ScatterMoments, make_basis, pca, pca_variance
from spectra.errors import InputError
from spectra.spectrum.estimator import Estimator
from spectra.spectrum.moments import FileMoments

__all__ = [
    "SETTINGS",
    "Average",
    "Spectrum",
    "cycles_per",
    "frequency_unit",
    "measured_sources",
    "merged",
    "mirrored",
]

# How examples were measured; spectra add only where these are the same.
SETTINGS = ("window", "detrend", "reach", "segment", "spacing", "axis_units")
# What of a file was looked at, in which unit; likewise.
VIEW = ("view", "channels", "value_range", "rate")
Average = Literal["arithmetic", "log"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power spectrum of a data set and what its uncertainty is made of.

    Attributes
    ----------
    name, kind : str
        Of the source.
    shape : (C, H, W) or (C, T)
        Of one example.
    window : str
    power_moments, log_moments : FileMoments
        Of the ring power, and of its natural logarithm, per example.
    mean : float64 [C, *spatial]
        Mean example.
    mean_power_2d : float64 [H, W] or None
        Mean |F|^2 / (H W) over examples and channels, DC at [0, 0]; None for series.
    variances : dict of float64 [C, *spatial]
        Variance about the mean (n - 1) of every component, by basis.
    cross_power : float64 [C, C, F] or None
        Mean over examples and rings of Re F_a conj(F_b) / size, channel by channel; None for a
        single channel, or more than 16.
    scatter : ScatterMoments or None
        Where PCA was asked for.
    detrend, reach, segment
        See `Estimator`.
    spacing, axis_units
        Distance of neighbouring samples along each axis, and its unit.
    blank : int
        Examples without any variation in some ring. Images then have no logarithm, and are not
        in `log_moments`.
    quantum : float
        Spacing of the value grid; 0 where the values are continuous.
    data : dict
        The source's settings: what reopens the same view.
    fingerprint : str
    skipped : tuple of (name, reason)

    Examples
    --------
    >>> first, second = spectra.open_source("photos", size=64, crop="center").split(held_out=0.5)
    >>> both = spectra.analyze(first) + spectra.analyze(second)
    >>> both.n, both.power.shape
    (11, (31,))
    >>> low, high = both.power_interval(0.95)
    >>> bool((low < both.power).all() and (both.power < high).all())
    True
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    window: str
    power_moments: FileMoments
    log_moments: FileMoments
    mean: np.ndarray
    mean_power_2d: np.ndarray | None
    variances: dict[str, np.ndarray]
    cross_power: np.ndarray | None = None
    scatter: ScatterMoments | None = None
    detrend: str = "mean"
    reach: str = "inside"
    segment: int | None = None
    spacing: tuple[float, ...] = ()
    axis_units: tuple[str, ...] = ()
    blank: int = 0
    quantum: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def estimator(self) -> Estimator:
        """How each example was measured."""
        return Estimator(self.shape[1:], self.window, self.detrend, self.reach, self.segment)

    @property
    def frequency(self) -> np.ndarray:
        """Mean |f| of each ring's modes, cycles/pixel (of a series, cycles/sample), [F]."""
        return self.estimator.plan.frequency

    @property
    def unit(self) -> str:
        """What `physical_frequency` is in."""
        units, spacing = set(self.axis_units), set(self.spacing)
        if len(units) == 1 and len(spacing) == 1:
            return cycles_per(next(iter(units)))
        return frequency_unit(self.shape)

    @property
    def physical_frequency(self) -> np.ndarray:
        """`frequency` in Hz or cycles by the axes' unit, where all axes share one, [F]."""
        shared = len(set(self.spacing)) == 1 and len(set(self.axis_units)) == 1
        return self.frequency / self.spacing[0] if shared else self.frequency

    @property
    def ring(self) -> np.ndarray:
        """Ring numbers, [F]; ring k is at about k / min(H, W) cycles/pixel."""
        return self.estimator.plan.ring

    @property
    def count(self) -> np.ndarray:
        """FFT points of the full plane in each ring, [F]."""
        return self.estimator.plan.count

    @property
    def n(self) -> int:
        """Examples measured."""
        return self.power_moments.n

    @property
    def n_files(self) -> int:
        """Independent files measured."""
        return self.power_moments.n_files

    @property
    def power(self) -> np.ndarray:
        """Arithmetic mean over examples of the ring power, [F]; the lambda that schedules use."""
        return self.power_moments.mean

    @property
    def log_power(self) -> np.ndarray:
        """Mean over examples of ln(ring power), [F]: the post's average in the log domain.

        Of series the mean over files of ln(the file's mean power): a clip's Welch spectrum.
        """
        return self.log_moments.mean

    @property
    def per_log(self) -> float:
        """Examples behind one logarithm of `log_power`: an image alone, a series' whole file."""
        return self.n / self.n_files if len(self.shape) == 2 else 1.0

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation between files of ln power, [F]; NaN for a single file."""
        moments = self.log_moments
        return np.sqrt(np.diagonal(moments.covariance()).clip(0) * moments.effective_files)

    @property
    def quantisation_floor(self) -> float:
        """Power of the value grid's rounding noise, quantum^2 / 12, in every ring."""
        return self.quantum**2 / 12

    def mode_covariance(self) -> np.ndarray:
        """Covariance of the relative ring powers of one Gaussian example, [F, F]."""
        return self.estimator.covariance()

    def law_power(self, alpha: float) -> np.ndarray:
        """Expected power in each ring where the spectrum is f^-alpha, [F]."""
        return self.estimator.law_power(alpha)

    def log_mean(self, average: Average = "arithmetic") -> np.ndarray:
        """ln of the chosen average over examples, [F]."""
        return np.log(self.power) if average == "arithmetic" else self.log_power

    def log_covariance(self, average: Average = "arithmetic") -> np.ndarray:
        """Covariance of `log_mean` [F, F] from the scatter between files (delta method)."""
        if average == "log":
            return self.log_moments.covariance()
        covariance = self.power_moments.covariance(self.effective_files(average))
        return covariance / np.outer(self.power, self.power)

    def effective_files(self, average: Average = "arithmetic") -> float:
        """Files that would say as much if each had the same part in the average.

        A mean of powers is mostly that of the strongest files, any mean that of the largest.
        """
        if average == "log":
            return self.log_moments.effective_files
        return self.power_moments.effective_files_of_total

    def degrees(self, average: Average = "arithmetic") -> float:
        """Degrees of freedom of `log_covariance`: effective files - 1, infinite where NaN."""
        moments = self.log_moments if average == "log" else self.power_moments
        return moments.degrees(self.effective_files(average))

    def power_interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Interval of `power`, ([F], [F]).

        With several files: Student t on ln power, from the scatter between them. With one:
        chi-squared with the ring's independent modes (the modes of one picture say nothing of
        other pictures).
        """
        from scipy import stats

        degrees = self.degrees()
        if np.isinf(degrees):
            modes = 2 * self.n / np.diagonal(self.mode_covariance())
            low, high = stats.chi2.ppf([(1 + level) / 2, (1 - level) / 2], modes[:, None]).T
            return self.power * modes / low, self.power * modes / high
        half = stats.t.ppf((1 + level) / 2, degrees)
        error = np.sqrt(np.diagonal(self.log_covariance()).clip(0))
        return self.power * np.exp(-half * error), self.power * np.exp(half * error)

    def component_variance(self, basis: str) -> np.ndarray:
        """Variance of every component of `basis` about the mean example, [C, *spatial].

        Those of "pca" come largest first; [K] where only K of them are known.

        Raises
        ------
        InputError
            The basis was not measured.
        """
        if basis == "pca" and self.scatter is not None:
            return self._pca_variance
        if basis not in self.variances:
            measured = ", ".join(self.bases) or "none"
            raise InputError(
                f"basis {basis!r} was not measured (measured: {measured}); "
                f"analyze again with bases including {basis!r}"
            )
        return self.variances[basis]

    @cached_property
    def _pca_variance(self) -> np.ndarray:
        """Found once: 3,072 components take seconds."""
        assert self.scatter is not None
        if self.scatter.exact:
            return pca_variance(self.scatter).reshape(self.shape)
        return pca(self.scatter, self.shape).variance

    @property
    def bases(self) -> tuple[str, ...]:
        """Those whose components were measured."""
        return (*self.variances, *(["pca"] if self.scatter is not None else []))

    def save(self, path: str | Path) -> None:
        """Write a spectrum.safetensors file; reading it back is exact to the bit."""
        from spectra.spectrum.tables import save_spectrum

        save_spectrum(self, path)

    def __add__(self, other: "Spectrum") -> "Spectrum":
        """The spectrum of both sets of files; the two must hold different files.

        Raises
        ------
        InputError
            The two were measured with different settings, or one has a part of the other in it.
        """
        if not isinstance(other, Spectrum):
            return NotImplemented
        for name in ("kind", "shape", *SETTINGS, "quantum"):
            _check_same(name, getattr(self, name), getattr(other, name))
        for name in VIEW:
            _check_same(name, self.data.get(name), other.data.get(name))
        # A picture made small has another scale than a part of one; whole files fit either.
        crops = self.data.get("crop"), other.data.get("crop")
        if "resize" in crops and {"center", "patches"} & set(crops):
            _check_same("crop", *crops)
        if set(self.bases) != set(other.bases):
            raise InputError("the two spectra hold different bases; measure the same ones in both")
        if measured_sources(self.fingerprint) & measured_sources(other.fingerprint):
            raise InputError(f"{self.name}: both spectra are of the same files; add different ones")
        return replace(
            merged(self, other),
            name=f"{self.name} + {other.name}",
            fingerprint=f"{self.fingerprint}+{other.fingerprint}",
        )

    def __radd__(self, other: int) -> "Spectrum":
        """With the 0 that `sum` begins with."""
        return self if isinstance(other, int) and other == 0 else NotImplemented


def _check_same(name: str, ours: Any, theirs: Any) -> None:
    """Refuse to add what was measured or seen in different ways."""
    if ours != theirs:
        raise InputError(f"{name} differs between the two spectra: {ours} and {theirs}")


def measured_sources(fingerprint: str) -> set[str]:
    """Fingerprints of the sources behind one, which of a merged spectrum are several."""
    return set(fingerprint.split("+")) - {""}


def cycles_per(unit: str) -> str:
    """The unit of frequency along an axis of this unit."""
    return "Hz" if unit == "s" else f"cycles/{unit}"


def frequency_unit(shape: Sequence[int]) -> str:
    """What the frequencies of examples [C, *spatial] count in, where they have no spacing."""
    return "cycles/sample" if len(shape) == 2 else "cycles/pixel"


def merged(a: Spectrum, b: Spectrum) -> Spectrum:
    """The moments of both sets of examples, under the name of the first."""
    n, m = a.n, b.n
    share = m / (n + m)
    variances = {}
    for basis, mine in a.variances.items():
        shift = make_basis(basis, a.shape).forward(b.mean - a.mean)
        between = mirrored(basis, n * share * shift**2)
        squares = (n - 1) * mine + (m - 1) * b.variances[basis] + between
        variances[basis] = squares / (n + m - 1)

    def mean_of(ours: np.ndarray | None, theirs: np.ndarray | None) -> np.ndarray | None:
        return None if ours is None or theirs is None else ours + share * (theirs - ours)

    return replace(
        a,
        power_moments=a.power_moments + b.power_moments,
        log_moments=a.log_moments + b.log_moments,
        mean=a.mean + share * (b.mean - a.mean),
        mean_power_2d=mean_of(a.mean_power_2d, b.mean_power_2d),
        cross_power=mean_of(a.cross_power, b.cross_power),
        variances=variances,
        scatter=None if a.scatter is None or b.scatter is None else a.scatter + b.scatter,
        blank=a.blank + b.blank,
        skipped=a.skipped + b.skipped,
    )


def mirrored(basis: str, variance: np.ndarray) -> np.ndarray:
    """A variance table as it is kept: for Fourier the mean of k and -k, which is |F|^2."""
    if basis != "fourier":
        return variance
    axes = tuple(range(1, variance.ndim))
    return (variance + np.roll(np.flip(variance, axes), 1, axes)) / 2
