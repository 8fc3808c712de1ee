"""What each command does between its arguments and its printed result.

Every function returns (numbers for --json, text for people).
"""

import contextlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from spectra.bases import explained_variance, log_determinant_excess, log_determinant_gap
from spectra.data import open_source
from spectra.errors import InputError
from spectra.files import write_atomically, write_json
from spectra.fit import Floor, PowerLaw, find_floors, fit_power_law
from spectra.schedule import (
    Schedule,
    derive_schedule,
    frequency_cutoff,
    load_schedule,
    standard_schedule,
)
from spectra.spectrum import Spectrum, load_spectrum
from spectra.spectrum import analyze as measure

__all__ = ["analyze", "check_writable", "evaluate", "plot", "sample", "schedule", "train"]

TABLE_TIMES = (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
LOWEST_HZ = 20.0  # of hearing; below it microphones and rooms rumble
SHOWN = 12  # examples drawn in a report

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
    from spectra.plots import pages, write_report

    check_writable(out)
    source = open_source(name, **view)
    kept = out / "progress.safetensors"
    spectrum = measure(source, **measuring, resume=kept, progress=True)
    spectrum.save(out / "spectrum.safetensors")
    fit = fit_power_law(spectrum, **fitting)
    floors = find_floors(spectrum)
    cutoff = frequency_cutoff(spectrum, process=process, threshold=threshold)
    numbers = spectrum_numbers(spectrum, fit, floors)
    numbers |= {"f_max": _cutoff_rows(cutoff), "process": process}
    examples = source.some(SHOWN)
    settings = {name: value for name, value in measuring.items() if value is not None}
    report = write_report(
        out / "report.html",
        title=f"The spectrum of {source.name}",
        intro=f"{spectrum.n} examples of {spectrum.n_files} files, "
        f"{'×'.join(map(str, spectrum.shape))} values each.",
        sections=pages.analysis_sections(spectrum, fit, floors, examples, process, threshold),
        numbers=numbers,
        settings={"source": name, "view": spectrum.data} | settings,
        skipped=spectrum.skipped,
        credits=[(source.name, text) for text in (source.licence, source.citation) if text],
    )
    lines = [
        f"{source.name}: {spectrum.n} examples of {spectrum.n_files} files, "
        f"{'x'.join(map(str, spectrum.shape))}, window {spectrum.window}",
        *_skipped_lines(spectrum),
        *_blank_line(spectrum),
        *_fit_lines(spectrum, fit),
        *_peak_line(spectrum),
        *_floor_lines(spectrum, floors),
        *_bases_lines(numbers["bases"]),
        f"f_max(t) in cycles/{_sample(spectrum)}, {process}, SNR {threshold:g}:",
        "      t   f_max   95 % interval",
        *(
            f"  {row['t']:5.2f}   {row['f_max']:.3f}   {row['low']:.3f} to {row['high']:.3f}"
            for row in numbers["f_max"]
        ),
        f"wrote {out / 'spectrum.safetensors'} and {report}",
    ]
    return numbers | {"report": str(report)}, "\n".join(lines)


def spectrum_numbers(
    spectrum: Spectrum, fit: PowerLaw, floors: Sequence[Floor] = ()
) -> dict[str, Any]:
    """The contract's numbers of a spectrum, its law and its floors."""
    return {
        "kind": spectrum.kind,
        "name": spectrum.name,
        "n": spectrum.n,
        "n_files": spectrum.n_files,
        "shape": list(spectrum.shape),
        "window": spectrum.window,
        "alpha": fit.alpha,
        "alpha_se": fit.alpha_se,
        "alpha_interval": list(fit.interval()),
        "amplitude": fit.amplitude,
        "fit": {"method": fit.method, "average": fit.average, "range": list(fit.f_range)}
        | {"floor": fit.floor, "knee": fit.knee, "dispersion": fit.dispersion}
        | {"r_squared": fit.r_squared, "n_rings": fit.n_rings},
        "residual_db": fit.residual_db,
        "power_law": fit.is_power_law,
        "power_law_failings": list(fit.failings),
        "quantisation_floor": spectrum.quantisation_floor,
        "floors": [asdict(floor) for floor in floors],
        "bases": _basis_numbers(spectrum),
        "blank": spectrum.blank,
        "skipped": [{"name": name, "reason": reason} for name, reason in spectrum.skipped],
        "fingerprint": spectrum.fingerprint,
    } | ({"peak_hz": peak_frequency(spectrum)} if spectrum.unit == "Hz" else {})


def _total(tables: dict[str, np.ndarray]) -> float:
    """Variance of an example, the same in every complete basis."""
    return max(float(variance.sum()) for variance in tables.values())


def _basis_numbers(spectrum: Spectrum) -> dict[str, Any]:
    """What of the variance the largest tenth of each basis's components hold, and what
    independence loses beside PCA [nats/dimension]."""
    tables = {name: spectrum.component_variance(name) for name in spectrum.bases}
    dimensions = int(np.prod(spectrum.shape))
    numbers: dict[str, Any] = {}
    for name, variance in tables.items():
        if not variance.any():
            continue
        known = explained_variance(variance, max(0.0, _total(tables) - float(variance.sum())))
        tenth = max(1, dimensions // 10)
        numbers[name] = {"in_largest_tenth": float(known[tenth - 1]) if tenth <= len(known) else None}
    if "pca" not in numbers or tables["pca"].size < dimensions:
        return numbers
    floor = spectrum.quantisation_floor
    excess = log_determinant_excess(spectrum.n_files, dimensions) if floor == 0 else 0.0
    for name in numbers:
        with contextlib.suppress(InputError):  # empty components and no floor: no gap to state
            gap = log_determinant_gap(tables[name], tables["pca"], floor)
            numbers[name]["gap_to_pca"] = gap - (excess if name != "pca" else 0.0)
    return numbers


def schedule(path: Path, out: Path | None, choices: dict[str, Any]) -> Result:
    """Derive (or copy) a schedule from a spectrum file; write it unless `out` is None."""
    spectrum = load_spectrum(path)
    make = standard_schedule if "process" in choices else derive_schedule
    made = make(spectrum, **choices)
    numbers = schedule_numbers(made)
    lines = [f"{made.name} schedule for {spectrum.name}, {'x'.join(map(str, made.shape))}"]
    lines += [f"  {name}: {reason}" for name, reason in made.explanation.items()]
    lines += [
        f"  every log SNR(0) >= {-made.g_denoise:.2f}, every log SNR(1) <= {-made.g_noise:.2f}",
        "      t   f_max   log SNR lowest  highest    nats left",
        *(
            f"  {row['t']:5.2f}   {row['f_max']:.3f}   {row['log_snr'][0]:14.2f} "
            f"{row['log_snr'][1]:8.2f}   {row['information']:10.2f}"
            for row in numbers["table"]
        ),
    ]
    if out is not None:
        if out.resolve() == path.resolve():
            raise InputError(f"{out}: is the spectrum itself; choose another --out")
        made.save(out)
        lines.append(f"wrote {out}")
    return numbers | {"out": str(out) if out else None}, "\n".join(lines)


def schedule_numbers(made: Schedule) -> dict[str, Any]:
    """A schedule as a table over time."""
    times = np.array([0.0, *TABLE_TIMES, 1.0])
    log_snr = made.log_snr(times).reshape(len(times), -1)
    rows = zip(times, made.f_max(times), log_snr, made.information(times), strict=True)
    return {
        "name": made.name,
        "basis": made.basis,
        "shape": list(made.shape),
        "form": made.form,
        "explanation": made.explanation,
        "g_denoise": made.g_denoise,
        "g_noise": made.g_noise,
        "table": [
            {
                "t": float(t),
                "f_max": float(f),
                "log_snr": [float(values.min()), float(values.max())],
                "information": float(nats),
            }
            for t, f, values, nats in rows
        ],
    }


def train(name: str, schedule_path: Path, out: Path, options: dict[str, Any]) -> Result:
    """Train or resume a run."""
    from spectra.diffusion import train as train_run

    made = load_schedule(schedule_path)
    run = train_run(name, made, out=out, progress=True, **options)
    last = run.log[-1] if run.log else {}
    text = f"{out}: {run.step} steps" + (f", loss {last['loss']:.4f}" if last else "")
    same = run.config["fingerprint"] == made.fingerprint
    if not same:
        text += f"\n{schedule_path} was measured on other data than {name}"
    numbers = {"run": str(out), "step": run.step, "last": last, "config": run.config}
    return numbers | {"schedule_is_of_this_source": same}, text


def sample(
    path: Path, out: Path, n: int, steps: int, solver: str, seed: int, device: Any
) -> Result:
    """Draw samples; write the grid as PNG and the values as .npy."""
    from spectra.diffusion import load_run
    from spectra.diffusion import sample as draw
    from spectra.diffusion.solvers import evaluations
    from spectra.plots.images import pixel_sheet

    stem = out.with_suffix("") if out.suffix in (".png", ".npy") else out
    if out.is_dir():
        raise InputError(f"{out}: is a folder; give a file, {out / 'samples.png'} say")
    picture, values = Path(f"{stem}.png"), Path(f"{stem}.npy")
    check_writable(out.parent)
    run = load_run(path)
    drawn = draw(run, n, steps, solver, seed, device=device, progress=True)
    write_atomically(values, _npy(drawn))
    write_atomically(picture, _png(pixel_sheet(drawn)))
    numbers = {
        "png": str(picture),
        "npy": str(values),
        "n": n,
        "shape": list(drawn.shape[1:]),
        "evaluations": evaluations(steps, solver),
    }
    return numbers, f"wrote {picture} and {values}"


def evaluate(path: Path, name: str, options: dict[str, Any]) -> Result:
    """Score a run; write RUN/scores.json."""
    from spectra.diffusion import load_run
    from spectra.evaluation import evaluate as score

    run = load_run(path)
    scores = score(run, name, progress=True, **options)
    numbers = scores.to_dict()
    target = path / "scores.json"
    write_json(target, numbers)
    bound, spectral = scores.bound, scores.spectral
    where = "held-out files" if scores.held_out else "files"
    lines = [
        f"bits/dim            {bound.value:8.4f}   {bound.low:.4f} to {bound.high:.4f} "
        f"over {len(bound.files)} {where}",
        f"  prior             {bound.prior:8.4f}",
        f"  diffusion         {bound.diffusion:8.4f}",
        f"  reconstruction    {bound.reconstruction + bound.grid_shift:8.4f}",
        f"  without training  {bound.gaussian:8.4f}   the Wiener filter, in closed form; "
        f"difference {bound.gain.mean:+.4f} ({bound.gain.low:+.4f} to {bound.gain.high:+.4f})",
        f"spectral distance   {spectral.value:8.2f}   {spectral.low:.2f} to {spectral.high:.2f} "
        f"dB, {scores.evaluations} evaluations of {scores.solver}",
        f"wrote {target}",
    ]
    return numbers, "\n".join(lines)


def plot(path: Path, out: Path) -> Result:
    """Draw what fits a file; write PNGs and one page."""
    from spectra.plots import pages, save_figure, write_report

    sections, title = pages.sections_of(path)
    check_writable(out)
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
    return {"figures": written, "report": str(report)}, "\n".join(["wrote", *written, str(report)])


def check_writable(folder: Path) -> None:
    """Refuse an output that cannot be written before anything is computed.

    Raises
    ------
    InputError
    """
    probe = folder / ".spectra-probe"
    try:
        write_atomically(probe, b"")
    except InputError:
        raise InputError(f"{folder}: cannot be written; choose another --out") from None
    probe.unlink(missing_ok=True)


def _cutoff_rows(cutoff: Any) -> list[dict[str, float]]:
    times = np.array(TABLE_TIMES)
    low, high = cutoff.interval(times)
    columns = zip(times, cutoff.f_max(times), low, high, strict=True)
    return [
        {"t": float(t), "f_max": float(f), "low": float(a), "high": float(b)}
        for t, f, a, b in columns
    ]


def _fit_lines(spectrum: Spectrum, fit: PowerLaw) -> list[str]:
    low, high = fit.interval()
    lines = [
        f"exponent {fit.alpha:.3f}, 95 % interval {low:.3f} to {high:.3f} ({fit.method} fit, "
        f"{fit.f_range[0]:.3f} to {fit.f_range[1]:.3f} cycles/{_sample(spectrum)}, "
        f"{fit.residual_db:.1f} dB rms)"
    ]
    if fit.floor > 0:
        lines.append(f"  over a white floor of {fit.floor:.3g} (standard error {fit.floor_se:.1g})")
    if fit.knee > 0:
        lines.append(f"  with a knee at {fit.knee:.4f} (standard error {fit.knee_se:.1g})")
    if not fit.is_power_law:
        lines.append(f"  not a power law: {'; '.join(fit.failings)}")
    return lines


def _peak_line(spectrum: Spectrum) -> list[str]:
    if spectrum.unit != "Hz":
        return []
    return [f"peak of the mean of logs {peak_frequency(spectrum):.0f} Hz (above {LOWEST_HZ:g} Hz)"]


def peak_frequency(spectrum: Spectrum) -> float:
    """Frequency of the largest mean of logs above 20 Hz, Hz."""
    heard = spectrum.physical_frequency > LOWEST_HZ
    best = np.argmax(np.where(heard, spectrum.log_power, -np.inf))
    return float(spectrum.physical_frequency[best])


def _floor_lines(spectrum: Spectrum, floors: Sequence[Floor]) -> list[str]:
    if not floors:
        return ["no floor found" + ("" if spectrum.quantum else "; values are continuous")]
    return [
        f"{floor.name}: from {floor.frequency:.3f} cycles/{_sample(spectrum)} ({floor.evidence})"
        for floor in floors
    ]


def _bases_lines(bases: dict[str, Any]) -> list[str]:
    parts = []
    for name, numbers in bases.items():
        gap = numbers.get("gap_to_pca")
        more = "" if gap is None or name == "pca" else f", {gap:.3f} nats/dimension to PCA"
        share = numbers["in_largest_tenth"]
        if share is not None:  # a sketch of PCA knows fewer
            parts.append(f"{name} {100 * share:.1f} %{more}")
    return [f"variance in the largest tenth of the components: {'; '.join(parts)}"] if parts else []


def _blank_line(spectrum: Spectrum) -> list[str]:
    if not spectrum.blank:
        return []
    left_out = "" if len(spectrum.shape) == 2 else ", not in the mean of logs"
    return [f"{spectrum.blank} blank examples: in the mean of powers{left_out}"]


def _sample(spectrum: Spectrum) -> str:
    return "sample" if len(spectrum.shape) == 2 else "pixel"


def _skipped_lines(spectrum: Spectrum) -> list[str]:
    if not spectrum.skipped:
        return []
    shown = [f"  {name}: {reason}" for name, reason in spectrum.skipped[:10]]
    more = len(spectrum.skipped) - len(shown)
    return [
        f"skipped {len(spectrum.skipped)} files:",
        *shown,
        *([f"  and {more} more (all are in the report)"] if more else []),
    ]


def _png(pixels: np.ndarray) -> bytes:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _npy(array: np.ndarray) -> bytes:
    import io

    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
