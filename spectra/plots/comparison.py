"""Paired differences between two schedules, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.plots.style import (
    BETTER,
    INK,
    MUTED,
    PAPER,
    UNDECIDED,
    WORSE,
    Layout,
    finish,
    house_style,
    new_figure,
)

__all__ = ["Difference", "Verdict", "plot_comparison"]

Verdict = Literal["better", "worse", "undecided"]
# Word, colour and shape say the same thing three times.
_MARK = {"better": (BETTER, "o"), "worse": (WORSE, "s"), "undecided": (UNDECIDED, "D")}


@dataclass(frozen=True)
class Difference:
    """One measure's paired difference, derived minus standard.

    Attributes
    ----------
    measure : str
        What was measured.
    unit : str
        Of the difference.
    mean, low, high : float
        The mean of the paired differences and the ends of its 95 % interval.
    lower_is_better : bool
    """

    measure: str
    unit: str
    mean: float
    low: float
    high: float
    lower_is_better: bool = True

    @property
    def verdict(self) -> Verdict:
        """By the interval of the difference alone: undecided where it holds zero."""
        if not (self.low > 0 or self.high < 0):
            return "undecided"
        return "better" if (self.high < 0) == self.lower_is_better else "worse"


@house_style()
def plot_comparison(rows: Sequence[Difference], *, layout: Layout = "wide") -> Figure:
    """Dot and 95 % interval of each paired difference, derived minus standard.

    Every measure has its own axis in its own unit; all zeros stand above each other, and the
    better side is shaded.

    Parameters
    ----------
    rows
        One per measure.
    layout
        "wide" or "narrow".

    Raises
    ------
    InputError
        There is no row, or an interval is not finite.
    """
    if not rows:
        raise InputError("rows: empty; give at least one paired difference")
    for row in rows:
        if not np.isfinite([row.mean, row.low, row.high]).all():
            raise InputError(f"{row.measure}: its interval is not finite; use 2 seeds or more")
    figure = new_figure(layout, 0.35 + len(rows) * 1.15)
    panels = figure.subplots(len(rows), 1, squeeze=False).ravel()
    for axes, row in zip(panels, rows, strict=True):
        colour, shape = _MARK[row.verdict]
        reach = 1.25 * max(abs(row.low), abs(row.high), abs(row.mean), 1e-12)
        good = (-reach, 0) if row.lower_is_better else (0, reach)
        axes.axvspan(*good, color=BETTER, alpha=0.09, lw=0)
        axes.axvline(0, color=INK, lw=1.0)
        axes.plot([row.low, row.high], [0, 0], color=colour, lw=2.4)
        axes.plot(row.mean, 0, marker=shape, ms=8.5, mfc=colour, mec=PAPER, mew=1.2, ls="none")
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-1, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.set_title(row.measure)
        axes.set_title(row.verdict, loc="right", color=colour, weight="bold")
        axes.set_xlabel(f"derived − standard ({row.unit})" if row.unit else "derived − standard")
        axes.locator_params(axis="x", nbins=7 if layout == "wide" else 5)
    panels[0].annotate(
        "shaded: better",
        (0.01 if rows[0].lower_is_better else 0.99, 0.94),
        xycoords="axes fraction",
        ha="left" if rows[0].lower_is_better else "right",
        va="top",
        color=MUTED,
        fontsize=9.0,
    )
    return finish(figure)
