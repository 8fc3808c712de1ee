"""From noise to examples with a trained run."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from spectra.diffusion.chosen import Device, chosen_device
from spectra.diffusion.guide import Classes, Guide, check_path, given_array, known_part
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.randomness import SAMPLING, normal
from spectra.diffusion.run import Run
from spectra.diffusion.solvers import integrate
from spectra.errors import InputError, check_whole
from spectra.schedule import Schedule
from spectra.schedule.steps.denoising import DenoisingError
from spectra.schedule.steps.gaussian import predict_error
from spectra.schedule.steps.rules import OF_ERROR

__all__ = ["grid_times", "noise_levels", "sample", "sample_components"]

# Samples this many times as wide as the data, or as narrow, are warned of.
WIDER = 2.0


def sample(
    run: Run,
    n: int = 64,
    steps: int = 18,
    solver: str = "heun",
    seed: int = 0,
    *,
    rule: str = "optimal",
    criterion: str | None = None,
    error: DenoisingError | None = None,
    grid: np.ndarray | None = None,
    schedule: Schedule | None = None,
    known: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    known_below: float | None = None,
    labels: int | Sequence[int] | None = None,
    guidance: float = 1.0,
    batch: int = 64,
    device: Device = "auto",
    progress: bool = False,
) -> np.ndarray:
    """Draw examples, whole or around parts that are known.

    Parameters
    ----------
    run : Run
    n : int
    steps : int
        Steps of the solver along the schedule's grid for it.
    solver : {"euler", "ddim", "heun", "2m", "ancestral", "covariance"}
    seed : int
        Example i depends on (seed, i) alone, not on n or the batch.
    rule, criterion : str
        Of that grid; see `Schedule.grid`. Only rule "optimal" has a criterion.
    error : DenoisingError, optional
        Of this denoiser (see `measure_denoiser`): an optimal grid is optimised for it, the
        rescaled-entropic one is even in its rescaled entropy, and solver "covariance" takes its
        gain from it. Without it the denoiser is taken for a Wiener filter of the data's variances.
    grid : array [N + 1], optional
        Times 1 = t_0 > ... > t_N = 0 instead; with neither rule nor criterion.
    schedule : Schedule, optional
        Another path through the same components, for a run conditioned on the noise state.
    known : array [C, *spatial] or [n, C, *spatial], optional
        Examples of which a part is kept, in data values; the rest is drawn to go with it.
    mask : bool array [*spatial], [C, *spatial] or [n, C, *spatial], optional
        Which places of `known` are kept; for components that have a place (pixel, wavelet). A
        wavelet that sees unknown places too is drawn: pixels, and Haar wavelets of few levels on
        whole blocks, keep places as they are; where others do not a warning says so.
    known_below : float, optional
        Instead: the components of `known` up to this frequency are kept, cycles/pixel; what is
        above is drawn.
    labels : int or sequence of n int, optional
        Classes, for a run trained with them.
    guidance : float
        1: as the classes have it; above, further from what all classes share (classifier-free
        guidance); 0: without class.
    batch : int
    device : {"auto", "cpu", "cuda"}
    progress : bool

    Returns
    -------
    float32 [n, C, H, W]
        In data values.

    Raises
    ------
    InputError
        n or steps under 1, an unknown solver, rule or criterion, a grid that does not fall from
        1 to 0 or comes with a rule or criterion for another, an error that nothing here uses or
        that is of other components; a schedule of other components; a known part that the
        components cannot express; or a run that was not trained for what is asked.

    Warns
    -----
    UserWarning
        Where too few steps would make Gaussian samples of this spectrum twice as wide as the data,
        or half; see `predict_error`.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> run = spectra.train("digits", schedule, out="run", steps=20)
    >>> spectra.sample(run, n=4, steps=5, solver="heun", seed=0).shape
    (4, 1, 8, 8)
    """
    check_whole("n", n, low=1)
    check_whole("batch", batch, low=1)
    check_whole("seed", seed)
    device = chosen_device(device)
    if error is not None and not isinstance(error, DenoisingError):
        raise InputError(f"error: a DenoisingError is needed, not {type(error).__name__}")
    looked = grid is None and rule in OF_ERROR
    if error is not None and solver != "covariance" and not looked:
        raise InputError(
            f"error: solver {solver!r} on a grid of its own has no use for it; take rule 'optimal' "
            "or 'rescaled-entropic', or solver 'covariance'"
        )
    path = run.schedule if schedule is None else check_path(run, schedule)
    times = grid_times(path, steps, solver, grid, rule=rule, criterion=criterion, error=error)
    _warn_of_width(path, times, solver, error, rule if grid is None else None)
    denoiser = run.denoiser(device)
    process = denoiser.process if schedule is None else DiffusionProcess(path, device)
    gain = _gain(process, times, solver, error)
    part = known_part(run, process, n, known, mask, known_below)
    classes = Classes.given(run, labels, guidance, n)
    drawn = []
    for indices in _batches(n, batch, progress):
        here = part.of(indices) if part else None, classes.of(indices, device) if classes else None
        guide = Guide(denoiser, process, *here)
        z = sample_components(guide, process, times, indices, solver, seed, device, gain)
        if here[0] is not None:
            z = torch.where(here[0].mask, here[0].z, z)
        drawn.append(process.examples(z).cpu().numpy())
    return np.concatenate(drawn)


@torch.no_grad()
def sample_components(
    denoiser: Any,
    process: DiffusionProcess,
    times: np.ndarray,
    indices: np.ndarray,
    solver: str,
    seed: int,
    device: str,
    gain: torch.Tensor | None = None,
) -> torch.Tensor:
    """Components of the samples with these indices, [B, C, H, W].

    `denoiser` is a Denoiser or any z_hat(z(t) [B, C, H, W], t [B]); `gain` [N, C, H, W] is what
    solver "covariance" takes from it.
    """
    levels, alpha = noise_levels(process, times)
    knots = torch.tensor(times, dtype=torch.float64, device=device)

    def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
        return denoiser(alpha[k] * y, knots[k].expand(len(y)))

    def noise(step: int) -> torch.Tensor:
        return normal(SAMPLING, seed, step + 1, indices, process.shape).to(device)

    # y(1) ~ N(0, lambda + sigma^2): the second moments of noised data, exactly.
    spread = (process.variance + levels[0] ** 2).sqrt()
    start = spread * normal(SAMPLING, seed, 0, indices, process.shape).to(device)
    return integrate(estimate, levels, start, solver, noise, gain)


def noise_levels(process: DiffusionProcess, times: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """sigma_i s_i / alpha_i and alpha_i at the knots, [N + 1, C, H, W] each; 0 at the last."""
    t = torch.tensor(times, dtype=torch.float64, device=process.variance.device)
    alpha, sigma = process.alpha_sigma(t)
    levels = sigma / alpha
    levels[-1] = 0
    return levels, alpha


def grid_times(
    path: Schedule,
    steps: int,
    solver: str,
    grid: np.ndarray | None,
    *,
    rule: str,
    criterion: str | None,
    error: DenoisingError | None = None,
) -> np.ndarray:
    """Times of a sampler's knots [N + 1]: the grid given, or the schedule's by a rule."""
    if grid is None:
        return path.grid(steps, solver, criterion, rule=rule, error=error)
    for name, asked in (("rule", rule != "optimal" and rule), ("criterion", criterion)):
        if asked:
            raise InputError(f"{name} {asked!r}: grid gives the steps already; leave one out")
    grid = given_array("grid", grid)
    grid = grid.astype(float) if grid.dtype.kind in "iuf" else np.zeros(0)
    falls = grid.ndim == 1 and len(grid) >= 2 and bool((np.diff(grid) < 0).all())
    if not falls or grid[0] > 1 or grid[-1] != 0:
        raise InputError("grid: times must fall from at most 1 to exactly 0")
    return grid


def _warn_of_width(
    path: Schedule, times: np.ndarray, solver: str, error: DenoisingError | None, rule: str | None
) -> None:
    """Warn of steps that miss the data's width by far; the rule is None where a grid is given."""
    found = predict_error(path, times, solver, error=error)
    power = found.variance.sum()
    width = np.sqrt((found.ratio * found.variance).sum() / power) if power else 1.0
    if 1 / WIDER < width < WIDER:
        return
    better = "more steps" if rule == "optimal" else "more steps, or those of rule 'optimal'"
    warnings.warn(
        f"{len(times) - 1} steps of {solver} make samples about {width:.2g} times as wide as "
        f"the data, as predicted for Gaussian data of this spectrum; take {better}",
        stacklevel=3,
    )


def _gain(
    process: DiffusionProcess, times: np.ndarray, solver: str, error: DenoisingError | None
) -> torch.Tensor | None:
    """W of the denoiser at every level above 0, [N, C, H, W]; only covariance-aware DDIM asks."""
    if solver != "covariance":
        return None
    levels = noise_levels(process, times)[0][:-1].double()
    if error is None:
        variance = process.variance.double()
        return (variance / (variance + levels**2)).float()
    schedule = process.schedule
    same = (error.basis, error.shape) == (schedule.basis, schedule.shape)
    if same and schedule.components is not None:
        same = np.array_equal(schedule.components, error.components)  # pyright: ignore
    if not same:
        raise InputError(
            f"error: of {error.basis} components {error.shape}, but the run has {schedule.basis} "
            f"components {schedule.shape}; measure the run's own denoiser"
        )
    gain, _ = error.gain_at(levels.log().cpu().numpy())
    return torch.tensor(gain, dtype=torch.float32, device=levels.device)


def _batches(n: int, batch: int, progress: bool) -> Any:
    """Runs of indices 0..n-1, counted on a bar where stderr is a terminal."""
    import sys

    from tqdm import tqdm

    runs = [np.arange(start, min(start + batch, n)) for start in range(0, n, batch)]
    return tqdm(runs, desc="sample", unit="batch", disable=not (progress and sys.stderr.isatty()))
