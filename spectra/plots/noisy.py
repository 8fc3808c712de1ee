"""Spectra of images, of noise and of their sum, all three drawn and measured."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.plots.images import as_images
from spectra.plots.panel import close_grid
from spectra.plots.spectrum import POWER
from spectra.plots.style import (
    DATA,
    INK,
    NOISE,
    NOISY,
    Layout,
    finish,
    frequency_axis,
    house_style,
    legend_above,
    new_figure,
)
from spectra.schedule import ScalarProcess
from spectra.spectrum import rapsd
from spectra.spectrum.spectrum import Average
from spectra.spectrum.windows import WindowName

__all__ = ["plot_noisy_spectra"]


@house_style()
def plot_noisy_spectra(
    images: Any,
    process: ScalarProcess,
    times: Sequence[float],
    *,
    average: Average = "log",
    window: WindowName = "hann",
    seed: int = 0,
    layout: Layout = "wide",
) -> Figure:
    """Spectra of images, of noise and of noisy images: noise is drawn, added, and measured.

    `plot_hinge` shows what to expect; this shows what one draw gives. In expectation the powers
    of image and noise add, which is dotted: a draw differs by the product of their modes, which
    is zero only on average, least where a ring has few modes. The title says by how much, in dB
    (rms over the rings).

    Parameters
    ----------
    images
        [N, C, H, W] or [N, H, W]; one alone or many.
    process
        Scalar process with alpha(t) and sigma(t).
    times
        One panel each, in [0, 1]; best 2 to 4. The same noise is scaled for all of them.
    average
        Over images: "log" is the post's mean of logs, "arithmetic" the mean power.
    window
        "hann", "none" or "periodic".
    seed
        Of the noise.
    layout
        "wide" (two or three columns) or "narrow" (one).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no image, all are blank, there is no time, or a value is not finite.
    """
    images, at = as_images(images), np.array(times, dtype=float)  # [N, C, H, W], [T]
    if not len(at):
        raise InputError("times: none given; name at least one time in [0, 1]")
    if not ((at >= 0) & (at <= 1)).all():
        raise InputError("times: they lie in [0, 1]; 0 is data and 1 is noise")
    noise = np.random.default_rng(seed).standard_normal(images.shape)
    columns = 1 if layout == "narrow" else len(at) if len(at) < 4 else 2
    rows = -(-len(at) // columns)
    figure = new_figure(layout, 0.9 + rows * (2.25 if layout == "wide" else 1.9))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    (clean, frequency), (drawn, _) = (rapsd(part, window=window) for part in (images, noise))
    if not clean.any():
        raise InputError("images: all of them are blank; they have no spectrum")
    for axes, t in zip(panels.ravel(), at, strict=False):
        alpha, sigma = float(process.alpha(t)), float(process.sigma(t))
        noisy = _mean(rapsd(alpha * images + sigma * noise, window=window)[0], average)
        expected = _mean(alpha**2 * clean + sigma**2, average)
        for power, colour, wide, label in (
            (_mean(sigma**2 * drawn, average), NOISE, 1.5, "noise, drawn"),
            (_mean(alpha**2 * clean, average), DATA, 1.5, "images"),
            (noisy, NOISY, 2.2, "images + noise, measured"),
        ):
            # A blank image, or no noise at all, has no place on a logarithmic axis.
            shown = np.where(power > 0, power, np.nan)
            axes.plot(frequency, shown, color=colour, lw=wide, label=label)
        axes.plot(frequency, expected, color=INK, lw=1.2, ls=":", label="sum of powers, expected")
        known = (expected > 0) & (noisy > 0)
        off = 10 * np.log10(noisy[known] / expected[known])
        axes.set_title(f"t = {t:g}: {np.sqrt(np.mean(off**2)):.2f} dB off the sum")
        axes.set_yscale("log")
        frequency_axis(axes, frequency, most=4 if columns == 3 else 6)
    close_grid(panels, len(at), "frequency (cycles/pixel)")
    for axes in panels[:, 0]:
        axes.set_ylabel("power" if layout == "narrow" else POWER)
    legend_above(figure, list(panels.ravel()), 4 if layout == "wide" else 1)
    return finish(figure)


def _mean(power: np.ndarray, average: Average) -> np.ndarray:
    """Average over images and channels, [N, C, F] -> [F]; 0 where a ring has no power."""
    if average == "arithmetic":
        return power.mean(axis=(0, 1))
    with np.errstate(divide="ignore"):
        return np.exp(np.log(power).mean(axis=(0, 1)))
