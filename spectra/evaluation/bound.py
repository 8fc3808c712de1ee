"""How many bits a run needs for held-out examples: the bound, and the likelihood of its flow."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.data import Source, spread_examples
from spectra.diffusion import Run
from spectra.diffusion.likelihood import (
    bits_per_dim,
    gaussian_bits_per_dim,
    variational_bound,
)
from spectra.diffusion.ode_likelihood import ode_likelihood
from spectra.diffusion.randomness import SCORING, normal, uniform
from spectra.evaluation.classes import classes_of, told
from spectra.evaluation.comparison import Difference, mean_interval, paired_difference
from spectra.evaluation.score import Interval

__all__ = ["BoundScore", "OdeScore", "score_bound", "score_ode"]

BATCH = 64
FULL = 64  # components up to which the flow's divergence is taken in full; above, it is drawn
PROBES = 4


@dataclass(frozen=True)
class BoundScore:
    """The variational bound on held-out examples, bits/dim.

    Attributes
    ----------
    value, low, high : float
        Mean over files, with its interval.
    prior, diffusion, reconstruction : float
        Its terms; without the shift of the value grid, which `grid_shift` is.
    grid_shift : float
        -log2 of the spacing of the values (6.994 for 8 bits).
    by_file : float64 [G]
    gaussian : float
        Closed form for the Wiener filter on the same examples: the score of no training.
    gain : Difference
        By file, of the bound from that closed form.
    n, files : int
    """

    value: float
    low: float
    high: float
    prior: float
    diffusion: float
    reconstruction: float
    grid_shift: float
    by_file: np.ndarray
    gaussian: float
    gain: Difference
    n: int
    files: tuple[str, ...]


@dataclass(frozen=True)
class OdeScore:
    """-log2 p along the probability flow on held-out examples, bits/dim: a value, not a bound.

    Attributes
    ----------
    value, low, high : float
        Mean over files, with its interval.
    probe_error : float
        Standard error of the value from drawing the divergence; 0 where it is exact.
    gap : Difference
        By file, of the bound from it on the same examples: what the bound gives away on them.
    steps, n, files : int
    """

    value: float
    low: float
    high: float
    probe_error: float
    gap: Difference
    steps: int
    n: int
    files: int

    def to_dict(self) -> dict[str, Any]:
        """JSON's types."""
        return {
            "bits_per_dim": self.value,
            "interval": [self.low, self.high],
            "probe_error": self.probe_error,
            "bound_less_ode": self.gap.to_dict(),
            "steps": self.steps,
            "examples": self.n,
            "files": self.files,
        }

    def lines(self) -> list[str]:
        """As lines of a table."""
        found = Interval(self.value, self.low, self.high)
        gap = Interval(self.gap.mean, self.gap.low, self.gap.high)
        return [
            found.line("bits/dim of the flow", f"over {self.files} files, {self.n} examples"),
            gap.line("  bound less it, on these"),
        ]


def score_bound(
    run: Run, source: Source, seed: int, examples: int, levels: int, device: str
) -> BoundScore:
    """The bound of a run on a source, bits/dim."""
    import torch

    denoiser = run.denoiser(device)
    process = denoiser.process
    schedule, shape = run.schedule, run.schedule.shape
    chosen = spread_examples(source, examples)
    classes = classes_of(run, source, chosen)
    terms, moments = [], []
    for start in range(0, len(chosen), BATCH):
        index = chosen[start : start + BATCH]
        x = torch.from_numpy(source.examples(index)).to(device)
        moments.append((process.components(x) ** 2).double().cpu().numpy())
        # What is drawn for an example depends on (seed, its index): runs are scored in pairs.
        rounding = uniform(SCORING, seed, levels + 1, index, shape).float().to(device) - 0.5
        noise = torch.stack([normal(SCORING, seed, k, index, shape) for k in range(levels + 1)])
        offset = uniform(SCORING, seed, levels + 2, index, ())
        quantile = (torch.arange(levels)[:, None] + offset[None, :]) / levels  # [K, B]
        denoise = told(denoiser, None if classes is None else classes[start : start + BATCH])
        with torch.no_grad():
            bound = variational_bound(
                denoise, process, x + schedule.quantum * rounding, noise.to(device), quantile
            )
        terms.append(torch.stack([bound.prior, bound.diffusion, bound.reconstruction], 1).cpu())
    nats = torch.cat(terms).numpy()  # [N, 3]
    dimensions = int(np.prod(shape))
    second = np.concatenate(moments) + schedule.quantum**2 / 12
    total = bits_per_dim(nats.sum(1), dimensions, schedule.quantum)
    gaussian = gaussian_bits_per_dim(schedule, second, schedule.quantum)
    files, unit = np.unique(source.file_index[chosen], return_inverse=True)
    sizes = np.bincount(unit)
    by_file = np.bincount(unit, weights=total) / sizes
    gaussian_by_file = np.bincount(unit, weights=gaussian) / sizes
    value, low, high = mean_interval(by_file)
    by_term = np.stack([np.bincount(unit, weights=column) / sizes for column in nats.T])
    split = bits_per_dim(by_term.mean(axis=1), dimensions, 0.0)
    return BoundScore(
        value=value,
        low=low,
        high=high,
        prior=float(split[0]),
        diffusion=float(split[1]),
        reconstruction=float(split[2]),
        grid_shift=float(bits_per_dim(np.zeros(()), dimensions, schedule.quantum)),
        by_file=by_file,
        gaussian=float(gaussian_by_file.mean()),
        gain=paired_difference(
            by_file, gaussian_by_file, measure="bound less the Wiener filter's", unit="bits/dim"
        ),
        n=len(chosen),
        files=tuple(source.files[int(f)] for f in files),
    )


def score_ode(
    run: Run,
    source: Source,
    seed: int,
    examples: int,
    steps: int,
    levels: int,
    device: str,
) -> OdeScore:
    """The likelihood of a run's probability flow on a source, bits/dim, beside its bound there."""
    import torch

    denoiser = run.denoiser(device)
    schedule = run.schedule
    dimensions = int(np.prod(schedule.shape))
    probes = 0 if dimensions <= FULL else PROBES
    chosen = spread_examples(source, examples)
    classes = classes_of(run, source, chosen)
    nats, errors = [], []
    for start in range(0, len(chosen), BATCH):
        index = chosen[start : start + BATCH]
        x = torch.from_numpy(source.examples(index)).to(device)
        rounding = uniform(SCORING, seed, 0, index, schedule.shape).float().to(device) - 0.5
        x = x + schedule.quantum * rounding
        denoise = told(denoiser, None if classes is None else classes[start : start + BATCH])
        found = ode_likelihood(
            denoise, denoiser.process, x, steps=steps, probes=probes, seed=seed, indices=index
        )
        nats.append(found.total.cpu().numpy())
        errors.append(found.standard_error.cpu().numpy())
    total = bits_per_dim(np.concatenate(nats), dimensions, schedule.quantum)
    error = np.sqrt((np.concatenate(errors) ** 2).sum()) / len(total) / dimensions / np.log(2)
    files, unit = np.unique(source.file_index[chosen], return_inverse=True)
    by_file = np.bincount(unit, weights=total) / np.bincount(unit)
    value, low, high = mean_interval(by_file)
    bound = score_bound(run, source, seed, examples, levels, device)  # of the same examples
    gap = paired_difference(
        bound.by_file, by_file, measure="bound less the flow's likelihood", unit="bits/dim"
    )
    return OdeScore(value, low, high, float(error), gap, steps, len(chosen), len(files))
