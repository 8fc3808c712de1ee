"""Slices through the plane of an image's spectrum, and how their mean becomes the RAPSD."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.plots.animation import INTERVAL_MS, Moving
from spectra.plots.curves import decibel
from spectra.plots.images import as_images, block_mean, frequency_edges, tile_steps
from spectra.plots.style import (
    DATA,
    DERIVED,
    INK,
    NOISY,
    STANDARD,
    Layout,
    finish,
    frequency_axis,
    house_style,
    legend_above,
    new_figure,
    picture_bar,
    power_axis,
)
from spectra.spectrum import rapsd
from spectra.spectrum.edges import periodic_component
from spectra.spectrum.rings import whole_plane
from spectra.spectrum.windows import WindowName
from spectra.spectrum.windows import window as make_window

__all__ = ["animate_slices", "plot_slices", "slice_power"]

TURN = tuple(range(0, 180, 5))  # degrees; the other half of the plane holds the same numbers
STYLES = ((DATA, "-"), (DERIVED, "--"), (NOISY, "-."), (STANDARD, ":"))
EDGE = [patheffects.withStroke(linewidth=3.4, foreground="#ffffff")]


@house_style()
def plot_slices(
    image: Any,
    angles: Sequence[float] = (0, 45, 90, 135),
    *,
    window: WindowName = "hann",
    layout: Layout = "wide",
) -> Figure:
    """The image's 2-D spectrum, and the power along a few straight lines through its middle.

    Every slice is the spectrum of what varies in one direction; each is rough, and above or below
    the mean of its ring according to the edges in the image.

    Parameters
    ----------
    image
        [H, W] or [C, H, W]; power is averaged over channels.
    angles
        Of the slices, at most four: degrees from the horizontal frequency axis towards the
        vertical one, which runs downwards as in the picture.
    window
        "hann", "none" or "periodic", as of `spectra.rapsd`.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        The array is no image, a value is not finite, the window is unknown, or there are no or
        more than four angles.
    """
    if not 0 < len(angles) <= len(STYLES):
        raise InputError(f"angles: {len(angles)} given; 1 to {len(STYLES)} can be told apart")
    plane, power, ring, frequency = _measured(image, angles, window)
    figure, left, right = _panels(plane, layout)
    for angle, row, (colour, line) in zip(angles, power, STYLES, strict=False):
        _line_across(left, angle, colour)
        right.plot(frequency, row, color=colour, ls=line, lw=1.4, label=f"slice at {angle:g}°")
    right.plot(frequency, ring, color=INK, lw=2.2, label="RAPSD, the mean over all directions")
    left.set_title("spectrum and slices")
    right.set_title("power along the slices")
    return _laid_out(figure, right, frequency, layout)


@house_style()
def animate_slices(
    image: Any,
    angles: Sequence[float] = TURN,
    *,
    window: WindowName = "hann",
    layout: Layout = "wide",
) -> FuncAnimation:
    """A slice turns over the image's 2-D spectrum; the mean of all so far becomes the RAPSD.

    Each frame shows the line on the spectrum, the power along it, the mean of the slices seen,
    and the RAPSD of `spectra.rapsd`, with the distance of the two in dB. The points of a slice
    lie at the RAPSD's frequencies; between the modes of the FFT, power (not its logarithm) is
    interpolated linearly along both axes, and the zero frequency, which is no part of the RAPSD,
    counts as the mean of its neighbours. The mean therefore comes close to the RAPSD, and not
    onto it: a slice looks at points of one radius, the RAPSD at all modes of a ring.

    Parameters
    ----------
    image
        [H, W] or [C, H, W]; power is averaged over channels.
    angles
        One frame each: degrees from the horizontal frequency axis towards the vertical one, which
        runs downwards as in the picture. By default half a turn in steps of 5.
    window
        "hann", "none" or "periodic", as of `spectra.rapsd`.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    FuncAnimation
        For `save_animation` and `inline_animation`; `plot_slices` is its still.

    Raises
    ------
    InputError
        The array is no image, a value is not finite, the window is unknown, or there is no angle.
    """
    if not len(angles):
        raise InputError("angles: none given; half a turn is range(0, 180, 5)")
    plane, power, ring, frequency = _measured(image, angles, window)
    means = np.cumsum(power, axis=0) / np.arange(1, len(power) + 1)[:, None]
    figure, left, right = _panels(plane, layout)
    line = _line_across(left, angles[0], "#111417")
    (one,) = right.plot(frequency, power[0], color=DATA, lw=1.1, label="this slice")
    (mean,) = right.plot(
        frequency, means[0], color=NOISY, lw=2.6, label="mean of the slices so far"
    )
    right.plot(frequency, ring, color=INK, lw=1.6, ls="--", label="RAPSD")
    low, high = np.percentile(power[power > 0], [0.2, 100])
    right.set_ylim(low, 2 * high)
    said, told = left.set_title("slice at 180°"), right.set_title("mean of 1 slice")
    _laid_out(figure, right, frequency, layout)

    def draw(frame: int) -> list[Artist]:
        line.set_data(*_ends(angles[frame]))
        one.set_ydata(power[frame])
        mean.set_ydata(means[frame])
        held = (ring > 0) & (means[frame] > 0)
        off = decibel(np.log(means[frame][held] / ring[held]))
        away = float(np.sqrt(np.mean(off**2)))
        said.set_text(f"slice at {angles[frame]:g}°")
        count = f"{frame + 1} slice{'s' if frame else ''}"
        told.set_text(f"mean of {count}: {away:.1f} dB from the RAPSD")
        return [line, one, mean, said, told]

    draw(0)
    return Moving(figure, draw, frames=len(angles), interval=INTERVAL_MS, cache_frame_data=False)


def slice_power(plane: np.ndarray, frequency: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """Power along lines through the zero frequency, interpolated linearly along both axes.

    Parameters
    ----------
    plane : [H, W]
        Power of each mode, in the order of ``numpy.fft.fft2``.
    frequency : [F]
        Where on each line, cycles/pixel, up to 0.5.
    angles : [A]
        Degrees from axis 1 towards axis 0.

    Returns
    -------
    [A, F]
    """
    height, width = plane.shape
    turned = np.deg2rad(np.asarray(angles, dtype=float))[:, None]
    y, x = frequency * np.sin(turned) * height, frequency * np.cos(turned) * width  # [A, F]
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    down, right = y - top, x - left

    def at(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        return plane[row % height, column % width]

    upper = (1 - right) * at(top, left) + right * at(top, left + 1)
    lower = (1 - right) * at(top + 1, left) + right * at(top + 1, left + 1)
    return (1 - down) * upper + down * lower


def mode_power(image: np.ndarray, window: WindowName) -> np.ndarray:
    """Mean over channels of each mode's power, as `rapsd` has it, [C, H, W] -> [H, W]."""
    height, width = image.shape[-2:]
    taper = make_window(window, (height, width))
    centred = image - image.mean(axis=(-2, -1), keepdims=True)
    if window == "periodic":
        centred = periodic_component(centred)
    if taper.taps is not None:
        centred = centred * taper.taps
    half = np.mean(np.abs(np.fft.rfft2(centred)) ** 2, axis=0) / (height * width)
    plane = whole_plane(half if taper.gain is None else half * taper.gain, width)
    plane[0, 0] = (plane[0, 1] + plane[1, 0]) / 2
    return plane


def _measured(
    image: Any, angles: Sequence[float], window: WindowName
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Plane [H, W], slices [A, F], RAPSD and frequency [F] each, of the mean over channels."""
    array = np.asarray(image)
    if array.ndim not in (2, 3):
        raise InputError(f"image of shape {array.shape}: one of [H, W] or [C, H, W] is needed")
    if array.ndim == 3 and array.shape[2] in (3, 4) and len(array) > 4:
        raise InputError(
            f"image of shape {array.shape}: channels come first; give image.transpose(2, 0, 1)"
        )
    channels = as_images(array[None])[0]
    rings, frequency = rapsd(channels, window=window)
    ring = rings.mean(axis=0)
    if not (ring > 0).any():
        raise InputError("image: all its values are equal, so that it has no spectrum to slice")
    plane = mode_power(channels, window)
    return plane, slice_power(plane, frequency, np.asarray(angles)), ring, frequency


def _panels(plane: np.ndarray, layout: Layout) -> tuple[Figure, Axes, Axes]:
    """The spectrum, zero frequency in the middle, and an empty panel."""
    height, width = plane.shape
    if layout == "wide":
        figure = new_figure(layout, 4.3)
        left, right = figure.subplots(1, 2, width_ratios=[1, 1.25])
    else:
        figure = new_figure(layout, 7.3)
        left, right = figure.subplots(2, 1, height_ratios=[2.9, 2.6])
    steps = tile_steps(plane)
    picture = np.log10(np.maximum(block_mean(np.fft.fftshift(plane), steps), 1e-20))
    low, high = np.percentile(picture, [0.5, 99.95])
    (y0, y1), (x0, x1) = frequency_edges(height, steps[0]), frequency_edges(width, steps[1])
    shown = left.imshow(
        picture,
        extent=(x0, x1, y1, y0),  # y runs downwards, as in the picture
        origin="upper",
        vmin=low,
        vmax=max(high, low + 1e-3),
        interpolation="none",
    )
    left.set(xlim=(x0, x1), ylim=(y1, y0))
    left.set_autoscale_on(False)  # the lines end at 0.5, and so does the picture
    left.grid(visible=False)
    left.set_xlabel("horizontal frequency (cycles/pixel)")
    left.set_ylabel("vertical frequency (cycles/pixel)")
    left.locator_params(nbins=5)
    picture_bar(left, shown, "log₁₀ power (decades)")
    return figure, left, right


def _ends(angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Both ends of a slice, x and y in cycles/pixel."""
    turned, ends = np.deg2rad(angle), np.array([-0.5, 0.5])
    return np.cos(turned) * ends, np.sin(turned) * ends


def _line_across(axes: Axes, angle: float, colour: str) -> Any:
    """The slice's line, edged in white, as the spectrum under it is dark or light."""
    (line,) = axes.plot(*_ends(angle), color=colour, lw=1.6, path_effects=EDGE)
    return line


def _laid_out(figure: Figure, right: Axes, frequency: np.ndarray, layout: Layout) -> Figure:
    power_axis(right)
    frequency_axis(right, frequency, "frequency (cycles/pixel)", most=5)
    legend_above(figure, [right], 3 if layout == "wide" else 1)
    return finish(figure)
