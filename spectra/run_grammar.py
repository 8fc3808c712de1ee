"""What the commands about a network take: train, probe, sample, extend, evaluate."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from spectra.arguments import (
    Argument,
    CriterionChoice,
    DeviceChoice,
    Json,
    MeasuredBasis,
    Network,
    Out,
    Outcome,
    RuleChoice,
    RunFolder,
    SolverChoice,
    SourceName,
    flag,
    one_of,
)

__all__ = ["evaluate", "extend", "probe", "sample", "train"]

Preconditioning = Literal["component", "skip", "scalar"]
Loss = Literal["bound", "edm", "octave", "perceptual"]
Averaging = Literal["half-life", "power"]
PartKind = Literal["any", "ends", "beginnings", "boxes", "coarse"]

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
    network: Network = "unet",
    preconditioning: Annotated[Preconditioning | None, one_of(Preconditioning)] = None,
    loss: Annotated[Loss | None, one_of(Loss)] = None,
    condition: Literal["auto", "time", "state"] = "auto",
    known: float = 0.0,
    known_parts: Annotated[PartKind | None, one_of(PartKind)] = None,
    labels: Annotated[bool, flag(None)] = False,
    random_flip: Annotated[bool, flag(None)] = False,
    accumulate: Annotated[int | None, flag("INT")] = None,
    learning_rate: Annotated[float | None, flag("FLOAT")] = None,
    cooldown: Annotated[float | None, flag("FLOAT")] = None,
    ema: Annotated[Averaging | None, one_of(Averaging)] = None,
    ema_half_life: Annotated[float | None, flag("FLOAT")] = None,
    ema_width: Annotated[float | None, flag("FLOAT")] = None,
    held_out: float = 0.2,
    checkpoint_every: Annotated[int | None, flag("INT")] = None,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    compile: Annotated[Literal["on", "off"] | None, flag("{on,off}")] = None,
    tensorboard: Annotated[bool, flag(None)] = False,
    seed: int = 0,
    device: DeviceChoice = "auto",
    json: Json = False,
) -> Outcome:
    """Train a network with a schedule; the same command again resumes.

    Args:
        source: What the schedule was measured on; its view is the schedule's.
        schedule: A schedule.safetensors file; or several, in order, that one network serves.
        steps: Optimiser steps in all.
        batch: Examples a step.
        network: unet (the default), dit, or of a size, unet:width=64,multipliers=1-2-4 say.
        preconditioning: Per component, only its skip connection, or scalar as EDM (the default).
        loss: The bound, per octave, as seen by the eye, or EDM's unit weight (the default).
        condition: What the network is told: time, or the noise state (auto: where it is needed).
        known: Share of examples with a known part, for filling in and continuing.
        known_parts: Which parts: any, or those of one purpose (beginnings: spectra extend).
        labels: Classes are the folders of the files; for guidance.
        random_flip: Mirror half of the images, at random, left to right.
        accumulate: Parts in which a batch passes the network, where it does not fit (1).
        learning_rate: After the warm-up (0.002).
        cooldown: Share of the steps, the last, over which the rate falls to 0 (0).
        ema: Weights averaged with a half-life (the default) or as a power of the images seen.
        ema_half_life: Images (20,000).
        ema_width: Relative width of the power function (0.1).
        held_out: Share of the files that training does not see.
        checkpoint_every: Steps between checkpoints (250).
        precision: Of the network's arithmetic; parameters stay float32.
        compile: Let torch.compile make the network's kernels; by default only on a GPU.
        tensorboard: Write the log for TensorBoard too.
        seed: Of every random draw.
        device: cpu, cuda, or auto.
    """
    from spectra import commands

    options: dict[str, Any] = {
        "steps": steps,
        "batch": batch,
        "network": network,
        "condition": condition,
        "known": known,
        "held_out": held_out,
        "precision": precision,
        "seed": seed,
        "device": device,
    }
    given = {
        "preconditioning": preconditioning,
        "loss": loss,
        "checkpoint_every": checkpoint_every,
        "accumulate": accumulate,
        "learning_rate": learning_rate,
        "cooldown": cooldown,
        "known_parts": known_parts,
        "ema": ema,
        "ema_half_life": ema_half_life,
        "ema_width": ema_width,
        "compile": None if compile is None else compile == "on",
        "labels": labels or None,
        "random_flip": random_flip or None,
        "tensorboard": tensorboard or None,
    }
    options |= {name: value for name, value in given.items() if value is not None}
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
        basis: Of the components (dct; of a run with noise per component its own, and no other).
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
        criterion: What optimal steps make small: w2 (the default), kl, or spectrum (fine detail).
        schedule: Another path through the same components, for a run told the noise state.
        known: Examples of which a part is kept, the rest drawn; by --mask or --known-below.
        known_below: Keep what lies up to this frequency, cycles/pixel, and draw the detail above.
        labels: Class of every sample, or one for each.
        guidance: 1 as the classes are; above, further from what all share.
        seed: Sample i depends on the seed and i alone.
        device: cpu, cuda, or auto.
    """
    from spectra import sample_commands

    options = {"n": n, "steps": steps, "solver": solver, "seed": seed, "device": device}
    options |= {"rule": rule, "criterion": criterion}
    options |= {"known_below": known_below, "guidance": guidance}
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
    rate: Annotated[int | None, flag("INT")] = None,
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
        criterion: What optimal steps make small: w2 (the default), kl, or spectrum (fine detail).
        schedule: Another path through the same components, for a run told the noise state.
        rate: Samples a second of sound, where the run's data are not at hand.
        seed: Example i depends on the seed and i alone.
        device: cpu, cuda, or auto.
    """
    from spectra import extend_commands

    options = {"times": times, "reverse": reverse, "overlap": overlap, "n": n, "steps": steps}
    options |= {"solver": solver, "rule": rule, "criterion": criterion, "seed": seed}
    options |= {"device": device}
    return Outcome(*extend_commands.extend(run, source, out, axis, options, schedule, rate))


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
    scores: Annotated[tuple[ScoreName, ...], flag("NAME [NAME ...]", SCORES)] = ("cheap",),
    likelihood: Literal["bound", "ode", "both"] = "bound",
    ode_examples: int = 16,
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
        criterion: What optimal steps make small: w2 (the default), kl, or spectrum (fine detail).
        schedule: Another path to score it along, for a run told the noise state.
        seed: Of samples and noise; equal seeds make runs paired.
        examples: Held-out examples for bits/dim at most.
        likelihood: ode and both add that of the probability flow, which is slow.
        ode_examples: Held-out examples for it at most.
        device: cpu, cuda, or auto.
    """
    from spectra import commands

    options = {"n": n, "steps": steps, "solver": solver, "seed": seed, "examples": examples}
    options |= {"rule": rule, "criterion": criterion, "device": device}
    options |= {"scores": scores, "likelihood": likelihood, "ode_examples": ode_examples}
    return Outcome(*commands.evaluate(run, source, options, error, schedule))
