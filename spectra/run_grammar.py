"""What the commands about a network take: train, probe, sample, extend, evaluate."""

import os
from pathlib import Path
from typing import Annotated, Literal

from spectra.arguments import (
    Argument,
    CriterionChoice,
    DeviceChoice,
    Json,
    MeasuredBasis,
    Out,
    Outcome,
    RuleChoice,
    RunFolder,
    SolverChoice,
    SourceName,
    flag,
    one_of,
)
from spectra.train_arguments import (
    Machine,
    MachineFlags,
    NetworkFlags,
    NetworkOptions,
    Optimiser,
    OptimiserFlags,
    Parts,
    PartsFlags,
    given_options,
)

__all__ = ["evaluate", "extend", "probe", "sample", "train"]

ERROR = (
    "What `spectra probe` wrote of this run: optimal steps are then optimised for it, and solver "
    "covariance takes its gain from it."
)


MASK = (
    "Which places of --known are kept: left:0.5, right:0.5, top:0.5, bottom:0.5, or a picture or "
    ".npy that is bright there."
)

ScoreName = Literal[
    "cheap",
    "all",
    "none",
    "wasserstein",
    "patches",
    "classifier",
    "pca",
    "nearest",
    "efficientnet-lite0",
    "inception",
]
SCORES = (
    "Scores of the samples: wasserstein (sliced, whole examples), patches (the same of patches), "
    "classifier (told from data by the top octave?), Frechet and kernel distance over the "
    "features pca, efficientnet-lite0 or inception, nearest (copies of training data); cheap is "
    "wasserstein, classifier and pca; all; or none."
)


def train(
    source: SourceName,
    /,
    *,
    schedule: Annotated[tuple[Path, ...], flag("FILE [FILE ...]")],
    out: Out,
    steps: int = 2000,
    batch: int = 64,
    labels: Annotated[bool, flag(None)] = False,
    random_flip: Annotated[bool, flag(None)] = False,
    held_out: float = 0.2,
    seed: int = 0,
    network: NetworkFlags = NetworkOptions(),
    optimiser: OptimiserFlags = Optimiser(),
    parts: PartsFlags = Parts(),
    machine: MachineFlags = Machine(),
    json: Json = False,
) -> Outcome:
    """Train a network with a schedule; the same command again resumes.

    Args:
        source: What the schedule was measured on; its view is the schedule's.
        schedule: A schedule.safetensors file; or several, in order, that one network serves.
        steps: Optimiser steps in all.
        batch: Examples a step.
        labels: Classes are the folders of the files; for guidance.
        random_flip: Mirror half of the images, at random, left to right.
        held_out: Share of the files that training does not see.
        seed: Of every random draw.
    """
    from spectra import commands

    options = {
        "steps": steps,
        "batch": batch,
        "held_out": held_out,
        "labels": labels,
        "random_flip": random_flip,
        "seed": seed,
        **given_options(network, optimiser, parts, machine),
    }
    outcome = Outcome(*commands.train(source, schedule, out, options))
    if os.environ.get("RANK", "0") != "0":
        raise SystemExit(0)  # one of torchrun's processes speaks for all
    return outcome


def probe(
    run: RunFolder,
    source: SourceName,
    /,
    *,
    out: Path = Path("denoising.safetensors"),
    basis: Annotated[MeasuredBasis | None, one_of(MeasuredBasis)] = None,
    spectrum: Annotated[Path | None, flag("FILE")] = None,
    sigmas: Annotated[tuple[float, ...] | None, flag("FLOAT [FLOAT ...]")] = None,
    n: int = 256,
    seed: int = 0,
    device: DeviceChoice = "auto",
    json: Json = False,
) -> Outcome:
    """Measure what a trained run leaves wrong, per component and noise level.

    The file that --error and --penalty take, and that plot draws.

    Args:
        run: A folder that `spectra train` wrote.
        source: Data it was not trained on; of its own source the held-out files are taken.
        out: The file to write.
        basis: Of the components; a run with noise per component has its own alone (default: dct).
        spectrum: Of the data, for their variance and for basis pca: analyze --bases with pca.
        sigmas: Noise levels in data units, rising; by default 16 over the run's whole range.
        n: Examples at most, spread over all files.
        seed: Of the noise.
        device: cpu, cuda, or auto.
    """
    from spectra import commands

    options = {"basis": basis, "sigmas": sigmas, "n": n, "seed": seed, "device": device}
    return Outcome(*commands.probe(run, source, out, options, spectrum))


def sample(
    run: RunFolder,
    /,
    *,
    out: Out,
    n: int = 64,
    steps: int = 18,
    solver: SolverChoice = "heun",
    rule: RuleChoice = "optimal",
    criterion: Annotated[CriterionChoice | None, one_of(CriterionChoice)] = None,
    error: Annotated[Path | None, flag("FILE", ERROR)] = None,
    schedule: Annotated[Path | None, flag("FILE")] = None,
    known: Annotated[str | None, flag("SOURCE")] = None,
    mask: Annotated[str | None, flag("SIDE:SHARE|FILE", MASK)] = None,
    known_below: Annotated[float | None, flag("FLOAT")] = None,
    labels: Annotated[str | None, flag("NAME[,NAME...]")] = None,
    guidance: float = 1.0,
    batch: int = 64,
    seed: int = 0,
    device: DeviceChoice = "auto",
    json: Json = False,
) -> Outcome:
    """Draw samples from a trained run: a PNG grid, and the values as .npy beside it.

    Args:
        run: A folder that `spectra train` wrote.
        n: How many.
        steps: Steps of the solver.
        solver: How the steps are made.
        rule: Where the steps lie: optimised for these data and this solver, or a published rule.
        criterion: What optimal steps make small; spectrum keeps fine detail (default: w2).
        schedule: Another path through the same components, for a run told the noise state.
        known: Examples of which a part is kept, the rest drawn; by --mask or --known-below.
        known_below: Keep what lies up to this frequency, cycles/pixel, and draw the detail above.
        labels: Class of every sample, or one for each.
        guidance: 1 as the classes are; above, further from what all share.
        batch: Drawn at a time; samples differ by rounding only.
        seed: Sample i depends on the seed and i alone.
        device: cpu, cuda, or auto.
    """
    from spectra import sample_commands

    options = {"n": n, "steps": steps, "solver": solver, "seed": seed, "device": device}
    options |= {"rule": rule, "criterion": criterion}
    options |= {"known_below": known_below, "guidance": guidance, "batch": batch}
    chosen = {"schedule": schedule, "known": known, "mask": mask, "labels": labels}
    return Outcome(*sample_commands.sample(run, out, options, error, **chosen))


def extend(
    run: RunFolder,
    source: Annotated[Argument[str | None], flag("[SOURCE]")] = None,
    /,
    *,
    out: Out,
    times: float = 4.0,
    axis: Literal["columns", "rows", "frames", "samples"] = "columns",
    reverse: Annotated[bool, flag(None)] = False,
    overlap: float = 0.5,
    n: int = 8,
    steps: int = 18,
    solver: SolverChoice = "heun",
    rule: RuleChoice = "optimal",
    criterion: Annotated[CriterionChoice | None, one_of(CriterionChoice)] = None,
    schedule: Annotated[Path | None, flag("FILE")] = None,
    labels: Annotated[str | None, flag("NAME[,NAME...]")] = None,
    guidance: float = 1.0,
    rate: Annotated[int | None, flag("INT")] = None,
    batch: int = 64,
    seed: int = 0,
    device: DeviceChoice = "auto",
    json: Json = False,
) -> Outcome:
    """Draw longer than the run was trained: PNG, the values as .npy, and .wav files of sound.

    Args:
        run: A folder that `spectra train` wrote, with --known above 0.
        source: Examples to go on with; by default the first window is drawn as well.
        times: Length to reach, in trained ones.
        axis: What becomes longer.
        reverse: Go on before the beginning, not after the end.
        overlap: Share of the window that is finished when the next part is drawn.
        n: How many.
        steps: Steps of the solver in a window.
        solver: How the steps are made.
        rule: Where the steps lie: optimised for these data and this solver, or a published rule.
        criterion: What optimal steps make small; spectrum keeps fine detail (default: w2).
        schedule: Another path through the same components, for a run told the noise state.
        labels: Class of every example, or one for each.
        guidance: 1 as the classes are; above, further from what all share.
        rate: Samples a second of sound, where the run's data are not at hand.
        batch: Drawn at a time; examples differ by rounding only.
        seed: Example i depends on the seed and i alone.
        device: cpu, cuda, or auto.
    """
    from spectra import extend_commands

    options = {"times": times, "reverse": reverse, "overlap": overlap, "n": n, "steps": steps}
    options |= {"solver": solver, "rule": rule, "criterion": criterion, "seed": seed}
    options |= {"device": device, "guidance": guidance, "batch": batch}
    chosen = {"schedule": schedule, "rate": rate, "labels": labels}
    return Outcome(*extend_commands.extend(run, source, out, axis, options, **chosen))


def evaluate(
    run: RunFolder,
    source: SourceName,
    /,
    *,
    n: int = 256,
    steps: int = 18,
    solver: SolverChoice = "heun",
    rule: RuleChoice = "optimal",
    criterion: Annotated[CriterionChoice | None, one_of(CriterionChoice)] = None,
    error: Annotated[Path | None, flag("FILE", ERROR)] = None,
    schedule: Annotated[Path | None, flag("FILE")] = None,
    seed: int = 0,
    examples: int = 512,
    levels: int = 8,
    scores: Annotated[tuple[ScoreName, ...], flag("NAME [NAME ...]", SCORES)] = ("cheap",),
    likelihood: Literal["bound", "ode", "both"] = "bound",
    ode_examples: Annotated[int | None, flag("INT")] = None,
    ode_steps: Annotated[int | None, flag("INT")] = None,
    device: DeviceChoice = "auto",
    json: Json = False,
) -> Outcome:
    """Score a run: bits/dim on held-out files, and how its samples differ from data.

    Beside each score stands what real data get against other real data.

    Args:
        run: A folder that `spectra train` wrote; scores.json goes there.
        source: Data to score against; opened in the run's view.
        n: Samples to score.
        steps: Steps of the solver.
        solver: How the steps are made.
        rule: Where the steps lie: optimised for these data and this solver, or a published rule.
        criterion: What optimal steps make small; spectrum keeps fine detail (default: w2).
        schedule: Another path to score it along, for a run told the noise state.
        seed: Of samples and noise; equal seeds make runs paired.
        examples: Held-out examples for bits/dim at most.
        levels: Noise levels that each of them is scored at.
        likelihood: ode and both add that of the probability flow, which is slow.
        ode_examples: Held-out examples for it at most (default: 16).
        ode_steps: Steps of its integration (default: 64).
        device: cpu, cuda, or auto.
    """
    from spectra import commands

    options = {"n": n, "steps": steps, "solver": solver, "seed": seed, "examples": examples}
    options |= {"rule": rule, "criterion": criterion, "device": device}
    options |= {"scores": scores, "likelihood": likelihood, "ode_examples": ode_examples}
    options |= {"levels": levels, "ode_steps": ode_steps}
    return Outcome(*commands.evaluate(run, source, options, error, schedule))
