"""Pictures of examples: grids, and grids beside each other."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from spectra.errors import InputError
from spectra.plots.style import Layout, finish, house_style, new_figure

__all__ = [
    "TALL",
    "as_images",
    "block_mean",
    "frequency_edges",
    "mosaic",
    "mosaic_tiles",
    "pixel_sheet",
    "plot_examples",
    "plot_samples_beside_data",
    "show_picture",
    "tile_step",
]

TILE = 128  # pixels a side above which a tile is averaged down: the page carries many
GRID_PIXELS = 300_000  # of all grids of one figure together
TALL = 1.3  # height over width at which a picture stops growing


@house_style()
def plot_examples(images: Any, title: str = "", *, layout: Layout = "wide") -> Figure:
    """Grid of at most 16 examples.

    Parameters
    ----------
    images
        [N, C, H, W] or [N, H, W], values in [-1, 1]; three channels are shown as RGB,
        any other number by the first.
    title
        Line above the grid.
    layout
        "wide" (16 in two rows) or "narrow" (12 in three columns).

    Returns
    -------
    Figure
    """
    images = as_images(images)
    columns = min(len(images), 8 if layout == "wide" else 3)
    images = images[: columns * (2 if layout == "wide" else 4)]
    picture = mosaic(images, columns)  # [rows, columns, RGBA]
    aspect = min(picture.shape[0] / picture.shape[1], TALL)
    # Few examples keep the size they have in a full row.
    share = columns / (8 if layout == "wide" else 3)
    figure = new_figure(layout, 0.85 + share * aspect * (9.0 if layout == "wide" else 3.8))
    axes = figure.add_subplot()
    show_picture(axes, picture, _size_note(images))
    axes.set_anchor("W")
    if title:
        axes.set_title(title.replace("$", r"\$"))  # a name is no formula
    return finish(figure, trim=True)


@house_style()
def plot_samples_beside_data(samples: Any, data: Any, *, layout: Layout = "wide") -> Figure:
    """Grids of samples beside the data they should resemble, chosen by position, not by looks.

    Parameters
    ----------
    samples
        [N, C, H, W] with values in [-1, 1], or a mapping from a run's name to such an array.
    data
        [M, C, H, W].
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure
    """
    named = samples if isinstance(samples, Mapping) else {"samples": samples}
    grids = {name: as_images(value) for name, value in named.items()} | {"data": as_images(data)}
    count = min(len(images) for images in grids.values())
    wide = layout == "wide"
    tile = max(math.prod(images.shape[-2:]) // tile_step(images) ** 2 for images in grids.values())
    side = min(math.isqrt(count), 6 if len(grids) < 3 else 4)
    side = min(side, max(2, math.isqrt(GRID_PIXELS // (len(grids) * tile)))) if count > 3 else side
    pictures = {name: mosaic(images[: side * side], side) for name, images in grids.items()}
    aspect = min(max(grid.shape[0] / grid.shape[1] for grid in pictures.values()), TALL)
    panel = aspect * (8.9 / min(len(grids), 3) if wide else 3.8)
    rows = math.ceil(len(grids) / 3) if wide else len(grids)
    figure = new_figure(layout, rows * (panel + 0.75))
    panels = figure.subplots(rows, math.ceil(len(grids) / rows), squeeze=False).ravel()
    for axes, (name, picture) in zip(panels, pictures.items(), strict=False):
        show_picture(axes, picture, _size_note(grids[name]))
        axes.set_title(name)
    for axes in panels[len(pictures) :]:
        axes.set_axis_off()
    return finish(figure, trim=True)


def pixel_sheet(images: Any, least_width: int = 512) -> np.ndarray:
    """All images in a near-square sheet at full resolution, uint8 [h, w, 3].

    Values in [-1, 1] become 0 to 255; small images are enlarged by a whole factor, so that
    every pixel stays a square.
    """
    images = as_images(images)
    n, channels, height, width = images.shape
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    colour = images if channels == 3 else np.repeat(images[:, :1], 3, axis=1)
    grey = np.clip(np.rint((colour + 1) * 127.5), 0, 255).astype(np.uint8)
    factor = max(1, math.ceil(least_width / (columns * width)))
    grey = grey.repeat(factor, axis=2).repeat(factor, axis=3)
    height, width, gap = height * factor, width * factor, 2 * factor
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 255, np.uint8)
    for i, image in enumerate(grey):
        top, left = (i // columns) * (height + gap), (i % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image.transpose(1, 2, 0)
    return sheet


def mosaic(images: np.ndarray, columns: int, gap: float = 0.06) -> np.ndarray:
    """Tiles in rows with transparent gaps, [N, C, H, W] in [-1, 1] -> RGBA in [0, 1]."""
    tiles = mosaic_tiles(images)  # [N, h, w, 4]
    n, height, width, _ = tiles.shape
    rows, space = math.ceil(n / columns), max(1, round(gap * max(height, width)))
    canvas = np.zeros(
        (rows * (height + space) - space, columns * (width + space) - space, 4), np.float32
    )
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (height + space), (i % columns) * (width + space)
        canvas[top : top + height, left : left + width] = tile
    return canvas


def mosaic_tiles(images: np.ndarray) -> np.ndarray:
    """Images as opaque RGBA tiles no larger than TILE a side, [N, C, H, W] -> [N, h, w, 4]."""
    images = block_mean(images, tile_step(images))
    colour = images if images.shape[1] == 3 else np.repeat(images[:, :1], 3, axis=1)
    colour = np.clip((colour + 1) / 2, 0, 1).transpose(0, 2, 3, 1)  # [N, h, w, 3]
    return np.concatenate([colour, np.ones_like(colour[..., :1])], axis=-1)


def tile_step(images: np.ndarray) -> int:
    """How many pixels a side become one so that an image fits a tile."""
    return math.ceil(max(images.shape[-2:]) / TILE)


def block_mean(images: np.ndarray, step: int) -> np.ndarray:
    """Means over step x step blocks, [..., H, W] -> [..., H // step, W // step]."""
    height, width = (size // step for size in images.shape[-2:])
    cut = images[..., : height * step, : width * step]
    return cut.reshape(*images.shape[:-2], height, step, width, step).mean(axis=(-3, -1))


def as_images(images: Any) -> np.ndarray:
    """[N, C, H, W] float array of images given so, or as [N, H, W].

    Raises
    ------
    InputError
        There is no image, or the array has another rank or a value that is not finite.
    """
    array = np.asarray(images, dtype=np.float64)
    if array.ndim == 3:
        array = array[:, None]
    if array.ndim != 4 or not len(array):
        raise InputError(f"images of shape {array.shape}: a picture needs [N, C, H, W], N > 0")
    if not np.isfinite(array).all():
        raise InputError("images: some values are not finite; nothing can be drawn")
    return array


def show_picture(axes: Axes, picture: np.ndarray, note: str) -> AxesImage:
    """A picture without axes, with a line below it."""
    # Square dots, never smoothed: a sample's finest frequencies are what is being judged.
    shown = axes.imshow(picture, interpolation="none")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.set_xlabel(note, loc="left")
    return shown


def _size_note(images: np.ndarray) -> str:
    channels, height, width = images.shape[1:]
    kind = {1: "grey", 3: "RGB"}.get(channels, f"channel 1 of {channels}")
    return f"each {height} × {width} pixels, {kind}"


def frequency_edges(n: int, step: int) -> tuple[float, float]:
    """Outer edges of the frequencies of n points that whole blocks of `step` cover."""
    frequency = np.fft.fftshift(np.fft.fftfreq(n))[: n // step * step]
    return float(frequency[0] - 0.5 / n), float(frequency[-1] + 0.5 / n)
