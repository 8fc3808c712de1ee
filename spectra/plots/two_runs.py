"""The sections of a page that sets two schedules, or two training runs, side by side."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from spectra.frequencies import number, signed
from spectra.interop import Prescription
from spectra.plots.octaves import plot_octaves
from spectra.plots.pair import plot_two_cutoffs
from spectra.plots.report import Cell, Section, Table, flatten
from spectra.plots.side_by_side import differing, recipe_section
from spectra.plots.training import plot_training
from spectra.schedule import Schedule
from spectra.spectrum.spectrum import frequency_unit

__all__ = ["run_pair_sections", "same_schedule", "schedule_pair_sections"]

TIMES = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
HIDDEN = ("schedule", "family")  # digests: what they stand for is shown
SCORED_ON = ("source", "fingerprint", "seed")
LAST = 20  # the share of a run's records, one in so many, that its last loss is the mean of


def schedule_pair_sections(
    names: Sequence[str], schedules: Sequence[Schedule], recipes: Sequence[Prescription | str]
) -> list[Section]:
    """Everything there is to show of two schedules; each argument holds one of each."""
    first, second = schedules
    times = np.array(TIMES)
    by_frequency = all(np.isfinite(one.f_max(times)).all() for one in schedules)
    sections = [
        Section(
            "f-max",
            "f_max(t) of both",
            "The highest frequency still above the noise, over the time of each: which detail is "
            "made when, and how long a sampler dwells on it.",
            partial(plot_two_cutoffs, first, second, names) if by_frequency else None,
            alt="Largest detectable frequency of both schedules against time",
            table=_time_table(names, schedules),
            settings={"SNR thresholds": [one.threshold for one in schedules]},
        )
    ]
    for place, name, one in zip(("first", "second"), names, schedules, strict=True):
        sections.append(
            Section(
                f"octaves-{place}",
                f"Octave by octave: {name}",
                "Lines one over the other: standard diffusion shifted by the power of the octave. "
                "The further apart their crossings of 1, the more one octave waits for another.",
                partial(plot_octaves, one),
                alt=f"SNR of every octave against time in the schedule {name}",
                settings={"basis": one.basis, "form": one.form},
            )
        )
    return [*sections, _choice_section(names, schedules), recipe_section(names, recipes)]


def run_pair_sections(
    names: Sequence[str],
    configs: Sequence[Mapping[str, Any]],
    logs: Sequence[Sequence[Mapping[str, Any]]],
    steps: Sequence[int],
    scores: Sequence[Mapping[str, Any] | None],
    bits: Any = None,
) -> list[Section]:
    """Settings that differ, training curves and scores of two runs.

    Parameters
    ----------
    names, configs, logs, steps, scores
        One of each; scores as `spectra evaluate` wrote them, or None.
    bits : Difference or None
        Of the bits/dim over the files that both were scored on.
    """
    sections = [_run_settings(names, configs, steps)]
    labels = [name.replace(",", ";") for name in names]
    drawn = dict(zip(labels, logs, strict=True))
    losses = [config.get("loss") for config in configs]
    if all(any("loss" in record for record in log) for log in logs):
        text = "The same loss: the lower curve has learnt more of what it asks for."
        if losses[0] != losses[1]:
            text = f"The losses are {losses[0]} and {losses[1]}: their values do not compare."
        sections.append(
            Section(
                "training",
                "Training",
                text,
                partial(plot_training, drawn),
                alt="Training loss of both runs against step",
                table=_loss_table(names, logs, losses[0] == losses[1]),
                settings={"loss": " and ".join(dict.fromkeys(map(str, losses)))},
            )
        )
    sections.append(_score_section(names, scores, bits))
    return sections


def same_schedule(first: Schedule, second: Schedule) -> bool:
    """Whether two schedules noise every component alike at all of their knots."""
    alike = first.shape == second.shape and first.basis == second.basis
    t = np.linspace(0, 1, 17)
    return alike and bool(np.allclose(first.log_snr(t), second.log_snr(t), atol=1e-9))


def _time_table(names: Sequence[str], schedules: Sequence[Schedule]) -> Table:
    times = np.array(TIMES)
    columns, cells = ["t"], [[f"{t:g}" for t in times]]
    for name, one in zip(names, schedules, strict=True):
        columns += [f"{name}: f_max ({frequency_unit(one.shape)})", "log SNR", "nats left"]
        ends = [(float(row.min()), float(row.max())) for row in one.log_snr(times)]
        cells.append([number(f) if np.isfinite(f) else "–" for f in one.f_max(times)])
        cells.append([f"{signed(low, 1)} to {signed(high, 1)}" for low, high in ends])
        cells.append([f"{nats:.4g}" for nats in one.information(times)])
    return Table(columns, list(zip(*cells, strict=True)), "Log SNR from the lowest component on.")


def _choice_section(names: Sequence[str], schedules: Sequence[Schedule]) -> Section:
    said = [
        {"name": one.name, "basis": one.basis, "shape": list(one.shape), "form": one.form}
        | dict(one.explanation)
        for one in schedules
    ]
    rows = [[key, *(told.get(key) for told in said)] for key in dict.fromkeys([*said[0], *said[1]])]
    return Section(
        "choices",
        "What was chosen, and why",
        "Where both say the same they were made alike.",
        table=Table(["choice", *names], rows),
    )


def _run_settings(
    names: Sequence[str], configs: Sequence[Mapping[str, Any]], steps: Sequence[int]
) -> Section:
    flat = [dict(flatten(config)) for config in configs]
    rows: list[list[Any]] = [["steps done", *steps]]
    rows += [
        [key, *(str(value)[:12] if key == "fingerprint" else value for value in values)]
        for key, *values in differing(*flat)
        if key not in HIDDEN
    ]
    text = "Every setting that is not the same in both."
    if len(rows) == 1:
        text = "Every setting is the same in both, but perhaps for the schedule."
    return Section("differing", "What differs", text, table=Table(["setting", *names], rows))


def _loss_table(
    names: Sequence[str], logs: Sequence[Sequence[Mapping[str, Any]]], comparable: bool
) -> Table:
    last = []
    for log in logs:
        values = [record["loss"] for record in log if np.isfinite(record.get("loss", np.nan))]
        last.append(float(np.mean(values[-max(1, len(values) // LAST) :])) if values else None)
    seconds = [log[-1].get("seconds") for log in logs]
    known = comparable and None not in last
    rows = [
        ["loss, mean of the last twentieth", *last, last[0] - last[1] if known else None],
        ["seconds of training", *seconds, None],
    ]
    return Table(["at the end", *names, f"{names[0]} less {names[1]}"], rows)


def _score_section(
    names: Sequence[str], scores: Sequence[Mapping[str, Any] | None], bits: Any
) -> Section:
    title = "Scores"
    missing = [name for name, one in zip(names, scores, strict=True) if one is None]
    if len(missing) == 2:
        return Section("scores", title, "Neither was scored: see spectra evaluate RUN SOURCE.")
    text = "Of bits and distances less is better. In small type: the 95 % interval."
    if missing:
        text += f" {missing[0]} was not scored."
    elif any((scores[0] or {}).get(k) != (scores[1] or {}).get(k) for k in SCORED_ON):
        text += " They were scored on other data or with another seed."
    rows: list[list[Any]] = []
    tables = [_score_cells(one or {}) for one in scores]
    for key in dict.fromkeys([*tables[0], *tables[1]]):
        row: list[Any] = [key, *(table.get(key) for table in tables), None]
        if key == "bits/dim" and bits is not None:
            between = f"{signed(bits.low, 3, plus=True)} to {signed(bits.high, 3, plus=True)}"
            said = f"{names[0]}: {bits.verdict}, {bits.pairs} files"
            row[3] = Cell(signed(bits.mean, 3, plus=True), between, bits.verdict, said)
        rows.append(row)
    return Section(
        "scores", title, text, table=Table(["score", *names, f"{names[0]} less {names[1]}"], rows)
    )


def _score_cells(scores: Mapping[str, Any]) -> dict[str, Any]:
    """What is shown of scores.json, by name."""
    cells: dict[str, Any] = {}
    if "bits_per_dim" in scores:
        cells["bits/dim"] = _with_ends(scores["bits_per_dim"], scores.get("bits_per_dim_interval"))
        cells["bits/dim of the Wiener filter, untrained"] = scores.get("gaussian_bits_per_dim")
    if "spectral_distance_db" in scores:
        ends = scores.get("spectral_distance_interval")
        cells["spectral distance (dB)"] = _with_ends(scores["spectral_distance_db"], ends)
        floor = scores.get("spectral_distance_of_data")
        if floor:
            cells["spectral distance of real data (dB)"] = _with_ends(
                floor["value"], [floor["low"], floor["high"]]
            )
    for octave in scores.get("octaves", []):
        name = f"power at {number(octave['lowest'])} – {number(octave['highest'])} (dB)"
        ends = [octave["low"], octave["high"]]
        cells[name] = _with_ends(octave["difference_db"], ends, plus=True)
    for name, score in scores.get("scores", {}).items():
        found = score["found"]
        label = f"{name}, {score['unit']}" if score.get("unit") else name
        cells[label] = _with_ends(found["value"], [found["low"], found["high"]])
        if floor := score.get("floor"):
            cells[f"{name}, real data"] = _with_ends(floor["value"], [floor["low"], floor["high"]])
    for key in ("solver", "evaluations", "samples", "examples"):
        if key in scores:
            cells[key] = scores[key]
    return cells


def _with_ends(value: Any, ends: Any, plus: bool = False) -> Any:
    """A value over its interval, where both ends of that are known."""
    if value is None:
        return None
    shown = signed(value, 3, plus=plus)
    if not ends or None in ends:
        return shown
    return Cell(shown, f"{signed(ends[0], 3)} to {signed(ends[1], 3)}")
