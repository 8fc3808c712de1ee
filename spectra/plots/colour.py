"""The channels of a spectrum: each alone, decorrelated, and how they go together."""

from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.frequencies import frequency_scale
from spectra.plots.curves import thinned
from spectra.plots.style import (
    DATA,
    DERIVED,
    INK,
    NOISY,
    SERIES,
    Layout,
    finish,
    frequency_axis,
    house_style,
    new_figure,
    panel_legend,
    power_axis,
)
from spectra.spectrum import Spectrum
from spectra.spectrum.colour import channel_power, coherence, decorrelated_power, luma_power

__all__ = ["channel_names", "is_colour", "plot_channels"]

LINES = ("-", "--", "-.", ":")
RGB = (NOISY, DERIVED, DATA)  # told apart under every colour blindness, unlike red and green


def is_colour(spectrum: Spectrum) -> bool:
    """Whether the channels are red, green and blue."""
    return spectrum.kind in ("images", "array") and spectrum.shape[0] == 3


def channel_names(spectrum: Spectrum) -> tuple[str, ...]:
    """Of a few channels, [C]."""
    count = spectrum.shape[0]
    if is_colour(spectrum):
        return ("red", "green", "blue")
    if spectrum.kind == "sound" and count == 2:
        return ("left", "right")
    return tuple(f"channel {i + 1}" for i in range(count))


@house_style()
def plot_channels(spectrum: Spectrum, *, layout: Layout = "wide") -> Figure:
    """Power of each channel (of colour, of luma too), of their principal axes, and coherence.

    Parameters
    ----------
    spectrum
        Of examples with 2 to 4 channels.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is one channel, or so many that their cross-power was not kept.
    """
    scale = frequency_scale(spectrum)
    own, mixed = channel_power(spectrum), decorrelated_power(spectrum)
    together = coherence(spectrum)
    names = channel_names(spectrum)
    wide = layout == "wide"
    figure = new_figure(layout, 4.3 if wide else 10.6)
    panels = figure.subplots(1 if wide else 3, 3 if wide else 1, squeeze=False).ravel()
    frequency = thinned(spectrum.frequency)[0]
    shown = frequency * scale.factor

    def draw(axes: Axes, power: np.ndarray, colour: str, line: str, label: str) -> None:
        row = thinned(spectrum.frequency, power)[1]
        axes.plot(shown, np.where(row > 0, row, np.nan), color=colour, ls=line, label=label)

    colours = RGB if len(names) == 3 else (DATA, *SERIES)
    for row, name, colour, line in zip(own, names, colours, LINES, strict=False):
        draw(panels[0], row, colour, line, name)
    if is_colour(spectrum):
        draw(panels[0], luma_power(spectrum), INK, ":", "luma")
    for i, (row, share) in enumerate(zip(mixed.power, mixed.share, strict=True)):
        label = f"axis {i + 1}: {100 * share:.3g} % of the variance"
        draw(panels[1], row, (INK, *SERIES)[i % 6], LINES[i % 4], label)
    pairs = combinations(range(len(names)), 2)
    for i, (a, b) in enumerate(pairs):
        both = f"{names[a]} and {names[b].removeprefix('channel ')}"
        draw(panels[2], together[a, b], (*SERIES, DATA)[i % 6], LINES[i % 4], both)
    titles = ("each channel", "principal axes", "squared coherence")
    for axes, title in zip(panels, titles, strict=True):
        frequency_axis(axes, shown, scale.label, unit=scale.unit, most=4 if wide else 6)
        panel_legend(axes, title)
    for axes in panels[:2]:
        axes.set_yscale("log")
    ends = np.array([axes.get_ylim() for axes in panels[:2]])  # one scale for both
    for axes in panels[:2]:
        axes.set_ylim(ends[:, 0].min(), ends[:, 1].max())
        power_axis(axes)
    panels[2].set_ylim(0, 1.02)
    panels[2].set_ylabel("coherence (0 to 1)")
    return finish(figure)
