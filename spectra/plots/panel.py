"""A figure of one panel, on axes that the caller gives or of its own; a grid of like panels."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.plots.style import Layout, finish, legend_above, new_figure

__all__ = ["close_grid", "finish_panel", "open_panel"]


def open_panel(axes: Axes | None, layout: Layout, height: float) -> Axes:
    """The axes given, or those of a new figure of the page's width, `height` inches tall."""
    return new_figure(layout, height).subplots() if axes is None else axes


def finish_panel(panel: Axes, given: Axes | None, columns: int) -> Figure:
    """The panel's figure, laid out if it is ours: legend above it, or inside given axes."""
    figure = panel.get_figure(root=True)
    assert figure is not None
    if given is None:
        legend_above(figure, [panel], columns)
        return finish(figure)
    panel.legend(loc="best")
    return figure


def close_grid(panels: np.ndarray, count: int, label: str) -> None:
    """Take off what lies beyond the first `count` panels; name x under the last of each column."""
    columns = panels.shape[1]
    for axes in panels.ravel()[count:]:
        axes.set_axis_off()
    for column in range(columns):
        last = panels[(count - 1 - column) // columns, column]
        last.set_xlabel(label)
        last.tick_params(labelbottom=True)
