"""The measured spectrum of a data set: a value that can be saved, loaded and merged."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from spectra.bases import make_basis
from spectra.errors import InputError
from spectra.files import read_tables, write_tables
from spectra.spectrum.expectation import ring_covariance, ring_power_of_law
from spectra.spectrum.moments import FileMoments
from spectra.spectrum.rings import ring_plan

__all__ = ["Average", "Spectrum", "load_spectrum", "mirrored"]

FORMAT = "1.0"
Average = Literal["arithmetic", "log"]


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power spectrum of a data set and what its uncertainty is made of.

    Attributes
    ----------
    name, kind : str
        Of the source.
    shape : (C, H, W)
        Of one example.
    window : str
    power_moments, log_moments : FileMoments
        Of the ring power, and of its natural logarithm, per example.
    mean : float64 [C, H, W]
        Mean example.
    mean_power_2d : float64 [H, W]
        Mean |F|^2 / (H W) over examples and channels, DC at [0, 0].
    variances : dict of float64 [C, H, W]
        Variance about the mean (n - 1) of every component, by basis.
    quantum : float
        Spacing of the value grid; 0 where the values are continuous.
    data : dict
        The source's settings: what reopens the same view.
    fingerprint : str
    skipped : tuple of (name, reason)
    """

    name: str
    kind: str
    shape: tuple[int, int, int]
    window: str
    power_moments: FileMoments
    log_moments: FileMoments
    mean: np.ndarray
    mean_power_2d: np.ndarray
    variances: dict[str, np.ndarray]
    quantum: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def frequency(self) -> np.ndarray:
        """Mean |f| of each ring's modes, cycles/pixel, [F]."""
        return ring_plan(self.shape[1:]).frequency

    @property
    def ring(self) -> np.ndarray:
        """Ring numbers, [F]; ring k is at about k / min(H, W) cycles/pixel."""
        return ring_plan(self.shape[1:]).ring

    @property
    def count(self) -> np.ndarray:
        """FFT points of the full plane in each ring, [F]."""
        return ring_plan(self.shape[1:]).count

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
        """Mean over examples of ln(ring power), [F]: the post's average in the log domain."""
        return self.log_moments.mean

    @property
    def spread(self) -> np.ndarray:
        """Standard deviation between files of ln power, [F]; NaN for a single file."""
        moments = self.log_moments
        effective = moments.n**2 / moments.squared_sizes
        return np.sqrt(np.diagonal(moments.covariance()).clip(0) * effective)

    @property
    def quantisation_floor(self) -> float:
        """Power of the value grid's rounding noise, quantum^2 / 12, in every ring."""
        return self.quantum**2 / 12

    def mode_covariance(self) -> np.ndarray:
        """Covariance of the relative ring powers of one Gaussian example, [F, F]."""
        return ring_covariance(self.shape[1:], self.window)

    def law_power(self, alpha: float) -> np.ndarray:
        """Expected power in each ring where the spectrum is f^-alpha, [F]."""
        return ring_power_of_law(self.shape[1:], self.window, alpha)

    def log_mean(self, average: Average = "arithmetic") -> np.ndarray:
        """ln of the chosen average over examples, [F]."""
        return np.log(self.power) if average == "arithmetic" else self.log_power

    def log_covariance(self, average: Average = "arithmetic") -> np.ndarray:
        """Covariance of `log_mean` [F, F] from the scatter between files (delta method)."""
        if average == "log":
            return self.log_moments.covariance()
        return self.power_moments.covariance() / np.outer(self.power, self.power)

    def power_interval(self, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Interval of `power`, ([F], [F]).

        With several files: Student t on ln power, from the scatter between files. With one:
        chi-squared with the ring's independent modes (the modes of one picture say nothing of
        other pictures).
        """
        from scipy import stats

        if self.n_files < 2:
            modes = 2 * self.n / np.diagonal(self.mode_covariance())
            low, high = stats.chi2.ppf([(1 + level) / 2, (1 - level) / 2], modes[:, None]).T
            return self.power * modes / low, self.power * modes / high
        half = stats.t.ppf((1 + level) / 2, self.n_files - 1)
        error = np.sqrt(np.diagonal(self.log_covariance()).clip(0))
        return self.power * np.exp(-half * error), self.power * np.exp(half * error)

    def component_variance(self, basis: str) -> np.ndarray:
        """Variance of every component of `basis` about the mean example, [C, H, W].

        Raises
        ------
        InputError
            The basis was not measured.
        """
        if basis not in self.variances:
            measured = ", ".join(self.variances) or "none"
            raise InputError(
                f"basis {basis!r} was not measured (measured: {measured}); "
                f"analyze again with bases including {basis!r}"
            )
        return self.variances[basis]

    def save(self, path: str | Path) -> None:
        """Write a spectrum.safetensors file; reading it back is exact to the bit."""
        tables: dict[str, np.ndarray] = {
            "frequency": self.frequency,
            "ring": self.ring,
            "count": self.count,
            "power": self.power,
            "log_power": self.log_power,
            "mean": self.mean,
            "mean_power_2d": self.mean_power_2d,
        }
        tables |= {f"variance.{basis}": table for basis, table in self.variances.items()}
        for name, moments in (("power", self.power_moments), ("log", self.log_moments)):
            tables[f"moments.{name}.total"] = moments.total
            tables[f"moments.{name}.sized_total"] = moments.sized_total
            tables[f"moments.{name}.outer"] = moments.outer
        settings = {
            "name": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "window": self.window,
            "n": self.n,
            "n_files": self.n_files,
            "squared_sizes": self.power_moments.squared_sizes,
            "quantum": self.quantum,
            "data": self.data,
            "fingerprint": self.fingerprint,
            "skipped": [list(item) for item in self.skipped],
        }
        write_tables(path, "spectrum", FORMAT, tables, settings)

    def __add__(self, other: "Spectrum") -> "Spectrum":
        """The spectrum of both sets of files; the two must hold different files.

        Raises
        ------
        InputError
            The two were measured with different settings, or on the same files.
        """
        for name in ("shape", "window", "kind", "quantum"):
            ours, theirs = getattr(self, name), getattr(other, name)
            if ours != theirs:
                raise InputError(f"{name} differs between the two spectra: {ours} and {theirs}")
        if set(self.variances) != set(other.variances):
            raise InputError("the two spectra hold different bases; measure the same ones in both")
        if self.fingerprint and self.fingerprint == other.fingerprint:
            raise InputError(f"{self.name}: both spectra are of the same files; add different ones")
        n, m = self.n, other.n
        share = m / (n + m)
        variances = {}
        for basis, mine in self.variances.items():
            shift = make_basis(basis, self.shape).forward(other.mean - self.mean)
            between = mirrored(basis, n * share * shift**2)
            squares = (n - 1) * mine + (m - 1) * other.variances[basis] + between
            variances[basis] = squares / (n + m - 1)
        return replace(
            self,
            name=f"{self.name} + {other.name}",
            power_moments=self.power_moments + other.power_moments,
            log_moments=self.log_moments + other.log_moments,
            mean=self.mean + share * (other.mean - self.mean),
            mean_power_2d=self.mean_power_2d + share * (other.mean_power_2d - self.mean_power_2d),
            variances=variances,
            fingerprint=f"{self.fingerprint}+{other.fingerprint}",
            skipped=self.skipped + other.skipped,
        )


def mirrored(basis: str, variance: np.ndarray) -> np.ndarray:
    """A variance table as it is kept: for Fourier the mean of k and -k, which is |F|^2."""
    if basis != "fourier":
        return variance
    axes = tuple(range(1, variance.ndim))
    return (variance + np.roll(np.flip(variance, axes), 1, axes)) / 2


def load_spectrum(path: str | Path) -> Spectrum:
    """Read a spectrum.safetensors file.

    Raises
    ------
    InputError
        Missing, damaged, incomplete, of another kind, or from a later major version.
    """
    tables, settings = read_tables(path, "spectrum", major=1)
    try:
        return _restored(tables, settings)
    except KeyError as missing:
        raise InputError(f"{path}: lacks {missing}; write it again with spectra") from missing


def _restored(tables: dict[str, np.ndarray], settings: dict[str, Any]) -> Spectrum:
    """What `Spectrum.save` wrote; KeyError names what is not there."""
    moments = {
        name: FileMoments(
            n=settings["n"],
            n_files=settings["n_files"],
            squared_sizes=settings["squared_sizes"],
            total=tables[f"moments.{name}.total"],
            sized_total=tables[f"moments.{name}.sized_total"],
            outer=tables[f"moments.{name}.outer"],
        )
        for name in ("power", "log")
    }
    prefix = "variance."
    return Spectrum(
        name=settings["name"],
        kind=settings["kind"],
        shape=tuple(settings["shape"]),
        window=settings["window"],
        power_moments=moments["power"],
        log_moments=moments["log"],
        mean=tables["mean"],
        mean_power_2d=tables["mean_power_2d"],
        variances={k[len(prefix) :]: v for k, v in tables.items() if k.startswith(prefix)},
        quantum=settings["quantum"],
        data=settings["data"],
        fingerprint=settings["fingerprint"],
        skipped=tuple((name, reason) for name, reason in settings["skipped"]),
    )
