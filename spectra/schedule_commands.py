"""What `spectra schedule` does: derive, copy or audit a schedule for a measured spectrum."""

import inspect
from pathlib import Path
from typing import Any, get_args

import numpy as np

from spectra.errors import InputError, check_number
from spectra.files import CONFIG, check_replaceable
from spectra.findings import TABLE_TIMES
from spectra.frequencies import FrequencyScale, frequency_scale
from spectra.interop import prescription
from spectra.schedule import (
    ProcessName,
    Schedule,
    check_preset,
    derive_schedule,
    frequency_cutoff,
    load_schedule,
    preset,
    schedule_from_cutoff,
)
from spectra.schedule.auditing.audit import audit
from spectra.schedule.best_basis import best_basis
from spectra.schedule.drawn import drawn_curve, read_pairs
from spectra.schedule.steps.denoising import load_denoising_error
from spectra.spectrum import Spectrum, load_spectrum

__all__ = ["schedule", "schedule_numbers"]

Result = tuple[dict[str, Any], str]

# Choices that a schedule from a wished f_max has too.
WISHED = ("basis", "ordering", "ordering_strength", "threshold", "form")
DERIVED = inspect.signature(derive_schedule).parameters
DRAWN = (".json", ".csv")
SCHEDULE = Path("schedule.safetensors")
DRAWINGS = (".png", ".svg", ".pdf")


def schedule(
    path: Path,
    out: Path | None,
    choices: dict[str, Any],
    *,
    show: bool = False,
    preset_name: str | None = None,
    f_max: str | None = None,
    audited: str | None = None,
    sampler: dict[str, Any] | None = None,
    error: Path | None = None,
    figure: Path | None = None,
) -> Result:
    """Derive (or copy, or audit) a schedule from a spectrum file.

    Parameters
    ----------
    path : Path
    out : Path or None
        Where to write the schedule; schedule.safetensors if None.
    choices : dict
        Options of `derive_schedule`, or of the preset, as text or numbers; only those given.
    show : bool
        Write nothing, whatever `out` is.
    preset_name, f_max, audited : str, optional
        A published schedule to copy; a wished f_max, a file or a process; what to audit.
    sampler : dict
        steps and solver, if given, that the prescription or the audit looks at.
    error : Path, optional
        A measured denoising error for those.
    figure : Path, optional
        Where to draw the audit.
    """
    if figure is not None and audited is None:
        raise InputError("--figure: is drawn of an audit; give --audit too, or use spectra plot")
    if figure is not None and figure.suffix.lower() not in DRAWINGS:
        raise InputError(f"--figure {figure}: end it in {', '.join(DRAWINGS)}")
    if sum(given is not None for given in (preset_name, f_max, audited)) > 1:
        raise InputError("--preset, --f-max, --audit: are three ways; give one of them")
    if audited is not None:
        _check_audit(out, show, choices)
    if preset_name is not None:
        check_preset(preset_name, choices)
    elif alien := [name for name in choices if name not in DERIVED]:
        raise InputError(f"{', '.join(alien)}: only presets have that; give --preset too")
    spectrum = load_spectrum(path)
    looked: dict[str, Any] = dict(sampler or {}) | (
        {"error": load_denoising_error(error)} if error else {}
    )
    if audited is not None:
        subject: Schedule | str = audited
        if audited.endswith(".safetensors"):
            subject = load_schedule(audited)
        found = audit(subject, spectrum, **looked)
        lines = found.lines()
        if figure is not None:
            from spectra.plots import plot_audit, save_figure

            save_figure(plot_audit(found), figure)
            lines = [*lines, f"wrote {figure}"]
        return found.to_dict(), "\n".join(lines)
    target = None if show else out or SCHEDULE
    if target is not None:
        _check_target(target)
    made = _made(spectrum, _read(choices), preset_name, f_max)
    numbers = schedule_numbers(made)
    lines = [f"{made.name} schedule for {spectrum.name}, {'x'.join(map(str, made.shape))}"]
    lines += [f"  {name}: {reason}" for name, reason in made.explanation.items()]
    lines += _table_lines(made, numbers, frequency_scale(spectrum))
    copied = prescription(spectrum, made, **looked)
    if target is not None:
        made.save(target)
        lines.append(f"wrote {target}")
    numbers |= {"prescription": copied.to_dict(), "out": str(target) if target else None}
    return numbers, "\n".join([*lines, "", *copied.lines()])


def _check_target(target: Path) -> None:
    """Refuse to write over a run's own schedule, or over what is no schedule."""
    if target.is_file() and (target.parent / CONFIG).is_file():
        raise InputError(f"{target}: is of the run in that folder; choose another --out")
    check_replaceable(target, "schedule")


def _check_audit(out: Path | None, show: bool, choices: dict[str, Any]) -> None:
    """Refuse what says how to derive or write a schedule: an audit does neither."""
    alien = [name for name, given in (("--out", out is not None), ("--show", show)) if given]
    if alien := [*alien, *choices]:
        raise InputError(f"--audit: takes no {', '.join(alien)}; it judges what is there")


def schedule_numbers(made: Schedule) -> dict[str, Any]:
    """A schedule as a table over time."""
    times = np.array([0.0, *TABLE_TIMES, 1.0])
    ends = [(low.min(), low.max()) for low in (made.log_snr(t)[0] for t in times[:, None])]
    rows = zip(times, made.f_max(times), ends, made.information(times), strict=True)
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
                "log_snr": [float(low), float(high)],
                "information": float(nats),
            }
            for t, f, (low, high), nats in rows
        ],
    }


def _made(
    spectrum: Spectrum, choices: dict[str, Any], preset_name: str | None, f_max: str | None
) -> Schedule:
    if preset_name is not None:
        if choices.get("basis") == "auto":
            choices["basis"], _ = best_basis(spectrum, choices.get("ordering", "variance"))
        if not isinstance(choices.get("ordering_strength", 1.0), float):
            raise InputError("ordering_strength: a preset takes one number")
        return preset(preset_name, spectrum, **choices)
    if f_max is None:
        return derive_schedule(spectrum, **choices)
    other = [name for name in choices if name not in WISHED]
    if other:
        raise InputError(f"--f-max: takes no {', '.join(other)}; it takes {', '.join(WISHED)}")
    if f_max in get_args(ProcessName):
        wish = frequency_cutoff(
            spectrum, process=f_max, threshold=float(choices.get("threshold", 1.0))
        )
        return schedule_from_cutoff(spectrum, wish, **choices)
    if Path(f_max).suffix.lower() not in DRAWN:
        raise InputError(
            f"--f-max {f_max}: give a .json or .csv of pairs (t, f_max), or a process: "
            f"{', '.join(get_args(ProcessName))}"
        )
    return schedule_from_cutoff(spectrum, read_pairs(f_max), **choices)


def _read(choices: dict[str, Any]) -> dict[str, Any]:
    """Choices that were written as text, or name a file, as Python has them."""
    read = dict(choices)
    if "ordering" in read:
        read["ordering"] = _ordering(read["ordering"])
    if "ordering_strength" in read:
        read["ordering_strength"] = _strength(read["ordering_strength"])
    if "penalty" in read:
        read["penalty"] = _penalty(read["penalty"])
    if Path(str(read.get("pace", ""))).suffix.lower() in DRAWN:
        read["pace"], _ = drawn_curve("pace", read_pairs(read["pace"]))
    return read


def _ordering(text: str) -> str | np.ndarray:
    """An order in words, or labels out of a .npy file."""
    if not text.lower().endswith(".npy"):
        return text
    try:
        labels = np.load(text, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        raise InputError(f"--ordering {text}: no .npy file of labels can be read there") from None
    if labels.dtype.kind not in "iuf":
        raise InputError(f"--ordering {text}: holds {labels.dtype}; numbers are needed")
    return labels


def _strength(text: str) -> Any:
    """A number, auto, or bands: EDGE:STRENGTH[,EDGE:STRENGTH...]."""
    if text == "auto":
        return text
    try:
        if ":" not in text:
            return float(text)
        pairs = [part.split(":") for part in text.split(",")]
        return [(float(edge), float(strength)) for edge, strength in pairs]
    except ValueError:
        raise InputError(
            f"ordering_strength {text!r}: give a number, auto, or bands such as 0.1:1,0.5:0.3 "
            "(up to 0.1 cycles/pixel strength 1, up to 0.5 strength 0.3)"
        ) from None


def _penalty(text: str) -> Any:
    """A number, or a measured denoising error out of its file."""
    try:
        value = float(text)
    except ValueError:
        return load_denoising_error(text)
    check_number("penalty", value, low=0.0)
    return value


def _table_lines(made: Schedule, numbers: dict[str, Any], scale: FrequencyScale) -> list[str]:
    """The schedule over time, f_max in the data's own unit."""
    lines = [
        f"  every log SNR(0) >= {-made.g_denoise:.2f}, every log SNR(1) <= {-made.g_noise:.2f}",
        f"  f_max in {scale.unit}, at SNR {made.threshold:g}:",
        "      t      f_max   log SNR lowest  highest    nats left",
    ]
    for row in numbers["table"]:
        f_max = "-" if np.isnan(row["f_max"]) else scale.number(row["f_max"])
        lines.append(
            f"  {row['t']:5.2f}   {f_max:>8}   {row['log_snr'][0]:14.2f} "
            f"{row['log_snr'][1]:8.2f}   {row['information']:10.2f}"
        )
    return lines
