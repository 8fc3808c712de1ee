"""Mixtures of Gaussians: data in few dimensions whose best denoiser is known, path by path."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from spectra.diffusion.solvers import integrate
from spectra.errors import InputError, check_name, check_number
from spectra.schedule import Schedule

__all__ = ["GaussianMixture", "mixture_bound", "mixture_paths", "mixture_schedule"]

SNR_ENDS = 1e4  # every component starts above it at t = 0 and ends under its inverse at t = 1
MOST_LEVEL = 40.0  # of ln noise: sequential schedules go further than numbers do


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """Modes N(mean_m, covariance) of equal weight.

    Attributes
    ----------
    means : float64 [M, d]
    covariance : float64 [d, d]
        Of every mode.

    Raises
    ------
    InputError
        Shapes that do not fit, numbers that are not finite, or a covariance that is none.
    """

    means: np.ndarray
    covariance: np.ndarray

    def __post_init__(self) -> None:
        means, within = np.asarray(self.means, float), np.asarray(self.covariance, float)
        if means.ndim != 2 or not means.size or within.shape != (means.shape[1],) * 2:
            raise InputError(
                f"means of shape {means.shape} with a covariance of shape {within.shape}: [M, d] "
                "and [d, d] are needed"
            )
        if not (np.isfinite(means).all() and np.isfinite(within).all()):
            raise InputError("means, covariance: must be finite")
        if not (np.allclose(within, within.T) and np.linalg.eigvalsh(within).min() > 0):
            raise InputError("covariance: must be symmetric with eigenvalues above 0")
        object.__setattr__(self, "means", means)
        object.__setattr__(self, "covariance", within)

    @property
    def mean(self) -> np.ndarray:
        """Of the whole, [d]."""
        return self.means.mean(axis=0)

    @property
    def total_covariance(self) -> np.ndarray:
        """Of the whole, [d, d]."""
        apart = self.means - self.mean
        return self.covariance + apart.T @ apart / len(apart)

    def draw(self, n: int, seed: int = 0) -> np.ndarray:
        """Examples, [n, d]."""
        rng = np.random.default_rng(seed)
        mode = rng.integers(len(self.means), size=n)
        noise = rng.standard_normal((n, self.means.shape[1]))
        return self.means[mode] + noise @ np.linalg.cholesky(self.covariance).T

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """ln p(x), [n, d] -> [n]."""
        apart = np.asarray(x, float)[:, None] - self.means  # [n, M, d]
        squared = np.einsum("nmi,ij,nmj->nm", apart, np.linalg.inv(self.covariance), apart)
        constant = np.linalg.slogdet(2 * np.pi * self.covariance)[1] + 2 * np.log(len(self.means))
        return np.logaddexp.reduce(-0.5 * (squared + constant), axis=1)


def mixture_schedule(
    mixture: GaussianMixture,
    *,
    basis: str = "pca",
    labels: np.ndarray | None = None,
    strength: float = 1.0,
) -> Schedule:
    """A soft-conditioning schedule for a mixture, of examples [1, 1, d].

    Parameters
    ----------
    mixture : GaussianMixture
    basis : {"pixel", "pca"}
        The coordinates themselves, or the principal axes of the whole, largest first.
    labels : [d], optional
        The larger, the earlier a component drowns, and the later it is generated; -ln lambda_i
        if not given, so that strength 1 is standard diffusion.
    strength : float
        Of the order; 0 gives every component the same SNR.

    Returns
    -------
    Schedule

    Raises
    ------
    InputError
        An unknown basis, labels of another shape, or a strength under 0.

    Notes
    -----
    log SNR_i = -a l_i - 2 u(t) with u linear in t: Gerdes, Welling, Cheng, "GUD", arXiv
    2410.02667.
    """
    check_name("basis", basis, ("pixel", "pca"))
    check_number("strength", strength, low=0.0)
    size = len(mixture.mean)
    shape = (1, 1, size)
    total = mixture.total_covariance
    variance, rows = np.diagonal(total), None
    if basis == "pca":
        values, vectors = np.linalg.eigh(total)
        variance, rows = values[::-1], np.ascontiguousarray(vectors[:, ::-1].T)
    order = -np.log(variance) if labels is None else np.asarray(labels, float)
    if order.shape != (size,) or not np.isfinite(order).all():
        raise InputError(f"labels of shape {order.shape}: {size} finite numbers are needed")
    offset = -strength * order
    ends = np.log(SNR_ENDS)
    return Schedule(
        name=f"strength {strength:g}, {basis}",
        basis=basis,
        shape=shape,
        variance=variance.reshape(shape).copy(),
        mean=mixture.mean.reshape(shape),
        offset=offset.reshape(shape),
        t=np.array([0.0, 1.0]),
        pace=np.array([offset.min() - ends, offset.max() + ends]),
        scale=np.ones(shape),
        form="vp",
        radial_frequency=np.array([0.5]),
        radial_log_power=np.array([np.log(variance.mean())]),
        radial_offset=np.array([np.nan]),
        components=rows,
    )


def mixture_paths(
    mixture: GaussianMixture,
    schedule: Schedule,
    n: int,
    *,
    steps: int = 200,
    solver: str = "heun",
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Paths of samples from noise to data, drawn with the exact denoiser of a mixture.

    Parameters
    ----------
    mixture : GaussianMixture
    schedule : Schedule
        As `mixture_schedule` makes them: one of examples [1, 1, d].
    n : int
        Paths. Those of one seed start from the same noise, in the schedule's components.
    steps : int
        Even in t.
    solver : {"euler", "ddim", "heun", "2m"}
    seed : int

    Returns
    -------
    t : float64 [steps + 1]
        From 1 to 0.
    x : float64 [steps + 1, n, d]
        alpha z + sigma eps with the mean added, the coordinates of the data; the last is clean.

    Raises
    ------
    InputError
        A schedule of other examples, an unknown solver, fewer than one step or path.
    """
    check_name("solver", solver, ("euler", "ddim", "heun", "2m"))
    check_number("n", n, low=1)
    check_number("steps", steps, low=1)
    _check_size(mixture, schedule)
    size = len(mixture.mean)
    t = np.linspace(1, 0, int(steps) + 1)
    alpha, sigma = (part.reshape(-1, size) for part in (schedule.alpha(t), schedule.sigma(t)))
    sigma = sigma * schedule.scale.ravel()
    log_levels = np.log(sigma) - np.log(np.maximum(alpha, 1e-300))
    levels = np.exp(np.clip(log_levels, -MOST_LEVEL, MOST_LEVEL))
    levels[-1] = 0
    start = np.sqrt(schedule.variance.ravel() + levels[0] ** 2)
    start = start * np.random.default_rng(seed).standard_normal((int(n), size))
    rows = schedule.components if schedule.components is not None else np.eye(size)
    denoise = _denoiser(mixture, rows)
    states: dict[int, np.ndarray] = {}

    def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
        states[k] = y.numpy().copy()  # a trial of Heun's at k comes before the state itself
        return torch.from_numpy(denoise(states[k], levels[k]))

    last = integrate(estimate, torch.from_numpy(levels), torch.from_numpy(start), solver)
    z = np.stack([alpha[k] * states[k] for k in range(int(steps))] + [last.numpy()])
    return t, z @ rows + mixture.mean


def mixture_bound(
    mixture: GaussianMixture,
    schedule: Schedule,
    *,
    n: int = 2000,
    levels: int = 400,
    seed: int = 0,
) -> tuple[float, float]:
    """The variational bound of a mixture's exact denoiser along a schedule, nats an example.

    Parameters
    ----------
    mixture : GaussianMixture
    schedule : Schedule
        As `mixture_schedule` makes them.
    n : int
        Examples drawn.
    levels : int
        Of noise, even in the schedule's pace; each example has noise of its own at each.
    seed : int

    Returns
    -------
    mean, standard_error : float
        To compare with -E ln p, which it equals up to the schedule's ends: no order of
        generation has another bound.

    Raises
    ------
    InputError
        A schedule of other examples, or fewer than two examples or levels.

    Notes
    -----
    What the Wiener filter needs in closed form, and the integral of the difference of both
    errors, 1/2 sum_i int (E_i - W_i) SNR_i / lambda_i d(-ln SNR_i); Kingma et al., "Variational
    Diffusion Models" (2021).
    """
    check_number("n", n, low=2)
    check_number("levels", levels, low=2)
    _check_size(mixture, schedule)
    size = len(mixture.mean)
    rows = schedule.components if schedule.components is not None else np.eye(size)
    denoise = _denoiser(mixture, rows)
    variance = schedule.variance.ravel()
    z = (mixture.draw(int(n), seed) - mixture.mean) @ rows.T
    rng = np.random.default_rng(seed + 1)
    pace = np.linspace(schedule.pace[0], schedule.pace[-1], int(levels))
    log_snr = schedule.log_snr(schedule.time_at(pace)).reshape(-1, size)  # [L, d]
    gained = np.zeros((len(pace), int(n)))
    for k, row in enumerate(log_snr):
        snr = np.exp(row)
        sigma = np.sqrt(variance / snr)
        y = z + sigma * rng.standard_normal(z.shape)
        error = (denoise(y, sigma) - z) ** 2 - (snr / (1 + snr) * y - z) ** 2
        gained[k] = 0.5 * (error * snr / variance).sum(axis=1)
    # The Gaussian's nats for these draws: its own second moments, not the drawn ones.
    nats = 0.5 * np.log(2 * np.pi * np.e * variance).sum() + np.trapezoid(gained, pace, axis=0)
    return float(nats.mean()), float(nats.std(ddof=1) / np.sqrt(len(nats)))


def _check_size(mixture: GaussianMixture, schedule: Schedule) -> None:
    """Refuse a schedule of other examples."""
    wanted = (1, 1, len(mixture.mean))
    if schedule.shape != wanted:
        raise InputError(f"schedule of {schedule.shape}: one of {wanted} is needed")


def _denoiser(
    mixture: GaussianMixture, rows: np.ndarray
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """E(z | z + sigma eps = y) in the components z = rows (x - mean)."""
    means = (mixture.means - mixture.mean) @ rows.T
    within = rows @ mixture.covariance @ rows.T

    def denoise(y: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """[n, d], one level a component [d] -> [n, d]."""
        # Scaled by the noise before it is inverted: levels lie many decades apart.
        scale = np.sqrt(np.diagonal(within) + sigma**2)
        noisy = (within + np.diag(sigma**2)) / np.outer(scale, scale)
        inverse = np.linalg.inv(noisy)
        apart = (y[:, None] - means) / scale  # [n, M, d]
        squared = np.einsum("nmi,ij,nmj->nm", apart, inverse, apart)
        weight = np.exp(-0.5 * (squared - squared.min(axis=1, keepdims=True)))
        weight /= weight.sum(axis=1, keepdims=True)
        gain = (within / scale) @ inverse
        return weight @ means + np.einsum("nm,nmi->ni", weight, apart) @ gain.T

    return denoise
