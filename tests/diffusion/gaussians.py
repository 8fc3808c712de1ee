"""Gaussian data, for which the best denoiser is known: the Wiener filter."""

from collections.abc import Callable

import numpy as np
import torch

from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.solvers import integrate

__all__ = [
    "amplitudes",
    "component_covariance",
    "edm_levels",
    "exact_denoiser",
    "lattice",
    "log_levels",
    "paired_draws",
    "posterior_denoiser",
    "rows_with",
    "tangent_levels",
    "torus_covariance",
    "uneven_covariance",
    "wiener",
]


def lattice(alpha: float, size: int = 32) -> torch.Tensor:
    """lambda ~ |k|^-alpha on the full FFT lattice, integer |k|, DC at 0.5, mean 0.25; [d]."""
    k = np.fft.fftfreq(size, 1 / size)
    radius = np.hypot(k[:, None], k[None, :])
    radius[0, 0] = 0.5
    variance = radius**-alpha
    return torch.from_numpy((0.25 * variance / variance.mean()).ravel())


def edm_levels(steps: int, low: float = 0.002, high: float = 80.0) -> torch.Tensor:
    """Karras et al. (2022), rho = 7: `steps` knots from high to low, then 0; [steps + 1]."""
    roots = torch.linspace(high ** (1 / 7), low ** (1 / 7), steps, dtype=torch.float64)
    return torch.cat([roots**7, torch.zeros(1, dtype=torch.float64)])


def log_levels(steps: int, low: float = 0.002, high: float = 80.0) -> torch.Tensor:
    logs = torch.linspace(np.log(high), np.log(low), steps, dtype=torch.float64)
    return torch.cat([logs.exp(), torch.zeros(1, dtype=torch.float64)])


def tangent_levels(
    steps: int, variance: torch.Tensor, low: float = 0.002, high: float = 80.0
) -> torch.Tensor:
    """sigma = sqrt(lambda) tan(theta), theta in equal steps, for one lambda or each of [d]."""
    root = variance.sqrt()
    start, end = torch.arctan(high / root), torch.arctan(low / root)
    share = torch.linspace(0, 1, steps, dtype=torch.float64).reshape(-1, *[1] * variance.ndim)
    levels = root * torch.tan(start + share * (end - start))
    return torch.cat([levels, torch.zeros_like(levels[:1])])


def wiener(variance: torch.Tensor, levels: torch.Tensor) -> Callable:
    """D(y, k) of N(0, lambda) at each level."""
    return lambda y, k: variance / (variance + levels[k] ** 2) * y


def amplitudes(variance: torch.Tensor, levels: torch.Tensor, solver: str) -> torch.Tensor:
    """Standard deviation of the samples over that of the data, for N(0, lambda), [d].

    The solvers are linear in y here: the standard deviation of the start, carried along as if
    it were a sample, is the standard deviation of the samples.
    """
    levels = levels.reshape(len(levels), -1).expand(-1, len(variance))
    start = (variance + levels[0] ** 2).sqrt()
    return integrate(wiener(variance, levels), levels, start, solver) / variance.sqrt()


def exact_denoiser(process: DiffusionProcess) -> Callable:
    """z_hat(z(t), t) for data N(0, lambda) in the components of a schedule."""

    def denoise(noised: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        alpha, _ = process.alpha_sigma(t)
        return torch.sigmoid(process.log_snr(t)) / alpha * noised

    return denoise


def paired_draws(
    process: DiffusionProcess, n: int, levels: int, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Examples of N(mean, lambda), noise and quantiles that make sample means nearly exact.

    Over the n examples the second moments of the data and of the noise are exactly lambda and
    1; each example comes twice, with noise of either sign; and all share the stratified
    quantiles.

    Returns
    -------
    x [2 n, C, H, W], noise [levels + 1, 2 n, C, H, W], quantile [levels, 2 n]
    """
    generator = torch.Generator().manual_seed(seed)

    def unit(*shape: int) -> torch.Tensor:
        drawn = torch.randn(*shape, *process.shape, generator=generator)
        return drawn / drawn.square().mean(dim=len(shape) - 1, keepdim=True).sqrt()

    x = process.examples(unit(n) * process.variance.sqrt())
    noise = unit(levels + 1, n)
    quantile = (torch.arange(levels) + torch.rand(levels, generator=generator)) / levels
    noise = torch.cat([noise, -noise], dim=1)
    return x.repeat(2, 1, 1, 1), noise, quantile[:, None].repeat(1, 2 * n)


def rows_with(covariance: np.ndarray, n: int, seed: int = 0) -> np.ndarray:
    """n > d drawn rows with mean 0 and mean outer product as given, to rounding, [n, d].

    Means of quadratic forms over them are their expectations: nothing is left to chance.
    """
    drawn = np.random.default_rng(seed).normal(size=(n, len(covariance)))
    drawn -= drawn.mean(axis=0)
    root = np.linalg.cholesky(drawn.T @ drawn / n)
    return np.linalg.solve(root, drawn.T).T @ np.linalg.cholesky(covariance).T


def torus_covariance(shape: tuple[int, ...], alpha: float, floor: float) -> np.ndarray:
    """Of a stationary field with power |f|^-alpha, mean 0.25, and a white floor, [d, d].

    f = 0 counts as half the lowest other frequency; channels are alike and half correlated.
    """
    axes = np.meshgrid(*(np.fft.fftfreq(n) for n in shape[1:]), indexing="ij")
    frequency = np.sqrt(sum(axis**2 for axis in axes))
    power = np.maximum(frequency, 0.5 / max(shape)) ** -alpha
    row = np.fft.ifftn(0.25 * power / power.mean()).real
    place = np.indices(row.shape).reshape(row.ndim, -1)
    apart = (place[:, :, None] - place[:, None, :]) % np.array(row.shape).reshape(-1, 1, 1)
    between = 0.5 * (np.eye(shape[0]) + 1)
    return np.kron(between, row[tuple(apart)]) + floor * np.eye(row.size * shape[0])


def uneven_covariance(shape: tuple[int, ...], alpha: float, floor: float) -> np.ndarray:
    """The same field seen through a gain that changes from place to place: not stationary."""
    covariance = torus_covariance(shape, alpha, 0.0)
    place = np.linspace(0, 1, len(covariance))
    gain = 0.5 + place + 0.3 * np.sin(40 * place)
    return gain[:, None] * covariance * gain + floor * np.eye(len(covariance))


def component_covariance(process: DiffusionProcess, covariance: np.ndarray) -> torch.Tensor:
    """U C U^T of a covariance of the examples' values [d, d], float64."""
    rows = torch.from_numpy(covariance).reshape(-1, *process.shape)
    half = process.basis.forward(rows).reshape(len(rows), -1)  # C U^T
    return process.basis.forward(half.T.reshape(-1, *process.shape)).reshape(len(rows), -1).T


def posterior_denoiser(process: DiffusionProcess, covariance: torch.Tensor) -> Callable:
    """E(z | z(t)) for z ~ N(0, covariance [d, d]), correlated components and all, in float64.

    y = z(t) / alpha has the covariance C + diag(s^2). Scaled to unit diagonal it is solved without
    loss at any s; of the two forms C (C + S)^-1 y and y - S (C + S)^-1 y each component takes the
    one that does not cancel.
    """
    variance = covariance.diagonal()
    held: dict[float, tuple[torch.Tensor, torch.Tensor]] = {}

    def matrix(time: float) -> tuple[torch.Tensor, torch.Tensor]:
        """What turns z(t) into z_hat, [d, d]: over alpha, of either form."""
        at = torch.tensor([time], dtype=torch.float64)
        log_snr = process.log_snr(at).double().flatten()
        alpha = process.alpha_sigma(at)[0].double().flatten()
        noise = process.variance.double().flatten() * torch.exp(-log_snr)  # s^2
        spread = (variance + noise).sqrt()
        unit = (covariance + torch.diag(noise)) / spread / spread[:, None]
        inverse = torch.linalg.inv(unit) / spread / spread[:, None]
        noisy = covariance @ inverse
        clean = torch.eye(len(noise), dtype=torch.float64) - noise[:, None] * inverse
        return torch.where((log_snr > 0)[:, None], clean, noisy), alpha

    def denoise(noised: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        time = float(t[0])
        assert bool((t == time).all())
        if time not in held:
            held[time] = matrix(time)
        turn, alpha = held[time]
        y = noised.flatten(1).double() / alpha
        return (y @ turn.T).reshape(noised.shape).to(noised.dtype)

    return denoise
