"""Examples of sound and other series: waveforms, and log-mel pictures."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.data.sound_views import FLOOR_DB, TOP_DB
from spectra.data.spectrogram import mel_frequencies
from spectra.errors import InputError
from spectra.frequencies import tick_label
from spectra.plots.labels import as_label
from spectra.plots.style import DATA, MUTED, Layout, finish, house_style, new_figure

__all__ = [
    "LONGEST_LINE",
    "clips_of",
    "decibel_range",
    "decibels_of",
    "draw_mel_picture",
    "draw_outline",
    "mel_ticks",
    "names_of",
    "plot_spectrograms",
    "plot_waveforms",
]

COLUMNS = 480  # of a waveform's outline; a page shows no more
LONGEST_LINE = 2 * COLUMNS  # samples
MEL_TICKS_HZ = (125, 250, 500, 1000, 2000, 4000, 8000, 16000)


@house_style()
def plot_waveforms(
    series: Any, spacing: float = 1.0, unit: str = "sample", *, layout: Layout = "wide"
) -> Figure:
    """At most 8 series over time, all to one scale; of long ones the outline.

    Parameters
    ----------
    series
        [N, C, T] or [N, T]; the first channel is drawn.
    spacing, unit
        Distance of neighbouring samples, and in what.
    layout
        "wide" (two columns) or "narrow" (one, of 4).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no series, or a value is not finite.
    """
    values = np.asarray(series)
    channels = values.shape[1] if values.ndim == 3 else 1
    rows = clips_of(values)[: 8 if layout == "wide" else 4]
    columns = 2 if layout == "wide" and len(rows) > 1 else 1
    lines = math.ceil(len(rows) / columns)
    figure = new_figure(layout, 0.6 + 0.85 * lines + (0.3 if channels > 1 else 0.0))
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
    reach = float(np.abs(rows).max()) * 1.2 or 1.0
    for axes, row in zip(panels, rows, strict=False):
        draw_outline(axes, row, spacing)
        axes.set_ylim(-reach, reach)
        axes.set_xlim(0, len(row) * spacing)
        axes.locator_params(axis="y", nbins=3)
    for axes in panels[len(rows) :]:
        axes.set_axis_off()
    for axes in panels[(lines - 1) * columns : len(rows)]:
        axes.set_xlabel("time (s)" if unit == "s" else f"position ({unit}s)")
    figure.supylabel("amplitude" if unit == "s" else "value", fontsize=9.5, color=MUTED)
    if channels > 1:
        panels[0].set_title(f"channel 1 of {channels}", color=MUTED)
    return finish(figure)


@house_style()
def plot_spectrograms(
    images: Any, frame: float, rate: float | None = None, *, layout: Layout = "wide"
) -> Figure:
    """At most 8 log-mel pictures with time and mel axes and one scale of decibels.

    Parameters
    ----------
    images
        [N, C, mels, frames], values in [-1, 1] as the log-mel view gives; the first channel.
    frame
        Seconds from one column to the next.
    rate
        Samples a second, for the bands' frequencies in Hz; without it bands are numbered.
    layout
        "wide" (four columns) or "narrow" (two, of 3 rows).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no picture, or a value is not finite.
    """
    wide = layout == "wide"
    pictures = decibels_of(images)[: 8 if wide else 6]  # [n, mels, frames]
    columns = min(len(pictures), 4 if wide else 2)
    rows = math.ceil(len(pictures) / columns)
    figure = new_figure(layout, 0.7 + rows * (2.0 if wide else 1.6) + (0 if wide else 0.7))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    ends = decibel_range(pictures)
    shown = None
    for axes, picture in zip(panels.ravel(), pictures, strict=False):
        shown = draw_mel_picture(axes, picture, frame, ends)
    for axes in panels.ravel()[len(pictures) :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel("mel band" if rate is None else "frequency (Hz)")
        if rate is not None:
            mel_ticks(axes, rate, pictures.shape[1])
    for axes in panels[-1]:
        axes.set_xlabel("time (s)")
    bar = figure.colorbar(
        shown,  # pyright: ignore[reportArgumentType]
        ax=list(panels.ravel()),
        location="right" if wide else "top",
        label="power of the band (dB)",
        aspect=28,
        pad=0.02,
    )
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return finish(figure)


def decibels_of(images: Any) -> np.ndarray:
    """The first channel of log-mel pictures [N, C, mels, frames] in dB, float64 [N, mels, frames].

    Raises
    ------
    InputError
        There is no picture, or a value is not finite.
    """
    return _checked(images, 3)[:, 0] * ((TOP_DB - FLOOR_DB) / 2) + (TOP_DB + FLOOR_DB) / 2


def decibel_range(pictures: np.ndarray) -> tuple[float, float]:
    """Where the colours of some pictures begin and end."""
    low, high = np.percentile(pictures, [1, 99.9])
    return float(low), float(max(high, low + 1e-3))


def draw_mel_picture(
    axes: Axes, picture: np.ndarray, frame: float, ends: tuple[float, float]
) -> Any:
    """A log-mel picture [mels, frames] over seconds and bands; what a colour bar needs."""
    mels, frames = picture.shape
    shown = axes.imshow(
        picture,
        origin="lower",
        aspect="auto",
        extent=(0, frames * frame, 0, mels),
        vmin=ends[0],
        vmax=ends[1],
        interpolation="none",
    )
    axes.grid(visible=False)
    axes.locator_params(axis="x", nbins=4)
    return shown


def clips_of(series: Any) -> np.ndarray:
    """The first channel of [N, C, T] or [N, T], float64 [N, T].

    Raises
    ------
    InputError
        There is no series, or a value is not finite.
    """
    values = _checked(series, 2)
    return values[:, 0] if values.ndim == 3 else values


def names_of(names: Sequence[str], count: int) -> list[str]:
    """A title for each of so many panels; empty where no names are given.

    Raises
    ------
    InputError
        There are fewer names than panels.
    """
    if not names:
        return [""] * count
    if isinstance(names, str) or len(names) < count:
        raise InputError(f"names {names!r}: give a list of {count}, one for each example drawn")
    return [as_label(str(name)) for name in names[:count]]


def draw_outline(axes: Axes, row: np.ndarray, spacing: float) -> None:
    """A line, or the band from the least to the largest value in each of COLUMNS."""
    if len(row) <= LONGEST_LINE:
        axes.plot(np.arange(len(row)) * spacing, row, color=DATA, lw=0.9)
        return
    width = len(row) // COLUMNS
    parts = row[: width * COLUMNS].reshape(COLUMNS, width)
    t = (np.arange(COLUMNS) + 0.5) * width * spacing
    axes.fill_between(t, parts.min(axis=1), parts.max(axis=1), color=DATA, lw=0.5)


def mel_ticks(axes: Axes, rate: float, mels: int) -> None:
    """Frequencies where their bands are."""
    centres = mel_frequencies(rate, mels)[1:-1]
    ticks = [hertz for hertz in MEL_TICKS_HZ if centres[0] <= hertz <= centres[-1]][::-2]
    places = np.interp(ticks, centres, np.arange(mels) + 0.5)
    axes.set_yticks(places.tolist(), labels=[tick_label(hertz) for hertz in ticks])


def _checked(values: Any, axes: int) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.ndim not in (axes, axes + 1) or array.size == 0:
        raise InputError(f"examples of shape {list(array.shape)}: none can be drawn")
    if not np.isfinite(array).all():
        raise InputError("examples: some values are not finite; nothing can be drawn")
    return array if array.ndim == axes + 1 or axes == 2 else array[:, None]
