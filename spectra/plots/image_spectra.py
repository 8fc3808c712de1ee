"""Images above magnitude and phase of their 2-D spectra."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from spectra.plots.images import (
    FLAT,
    TALL,
    as_images,
    block_mean,
    frequency_edges,
    is_strip,
    mosaic_tiles,
    show_picture,
    tile_steps,
)
from spectra.plots.style import Layout, finish, house_style, new_figure
from spectra.spectrum.windows import WindowName
from spectra.spectrum.windows import window as make_window

__all__ = ["phase_2d", "plot_image_spectra", "power_2d"]

PHASES = [-np.pi, 0.0, np.pi]


@house_style()
def plot_image_spectra(
    images: Any, *, window: WindowName = "hann", phase: bool = True, layout: Layout = "wide"
) -> Figure:
    """Images above magnitude and phase of their 2-D spectra, zero frequency in the middle.

    The magnitude is shown as log power, averaged over channels: twice the logarithm of |F|. The
    phase is that of the second of three channels (green), of any other number the first, and is
    counted from the middle of the image; it is drawn on a cyclic map, where -pi and pi are one
    colour. Where the picture shows fewer points than there are frequencies, power is averaged
    and of the phases every so many is drawn: the mean of angles says nothing.

    Parameters
    ----------
    images
        [N, C, H, W] or [N, H, W], values in [-1, 1]; the first four (narrow: two) are shown.
    window
        "hann" or "none". Without a window the jump at the edges draws a bright cross.
    phase
        Whether the phase is shown.
    layout
        "wide" (four columns) or "narrow" (two).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no image, a value is not finite, or the window is unknown.
    """
    images = as_images(images)[: 4 if layout == "wide" else 2]
    steps = tile_steps(images)
    n, _, height, width = images.shape
    wide = layout == "wide"
    columns = 4 if wide else 2  # a lone image keeps its column's width
    rows = 3 if phase else 2
    room = 1.8 if wide else 1.45  # inches a column
    labels = 1.3 if wide else 1.7 + 0.7 * phase  # inches
    # The planes are square, whatever the pictures above them are.
    ratios = [float(np.clip(height / width, FLAT / 2, TALL)), *[1.0] * (rows - 1)]
    figure = new_figure(layout, room * sum(ratios) + labels)
    if not is_strip(height, width):  # the planes would become as narrow as it
        figure.set_layout_engine("compressed")
    panels = np.asarray(figure.subplots(rows, columns, squeeze=False, height_ratios=ratios))
    for axes in panels[:, n:].ravel():
        axes.set_axis_off()
    for axes, tile in zip(panels[0], mosaic_tiles(images), strict=False):
        show_picture(axes, tile, "")
    # y runs downwards, as in the picture: a streak is at right angles to its edges.
    top, bottom = frequency_edges(height, steps[0])
    left, right = frequency_edges(width, steps[1])
    extent = (left, right, bottom, top)
    power = np.log10(block_mean(power_2d(images, window), steps))  # [n, h, w], decades
    low, high = np.percentile(power, [0.5, 99.9])
    shown = _planes(list(panels[1, :n]), power, extent, "magma", (low, max(high, low + 1e-3)))
    bars: list[Any] = [list(panels[1]), list(panels[-1])] if wide else [list(panels.ravel())] * 2
    bar = figure.colorbar(
        shown,
        ax=bars[0],
        location="right" if wide else "top",
        label="log₁₀ power (decades)",
        ticks=MaxNLocator(6, integer=True),
        aspect=14 if wide else 30,
        pad=0.02,
    )
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    if phase:
        angles = spread_out(phase_2d(images, window), steps)
        shown = _planes(list(panels[2, :n]), angles, extent, "twilight", (-np.pi, np.pi))
        for axes in panels[1, :n]:
            axes.tick_params(labelbottom=False)
        bar = figure.colorbar(
            shown,
            ax=bars[1],
            location="right" if wide else "bottom",
            label="phase (radians)",
            ticks=PHASES,
            aspect=14 if wide else 30,
            pad=0.02,
        )
        bar.set_ticklabels(["−π", "0", "π"])
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    panels[-1, 0].set_xlabel("horizontal frequency (cycles/pixel)", loc="left")
    for axes in panels[1:, 0]:
        axes.set_ylabel("vertical frequency\n(cycles/pixel)")
    return finish(figure, trim=True)


def power_2d(images: np.ndarray, window: WindowName) -> np.ndarray:
    """|F|^2 / (HW) of each image, averaged over channels, [N, C, H, W] -> [N, H, W].

    Zero frequency in the middle; the image's mean, which says nothing of its structure, is
    replaced by the mean of its neighbours.
    """
    height, width = images.shape[-2:]
    modes = np.fft.fft2(_tapered(images, window))  # [N, C, H, W]
    power = np.mean(np.abs(modes) ** 2, axis=1) / (height * width)  # [N, H, W]
    power[:, 0, 0] = (power[:, 0, 1 % width] + power[:, 1 % height, 0]) / 2
    # A blank image has no power at all; a tiny one keeps its logarithm finite.
    return np.fft.fftshift(np.maximum(power, 1e-20), axes=(-2, -1))


def phase_2d(images: np.ndarray, window: WindowName) -> np.ndarray:
    """Angle of F in (-pi, pi] of one channel of each image, [N, C, H, W] -> [N, H, W].

    Zero frequency in the middle. Places are counted from the image's middle, where the taper
    sits: counted from a corner, neighbouring phases of a tapered image would alternate.
    """
    channel = images[:, 1 if images.shape[1] == 3 else 0]
    modes = np.fft.fft2(np.fft.ifftshift(_tapered(channel, window), axes=(-2, -1)))
    return np.fft.fftshift(np.angle(modes), axes=(-2, -1))


def spread_out(planes: np.ndarray, steps: tuple[int, int]) -> np.ndarray:
    """One value of each block of so many rows and columns, zero frequency among them.

    [N, H, W] -> [N, h, w].
    """
    for axis, step in zip((-2, -1), steps, strict=True):
        size = planes.shape[axis]
        places = np.arange(size // step) * step + (size // 2) % step
        planes = planes.take(places, axis=axis)
    return planes


def _tapered(images: np.ndarray, window: WindowName) -> np.ndarray:
    """Images [..., H, W] without their mean, through the taper."""
    taps = make_window(window, images.shape[-2:]).taps
    centred = images - images.mean(axis=(-2, -1), keepdims=True)
    return centred if taps is None else centred * taps


def _planes(
    panels: Sequence[Axes],
    planes: np.ndarray,
    extent: tuple[float, float, float, float],
    colours: str,
    limits: tuple[float, float],
) -> AxesImage:
    """A row of planes [n, h, w] over frequency; the last one, for its colour bar."""
    shown = None
    for column, (axes, plane) in enumerate(zip(panels, planes, strict=True)):
        shown = axes.imshow(
            plane,
            extent=extent,
            origin="upper",
            cmap=colours,
            vmin=limits[0],
            vmax=limits[1],
            interpolation="none",
        )
        axes.grid(visible=False)
        ticks, labels = [-0.5, 0, 0.5], ["−0.5", "0", "0.5"]
        axes.set_xticks(ticks, labels=labels)
        axes.set_yticks(ticks, labels=labels if column == 0 else [])
        # The end labels of neighbours must not meet.
        for label, side in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=True):
            label.set_horizontalalignment(side)
    assert shown is not None
    return shown
