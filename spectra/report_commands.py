"""What `spectra report` does: two data sets, schedules or runs side by side on one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spectra.errors import InputError
from spectra.files import CONFIG, check_writable, table_kind
from spectra.findings import Findings
from spectra.fit import exponent_difference, find_floors, fit_power_law, power_ratio
from spectra.frequencies import signed
from spectra.interop import Prescription, prescription
from spectra.schedule import (
    Schedule,
    check_cutoff,
    derive_schedule,
    frequency_cutoff,
    load_schedule,
)
from spectra.schedule_commands import schedule_numbers
from spectra.spectrum import Spectrum, load_spectrum

if TYPE_CHECKING:
    from spectra.diffusion import Run
    from spectra.plots import Fact, Section

__all__ = ["report"]

SPECTRUM, COMPARED = "spectrum.safetensors", "compare.json"
LONGEST = 40  # letters of a name
WRITERS = "give what spectra analyze, schedule or train wrote"

Result = tuple[dict[str, Any], str]


@dataclass(frozen=True)
class Pair:
    """A page about two things, before it is written.

    Attributes
    ----------
    noun : str
    sections : list of Section
    numbers : dict
        What both differ by.
    each : tuple of dict
        The numbers of either.
    lines : list of str
        For the terminal.
    facts : list of Fact
    """

    noun: str
    sections: "list[Section]"
    numbers: dict[str, Any]
    each: tuple[dict[str, Any], dict[str, Any]]
    lines: list[str]
    facts: "list[Fact]"


def report(
    first: Path, second: Path, out: Path, process: str | None, threshold: float | None
) -> Result:
    """Set two spectra, schedules or runs side by side; write report.html.

    Parameters
    ----------
    first, second, out : Path
    process, threshold : optional
        Of spectra: what f_max(t) is of; rectified flow at SNR 1 if None.

    Raises
    ------
    InputError
        One of them is none of these, or they are of different kinds.
    """
    from spectra.plots import write_report

    given = {"process": process, "threshold": threshold}
    given = {name: value for name, value in given.items() if value is not None}
    cutoff = {"process": "rectified-flow", "threshold": 1.0} | given
    check_cutoff(**cutoff)
    paths = (first, second)
    kinds = [_kind(path) for path in paths]
    if kinds[0] != kinds[1]:
        raise InputError(
            f"{first} is a {kinds[0]} and {second} a {kinds[1]}: give two of a kind, two spectra, "
            "two schedules or two runs"
        )
    if given and kinds[0] != "spectrum":
        words = ", ".join(f"--{name}" for name in given)
        raise InputError(f"{words}: of spectra alone, and {first} is a {kinds[0]}; leave it out")
    check_writable(out)
    if kinds[0] == "spectrum":
        pair, names = _spectra(paths, **cutoff)
    elif kinds[0] == "schedule":
        pair, names = _schedules(paths)
    else:
        pair, names = _runs(paths)
    page = write_report(
        out / "report.html",
        title=f"{names[0]} beside {names[1]}",
        intro=f"Two {pair.noun}: {first} and {second}. Differences are the first less the second.",
        sections=pair.sections,
        numbers={"names": names} | pair.numbers | dict(zip("ab", pair.each, strict=True)),
        facts=pair.facts,
        settings={"a": str(first), "b": str(second)} | (cutoff if kinds[0] == "spectrum" else {}),
    )
    numbers = {"kind": kinds[0], "names": names} | pair.numbers
    numbers |= dict(zip("ab", pair.each, strict=True)) | {"report": str(page)}
    return numbers, "\n".join([*pair.lines, f"wrote {page}"])


def _kind(path: Path) -> str:
    """ "spectrum", "schedule" or "run"."""
    if path.is_dir():
        if (path / CONFIG).is_file():
            return "run"
        if (path / SPECTRUM).is_file():
            return "spectrum"
        if (path / COMPARED).is_file():
            raise InputError(f"{path}: a comparison has its own page; give two runs out of it")
        raise InputError(f"{path}: holds neither {SPECTRUM} nor a run; {WRITERS}")
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; {WRITERS}")
    kind = table_kind(path)
    if kind not in ("spectrum", "schedule"):
        raise InputError(f"{path}: holds a {kind}; {WRITERS}")
    return kind


def _names(paths: Sequence[Path], own: Sequence[str]) -> list[str]:
    """What to call both: their own names, or where these are one, the part their paths differ in.

    Files that have a usual name (spectrum.safetensors) are called by their folder's.
    """
    from spectra.plots.pair import told_apart

    own = [_shortened(name) for name in own]
    if own[0] != own[1]:
        return own
    usual = (SPECTRUM, "schedule.safetensors")
    labels = []
    for path in paths:
        named = path.parent if path.name in usual and path.is_file() else path
        labels.append(named.name or str(named))
    if labels[0] == labels[1]:
        return told_apart(own)
    stems = [_shortened(label.removesuffix(".safetensors")) for label in labels]
    return told_apart(stems)


def _shortened(name: str) -> str:
    """A name that a table's heading and a legend can hold."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST // 2]}…{name[-LONGEST // 2 :]}"


def _spectra(paths: Sequence[Path], process: str, threshold: float) -> tuple[Pair, list[str]]:
    """Two measured sources."""
    from spectra.plots import Fact
    from spectra.plots.side_by_side import ratio_octaves, spectrum_pair_sections

    files = [path / SPECTRUM if path.is_dir() else path for path in paths]
    spectra = [load_spectrum(file) for file in files]
    names = _names(paths, [one.name for one in spectra])
    fits = [fit_power_law(one) for one in spectra]
    floors = [find_floors(one) for one in spectra]
    cutoffs = [frequency_cutoff(one, process=process, threshold=threshold) for one in spectra]
    recipes = [_recipe(one) for one in spectra]
    difference, low, high = exponent_difference(fits[0], fits[1])
    ratio = power_ratio(spectra[0], spectra[1])
    octaves = list(ratio_octaves(ratio))
    found: list[dict[str, Any]] = [
        Findings(*parts).numbers() | {"process": process, "constants": _numbers(recipe)}
        for *parts, recipe in zip(
            spectra, fits, floors, (None, None), cutoffs, recipes, strict=True
        )
    ]
    told = "not told apart" if low < 0 < high else "told apart"
    rows = [
        ["examples", *(f"{one.n:,}" for one in spectra)],
        ["exponent", *(f"{fit.alpha:.3f} ± {fit.alpha_se:.3f}" for fit in fits)],
        ["a power law", *("yes" if fit.is_power_law else "no" for fit in fits)],
    ]
    lines = [
        *_table(names, rows),
        f"exponents differ by {difference:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}: {told}",
        f"{names[0]} over {names[1]}, by octave ({ratio.unit}):",
        *(
            f"  {start:>8.3g} to {end:<8.3g} {mean:+7.1f} dB   {a:+.1f} to {b:+.1f}"
            for start, end, mean, a, b in octaves
        ),
    ]
    numbers = {
        "exponent_difference": {"mean": difference, "low": low, "high": high},
        "ratio": {
            "unit": ratio.unit,
            "frequency": ratio.frequency,
            "db": 10 * np.log10(np.e) * ratio.log_ratio,
            "low": 10 * np.log10(np.e) * ratio.low,
            "high": 10 * np.log10(np.e) * ratio.high,
        },
        "same_files": spectra[0].fingerprint == spectra[1].fingerprint,
    }
    sections = spectrum_pair_sections(names, spectra, fits, floors, cutoffs, recipes)
    between = [" to ".join(map(signed, fit.interval())) for fit in fits]
    facts = [
        Fact(f"exponent of {name}", signed(fit.alpha), f"95 % interval {ends}")
        for name, fit, ends in zip(names, fits, between, strict=True)
    ]
    note = f"95 % interval {signed(low)} to {signed(high)}: {told}"
    facts.append(Fact("first less second", signed(difference, plus=True), note))
    return Pair("data sets", sections, numbers, (found[0], found[1]), lines, facts), names


def _schedules(paths: Sequence[Path]) -> tuple[Pair, list[str]]:
    """Two schedules."""
    from spectra.plots.two_runs import schedule_pair_sections

    schedules = [load_schedule(path) for path in paths]
    names = _names(paths, [one.name for one in schedules])
    recipes = [_recipe(one) for one in schedules]
    found: list[dict[str, Any]] = [
        schedule_numbers(one) | {"constants": _numbers(recipe)}
        for one, recipe in zip(schedules, recipes, strict=True)
    ]
    rows = [[key, *(str(one[key]) for one in found)] for key in ("basis", "form", "shape")]
    for a, b in zip(found[0]["table"], found[1]["table"], strict=True):
        rows.append([f"f_max({a['t']:.2f})", *(f"{row['f_max']:.4g}" for row in (a, b))])
    sections = schedule_pair_sections(names, schedules, recipes)
    return Pair("schedules", sections, {}, (found[0], found[1]), _table(names, rows), []), names


def _runs(paths: Sequence[Path]) -> tuple[Pair, list[str]]:
    """Two training runs."""
    from spectra.diffusion import load_run
    from spectra.evaluation.records import bits_difference, read_scores
    from spectra.plots import Fact
    from spectra.plots.two_runs import (
        run_pair_sections,
        same_schedule,
        schedule_pair_sections,
    )

    runs = [load_run(path) for path in paths]
    names = _names(paths, [path.resolve().name for path in paths])
    scores = [read_scores(path) for path in paths]
    bits = None if None in scores else bits_difference(scores[0] or {}, scores[1] or {})
    sections = run_pair_sections(
        names,
        [run.config for run in runs],
        [run.log for run in runs],
        [run.step for run in runs],
        scores,
        bits,
    )
    schedules = [run.schedule for run in runs]
    alike = same_schedule(schedules[0], schedules[1])
    if not alike:
        sections += schedule_pair_sections(names, schedules, [_recipe(one) for one in schedules])
    numbers = {
        "same_schedule": alike,
        "bits_per_dim_difference": None if bits is None else bits.to_dict(),
    }
    rows = [
        ["steps", *(str(run.step) for run in runs)],
        ["loss", *(_last_loss(run) for run in runs)],
        ["bits/dim", *(_score(one, "bits_per_dim") for one in scores)],
        ["spectral dB", *(_score(one, "spectral_distance_db") for one in scores)],
    ]
    lines = [
        *_table(names, rows),
        "the schedules are the same" if alike else "the schedules differ",
    ]
    if bits is not None:
        lines.append(
            f"bits/dim differ by {bits.mean:+.4f}, 95 % interval {bits.low:+.4f} to "
            f"{bits.high:+.4f} over {bits.pairs} files: {names[0]} is {bits.verdict}"
        )
    each = [_run_numbers(run, one) for run, one in zip(runs, scores, strict=True)]
    facts = [
        Fact(f"bits/dim of {name}", _score(one, "bits_per_dim"), f"after {run.step} steps")
        for name, one, run in zip(names, scores, runs, strict=True)
    ]
    if bits is not None:
        note = f"95 % interval {signed(bits.low, 3)} to {signed(bits.high, 3)}, {bits.pairs} files"
        facts.append(Fact("first less second", signed(bits.mean, 3, plus=True), note))
        facts.append(Fact(f"{names[0]} is", bits.verdict, "by that interval"))
    return Pair("runs", sections, numbers, (each[0], each[1]), lines, facts), names


def _recipe(subject: Spectrum | Schedule) -> Prescription | str:
    """What other tools would be told, or why there is nothing to tell."""
    try:
        schedule = subject if isinstance(subject, Schedule) else derive_schedule(subject)
        return prescription(subject, schedule)
    except InputError as reason:
        return str(reason)


def _numbers(recipe: Prescription | str) -> dict[str, Any]:
    return {"left_out": recipe} if isinstance(recipe, str) else recipe.to_dict()


def _run_numbers(run: "Run", scores: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "step": run.step,
        "last": run.log[-1] if run.log else {},
        "config": run.config,
        "scores": scores,
    }


def _last_loss(run: "Run") -> str:
    return f"{run.log[-1]['loss']:.4f}" if run.log and "loss" in run.log[-1] else "–"


def _score(scores: dict[str, Any] | None, key: str) -> str:
    value = None if scores is None else scores.get(key)
    return "–" if value is None else signed(value, 3)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Both under their names, the columns two spaces apart however long those are."""
    whole = [["", *names], *rows]
    label, *widths = (max(map(len, column)) for column in zip(*whole, strict=True))
    return [
        f"{row[0]:<{label}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths, strict=True))
        for row in whole
    ]
