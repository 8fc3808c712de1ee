"""Gaussian data, for which the best denoiser is known: the Wiener filter."""

from collections.abc import Callable

import numpy as np
import torch

from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.solvers import integrate

__all__ = [
    "amplitudes",
    "edm_levels",
    "exact_denoiser",
    "lattice",
    "log_levels",
    "paired_draws",
    "tangent_levels",
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
