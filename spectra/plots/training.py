"""Loss against step."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from spectra.errors import InputError
from spectra.plots.labels import as_label
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.style import SERIES, Layout, house_style

__all__ = ["plot_training"]

FOLD = 44  # letters of a line in the legend


@house_style()
def plot_training(
    logs: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    key: str = "loss",
    unit: str = "training loss (per component)",
    axes: Axes | None = None,
    layout: Layout = "wide",
) -> Figure:
    """Training curves: every logged value faint, a running mean over 1/20 of the run.

    Parameters
    ----------
    logs
        Run's name -> its log, records with "step" and `key`; others are passed over. Runs whose
        names agree up to the first comma ("derived, seed 0") share a colour.
    key, unit
        What to draw, and the axis label that names it with its unit.
    axes
        Where to draw; a figure of its own if not given.
    layout
        "wide" or "narrow".

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        No record of a run holds `key`.
    """
    panel = open_panel(axes, layout, 3.8 if layout == "wide" else 3.6)
    groups = list(dict.fromkeys(name.partition(",")[0] for name in logs))
    drawn: set[str] = set()
    smooth: list[np.ndarray] = []
    for name, log in logs.items():
        rows = [(row["step"], row[key]) for row in log if "step" in row and key in row]
        table = np.array([row for row in rows if np.isfinite(row[1])], float).reshape(-1, 2)
        if not len(table):
            raise InputError(f"{name}: its log has no {key!r}; train for at least one step")
        step, loss = table.T
        group = name.partition(",")[0]
        colour = SERIES[groups.index(group) % len(SERIES)]
        panel.plot(step, loss, color=colour, lw=0.6, alpha=0.25)
        smooth.append(running_mean(loss, max(1, len(loss) // 40)))
        label = "" if group in drawn else as_label(group, FOLD)
        marker = "o" if len(loss) == 1 else ""
        panel.plot(step, smooth[-1], color=colour, lw=1.5, marker=marker, label=label)
        drawn.add(group)
    if not logs:
        raise InputError("logs: empty; give the log of at least one run")
    values = np.concatenate(smooth)
    # The first steps may lie far above the rest; the curves matter, not their noise.
    if values.min() > 0 and values.max() > 4 * values.min():
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.yaxis.set_minor_locator(NullLocator())
    else:
        room = 0.25 * (values.max() - values.min()) or abs(values[0]) / 10 or 1.0
        panel.set_ylim(values.min() - room, values.max() + room)
    low, high = panel.get_xlim()
    if high - low < 1:  # a single step: there are none in between
        panel.set_xlim(low - 1, high + 1)
    panel.xaxis.set_major_locator(MaxNLocator(6 if layout == "wide" else 4, integer=True))
    panel.set_xlabel("training step")
    panel.set_ylabel(unit)
    return finish_panel(panel, axes, min(4, len(groups)) if layout == "wide" else 1)


def running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over `width` neighbours either way, as many as there are at the ends, [N] -> [N]."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    start, stop = np.maximum(index - width, 0), np.minimum(index + width + 1, len(values))
    return (total[stop] - total[start]) / (stop - start)
