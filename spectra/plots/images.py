"""Pictures of examples: tiles, and grids of them."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from spectra.errors import InputError
from spectra.plots.labels import as_label
from spectra.plots.style import Layout, finish, house_style, new_figure

__all__ = [
    "FLAT",
    "TALL",
    "as_images",
    "block_mean",
    "frequency_edges",
    "is_strip",
    "mosaic",
    "mosaic_tiles",
    "plot_examples",
    "show_picture",
    "size_note",
    "tile_steps",
]

TILE = 128  # pixels a side above which a tile is averaged down: the page carries many
STRIP = 4  # one side over the other, from which on a picture to scale is hardly seen
FLAT, TALL = 0.5, 1.3  # height over width between which the room for a picture follows it


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
    show_picture(axes, picture, size_note(images))
    axes.set_anchor("W")
    if title:
        axes.set_title(as_label(title))
    return finish(figure, trim=True)


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
    images = block_mean(images, tile_steps(images))
    colour = images if images.shape[1] == 3 else np.repeat(images[:, :1], 3, axis=1)
    colour = np.clip((colour + 1) / 2, 0, 1).transpose(0, 2, 3, 1)  # [N, h, w, 3]
    return np.concatenate([colour, np.ones_like(colour[..., :1])], axis=-1)


def tile_steps(images: np.ndarray) -> tuple[int, int]:
    """How many pixels down and across become one so that an image fits a tile."""
    height, width = images.shape[-2:]
    step = math.ceil(max(height, width) / TILE)
    return min(step, height), min(step, width)  # a strip keeps one pixel of its short side


def block_mean(images: np.ndarray, steps: tuple[int, int]) -> np.ndarray:
    """Means over blocks of so many rows and columns, [..., H, W] -> [..., h, w]."""
    rows, columns = steps
    height, width = images.shape[-2] // rows, images.shape[-1] // columns
    cut = images[..., : height * rows, : width * columns]
    return cut.reshape(*images.shape[:-2], height, rows, width, columns).mean(axis=(-3, -1))


def is_strip(height: float, width: float) -> bool:
    """Whether one side is many times the other."""
    return max(height, width) > STRIP * min(height, width)


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


def size_note(images: np.ndarray) -> str:
    """How large each image is, and of which colours."""
    channels, height, width = images.shape[1:]
    kind = {1: "grey", 3: "RGB"}.get(channels, f"channel 1 of {channels}")
    return f"each {height} × {width} pixels, {kind}"


def frequency_edges(n: int, step: int) -> tuple[float, float]:
    """Outer edges of the frequencies of n points that whole blocks of `step` cover."""
    frequency = np.fft.fftshift(np.fft.fftfreq(n))[: n // step * step]
    return float(frequency[0] - 0.5 / n), float(frequency[-1] + 0.5 / n)
