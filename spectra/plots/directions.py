"""The mean spectrum by direction: the plane itself, its two axes, and sectors of angle."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.frequencies import frequency_scale
from spectra.plots.curves import decibel
from spectra.plots.images import FLAT, TALL, block_mean, frequency_edges, tile_steps
from spectra.plots.style import (
    DATA,
    DERIVED,
    MUTED,
    NOISY,
    STANDARD,
    Layout,
    finish,
    frequency_axis,
    house_style,
    in_thousands,
    new_figure,
    panel_legend,
    picture_bar,
    power_axis,
)
from spectra.spectrum import Spectrum
from spectra.spectrum.directions import AxisSpectrum, axis_spectrum, sector_spectra

__all__ = [
    "axis_names",
    "is_spectrogram",
    "plot_directions",
    "sector_names",
    "sectors_over_mean",
    "shares_axes",
]

# Crests stand across the direction of variation. Pictures have y downwards, spectrograms upwards.
PICTURE_SECTORS = tuple(
    f"{angle}°, edges\N{NO-BREAK SPACE}{sign}"
    for angle, sign in zip((0, 45, 90, 135), "|/—\\", strict=True)
)
SOUND_SECTORS = ("0°, onsets", "45°, falling", "90°, tones", "135°, rising")
STYLES = ((DATA, "-"), (DERIVED, "--"), (NOISY, "-."), (STANDARD, ":"))


def shares_axes(spectrum: Spectrum) -> bool:
    """Whether both axes are of one unit and spacing, so that frequencies have a direction."""
    return len(set(spectrum.axis_units)) <= 1 and len(set(spectrum.spacing)) <= 1


def is_spectrogram(spectrum: Spectrum) -> bool:
    """Whether examples are mel bands over time."""
    return spectrum.axis_units == ("mel", "s")


def sector_names(spectrum: Spectrum) -> tuple[str, ...]:
    """What varies in each of four sectors, [4]."""
    return SOUND_SECTORS if is_spectrogram(spectrum) else PICTURE_SECTORS


def axis_names(spectrum: Spectrum) -> tuple[str, str]:
    """What the frequencies along axis 0 and along axis 1 are called."""
    if is_spectrogram(spectrum):
        return "quefrency", "modulation frequency"
    return "vertical frequency", "horizontal frequency"


@house_style()
def plot_directions(spectrum: Spectrum, *, layout: Layout = "wide") -> Figure:
    """The 2-D mean spectrum, power in four sectors over the ring's mean, and along each axis.

    Parameters
    ----------
    spectrum
        Of images, fields or spectrograms.
    layout
        "wide" or "narrow".

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        The examples are series.
    """
    down, across = axis_spectrum(spectrum, 0), axis_spectrum(spectrum, 1)
    shared = shares_axes(spectrum)
    height, width = spectrum.shape[-2:]
    aspect = min(max(height / width, FLAT), TALL) if shared else 0.85
    below = ["axes", "axes"] if shared else ["across", "down"]
    rows: list[Any]
    if layout == "wide":
        figure = new_figure(layout, 4.4 * aspect + 3.2)
        rows, ratios = [["plane", "sectors"], below], [4.2 * aspect, 2.2]
    else:
        columns = ["plane", "sectors", *dict.fromkeys(below)]
        rows = [[name] for name in columns]
        ratios = [3.0 * aspect, *[2.0] * (len(columns) - 1)]
        figure = new_figure(layout, sum(ratios) + 1.7 + 0.5 * len(columns))
    panels = figure.subplot_mosaic(rows, height_ratios=ratios)
    _plane(panels["plane"], spectrum, down, across, shared)
    _sectors(panels["sectors"], spectrum)
    names = axis_names(spectrum)
    if shared:
        axes = panels["axes"]
        _along(axes, across, DATA, "-", "along x (horizontal)")
        _along(axes, down, NOISY, "-.", "along y (vertical)")
        power_axis(axes)
        panel_legend(axes, "along each axis", 2)
        both = np.concatenate([across.physical_frequency, down.physical_frequency])
        label, most = f"frequency along the axis ({down.unit})", 6 if layout == "wide" else 4
        frequency_axis(axes, both, label, unit=down.unit, most=most)
    else:
        for key, one, name in (("across", across, names[1]), ("down", down, names[0])):
            _along(panels[key], one, DATA, "-", "")
            label = f"{name} ({one.unit})"
            frequency_axis(panels[key], one.physical_frequency, label, unit=one.unit, most=5)
            power_axis(panels[key])
    return finish(figure)


def _plane(
    axes: Axes, spectrum: Spectrum, down: AxisSpectrum, across: AxisSpectrum, shared: bool
) -> None:
    """log10 of the mean |F|^2 / (H W), zero frequency in the middle."""
    assert spectrum.mean_power_2d is not None
    power = spectrum.mean_power_2d.copy()
    # The mean of an example says nothing of its structure, and would outshine the rest.
    power[0, 0] = (power[0, 1] + power[1, 0]) / 2
    power = np.fft.fftshift(power)
    steps = tile_steps(power)
    picture = np.log10(np.maximum(block_mean(power, steps), 1e-20))
    height, width = power.shape
    edges, labels = [], []
    sides = ((across, width, steps[1]), (down, height, steps[0]))
    for name, (one, size, step) in zip(axis_names(spectrum)[::-1], sides, strict=True):
        factor = float(one.physical_frequency[-1] / one.frequency[-1])
        part, unit = in_thousands(0.5 * factor, one.unit)
        edges += [edge * factor / part for edge in frequency_edges(size, step)]
        labels.append(f"{name} ({unit})")
    low, high = np.percentile(picture, [0.5, 99.95])
    left, right, first, last = edges
    # Rows run downwards in a picture, and from low to high bands in a spectrogram.
    upwards = is_spectrogram(spectrum)
    shown = axes.imshow(
        picture,
        extent=(left, right, first, last) if upwards else (left, right, last, first),
        origin="lower" if upwards else "upper",
        aspect="equal" if shared else "auto",
        vmin=low,
        vmax=max(high, low + 1e-3),
        interpolation="none",
    )
    axes.grid(visible=False)
    axes.set_xlabel(labels[0])
    axes.set_ylabel(labels[1])
    axes.locator_params(nbins=5)
    axes.set_title("mean spectrum")
    picture_bar(axes, shown, "log₁₀ power (decades)")


def sectors_over_mean(spectrum: Spectrum) -> tuple[np.ndarray, np.ndarray]:
    """Frequency [F] in cycles/sample, and each of 4 sectors over the mean of its ring [4, F], dB.

    NaN where a ring has no mode in a sector.
    """
    found = sector_spectra(spectrum, len(STYLES))
    total = np.nansum(found.power * found.count, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        over = decibel(np.log(found.power / (total / found.count.sum(axis=0))))
    return found.frequency, np.where(np.isfinite(over), over, np.nan)


def _sectors(axes: Axes, spectrum: Spectrum) -> None:
    scale = frequency_scale(spectrum)
    frequency, over = sectors_over_mean(spectrum)
    shown = frequency * scale.factor
    marker = "." if len(shown) < 9 else ""
    axes.axhline(0, color=MUTED, lw=0.9)
    for row, name, (colour, line) in zip(over, sector_names(spectrum), STYLES, strict=True):
        axes.plot(shown, row, color=colour, ls=line, lw=1.5, marker=marker, label=name)
    panel_legend(axes, "sectors over the mean of their ring", 2)
    axes.set_ylabel("sector / mean (dB)")
    frequency_axis(axes, shown, scale.label, unit=scale.unit, most=5)


def _along(axes: Axes, one: AxisSpectrum, colour: str, line: str, label: str) -> None:
    power = np.where(one.power > 0, one.power, np.nan)
    axes.plot(one.physical_frequency, power, color=colour, ls=line, label=label)
