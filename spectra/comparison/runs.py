"""One training and all that is scored of it, kept piece by piece in the run's folder."""

import contextlib
import json
import shutil
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from spectra.comparison.arms import Arm
from spectra.comparison.plan import Job, steps_for
from spectra.comparison.results import Comparison
from spectra.comparison.scores import Drawn, RunScores, drawn, number
from spectra.data import Source, open_source, parted, spread_examples
from spectra.diffusion import Run, measure_denoiser, sample, train
from spectra.diffusion.checkpoint import checkpoint_paths
from spectra.diffusion.solvers import evaluations as cost_of
from spectra.evaluation import Features, frechet_distance, named_features, spectral_distance
from spectra.evaluation.bound import score_bound
from spectra.files import npy_bytes, plain, write_atomically, write_json
from spectra.schedule import Schedule, load_schedule, refine_schedule
from spectra.schedule.steps.denoising import DenoisingError, load_denoising_error
from spectra.spectrum import load_spectrum

__all__ = ["score_job", "shown_samples"]

# Where along the training the bound is taken.
MARKS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.85, 1.0)
SCORES = "scores.json"
SHOWN = 64  # samples kept for the eye


def score_job(job: Job, source: Source | None = None) -> list[RunScores]:
    """Train and score, or go on with it; one result an arm.

    Raises
    ------
    InputError
        As `train` does: the loss ceased to be finite, say.
    """
    if source is None:
        import torch

        torch.set_num_threads(1)  # a small network gains more from a core of its own
        assert job.plan.source is not None
        source = open_source(job.plan.source, **job.plan.view)
    kept = _Kept(job.folder())
    run, curve, gaussian = _trained(job, source, kept)
    reference = _Reference(source, 4 * max(job.plan.samples, 256))
    return [
        RunScores(
            arm=arm.name,
            seed=job.seed,
            steps=tuple(curve),
            bits=tuple(curve.values()),
            gaussian=gaussian,
            drawn=_drawn(job, arm, run, source, reference, kept),
            run=str(kept.folder.relative_to(job.out)),
        )
        for arm in job.arms
    ]


def trained_steps(folder: Path) -> int:
    """Of the newest checkpoint of a run; 0 where there is none."""
    return max((int(path.stem.split("-")[1]) for path in checkpoint_paths(folder)), default=0)


class _Kept:
    """What a run's folder already holds of its scores."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / SCORES
        try:
            held = json.loads(self.path.read_text())
            self.held = {kind: dict(scores) for kind, scores in held.items()}
        except (OSError, ValueError, TypeError, AttributeError):  # none yet, or damaged
            self.held = {}

    def get(self, kind: str, key: str) -> Any:
        return self.held.get(kind, {}).get(key)

    def put(self, kind: str, key: str, value: Any) -> Any:
        self.held.setdefault(kind, {})[key] = plain(value)
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.path, self.held)
        return value


class _Reference:
    """What samples are held against; read only where a score is still to be taken."""

    def __init__(self, source: Source, count: int) -> None:
        self.source, self.count = source, count

    @cached_property
    def examples(self) -> np.ndarray:
        return self.source.examples(spread_examples(self.source, self.count))

    @cached_property
    def features(self) -> Features:
        return named_features("pca", self.examples)

    @cached_property
    def seen(self) -> np.ndarray:
        return self.features(self.examples)


def _trained(job: Job, source: Source, kept: _Kept) -> tuple[Run, dict[int, float], float]:
    """The run at its end, its bound along the way, and the Wiener filter's."""
    plan, arm = job.plan, job.arms[0]
    options = plan.training(arm)
    total = options.pop("steps")
    _, scored_on = parted(source, plan.held_out)
    marks = sorted({max(1, round(share * total)) for share in MARKS})
    schedule, spent = load_schedule(job.schedule), 0
    folder = kept.folder / "training"
    if arm.refines:
        spent = min(plan.probe, total - 1)
        schedule = _refined(job, source, schedule, options, spent, kept)
    # The training that a refinement costs counts among its steps, and is not scored by itself.
    marks = [mark for mark in marks if mark > spent]
    curve: dict[int, float] = {}
    gaussian = run = None
    for mark in marks:
        found = kept.get("bits", str(mark))
        if found is None and trained_steps(folder) > mark - spent:
            shutil.rmtree(folder)  # the scores were lost, and the network has gone on since
        if found is None or mark == total:
            run = train(
                source,
                schedule,
                out=folder,
                steps=mark - spent,
                seed=job.number,
                keep=1,
                **options,
            )
        if found is None:
            assert run is not None
            bound = score_bound(
                run, scored_on, job.seed, plan.examples, plan.levels, run.config["device"]
            )
            found = kept.put("bits", str(mark), [bound.value, bound.gaussian])
        curve[mark], gaussian = (number(value) for value in found)
    assert run is not None
    assert gaussian is not None
    return run, curve, gaussian


def _refined(
    job: Job,
    source: Source,
    schedule: Schedule,
    options: dict[str, Any],
    steps: int,
    kept: _Kept,
) -> Schedule:
    """The schedule that a short training of this seed leads to."""
    path = kept.folder / "refined.safetensors"
    if path.exists():
        return load_schedule(path)
    probe = train(
        source,
        schedule,
        out=kept.folder / "probe",
        steps=steps,
        seed=job.number,
        keep=1,
        **options,
    )
    error = _measured(probe, source, job, kept.folder / "probe.safetensors")
    spectrum = load_spectrum(job.out / "spectrum.safetensors")
    refined = refine_schedule(spectrum, error, **job.arms[0].choices)
    refined.save(path)
    return refined


def _measured(run: Run, source: Source, job: Job, path: Path) -> DenoisingError:
    """What a network leaves wrong on the files it was trained on: the others are for the scores."""
    if path.exists():
        return load_denoising_error(path)
    trained_on, _ = parted(source, job.plan.held_out)
    error = measure_denoiser(
        run, trained_on, basis=run.schedule.basis, seed=job.seed, device=job.plan.device
    )
    error.save(path)
    return error


def _drawn(
    job: Job, arm: Arm, run: Run, source: Source, reference: "_Reference", kept: _Kept
) -> tuple[Drawn, ...]:
    """Samples of an arm by every solver, scored."""
    plan, how = job.plan, arm.sampling
    found: list[Drawn] = []
    for solver in [how["solver"]] if "solver" in how else plan.solvers:
        for steps in dict.fromkeys(steps_for(solver, most) for most in plan.evaluations):
            key = json.dumps([solver, steps, dict(how), plan.samples, job.seed], sort_keys=True)
            scores = kept.get("drawn", key)
            if scores is None:
                samples = _samples(job, arm, run, source, solver, steps, kept)
                some = samples[:SHOWN].astype(np.float32)
                write_atomically(_shown(kept.folder, how, solver, steps), npy_bytes(some))
                distance = spectral_distance(samples, reference.examples, seed=job.seed).value
                frechet = frechet_distance(reference.features(samples), reference.seen)
                cost = cost_of(steps, solver)
                scores = kept.put(
                    "drawn", key, asdict(Drawn(solver, steps, cost, distance, frechet))
                )
            found.append(drawn(scores))
    return tuple(found)


def _samples(
    job: Job, arm: Arm, run: Run, source: Source, solver: str, steps: int, kept: _Kept
) -> np.ndarray:
    how = arm.sampling
    rule = how["rule"]
    error = None
    if how.get("error") == "measured":
        error = _measured(run, source, job, kept.folder / "denoising.safetensors")
    with warnings.catch_warnings():  # what few steps do is measured here
        warnings.simplefilter("ignore", UserWarning)
        return sample(
            run,
            job.plan.samples,
            steps,
            solver,
            job.seed,
            rule=rule,
            criterion=how.get("criterion"),
            error=error,
            device=job.plan.device,
        )


def shown_samples(out: Path, comparison: Comparison) -> dict[str, np.ndarray]:
    """Some samples of each arm's first run, for the eye, where they are kept.

    Of its first solver, at the middle of its numbers of evaluations.
    """
    found = {}
    for arm in comparison.arms:
        run = comparison.run(arm.name, comparison.seeds[0])
        own = [one for one in run.drawn if one.solver == run.drawn[0].solver]
        if own:
            shown = sorted(own, key=lambda one: one.evaluations)[len(own) // 2]
            path = _shown(out / run.run, arm.sampling, shown.solver, shown.steps)
            # Damaged ones are left out as lost ones are: they are only looked at.
            with contextlib.suppress(OSError, ValueError, EOFError):
                found[arm.name] = np.lib.format.read_array(BytesIO(path.read_bytes()))
    return found


def _shown(folder: Path, sampling: Mapping[str, Any], solver: str, steps: int) -> Path:
    told = [value for key, value in sorted(sampling.items()) if key != "solver"]
    how = "-".join(map(str, (solver, steps, *told)))
    return folder / f"samples-{how}.npy"
