"""The tables of a comparison: arms by measures, with what may be said of the first."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from spectra.plots.contrasts import difference_text
from spectra.plots.labels import solver_title
from spectra.plots.report import Cell, Table

if TYPE_CHECKING:  # scores need torch, a page of them does not
    from spectra.comparison.results import Comparison, Reach
    from spectra.evaluation import Difference

__all__ = ["VERDICTS", "distance_table", "lowest", "many", "reach_text", "verdict_table"]

VERDICTS = ("better", "tied", "undecided", "worse")


def verdict_table(comparison: "Comparison") -> Table:
    """A row an arm: its bound, what may be said against it, steps, and counts of distances."""
    first = comparison.names[0]
    copied = comparison.best_copied
    means = {name: float(np.mean(comparison.bits(name))) for name in comparison.names}
    best = lowest(means)
    alone = len(means) == 1
    counted = bool(comparison.samplers) and not alone
    columns = ["arm", "bits/dim"] + ([] if alone else [f"{first} less it (bits/dim)"])
    columns += [f"steps to the bound of {copied}"] if copied else []
    columns += ["distances better", *VERDICTS[1:]] if counted else []
    rows = []
    for name in comparison.names:
        value = means[name]
        row: list[Any] = [
            name,
            Cell(
                f"{value:.3f}" if np.isfinite(value) else "not finite",
                _interval(comparison.bits(name), 3),
                best=name == best,
            ),
        ]
        differences = [] if name == first else comparison.differences(first, name)
        if not alone:
            row.append(_judged(first, differences[0]) if differences else "–")
        if copied:
            share, note = reach_text(comparison.reach(name, copied))
            row.append("the mark" if name == copied else Cell(share, note))
        if counted:
            words = [one.verdict for one in differences if one.unit == "%"]
            row += [words.count(word) if differences else "–" for word in VERDICTS]
        rows.append(row)
    caption = "Means over seeds with 95 % intervals."
    if comparison.names[1:]:
        caption += f" Coloured words, and counts, are said of {first} against the arm of the row."
    return Table(columns, rows, caption)


def distance_table(
    comparison: "Comparison", measure: Literal["spectral", "frechet"], unit: str
) -> Table:
    """A row an arm, a column for each solver and number of evaluations."""
    first = comparison.names[0]
    means = {
        key: {
            name: comparison.mean_distance(name, measure, key[1], key[0])
            for name in comparison.names
        }
        for key in comparison.samplers
    }
    rows = []
    for name in comparison.names:
        row: list[Any] = [name]
        for solver, count in comparison.samplers:
            value = means[solver, count][name]
            if not np.isfinite(value):
                row.append("not drawn")
                continue
            difference = None
            if name != first:
                difference = comparison.distance_difference(first, name, measure, count, solver)
            told = "" if difference is None else difference.verdict
            logs = comparison.log_distances(name, measure, count, solver)
            interval = _interval(logs, 2, exponential=True)
            best = name == lowest(means[solver, count])
            row.append(Cell(f"{value:.2f}", interval, told, _said(first, told), best))
        rows.append(row)
    columns = [f"{solver_title(solver)}, {count}" for solver, count in comparison.samplers]
    caption = f"{measure.capitalize()} distance ({unit}) by solver and evaluations: geometric "
    caption += "means over seeds with 95 % intervals."
    if comparison.names[1:]:
        caption += f" Coloured words are said of {first} against the arm of the row."
    return Table(["arm", *columns], rows, caption)


def _judged(first: str, difference: "Difference") -> Cell:
    word = difference.verdict
    low, high = difference.low, difference.high
    interval = (
        f"{low:+.3f} to {high:+.3f}".replace("-", "−") if np.isfinite([low, high]).all() else ""
    )
    return Cell(difference_text(difference), interval, word, _said(first, word))


def _said(first: str, word: str) -> str:
    """The verdict with its subject: a bare "better" in an arm's row would be read as that arm's."""
    subject = first if len(first) <= 14 else "first arm"
    return f"{subject} {word}" if word in ("better", "worse") else word


def reach_text(reach: "Reach") -> tuple[str, str]:
    """Share of the steps, and its interval or how many seeds never got there."""
    shares = np.array(reach.shares)
    missed = int((~np.isfinite(shares)).sum())
    if missed:
        return "not reached", f"by {missed} of {many(len(shares), 'seed')}"
    interval = ""
    if np.isfinite([reach.low, reach.high]).all():
        interval = f"{reach.low:.2f} – {reach.high:.2f}"
    return f"{reach.mean:.2f}×", interval


def _interval(values: np.ndarray, digits: int, *, exponential: bool = False) -> str:
    """The 95 % interval of the mean over seeds, where there is one."""
    from spectra.evaluation.comparison import mean_interval

    if len(values) < 2 or not np.isfinite(values).all():
        return ""
    _, low, high = mean_interval(values)
    if exponential:
        low, high = np.exp([low, min(high, 50.0)])
    return f"{low:.{digits}f} – {high:.{digits}f}".replace("-", "−")


def lowest(means: Mapping[str, float]) -> str | None:
    """Name of the lowest finite mean, where there is more than one arm."""
    finite = {name: mean for name, mean in means.items() if np.isfinite(mean)}
    return min(finite, key=lambda name: finite[name]) if finite and len(means) > 1 else None


def many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("s" if count != 1 else "")
