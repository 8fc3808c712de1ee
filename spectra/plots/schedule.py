"""A schedule as a picture over component and time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from spectra.plots.labels import as_label, power_of_ten
from spectra.plots.style import (
    DATA,
    Layout,
    finish,
    house_style,
    new_figure,
)
from spectra.schedule import Schedule
from spectra.spectrum.spectrum import frequency_unit

__all__ = ["plot_schedule"]

ROWS, COLUMNS = 160, 200  # of the picture; a page shows no more
DECADES = 6.0  # either side of SNR = 1 beyond which the colour no longer changes
SIGNAL_OR_NOISE = LinearSegmentedColormap.from_list(
    "signal_or_noise",
    ["#5c2400", "#b34e00", "#e8873a", "#f5c9a4", "#f7f7f7", "#aed3ee", "#4a9fd8", DATA, "#08304f"],
)


@house_style()
def plot_schedule(schedule: Schedule, standard: Schedule, *, layout: Layout = "wide") -> Figure:
    """log SNR over component and time of a schedule, next to standard diffusion's.

    Components are sorted by frequency (in the pixel basis by variance) on a logarithmic axis
    of rank, so that each octave is equally tall. Both pictures share one scale of colour, whose
    middle is SNR = 1; a line marks it.

    Parameters
    ----------
    schedule, standard
        Any two schedules.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure

    Examples
    --------
    >>> from spectra.plots import plot_schedule, save_figure
    >>> spectrum = spectra.analyze("digits")
    >>> derived, copied = spectra.derive_schedule(spectrum), spectra.standard_schedule(spectrum)
    >>> save_figure(plot_schedule(derived, copied), "schedules.png")
    """
    pair = (schedule, standard)
    t = np.linspace(0, 1, COLUMNS)  # [T]
    pictures = [_log_snr_rows(one, t) for one in pair]  # [R, T] in decades
    reach = min(DECADES, max(float(np.abs(picture).max()) for picture in pictures))
    reach = max(1.0, np.ceil(reach))
    wide = layout == "wide"
    figure = new_figure(layout, 4.5 if wide else 6.6)
    panels = figure.subplots(1 if wide else 2, 2 if wide else 1, squeeze=False).ravel()
    shown = None
    for axes, one, picture in zip(panels, pair, pictures, strict=True):
        shown = axes.imshow(
            picture,
            origin="lower",
            aspect="auto",
            extent=(0, 1, 0, 1),
            cmap=SIGNAL_OR_NOISE,
            vmin=-reach,
            vmax=reach,
            interpolation="none",
        )
        if picture.min() < 0 < picture.max():
            rows = (np.arange(ROWS) + 0.5) / ROWS
            axes.contour(t, rows, picture, levels=[0.0], colors="#fdfdfd", linewidths=3.4)
            axes.contour(t, rows, picture, levels=[0.0], colors="#111417", linewidths=1.4)
        axes.grid(visible=False)
        title = f"standard diffusion: {one.name}" if one is standard else one.name
        axes.set_title(as_label(title, 46))
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "0.25", "0.5", "0.75", "1"])
        _component_axis(axes, one)
    for axes in panels if wide else panels[1:]:
        axes.set_xlabel("time t (0 data, 1 noise)")
    ticks = np.arange(-reach, reach + 0.5, 2 if reach > 4 else 1)
    bar = figure.colorbar(
        shown,  # pyright: ignore[reportArgumentType]
        ax=list(panels),
        location="right" if wide else "top",
        extend="both",
        ticks=ticks,
        label="SNR of the component (line: SNR = 1)",
        aspect=28,
        pad=0.02,
    )
    bar.ax.tick_params(labelsize=9.0)
    names = [power_of_ten(10.0**k) for k in ticks]
    bar.set_ticks(ticks.tolist(), labels=names)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    return finish(figure)


def component_order(schedule: Schedule) -> np.ndarray:
    """Flat indices of the components from the first generated to the last, [D].

    By rising frequency, equal ones by falling variance; the pixel basis has no frequency.
    """
    frequency, variance = schedule.frequency.ravel(), schedule.variance.ravel()
    if np.isnan(frequency).any():
        return np.argsort(-variance, kind="stable")
    return np.lexsort((-variance, frequency))


def _log_snr_rows(schedule: Schedule, t: np.ndarray) -> np.ndarray:
    """Mean log10 SNR of the components in each of ROWS equal steps of ln(rank), [R, T]."""
    order = component_order(schedule)
    starts = np.floor(_rank_edges(len(order))[:-1]).astype(int) - 1
    stops = np.maximum(np.floor(_rank_edges(len(order))[1:]).astype(int) - 1, starts + 1)
    rows = np.empty((ROWS, len(t)))
    for j, time in enumerate(t):  # one time at a time: all at once may not fit in memory
        log_snr = np.asarray(schedule.log_snr(np.array([time]))).ravel()[order] / np.log(10)
        # The ends of a process may be infinite; a picture needs a number.
        total = np.concatenate([[0.0], np.cumsum(np.clip(log_snr, -30, 30))])
        rows[:, j] = (total[stops] - total[starts]) / (stops - starts)
    return rows


def _rank_edges(count: int) -> np.ndarray:
    """Row edges, as ranks from 1 to count + 1, evenly spaced in the logarithm, [R + 1]."""
    return np.geomspace(1, count + 1 + 1e-9, ROWS + 1)


def _component_axis(axes: Axes, schedule: Schedule) -> None:
    """Label the rows: frequencies where the basis has them, ranks where it has none."""
    order = component_order(schedule)
    span = np.log(len(order) + 1)
    frequency = schedule.frequency.ravel()[order]
    if np.isnan(frequency).any():
        ranks = [10**k for k in range(8) if 10**k <= len(order)]
        labels = [f"{rank:,}" for rank in ranks]
        axes.set_ylabel("component, by falling variance (rank)")
    else:
        octaves = [0.5 / 2**k for k in range(24) if 0.5 / 2**k >= frequency[frequency > 0].min()]
        marks = [0.0, *octaves[:: 1 + len(octaves) // 8][::-1]]
        ranks = [1 + int(np.searchsorted(frequency, mark * (1 - 1e-9))) for mark in marks]
        labels = ["0", *(f"{mark:.3g}" for mark in marks[1:])]
        axes.set_ylabel(f"component, by frequency ({frequency_unit(schedule.shape)})")
    axes.set_yticks((np.log(ranks) / span).tolist(), labels=labels)
