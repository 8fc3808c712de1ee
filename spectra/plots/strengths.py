"""Scores over the ordering strength: one panel a score and a basis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from spectra.errors import InputError
from spectra.plots.labels import as_label
from spectra.plots.style import (
    INK,
    MUTED,
    PAPER,
    SERIES,
    Layout,
    finish,
    house_style,
    legend_above,
    new_figure,
)

__all__ = ["StrengthCurve", "plot_strengths"]

MARKERS = ("o", "s", "D", "^", "v")
MOST_TICKS = 6


@dataclass(frozen=True)
class StrengthCurve:
    """One score of something at several ordering strengths.

    Attributes
    ----------
    name : str
        What it is of; curves of one name look alike in all panels.
    strength, value : float [K]
    low, high : float [K], optional
        The interval.
    joined : bool
        One thing at all its strengths, drawn as a line; else several, one at each.
    """

    name: str
    strength: np.ndarray
    value: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    joined: bool = True


@house_style()
def plot_strengths(
    scores: Mapping[str, Mapping[str, Sequence[StrengthCurve]]],
    *,
    aims: Mapping[str, float] | None = None,
    layout: Layout = "wide",
) -> Figure:
    """Scores against the ordering strength a, with standard diffusion, a = 1, marked.

    Parameters
    ----------
    scores
        Score with its unit -> basis -> curves. Every score is given for the same bases.
    aims
        Score -> a value to stay under.
    layout
        "wide": a row a score, a column a basis. "narrow": all panels below each other.

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no curve, one has no value that is finite, its parts differ in length, or the
        scores are of different bases.
    """
    bases = _checked(scores)
    aims = aims or {}
    wide = layout == "wide"
    names = list(dict.fromkeys(c.name for s in scores.values() for b in s.values() for c in b))
    rows, columns = (len(scores), len(bases)) if wide else (len(scores) * len(bases), 1)
    # Three columns are as many as can be read on a page.
    figure = new_figure(layout, 0.5 + (2.3 if wide else 2.1) * rows + 0.2 * (len(names) - 1))
    panels = figure.subplots(rows, columns, squeeze=False, sharex=wide)
    for i, (score, by_basis) in enumerate(scores.items()):
        for j, basis in enumerate(bases):
            axes = panels[i, j] if wide else panels[i * len(bases) + j, 0]
            for curve in by_basis[basis]:
                _draw(axes, curve, names.index(curve.name))
            _dress(axes, [c for b in by_basis.values() for c in b], aims.get(score))
            axes.set_title(basis)
            if wide and j > 0:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel(score)
            if not wide or i == rows - 1:
                axes.set_xlabel("ordering strength a")
    across = 2 if len(names) == 4 else min(3, len(names))  # no row of one name
    legend_above(figure, list(panels.ravel()), across if wide else 1)
    return finish(figure)


def _draw(axes: Axes, curve: StrengthCurve, number: int) -> None:
    """One curve, its interval as bars."""
    colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
    order = np.argsort(curve.strength)
    strength, value = np.asarray(curve.strength)[order], np.asarray(curve.value, float)[order]
    if curve.low is not None and curve.high is not None:
        low, high = np.asarray(curve.low)[order], np.asarray(curve.high)[order]
        axes.vlines(strength, low, high, color=colour, lw=1.4, alpha=0.7)
    # What is not one line stands out from lines drawn over it: hollow, and on top.
    style = {"ls": "-", "mfc": colour} if curve.joined else {"ls": "none", "mfc": PAPER}
    axes.plot(
        strength,
        value,
        color=colour,
        marker=marker,
        ms=6.0,
        mec=colour,
        mew=1.4,
        lw=1.6,
        zorder=2 if curve.joined else 3,
        label=as_label(curve.name),
        **style,  # pyright: ignore[reportArgumentType]
    )


def _dress(axes: Axes, curves: Sequence[StrengthCurve], aim: float | None) -> None:
    """Ticks, limits shared by the panels of a score, a = 1, and the aim."""
    strength = np.unique(np.concatenate([np.asarray(c.strength, float) for c in curves]))
    parts = [
        np.asarray(part, float)
        for c in curves
        for part in (c.value, c.low, c.high)
        if part is not None
    ]
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    ends = np.array(
        [values.min(), values.max()] if aim is None else [values.min(), values.max(), aim]
    )
    room = 0.09 * (ends.max() - ends.min()) or abs(ends[0]) / 10 or 1.0
    axes.set_ylim(ends.min() - room, ends.max() + room)
    axes.axvline(1.0, color=MUTED, lw=0.9, ls=(0, (1, 2)), zorder=1)
    if aim is not None:
        axes.axhline(aim, color=INK, lw=1.0, ls=(0, (4, 3)), zorder=1)
    if len(strength) <= MOST_TICKS:
        axes.xaxis.set_major_locator(FixedLocator(strength.tolist()))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda a, _: f"{a:g}"))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _checked(scores: Mapping[str, Mapping[str, Sequence[StrengthCurve]]]) -> list[str]:
    """The bases, the same of every score."""
    if not scores or not all(scores.values()):
        raise InputError("scores: empty; give at least one score of at least one basis")
    bases = list(next(iter(scores.values())))
    for score, by_basis in scores.items():
        if set(by_basis) != set(bases):
            raise InputError(f"{score}: is of {', '.join(by_basis)}, not of {', '.join(bases)}")
        for basis, curves in by_basis.items():
            if not curves:
                raise InputError(f"{score}, {basis}: no curve; give at least one")
            for curve in curves:
                given = (curve.strength, curve.value, curve.low, curve.high)
                lengths = {len(part) for part in given if part is not None}
                if len(lengths) != 1 or not np.isfinite(curve.value).any():
                    raise InputError(
                        f"{score}, {basis}, {curve.name}: needs as many strengths as values, one "
                        "of them finite"
                    )
    return bases
