"""Several schedules on one data set, everything else equal: which one pays?"""

import hashlib
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from spectra import __version__
from spectra.comparison.arms import Arm, check_error, make_schedule, parse_arms
from spectra.comparison.plan import Job, Plan, check_plan, file_name, merged
from spectra.comparison.pool import in_processes
from spectra.comparison.results import ArmRecord, Comparison
from spectra.comparison.runs import score_job
from spectra.comparison.scores import RunScores
from spectra.data import Source, open_source, parted
from spectra.diffusion.batches import check_mirrored
from spectra.diffusion.checkpoint import schedule_digest
from spectra.diffusion.chosen import Device, chosen_device
from spectra.diffusion.networks import network_config, network_record
from spectra.diffusion.settings import TrainConfig, origin
from spectra.errors import InputError, check_number, check_whole
from spectra.files import check_writable
from spectra.folders import sole_user
from spectra.machine import usable_cores
from spectra.schedule import Schedule
from spectra.spectrum import Spectrum, analyze, load_spectrum

__all__ = ["compare"]

BASES = ("dct", "fourier", "pixel")
PROBE = 0.1  # of the steps, to learn where the network errs
LEVELS = 16  # noise levels of the bound, an example


def compare(
    source: Any,
    schedules: Sequence[str | Arm],
    *,
    out: str | Path,
    steps: int = 2000,
    batch: int = 32,
    seeds: int = 3,
    seed: int = 0,
    network: str | Mapping[str, Any] = "unet",
    loss: str = TrainConfig.loss,
    preconditioning: str = "scalar",
    learning_rate: float = TrainConfig.learning_rate,
    random_flip: bool = False,
    held_out: float = 0.2,
    probe: int | None = None,
    solvers: Sequence[str] = ("heun",),
    evaluations: Sequence[int] = (5, 9, 19),
    samples: int = 256,
    examples: int = 256,
    bits_margin: float = 0.02,
    distance_margin: float = 0.05,
    copied_sigma_data: float | None = None,
    device: Device = "auto",
    workers: int | None = None,
    view: Mapping[str, Any] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Comparison:
    """Train and score several arms alike, with the same seeds, and compare them in pairs.

    Network, data order, noise, batch, loss and optimiser are equal; an arm's schedule says where
    it starts and ends, how often each noise level is trained, and where the sampler's steps lie.
    The same call again goes on where it was stopped, run by run; arms, seeds, solvers and
    evaluations may be added.

    Parameters
    ----------
    source
        Anything `open_source` takes. What has a name is opened again by each process; what has
        none (an array, an open source) is compared in this one, run after run.
    schedules : sequence of str or Arm
        ``[LABEL=]BASE[:key=value[,key=value...]]``, see `Arm`. The first is compared with each of
        the others.
    out
        Folder for the spectrum, the schedules, the runs and compare.json.
    steps, batch : int
        Of each training.
    seeds, seed : int
        How many, from which on. Equal seeds are pairs.
    network, loss, preconditioning, learning_rate, random_flip
        As in `train`; an arm may say otherwise of loss and preconditioning.
    held_out : float
        Share of the files that only scores see. The spectrum is measured on the others.
    probe : int, optional
        Steps after which an arm "refined" learns from its loss; they count among its steps. A
        tenth of them by default.
    solvers, evaluations
        Every arm is sampled with each solver in at most so many evaluations of the network.
    samples, examples : int
        Drawn for distances; scored for bits/dim.
    bits_margin, distance_margin : float
        A tie is an interval wholly below this: bits/dim; share of a distance.
    copied_sigma_data : float, optional
        Standard deviation to which copied schedules take the values as divided, 0.5 say. None:
        the values as they are, which is [-1, 1] for pictures and sound.
    device : {"auto", "cpu", "cuda"}
    workers : int, optional
        Processes at a time: as many as GPUs, or as cores.
    view : dict, optional
        Keywords of `open_source`.
    progress : callable, optional
        Told a line for each run that is done.

    Returns
    -------
    Comparison
        Also as compare.json in `out`.

    Raises
    ------
    InputError
        An arm, number or source is wrong, the folder holds an analysis of other data, or what
        the first arm's training raised. Another arm whose training fails is left out, and
        `settings["failed"]` says why.

    Examples
    --------
    >>> digits = spectra.open_source("digits")  # open: compared in this process
    >>> small = {"name": "unet", "width": 8}
    >>> sizes = dict(network=small, steps=5, seeds=2, samples=16, examples=16, evaluations=[3])
    >>> found = spectra.compare(digits, ["derived", "edm"], out="compared", **sizes)
    >>> found.bits_difference("derived", "edm").pairs
    2
    """
    arms = parse_arms(schedules)
    folder = Path(out)
    check_plan(steps, batch, seeds, seed, solvers, evaluations, samples, examples, held_out, probe)
    margins = {"bits_margin": bits_margin, "distance_margin": distance_margin}
    for name, value in margins.items():
        check_number(name, value, low=0.0)
    if workers is not None:
        check_whole("workers", workers, low=1)
    tell = progress or (lambda line: None)
    check_writable(folder)
    chosen = chosen_device(device)
    opened = open_source(source, **(view or {}))
    plan = Plan(
        source=origin(source),
        view=opened.settings,  # settled: other processes have nothing to find, or to tell
        network=network_record(network_config(network)),
        steps=steps,
        batch=batch,
        loss=loss,
        preconditioning=preconditioning,
        learning_rate=learning_rate,
        random_flip=random_flip,
        held_out=held_out,
        probe=max(1, round(PROBE * steps)) if probe is None else probe,
        solvers=tuple(dict.fromkeys(solvers)),
        evaluations=tuple(sorted(set(evaluations))),
        samples=samples,
        examples=examples,
        levels=LEVELS,
        device=chosen,
    )
    for arm in arms:  # refused before anything is measured
        TrainConfig(**plan.training(arm))
        check_error(arm, plan.solvers)
    if random_flip:
        check_mirrored(opened)
    left = len(parted(opened, held_out)[0])
    if left < 2 <= len(opened):
        raise InputError(
            f"{opened.name}: holds {len(opened)} examples, of which {left} is left to train on; "
            "give more, or held_out 0"
        )
    with sole_user(folder):  # two at once would be in each other's way
        spectrum = _spectrum(opened, plan, folder, tell)
        made = {arm.name: make_schedule(arm, spectrum, copied_sigma_data) for arm in arms}
        numbers = range(seed, seed + seeds)
        asked = [job for arm in arms for job in _jobs(arm, made[arm.name], numbers, folder, plan)]
        # Seed by seed: a comparison that is stopped early has pairs.
        jobs = merged(sorted(asked, key=lambda job: job.seed))
        tell(f"{len(jobs)} trainings of {steps:,} steps for {len(arms)} arms and {seeds} seeds")
        found, failed = _scored(jobs, opened, plan, workers, folder, tell)
    if arms[0].name in failed:
        raise InputError(f"schedules {arms[0].name}: {failed[arms[0].name]}")
    kept = [arm for arm in arms if arm.name not in failed]
    order = {arm.name: k for k, arm in enumerate(arms)}
    comparison = Comparison(
        source=opened.name,
        arms=tuple(_record(arm, made[arm.name].explanation) for arm in kept),
        seeds=tuple(range(seed, seed + seeds)),
        runs=tuple(
            sorted(
                (run for run in found if run.arm not in failed),
                key=lambda run: (order[run.arm], run.seed),
            )
        ),
        settings={
            **asdict(plan),
            "data": opened.settings,
            "fingerprint": opened.fingerprint,
            "held_out_files": len(parted(opened, held_out)[1].files) if held_out > 0 else 0,
            "copied_sigma_data": copied_sigma_data,
            "failed": failed,
            "version": __version__,
            "code": code_digest(),
        },
        **margins,
    )
    comparison.save(folder / "compare.json")
    return comparison


def _jobs(arm: Arm, schedule: Schedule, seeds: range, folder: Path, plan: Plan) -> Iterator[Job]:
    """An arm's training with each seed; its schedule is written."""
    path = folder / "schedules" / f"{file_name(arm.name)}.safetensors"
    schedule.save(path)
    digest = schedule_digest(schedule)
    for seed in seeds:
        yield Job(folder, (arm,), path, schedule.name, digest, seed, plan)


def code_digest() -> str:
    """Of the package's sources: which code gave these numbers."""
    root = Path(__file__).parents[1]
    content = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return content.hexdigest()[:12]


def _record(arm: Arm, explanation: Mapping[str, str]) -> ArmRecord:
    return ArmRecord(
        name=arm.name,
        text=arm.text,
        copied=arm.copied,
        training=dict(arm.training),
        sampling=dict(arm.sampling),
        explanation=dict(explanation),
    )


def _spectrum(source: Source, plan: Plan, folder: Path, tell: Callable[[str], None]) -> Spectrum:
    """That of the files that are trained on; kept from an earlier call."""
    path = folder / "spectrum.safetensors"
    trained_on, _ = parted(source, plan.held_out)
    if path.exists():
        spectrum = load_spectrum(path)
        same = spectrum.fingerprint == trained_on.fingerprint
        if same and set(BASES) <= set(spectrum.bases):
            return spectrum
        if not same and not (folder / "schedules").is_dir():  # no comparison wrote it
            raise InputError(
                f"{path}: holds a spectrum of other data than is trained on here, which would be "
                "lost; choose another --out"
            )
    tell(
        f"measuring {source.name}: {len(trained_on):,} examples of {len(trained_on.files):,} files"
    )
    spectrum = analyze(trained_on, bases=BASES)
    spectrum.save(path)
    return spectrum


def _scored(
    jobs: Sequence[Job],
    source: Source,
    plan: Plan,
    workers: int | None,
    folder: Path,
    tell: Callable[[str], None],
) -> tuple[list[RunScores], dict[str, str]]:
    """All runs, and the arms that could not be trained with the reason."""
    found: list[RunScores] = []
    failed: dict[str, str] = {}
    with closing(_results(jobs, source, plan, workers, folder)) as results:
        for done, (job, result) in enumerate(results, 1):
            if isinstance(result, InputError):
                failed |= {arm.name: str(result) for arm in job.arms}
                tell(f"{done}/{len(jobs)} {job.arms[0].name}, seed {job.seed}: {result}")
                continue
            found += result
            names = ", ".join(arm.name for arm in job.arms)
            tell(f"{done}/{len(jobs)} {names}, seed {job.seed}: {result[0].bits[-1]:.3f} bits/dim")
    return found, failed


def _results(
    jobs: Sequence[Job], source: Source, plan: Plan, workers: int | None, folder: Path
) -> Generator[tuple[Job, Any], None, None]:
    """Each job with what it gave, in processes where the source can be opened there."""
    if plan.source is None:
        for job in jobs:
            try:
                yield job, score_job(job, source)
            except InputError as refusal:
                yield job, refusal
        return
    gpus = 0
    if plan.device == "cuda":
        import torch

        gpus = torch.cuda.device_count()
    count = min(len(jobs), workers or gpus or usable_cores())
    given = [(job,) for job in jobs]
    with closing(
        in_processes(score_job, given, workers=count, gpus=gpus, name=str(folder))
    ) as results:
        for number, result in results:
            yield jobs[number], result


def say(line: str) -> None:
    """Progress, on stderr: stdout is for the result."""
    print(line, file=sys.stderr, flush=True)
