"""How the arms of a comparison look, and their bits/dim along the training."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from spectra.errors import InputError
from spectra.plots.labels import as_label
from spectra.plots.style import (
    BROWN,
    DATA,
    DERIVED,
    FIT,
    INK,
    MUTED,
    NOISE,
    NOISY,
    OLIVE,
    PAPER,
    STANDARD,
    Layout,
    finish,
    house_style,
    legend_above,
    new_figure,
)

if TYPE_CHECKING:  # scores need torch, a picture of them does not
    from spectra.comparison.results import Comparison

__all__ = ["look_of", "plot_bits_along_training", "short"]

# No two arms share both their colour and their mark, up to 72 of them.
COLOURS = (DERIVED, STANDARD, NOISY, DATA, OLIVE, BROWN, NOISE, FIT)
MARKS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.2, 1.4)), (0, (6, 1.5, 1.2, 1.5)))
_Curve = tuple[np.ndarray, np.ndarray, np.ndarray]  # steps [K], mean [K], seeds [S, K]
LINE = 0.165  # inches a line of a label takes


@house_style()
def plot_bits_along_training(comparison: "Comparison", *, layout: Layout = "wide") -> Figure:
    """Bits/dim on held-out files against the training step.

    Thick: the mean over seeds of an arm; thin: its seeds. Dashed: the Wiener filter, which needs
    no training (a band where it differs between arms). The axis ends where the end of the
    training can be read: what lies above it is cut.

    Parameters
    ----------
    comparison
    layout
        "wide" or "narrow".

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        No bound is finite.
    """
    wide = layout == "wide"
    curves = {name: _along(comparison, name) for name in comparison.names}
    wiener = np.array([run.gaussian for run in comparison.runs])
    wiener = wiener[np.isfinite(wiener)]
    bottom, top = _readable(curves, wiener, comparison.bits_margin)
    labels = [_Label(short(name), _last(curves[name][1])) for name in curves]
    if len(wiener):
        labels.append(_Label("Wiener filter", float(np.median(wiener)), dashed=True))
    tall = 4.3 if wide else 3.6
    fits = sum(label.lines for label in labels) * LINE < tall - 1.0
    direct = wide and fits
    rows = 0 if direct else -(-len(labels) // (3 if wide else 1))
    figure = new_figure(layout, tall + 0.2 * rows)
    axes = figure.subplots()
    for k, (name, (steps, mean, seeds)) in enumerate(curves.items()):
        for seed in seeds:
            axes.plot(steps, seed, color=_colour(k), lw=0.7, alpha=0.4)
        axes.plot(steps, mean, label=short(name, 40), **look_of(k))
    if len(wiener):
        axes.axhspan(wiener.min(), wiener.max(), color=MUTED, alpha=0.12, lw=0)
        axes.axhline(labels[-1].at, color=INK, lw=1.1, ls=(0, (4, 3)), label="Wiener filter")
    _step_axis(axes, list(curves.values()), top, 1.4 if wide else 1.9)
    axes.set_ylim(bottom, top)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.set_xlabel("training step")
    axes.set_ylabel("bits/dim on held-out files")
    if direct:
        _label_ends(axes, labels, tall - 0.85)
    else:
        legend_above(figure, [axes], 3 if wide else 1)
    return finish(figure)


def _along(comparison: "Comparison", name: str) -> _Curve:
    """Steps [K], mean over seeds [K], and seeds [S, K], of the bits/dim that are finite."""
    runs = [comparison.run(name, seed) for seed in comparison.seeds]
    common = sorted(set.intersection(*(set(run.steps) for run in runs)))
    steps = np.array([step for step in common if step > 0], float)  # 0 is on no logarithmic axis
    table = [dict(zip(run.steps, run.bits, strict=True)) for run in runs]
    seeds = np.array([[row[int(step)] for step in steps] for row in table], float)
    seeds = np.where(np.isfinite(seeds), seeds, np.nan)
    return steps, seeds.mean(axis=0), seeds


def _readable(
    curves: Mapping[str, _Curve],
    wiener: np.ndarray,
    margin: float,
) -> tuple[float, float]:
    """Ends of the axis of bits/dim: from the lowest bound to what the last third began with."""
    late = [mean[steps >= steps[-1] / 3] for steps, mean, _ in curves.values() if len(steps)]
    last = np.array([_last(mean) for _, mean, _ in curves.values()])
    last = last[np.isfinite(last)]
    if not len(last):
        raise InputError("comparison: no bound is finite; train again with a lower rate")
    every = np.concatenate([seeds.ravel() for *_, seeds in curves.values()])
    low = float(np.nanmin(every))
    usual = max(float(np.median(last)) - low, 4 * margin, 1e-6)
    high = min(float(np.nanmax(np.concatenate(late))), low + 5 * usual)
    if len(wiener) and low - 3 * usual < np.median(wiener) < low + 5 * usual:
        low, high = min(low, float(np.median(wiener))), max(high, float(np.median(wiener)))
    room = 0.08 * (high - low) or margin or 1.0
    return low - room, high + room


def _last(mean: np.ndarray) -> float:
    return float(mean[-1]) if len(mean) else np.nan


@dataclass(frozen=True)
class _Label:
    """What is written at the end of a line that ends at a value."""

    text: str
    at: float
    dashed: bool = False

    @property
    def lines(self) -> int:
        return self.text.count("\n") + 1


def _label_ends(axes: Axes, labels: Sequence[_Label], inches: float) -> None:
    """Names right of the lines' ends, moved apart where they would meet."""
    bottom, top = axes.get_ylim()
    # What is not finite has come to nothing, far above.
    wanted = np.array([np.nan_to_num(label.at, nan=np.inf) for label in labels])
    wanted = (wanted - bottom) / (top - bottom)
    heights = np.array([(label.lines * LINE + 0.02) / inches for label in labels])
    places = spread(wanted, heights)
    for k, (label, end, place) in enumerate(zip(labels, wanted, places, strict=True)):
        colour = INK if label.dashed else _colour(k)
        beyond = "↑" if end > 1 else "↓" if end < 0 else ""
        value = f"{label.at:.2f}" if np.isfinite(label.at) else "not finite"
        text = f"{label.text}  {beyond} {value}" if beyond else label.text
        look = {"transform": axes.transAxes, "clip_on": False, "color": colour}
        axes.plot([1.005, 1.03], [np.clip(end, 0, 1), place], lw=0.8, **look)
        axes.text(1.037, place, text, va="center", fontsize=9.0, **look)


def spread(wanted: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Places nearest (in squares) to the wanted ones, within [0, 1], where nothing overlaps.

    Labels of these heights in the order of `wanted`; all may be a little outside where they do
    not fit.
    """
    order = np.argsort(wanted, kind="stable")
    half = heights[order] / 2
    # Less the room below it, each place may not fall: isotonic regression, pooling neighbours.
    below = np.concatenate([[0.0], np.cumsum(half[:-1] + half[1:])])
    pools: list[list[float]] = []
    for target in wanted[order].clip(0, 1) - below:
        pools.append([float(target)])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    free = np.concatenate([[np.mean(pool)] * len(pool) for pool in pools]) if pools else below[:0]
    found = np.empty_like(wanted)
    found[order] = np.minimum(free, 1 - below[-1]).clip(0) + below if len(wanted) else free
    return found


def _step_axis(axes: Axes, curves: Sequence[_Curve], top: float, apart: float) -> None:
    """Logarithmic from where the first curve comes into sight, with scored steps for ticks."""
    steps = np.unique(np.concatenate([steps for steps, _, _ in curves]))
    seen = []
    for own, mean, _ in curves:
        inside = np.flatnonzero(mean <= top)
        seen += [float(own[max(int(inside[0]) - 1, 0)])] if len(inside) else []
    low, high = min(seen, default=float(steps[0])), float(steps[-1])
    axes.set_xscale("log")
    axes.set_xlim((low, high) if low < high else (high / 2, high * 2))
    ticks = [high]
    for step in steps[steps >= low][::-1]:
        if ticks[-1] >= apart * step:
            ticks.append(float(step))
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _colour(k: int) -> str:
    return COLOURS[k % len(COLOURS)]


def look_of(k: int) -> dict[str, Any]:
    """Line and mark of the k-th arm; the first stands out."""
    return {
        "color": _colour(k),
        "lw": 2.4 if k == 0 else 1.4,
        "ls": DASHES[k % len(DASHES)],
        "marker": MARKS[k % len(MARKS)],
        "ms": 6.0 if k == 0 else 4.8,
        "mec": PAPER,
        "mew": 0.7,
        "zorder": 3 if k == 0 else 2,
    }


def short(name: str, width: int = 24) -> str:
    """A name on at most two lines of about so many characters."""
    for wider in (width, width + 3, width + 6):
        lines = textwrap.wrap(name, wider)
        if len(lines) < 3:
            break
    return as_label("\n".join(lines) if len(lines) < 3 else f"{lines[0]}\n{lines[1][:-1]}…")
