"""Spectra of noisy data: noise as a rising tide."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spectra.errors import InputError
from spectra.frequencies import frequency_scale, number
from spectra.plots.curves import thinned
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
    power_axis,
)
from spectra.schedule import ScalarProcess
from spectra.spectrum import Spectrum

__all__ = ["crossings", "draw_elbows", "plot_hinge"]

MOST_MARKS = 6  # of a jagged curve's crossings the last, which is f_max, is enough


@house_style()
def plot_hinge(
    spectrum: Spectrum, process: ScalarProcess, times: Sequence[float], *, layout: Layout = "wide"
) -> Figure:
    """Spectra of data, noise and noisy data at several times: noise as a rising tide.

    In expectation noisy data have power alpha^2 R(f) + sigma^2; the elbow of this hinge is
    where the two terms are equal (S. Dieleman, "Diffusion is spectral autoregression").

    Parameters
    ----------
    spectrum
        Of the data; R(f) is its arithmetic mean.
    process
        Scalar process with alpha(t) and sigma(t).
    times
        One panel each, in [0, 1]; best 2 to 4.
    layout
        "wide" (two or three columns) or "narrow" (one).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        There is no time.
    """
    at = np.array(times, dtype=float)  # [T]
    if not len(at):
        raise InputError("times: none given; name at least one time in [0, 1]")
    columns = 1 if layout == "narrow" else len(times) if len(times) < 4 else 2
    rows = -(-len(times) // columns)
    figure = new_figure(layout, 0.9 + rows * (2.25 if layout == "wide" else 1.75))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    scale = frequency_scale(spectrum)
    frequency, data = thinned(spectrum.frequency, spectrum.power)
    shown = frequency * scale.factor
    alphas, sigmas = process.alpha(at), process.sigma(at)
    parts = [(a**2 * data, float(s) ** 2) for a, s in zip(alphas, sigmas, strict=True)]
    # Data or noise that lie decades under the rest would only stretch the axis.
    weakest = [float(signal.min()) for signal, _ in parts if signal.min() > 0] or [data.min()]
    bottom = max(min(weakest), 1e-2 * max(weakest)) / 4
    top = 4 * max(float((signal + noise).max()) for signal, noise in parts)
    for axes, t, (signal, noise) in zip(panels.ravel(), times, parts, strict=False):
        axes.axhspan(bottom, max(noise, bottom), color=NOISE, alpha=0.2, lw=0)
        axes.axhline(noise, color=NOISE, lw=1.3, label="noise  σ²")
        axes.plot(shown, signal, color=DATA, lw=1.5, label="data  α²R(f)")
        axes.plot(shown, signal + noise, color=NOISY, lw=2.2, label="noisy data  α²R(f) + σ²")
        elbows = crossings(shown, signal, noise)
        draw_elbows(axes, elbows, noise, bottom)
        axes.set_ylim(bottom, top)
        power_axis(axes, "")
        axes.set_title(f"t = {t:.9g}:  {_tide(elbows, signal, noise, scale.unit)}")
        frequency_axis(axes, shown, unit=scale.unit, most=4 if columns == 3 else 6)
    close_grid(panels, len(times), scale.label)
    for axes in panels[:, 0]:
        axes.set_ylabel("power" if layout == "narrow" else POWER)
    legend_above(figure, list(panels.ravel()), 4 if layout == "wide" else 1)
    return finish(figure)


def draw_elbows(axes: Axes, elbows: np.ndarray, noise: float, bottom: float) -> list[Line2D]:
    """A ring where noisy data have twice the noise's power, and a line down to the axis."""
    marked = elbows if len(elbows) <= MOST_MARKS else elbows[-1:]
    rings = axes.plot(
        marked,
        np.full(len(marked), 2 * noise),
        ls="none",
        marker="o",
        ms=7,
        mfc="none",
        mec=INK,
        mew=1.4,
        label="elbow: signal = noise" if len(elbows) else "",
    )
    drops = [
        line
        for elbow in marked
        for line in axes.plot([elbow, elbow], [bottom, 2 * noise], color=INK, lw=0.8, ls=":")
    ]
    return [*rings, *drops]


def crossings(frequency: np.ndarray, signal: np.ndarray, noise: float) -> np.ndarray:
    """Frequencies where signal = noise, ln power taken as linear in ln f."""
    if noise <= 0:
        return np.empty(0)
    held = np.maximum(signal, np.finfo(np.float64).tiny)  # a ring may have no power
    above, log_f = np.log(held / noise), np.log(frequency)
    i = np.flatnonzero(above[:-1] * above[1:] < 0)
    share = above[i] / (above[i] - above[i + 1])
    return np.exp(log_f[i] + share * (log_f[i + 1] - log_f[i]))


def _tide(elbows: np.ndarray, signal: np.ndarray, noise: float, unit: str) -> str:
    # Only hertz are short enough to stand in a title.
    last = f"f = {number(elbows[-1])}{' Hz' if unit == 'Hz' else ''}" if len(elbows) else ""
    if len(elbows) > 1:
        return f"{len(elbows)} elbows, the last at {last}"
    if len(elbows):
        return f"elbow at {last}"
    return "all above the noise" if signal.min() > noise else "all under the noise"
