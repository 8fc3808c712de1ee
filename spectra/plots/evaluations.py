"""Distance of samples from the data against evaluations, arm by arm."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from spectra.errors import InputError, check_name
from spectra.plots.arms import look_of, short
from spectra.plots.labels import solver_title
from spectra.plots.style import (
    Layout,
    finish,
    house_style,
    legend_above,
    new_figure,
    power_axis,
)

if TYPE_CHECKING:  # scores need torch, a picture of them does not
    from spectra.comparison.results import Comparison

__all__ = ["plot_against_evaluations"]

DISTANCES = {
    "spectral": "spectral distance (dB)",
    "frechet": "Frechet distance (PCA features)",
}


@house_style()
def plot_against_evaluations(
    comparison: "Comparison",
    measure: Literal["spectral", "frechet"] = "spectral",
    *,
    layout: Layout = "wide",
) -> Figure:
    """Distance of samples from the data against evaluations of the denoiser.

    A panel a solver, a line an arm: geometric means over seeds; the upright bar goes from the
    lowest seed to the highest.

    Parameters
    ----------
    comparison
    measure
        "spectral" (dB) or "frechet" (of principal components of the data).
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure

    Raises
    ------
    InputError
        No samples were drawn, or there is no such measure.
    """
    check_name("measure", measure, tuple(DISTANCES))
    solvers = list(dict.fromkeys(solver for solver, _ in comparison.samplers))
    if not solvers:
        raise InputError("comparison: no samples were drawn; give it a number of evaluations")
    wide = layout == "wide"
    rows, columns = (-(-len(solvers) // 3), min(3, len(solvers))) if wide else (len(solvers), 1)
    names = comparison.names
    across = 4 if max(len(short(name, 40)) for name in names) < 22 else 3
    legend = -(-len(names) // (across if wide else 1))
    figure = new_figure(layout, (3.6 if wide else 2.7) * rows + 0.2 * legend + 0.3)
    panels: list[Axes] = list(figure.subplots(rows, columns, squeeze=False, sharey=True).ravel())
    for axes in panels[len(solvers) :]:
        axes.set_axis_off()
    means: list[np.ndarray] = []
    for axes, solver in zip(panels, solvers, strict=False):
        counts = [count for found, count in comparison.samplers if found == solver]
        for k, name in enumerate(names):
            means.append(_draw_distances(axes, comparison, k, name, (measure, solver), counts))
        axes.set(xscale="log", yscale="log", title=solver_title(solver))
        axes.set_xlim(min(counts) / 1.25, max(counts) * 1.25)
        axes.xaxis.set_major_locator(FixedLocator(counts))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xlabel("evaluations of the denoiser")
    _distance_axis(panels[0], np.concatenate(means))
    for axes in panels[::columns]:
        power_axis(axes, DISTANCES[measure])
    legend_above(figure, panels[: len(solvers)], across if wide else 1)
    return finish(figure)


def _draw_distances(
    axes: Axes,
    comparison: "Comparison",
    k: int,
    name: str,
    of: tuple[str, str],
    counts: Sequence[int],
) -> np.ndarray:
    """One arm's line in a panel; its means that are finite."""
    measure, solver = of
    logs = np.array([comparison.log_distances(name, measure, n, solver) for n in counts])  # [N, S]
    there = np.isfinite(logs).all(axis=1)
    # Side by side: bars of many arms at one number of evaluations would hide each other.
    aside = 1.0 + 0.012 * (k - (len(comparison.names) - 1) / 2)
    place, logs = np.array(counts)[there] * aside, logs[there]
    mean, table = np.exp(logs.mean(axis=1)), np.exp(logs)
    bars = np.abs([mean - table.min(axis=1), table.max(axis=1) - mean])
    axes.errorbar(place, mean, bars, label=short(name, 40), elinewidth=0.8, **look_of(k))
    return mean


def _distance_axis(axes: Axes, means: np.ndarray) -> None:
    """Over all that is finite."""
    if not len(means):
        return
    low, high = float(means.min()) / 1.3, float(means.max()) * 1.3
    axes.set_ylim(low, high)
