"""Samples beside the data they should resemble, as the field of the data draws them."""

import math
from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from spectra.plots.examples import Measured, are_pictures
from spectra.plots.images import (
    TALL,
    as_images,
    block_mean,
    mosaic,
    show_picture,
    size_note,
    tile_steps,
)
from spectra.plots.labels import as_label
from spectra.plots.signals import clips_of, decibel_range, decibels_of, draw_outline
from spectra.plots.style import MUTED, Layout, finish, house_style, new_figure

__all__ = ["plot_samples_beside_data"]

GRID_PIXELS = 300_000  # of all grids of one figure together
TITLE = 30  # letters of a line above a narrow picture
LINES = 4  # series below each other


@house_style()
def plot_samples_beside_data(
    samples: Any, data: Any, of: Measured | None = None, *, layout: Layout = "wide"
) -> Figure:
    """Samples beside the data they should resemble, chosen by position, not by looks.

    Parameters
    ----------
    samples
        [N, C, H, W] or, of series, [N, C, T], with values in [-1, 1]; or a mapping from a run's
        name to such an array.
    data
        [M, C, H, W] or [M, C, T].
    of
        Source or spectrum of the data. By it log-mel pictures stand with the lowest band below
        and have the data's decibels as colours, fields the data's range. Without it all are
        pictures.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no example, or a value is not finite.
    """
    named = samples if isinstance(samples, Mapping) else {"samples": samples}
    shown, note = {**named, "data": data}, None
    if of is not None and np.ndim(data) == 3:
        return _series(shown, of, layout)
    if of is not None and not are_pictures(data, of):
        shown, note = _coloured(shown, of)
    return _pictures(shown, note, layout)


def _pictures(shown: Mapping[str, Any], note: str | None, layout: Layout) -> Figure:
    """Grids of tiles."""
    grids = {name: as_images(value) for name, value in shown.items()}
    count = min(len(images) for images in grids.values())
    wide = layout == "wide"
    tile = max(
        math.prod(images.shape[-2:]) // math.prod(tile_steps(images)) for images in grids.values()
    )
    side = min(math.isqrt(count), 6 if len(grids) < 3 else 4)
    side = min(side, max(2, math.isqrt(GRID_PIXELS // (len(grids) * tile)))) if count > 3 else side
    pictures = {name: mosaic(images[: side * side], side) for name, images in grids.items()}
    aspect = min(max(grid.shape[0] / grid.shape[1] for grid in pictures.values()), TALL)
    panel = aspect * (8.9 / min(len(grids), 3) if wide else 3.8)
    rows = math.ceil(len(grids) / 3) if wide else len(grids)
    figure = new_figure(layout, rows * (panel + 0.75))
    panels = figure.subplots(rows, math.ceil(len(grids) / rows), squeeze=False).ravel()
    for axes, (name, picture) in zip(panels, pictures.items(), strict=False):
        show_picture(axes, picture, size_note(grids[name]) if note is None else note)
        axes.set_title(as_label(name, TITLE))
    for axes in panels[len(pictures) :]:
        axes.set_axis_off()
    return finish(figure, trim=True)


def _coloured(shown: Mapping[str, Any], of: Measured) -> tuple[dict[str, np.ndarray], str]:
    """First channels as images of three colours, to one scale of the data; what they are."""
    channels, height, width = np.shape(shown["data"])[1:]
    if tuple(of.axis_units) == ("mel", "s"):
        values = {name: decibels_of(drawn)[:, None, ::-1] for name, drawn in shown.items()}
        low, high = decibel_range(values["data"])
        ends = f"{low:.0f} to {high:.0f} dB".replace("-", "\N{MINUS SIGN}")
        note = f"each {height} mel bands × {width} frames,\n{ends}"
    else:
        values = {name: as_images(drawn)[:, :1] for name, drawn in shown.items()}
        low, high = float(values["data"].min()), float(values["data"].max())
        note = f"each {height} × {width}"
        note += f", channel 1 of {channels}" if channels > 1 else ""
        note += ",\ncolours over the data's range"
    colours = mpl.colormaps[mpl.rcParams["image.cmap"]]

    def coloured(images: np.ndarray) -> np.ndarray:
        """[N, 1, H, W] -> [N, 3, h, w] in [-1, 1]."""
        level = (block_mean(images, tile_steps(images))[:, 0] - low) / max(high - low, 1e-12)
        return 2 * np.moveaxis(colours(level)[..., :3], -1, 1) - 1

    return {name: coloured(images) for name, images in values.items()}, note


def _series(shown: Mapping[str, Any], of: Measured, layout: Layout) -> Figure:
    """Columns of curves, all to the data's scale; what goes beyond it is cut off."""
    lines = {name: clips_of(drawn) for name, drawn in shown.items()}
    count = min(LINES, *map(len, lines.values()))
    columns = min(len(lines), 3) if layout == "wide" else 1
    blocks = math.ceil(len(lines) / columns)
    reach = 1.2 * float(np.abs(lines["data"][:count]).max()) or 1.0
    spacing, unit = (of.spacing or (1.0,))[0], (of.axis_units or ("sample",))[0]
    figure = new_figure(layout, 0.6 + blocks * (0.75 * count + 0.45))
    panels = figure.subplots(blocks * count, columns, sharex=True, sharey=True, squeeze=False)
    for number, (name, rows) in enumerate(lines.items()):
        block, column = divmod(number, columns)
        own = panels[block * count : (block + 1) * count, column]
        own[0].set_title(as_label(name, TITLE))
        for axes, row in zip(own, rows, strict=False):
            draw_outline(axes, row, spacing)
    panels[0, 0].set_ylim(-reach, reach)
    panels[0, 0].set_xlim(0, lines["data"].shape[-1] * spacing)
    panels[0, 0].locator_params(axis="y", nbins=3)
    panels[0, 0].locator_params(axis="x", nbins=4)
    for number in range(len(lines), blocks * columns):
        for axes in panels[-count:, number % columns]:
            axes.set_axis_off()
    for number in range(max(0, len(lines) - columns), len(lines)):
        block, column = divmod(number, columns)
        axes = panels[(block + 1) * count - 1, column]
        axes.set_xlabel("time (s)" if unit == "s" else f"position ({unit}s)")
        axes.tick_params(labelbottom=True)
    figure.supylabel("amplitude" if unit == "s" else "value", fontsize=9.5, color=MUTED)
    return finish(figure)
