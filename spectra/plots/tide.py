"""Noise as a rising tide, in motion."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from spectra.errors import InputError, check_name
from spectra.frequencies import LOWEST_HEARD_HZ, FrequencyScale, frequency_scale
from spectra.plots.animation import INTERVAL_MS, Moving
from spectra.plots.hinge import crossings, draw_elbows
from spectra.plots.panel import finish_panel, open_panel
from spectra.plots.spectrum import POWER
from spectra.plots.style import (
    DATA,
    INK,
    NOISE,
    NOISY,
    Layout,
    frequency_axis,
    house_style,
)
from spectra.schedule import ScalarProcess
from spectra.schedule import process as named_process
from spectra.schedule.cutoff import last_crossing
from spectra.spectrum import Spectrum
from spectra.spectrum.spectrum import Average

__all__ = ["animate_tide"]

FRAMES = 36
WEAKEST = 0.05  # of the curve: a cut-off end would have the tide rise through nothing for long
MARGIN = 1.0  # nats of SNR by which the tide starts under the data and ends over them
STRIP = 0.035  # of the panel's height: which frequencies stand above the noise
FINE = 600  # points between the rings at which the curve may turn pale, evenly spaced in ln f


@dataclass(frozen=True)
class _Tide:
    """What every frame is drawn from.

    Attributes
    ----------
    frequency, power
        Of the data, cycles/sample, [F] each.
    process
        Which mixes them with noise.
    scale
        How frequencies are shown.
    bottom, top
        Ends of the axis of power.
    """

    frequency: np.ndarray
    power: np.ndarray
    process: ScalarProcess
    scale: FrequencyScale
    bottom: float
    top: float

    def coefficients(self, t: float) -> tuple[float, float]:
        """alpha^2 and sigma^2 at t."""
        at = np.array(t)
        return float(self.process.alpha(at) ** 2), float(self.process.sigma(at) ** 2)


@house_style()
def animate_tide(
    spectrum: Spectrum,
    process: str | ScalarProcess = "rectified-flow",
    times: Sequence[float] | None = None,
    *,
    average: Average = "arithmetic",
    layout: Layout = "wide",
    axes: Axes | None = None,
) -> FuncAnimation:
    """The noise rises through the data's spectrum as t grows; what lies under it has drowned.

    In expectation noisy data have power alpha^2 R(f) + sigma^2. Each frame shows the noise, the
    data (pale where drowned), the noisy data in front with their elbows, t and f_max(t), and at
    the foot a strip that is blue where the data still stand above the noise. Images drown from
    the highest frequency down. Sound does not: its peak, which is marked, drowns last, long
    after lower frequencies have.

    Parameters
    ----------
    spectrum
        Of the data.
    process
        One of ``spectra.frequency_cutoff``, or a scalar process with alpha(t) and sigma(t).
    times
        One frame each, in [0, 1]; by default 36 between which the tide rises by equal steps of
        ln SNR, from just under the data (but for the weakest 5 %) to just over them.
    average
        R(f) is the mean power, which the loudest examples lead, or exp of the mean of logs ("log",
        as in the post): a typical example.
    layout
        "wide" or "narrow".
    axes
        Where to draw; by default on a new figure.

    Returns
    -------
    FuncAnimation
        For `save_animation` and `inline_animation`; `plot_hinge` is its still.

    Raises
    ------
    InputError
        The process or the average is unknown, there is no time, one is outside [0, 1], or there
        is no power or no mean of logs.

    Notes
    -----
    S. Dieleman, "Diffusion is spectral autoregression" (2024).

    Examples
    --------
    >>> from spectra.plots import animate_tide, save_animation
    >>> spectrum = spectra.analyze(spectra.open_source("photos", size=64, crop="center"))
    >>> tide = animate_tide(spectrum, times=[0.1, 0.3, 0.5])
    >>> save_animation(tide, "tide.gif").name
    'tide.gif'
    """
    tide, at = _tide_of(spectrum, process, average, times)
    panel = open_panel(axes, layout, 4.2 if layout == "wide" else 4.6)
    shown_frequency = tide.frequency * tide.scale.factor
    panel.set_yscale("log")
    panel.set_ylim(tide.bottom, tide.top)
    panel.set_ylabel("power" if layout == "narrow" else POWER)
    frequency_axis(panel, shown_frequency, tide.scale.label, unit=tide.scale.unit)
    said = [panel.set_title(" ", loc=side) for side in ("left", "right")]
    shown: list[Artist] = []

    def draw(frame: int) -> list[Artist]:
        t = float(at[frame])
        for artist in shown:
            artist.remove()
        shown[:] = _draw_tide(panel, tide, t)
        for text, words in zip(said, (f"t = {_time(t)}", _reach(tide, t, layout)), strict=True):
            text.set_text(words)
        return shown

    draw(_fullest(tide, at))  # the legend must know of every curve
    _mark_peak(panel, tide)
    figure = finish_panel(panel, axes, 3 if layout == "wide" else 1)
    draw(0)
    return Moving(figure, draw, frames=len(at), interval=INTERVAL_MS, cache_frame_data=False)


def _tide_of(
    spectrum: Spectrum,
    process: str | ScalarProcess,
    average: Average,
    times: Sequence[float] | None,
) -> tuple[_Tide, np.ndarray]:
    """What frames are drawn from, and the times of the frames, [T]."""
    check_name("average", average, get_args(Average))
    scheme = named_process(process) if isinstance(process, str) else process
    mean = spectrum.power if average == "arithmetic" else np.exp(spectrum.log_power)
    frequency, power = spectrum.frequency, mean
    if not (np.isfinite(power).all() and (power > 0).any()):
        raise InputError(
            "spectrum: some rings have no mean of logs; take the arithmetic average"
            if average == "log"
            else "spectrum: there is no power in it, so that nothing can drown"
        )
    weakest = float(np.quantile(power[power > 0], WEAKEST))
    if times is None:
        low, high = np.log(weakest) - MARGIN, np.log(power.max()) + MARGIN
        at = scheme.time(-np.linspace(low, high, FRAMES))
    else:
        at = np.array(times, dtype=float)
    if at.ndim != 1 or not len(at) or not ((at >= 0) & (at <= 1)).all():
        raise InputError("times: at least one is needed, each in [0, 1]; 0 is data and 1 is noise")
    alpha, sigma = scheme.alpha(at), scheme.sigma(at)
    top = 4 * float((alpha**2 * power.max() + sigma**2).max())
    bottom = max(float(alpha.min()) ** 2 * weakest, weakest / 30) / 3
    scale = frequency_scale(spectrum)
    return _Tide(frequency, power, scheme, scale, bottom, top), at


def _fullest(tide: _Tide, times: np.ndarray) -> int:
    """A frame with an elbow, if there is any."""
    middle = np.exp(np.median(np.log(tide.power[tide.power > 0])))
    return int(np.abs(tide.process.log_snr(times) + np.log(middle)).argmin())


def _draw_tide(axes: Axes, tide: _Tide, t: float) -> list[Artist]:
    """One frame; its artists, to be taken off before the next."""
    shown, (scaled, noise) = tide.frequency * tide.scale.factor, tide.coefficients(t)
    signal = scaled * tide.power
    fine = np.union1d(shown, np.geomspace(shown[0], shown[-1], FINE))
    between = np.exp(np.interp(np.log(fine), np.log(shown), _log(signal)))
    seen = between > noise
    elbows = crossings(shown, signal, noise)
    edges = np.array([shown[0], *elbows, shown[-1]])
    above = range(0 if seen[0] else 1, len(edges) - 1, 2)
    runs = [(float(edges[i]), float(edges[i + 1] - edges[i])) for i in above]
    strip = {"lw": 0.6, "transform": axes.get_xaxis_transform()}  # a thin run has its edge
    return [
        axes.axhspan(tide.bottom, max(noise, tide.bottom), color=NOISE, alpha=0.2, lw=0),
        *axes.plot(shown, signal, color=DATA, lw=1.5, alpha=0.4),
        *axes.plot(fine, np.where(seen, between, np.nan), color=DATA, lw=1.8, label="data  α²R(f)"),
        axes.axhline(noise, color=NOISE, lw=1.3, label="noise  σ²"),
        *axes.plot(shown, signal + noise, color=NOISY, lw=2.4, label="noisy data  α²R(f) + σ²"),
        *draw_elbows(axes, elbows, noise, tide.bottom),
        axes.broken_barh([(shown[0], shown[-1] - shown[0])], (0, STRIP), color="#bfc4ca", **strip),
        axes.broken_barh(runs, (0, STRIP), color=DATA, **strip, label="above the noise"),
    ]


def _mark_peak(axes: Axes, tide: _Tide) -> None:
    """Where a spectrum that rises and falls is largest: that drowns last."""
    shown, scale = tide.frequency * tide.scale.factor, tide.scale
    lowest = LOWEST_HEARD_HZ if scale.unit == "Hz" else 0.0
    heard = np.where(shown > lowest, tide.power, 0.0)
    peak = int(heard.argmax())
    if peak == 0 or tide.power[:peak].max() > tide.power[peak]:
        return
    t = float(tide.process.time(-_log(tide.power[peak])))
    axes.axvline(
        float(shown[peak]),
        color=INK,
        lw=1.0,
        ls="--",
        label=f"peak at {scale.say(tide.frequency[peak])}, drowns last (t = {_time(t)})",
    )


def _log(power: np.ndarray) -> np.ndarray:
    """ln, finite where there is no power."""
    return np.log(np.maximum(power, np.finfo(np.float64).tiny))


def _time(t: float) -> str:
    """t with two digits of what is left to its nearer end."""
    near = min(t, 1 - t)
    digits = 2 if near <= 0 else max(2, 1 - int(np.floor(np.log10(near))))
    return f"{t:.{min(digits, 8)}f}"


def _reach(tide: _Tide, t: float, layout: Layout) -> str:
    """How far up the data can be seen."""
    scaled, noise = tide.coefficients(t)
    signal = scaled * tide.power
    elbows = len(crossings(tide.frequency, signal, noise))
    if not elbows:
        return "all above the noise" if signal.max() > noise else "all under the noise"
    level = _log(np.array([noise]))
    f_max = float(last_crossing(tide.frequency, _log(signal), level)[0])
    many = f", {elbows} elbows" if elbows > 1 and layout == "wide" else ""
    return f"f_max = {tide.scale.say(f_max)}{many}"
