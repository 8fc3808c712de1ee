"""The whole main job on the embedded photographs, from the spectrum to the verdict."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spectra.data import Source, open_source
from spectra.diffusion import TrainConfig, sample, train
from spectra.diffusion.loss import Loss
from spectra.diffusion.measure import spread_examples
from spectra.diffusion.settings import Device, chosen_device
from spectra.errors import InputError
from spectra.evaluation import Difference, Scores, evaluate, paired_difference
from spectra.evaluation.spectral import SpectralDistance, spectral_distance
from spectra.files import check_writable, write_json
from spectra.findings import Findings
from spectra.fit import PowerLaw, fit_power_law
from spectra.schedule import Schedule, derive_schedule, load_schedule, standard_schedule
from spectra.schedule.steps.rules import Rule
from spectra.schedule_commands import schedule_numbers
from spectra.spectrum import Spectrum, analyze

__all__ = ["run_demo"]

STANDARD = "rectified-flow"


@dataclass(frozen=True)
class Budget:
    """How much the demo does; small enough for minutes on two cores."""

    source: str = "photos"
    size: int = 32
    loss: Loss = TrainConfig.loss
    held_out: float = 0.4  # of 11 photographs: 4 files to score on
    steps: int = 400
    batch: int = 32
    samples: int = 128
    sample_steps: int = 9
    solver: str = "heun"
    examples: int = 256  # scored for bits/dim


# The two schedules, by the names they have on the page and as files; all else is the same.
DERIVED = "derived"
SCHEDULES = (DERIVED, STANDARD)
# Where the sampler's steps lie: what is copied is stepped through as it usually is.
RULES: dict[str, Rule] = {DERIVED: "optimal", STANDARD: "time"}


def run_demo(
    out: Path, seeds: int, seed: int, device: Device, budget: Budget = Budget()
) -> tuple[dict[str, Any], str]:
    """Analyze, derive, train, sample, compare, and write DIR/report.html.

    The same command again takes up where it was interrupted: runs resume from their checkpoints.

    Raises
    ------
    InputError
        Fewer than 2 seeds, or an output that cannot be written.
    """
    if seeds < 2:
        raise InputError(f"--seeds {seeds}: a paired interval needs at least 2")
    check_writable(out)
    device = chosen_device(device)
    started = time.perf_counter()
    source = open_source(budget.source, size=budget.size)
    trained_on, held_out = source.split(budget.held_out)
    _say(f"measuring {budget.source}: {len(source)} patches of {budget.size}x{budget.size}")
    spectrum = analyze(trained_on, bases=("dct", "fourier", "pixel"))
    spectrum.save(out / "spectrum.safetensors")
    derived = derive_schedule(spectrum)
    standard = standard_schedule(spectrum, process=STANDARD)
    for name, schedule in zip(SCHEDULES, (derived, standard), strict=True):
        schedule.save(_schedule_path(out, name))

    jobs = [(name, seed + i) for i in range(seeds) for name in SCHEDULES]
    _say(
        f"training {len(jobs)} networks of {budget.steps} steps, each scored on "
        f"{len(held_out.files)} photographs it has not seen"
    )
    scores: dict[tuple[str, int], Scores] = {}
    optimised: dict[tuple[str, int], SpectralDistance] = {}
    logs: dict[str, list[dict[str, Any]]] = {}
    for (name, number), score, other, log in _trained(out, jobs, device, budget):
        scores[name, number], optimised[name, number] = score, other
        logs[f"{name}, seed {number}"] = log
        _say(
            f"  {name}, seed {number}: {score.bound.value:.3f} bits/dim (untrained "
            f"{score.bound.gaussian:.3f}), spectral distance {score.spectral.value:.2f} dB"
        )
    logs = dict(sorted(logs.items()))
    rows = _differences(scores, optimised, range(seed, seed + seeds))
    fit = fit_power_law(spectrum)
    numbers = {
        "runs": {f"{name}-{number}": score.to_dict() for (name, number), score in scores.items()},
        "spectral_distance_on_optimised_steps": {
            f"{name}-{number}": score.value for (name, number), score in optimised.items()
        },
        "differences": [row.to_dict() for row in rows],
        "spectrum": Findings(spectrum, fit).numbers(),
        "schedule": schedule_numbers(derived),
    }
    measured, schedules = (spectrum, fit), (derived, standard)
    report = _report(
        out, budget, source, held_out, measured, schedules, scores, logs, rows, numbers
    )
    seconds = time.perf_counter() - started
    write_json(out / "demo.json", numbers)
    text = [f"{row.measure}: {_sentence(row)}" for row in rows]
    text += [f"done in {seconds:.0f} s", str(report)]
    return numbers | {"report": str(report), "seconds": seconds}, "\n".join(text)


def _trained(
    out: Path, jobs: list[tuple[str, int]], device: Device, budget: Budget
) -> Iterator[tuple[tuple[str, int], Scores, SpectralDistance, list[dict[str, Any]]]]:
    """Train and score every job, one thread each, as many at a time as there are cores.

    A small network gains more from a core of its own than from a second thread.
    """
    workers = min(len(jobs), _cores()) if device == "cpu" else 1
    waiting, running = list(jobs), {}
    with ProcessPoolExecutor(workers, get_context("spawn"), _leave_ctrl_c_to_the_parent) as pool:
        try:
            while waiting or running:
                # One job a worker and none in advance: what waits is not begun when stopped.
                while waiting and len(running) < workers:
                    job = waiting.pop(0)
                    running[pool.submit(_train_and_score, out, *job, device, budget)] = job
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), *future.result()
        except BrokenProcessPool:
            raise InputError(
                f"{out}: a training process was ended from outside (memory?); the same command "
                "goes on from its last checkpoint"
            ) from None
        except BaseException:
            for child in active_children():
                child.terminate()  # a run in training saves its checkpoint first
            raise


def _cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS or Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _leave_ctrl_c_to_the_parent() -> None:
    """A group of its own: the terminal's Ctrl-C reaches the parent, which ends its children."""
    if hasattr(os, "setpgrp"):  # not on Windows
        os.setpgrp()


def _train_and_score(
    out: Path, name: str, seed: int, device: Device, budget: Budget
) -> tuple[Scores, SpectralDistance, list[dict[str, Any]]]:
    """One run, in a process of its own: its scores, and its samples' on optimised steps."""
    torch.set_num_threads(1)
    schedule = load_schedule(_schedule_path(out, name))
    source = open_source(budget.source, size=budget.size)
    run = train(
        source,
        schedule,
        out=out / "runs" / f"{name}-{seed}",
        steps=budget.steps,
        batch=budget.batch,
        seed=seed,
        device=device,
        loss=budget.loss,
        held_out=budget.held_out,
    )
    drawing = {"n": budget.samples, "steps": budget.sample_steps, "solver": budget.solver}
    drawing |= {"seed": seed, "device": device}
    taken = {"examples": budget.examples, "scores": "none"}
    scores = evaluate(run, source, rule=RULES[name], **taken, **drawing)
    if RULES[name] == "optimal":
        return scores, scores.spectral, run.log
    data = source.examples(spread_examples(source, 4 * max(budget.samples, 256)))
    optimised = spectral_distance(sample(run, **drawing), data, seed=seed)
    return scores, optimised, run.log


def _differences(
    scores: dict[tuple[str, int], Scores],
    optimised: dict[tuple[str, int], SpectralDistance],
    seeds: range,
) -> list[Difference]:
    """Derived less standard, paired over seeds: the bound, and the spectral distance."""

    def pair(measure: str, unit: str, of: Callable[[tuple[str, int]], float]) -> Difference:
        a, b = (np.array([of((name, seed)) for seed in seeds]) for name in SCHEDULES)
        return paired_difference(a, b, measure=measure, unit=unit)

    cost = scores[DERIVED, seeds[0]].evaluations
    return [
        pair("bound on held-out files", "bits/dim", lambda run: scores[run].bound.value),
        pair(
            f"spectral distance, {cost} evaluations", "dB", lambda run: scores[run].spectral.value
        ),
        pair("the same, both on steps optimised for them", "dB", lambda run: optimised[run].value),
    ]


def _sentence(row: Difference) -> str:
    return (
        f"derived is {row.verdict} ({row.mean:+.3f} {row.unit}, 95 % interval "
        f"{row.low:+.3f} to {row.high:+.3f}, {row.pairs} paired seeds)"
    )


def _report(
    out: Path,
    budget: Budget,
    source: Source,
    held_out: Source,
    measured: tuple[Spectrum, PowerLaw],
    schedules: tuple[Schedule, Schedule],
    scores: dict[tuple[str, int], Scores],
    logs: dict[str, list[dict[str, Any]]],
    rows: list[Difference],
    numbers: dict[str, Any],
) -> Path:
    """The page."""
    from spectra.plots import Fact, pages, write_report

    (spectrum, fit), (derived, standard) = measured, schedules
    examples = open_source(budget.source, size=256, crop="center").some(12)
    first = min(seed for _, seed in scores)
    settings = {
        "patches": f"{budget.size}x{budget.size}",
        "steps": budget.steps,
        "batch": budget.batch,
        "loss": budget.loss,
        "paired seeds": rows[0].pairs,
        "held out": ", ".join(held_out.files),
    }
    sampling = {"solver": budget.solver, "steps": budget.sample_steps, "samples": budget.samples}
    sampling |= {f"steps of {name}": rule for name, rule in RULES.items()}
    gain = scores[DERIVED, first].bound.gain
    table = pages.score_table(
        {f"{name}, seed {seed}": scores[name, seed] for name, seed in sorted(scores)}
    )
    verdict = (
        "Same network, preconditioning, loss, data order, noise, steps and seeds; only the "
        "schedule differs: where it starts and ends, how often each noise level is trained, and "
        "where the sampler's steps lie: optimised for this spectrum, or even in time as the "
        "copied one is usually stepped through. The last row gives both optimised steps, so that "
        "what is left is the training's merit. Each row is the derived schedule less the standard "
        "one, paired over seeds, and counts as better or worse only where the whole interval lies "
        "on one side of zero.\n\n"
        + " ".join(f"{row.measure.capitalize()}: {_sentence(row)}." for row in rows)
        + " These are short runs of a small network on a few photographs: they show that the "
        "chain works and who is ahead early, not who wins in the end."
    )
    sections = [
        *pages.data_sections(examples, "photographs inside scikit-image and scikit-learn"),
        *pages.spectrum_sections(spectrum, fit, source.some(12)),
        *pages.schedule_sections(derived, standard),
        *pages.training_sections(
            logs,
            "Loss of each run. The two schedules draw different noise levels, so that only curves "
            "of one colour compare; bits/dim, below, compares all. After training the "
            f"derived schedule's first run is {-gain.mean:.2f} bits/dim under the Wiener filter "
            f"it started from (95 % interval over files {-gain.high:.2f} to {-gain.low:.2f}).",
        ),
        *pages.sample_sections(
            {name: scores[name, first].samples for name in SCHEDULES},
            held_out.examples(np.random.default_rng(0).permutation(len(held_out))[:64]),
            spectrum,
            sampling,
        ),
        *pages.comparison_sections(rows, table, verdict, settings | sampling),
    ]
    low, high = fit.interval()
    return write_report(
        out / "report.html",
        title="Diffusion that looks at the data first",
        intro="A diffusion model hides data under noise and learns to uncover them. Which detail "
        "drowns at which noise level is written in the power spectrum of the data. Here it is "
        "measured, a noise schedule is derived from it, and the schedule is tried against the "
        "one that is usually copied.",
        sections=sections,
        numbers=numbers,
        settings={"source": budget.source, "view": source.settings} | settings | sampling,
        facts=[
            Fact("exponent", f"{fit.alpha:.2f}", f"95 % interval {low:.2f} to {high:.2f}"),
            *(Fact(row.measure, row.verdict, f"{row.mean:+.3f} {row.unit}") for row in rows[:2]),
        ],
        skipped=[(item.name, item.reason) for item in source.skipped],
        credits=[(budget.source, text) for text in (source.licence, source.citation) if text],
    )


def _schedule_path(out: Path, name: str) -> Path:
    return out / f"{name}.safetensors"


def _say(line: str) -> None:
    """Progress, on stderr: stdout is for the result."""
    print(line, file=sys.stderr, flush=True)
