"""What each command takes; what it does is in `commands`, imported when it is called."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import tyro

from spectra.arguments import (
    Argument,
    DeviceChoice,
    Json,
    MeasuredBasis,
    Out,
    Outcome,
    PresenceChoice,
    ProcessChoice,
    SourceName,
    View,
    ViewFlags,
    flag,
    one_of,
    segment_length,
)
from spectra.comparison_grammar import compare
from spectra.machine import usable_cores
from spectra.run_grammar import evaluate, extend, probe, sample, train
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

Bases = Annotated[tuple[MeasuredBasis, ...], tyro.conf.arg(metavar="BASIS [BASIS ...]")]
Average = Literal["arithmetic", "log"]
AnimationChoice = Literal["gif", "mp4", "html"]
PredictionChoice = Literal["epsilon", "sample", "v_prediction"]
ExportSolver = Literal["euler", "ddim", "heun", "2m", "ancestral"]
SpectrumFile = Annotated[Argument[Path], tyro.conf.arg(metavar="SPECTRUM")]
AnyFile = Annotated[Argument[Path], tyro.conf.arg(metavar="FILE")]
ScheduleFile = Annotated[Argument[Path], tyro.conf.arg(metavar="SCHEDULE")]

F_MAX = (
    "Wished f_max(t) instead of a pace: a .json or .csv of pairs (t, f_max), or a process, whose "
    "f_max at --threshold it is."
)
AUDIT = (
    "Say what this schedule wastes on the spectrum and what it misses; nothing is derived. A file "
    "(ours, diffusers' JSON, EDM's constants, a list of sigmas), a preset's name, ddpm, "
    "stable-diffusion, sd3 or flow, these two also as 'sd3 shift 3'."
)
NOISE = (
    "For diffusers, one curve for its own schedulers or each component's own for "
    "SpectralScheduler; auto is one if the schedule is one."
)


def analyze(
    source: SourceName,
    /,
    *,
    out: Out,
    view: ViewFlags = View(),
    window: Literal["hann", "none", "periodic"] = "hann",
    detrend: Literal["mean", "plane"] = "mean",
    reach: Literal["inside", "nyquist", "corners"] = "inside",
    segment: Annotated[str, tyro.conf.arg(metavar="INT|auto|whole")] = "auto",
    bases: Bases = (
        "dct",
        "fourier",
        "pixel",
    ),
    fit: Literal["weighted", "whittle", "theil-sen", "log-resampled", "plain"] = "weighted",
    average: Annotated[Average | None, one_of(Average)] = None,
    fit_range: Annotated[tuple[float, float] | None, flag("LOW HIGH")] = None,
    floor: PresenceChoice = "none",
    knee: PresenceChoice = "none",
    process: ProcessChoice = "rectified-flow",
    threshold: float = 1.0,
    workers: Annotated[int | None, flag("INT")] = None,
    dask: Annotated[str | None, flag("ADDRESS")] = None,
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
        bases: Whose components' variances are measured: pixel, dct, fourier, wavelet..., pca.
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
    spectrum: SpectrumFile,
    /,
    *,
    out: Annotated[Path | None, flag("FILE")] = None,
    show: Annotated[bool, flag(None)] = False,
    choices: ChoiceFlags = Choices(),
    preset: Annotated[PresetChoice | None, one_of(PresetChoice)] = None,
    numbers: PresetFlags = PresetNumbers(),
    f_max: Annotated[str | None, flag("FILE|PROCESS", F_MAX)] = None,
    audit: Annotated[str | None, flag("FILE|NAME", AUDIT)] = None,
    figure: Annotated[Path | None, flag("FILE")] = None,
    sampler: SamplerFlags = Sampler(),
    json: Json = False,
) -> Outcome:
    """Derive a noise schedule from a measured spectrum, and say what was chosen and why.

    Ends with a block to copy: its numbers as `spectra export` gives them to other tools.

    Args:
        spectrum: A spectrum.safetensors file.
        out: The schedule file to write (default: schedule.safetensors).
        show: Print the table without writing.
        preset: Copy this published schedule instead of deriving one.
        figure: Of --audit: draw what it found into this .png, .svg or .pdf.
    """
    from spectra import schedule_commands

    return Outcome(
        *schedule_commands.schedule(
            spectrum,
            out,
            choices.given() | numbers.given(),
            show=show,
            preset_name=preset,
            f_max=f_max,
            audited=audit,
            sampler=sampler.given(),
            error=sampler.error,
            figure=figure,
        )
    )


def export(
    schedule: ScheduleFile,
    /,
    *,
    to: Literal["diffusers", "k-diffusion", "edm", "flow", "kohya"],
    out: Out,
    noise: Annotated[Literal["auto", "scalar", "component"], tyro.conf.arg(help=NOISE)] = "auto",
    steps: Annotated[int | None, flag("INT")] = None,
    solver: Annotated[ExportSolver | None, one_of(ExportSolver)] = None,
    prediction_type: Annotated[PredictionChoice | None, one_of(PredictionChoice)] = None,
    json: Json = False,
) -> Outcome:
    """Write a schedule in another library's own format, and say what that cannot hold.

    Args:
        schedule: A schedule.safetensors file.
        to: Whose format; diffusers and flow are folders, the others .json files.
        steps: Sampling steps to make it for; not kohya (default: 18 for edm, else 10).
        solver: Of those steps; not edm and kohya (default: 2m for k-diffusion, else euler).
        prediction_type: For diffusers, what the model says (default: epsilon).
    """
    from spectra import export_commands

    choices = {"noise": noise, "steps": steps, "solver": solver}
    choices["prediction_type"] = prediction_type
    return Outcome(*export_commands.run(schedule, to, out, choices))


def plot(
    file: AnyFile,
    /,
    *,
    out: Out,
    animate: Annotated[AnimationChoice | None, one_of(AnimationChoice)] = None,
    json: Json = False,
) -> Outcome:
    """Draw every figure that fits a file: spectrum, schedule, denoising, run, samples, comparison.

    Args:
        file: A .safetensors file that spectra wrote, a run folder, samples .npy or compare.json.
        animate: Write the animations that fit it too, in this format; mp4 needs ffmpeg.
    """
    from spectra import commands

    return Outcome(*commands.plot(file, out, animate))


def report(
    first: Annotated[Argument[Path], tyro.conf.arg(metavar="A")],
    second: Annotated[Argument[Path], tyro.conf.arg(metavar="B")],
    /,
    *,
    out: Out,
    process: Annotated[ProcessChoice | None, one_of(ProcessChoice)] = None,
    threshold: Annotated[float | None, flag("FLOAT")] = None,
    json: Json = False,
) -> Outcome:
    """Set two data sets, schedules or runs side by side on one page, with what they differ by.

    Args:
        first: A spectrum.safetensors or the folder it is in, a schedule.safetensors, or a run.
        second: Another of the same kind.
        process: Of spectra: the diffusion process of f_max(t) (default: rectified-flow).
        threshold: Of spectra: the SNR at which a frequency counts as drowned (default: 1).
    """
    from spectra import report_commands

    return Outcome(*report_commands.report(first, second, out, process, threshold))


def demo(
    *,
    out: Out = Path("demo"),
    seeds: int = 3,
    seed: int = 0,
    device: DeviceChoice = "auto",
    json: Json = False,
) -> Outcome:
    """The whole main job on the embedded photographs, ending in PATH/report.html.

    Args:
        seeds: Paired training runs of each schedule.
        seed: The first of them.
        device: cpu, cuda, or auto.
    """
    from spectra.demo import run_demo

    return Outcome(*run_demo(out, seeds, seed, device))


def data(
    action: Argument[Literal["list", "show", "fetch", "verify"]],
    name: Annotated[Argument[str | None], flag("[NAME]")] = None,
    /,
    *,
    out: Annotated[Path | None, flag("DIR")] = None,
    folder: Annotated[
        Path | None, tyro.conf.arg(name="from", metavar="DIR", help_behavior_hint="")
    ] = None,
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
    "probe": probe,
    "sample": sample,
    "extend": extend,
    "evaluate": evaluate,
    "compare": compare,
    "plot": plot,
    "report": report,
    "data": data,
}
