"""An image under noise beside the same image low-pass filtered at f_max(t)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spectra.bases import make_basis
from spectra.errors import InputError
from spectra.frequencies import cutoff_cells, frequency_scale
from spectra.plots.images import FLAT, TALL, as_images, is_strip, mosaic_tiles, show_picture
from spectra.plots.style import Layout, finish, house_style, new_figure
from spectra.schedule import FrequencyCutoff

__all__ = ["plot_lowpass"]

SIDE, COLOUR_SIDE = 128, 96  # pixels shown, at most: noise in three colours is dear on a page
KINDS = ("low-pass at f_max", "under noise", "best estimate")
LINE, ROW = 1.3, 0.95  # inches that the longest of them takes, and the least that a row needs
BROKEN = ("low-pass\nat f_max", "under\nnoise", "best\nestimate")  # for narrow columns


@house_style()
def plot_lowpass(
    image: Any,
    cutoff: FrequencyCutoff,
    times: Sequence[float] = (0.05, 0.15, 0.3, 0.5, 0.8),
    *,
    seed: int = 0,
    layout: Layout = "wide",
) -> Figure:
    """The image without its frequencies over f_max(t), under the noise of t, and estimated from it.

    The estimate is the Wiener filter's, the best linear one: each frequency is kept by
    alpha R / (alpha^2 R + sigma^2). It is the soft form of the hard low-pass above. Both filters
    act on the image's cosine transform, which knows no jump between opposite edges. The noisy
    image is shown at the contrast of the clean one; of a large image the middle is shown, pixel
    by pixel, since noise averaged over pixels would look weaker than it is.

    Parameters
    ----------
    image
        [C, H, W] or [H, W], values in [-1, 1].
    cutoff
        What `frequency_cutoff` gave for a spectrum of images of the same scale (their size may
        differ): R(f), the process and the threshold.
    times
        In [0, 1]; best 3 to 5.
    seed
        Of the noise, which is the same one, scaled, at all times.
    layout
        "wide" (a column a time) or "narrow" (a row a time).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        It is no picture or not finite, there is no time, or the spectrum is not one of images.
    """
    at = np.array(times, dtype=float)  # [T]
    if not len(at):
        raise InputError("times: none given; name at least one time in [0, 1]")
    if np.ndim(image) not in (2, 3) or len(cutoff.spectrum.shape) != 3:
        raise InputError("image: one [C, H, W] or [H, W] and a cutoff of images are needed")
    clean = as_images(np.asarray(image)[None])[0]  # [C, H, W]
    f_max = cutoff.f_max(at)  # refuses times outside [0, 1]
    # While the last ring is above the noise, nothing says that the corners of the plane are not.
    bounds = np.where(f_max < cutoff.spectrum.frequency[-1], f_max, np.inf)
    noise = np.random.default_rng(seed).standard_normal(clean.shape)
    shown = [
        (low_passed(clean, float(bound)), *noised_and_estimated(clean, noise, cutoff, t))
        for t, bound in zip(at, bounds, strict=True)
    ]  # [T][3]
    side = SIDE if len(clean) == 1 else COLOUR_SIDE
    height, width = (min(size, side) for size in clean.shape[1:])
    aspect = float(np.clip(height / width, FLAT, TALL))
    wide = layout == "wide"
    rows, columns = (3, len(at)) if wide else (len(at), 3)
    room = max(aspect * (8.6 if wide else 3.5) / columns, ROW)  # inches a row
    figure = new_figure(layout, rows * room + 0.7)
    if not is_strip(height, width):  # its columns and rows would be too near for their titles
        figure.set_layout_engine("compressed")
    panels = np.asarray(figure.subplots(rows, columns, squeeze=False))
    cells = [f for f, _ in cutoff_cells(cutoff, at)]  # in the unit that the other figures have
    told = [f"t = {t:.9g}\nf_max = {f}" for t, f in zip(at, cells, strict=True)]
    for i, pictures in enumerate(shown):
        for j, tile in enumerate(mosaic_tiles(middle(np.stack(pictures), side))):
            show_picture(panels[j, i] if wide else panels[i, j], tile, "")
    for axes, text in zip(panels[0], told if wide else BROKEN, strict=True):
        axes.set_title(text)
    kinds = KINDS if room > LINE else BROKEN
    for axes, text in zip(panels[:, 0], kinds if wide else told, strict=True):
        axes.set_ylabel(text)
    panels[-1, 0].set_xlabel(f"f_max in {frequency_scale(cutoff.spectrum).unit}", loc="left")
    return finish(figure, trim=True)


def low_passed(image: np.ndarray, f_max: float) -> np.ndarray:
    """The image's components up to f_max (cycles/pixel), its mean always, [C, H, W]."""
    basis = make_basis("dct", image.shape)
    return basis.inverse(basis.forward(image) * (basis.frequency <= f_max))


def middle(images: np.ndarray, side: int) -> np.ndarray:
    """The middle side x side pixels at most, [..., H, W] -> [..., h, w]."""
    for axis in (-2, -1):
        size = images.shape[axis]
        start = max(0, size - side) // 2
        images = images.take(np.arange(start, start + min(size, side)), axis=axis)
    return images


def noised_and_estimated(
    clean: np.ndarray, noise: np.ndarray, cutoff: FrequencyCutoff, t: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """x_t at the contrast of x, and the Wiener estimate of x from it, [C, H, W] each."""
    alpha, sigma = float(cutoff.process.alpha(t)), float(cutoff.process.sigma(t))
    noisy = alpha * clean + sigma * noise
    basis = make_basis("dct", clean.shape)
    frequency, power = cutoff.spectrum.frequency, cutoff.spectrum.power
    log_f = np.log(np.maximum(basis.frequency, frequency[0]))
    signal = np.exp(np.interp(log_f, np.log(frequency), np.log(power)))  # [C, H, W]
    estimate = basis.inverse(basis.forward(noisy) * alpha * signal / (alpha**2 * signal + sigma**2))
    variance = float(clean.var())
    contrast = np.sqrt(variance / max(alpha**2 * variance + sigma**2, 1e-30))
    return noisy * contrast, estimate
