"""A component-wise noise schedule: what a spectrum is turned into, and the file it lives in."""

from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from spectra.bases import make_basis
from spectra.errors import InputError
from spectra.files import read_tables, write_tables
from spectra.schedule.cutoff import last_crossing
from spectra.schedule.processes import Form, coefficients

__all__ = ["Schedule", "load_schedule"]

FORMAT = "1.0"
INFORMATION_BINS = 2048


@dataclass(frozen=True, eq=False)
class Schedule:
    """log SNR_i(t) = offset_i - pace(t): one offset a component, one pace for all.

    The forward process is z_i(t) = alpha_i(t) z_i + sigma_i(t) s_i eps_i in the components z of
    the example minus `mean`; t = 0 is data, t = 1 noise.

    Attributes
    ----------
    name : str
    basis : str
    shape : (C, H, W)
    variance : float64 [C, H, W]
        lambda_i, the value grid's rounding noise included; above 0.
    mean : float64 [C, H, W]
        Mean example, in data space.
    offset : float64 [C, H, W]
        -a l_i of the ordering; a ln lambda_i when ordered by variance.
    t, pace : float64 [T]
        Knots of the pace, both rising from t = 0 to t = 1; linear in between.
    scale : float64 [C, H, W]
        Noise scale s_i; 1 for a white prior.
    form : {"vp", "flow", "ve"}
        How alpha_i and sigma_i follow from their ratio.
    radial_frequency, radial_log_power, radial_offset : float64 [F]
        ln power and offset as curves over frequency (cycles/pixel): what f_max is read from.
    threshold : float
        SNR at which a frequency counts as drowned.
    coverage : float
        Share of training times spread evenly in log-noise; the rest is even in t.
    quantum : float
    data : dict
        Settings that reopen the source in the view that was measured.
    fingerprint : str
    explanation : dict of str
        One line per choice.
    """

    name: str
    basis: str
    shape: tuple[int, ...]
    variance: np.ndarray
    mean: np.ndarray
    offset: np.ndarray
    t: np.ndarray
    pace: np.ndarray
    scale: np.ndarray
    form: Form
    radial_frequency: np.ndarray
    radial_log_power: np.ndarray
    radial_offset: np.ndarray
    threshold: float = 1.0
    coverage: float = 0.0
    quantum: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    explanation: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("variance", "mean", "offset", "scale"):
            if getattr(self, name).shape != self.shape:
                raise InputError(f"schedule: {name} has another shape than {self.shape}")
        if not (np.diff(self.t) > 0).all() or self.t[0] != 0 or self.t[-1] != 1:
            raise InputError("schedule: times must rise from 0 to 1")
        if not (np.diff(self.pace) >= 0).all() or not np.isfinite(self.pace).all():
            raise InputError("schedule: the pace must rise with t, so that SNR falls")

    def pace_at(self, t: np.ndarray) -> np.ndarray:
        """pace(t), [T] -> [T]."""
        t = np.asarray(t, float)
        if not ((t >= 0) & (t <= 1)).all():
            raise InputError("t: times lie in [0, 1]; 0 is data and 1 is noise")
        return np.interp(t, self.t, self.pace)

    def time_at(self, pace: np.ndarray) -> np.ndarray:
        """The time at which the pace takes a value, [T] -> [T]; clipped to the schedule's ends."""
        return np.interp(pace, self.pace, self.t)

    def log_snr(self, t: np.ndarray) -> np.ndarray:
        """ln SNR of every component, data variance included, [T] -> [T, C, H, W]."""
        pace = np.atleast_1d(self.pace_at(t))
        return self.offset[None] - pace.reshape(-1, *[1] * len(self.shape))

    def log_ratio(self, t: np.ndarray) -> np.ndarray:
        """ln(alpha_i^2 / sigma_i^2), [T] -> [T, C, H, W]."""
        return self.log_snr(t) - np.log(self.variance) + 2 * np.log(self.scale)

    def alpha(self, t: np.ndarray) -> np.ndarray:
        """Signal scale of every component, [T] -> [T, C, H, W]."""
        return coefficients(self.log_ratio(t), self.form)[0]

    def sigma(self, t: np.ndarray) -> np.ndarray:
        """Noise scale of every component, before s_i, [T] -> [T, C, H, W]."""
        return coefficients(self.log_ratio(t), self.form)[1]

    @property
    def g_denoise(self) -> float:
        """Every component has log SNR(0) >= -g_denoise."""
        return float(self.pace[0] - self.offset.min())

    @property
    def g_noise(self) -> float:
        """Every component has log SNR(1) <= -g_noise."""
        return float(self.pace[-1] - self.offset.max())

    @property
    def frequency(self) -> np.ndarray:
        """Frequency of each component, cycles/pixel, [C, H, W]; NaN in the pixel basis."""
        return make_basis(self.basis, self.shape).frequency

    def f_max(self, t: np.ndarray) -> np.ndarray:
        """Largest frequency with SNR above `threshold`, cycles/pixel, [T] -> [T]."""
        level = np.log(self.threshold) + np.atleast_1d(self.pace_at(t))
        return last_crossing(self.radial_frequency, self.radial_offset, level)

    def information(self, t: np.ndarray) -> np.ndarray:
        """1/2 sum_i ln(1 + SNR_i(t)) of Gaussian data, nats an example, [T] -> [T]."""
        return information(self.offset_histogram, np.atleast_1d(self.pace_at(t)))

    @cached_property
    def offset_histogram(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct offsets and how many components have each (grouped above 2,048)."""
        return offset_histogram(self.offset)

    def grid(self, steps: int, *, rho: float = 7.0) -> np.ndarray:
        """Times of a sampler's knots, 1 = t_0 > ... > t_N = 0, [steps + 1].

        Where one noise level holds for all components (standard diffusion's order), they are
        even in sigma^(1 / rho), sigma = exp(pace / 2), between the schedule's ends. Elsewhere
        that rule would spend most knots where nothing changes; they are even in log-noise,
        counted where some component is in transition. The last step, to t_N = 0, lands on the
        denoised estimate: samples keep no noise.

        Parameters
        ----------
        steps : int
        rho : float
            7 is EDM's; the larger, the more of the knots lie at low noise. For standard
            diffusion's order.

        Raises
        ------
        InputError
            Fewer than one step, or rho under 1.

        Notes
        -----
        Karras et al. (2022), equation 5.
        """
        if steps < 1:
            raise InputError(f"steps {steps}: at least one step is needed")
        if not rho >= 1:
            raise InputError(f"rho {rho}: at least 1 is needed (7 is usual)")
        if np.allclose(self.offset, np.log(self.variance), atol=1e-9):
            noisy, clean = np.exp(self.pace[[-1, 0]] / (2 * rho))
            pace = 2 * rho * np.log(np.linspace(noisy, clean, steps + 1))
        else:
            fine = np.linspace(self.pace[-1], self.pace[0], 4001)
            nearest = np.abs(self.offset_histogram[0][:, None] - fine).min(axis=0)  # |log SNR|
            passed = np.cumsum(1 / np.cosh(np.minimum(nearest, 300) / 4) ** 2)
            even = np.linspace(passed[0], passed[-1], steps + 1)
            pace = np.interp(even, passed, fine)
        times = self.time_at(pace)
        times[0], times[-1] = 1.0, 0.0
        return times

    def sample_times(self, n: int, generator: Any) -> Any:
        """Draw n training times, stratified, torch float64 [n].

        Parameters
        ----------
        n : int
        generator : torch.Generator
        """
        import torch

        strata = (torch.arange(n) + torch.rand(n, generator=generator, dtype=torch.float64)) / n
        return torch.from_numpy(np.interp(strata.numpy(), *self.quantiles))

    @cached_property
    def quantiles(self) -> tuple[np.ndarray, np.ndarray]:
        """Cumulative training density and its times, ([T], [T]): linear between knots."""
        even_in_noise = (self.pace - self.pace[0]) / (self.pace[-1] - self.pace[0])
        return (1 - self.coverage) * self.t + self.coverage * even_in_noise, self.t

    def save(self, path: str | Path) -> None:
        """Write a schedule.safetensors file; reading it back is exact to the bit."""
        tables = {
            "variance": self.variance,
            "mean": self.mean,
            "offset": self.offset,
            "t": self.t,
            "pace": self.pace,
            "scale": self.scale,
            "radial_frequency": self.radial_frequency,
            "radial_log_power": self.radial_log_power,
            "radial_offset": self.radial_offset,
        }
        settings = {
            "name": self.name,
            "basis": self.basis,
            "shape": list(self.shape),
            "form": self.form,
            "threshold": self.threshold,
            "coverage": self.coverage,
            "quantum": self.quantum,
            "data": self.data,
            "fingerprint": self.fingerprint,
            "explanation": self.explanation,
        }
        write_tables(path, "schedule", FORMAT, tables, settings)


def load_schedule(path: str | Path) -> Schedule:
    """Read a schedule.safetensors file.

    Raises
    ------
    InputError
        Missing, damaged, incomplete, of another kind, or from a later major version.
    """
    tables, settings = read_tables(path, "schedule", major=1)
    found = {**tables, **settings, "shape": tuple(settings.get("shape", ()))}
    missing = [part.name for part in fields(Schedule) if part.name not in found]
    if missing:
        raise InputError(f"{path}: lacks {', '.join(missing)}; write it again with spectra")
    # Anything else in it was added by a later minor version.
    return Schedule(**{part.name: found[part.name] for part in fields(Schedule)})


def offset_histogram(offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct offsets with their counts, [C, H, W] -> ([K], [K])."""
    values, counts = np.unique(offset, return_counts=True)
    if len(values) <= INFORMATION_BINS:
        return values, counts.astype(float)
    edges = np.linspace(values[0], values[-1], INFORMATION_BINS + 1)
    counts, _ = np.histogram(offset, edges)
    sums, _ = np.histogram(offset, edges, weights=offset)
    used = counts > 0
    return sums[used] / counts[used], counts[used].astype(float)


def information(histogram: tuple[np.ndarray, np.ndarray], pace: np.ndarray) -> np.ndarray:
    """1/2 sum_i ln(1 + SNR_i) at each pace, [T] -> [T], nats."""
    values, counts = histogram
    return 0.5 * np.logaddexp(0, values[None, :] - pace[:, None]) @ counts
