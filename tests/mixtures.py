"""Mixtures of Gaussians: data whose best denoiser is known and not linear, in float64."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from spectra.diffusion.solvers import integrate
from tests.diffusion.gaussians import edm_levels, lattice

__all__ = [
    "Mixture",
    "endpoint_error",
    "field_mixture",
    "line_mixture",
    "starts",
    "true_endpoints",
]

MODES = 40


@dataclass(frozen=True, eq=False)
class Mixture:
    """Modes of equal weight N(mean_m, within), independent components.

    Attributes
    ----------
    means : float64 [M, d]
    within : float64 [d]
        Variance of every mode.
    """

    means: torch.Tensor
    within: torch.Tensor

    @property
    def variance(self) -> torch.Tensor:
        """lambda of the whole, [d]; the mean is 0."""
        return self.within + self.means.square().mean(dim=0)

    def denoise(self, y: torch.Tensor, sigma: torch.Tensor | float) -> torch.Tensor:
        """E(z | z + sigma eps = y), [B, d] -> [B, d]; sigma one for all or one a component [d]."""
        noisy = self.within + torch.as_tensor(sigma, dtype=torch.float64) ** 2
        scaled = self.means / noisy
        # -1/2 |y - mean|^2 / noisy without |y|^2, which is the same for all modes.
        log_weight = y @ scaled.T - 0.5 * (self.means * scaled).sum(dim=1)
        mean = torch.softmax(log_weight, dim=1) @ self.means
        return mean + self.within / noisy * (y - mean)

    def draw(self, n: int, seed: int) -> torch.Tensor:
        """Examples, [n, d]."""
        generator = torch.Generator().manual_seed(seed)
        mode = torch.randint(len(self.means), (n,), generator=generator)
        noise = torch.randn(n, len(self.within), dtype=torch.float64, generator=generator)
        return self.means[mode] + self.within.sqrt() * noise


def mixture(variance: torch.Tensor, between: float, seed: int) -> Mixture:
    """Of given variance, the share `between` of it between the means, in every component."""
    generator = torch.Generator().manual_seed(1000 + seed)
    means = torch.randn(MODES, len(variance), dtype=torch.float64, generator=generator)
    means = means - means.mean(dim=0)
    means = means * (between * variance / means.square().mean(dim=0)).sqrt()
    return Mixture(means, (1 - between) * variance)


def line_mixture(between: float, seed: int = 0, size: int = 64, alpha: float = 2.0) -> Mixture:
    """One axis: lambda_k = k^-alpha, k = 1 .. size, scaled to mean 0.25."""
    variance = torch.arange(1, size + 1, dtype=torch.float64) ** -alpha
    return mixture(0.25 * variance / variance.mean(), between, seed)


def field_mixture(between: float, seed: int = 0, size: int = 8, alpha: float = 2.0) -> Mixture:
    """Fields of size x size: lambda ~ |k|^-alpha on the FFT lattice, DC at 0.5, mean 0.25."""
    return mixture(lattice(alpha, size), between, seed)


def starts(toy: Mixture, n: int, sigma_max: float, seed: int) -> torch.Tensor:
    """Noised examples at the first level, [n, d]."""
    generator = torch.Generator().manual_seed(2000 + seed)
    noise = torch.randn(n, len(toy.within), dtype=torch.float64, generator=generator)
    return toy.draw(n, seed) + sigma_max * noise


def true_endpoints(
    toy: Mixture, start: torch.Tensor, sigma_max: float, steps: int = 2000
) -> torch.Tensor:
    """Where the probability-flow ODE carries them: Heun in fine steps of EDM's grid, [n, d]."""
    levels = edm_levels(steps, 1e-4, sigma_max)
    return integrate(_estimate(toy, levels), levels, start, "heun")


def endpoint_error(
    toy: Mixture,
    start: torch.Tensor,
    truth: torch.Tensor,
    sigmas: np.ndarray,
    solver: str,
    gain: Callable[[np.ndarray], np.ndarray] | None = None,
) -> float:
    """Mean Euclidean distance from the true endpoints after a solver's steps along `sigmas`, 0.

    `gain` gives W [N, d] at ln sigma [N] for covariance-aware DDIM; the Wiener filter's if None.
    """
    levels = torch.from_numpy(np.append(np.asarray(sigmas, float), 0.0))
    rows = levels[:-1, None]
    known = toy.variance / (toy.variance + rows**2)
    if gain is not None:
        known = torch.from_numpy(gain(np.log(sigmas)))
    found = integrate(_estimate(toy, levels), levels, start, solver, gain=known)
    return float((found - truth).norm(dim=1).mean())


def _estimate(toy: Mixture, levels: torch.Tensor) -> Callable:
    return lambda y, k: toy.denoise(y, levels[k])
