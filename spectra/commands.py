"""What each command does between its arguments and its printed result.

Every function returns (numbers for --json, text for people).
"""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectra.data import open_source
from spectra.data.quiet import quiet_decoders
from spectra.errors import InputError
from spectra.files import check_replaceable, check_writable, write_json
from spectra.findings import Findings
from spectra.fit import check_fit, find_floors, fit_power_law, measure_exponents
from spectra.folders import remove_parts, sole_user
from spectra.schedule import check_cutoff, frequency_cutoff, load_schedule
from spectra.schedule.steps.denoising import load_denoising_error
from spectra.spectrum import analyze as measure
from spectra.spectrum import load_spectrum
from spectra.spectrum.spectrum import measured_sources

__all__ = ["analyze", "evaluate", "plot", "probe", "train"]

EXPONENTS_UP_TO = 20_000  # examples; for those of more see fit.measure_exponents
SHOWN_AT_MOST = 96  # examples looked at for what pixels alone tell
SHOWN = 12  # examples drawn in a report
TOLD_LEVELS = 7  # columns of what probe prints

Result = tuple[dict[str, Any], str]


def analyze(
    name: str,
    view: dict[str, Any],
    out: Path,
    measuring: dict[str, Any],
    fitting: dict[str, Any],
    process: str,
    threshold: float,
) -> Result:
    """Measure a source; write spectrum.safetensors and report.html."""
    # What can be wrong without a spectrum is found before there is one.
    check_fit(**fitting)
    check_cutoff(process, threshold)
    check_writable(out)
    files = [out / file for file in ("spectrum.safetensors", "report.html", "progress.safetensors")]
    with sole_user(out):  # the page of one analysis beside the spectrum of another misleads
        remove_parts(out, *(file.name for file in files))
        return _analyze(name, view, files, measuring, fitting, process, threshold)


def _analyze(
    name: str,
    view: dict[str, Any],
    files: Sequence[Path],
    measuring: dict[str, Any],
    fitting: dict[str, Any],
    process: str,
    threshold: float,
) -> Result:
    """Into files that are one's own: the spectrum, the page and what is done so far."""
    from spectra.plots import pages, write_report

    saved, page, kept = files
    with quiet_decoders():
        source = open_source(name, **view)
        spectrum = measure(source, **measuring, resume=kept, progress=True)
        spectrum.save(saved)
    fit = fit_power_law(spectrum, **fitting)
    examples = source.some(SHOWN_AT_MOST)
    found = Findings(
        spectrum,
        fit,
        find_floors(spectrum, examples),
        measure_exponents(source, spectrum) if len(source) <= EXPONENTS_UP_TO else None,
        frequency_cutoff(spectrum, process=process, threshold=threshold),
        source.missing,
    )
    numbers = found.numbers() | {"process": process}
    settings = {name: value for name, value in measuring.items() if value is not None}
    report = write_report(
        page,
        title=f"The spectrum of {source.name}",
        intro=f"{spectrum.n} examples of {spectrum.n_files} files, "
        f"{'×'.join(map(str, spectrum.shape))} values each.",
        sections=pages.analysis_sections(
            spectrum, fit, found.floors, examples[:SHOWN], process, threshold
        ),
        facts=pages.analysis_facts(spectrum, fit, found.floors),
        numbers=numbers,
        settings={"source": name, "view": spectrum.data} | settings,
        skipped=spectrum.skipped,
        credits=[(source.name, text) for text in (source.licence, source.citation) if text],
    )
    lines = [*found.lines(), f"wrote {saved} and {report}"]
    if view.get("size") is None and source.settings["crop"] == "patches":
        size = "x".join(map(str, source.shape[1:]))
        lines.insert(1, f"windows of {size}: nine tenths of the files hold them; --size for others")
    return numbers | {"report": str(report)}, "\n".join(lines)


def train(name: str, schedules: Sequence[Path], out: Path, options: dict[str, Any]) -> Result:
    """Train or resume a run."""
    from spectra.diffusion import train as train_run

    family = [load_schedule(path) for path in schedules]

    def others(config: dict[str, Any]) -> list[Path]:
        own = config["fingerprint"]
        pairs = zip(schedules, family, strict=True)
        return [path for path, made in pairs if own not in measured_sources(made.fingerprint)]

    def warn(config: dict[str, Any]) -> None:
        for path in others(config):
            warnings.warn(f"{path} was measured on other data than {name}", stacklevel=2)

    run = train_run(name, family, out=out, progress=True, on_start=warn, **options)
    last = run.log[-1] if run.log else {}
    text = f"{out}: {run.step} steps" + (f", loss {last['loss']:.4f}" if last else "")
    numbers = {"run": str(out), "step": run.step, "last": last, "config": run.config}
    return numbers | {"schedule_is_of_this_source": not others(run.config)}, text


def probe(
    path: Path, name: str, out: Path, options: dict[str, Any], spectrum: Path | None = None
) -> Result:
    """Measure a run's denoising error; write it."""
    from spectra.diffusion import load_run, measure_denoiser
    from spectra.plots.denoising import octave_errors
    from spectra.schedule.strength import structure_share

    if out.is_dir():
        raise InputError(f"{out}: is a folder; give a file, {out / 'denoising.safetensors'} say")
    check_replaceable(out, "denoising")
    check_writable(out.parent)
    sigmas = options["sigmas"]
    options = options | {"sigmas": None if sigmas is None else np.array(sigmas)}
    options["spectrum"] = None if spectrum is None else load_spectrum(spectrum)
    run = load_run(path)
    error = measure_denoiser(run, name, **options)
    error.save(out)
    found = octave_errors(error)
    ratio = found.ratio
    whole = found.error.sum(axis=1) / found.wiener.sum(axis=1)
    known = structure_share(error) if len(error.sigma) > 1 else None
    numbers = {
        "out": str(out),
        "basis": error.basis,
        "shape": list(error.shape),
        "n": error.n,
        "files": error.files,
        "sigma": error.sigma,
        "octaves": [octave.label for octave in found.octaves],
        "error": found.error.T,
        "wiener": found.wiener.T,
        "ratio": ratio.T,
        "whole": whole,
        "known_beyond_spectrum": known,
    }
    at = np.unique(np.linspace(0, len(error.sigma) - 1, TOLD_LEVELS).round().astype(int))
    labels = [octave.label.partition(" cycles/")[0] for octave in found.octaves]
    lines = [
        f"{path} on {error.n} examples of {error.files} files, {len(error.sigma)} noise levels",
        "error over the Wiener filter's, below 1 where the network knows more than the spectrum:",
        _row("sigma", [f"{sigma:.3g}" for sigma in error.sigma[at]]),
        *(_row(label, _ratios(row[at])) for label, row in zip(labels, ratio.T, strict=True)),
        _row("all", _ratios(whole[at])),
        f"wrote {out}, for",
        f"  spectra plot {out} --out DIR   the same as a picture",
        f"  spectra sample {path} --error {out}   steps that know this network",
    ]
    if known is None:
        lines.append("one noise level says nothing of the others; leave --sigmas out for 16")
    elif known > 0:
        lines.append(f"  spectra schedule SPECTRUM --penalty {out}   a schedule that knows it")
    else:
        lines.append(
            f"worse than the Wiener filter on the whole (by {-known:.0%}): it says more about the "
            "training than about the data; train longer before deriving from it"
        )
    return numbers, "\n".join(lines)


def _row(label: str, cells: list[str]) -> str:
    return f"  {label:>16}" + "".join(f" {cell:>8}" for cell in cells)


def _ratios(values: np.ndarray) -> list[str]:
    return [f"{value:.2f}" if value < 100 else ">100" for value in values]


def evaluate(
    path: Path,
    name: str,
    options: dict[str, Any],
    error: Path | None = None,
    schedule: Path | None = None,
) -> Result:
    """Score a run; write RUN/scores.json."""
    from spectra.diffusion import load_run
    from spectra.evaluation import evaluate as score
    from spectra.evaluation.records import SCORES

    run = load_run(path)
    check_writable(path, "copy the run to a folder of your own")
    given = {
        "error": _known_error(error),
        "schedule": None if schedule is None else load_schedule(schedule),
    }
    scores = score(run, name, progress=True, **options, **given)
    numbers = scores.to_dict()
    target = path / SCORES
    write_json(target, numbers)
    return numbers, "\n".join([*scores.lines(), f"wrote {target}"])


def plot(path: Path, out: Path, animate: str | None = None) -> Result:
    """Draw what fits a file; write PNGs, one page, and perhaps animations."""
    from spectra.plots import pages, save_animation, save_figure, write_report
    from spectra.plots.animation import check_animation
    from spectra.plots.motions import motions_of

    if animate:
        check_animation(out / f"tide.{animate}")
    sections, title = pages.sections_of(path)
    check_writable(out)
    moving = [
        str(save_animation(motion.animate(), out / f"{motion.anchor}.{animate}", alt=motion.alt))
        for motion in (motions_of(path) if animate else ())
    ]
    written = []
    for section in sections:
        if section.figure is not None:
            target = out / f"{section.anchor}.png"
            drawing = section.figure
            save_figure(drawing(layout="wide") if callable(drawing) else drawing, target)
            written.append(str(target))
    report = write_report(
        out / "report.html",
        title=title,
        intro=str(path),
        sections=sections,
        numbers={},
        settings={"file": str(path)},
    )
    numbers = {"figures": written, "animations": moving, "report": str(report)}
    lines = ["wrote", *written, *moving, str(report)]
    if animate and not moving:
        lines.append(f"no animation fits {path}: spectra, schedules, runs and pictures have one")
    return numbers, "\n".join(lines)


def _known_error(path: Path | None) -> Any:
    return None if path is None else load_denoising_error(path)
