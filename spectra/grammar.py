"""What each command takes; what it does is in `commands`, imported when it is called."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from spectra.arguments import (
    Argument,
    DeviceChoice,
    Json,
    MeasuredBasis,
    Out,
    PresenceChoice,
    ProcessChoice,
    SolverChoice,
    View,
    ViewFlags,
    segment_length,
    usable_cores,
)
from spectra.schedule_arguments import (
    ChoiceFlags,
    Choices,
    PresetChoice,
    PresetFlags,
    PresetNumbers,
    Sampler,
    SamplerFlags,
)

__all__ = ["COMMANDS", "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """What a command found: numbers for --json, text for people."""

    numbers: dict[str, Any]
    text: str


def analyze(
    source: Argument[str],
    /,
    *,
    out: Out,
    view: ViewFlags = View(),
    window: Literal["hann", "none", "periodic"] = "hann",
    detrend: Literal["mean", "plane"] = "mean",
    reach: Literal["inside", "nyquist", "corners"] = "inside",
    segment: str = "auto",
    bases: tuple[MeasuredBasis, ...] = ("dct", "fourier", "pixel"),
    fit: Literal["weighted", "whittle", "theil-sen", "log-resampled", "plain"] = "weighted",
    average: Literal["arithmetic", "log"] | None = None,
    fit_range: tuple[float, float] | None = None,
    floor: PresenceChoice = "none",
    knee: PresenceChoice = "none",
    process: ProcessChoice = "rectified-flow",
    threshold: float = 1.0,
    workers: int | None = None,
    dask: str | None = None,
    max_unreadable: float = 0.5,
    json: Json = False,
) -> Outcome:
    """Measure the power spectrum of a data set, fit it, and say which frequency drowns when.

    The same command again goes on from where an interrupted one stopped.

    Args:
        source: A folder or zip of images or sounds, an array file, or a manifest's name.
        window: Against the wrap-around jump at the edges: a taper, nothing, or the smooth part off.
        detrend: What is taken off each example first.
        reach: Rings below 0.5 cycles/pixel, with the one at 0.5, or with the corners.
        segment: Samples of a Welch segment of sound; auto, or whole.
        bases: Where to measure the variance of every component.
        fit: How the power law is fitted.
        average: Which average over examples is fitted; by default the one that suits the fit.
        fit_range: Frequencies fitted, cycles/pixel.
        floor: A white floor under the law: none, fitted, or where a criterion asks for it.
        knee: A flat part at low frequencies; likewise.
        process: Diffusion process of the f_max table.
        threshold: SNR at which a frequency counts as drowned.
        workers: Threads; by default all cores. The result does not depend on it.
        dask: Address of a dask.distributed scheduler whose workers do the measuring.
        max_unreadable: Share of the files that may turn out unreadable.
    """
    from spectra import commands

    measuring = {
        "window": window,
        "detrend": detrend,
        "reach": reach,
        "segment": segment_length(segment),
        "bases": bases,
        "workers": usable_cores() if workers is None else workers,
        "dask": dask,
        "max_unreadable": max_unreadable,
    }
    fitting = {
        "method": fit,
        "average": average,
        "f_range": fit_range,
        "floor": floor,
        "knee": knee,
    }
    return Outcome(
        *commands.analyze(source, view.options(), out, measuring, fitting, process, threshold)
    )


def schedule(
    spectrum: Argument[Path],
    /,
    *,
    out: Path = Path("schedule.safetensors"),
    show: bool = False,
    choices: ChoiceFlags = Choices(),
    preset: PresetChoice | None = None,
    numbers: PresetFlags = PresetNumbers(),
    f_max: str | None = None,
    audit: str | None = None,
    sampler: SamplerFlags = Sampler(),
    json: Json = False,
) -> Outcome:
    """Derive a noise schedule from a measured spectrum, and say what was chosen and why.

    Ends with a block to copy: these data's numbers under the names that other tools have.

    Args:
        spectrum: A spectrum.safetensors file.
        out: The schedule file to write.
        show: Print the table without writing.
        preset: Copy this published schedule instead of deriving one.
        f_max: Wished f_max(t) instead of a pace: a .json or .csv of pairs (t, f_max), or a
            process, whose f_max at --threshold it is.
        audit: Say what this schedule wastes on the spectrum and what it misses; nothing is
            written. A file (ours, diffusers' JSON, EDM's constants, a list of sigmas) or a name.
    """
    from spectra import schedule_commands

    return Outcome(
        *schedule_commands.schedule(
            spectrum,
            None if show else out,
            choices.given() | numbers.given(),
            preset_name=preset,
            f_max=f_max,
            audited=audit,
            sampler=sampler.given(),
            error=sampler.error,
        )
    )


def export(
    schedule: Argument[Path],
    /,
    *,
    to: Literal["diffusers", "k-diffusion", "edm", "flow", "kohya"],
    out: Out,
    noise: Literal["auto", "scalar", "component"] = "auto",
    steps: int | None = None,
    solver: Literal["euler", "ddim", "heun", "2m", "ancestral"] | None = None,
    prediction_type: Literal["epsilon", "sample", "v_prediction"] = "epsilon",
    json: Json = False,
) -> Outcome:
    """Write a schedule in another library's own format, and say what that cannot hold.

    Args:
        schedule: A schedule.safetensors file.
        to: Whose format; diffusers and flow are folders, the others .json files.
        noise: For diffusers, one curve for its own schedulers or each component's own for
            SpectralScheduler; auto is one if the schedule is one.
        steps: Sampling steps to make it for.
        solver: Of those steps.
        prediction_type: What the diffusers model says.
    """
    from spectra import export_commands

    choices = {"noise": noise, "steps": steps, "solver": solver}
    choices["prediction_type"] = prediction_type
    return Outcome(*export_commands.run(schedule, to, out, choices))


def train(
    source: Argument[str],
    /,
    *,
    schedule: Path,
    out: Out,
    steps: int = 2000,
    batch: int = 64,
    network: Literal["unet", "dit"] = "unet",
    preconditioning: Literal["component", "skip", "scalar"] | None = None,
    loss: Literal["bound", "edm"] | None = None,
    held_out: float = 0.2,
    checkpoint_every: int | None = None,
    precision: Literal["auto", "float32", "bfloat16"] = "auto",
    seed: int = 0,
    device: DeviceChoice = "auto",
    json: Json = False,
) -> Outcome:
    """Train a network with a schedule; the same command again resumes.

    Args:
        source: What the schedule was measured on; its view is the schedule's.
        schedule: A schedule.safetensors file.
        steps: Optimiser steps in all.
        batch: Examples a step.
        network: Architecture.
        preconditioning: Per component, only the skip connection per component, or scalar (EDM).
        loss: The variational bound, or EDM's unit weight.
        held_out: Share of the files that training does not see.
        checkpoint_every: Steps between checkpoints.
        precision: Of the network's arithmetic; parameters stay float32.
        seed: Of every random draw.
        device: cpu, cuda, or auto.
    """
    from spectra import commands

    options: dict[str, Any] = {
        "steps": steps,
        "batch": batch,
        "network": network,
        "held_out": held_out,
        "precision": precision,
        "seed": seed,
        "device": device,
    }
    given = {
        "preconditioning": preconditioning,
        "loss": loss,
        "checkpoint_every": checkpoint_every,
    }
    options |= {name: value for name, value in given.items() if value is not None}
    return Outcome(*commands.train(source, schedule, out, options))


def sample(
    run: Argument[Path],
    /,
    *,
    out: Out,
    n: int = 64,
    steps: int = 18,
    solver: SolverChoice = "heun",
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
        seed: Sample i depends on the seed and i alone.
        device: cpu, cuda, or auto.
    """
    from spectra import commands

    return Outcome(*commands.sample(run, out, n, steps, solver, seed, device))


def evaluate(
    run: Argument[Path],
    source: Argument[str],
    /,
    *,
    n: int = 256,
    steps: int = 18,
    solver: SolverChoice = "heun",
    seed: int = 0,
    examples: int = 512,
    device: DeviceChoice = "auto",
    json: Json = False,
) -> Outcome:
    """Score a run: bits/dim on held-out files, spectral distance of its samples.

    Args:
        run: A folder that `spectra train` wrote; scores.json goes there.
        source: Data to score against; opened in the run's view.
        n: Samples for the spectral distance.
        steps: Steps of the solver.
        solver: How the steps are made.
        seed: Of samples and noise; equal seeds make runs paired.
        examples: Held-out examples for bits/dim at most.
        device: cpu, cuda, or auto.
    """
    from spectra import commands

    options = {"n": n, "steps": steps, "solver": solver, "seed": seed, "examples": examples}
    return Outcome(*commands.evaluate(run, source, {**options, "device": device}))


def plot(file: Argument[Path], /, *, out: Out, json: Json = False) -> Outcome:
    """Draw every figure that fits a file: spectrum, schedule, run folder or samples.

    Args:
        file: spectrum.safetensors, schedule.safetensors, a run folder, or samples .npy.
    """
    from spectra import commands

    return Outcome(*commands.plot(file, out))


def demo(
    *,
    out: Out = Path("demo"),
    seeds: int = 3,
    seed: int = 0,
    device: DeviceChoice = "auto",
    json: Json = False,
) -> Outcome:
    """The whole main job on the embedded photographs, ending in DIR/report.html.

    Args:
        seeds: Paired training runs of each schedule.
        seed: The first of them.
        device: cpu, cuda, or auto.
    """
    from spectra.demo import run_demo

    return Outcome(*run_demo(out, seeds, seed, device))


def data(
    action: Argument[Literal["list", "show", "fetch", "verify"]],
    name: Argument[str | None] = None,
    /,
    *,
    out: Path | None = None,
    folder: Annotated[Path | None, tyro.conf.arg(name="from")] = None,
    json: Json = False,
) -> Outcome:
    """The data sets that are known by name: what there is, whose it is, and bringing it here.

    Args:
        action: list them, show one, fetch its files, or verify those that are here.
        name: A name that list shows, or a manifest's .toml file.
        out: Where fetch puts the files; by default the cache, or $SPECTRA_DATA.
        folder: Where you have the files already; nothing is downloaded then.
    """
    from spectra import data_commands

    return Outcome(*data_commands.run(action, name, out, folder))


COMMANDS: dict[str, Callable[..., Outcome]] = {
    "demo": demo,
    "analyze": analyze,
    "schedule": schedule,
    "export": export,
    "train": train,
    "sample": sample,
    "evaluate": evaluate,
    "plot": plot,
    "data": data,
}
