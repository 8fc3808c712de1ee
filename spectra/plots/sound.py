"""Sound clips as a listener's tools show them: waveform beside spectrogram, spectra in hertz."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.errors import InputError, check_number
from spectra.fit.peak import peak_interval
from spectra.frequencies import LOWEST_HEARD_HZ, frequency_scale, heard_peak
from spectra.plots.curves import draw_band, mean_curve, thinned
from spectra.plots.panel import close_grid, finish_panel, open_panel
from spectra.plots.signals import clips_of, draw_outline, names_of
from spectra.plots.spectrum import POWER
from spectra.plots.style import (
    DATA,
    DERIVED,
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
from spectra.spectrum import Spectrum, spectrogram, welch

__all__ = ["plot_clips", "plot_periodograms", "plot_sound_spectrum"]

FRAME_S = 0.032  # of a spectrogram: a few periods of a voice
MOST_FRAMES = 400  # columns of a spectrogram; a page shows no more
DEEPEST_DB = 80.0  # under the loudest, where the colours end
SEGMENT_S = 0.128  # of Welch's mean: 16 Hz wide under a Hann window
CELLS = 96  # an octave of a raw periodogram's outline
DEEPEST_MEAN = 1e-5  # of the median of a mean spectrum, where its axis ends
DEEPEST = 1e-10  # of the strongest bin, where the axis of a periodogram ends


@house_style()
def plot_clips(
    clips: Any, rate: float, names: Sequence[str] = (), *, layout: Layout = "wide"
) -> Figure:
    """Waveforms beside their spectrograms, all to one scale; at most 4 clips (narrow: 3).

    Parameters
    ----------
    clips
        [N, T], or [N, C, T] of which the first channel is drawn; [-1, 1] is full scale.
    rate
        Samples a second.
    names
        One per clip.
    layout
        "wide" (each waveform left of its spectrogram) or "narrow" (above it).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no clip, one is shorter than 64 samples or not finite, the rate is not positive,
        or there are fewer names than clips.

    Notes
    -----
    The spectrogram is |F|^2 under a Hann window of about 32 ms, 0 dB being a sine of full scale.
    """
    wide = layout == "wide"
    rows = _sounds(clips, rate)[: 4 if wide else 3]
    titles = names_of(names, len(rows))
    pictures, start, hop = _decibels(rows, rate)  # [n, bins, frames]
    end = start + hop * pictures.shape[2]
    seconds = rows.shape[1] / rate
    count = len(rows)
    if wide:
        figure = new_figure(layout, 0.75 + 1.35 * count)
        panels = figure.subplots(
            count, 2, sharex=True, sharey="col", squeeze=False, width_ratios=[1, 1.35]
        )
    else:
        figure = new_figure(layout, 1.25 + 2.4 * count)
        panels = figure.subplots(
            2 * count, 1, sharex=True, squeeze=False, height_ratios=[1, 1.7] * count
        ).reshape(count, 2)
    high = float(pictures.max())
    reach = 1.1 * float(np.abs(rows).max()) or 1.0
    shown: Any = None
    for (left, right), row, picture, title in zip(panels, rows, pictures, titles, strict=True):
        draw_outline(left, row, 1 / rate)
        left.set(xlim=(0, seconds), ylim=(-reach, reach), ylabel="amplitude", title=title)
        left.locator_params(axis="y", nbins=3)
        shown = right.imshow(
            picture,
            origin="lower",
            aspect="auto",
            extent=(start / rate, end / rate, 0, rate / 2000),
            vmin=high - DEEPEST_DB,
            vmax=high,
            interpolation="none",
        )
        right.grid(visible=False)
        right.set(xlim=(0, seconds), ylim=(0, rate / 2000), ylabel="frequency (kHz)")
        right.locator_params(axis="y", nbins=4)
    for axes in panels[-1] if wide else [panels[-1, 1]]:
        axes.set_xlabel("time (s)")
    bar = figure.colorbar(
        shown,
        ax=panels.ravel().tolist(),
        location="right" if wide else "bottom",
        label="power (dB of a full-scale sine)",
        aspect=30,
        pad=0.02,
    )
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return finish(figure)


@house_style()
def plot_periodograms(
    clips: Any, rate: float, names: Sequence[str] = (), *, layout: Layout = "wide"
) -> Figure:
    """Power spectra of single clips: the whole clip's periodogram, and Welch's mean over it.

    The periodogram, |F|^2 / T without a window, is what RAPSD becomes in one dimension: no
    average over directions calms it, so that each bin strays as much as its own mean.

    Parameters
    ----------
    clips
        [N, T], or [N, C, T] of which the first channel is drawn; at most 6 (narrow: 4).
    rate
        Samples a second.
    names
        One per clip.
    layout
        "wide" (three columns) or "narrow" (one).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        As `plot_clips`.
    """
    wide = layout == "wide"
    rows = _sounds(clips, rate)[: 6 if wide else 4]
    titles = names_of(names, len(rows))
    raw, fine = welch(rows, None, window="none")
    smooth, coarse = welch(rows, _segment(rows.shape[1], rate))
    columns = (2 if len(rows) in (2, 4) else min(3, len(rows))) if wide else 1
    lines = math.ceil(len(rows) / columns)
    figure = new_figure(layout, 0.95 + (1.95 if wide else 1.6) * lines)
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes, one, mean, title in zip(panels.ravel(), raw, smooth, titles, strict=False):
        f, drawn = _jagged(fine, one)
        axes.plot(f * rate, drawn, color=NOISE, lw=0.5, label="periodogram of the whole clip")
        f, drawn = thinned(coarse, mean)
        label = "Welch's mean over the clip, Hann window"
        axes.plot(f * rate, _positive(drawn), color=DATA, lw=1.6, label=label)
        axes.set_title(title)
    highest = float(raw.max()) or 1.0
    heard = fine * rate >= LOWEST_HEARD_HZ
    heard = heard if np.count_nonzero(heard) > 8 else slice(None)
    panels[0, 0].set_yscale("log")
    lowest = float(raw[raw > 0].min(initial=highest))
    panels[0, 0].set_ylim(max(DEEPEST * highest, lowest / 2), 4 * highest)
    for axes in panels.ravel()[: len(rows)]:
        frequency_axis(axes, fine[heard] * rate, unit="Hz", most=6 if columns < 3 else 5)
    close_grid(panels, len(rows), "frequency (Hz)")
    for axes in panels[:, 0]:
        axes.set_ylabel("power")
    legend_above(figure, [panels[0, 0]], 2 if wide else 1)
    return finish(figure)


@house_style()
def plot_sound_spectrum(
    spectrum: Spectrum, *, axes: Axes | None = None, layout: Layout = "wide"
) -> Figure:
    """The mean spectrum of sound in hertz, and where its peak may be.

    Drawn are the mean of logs, in which every file counts alike, with its 95 % interval, and the
    mean of powers, which the loudest files lead. The peak is that of the mean of logs above
    20 Hz; shaded are the frequencies that cannot be told apart from it (`fit.peak_interval`).

    Parameters
    ----------
    spectrum
        Of waveforms.
    axes
        Where to draw; by default on a new figure.
    layout
        "wide" or "narrow".

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        The spectrum is not in hertz, or a ring has no logarithm.
    """
    peak = heard_peak(spectrum) if spectrum.unit == "Hz" else None
    if peak is None:
        raise InputError(
            f"{spectrum.name}: not the spectrum of waveforms in Hz; analyze sound with "
            "view='waveform'"
        )
    scale = frequency_scale(spectrum)
    on = open_panel(axes, layout, 3.9 if layout == "wide" else 4.3)
    curve = mean_curve(spectrum, "log")
    frequency, *drawn = thinned(curve[0], *curve[1:], np.log(spectrum.power))
    shown = frequency * scale.factor
    mean, low, high, loud = drawn
    draw_band(on, (shown, mean, low, high), DATA, np.exp)
    files = f"{spectrum.n} clips from {spectrum.n_files} files"
    on.plot(shown, np.exp(mean), color=DATA, label=f"mean of logs of {files}, 95 % interval")
    on.plot(shown, np.exp(loud), color=DERIVED, lw=1.3, ls="--", label="mean of powers")
    at = spectrum.frequency[peak]
    ends = peak_interval(spectrum, peak, lowest=LOWEST_HEARD_HZ / scale.factor)
    label = f"peak at {scale.say(at)}"
    if np.isfinite(ends).all():
        on.axvspan(*(end * scale.factor for end in ends), color=NOISY, alpha=0.1, lw=0)
        label += f", 95 %: {scale.number(ends[0])} to {scale.say(ends[1])}"
    height = float(np.exp(spectrum.log_power[peak]))
    mark = {"marker": "o", "ms": 7, "mfc": NOISY, "mec": INK, "mew": 1.2}
    on.plot(at * scale.factor, height, ls="none", label=label, **mark)
    on.set_yscale("log")
    on.set_ylabel(POWER)
    # A resampler's cliff, decades under the rest, would only squeeze the curves.
    on.set_ylim(bottom=max(on.get_ylim()[0], DEEPEST_MEAN * float(np.exp(np.median(mean)))))
    frequency_axis(on, shown, scale.label, unit=scale.unit, most=8 if layout == "wide" else 5)
    return finish_panel(on, axes, 2 if layout == "wide" else 1)


def _sounds(clips: Any, rate: float) -> np.ndarray:
    """Checked clips, float64 [n, T]."""
    check_number("rate", rate, 0.0, strict=True)
    rows = clips_of(clips)
    if rows.shape[1] < 64:
        raise InputError(f"clips of {rows.shape[1]} samples are too short; give 64 or more")
    return rows


def _decibels(rows: np.ndarray, rate: float) -> tuple[np.ndarray, float, int]:
    """Spectrograms [n, bins, frames] in dB of a full-scale sine; where they begin; their hop."""
    size = _segment(rows.shape[1], rate, FRAME_S)
    hop = max(size // 4, math.ceil(rows.shape[1] / MOST_FRAMES))
    # Whole frames alone: a clip cut out of a sound would click at zeros put about it.
    power = spectrogram(rows, n_fft=size, hop=hop, center=False)
    # A Hann window sums to size / 2, half of which a sine's positive frequency has.
    return 10 * np.log10(np.maximum(power / (size / 4) ** 2, 1e-12)), (size - hop) / 2, hop


def _segment(samples: int, rate: float, seconds: float = SEGMENT_S) -> int:
    """The power of two nearest to so many seconds, at most a quarter of the clip."""
    wished = 1 << max(4, round(math.log2(rate * seconds)) if rate * seconds > 1 else 4)
    return min(wished, 1 << ((samples // 4).bit_length() - 1))


def _jagged(frequency: np.ndarray, power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A long curve by the least and the largest value in each 96th of an octave: looks the same."""
    cell = np.floor(CELLS * np.log2(frequency / frequency[0]))
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    ends = np.stack([np.minimum.reduceat(power, starts), np.maximum.reduceat(power, starts)], 1)
    return np.repeat(frequency[starts], 2), _positive(ends.ravel())


def _positive(power: np.ndarray) -> np.ndarray:
    """A bin without power has no place on a logarithmic axis; the line breaks there."""
    return np.where(power > 0, power, np.nan)
