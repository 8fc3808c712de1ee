"""All scores of a run: bits/dim on held-out files, spectral distance of its samples."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spectra.data import Source, reopen_source
from spectra.diffusion import Run, sample
from spectra.diffusion.likelihood import (
    bits_per_dim,
    gaussian_bits_per_dim,
    variational_bound,
)
from spectra.diffusion.measure import spread_examples
from spectra.diffusion.randomness import SCORING, normal, uniform
from spectra.diffusion.settings import Device, chosen_device
from spectra.diffusion.solvers import evaluations
from spectra.errors import InputError, check_number
from spectra.evaluation.comparison import Difference, mean_interval, paired_difference
from spectra.evaluation.spectral import SpectralDistance, spectral_distance
from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["BoundScore", "Scores", "evaluate", "score_bound"]


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
class Scores:
    """Scores of one run.

    Attributes
    ----------
    bound : BoundScore
    spectral : SpectralDistance
        Of samples from the source, dB.
    samples : float32 [n, C, H, W]
    steps, evaluations : int
    solver, rule, criterion : str
    error : str or None
        Name of the measured denoising error, if one was given.
    held_out : bool
        Whether the bound was taken on files that training did not see.
    source, fingerprint : str
        What was scored against.
    seed, run_step : int
    """

    bound: BoundScore
    spectral: SpectralDistance
    samples: np.ndarray
    steps: int
    evaluations: int
    solver: str
    rule: str
    criterion: str
    error: str | None
    held_out: bool
    source: str
    fingerprint: str
    seed: int
    run_step: int

    def to_dict(self) -> dict[str, Any]:
        """Everything but the samples, for JSON."""
        bound, spectral = self.bound, self.spectral
        return {
            "bits_per_dim": bound.value,
            "bits_per_dim_interval": [bound.low, bound.high],
            "terms": {
                "prior": bound.prior,
                "diffusion": bound.diffusion,
                "reconstruction": bound.reconstruction,
                "value_grid": bound.grid_shift,
            },
            "bits_per_dim_by_file": dict(zip(bound.files, bound.by_file.tolist(), strict=True)),
            "gaussian_bits_per_dim": bound.gaussian,
            "gain_over_gaussian": bound.gain.to_dict(),
            "examples": bound.n,
            "held_out": self.held_out,
            "spectral_distance_db": spectral.value,
            "spectral_distance_interval": [spectral.low, spectral.high],
            "spectral_difference_db": spectral.difference_db.tolist(),
            "frequency": spectral.frequency.tolist(),
            "source": self.source,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "run_step": self.run_step,
            "samples": len(self.samples),
            "steps": self.steps,
            "evaluations": self.evaluations,
            "solver": self.solver,
            "rule": self.rule,
            "criterion": self.criterion,
            "error": self.error,
        }


def evaluate(
    run: Run,
    source: Any,
    *,
    n: int = 256,
    steps: int = 18,
    solver: str = "heun",
    seed: int = 0,
    rule: str = "optimal",
    criterion: str = "w2",
    error: DenoisingError | None = None,
    examples: int = 512,
    levels: int = 8,
    device: Device = "auto",
    progress: bool = False,
) -> Scores:
    """Score a run against a source.

    Parameters
    ----------
    run : Run
    source
        A Source, or anything `open_source` takes (opened in the run's own view). Where it is
        the one trained on, the bound is taken on the files that were held out.
    n, steps, solver, rule, criterion, error
        Samples drawn for the spectral distance; see `sample`.
    seed : int
        Of samples, noise and noise levels: two runs scored with the same seed are paired.
    examples : int
        Held-out examples for the bound at most, spread over all files.
    levels : int
        Noise levels an example is scored at.
    device : {"auto", "cpu", "cuda"}

    Raises
    ------
    InputError
        The source has another shape than the run, or `sample` refuses its settings.
    """
    check_number("n", n, low=2)  # one sample has no mean spectrum
    check_number("steps", steps, low=1)
    check_number("examples", examples, low=1)
    check_number("levels", levels, low=1)
    device = chosen_device(device)
    source = reopen_source(source, run.schedule.data)
    if tuple(source.shape) != tuple(run.schedule.shape):
        raise InputError(
            f"{source.name}: examples of shape {tuple(source.shape)}, but {run.path} was trained "
            f"on {tuple(run.schedule.shape)}; score it on data of its own shape"
        )
    share = run.config["held_out"]
    held_out = share > 0 and source.fingerprint == run.config.get("fingerprint")
    scored = source.split(share)[1] if held_out else source
    bound = score_bound(run, scored, seed, examples, levels, device)
    samples = sample(
        run,
        n,
        steps,
        solver,
        seed,
        rule=rule,
        criterion=criterion,
        error=error,
        device=device,
        progress=progress,
    )
    reference = spread_examples(source, 4 * max(n, 256))
    spectral = spectral_distance(samples, source.examples(reference), seed=seed)
    return Scores(
        bound=bound,
        spectral=spectral,
        samples=samples,
        steps=steps,
        evaluations=evaluations(steps, solver),
        solver=solver,
        rule=rule,
        criterion=criterion,
        error=None if error is None else error.name,
        held_out=held_out,
        source=source.name,
        fingerprint=source.fingerprint,
        seed=seed,
        run_step=run.step,
    )


def score_bound(
    run: Run, source: Source, seed: int, examples: int, levels: int, device: str
) -> BoundScore:
    """The bound of a run on a source, bits/dim."""
    import torch

    denoiser = run.denoiser(device)
    process = denoiser.process
    schedule, shape = run.schedule, run.schedule.shape
    chosen = spread_examples(source, examples)
    terms, moments = [], []
    for start in range(0, len(chosen), 64):
        index = chosen[start : start + 64]
        x = torch.from_numpy(source.examples(index)).to(device)
        moments.append((process.components(x) ** 2).double().cpu().numpy())
        # What is drawn for an example depends on (seed, its index): runs are scored in pairs.
        rounding = uniform(SCORING, seed, levels + 1, index, shape).float().to(device) - 0.5
        noise = torch.stack([normal(SCORING, seed, k, index, shape) for k in range(levels + 1)])
        offset = uniform(SCORING, seed, levels + 2, index, ())
        quantile = (torch.arange(levels)[:, None] + offset[None, :]) / levels  # [K, B]
        with torch.no_grad():
            bound = variational_bound(
                denoiser, process, x + schedule.quantum * rounding, noise.to(device), quantile
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
