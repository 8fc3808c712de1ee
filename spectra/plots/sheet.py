"""Drawn examples as a file to look at: every pixel of images, curves of series."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from spectra.files import png_bytes, write_atomically
from spectra.plots.images import as_images
from spectra.plots.signals import plot_waveforms
from spectra.plots.style import save_figure

__all__ = ["pixel_sheet", "save_sheet"]


def save_sheet(drawn: np.ndarray, path: Path, view: str | None = None) -> None:
    """Write examples [N, C, *spatial] as a PNG: images as a sheet, series as curves.

    Parameters
    ----------
    drawn
        Values in [-1, 1].
    path
        Where to.
    view
        How the data were read; of "log-mel" the first band is put lowest.
    """
    if drawn.ndim == 3:
        save_figure(plot_waveforms(drawn), path)
        return
    upright = drawn[:, :, ::-1] if view == "log-mel" else drawn
    write_atomically(path, png_bytes(pixel_sheet(upright)))


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
