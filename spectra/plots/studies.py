"""The same arms compared on several data sets, in one figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from spectra.errors import InputError
from spectra.plots.arms import MARKS, short
from spectra.plots.labels import solver_title
from spectra.plots.style import (
    BETTER,
    GRID,
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

if TYPE_CHECKING:  # scores need torch, a picture of them does not
    from spectra.comparison.results import Comparison
    from spectra.evaluation import Difference

__all__ = ["plot_studies"]

COLOURS = (*SERIES[1:], MUTED, INK)
FOLDS = (1 / 100, 1 / 30, 1 / 10, 1 / 3, 1, 3, 10, 30, 100)  # that an axis of ratios names
REACH = 8.0  # times the median dot: what lies beyond is an arrow


@house_style()
def plot_studies(
    comparisons: "Mapping[str, Comparison]",
    others: Sequence[str] | None = None,
    *,
    layout: Layout = "wide",
) -> Figure:
    """The first arm less others on several data sets: bits/dim, and ratios of spectral distance.

    One panel for bits/dim and one for each solver and number of evaluations that all have; in
    each a row a data set, and in it a dot with its 95 % interval for every other arm. Left of the
    line the first arm is better; arrows go on.

    Parameters
    ----------
    comparisons
        Title of a data set -> what was found there; all with the same first arm.
    others
        Names of arms; those that all have by default, at most six.
    layout
        "wide" (panels side by side) or "narrow" (one under the other).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        Nothing to draw, first arms that differ, or an arm that one of them lacks.
    """
    found = list(comparisons.values())
    if not found:
        raise InputError("comparisons: none given; give at least one data set")
    first = found[0].names[0]
    for title, one in comparisons.items():
        if one.names[0] != first:
            raise InputError(f"{title}: its first arm is {one.names[0]}, not {first}")
    shared = [name for name in found[0].names[1:] if all(name in one.names for one in found)]
    chosen = shared[: len(COLOURS)] if others is None else list(others)
    missing = [name for name in chosen if name not in shared]
    if missing or not chosen:
        raise InputError(
            f"others {', '.join(missing) or '(none)'}: not an arm of every comparison; all have "
            f"{', '.join(shared) or 'only the first'}"
        )
    if len(chosen) > len(COLOURS):
        raise InputError(f"others: {len(chosen)} arms; at most {len(COLOURS)} can be told apart")
    samplers = [s for s in found[0].samplers if all(s in one.samplers for one in found)]
    panels: list[tuple[str, int] | None] = [None, *samplers]
    wide = layout == "wide"
    row = 0.13 * len(chosen) + 0.24  # inches
    height = 0.95 + len(found) * row
    columns = min(len(panels), 4) if wide else 1
    lines = -(-len(panels) // columns)
    figure = new_figure(layout, (height if wide else height + 0.1) * lines)
    grid = figure.subplots(lines, columns, squeeze=False)
    bits, *distances = [
        np.array(
            [[_ends(_difference(one, first, other, sampler)) for other in chosen] for one in found]
        )
        for sampler in panels
    ]  # [D, A, 3] each
    together = _limits(np.array(distances)) if distances else (-1.0, 1.0)
    for axes, sampler, shown in zip(grid.ravel(), panels, [bits, *distances], strict=False):
        axes.set_xlim(*(_limits(bits) if sampler is None else together))
        _draw(axes, shown, chosen)
        _label(axes, short(first, 20), sampler)
        axes.set_yticks(range(len(found)))
        left = axes in grid[:, 0]
        axes.set_yticklabels([short(t, 16) for t in comparisons] if left else [], color=INK)
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    legend_above(figure, [grid[0, 0]], 6 if wide else 2)
    return finish(figure)


def _difference(
    one: "Comparison", first: str, other: str, sampler: tuple[str, int] | None
) -> "Difference | None":
    if sampler is None:
        return one.bits_difference(first, other)
    solver, evaluations = sampler
    return one.distance_difference(first, other, "spectral", evaluations, solver)


def _ends(one: "Difference | None") -> tuple[float, float, float]:
    """Mean, low and high where they are drawn: of ratios the logarithm."""
    if one is None:
        return np.nan, np.nan, np.nan
    if one.unit != "%":
        return one.mean, one.low, one.high
    mean, low, high = (
        float(np.log(max(1 + end / 100, 1e-9))) for end in (one.mean, one.low, one.high)
    )
    return mean, low, high


def _limits(shown: np.ndarray) -> tuple[float, float]:
    """Ends of an axis: all dots but those far out."""
    dots = shown[..., 0][np.isfinite(shown[..., 0])]
    usual = float(np.median(np.abs(dots))) if dots.size else 0.0
    if usual <= 0:
        return -1.0, 1.0
    near = dots[np.abs(dots) <= REACH * usual]
    return 1.3 * min(near.min(), -0.25 * usual), 1.3 * max(near.max(), 0.25 * usual)


def _draw(axes: Axes, shown: np.ndarray, names: Sequence[str]) -> None:
    """A dot and an interval for each data set (row) and arm, [D, A, 3]."""
    low, high = axes.get_xlim()
    axes.axvspan(low, 0, color=BETTER, alpha=0.09, lw=0)
    axes.axvline(0, color=INK, lw=1.0)
    aside = (np.arange(len(names)) - (len(names) - 1) / 2) * 0.8 / len(names)
    for k, name in enumerate(names):
        look = {"color": COLOURS[k], "lw": 1.5, "solid_capstyle": "butt"}
        mark = {"ls": "none", "mfc": COLOURS[k], "mec": PAPER, "mew": 0.6, "zorder": 3, "ms": 5.5}
        axes.plot([], [], MARKS[k], label=short(name, 24), **mark)
        for y, (mean, start, end) in zip(
            np.arange(len(shown)) + aside[k], shown[:, k], strict=True
        ):
            if np.isfinite(mean):
                axes.plot(np.clip([start, end], low, high), [y, y], **look)
                beyond = "<" if mean < low else ">" if mean > high else ""
                place = np.clip(mean, low, high)
                axes.plot(place, y, beyond or MARKS[k], clip_on=not beyond, **mark)
    for y in np.arange(len(shown) - 1) + 0.5:
        axes.axhline(y, color=GRID, lw=0.8)
    axes.set_ylim(len(shown) - 0.5, -0.5)
    axes.yaxis.grid(visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _label(axes: Axes, first: str, sampler: tuple[str, int] | None) -> None:
    """What a panel shows, and in what unit."""
    if sampler is None:
        axes.set_title("bits/dim")
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel(f"{first} − other (bits/dim)")
        return
    solver, evaluations = sampler
    axes.set_title(f"spectral distance\n{solver_title(solver)}, {evaluations} evaluations")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(FixedLocator(_folds(low, high)))
    axes.xaxis.set_major_formatter(FuncFormatter(_fold))
    axes.set_xlabel(f"{first} / other")


def _folds(low: float, high: float) -> list[float]:
    """ln of the ratios that an axis names: all, or every second where they crowd."""
    inside = [fold for fold in FOLDS if low <= np.log(fold) <= high]
    if len(inside) > 5:
        inside = [fold for fold in inside if round(np.log10(fold), 6) % 1 == 0]
    return [float(np.log(fold)) for fold in inside]


def _fold(value: float, _: object) -> str:
    """1/10, 1, 3."""
    fold = float(np.exp(value))
    return f"{fold:.0f}" if fold >= 1 - 1e-9 else f"1/{1 / fold:.0f}"
