"""A component-wise noise schedule: what a spectrum is turned into, and the file it lives in."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spectra.bases import Basis, PcaBasis, make_basis
from spectra.errors import InputError, check_number
from spectra.schedule.blur import log_blur, log_blur_slope
from spectra.schedule.checks import check_schedule
from spectra.schedule.processes import Form, coefficients
from spectra.schedule.strata import stratified
from spectra.schedule.visible import largest_visible

if TYPE_CHECKING:
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["Schedule"]

INFORMATION_BINS = 2048
CHUNK = 2**22  # numbers worked on at a time where every component has its own curve


@dataclass(frozen=True, eq=False)
class Schedule:
    """log SNR_i(t) = offset_i - pace(t): one offset a component, one pace for all.

    The forward process is z_i(t) = alpha_i(t) z_i + sigma_i(t) s_i eps_i in the components z of
    the example minus `mean`; t = 0 is data, t = 1 noise. Two things may be added, and then the
    schedule is no longer `separable`: blurring, log SNR_i(t) = offset_i - pace(t) + 2 ln d_i(t)
    with d_i = blur_floor + (1 - blur_floor) exp(-blur_rate_i blur(t)); and `limits`, between
    which ln(alpha_i^2 / sigma_i^2) is clipped: a window of time for every component.

    Attributes
    ----------
    name : str
    basis : str
    shape : (C, *spatial)
    variance : float64 [C, *spatial]
        lambda_i, the value grid's rounding noise included; above 0.
    mean : float64 [C, *spatial]
        Mean example, in data space.
    offset : float64 [C, *spatial]
        -a l_i of the ordering; a ln lambda_i when ordered by variance.
    t, pace : float64 [T]
        Knots of the pace, rising (the pace may stand) from t = 0 to t = 1; linear in between.
    scale : float64 [C, *spatial]
        Noise scale s_i; 1 for a white prior.
    form : {"vp", "flow", "ve"}
        How alpha_i and sigma_i follow from their ratio.
    radial_frequency, radial_log_power, radial_offset : float64 [F]
        ln power and offset as curves over frequency (cycles/pixel): what f_max is read from.
        `radial_offset` is NaN where the order is none of frequencies (places, a given tensor).
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
    limits : (low, high) or None
        Of ln(alpha_i^2 / sigma_i^2).
    blur_rate : float64 [C, *spatial] or None
    radial_blur_rate : float64 [F] or None
        The same over `radial_frequency`.
    blur : float64 [T] or None
        At the knots, rising; linear in between.
    blur_floor : float
        In [0, 1): what no blur takes away.
    components : float64 [D, D] or None
        Rows of the basis "pca".
    density : float64 [T] or None
        Cumulative share of the training times at the knots, rising from 0 to 1, linear in between;
        None: what `coverage` says.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> alpha, sigma = schedule.alpha([0.5]), schedule.sigma([0.5])  # [T, C, H, W]
    >>> bool(np.allclose(alpha**2 + sigma**2, 1))
    True
    >>> schedule.f_max([0.0, 1.0]).round(2)
    array([0.38, 0.  ])
    >>> schedule.grid(steps=3, solver="heun").shape
    (4,)
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
    limits: tuple[float, float] | None = None
    blur_rate: np.ndarray | None = None
    radial_blur_rate: np.ndarray | None = None
    blur: np.ndarray | None = None
    blur_floor: float = 0.0
    components: np.ndarray | None = None
    density: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_schedule(self)

    @property
    def separable(self) -> bool:
        """Whether log SNR_i(t) = offset_i - pace(t) is all: neither blur nor limits."""
        return self.limits is None and self.blur_rate is None

    def make_basis(self) -> Basis:
        """The basis that the components are in."""
        if self.components is not None:
            return PcaBasis(self.shape, self.components, self.variance.ravel())
        return make_basis(self.basis, self.shape)

    def pace_at(self, t: np.ndarray) -> np.ndarray:
        """pace(t), [T] -> [T]."""
        return np.interp(times_of(t), self.t, self.pace)

    def time_at(self, pace: np.ndarray) -> np.ndarray:
        """The time at which the pace takes a value, [T] -> [T]; clipped to the schedule's ends."""
        return np.interp(pace, self.pace, self.t)

    def log_snr(self, t: np.ndarray) -> np.ndarray:
        """ln SNR of every component, data variance included, [T] -> [T, C, *spatial]."""
        unlimited = self._unlimited(t)
        if self.limits is None:
            return unlimited
        return np.clip(unlimited - self._unit_ratio, *self.limits) + self._unit_ratio

    def log_snr_slope(self, t: np.ndarray) -> np.ndarray:
        """d log SNR_i / dt, never above 0, [T] -> [T, C, *spatial].

        On a knot that of the piece after it, at t = 1 of the last.
        """
        t = np.atleast_1d(times_of(t))
        slope = -self._column(_slope(t, self.t, self.pace)) * np.ones(self.shape)
        if self.blur_rate is not None and self.blur is not None:
            x = self.blur_rate * self._column(np.interp(t, self.t, self.blur))
            rate = self.blur_rate * self._column(_slope(t, self.t, self.blur))
            slope = slope + 2 * rate * log_blur_slope(x, self.blur_floor)
        if self.limits is not None:
            ratio = self._unlimited(t) - self._unit_ratio
            slope = np.where((ratio <= self.limits[0]) | (ratio > self.limits[1]), 0.0, slope)
        return slope

    def _unlimited(self, t: np.ndarray) -> np.ndarray:
        """ln SNR before it is clipped, [T] -> [T, C, *spatial]."""
        log_snr = self.offset[None] - self._column(self.pace_at(t))
        if self.blur_rate is not None and self.blur is not None:
            blur = self._column(np.interp(np.atleast_1d(times_of(t)), self.t, self.blur))
            log_snr = log_snr + 2 * log_blur(self.blur_rate * blur, self.blur_floor)
        return log_snr

    @property
    def _unit_ratio(self) -> np.ndarray:
        """ln SNR_i where alpha_i = sigma_i."""
        return np.log(self.variance) - 2 * np.log(self.scale)

    def _column(self, values: np.ndarray) -> np.ndarray:
        return np.atleast_1d(values).reshape(-1, *[1] * len(self.shape))

    def log_ratio(self, t: np.ndarray) -> np.ndarray:
        """ln(alpha_i^2 / sigma_i^2), [T] -> [T, C, *spatial]."""
        return self.log_snr(t) - np.log(self.variance) + 2 * np.log(self.scale)

    def alpha(self, t: np.ndarray) -> np.ndarray:
        """Signal scale of every component, [T] -> [T, C, *spatial]."""
        return coefficients(self.log_ratio(t), self.form)[0]

    def sigma(self, t: np.ndarray) -> np.ndarray:
        """Noise scale of every component, before s_i, [T] -> [T, C, *spatial]."""
        return coefficients(self.log_ratio(t), self.form)[1]

    @property
    def g_denoise(self) -> float:
        """Every component has log SNR(0) >= -g_denoise."""
        if self.separable:
            return float(self.pace[0] - self.offset.min())
        return -float(self.log_snr(np.array([0.0])).min())

    @property
    def g_noise(self) -> float:
        """Every component has log SNR(1) <= -g_noise."""
        if self.separable:
            return float(self.pace[-1] - self.offset.max())
        return -float(self.log_snr(np.array([1.0])).max())

    @cached_property
    def frequency(self) -> np.ndarray:
        """Frequency of each component, cycles/pixel, [C, *spatial]; NaN in the pixel basis."""
        return self.make_basis().frequency

    def f_max(self, t: np.ndarray) -> np.ndarray:
        """Largest frequency with SNR above `threshold`, cycles/pixel, [T] -> [T].

        Read from the curve over the rings, with the blur and the limits of each frequency. Where
        there is none (`radial_offset` is NaN, or the limits meet a prior that is not white) it is
        the largest frequency of a component above the threshold, 0 where none is; NaN in the
        pixel basis, whose components have no frequency.
        """
        return largest_visible(self, np.atleast_1d(times_of(t)))

    def information(self, t: np.ndarray) -> np.ndarray:
        """1/2 sum_i ln(1 + SNR_i(t)) of Gaussian data, nats an example, [T] -> [T]."""
        pace = np.atleast_1d(self.pace_at(t))
        if self.separable:
            return information(self.offset_histogram, pace)
        t = np.atleast_1d(times_of(t))
        rows = max(1, CHUNK // self.variance.size)
        axes = tuple(range(1, self.variance.ndim + 1))
        left = np.empty(len(t))
        for i in range(0, len(t), rows):
            left[i : i + rows] = 0.5 * np.logaddexp(0, self.log_snr(t[i : i + rows])).sum(axis=axes)
        return left

    @cached_property
    def offset_histogram(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct offsets and how many components have each (grouped above 2,048)."""
        return offset_histogram(self.offset)

    def grid(
        self,
        steps: int,
        solver: str = "heun",
        criterion: str | None = None,
        *,
        rule: str = "optimal",
        error: "DenoisingError | None" = None,
    ) -> np.ndarray:
        """Times of a sampler's knots, 1 = t_0 > ... > t_N = 0, [steps + 1].

        The last step, to t_N = 0, lands on the denoised estimate: samples keep no noise.

        Parameters
        ----------
        steps : int
        solver : {"euler", "ddim", "heun", "2m", "ancestral", "covariance"}
            What the knots are optimised for, on Gaussian data of the schedule's variances.
        criterion : {"w2", "kl", "spectrum"}, optional
            Of rule "optimal". Squared Wasserstein-2 distance of samples and data (the default);
            their divergence; or that distance with each component weighted by sqrt(lambda)
            instead of lambda, which keeps the detail that w2 lets go when steps are few.
        rule : {"optimal", "edm", "log-linear", "cosine", "tangent", "rescaled-entropic", "beta"}
            or "time"
            Or a published grid, see `rules.named_sigmas`; "time" is even in t, as most pipelines
            step.
        error : DenoisingError, optional
            Of a trained denoiser, in place of the Wiener filter's: for rules "optimal" and
            "rescaled-entropic", which look at it.

        Raises
        ------
        InputError
            Fewer than one step, an unknown name, a criterion of a published rule, or an error of
            other components.
        """
        from spectra.schedule.steps.grids import schedule_grid

        return schedule_grid(self, steps, solver, criterion, rule=rule, error=error)

    def sample_times(self, n: int, generator: Any) -> Any:
        """Draw n training times, stratified, torch float64 [n].

        Parameters
        ----------
        n : int
        generator : torch.Generator or None
            On any device; None: torch's own, which `torch.manual_seed` seeds.

        Raises
        ------
        InputError
            No number of times, or another kind of generator.
        """
        import torch

        check_number("n", n, low=0)
        if n != int(n):
            raise InputError(f"n {n}: a whole number of times is needed")
        return torch.from_numpy(np.interp(stratified(int(n), generator), *self.quantiles))

    @cached_property
    def quantiles(self) -> tuple[np.ndarray, np.ndarray]:
        """Cumulative training density and its times, ([T], [T]): linear between knots."""
        if self.density is not None:
            return self.density, self.t
        clock = self.clock - self.clock[0]
        return (1 - self.coverage) * self.t + self.coverage * clock / clock[-1], self.t

    @cached_property
    def clock(self) -> np.ndarray:
        """What tells one noise level from the next, at the knots, [T].

        The pace, so that it is even in log-noise; the time where the pace alone does not tell.
        """
        rises = np.diff(self.pace) > 0
        told = rises.any() if self.separable else rises.all()
        return self.pace if told else self.t

    def save(self, path: str | Path) -> None:
        """Write a schedule.safetensors file; reading it back is exact to the bit."""
        from spectra.schedule.tables import save_schedule

        save_schedule(self, path)


def times_of(t: Any) -> np.ndarray:
    """Times as float64, of an array, a list or a tensor wherever it lies; [T] or one number."""
    tensor = hasattr(t, "detach")
    try:
        t = np.asarray(t.detach().cpu().double() if tensor else t, float)
    except (TypeError, ValueError):
        raise InputError("t: a list of numbers in [0, 1] is needed") from None
    if t.ndim > 1:
        raise InputError(f"t of shape {t.shape}: a list of times [T], or one, is needed")
    if not ((t >= 0) & (t <= 1)).all():
        raise InputError("t: times lie in [0, 1]; 0 is data and 1 is noise")
    return t


def _slope(x: np.ndarray, knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Slope of straight lines between knots, on a knot that of the next, [T] -> [T]."""
    right = np.clip(np.searchsorted(knots, x, side="right"), 1, len(knots) - 1)
    return (values[right] - values[right - 1]) / (knots[right] - knots[right - 1])


def offset_histogram(offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct offsets with their counts, [C, *spatial] -> ([K], [K])."""
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
