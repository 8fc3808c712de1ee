"""Examples of measured fields, in their own range, with a colour bar."""

import math
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spectra.plots.images import FLAT, TALL, as_images, block_mean, is_strip, tile_steps
from spectra.plots.style import Layout, finish, house_style, in_thousands, new_figure

__all__ = ["plot_fields"]


@house_style()
def plot_fields(
    fields: Any,
    spacing: tuple[float, float] = (1.0, 1.0),
    units: tuple[str, str] = ("pixel", "pixel"),
    *,
    layout: Layout = "wide",
) -> Figure:
    """At most 8 fields to one scale of colour, whose ends are the least and the largest value.

    Parameters
    ----------
    fields
        [N, C, H, W] or [N, H, W] in any range; the first channel is drawn.
    spacing, units
        Distance of neighbouring values along y and x, and in what.
    layout
        "wide" (four columns) or "narrow" (two).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no field, or a value is not finite.
    """
    values = as_images(fields)
    channels, height, width = values.shape[1:]
    wide = layout == "wide"
    columns = min(len(values), 4 if wide else 2)
    values = values[: 2 * columns, :1]
    rows = math.ceil(len(values) / columns)
    steps = tile_steps(values)
    pictures = block_mean(values, steps)[:, 0]
    down, across = (size // step * step for size, step in zip((height, width), steps, strict=True))
    extent = (0.0, across * spacing[1], down * spacing[0], 0.0)
    to_scale = units[0] == units[1] and not is_strip(extent[2], extent[1])
    aspect = float(np.clip(extent[2] / extent[1], FLAT, TALL)) if units[0] == units[1] else 1.0
    room = (1.75 if wide else 1.4) * 4 / max(columns, 2) / (1 if wide else 2)
    figure = new_figure(layout, rows * room * aspect + (1.0 if wide else 1.6))
    figure.set_layout_engine("compressed")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    low, high = float(pictures.min()), float(pictures.max())
    plural = [f"{unit}s" if unit in ("pixel", "sample", "unit") else unit for unit in units]
    parts = [in_thousands(end, unit) for end, unit in zip(extent[2:0:-1], plural, strict=True)]
    extent = (0.0, extent[1] / parts[1][0], extent[2] / parts[0][0], 0.0)
    shown = None
    for axes, picture in zip(panels.ravel(), pictures, strict=False):
        shown = axes.imshow(
            picture,
            extent=extent,
            aspect="equal" if to_scale else "auto",
            vmin=low,
            vmax=max(high, low + 1e-12),
            interpolation="none",
        )
        axes.grid(visible=False)
        axes.locator_params(nbins=3)
    for axes in panels.ravel()[len(pictures) :]:
        axes.set_axis_off()
    last = panels[(len(pictures) - 1) // columns, 0]
    last.set_xlabel(parts[1][1], loc="left")
    last.set_ylabel(parts[0][1])
    bar = figure.colorbar(
        shown,  # pyright: ignore[reportArgumentType]
        ax=list(panels.ravel()),
        location="right" if wide else "top",
        label="value" + (f", channel 1 of {channels}" if channels > 1 else ""),
        ticks=None if wide else MaxNLocator(4),  # side by side, and their labels may be long
        aspect=28,
        pad=0.02,
    )
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return finish(figure, trim=True)
