"""Log-mel pictures and their spectra, and cepstral coefficients over time."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import AsinhNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from spectra.errors import InputError, check_number
from spectra.plots.image_spectra import power_2d
from spectra.plots.images import frequency_edges
from spectra.plots.signals import (
    decibel_range,
    decibels_of,
    draw_mel_picture,
    mel_ticks,
    names_of,
)
from spectra.plots.style import (
    DATA,
    SERIES,
    Layout,
    finish,
    frequency_axis,
    house_style,
    new_figure,
    power_axis,
)
from spectra.spectrum import rapsd

__all__ = ["plot_log_mel_spectra", "plot_mfcc"]

STYLES = ("-", "--", "-.", ":")
DEEPEST = 1e-12  # power of a blank picture's spectrum, so that it has a logarithm
LINEAR_DB = 10.0  # about 0 the colours of coefficients are even; beyond logarithmic


@house_style()
def plot_log_mel_spectra(
    images: Any,
    frame: float,
    rate: float | None = None,
    names: Sequence[str] = (),
    *,
    layout: Layout = "wide",
) -> Figure:
    """Log-mel pictures, each above its 2-D power spectrum, and their RAPSDs with the mean of logs.

    A picture's spectrum is a spectrum of a spectrum: across it runs modulation frequency, up it
    quefrency. The RAPSD takes a mel band and a frame for a pixel alike.

    Parameters
    ----------
    images
        [N, C, mels, frames], values in [-1, 1] as the log-mel view gives; of the first channel.
        The first 4 (narrow: 2) are shown, the mean is of all.
    frame
        Seconds from one column to the next.
    rate
        Samples a second, for the bands' frequencies in Hz; without it bands are numbered.
    names
        One per picture that is shown.
    layout
        "wide" (four columns) or "narrow" (two).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no picture, a value is not finite, the frame is not positive, or there are fewer
        names than pictures shown.
    """
    check_number("frame", frame, 0.0, strict=True)
    wide = layout == "wide"
    every = np.asarray(images, np.float64)
    pictures = decibels_of(every)[: 4 if wide else 2]  # [n, mels, frames]
    count, mels, frames = pictures.shape
    titles = names_of(names, count)
    first = every if every.ndim == 3 else every[:, 0]
    power, frequency = rapsd(first, window="hann")  # [N, F]
    planes = np.log10(np.maximum(power_2d(first[:count, None], "hann"), DEEPEST))

    figure = new_figure(layout, 7.6 if wide else 7.4)
    ratios = [1.5, 1] if wide else [1.3, 1]
    upper, lower = figure.subfigures(2, 1, height_ratios=ratios, squeeze=False).ravel()
    panels = upper.subplots(2, count, sharey="row", squeeze=False)
    ends, range_2d = decibel_range(pictures), np.percentile(planes, [0.5, 99.9])
    last_x = frequency_edges(frames, 1)
    last_y = frequency_edges(mels, 1)
    top: Any = None
    bottom: Any = None
    for column, title in enumerate(titles):
        axes, plane = panels[:, column]
        top = draw_mel_picture(axes, pictures[column], frame, ends)
        axes.set(title=title, xlabel="time (s)")
        bottom = plane.imshow(
            planes[column],
            origin="lower",
            aspect="auto",
            extent=(last_x[0] / frame, last_x[1] / frame, *last_y),
            vmin=range_2d[0],
            vmax=max(range_2d[1], range_2d[0] + 1e-3),
            interpolation="none",
        )
        plane.grid(visible=False)
        plane.locator_params(axis="x", nbins=3)
        plane.set_xlabel("modulation (Hz)")
    panels[0, 0].set_ylabel("mel band" if rate is None else "frequency (Hz)")
    panels[1, 0].set_ylabel("quefrency (cycles/mel)")
    if rate is not None:
        mel_ticks(panels[0, 0], rate, mels)
    _bar(upper, panels[0], top, "power (dB)")
    _bar(upper, panels[1], bottom, "log₁₀ power")

    axes = lower.subplots()
    _curves(axes, frequency, power, [title or f"{i + 1}" for i, title in enumerate(titles)])
    frequency_axis(axes, frequency, "frequency (cycles/pixel)")
    handles = axes.get_legend_handles_labels()
    lower.legend(*handles, loc="outside upper left", ncols=5 if wide else 2)
    return finish(figure)


@house_style()
def plot_mfcc(
    coefficients: Any, frame: float, names: Sequence[str] = (), *, layout: Layout = "wide"
) -> Figure:
    """Cepstral coefficients over time, one picture per clip, all to one scale of colour.

    Coefficient 0 is the loudness of a frame, the next few the broad shape of its spectrum, high
    ones its harmonics. The colours are even within 10 dB of 0 and logarithmic beyond, for the
    coefficients span decades.

    Parameters
    ----------
    coefficients
        [N, coefficients, frames] or [coefficients, frames] in dB, as `mfcc` gives; at most 4
        (narrow: 3) are shown.
    frame
        Seconds from one column to the next: hop / rate.
    names
        One per clip that is shown.
    layout
        "wide" (two columns) or "narrow" (one).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There are no coefficients, one is not finite, the frame is not positive, or there are
        fewer names than clips shown.
    """
    check_number("frame", frame, 0.0, strict=True)
    values = np.asarray(coefficients, np.float64)
    values = values[None] if values.ndim == 2 else values
    if values.ndim != 3 or values.size == 0:
        raise InputError(
            f"coefficients of shape {list(values.shape)}: [N, coefficients, frames] is needed"
        )
    if not np.isfinite(values).all():
        raise InputError("coefficients: some values are not finite; nothing can be drawn")
    wide = layout == "wide"
    shown = values[: 4 if wide else 3]
    titles = names_of(names, len(shown))
    columns = 2 if wide and len(shown) > 1 else 1
    lines = math.ceil(len(shown) / columns)
    figure = new_figure(layout, 0.7 + 1.75 * lines + (0 if wide else 0.7))
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    reach = float(np.abs(shown).max()) or 1.0
    picture: Any = None
    for axes, one, title in zip(panels.ravel(), shown, titles, strict=False):
        picture = axes.imshow(
            one,
            origin="lower",
            aspect="auto",
            extent=(0, one.shape[1] * frame, -0.5, len(one) - 0.5),
            cmap="PuOr",
            norm=AsinhNorm(LINEAR_DB, -reach, reach),
            interpolation="none",
        )
        axes.grid(visible=False)
        axes.set_title(title)
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    for axes in panels.ravel()[len(shown) :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel("coefficient")
    for column in range(columns):
        last = panels[(len(shown) - 1 - column) // columns, column]
        last.set_xlabel("time (s)")
        last.tick_params(labelbottom=True)
    bar = figure.colorbar(
        picture,
        ax=panels.ravel().tolist(),
        location="right" if wide else "bottom",
        label="coefficient (dB)",
        aspect=28,
        pad=0.02,
    )
    bar.locator = FixedLocator(_signed_decades(reach))
    bar.formatter = FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−"))
    bar.minorticks_off()
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return finish(figure)


def _curves(axes: Axes, frequency: np.ndarray, power: np.ndarray, names: Sequence[str]) -> None:
    """RAPSDs of the pictures shown, and the mean of logs of all [N, F]."""
    power = np.where(power > 0, power, np.nan)
    for i, (row, name) in enumerate(zip(power, names, strict=False)):
        colour, line = SERIES[i % len(SERIES)], STYLES[i % len(STYLES)]
        axes.plot(frequency, row, color=colour, ls=line, lw=1.2, label=name)
    known = power[np.isfinite(power).all(axis=1)]
    if len(known):
        mean = np.exp(np.log(known).mean(axis=0))
        axes.plot(frequency, mean, color=DATA, lw=2.6, label=f"mean of logs of {len(known)}")
    power_axis(axes)


def _signed_decades(reach: float) -> list[float]:
    """0 and the decades either side, as far as they go."""
    decades = [10.0**k for k in range(1, 9) if 10.0**k <= reach] or [float(f"{reach:.1g}")]
    return [*(-d for d in decades[::-1]), 0.0, *decades]


def _bar(figure: Any, panels: np.ndarray, picture: Any, label: str) -> None:
    bar = figure.colorbar(
        picture, ax=panels.tolist(), location="right", label=label, aspect=16, pad=0.02
    )
    bar.locator = MaxNLocator(5)
    bar.outline.set_visible(False)
