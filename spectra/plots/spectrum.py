"""Spectra as curves: of the data with its law, of noisy data, of samples."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from spectra.errors import InputError
from spectra.fit import PowerLaw
from spectra.plots.curves import (
    Curve,
    as_curve,
    decibel,
    draw_band,
    mean_curve,
    reach_of,
    single_curves,
)
from spectra.plots.style import (
    DATA,
    FIT,
    INK,
    MUTED,
    NOISE,
    NOISY,
    SERIES,
    Layout,
    finish,
    frequency_axis,
    house_style,
    legend_above,
    new_figure,
)
from spectra.schedule import ScalarProcess
from spectra.spectrum import Spectrum

__all__ = ["plot_hinge", "plot_rapsd", "plot_sample_spectrum"]

FREQUENCY = "frequency (cycles/pixel)"
POWER = "power (white unit noise = 1)"


@house_style()
def plot_rapsd(
    spectrum: Spectrum, fit: PowerLaw, singles: Any = None, *, layout: Layout = "wide"
) -> Figure:
    """Mean RAPSD with its 95 % interval, the fitted power law, and what the law leaves over.

    The law is solid over the fitted range and dashed outside.

    Parameters
    ----------
    spectrum
        Measured spectrum; the average drawn is the one that `fit` is about.
    fit
        Its power law.
    singles
        RAPSD of single images at the spectrum's rings, [n, F] or [n, C, F]; thin lines.
    layout
        "wide" or "narrow".
    """
    frequency = spectrum.frequency
    curve = mean_curve(spectrum, fit.average)
    law = np.log(fit.predict(frequency))  # [F]
    figure = new_figure(layout, 5.2 if layout == "wide" else 5.4)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.15])

    single = np.zeros((0, len(frequency))) if singles is None else single_curves(singles, frequency)
    for i, row in enumerate(single):
        top.plot(frequency, row, color=NOISE, lw=0.7, alpha=0.6, label="" if i else "single images")
    draw_band(top, curve, DATA, np.exp)
    mean = "mean" if fit.average == "arithmetic" else "mean of logs"
    files = f"{spectrum.n} examples from {spectrum.n_files} files"
    top.plot(frequency, np.exp(curve[1]), color=DATA, label=f"{mean} of {files}, 95 % interval")
    low, high = fit.interval(0.95)
    label = f"power law, exponent {fit.alpha:.2f} (95 %: {low:.2f} to {high:.2f})"
    _law(top, frequency, np.exp(law), fit, label)
    floor = spectrum.quantisation_floor
    if floor > 0:
        # A fine grid's floor, decades under the data, would only squeeze the curves.
        seen = floor > 1e-3 * spectrum.power.min()
        label = f"rounding noise of the value grid ({floor:.1e}{'' if seen else ', off the axis'})"
        top.axhline(floor if seen else np.nan, color=MUTED, lw=1.2, ls=":", label=label)
    top.set_yscale("log")
    top.set_ylabel(POWER)

    residual = (frequency, *(part - law for part in curve[1:]))
    _law(bottom, frequency, np.zeros_like(law), fit, "")
    draw_band(bottom, residual, DATA, decibel)
    bottom.plot(frequency, decibel(residual[1]), color=DATA, marker=".", ms=4, lw=1.2)
    reach = reach_of([residual], residual)
    bottom.set_ylim(-reach, reach)
    bottom.set_ylabel("mean / law (dB)")
    frequency_axis(bottom, frequency, FREQUENCY)
    legend_above(figure, [top], 2 if layout == "wide" else 1)
    return finish(figure)


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
    frequency, data = spectrum.frequency, spectrum.power
    alphas, sigmas = process.alpha(at), process.sigma(at)
    parts = [(a**2 * data, float(s) ** 2) for a, s in zip(alphas, sigmas, strict=True)]
    # Noise so weak that it lies decades under the data would only stretch the axis.
    weakest = [signal.min() for signal, _ in parts if signal.min() > 0]
    bottom = max(min([data.min(), *weakest]), data.min() * 1e-2) / 4
    top = 4 * max(float((signal + noise).max()) for signal, noise in parts)
    for axes, t, (signal, noise) in zip(panels.ravel(), times, parts, strict=False):
        axes.axhspan(bottom, max(noise, bottom), color=NOISE, alpha=0.2, lw=0)
        axes.axhline(noise, color=NOISE, lw=1.3, label="noise  σ²")
        axes.plot(frequency, signal, color=DATA, lw=1.5, label="data  α²R(f)")
        axes.plot(frequency, signal + noise, color=NOISY, lw=2.2, label="noisy data  α²R(f) + σ²")
        elbows = _crossings(frequency, signal, noise)
        axes.plot(
            elbows,
            np.full(len(elbows), 2 * noise),
            ls="none",
            marker="o",
            ms=7,
            mfc="none",
            mec=INK,
            mew=1.4,
            label="elbow: signal = noise" if len(elbows) else "",
        )
        for elbow in elbows:
            axes.plot([elbow, elbow], [bottom, 2 * noise], color=INK, lw=0.8, ls=":")
        axes.set_yscale("log")
        axes.set_ylim(bottom, top)
        axes.set_title(f"t = {t:g}:  {_tide(elbows, signal, noise)}")
        frequency_axis(axes, frequency, most=4 if columns == 3 else 6)
    for axes in panels.ravel()[len(times) :]:
        axes.set_axis_off()
    for axes in panels[:, 0]:
        axes.set_ylabel("power" if layout == "narrow" else POWER)
    for column in range(columns):
        used = panels[(len(times) - 1 - column) // columns, column]
        used.set_xlabel(FREQUENCY)
        used.tick_params(labelbottom=True)
    legend_above(figure, list(panels.ravel()), 4 if layout == "wide" else 1)
    return finish(figure)


@house_style()
def plot_sample_spectrum(
    sample_spectra: Mapping[str, Curve | Spectrum | np.ndarray],
    data: Curve | Spectrum | np.ndarray,
    *,
    layout: Layout = "wide",
) -> Figure:
    """Spectrum of samples over that of the data, and their ratio in decibels.

    Parameters
    ----------
    sample_spectra
        Run's name -> images [N, C, H, W], a Spectrum, or a curve: frequency in cycles/pixel,
        then mean, low and high of ln power, [F] each. Always the mean of logs, Hann-windowed.
    data
        Any of the three.
    layout
        "wide" or "narrow".

    Raises
    ------
    InputError
        There are no samples, or their rings are not those of the data.
    """
    if not sample_spectra:
        raise InputError("sample_spectra: empty; give the spectrum of at least one run")
    reference = as_curve(data)
    frequency = np.asarray(reference[0])
    figure = new_figure(layout, 5.0 if layout == "wide" else 5.2)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1.5])
    draw_band(top, reference, DATA, np.exp)
    top.plot(frequency, np.exp(reference[1]), color=DATA, lw=2.6, label="data, 95 % interval")
    zero = (frequency, *(part - reference[1] for part in reference[1:]))
    draw_band(bottom, zero, DATA, decibel)
    bottom.axhline(0, color=DATA, lw=2.6)
    styles = ("-", "--", "-.", ":")
    ratios = []
    for i, (name, value) in enumerate(sample_spectra.items()):
        curve = as_curve(value)
        if len(curve[0]) != len(frequency) or not np.allclose(curve[0], frequency):
            raise InputError(f"{name}: its rings are not the data's; measure at the same size")
        colour, line = SERIES[i % len(SERIES)], styles[i % len(styles)]
        draw_band(top, curve, colour, np.exp)
        top.plot(frequency, np.exp(curve[1]), color=colour, ls=line, label=f"samples: {name}")
        ratio = (frequency, *(part - reference[1] for part in curve[1:]))
        draw_band(bottom, ratio, colour, decibel)
        bottom.plot(frequency, decibel(ratio[1]), color=colour, ls=line)
        ratios.append(ratio)
    reach = reach_of(ratios, zero)
    bottom.set_ylim(-reach, reach)
    top.set_yscale("log")
    top.set_ylabel(POWER)
    bottom.set_ylabel("samples / data (dB)")
    frequency_axis(bottom, frequency, FREQUENCY)
    legend_above(figure, [top], 3 if layout == "wide" else 1)
    return finish(figure)


def _law(axes: Axes, frequency: np.ndarray, law: np.ndarray, fit: PowerLaw, label: str) -> None:
    axes.plot(frequency, law, color=FIT, lw=1.1, ls=(0, (4, 3)))
    inside = (frequency >= fit.f_range[0] * 0.999) & (frequency <= fit.f_range[1] * 1.001)
    axes.plot(frequency[inside], law[inside], color=FIT, lw=1.5, label=label)


def _crossings(frequency: np.ndarray, signal: np.ndarray, noise: float) -> np.ndarray:
    """Frequencies where signal = noise, ln power taken as linear in ln f."""
    if noise <= 0 or signal.min() <= 0:
        return np.empty(0)
    above, log_f = np.log(signal / noise), np.log(frequency)
    i = np.flatnonzero(above[:-1] * above[1:] < 0)
    share = above[i] / (above[i] - above[i + 1])
    return np.exp(log_f[i] + share * (log_f[i + 1] - log_f[i]))


def _tide(elbows: np.ndarray, signal: np.ndarray, noise: float) -> str:
    if len(elbows) > 1:
        return f"{len(elbows)} elbows, the last at f = {elbows[-1]:.3g}"
    if len(elbows):
        return f"elbow at f = {elbows[0]:.3g}"
    return "all above the noise" if signal.min() > noise else "all under the noise"
