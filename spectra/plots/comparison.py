"""Paired differences between two schedules, with their intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.plots.style import (
    BETTER,
    INK,
    MUTED,
    PAPER,
    VERDICT_MARKS,
    Layout,
    finish,
    house_style,
    new_figure,
)

if TYPE_CHECKING:  # scores need torch, a picture of them does not
    from spectra.evaluation import Difference

__all__ = ["plot_comparison"]


@house_style()
def plot_comparison(
    rows: "Sequence[Difference]",
    *,
    difference: str = "derived − standard",
    layout: Layout = "wide",
) -> Figure:
    """Dot and interval of each paired difference of a score where less is better.

    Every measure has its own axis in its own unit; all zeros stand above each other, and the
    better side is shaded, and a light line is the margin of a tie. An interval without an end (a
    single pair) runs out of its axis.

    Parameters
    ----------
    rows
        One per measure.
    difference
        What was taken from what.
    layout
        "wide" or "narrow".

    Raises
    ------
    InputError
        There is no row, or a mean is not finite.
    """
    if not rows:
        raise InputError("rows: empty; give at least one paired difference")
    for row in rows:
        if not np.isfinite(row.mean):
            raise InputError(f"{row.measure}: its difference is not finite; score the runs again")
    figure = new_figure(layout, 0.35 + len(rows) * 1.15)
    panels = figure.subplots(len(rows), 1, squeeze=False).ravel()
    for axes, row in zip(panels, rows, strict=True):
        colour, shape = VERDICT_MARKS[row.verdict]
        ends = [row.low, row.high, 1.5 * row.mean, row.margin]
        ends = [abs(end) for end in ends if np.isfinite(end)]
        reach = 1.25 * max([*ends, 1e-12])
        low, high = np.clip([row.low, row.high], -2 * reach, 2 * reach)
        axes.axvspan(-reach, 0, color=BETTER, alpha=0.09, lw=0)
        axes.axvline(0, color=INK, lw=1.0)
        if row.margin > 0:
            axes.axvline(row.margin, color=MUTED, lw=0.8, ls=(0, (2, 2)))
        axes.plot([low, high], [0, 0], color=colour, lw=2.4)
        axes.plot(row.mean, 0, marker=shape, ms=8.5, mfc=colour, mec=PAPER, mew=1.2, ls="none")
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-1, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_title(row.measure)
        axes.set_title(row.verdict, loc="right", color=colour, weight="bold")
        axes.set_xlabel(f"{difference} ({row.unit})" if row.unit else difference)
        axes.locator_params(axis="x", nbins=7 if layout == "wide" else 5)
    panels[0].text(
        0.01,
        0.94,
        "shaded: better" + ("; dotted: margin of a tie" if any(r.margin > 0 for r in rows) else ""),
        transform=panels[0].transAxes,
        va="top",
        color=MUTED,
        fontsize=9.0,
    )
    return finish(figure)
