"""What finite steps cost, exactly, on Gaussian data of a measured spectrum.

With a linear denoiser every component of a sampler is one scalar recursion. A grid of N knots
ends with a step to sigma = 0, so that N steps are N evaluations, or 2 N - 1 with Heun.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from spectra.errors import InputError, check_name
from spectra.schedule.steps.checks import check_same_components, check_variance
from spectra.schedule.steps.members import error_members, schedule_members
from spectra.schedule.steps.recursion import (
    LinearSolver,
    ancestral_variance,
    covariance_multipliers,
    multipliers,
)

if TYPE_CHECKING:
    from spectra.schedule.schedule import Schedule
    from spectra.schedule.steps.denoising import DenoisingError

__all__ = [
    "MOST_LOG_SNR",
    "GridSolver",
    "Knots",
    "Prediction",
    "Start",
    "check_grid",
    "evaluations",
    "knots_of",
    "linear_solver",
    "log_start",
    "predict_error",
    "predict_sigmas",
    "wiener_knots",
    "within",
]

GridSolver = Literal["euler", "ddim", "heun", "2m", "ancestral", "covariance"]
Start = Literal["data", "white"]

CHUNK = 1 << 16  # components at a time
# A sequential schedule has components far beyond any noise one can see: e^60 and its square root
# times any data variance stay inside float32.
MOST_LOG_SNR = 60.0
FINE = 400  # points of the exact flow's integral where the denoiser is not Wiener's


@dataclass(frozen=True)
class Knots:
    """A linear denoiser at a grid's knots.

    Attributes
    ----------
    log_sigma, gain, slope : float64 [N, K]
        x = ln sigma (data units), W(sigma) with D(y) = W y, and dW / dx.
    variance : float64 [K]
        lambda.
    log_flow : float64 [K]
        ln of what the exact flow multiplies y by from the first knot to sigma = 0;
        1/2 ln W(sigma_0) for Gaussian data.
    """

    log_sigma: np.ndarray
    gain: np.ndarray
    slope: np.ndarray
    variance: np.ndarray
    log_flow: np.ndarray


@dataclass(frozen=True)
class Prediction:
    """Error of a solver on a grid before anything is trained.

    Attributes
    ----------
    ratio : float64 [*shape]
        Variance of the samples over that of the data, per component; 1 is exact.
    variance : float64 [*shape]
        lambda.
    count : float64 [*shape]
        How many components each entry stands for.
    evaluations : int
        Of the denoiser.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> found = spectra.predict_error(schedule, schedule.grid(10, "heun"), "heun")
    >>> found.evaluations, bool(found.w2 < 0.01 * schedule.variance.mean())
    (19, True)
    """

    ratio: np.ndarray
    variance: np.ndarray
    count: np.ndarray
    evaluations: int

    @property
    def w2_parts(self) -> np.ndarray:
        """lambda_i (1 - sqrt r_i)^2 of each component, [*shape]."""
        return self.variance * (1 - np.sqrt(self.ratio)) ** 2

    @property
    def w2(self) -> float:
        """Squared Wasserstein-2 distance of samples and data, per dimension."""
        return float((self.count * self.w2_parts).sum() / self.count.sum())

    @property
    def kl(self) -> float:
        """KL(samples || data), nats per dimension: 1/2 (r_i - 1 - ln r_i)."""
        with np.errstate(divide="ignore"):
            parts = 0.5 * (self.ratio - 1 - np.log(self.ratio))
        return float((self.count * parts).sum() / self.count.sum())

    def by_ring(self, frequency: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """Mean ratio, weighted by lambda, of the components between edges, [E + 1] -> [E].

        NaN where there is no component. `frequency` is each component's, [*shape].
        """
        ring = np.digitize(frequency.ravel(), edges) - 1
        inside = (ring >= 0) & (ring < len(edges) - 1)
        weight = (self.count * self.variance).ravel()[inside]
        total = np.bincount(ring[inside], weight, len(edges) - 1)
        mean = np.bincount(ring[inside], weight * self.ratio.ravel()[inside], len(edges) - 1)
        with np.errstate(invalid="ignore"):
            return mean / total


def predict_error(
    schedule: "Schedule",
    grid: np.ndarray,
    solver: str = "heun",
    *,
    start: Start = "data",
    error: "DenoisingError | None" = None,
) -> Prediction:
    """Predict what a solver makes of a data set's spectrum along a grid.

    Parameters
    ----------
    schedule : Schedule
    grid : [N + 1]
        Times 1 >= t_0 > ... > t_N = 0, as `Schedule.grid` gives them. The last step goes from
        t_{N-1} to no noise at all.
    solver : {"euler", "ddim", "heun", "2m", "ancestral", "covariance"}
    start : {"data", "white"}
        Sampling starts from the second moments of noised data, N(0, lambda + sigma^2), as our
        sampler does; or from N(0, sigma^2), as pipelines do that know nothing of the data.
        A variance-preserving pipeline's N(0, 1) is 1 + 1 / sigma^2 times that: as good as the same
        unless the data's variance, and with it sigma at t = 1, is far under 1.
    error : DenoisingError, optional
        Of a trained denoiser, instead of the Wiener filter's.

    Returns
    -------
    Prediction

    Raises
    ------
    InputError
        An unknown solver, or times that do not fall to 0.

    Notes
    -----
    Exact for Gaussian data and the exact denoiser. Euler: a step multiplies component i by
    cos(theta_i - theta_i'), theta = arctan(sigma / sqrt(lambda)), relative to the exact flow.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> optimal, even = (
    ...     spectra.predict_error(schedule, schedule.grid(10, "heun", rule=rule), "heun")
    ...     for rule in ("optimal", "time")
    ... )
    >>> optimal.evaluations, bool(optimal.w2 < even.w2)
    (19, True)
    """
    times = check_grid(grid)[:-1]
    size = int(np.prod(schedule.shape))
    ratio = np.empty(size)
    for first in range(0, size, CHUNK):
        at = np.arange(first, min(first + CHUNK, size))
        ratio[at] = _ratio(knots_of(schedule, times, at, error), solver, start)
    return Prediction(
        ratio.reshape(schedule.shape),
        schedule.variance,
        np.ones(schedule.shape),
        evaluations(len(times), solver),
    )


def predict_sigmas(
    variance: np.ndarray,
    sigmas: np.ndarray,
    solver: str = "heun",
    *,
    count: np.ndarray | None = None,
    start: Start = "data",
) -> Prediction:
    """As `predict_error`, for one list of noise levels shared by all components.

    Parameters
    ----------
    variance : [K]
        lambda of each component, above 0.
    sigmas : [N]
        Falling, above 0, in data units; the step to 0 comes after the last.
    solver : {"euler", "ddim", "heun", "2m", "ancestral", "covariance"}
    count : [K], optional
        How many components share each variance.
    start : {"data", "white"}

    Returns
    -------
    Prediction

    Raises
    ------
    InputError
        An unknown solver, or noise levels that do not fall or are not above 0.

    Examples
    --------
    >>> variance = np.arange(1.0, 65.0) ** -2
    >>> sigmas = spectra.optimal_sigmas(variance, 10, "heun", sigma_max=80, sigma_min=0.002)
    >>> karras = np.linspace(80 ** (1 / 7), 0.002 ** (1 / 7), 10) ** 7
    >>> found, published = (spectra.predict_sigmas(variance, of, "heun") for of in (sigmas, karras))
    >>> bool(found.w2 < published.w2)
    True
    """
    variance, count = check_variance(variance, count)
    sigmas = np.asarray(sigmas, float)
    if not np.isfinite(sigmas).all():
        raise InputError("sigmas: noise levels must be finite")
    if sigmas.ndim != 1 or not len(sigmas) or not (sigmas > 0).all() or (np.diff(sigmas) > 0).any():
        raise InputError("sigmas: noise levels must fall and stay above 0; leave the final 0 out")
    log_sigma = np.repeat(np.log(sigmas)[:, None], len(variance), axis=1)
    return Prediction(
        _ratio(wiener_knots(log_sigma, variance), solver, start),
        variance,
        count,
        evaluations(len(sigmas), solver),
    )


def knots_of(
    schedule: "Schedule",
    times: np.ndarray,
    at: np.ndarray,
    error: "DenoisingError | None" = None,
    lower: float = 0.0,
) -> Knots:
    """The denoiser at times [N] for the components with flat indices `at` [K].

    The Wiener filter of a spectrum a factor e^-lower lower, or a measured denoiser.
    """
    variance = schedule.variance.ravel()[at]
    held = schedule if len(at) == schedule.variance.size else schedule_members(schedule, at)
    log_snr = within(held.log_snr(times)).reshape(len(times), -1)
    if held is schedule:
        log_snr = log_snr[:, at]
    log_sigma = 0.5 * (np.log(variance) - log_snr)
    if error is None:
        return wiener_knots(log_sigma, variance * np.exp(-lower))
    check_same_components(error, schedule)
    return _measured(error, log_sigma, at)


def within(log_snr: np.ndarray) -> np.ndarray:
    """log SNR, no farther out than samplers tell apart."""
    return np.clip(log_snr, -MOST_LOG_SNR, MOST_LOG_SNR)


def wiener_knots(log_sigma: np.ndarray, variance: np.ndarray) -> Knots:
    """W = lambda / (lambda + sigma^2) at levels [N, K]."""
    from scipy.special import expit

    log_snr = np.log(variance) - 2 * log_sigma
    gain = expit(log_snr)
    log_flow = -0.5 * np.logaddexp(0, -log_snr[0])
    return Knots(log_sigma, gain, -2 * gain * expit(-log_snr), variance, log_flow)


def _measured(error: "DenoisingError", log_sigma: np.ndarray, at: np.ndarray) -> Knots:
    """A trained denoiser's mean Jacobian in place of W."""
    from scipy.special import expit

    chosen = error_members(error, at)

    def at_levels(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """logit W and its slope, [N, K]."""
        gain, slope = (values[:, 0] for values in chosen.gain_at(x[:, None]))
        rest = np.maximum(1 - gain, np.finfo(float).tiny)
        return np.log(gain) - np.log(rest), slope / (gain * rest)

    logit, rise = at_levels(log_sigma)
    gain = expit(logit)
    # ln of the exact flow, -int (1 - W) dx: by trapezium down to where W is 1 but for a square.
    low = np.minimum(np.log(error.sigma[0]) + np.log(chosen.tilt[0]), log_sigma[0])
    path = low + np.linspace(0, 1, FINE)[:, None] * (log_sigma[0] - low)
    inside = at_levels(path)[0]
    flow = -np.trapezoid(expit(-inside), path, axis=0) - 0.5 * np.logaddexp(0, -inside[0])
    return Knots(
        log_sigma,
        gain,
        gain * expit(-logit) * rise,
        chosen.variance[0],
        flow,
    )


def _ratio(knots: Knots, solver: str, start: Start) -> np.ndarray:
    """Variance of the samples over lambda, [K]."""
    check_name("start", start, get_args(Start))
    check_name("solver", solver, get_args(GridSolver))
    begun = log_start(knots, start)
    if solver == "covariance":
        return covariance_multipliers(knots.log_sigma, knots.gain) ** 2 * np.exp(begun)
    if solver == "ancestral":
        spread = np.exp(begun) * knots.variance
        return ancestral_variance(knots.log_sigma, knots.gain, spread) / knots.variance
    moved = multipliers(linear_solver(solver), knots.log_sigma, knots.gain)
    return moved**2 * np.exp(begun)


def log_start(knots: Knots, start: Start) -> np.ndarray:
    """ln of Var y / lambda that sampling starts from, [K]."""
    if start == "data":
        return -2 * knots.log_flow
    return 2 * knots.log_sigma[0] - np.log(knots.variance)


def linear_solver(solver: str) -> LinearSolver:
    """The recursion that a solver's grid is judged by."""
    names: dict[str, LinearSolver] = {
        "euler": "euler",
        "ddim": "euler",
        "ancestral": "euler",  # its steps are DDIM's, with noise put back
        "covariance": "euler",  # whose limit it is where the data have no spread
        "heun": "heun",
        "2m": "2m",
    }
    check_name("solver", solver, tuple(names))
    return names[solver]


def evaluations(steps: int, solver: str) -> int:
    """Evaluations of the denoiser that `steps` steps of a solver take."""
    return 2 * steps - 1 if solver == "heun" else steps


def check_grid(grid: np.ndarray) -> np.ndarray:
    """Times that fall from at most 1 to exactly 0, or a clear refusal."""
    try:
        grid = np.asarray(grid, float)
    except (TypeError, ValueError):
        raise InputError("grid: a list of times is needed") from None
    falls = grid.ndim == 1 and len(grid) >= 2 and bool((np.diff(grid) < 0).all())
    if not falls or grid[0] > 1 or grid[-1] != 0:
        raise InputError("grid: times must fall from at most 1 to exactly 0")
    return grid
