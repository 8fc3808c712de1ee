"""Paths of samples in two dimensions, from noise to data."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spectra.errors import InputError
from spectra.plots.animation import Moving
from spectra.plots.labels import as_label
from spectra.plots.panel import close_grid
from spectra.plots.style import (
    DATA,
    INK,
    MUTED,
    NOISY,
    Layout,
    finish,
    house_style,
    new_figure,
)

__all__ = ["animate_sample_paths", "plot_sample_paths"]

MOST_PATHS = 24
MOST_POINTS = 400  # of a frame
TRAIL = 6  # frames that a point drags behind it
HOLD = 1.06  # room about what is drawn


@house_style()
def plot_sample_paths(
    paths: Mapping[str, np.ndarray],
    data: np.ndarray,
    *,
    names: tuple[str, str] = ("pixel 1", "pixel 2"),
    columns: int = 3,
    layout: Layout = "wide",
) -> Figure:
    """Where samples go on their way from noise (rings) to data (dots), a panel a schedule.

    Parameters
    ----------
    paths
        Name -> x [T, n, 2], from noise to data, as `mixture_paths` gives them; the first 24 of n.
    data
        Examples [m, 2], drawn behind.
    names
        Of the two coordinates.
    columns
        Panels in a row.
    layout
        "wide" or "narrow" (then two columns at most).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        No path, or arrays of other shapes.
    """
    held = _shown(paths, MOST_PATHS)
    figure, panels = _panels(held, data, names, columns, layout)
    for axes, (name, x) in zip(panels, held.items(), strict=False):
        axes.plot(x[..., 0], x[..., 1], color=NOISY, lw=0.9, alpha=0.75)
        axes.plot(*x[0].T, ls="none", marker="o", ms=4, mfc="none", mec=INK, mew=0.8)
        axes.plot(*x[-1].T, ls="none", marker="o", ms=3.4, color=INK)
        axes.set_title(as_label(name))
    return finish(figure, trim=True)


@house_style()
def animate_sample_paths(
    paths: Mapping[str, np.ndarray],
    data: np.ndarray,
    t: np.ndarray,
    *,
    names: tuple[str, str] = ("pixel 1", "pixel 2"),
    columns: int = 3,
    frames: int = 36,
    layout: Layout = "wide",
) -> FuncAnimation:
    """The same samples on their way, together in time; each panel a schedule.

    Parameters
    ----------
    paths, data, names, columns, layout
        As of `plot_sample_paths`; up to 400 points a panel.
    t
        Times of the paths, [T], falling from 1 to 0.
    frames
        Of the animation, even in t.

    Returns
    -------
    FuncAnimation

    Raises
    ------
    InputError
        No path, arrays of other shapes, or fewer than two frames.
    """
    times = np.asarray(t, float)
    held = _shown(paths, MOST_POINTS)
    if times.ndim != 1 or any(x.shape[:1] != times.shape for x in held.values()):
        raise InputError(f"t of shape {times.shape}: a time for every point of the paths")
    if frames < 2:
        raise InputError(f"frames {frames}: two or more are needed")
    figure, panels = _panels(held, data, names, columns, layout)
    drawn = []
    for axes, name in zip(panels, held, strict=False):
        title = axes.set_title(f"{as_label(name)}\nt = 1.00")
        (trail,) = axes.plot([], [], color=NOISY, lw=0.6, alpha=0.5)
        (points,) = axes.plot([], [], ls="none", marker="o", ms=3, color=INK)
        drawn.append((title, name, trail, points))
    finish(figure, trim=True)
    at = np.linspace(0, len(times) - 1, frames).round().astype(int)

    def draw(frame: int) -> Sequence[object]:
        now, first = at[frame], at[max(frame - TRAIL, 0)]
        for (title, name, trail, points), x in zip(drawn, held.values(), strict=True):
            points.set_data(*x[now].T)
            # One broken line for all trails: a gap after each.
            pieces = np.concatenate([x[first : now + 1], np.full((1, *x.shape[1:]), np.nan)])
            trail.set_data(*pieces.transpose(1, 0, 2).reshape(-1, 2).T)
            title.set_text(f"{as_label(name)}\nt = {times[now]:.2f}")
        return []

    draw(0)
    return Moving(figure, draw, frames=frames, interval=90, blit=False)  # pyright: ignore


def _shown(paths: Mapping[str, np.ndarray], most: int) -> dict[str, np.ndarray]:
    """At most so many of each, float64 [T, n, 2]."""
    if not paths:
        raise InputError("paths: none given; make some with mixture_paths")
    for name, x in paths.items():
        if np.ndim(x) != 3 or np.shape(x)[2] != 2 or not np.isfinite(x).all():
            raise InputError(f"{name}: finite paths [T, n, 2] are needed, not {np.shape(x)}")
    return {name: np.asarray(x, float)[:, :most] for name, x in paths.items()}


def _panels(
    paths: Mapping[str, np.ndarray],
    data: np.ndarray,
    names: tuple[str, str],
    columns: int,
    layout: Layout,
) -> tuple[Figure, list[Axes]]:
    """Square panels with the data behind, on one scale."""
    data = np.asarray(data, float)
    if data.ndim != 2 or data.shape[1] != 2:
        raise InputError(f"data of shape {data.shape}: [m, 2] is needed")
    wide = layout == "wide"
    across = min(len(paths), columns if wide else min(columns, 2))
    rows = -(-len(paths) // across)
    side = (9.2 if wide else 4.0) / across
    figure = new_figure(layout, rows * (side + 0.5) + 0.4)
    grid = figure.subplots(rows, across, squeeze=False, sharex=True, sharey=True)
    reach = HOLD * max(float(np.abs(x).max()) for x in (*paths.values(), data))
    for axes in grid.ravel()[: len(paths)]:
        axes.plot(*data.T, ls="none", marker=".", ms=2.5, color=DATA, alpha=0.35, mew=0)
        axes.set_box_aspect(1)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach))
        for line in (axes.axvline, axes.axhline):
            line(0, color=MUTED, lw=0.6)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(4, integer=True))
    close_grid(grid, len(paths), names[0])
    for axes in grid[:, 0]:
        axes.set_ylabel(names[1])
    return figure, list(grid.ravel())
