"""All scores of a run: bits/dim on held-out files, and how its samples differ from data."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np

from spectra.data import reopen_source, spread_examples
from spectra.diffusion import Run, sample
from spectra.diffusion.chosen import Device, chosen_device
from spectra.diffusion.guide import along
from spectra.diffusion.solvers import evaluations
from spectra.errors import InputError, check_name, check_whole
from spectra.evaluation.bound import score_bound, score_ode
from spectra.evaluation.classes import classes_of, spread_classes
from spectra.evaluation.examples import RealData, real_data
from spectra.evaluation.found import Scores
from spectra.evaluation.measures import check_possible, chosen_names, measure
from spectra.evaluation.score import Interval
from spectra.evaluation.spectral import spectral_distance
from spectra.schedule import Schedule
from spectra.schedule.steps.denoising import DenoisingError
from spectra.schedule.steps.grids import grid_criterion
from spectra.spectrum.spectrum import measured_sources

__all__ = ["Likelihood", "evaluate"]

Likelihood = Literal["bound", "ode", "both"]

# Of the probability flow's, which is slow.
ODE_EXAMPLES, ODE_STEPS = 16, 64


def evaluate(
    run: Run,
    source: Any,
    *,
    n: int = 256,
    steps: int = 18,
    solver: str = "heun",
    seed: int = 0,
    rule: str = "optimal",
    criterion: str | None = None,
    error: DenoisingError | None = None,
    examples: int = 512,
    levels: int = 8,
    scores: str | Sequence[str] = "cheap",
    features: Mapping[str, Callable[[Any], Any]] | None = None,
    likelihood: Likelihood = "bound",
    ode_examples: int | None = None,
    ode_steps: int | None = None,
    schedule: Schedule | None = None,
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
    scores : str or sequence of str
        Beside bits/dim and spectral distance: "wasserstein" (sliced, of whole examples),
        "patches" (of 8-wide patches of a channel), "classifier" (of the top octave), "pca",
        "efficientnet-lite0" and "inception" (Frechet and kernel distance over these features),
        "nearest" (memorisation); "cheap" is three of them, "all" what can be had here; or "none".
    features : mapping of str to callable, optional
        Features of your own by name, [N, C, *spatial] -> [N, F], for both distances.
    likelihood : {"bound", "ode", "both"}
        "ode" and "both" add that of the probability flow; it is slow, so of few examples. The
        bound is always taken.
    ode_examples, ode_steps : int, optional
        Held-out examples for it at most (16), and steps of its integration (64).
    schedule : Schedule, optional
        Another path to score it along, for a run conditioned on the noise state.
    device : {"auto", "cpu", "cuda"}
    progress : bool
        Show a bar on stderr where that is a terminal.

    Returns
    -------
    Scores
        Its `lines()` are the text that `spectra evaluate` prints.

    Raises
    ------
    InputError
        The source has another shape than the run, `sample` refuses its settings, a score is
        unknown or cannot be taken, or there are NaN among the samples.

    Notes
    -----
    A run that was trained with classes is told each example's own, and draws samples of classes
    as frequent as the data's. On data of other classes it is scored without, by what it learnt of
    the one example in ten whose class was left out.

    Beside each score stands that of real data against other real data, as many as there are
    samples, from other files: samples like data are no nearer than that.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> run = spectra.train("digits", schedule, out="run", steps=20)
    >>> scores = spectra.evaluate(run, "digits", n=16, steps=3, examples=16, scores="none")
    >>> scores.bound.low < scores.bound.value < scores.bound.high
    True
    >>> scores.evaluations, scores.held_out
    (5, True)
    """
    check_whole("n", n, low=2)  # one sample has no mean spectrum
    check_whole("steps", steps, low=1)
    check_whole("seed", seed, low=0)
    check_whole("examples", examples, low=1)
    check_whole("levels", levels, low=1)
    check_name("likelihood", likelihood, get_args(Likelihood))
    for option, value in (("ode_examples", ode_examples), ("ode_steps", ode_steps)):
        if value is not None:
            check_whole(option, value, low=1)
            if likelihood == "bound":
                raise InputError(
                    f"{option}: likelihood 'bound' has no use for it; take likelihood 'ode'"
                )
    small = grid_criterion(rule, criterion)
    if not isinstance(scores, Iterable):
        raise InputError(f"scores {scores!r}: a name or a list of names is needed")
    if features is not None and not isinstance(features, Mapping):
        raise InputError(f"features {features!r}: a mapping of names to callables is needed")
    listed = [scores] if isinstance(scores, str) else list(scores)
    names = chosen_names(listed)
    required = chosen_names([name for name in listed if name not in ("all", "cheap")])
    device = chosen_device(device)
    if schedule is not None:
        run = along(run, schedule)
    source = reopen_source(source, run.schedule.data)
    if tuple(source.shape) != tuple(run.schedule.shape):
        raise InputError(
            f"{source.name}: examples of shape {tuple(source.shape)}, but {run.path} was trained "
            f"on {tuple(run.schedule.shape)}; score it on data of its own shape"
        )
    share = run.config["held_out"]
    held_out = share > 0 and source.fingerprint == run.config.get("fingerprint")
    scored = source.split(share)[1] if held_out else source
    # What is asked for by name and cannot be had is refused before anything is computed.
    real, left_out = None, {}
    if names or features:
        try:
            real = real_data(source, n, max(2 * n, 256))
        except InputError as reason:
            if required or features:
                raise
            left_out = {"all": str(reason)}
        else:
            check_possible(required, n, real, held_out, device)
    bound = score_bound(run, scored, seed, examples, levels, device)
    ode = None
    if likelihood != "bound":
        ode = score_ode(
            run, scored, seed, ode_examples or ODE_EXAMPLES, ode_steps or ODE_STEPS, levels, device
        )
    reference = spread_examples(source, 4 * max(n, 256))
    classes = classes_of(run, source, reference)
    samples = sample(
        run,
        n,
        steps,
        solver,
        seed,
        rule=rule,
        criterion=criterion,
        error=error,
        labels=spread_classes(classes, n),
        device=device,
        progress=progress,
    )
    spectral = spectral_distance(samples, source.examples(reference), seed=seed)
    measures, floor = (), None
    if real is not None:
        floor = _spectral_floor(real, seed)
        measures, left_out = measure(
            names,
            samples,
            real,
            source.split(share) if held_out else None,
            required=required,
            features=features,
            seed=seed,
            device=device,
            mirrored=run.config.get("random_flip", False),
        )
    return Scores(
        bound=bound,
        spectral=spectral,
        samples=samples,
        steps=steps,
        evaluations=evaluations(steps, solver),
        solver=solver,
        rule=rule,
        criterion=small,
        error=None if error is None else error.name,
        held_out=held_out,
        source=source.name,
        fingerprint=source.fingerprint,
        seed=seed,
        run_step=run.step,
        ode=ode,
        spectral_floor=floor,
        measures=measures,
        left_out=left_out,
        classes=_said(run, classes),
        foreseen=held_out and source.fingerprint in measured_sources(run.schedule.fingerprint),
    )


def _said(run: Run, classes: np.ndarray | None) -> Literal["own", "none"] | None:
    """What a run was told of the examples' classes."""
    if not run.config.get("classes"):
        return None
    return "none" if classes is None else "own"


def _spectral_floor(real: RealData, seed: int) -> Interval | None:
    """Spectral distance of one half of the data from the other, dB."""
    if len(real.held) < 2:
        return None
    found = spectral_distance(real.held, real.reference, seed=seed, units=real.held_files)
    return Interval(found.value, found.low, found.high)
