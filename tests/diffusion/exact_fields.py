"""Gaussian fields in bases that are not their own: schedules, and what each score should be."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch

import spectra
from spectra.diffusion.likelihood import bits_per_dim, variational_bound
from spectra.diffusion.ode_likelihood import ode_likelihood
from spectra.diffusion.process import DiffusionProcess
from tests.diffusion.gaussians import (
    component_covariance,
    posterior_denoiser,
    rows_with,
    torus_covariance,
    uneven_covariance,
)

__all__ = [
    "BASES",
    "FIELDS",
    "STRENGTHS",
    "Exactness",
    "exactness_of",
    "expected",
    "field",
    "field_covariance",
    "field_schedule",
    "measured",
    "noised_density",
]

# Shape, covariance, and the white floor beside a mean variance of 0.25.
FIELDS = {
    "torus 8 x 8": ((1, 8, 8), torus_covariance, 1e-3),
    "uneven 8 x 8": ((1, 8, 8), uneven_covariance, 1e-3),
    "uneven line of 64": ((1, 64), uneven_covariance, 1e-2),
    "uneven 8 x 12": ((1, 8, 12), uneven_covariance, 1e-3),
    "colour 8 x 8": ((3, 8, 8), uneven_covariance, 1e-3),
}
BASES = ("pixel", "dct", "fourier", "wavelet-haar", "pca")
# Of the ordering by variance; then one component after another, and position windows.
STRENGTHS = (0.0, 0.5, 1.0, 2.0, "one by one", "windows")
APART = 22.0  # log-SNR that one component passes before the next one starts
ODE_EXAMPLES = 8
ENDS = torch.tensor([0.0, 1.0], dtype=torch.float64)


@dataclass(frozen=True)
class Exactness:
    """Mean over a field of the scores and of what they should be, bits/dim.

    Attributes
    ----------
    entropy : float
        1/2 ln det 2 pi e C.
    bound, ode : float
        Measured.
    excess, spread : float
        What theory puts between either and the entropy.
    """

    entropy: float
    bound: float
    ode: float
    excess: float
    spread: float


def field_covariance(name: str) -> np.ndarray:
    """Of the values, [d, d]."""
    return field(name)[0]


@cache
def field(name: str) -> tuple[np.ndarray, spectra.Spectrum]:
    """Covariance of the values [d, d], and the spectrum of examples that have exactly this one."""
    shape, make, floor = FIELDS[name]
    covariance = make(shape, 2.0, floor)
    n = 2 * len(covariance)
    x = rows_with(covariance * (n - 1) / n, n).reshape(-1, *shape) + 0.1
    source = spectra.open_source(x, view="series" if len(shape) == 2 else "pixels")
    return covariance, spectra.analyze(source, bases=BASES, window="none", segment=None)


@cache
def field_schedule(name: str, basis: str, prior: str, strength: float | str) -> spectra.Schedule:
    spectrum = field(name)[1]
    if isinstance(strength, float):
        return spectra.derive_schedule(
            spectrum, basis=basis, prior=prior, ordering_strength=strength
        )
    plain = spectra.derive_schedule(spectrum, basis=basis, prior=prior, ordering_strength=0.0)
    if strength == "one by one":  # every component to itself, the strong ones first
        rank = np.argsort(np.argsort(-plain.variance.ravel())).reshape(plain.shape).astype(float)
        return spectra.derive_schedule(
            spectrum, basis=basis, prior=prior, ordering=rank, ordering_strength=APART,
            g_denoise=-12.0, g_noise=8.0, pace="linear",
        )  # fmt: skip
    columns = spectrum.shape[-1]
    tau = (columns - 1) / columns
    made = spectra.preset(
        "columns", spectrum, basis=basis, tau_max=tau, gamma_min=-16.0, gamma_max=8.0, reverse=True
    )
    if prior == "white":
        return made
    # With s_i^2 = lambda_i the SNR is alpha^2 / sigma^2, and the windows are of that.
    offset = made.offset - np.log(made.variance)
    return replace(made, scale=np.sqrt(made.variance), offset=offset)


def expected(process: DiffusionProcess, covariance: torch.Tensor) -> tuple[float, float, float]:
    """Entropy, excess of the bound, and spread of the ODE's density, nats an example.

    With C the covariance of the components and S = diag(lambda_i / SNR_i) at either end:

    The bound of the exact denoiser is the relative entropy of the true path and the model's, and
    they differ at the ends only, by KL(N(0, C + S_1) || N(0, diag)) at t = 1, which is the total
    correlation left there, and by KL(N(0, P) || N(0, diag(lambda / (1 + SNR)))) at t = 0, with P =
    (C^-1 + S_0^-1)^-1 the covariance of the true posterior. Both are 0 in the eigenbasis.

    The ODE's density is N(0, C + S_0), and E_{x ~ N(0, C)} -log of it exceeds the entropy.
    """
    clean, noisy = process.log_snr(ENDS).double().flatten(1)
    variance = process.variance.double().flatten()
    first, last = variance * torch.exp(-clean), variance * torch.exp(-noisy)

    def divergence(actual: torch.Tensor, diagonal: torch.Tensor) -> torch.Tensor:
        """KL(N(0, actual) || N(0, diag(diagonal)))."""
        ratio = actual / diagonal.sqrt() / diagonal.sqrt()[:, None]
        return 0.5 * (ratio.diagonal().sum() - len(ratio) - torch.linalg.slogdet(ratio)[1])

    inverse = torch.linalg.inv(covariance)
    posterior = torch.linalg.inv(inverse + torch.diag(1 / first))
    left = divergence(covariance + torch.diag(last), variance + last)
    decoder = divergence(posterior, variance * torch.sigmoid(-clean))
    noised = covariance + torch.diag(first)
    entropy = 0.5 * (torch.linalg.slogdet(covariance)[1] + len(variance) * np.log(2 * np.pi * np.e))
    trace = torch.trace(torch.linalg.solve(noised, covariance))
    spread = 0.5 * (
        torch.linalg.slogdet(noised)[1] - torch.linalg.slogdet(covariance)[1]
        + trace - len(variance)
    )  # fmt: skip
    return float(entropy), float(left + decoder), float(spread)


def exactness_of(
    name: str, schedule: spectra.Schedule, levels: int, steps: int, control: bool = True
) -> Exactness:
    """Score a field: the bound on examples and noise whose second moments are exact.

    The ODE on some of them, with their own closed forms as control variate.
    """
    covariance = field(name)[0]
    process = DiffusionProcess(schedule)
    mixed = component_covariance(process, covariance)
    denoise = posterior_denoiser(process, mixed)
    d = len(covariance)
    n = d + 16

    def rows(matrix: np.ndarray, seed: int) -> torch.Tensor:
        return torch.from_numpy(rows_with(matrix, n, seed)).float().reshape(-1, *schedule.shape)

    x = rows(covariance, 1) + process.mean
    noise = rows(np.eye(d), 2)
    noise = torch.cat([noise, -noise]).expand(levels + 1, *[-1] * x.ndim)
    quantile = ((torch.arange(levels) + 0.5) / levels)[:, None].repeat(1, 2 * n)
    with torch.no_grad():
        bound = variational_bound(
            denoise, process, x.repeat(2, *[1] * (x.ndim - 1)), noise, quantile, control=control
        )  # fmt: skip
    entropy, excess, spread = expected(process, mixed)
    few = x[:ODE_EXAMPLES]
    ode = ode_likelihood(denoise, process, few, steps=steps, rows=2048).total
    off = (ode - noised_density(process, mixed, few)).mean().item()
    nats = [entropy, bound.total.mean().item(), entropy + spread + off, excess, spread]
    return Exactness(*bits_per_dim(np.array(nats), d, 0.0).tolist())


def noised_density(
    process: DiffusionProcess, covariance: torch.Tensor, x: torch.Tensor
) -> torch.Tensor:
    """-log N(x; mean, covariance of the components + S_0), nats, [B]."""
    z = process.components(x).double().flatten(1)
    clean = process.log_snr(ENDS[:1]).double().flatten()
    noised = covariance + torch.diag(process.variance.double().flatten() * torch.exp(-clean))
    quadratic = (z * torch.linalg.solve(noised, z.T).T).sum(1)
    return 0.5 * (torch.linalg.slogdet(2 * torch.pi * noised)[1] + quadratic)


def measured(name: str, basis: str, prior: str, strength: float | str) -> Exactness:
    """With as many noise levels and steps as the ordering asks for."""
    schedule = field_schedule(name, basis, prior, strength)
    parts = {"one by one": schedule.variance.size, "windows": schedule.shape[-1]}
    after = parts.get(str(strength), 0)  # so many come one after another
    # The integrand jumps where one ends and the next starts. A whole number of levels for each
    # would miss every jump alike; the golden ratio spreads what is missed.
    levels = int(after * (max(128, 4096 // after) + 0.618)) if after else 512
    return exactness_of(name, schedule, levels, steps=max(128, 48 * after))
