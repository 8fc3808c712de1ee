"""The first arm of a comparison less every other one, measure by measure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from spectra.errors import InputError, check_name
from spectra.plots.arms import short
from spectra.plots.labels import solver_title
from spectra.plots.style import (
    BETTER,
    GRID,
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
    from spectra.comparison.results import Comparison
    from spectra.evaluation import Difference

__all__ = ["Measure", "difference_text", "plot_contrasts"]

Measure = Literal["bits", "spectral", "frechet"]
MEASURES: tuple[Measure, ...] = ("bits", "spectral", "frechet")
TITLES = {"spectral": "spectral distance", "frechet": "Frechet distance"}
# Ratios and their inverses: each pair is what an axis of per cent names beside zero.
PAIRS = (0.95, 0.9, 0.8, 0.67, 0.5, 0.33, 0.2, 0.1, 0.03, 0.01, 1e-3, 1e-6)


@dataclass(frozen=True)
class _Panel:
    """One measure of the first arm against all others; None where one was not drawn so."""

    measure: Measure
    title: str
    rows: "list[Difference | None]"

    def shown(self, value: float) -> float:
        """Where a value stands: per cent by their ratio, so that half and double are as far."""
        if self.measure == "bits":
            return value
        return float(np.log(max(1 + value / 100, 1e-9)))


@house_style()
def plot_contrasts(
    comparison: "Comparison",
    measures: Sequence[Measure] = MEASURES,
    *,
    layout: Layout = "wide",
) -> Figure:
    """Dot and interval of the first arm less every other one; less is better.

    One panel a measure, a row an arm. The better side is shaded, the dotted line is the margin of
    a tie, and an arrow says that an interval, or a dot, lies beyond the axis. Panels of one
    measure share their axis.

    Parameters
    ----------
    comparison
        Of at least two arms.
    measures
        Of "bits" (bits/dim), "spectral" and "frechet" (per cent, at each solver and number of
        evaluations).
    layout
        "wide" (three panels a row) or "narrow" (one).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is one arm alone, nothing to show, or no such measure.
    """
    for measure in measures:
        check_name("measure", measure, MEASURES)
    first, *others = comparison.names
    if not others:
        raise InputError(f"{first}: the only arm; give a second one to compare it with")
    rows = [row for measure in measures for row in _rows(comparison, measure, layout)]
    if not rows:
        raise InputError("measures: no samples were drawn; give at least 'bits'")
    names = [short(name, 24 if layout == "wide" else 36) for name in others]
    lines = 1 + any("\n" in name for name in names)
    # Inches a row; narrow, names stand above their rows.
    step = {"wide": 0.13 + 0.12 * lines, "narrow": 0.22 + 0.15 * lines}[layout]
    figure = new_figure(layout, 0.45 + len(rows) * (0.75 + step * len(others)))
    columns = max(len(row) for row in rows)
    grid = figure.add_gridspec(len(rows), columns)
    limits: dict[str, tuple[float, float]] = {}
    for measure in measures:
        panels = [panel for row in rows for panel in row if panel.measure == measure]
        if panels:
            limits[measure] = _limits(panels, _margin(comparison, panels[0]))
    for i, row in enumerate(rows):
        for j, panel in enumerate(row):
            # The bound is the main measure: alone in its row, and as wide as the page.
            cell = grid[i, :] if panel.measure == "bits" else grid[i, j]
            axes = figure.add_subplot(cell)
            axes.set_xlim(*limits[panel.measure])
            _draw(axes, panel, _margin(comparison, panel), names, layout)
            axes.set_yticks(range(len(others)))
            axes.set_yticklabels(names if layout == "wide" and j == 0 else [], color=INK)
            axes.set_title(panel.title)
            _label(axes, panel, f"{short(first, 30)} − other")
    note = "shaded: better; dotted: margin of a tie; arrow: goes on"
    figure.suptitle(note, x=0.01, ha="left", color=MUTED, fontsize=9.0)
    return finish(figure)


def _rows(comparison: "Comparison", measure: Measure, layout: Layout) -> Iterator[list[_Panel]]:
    """The panels of a measure, row by row of the figure."""
    first, *others = comparison.names
    if measure == "bits":
        last = comparison.run(first, comparison.seeds[0]).steps[-1]
        rows = [comparison.bits_difference(first, other) for other in others]
        yield [_Panel(measure, f"bits/dim after {last:,} steps", list(rows))]
        return
    most = 3 if layout == "wide" else 1
    for solver in dict.fromkeys(solver for solver, _ in comparison.samplers):
        panels = []
        for _, count in (found for found in comparison.samplers if found[0] == solver):
            made = [
                comparison.distance_difference(first, other, measure, count, solver)
                for other in others
            ]
            title = f"{TITLES[measure]}\n{solver_title(solver)}, {count} evaluations"
            panels.append(_Panel(measure, title, made))
        # Where the first arm itself was not drawn so there is nothing to say of it.
        panels = [panel for panel in panels if any(row is not None for row in panel.rows)]
        for start in range(0, len(panels), most):
            yield panels[start : start + most]


def _margin(comparison: "Comparison", panel: _Panel) -> float:
    """Where the margin of a tie stands."""
    bits = panel.measure == "bits"
    return panel.shown(comparison.bits_margin if bits else 100 * comparison.distance_margin)


def _limits(panels: list[_Panel], margin: float) -> tuple[float, float]:
    """Ends of an axis: all dots but those far out, and most of the intervals."""
    found = [(panel, row) for panel in panels for row in panel.rows if row is not None]
    found = [(panel, row) for panel, row in found if np.isfinite(row.mean)]
    if not found:
        return -1.0, 1.0
    dots = np.array([panel.shown(row.mean) for panel, row in found])
    ends = np.array([[panel.shown(end) for end in (row.low, row.high)] for panel, row in found])
    usual = max(float(np.median(np.abs(dots))), 2 * margin, 1e-12)
    sides = []
    for sign, end in ((-1, ends[:, 0]), (1, ends[:, 1])):
        near = dots[np.abs(dots) <= 8 * usual]
        dot = max(float((sign * near).max()), 0.0)
        interval = float(np.quantile(sign * end, 0.8, method="lower"))
        sides.append(max(dot, min(interval, 2 * max(dot, usual)), 2 * margin))
    if max(sides) == 0:
        return -1.0, 1.0
    # Neither side so narrow that nothing could be seen there.
    low, high = (1.1 * max(side, 0.25 * max(sides)) for side in sides)
    return -low, high


def _draw(axes: Axes, panel: _Panel, margin: float, names: Sequence[str], layout: Layout) -> None:
    """Zero, the margin, and a dot, an interval and a word for each arm."""
    low, high = axes.get_xlim()
    stacked = layout == "narrow"
    place = np.arange(len(panel.rows)) + (0.2 if stacked else 0.0)
    half = 0.22 if stacked else 0.6  # stacked: no line runs through the names
    axes.axvspan(low, 0, color=BETTER, alpha=0.09, lw=0)
    axes.vlines(np.zeros_like(place), place - half, place + half, color=INK, lw=1.0)
    if 0 < margin < high:
        look = {"color": MUTED, "lw": 0.9, "ls": (0, (1.5, 2))}
        axes.vlines(np.full_like(place, margin), place - half, place + half, **look)
    axes.hlines(place, low, high, color=GRID, lw=0.6, zorder=0)
    for y, row, name in zip(place, panel.rows, names, strict=True):
        text, colour, shape = _verdict(row)
        if row is not None and np.isfinite(row.mean):
            _interval(axes, y, [panel.shown(end) for end in (row.low, row.high)], colour)
            if low <= (dot := panel.shown(row.mean)) <= high:
                axes.plot(dot, y, shape, ms=6.5, mfc=colour, mec=PAPER, mew=0.9, zorder=3)
        _write(axes, y, text, colour, "verdict beside" if not stacked else "verdict above")
        if stacked:
            _write(axes, y, name, INK, "name above")
    axes.set_ylim(len(panel.rows) - 0.4, -0.8 if stacked else -0.6)
    axes.tick_params(axis="y", length=0, pad=7)
    axes.yaxis.grid(visible=False)
    axes.spines["left"].set_visible(False)


def _write(
    axes: Axes,
    y: float,
    text: str,
    colour: str,
    place: Literal["verdict beside", "verdict above", "name above"],
) -> None:
    """A word right of a row, or above it."""
    x, points, across, along, weight = {
        "verdict beside": (1, (9, 0), "left", "center", "bold"),
        "verdict above": (1, (0, 5), "right", "bottom", "bold"),
        "name above": (0, (2, 5), "left", "bottom", "normal"),
    }[place]
    axes.annotate(
        text,
        (x, y),
        points,
        axes.get_yaxis_transform(),
        "offset points",
        ha=across,
        va=along,
        weight=weight,
        color=colour,
        fontsize=8.5,
        annotation_clip=False,
    )


def _verdict(row: "Difference | None") -> tuple[str, str, str]:
    """Size and word, colour, and shape."""
    if row is None:
        return "not drawn", MUTED, ""
    if not np.isfinite(row.mean):
        return difference_text(row), MUTED, ""
    return f"{difference_text(row)}  {row.verdict}", *VERDICT_MARKS[row.verdict]


def difference_text(row: "Difference") -> str:
    """The mean with its sign: bits/dim, per cent, or how many times as far."""
    if not np.isfinite(row.mean):
        return "not finite"
    if row.unit != "%":
        size = f"{row.mean:+.3f}"
    elif row.mean >= 999.5:
        size = f"×{1 + row.mean / 100:,.0f}"
    else:
        size = f"{row.mean:+.{0 if abs(row.mean) >= 0.95 else 1}f} %"
    return size.replace("-", "−")


def _interval(axes: Axes, y: float, ends: list[float], colour: str) -> None:
    """A bar, with an arrow where it leaves the axis."""
    low, high = axes.get_xlim()
    shown = np.clip(ends, low, high)
    axes.plot(shown, [y, y], color=colour, lw=1.8, solid_capstyle="butt")
    look = {"ms": 5.5, "mfc": colour, "mec": "none", "clip_on": False, "ls": "none", "zorder": 4}
    if ends[0] < low:
        axes.plot(low, y, marker="<", **look)
    if ends[1] > high:
        axes.plot(high, y, marker=">", **look)


def _label(axes: Axes, panel: _Panel, difference: str) -> None:
    """Ticks and the unit."""
    if panel.measure == "bits":
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.set_xlabel(f"{difference} (bits/dim)")
        return
    low, high = axes.get_xlim()
    # On each side of zero the named ratio that stands nearest to 3/4 of the way out.
    left = min(PAIRS, key=lambda ratio: abs(np.log(ratio) - 0.75 * low))
    right = min(PAIRS, key=lambda ratio: abs(-np.log(ratio) - 0.75 * high))
    ticks = [np.log(left), 0.0, -np.log(right)]
    # Near zero there is no room for a second number.
    ticks = [t for t in ticks if t == 0 or (low <= t <= high and abs(t) > 0.27 * (high - low))]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(_percent))
    axes.set_xlabel(f"{difference} (%)")


def _percent(value: float, _: object) -> str:
    share = 100 * np.expm1(value)
    return f"{share:+.0f}".replace("-", "−") if abs(share) > 1e-9 else "0"
