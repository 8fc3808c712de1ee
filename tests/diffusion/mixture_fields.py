"""Fields of a few shapes plus white noise: a mixture whose score is known in every basis."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

import spectra
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.sample import sample_components

__all__ = ["SHAPE", "Shapes", "drawn_by", "mixture_schedule", "p_values", "shapes"]

SHAPE = (1, 8, 8)


@dataclass(frozen=True, eq=False)
class Shapes:
    """Examples x = means_m + sqrt(within) noise, with m drawn by weight.

    Attributes
    ----------
    means : float64 [M, C, *spatial]
    weights : float64 [M]
    within : float
    """

    means: torch.Tensor
    weights: torch.Tensor
    within: float

    def draw(self, n: int, seed: int) -> torch.Tensor:
        """Examples, float64 [n, C, *spatial]."""
        generator = torch.Generator().manual_seed(seed)
        mode = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        shape = (n, *self.means.shape[1:])
        noise = torch.randn(shape, dtype=torch.float64, generator=generator)
        return self.means[mode] + self.within**0.5 * noise

    def log_joint(self, y: torch.Tensor, means: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """ln weight_m N(y; mean_m, within + noise_i), [B, d], [M, d], [d] -> [B, M]."""
        total = self.within + noise
        square = ((y[:, None] - means) ** 2 / total).sum(-1)
        return self.weights.log() - 0.5 * (square + torch.log(2 * torch.pi * total).sum())

    def denoiser(self, process: DiffusionProcess) -> Callable:
        """E(z | z(t)) in the components of a process, float64 inside."""
        means = process.components(self.means.float()).double().flatten(1)

        def denoise(noised: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            at = t[:1].double()  # one time for all
            alpha = process.alpha_sigma(at)[0].double().flatten()
            noise = process.variance.double() * torch.exp(-process.log_snr(at).double())
            noise = noise.flatten()
            y = noised.flatten(1).double() / alpha
            total = self.within + noise
            # Without |y|^2, which is the same for all modes; as a product, which is fast.
            scaled = means / total
            log_weight = y @ scaled.T - 0.5 * (means * scaled).sum(1) + self.weights.log()
            mean = torch.softmax(log_weight, dim=1) @ means
            # mean + W (y - mean), W = within / total, with nothing lost where s is 0 or huge.
            found = mean + self.within / total * (y - mean)
            return found.reshape(noised.shape).to(noised.dtype)

        return denoise

    def nats(self, process: DiffusionProcess, x: torch.Tensor, clean: bool) -> torch.Tensor:
        """-log density of x, with the schedule's own noise at t = 0 unless `clean`, [B]."""
        start = process.log_snr(torch.zeros(1, dtype=torch.float64)).double().flatten()
        noise = process.variance.double().flatten() * torch.exp(-start) * (0.0 if clean else 1.0)
        means = process.components(self.means.float()).double().flatten(1)
        y = process.components(x).double().flatten(1)
        return -torch.logsumexp(self.log_joint(y, means, noise), dim=1)

    def modes(self, x: torch.Tensor) -> torch.Tensor:
        """The likeliest mode of each example, [B]."""
        nothing = torch.zeros(self.means[0].numel(), dtype=torch.float64)
        flat = self.means.flatten(1)
        return self.log_joint(x.double().flatten(1), flat, nothing).argmax(1)


def shapes(weights: tuple[float, ...] = (0.5, 0.3, 0.2), apart: float = 1.0) -> Shapes:
    """A ramp, a bump and a stripe; `apart` scales them all."""
    y, x = np.meshgrid(np.linspace(-1, 1, 8), np.linspace(-1, 1, 8), indexing="ij")
    means = np.stack([0.6 * x, 0.9 * np.exp(-3 * (x**2 + y**2)), 0.5 * np.cos(4 * y) - 0.2 * x])
    return Shapes(
        apart * torch.from_numpy(means)[:, None],
        torch.tensor(weights, dtype=torch.float64),
        within=0.04,
    )


@cache
def spectrum() -> spectra.Spectrum:
    x = shapes().draw(4000, seed=0).numpy()
    return spectra.analyze(spectra.open_source(x), bases=("pixel", "dct"), window="none")


@cache
def mixture_schedule(name: str) -> spectra.Schedule:
    """ "joint": standard diffusion; "columns": each clean before the next starts; "bands": also.

    The ends leave so little signal and noise that neither is seen in thousands of samples.
    """
    ends = {"g_denoise": -8.0, "information_left": 1e-3}
    if name == "joint":
        return spectra.derive_schedule(spectrum(), basis="dct", ordering_strength=1.0, **ends)
    if name == "columns":
        return spectra.preset(
            "columns", spectrum(), tau_max=7 / 8, gamma_min=-10.0, gamma_max=9.0, reverse=True
        )
    frequency = spectra.derive_schedule(spectrum(), basis="dct", **ends).frequency
    band = np.digitize(frequency, [0.05, 0.2, 0.4]).astype(float)
    return spectra.derive_schedule(
        spectrum(), basis="dct", ordering=band, ordering_strength=18.0, pace="linear",
        g_denoise=-8.0, g_noise=10.0,
    )  # fmt: skip


def drawn_by(
    toy: Shapes, name: str, n: int, seed: int, steps: int = 64, solver: str = "2m"
) -> torch.Tensor:
    """Samples [n, C, *spatial] of the exact denoiser along a schedule, `steps` a window."""
    schedule = mixture_schedule(name)
    process = DiffusionProcess(schedule)
    windows = {"joint": 2, "columns": 8, "bands": 4}[name]
    clock = np.linspace(schedule.clock[-1], schedule.clock[0], steps * windows + 1)
    times = np.interp(clock, schedule.clock, schedule.t)
    drawn = [
        sample_components(
            toy.denoiser(process), process, times, np.arange(start, min(start + 2000, n)), solver,
            seed, "cpu",
        )
        for start in range(0, n, 2000)
    ]  # fmt: skip
    return process.examples(torch.cat(drawn))


def p_values(
    toy: Shapes, first: torch.Tensor, second: torch.Tensor, seed: int = 0, permutations: int = 999
) -> tuple[float, float]:
    """p of two permutation tests that both sets have one distribution: of modes, and of values.

    Modes: the summed squared difference of their counts. Values: the squared maximum mean
    discrepancy with Gaussian kernels of half, one and two times the median distance, through 128
    random features (Gretton et al. 2012; Rahimi and Recht 2007). Under exchangeability either p is
    uniform on {1, ..., P + 1} / (P + 1), so p <= q has probability at most q.
    """
    both = torch.cat([first, second]).double().flatten(1)
    counts = torch.nn.functional.one_hot(toy.modes(both), len(toy.weights)).double()
    generator = torch.Generator().manual_seed(seed)
    some = both[torch.randperm(len(both), generator=generator)[:200]]
    median = torch.pdist(some).median()
    frequency = torch.randn(both.shape[1], 64, dtype=torch.float64, generator=generator) / median
    frequency *= torch.tensor([0.5, 1.0, 2.0])[torch.arange(64) % 3]
    phase = both @ frequency
    values = torch.cat([phase.cos(), phase.sin()], dim=1)
    # +1 / n of the first set, -1 / n of the second, shuffled.
    sign = torch.cat(
        [torch.full((len(first),), 1 / len(first)), -torch.ones(len(second)) / len(second)]
    )
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.tile(sign.numpy(), (permutations, 1)), axis=1)
    signs = torch.cat([sign[None], torch.from_numpy(shuffled)]).double()
    p = []
    for features in (counts, values):
        statistic = (signs @ (features - features.mean(0))).square().sum(1)
        p.append(float((statistic >= statistic[0] * (1 - 1e-12)).double().mean()))
    return p[0], p[1]
