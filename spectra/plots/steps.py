"""What few steps cost: predicted error against evaluations, our grid beside the published ones."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from spectra.plots.labels import power_of_ten, solver_title
from spectra.plots.style import (
    DERIVED,
    MUTED,
    NOISY,
    OLIVE,
    STANDARD,
    Layout,
    finish,
    house_style,
    legend_above,
    new_figure,
)
from spectra.schedule import GridComparison

__all__ = ["plot_steps"]

# Name, colour, line, mark, shown as.
RULES = (
    ("optimal", DERIVED, "-", "o", "optimised for this spectrum and solver"),
    ("edm", STANDARD, "--", "s", "EDM, rho = 7"),
    ("log-linear", NOISY, "-.", "^", "even in ln sigma"),
    ("tangent", OLIVE, ":", "D", "tangent (Align Your Steps, Gaussian)"),
    ("rescaled-entropic", MUTED, "--", "v", "rescaled entropy"),
)
LEAST = 1e-6  # of the variance: errors below are drawn at the axis' foot


@house_style()
def plot_steps(comparison: GridComparison, *, layout: Layout = "wide") -> Figure:
    """Predicted squared W2 distance of samples and data, over the data's variance.

    Exact for Gaussian data of the schedule's variances; see `schedule.gaussian`.

    Parameters
    ----------
    comparison
        What `compare_grids` gave: a panel for each of its solvers.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure
    """
    evaluations, solvers = comparison.evaluations, list(comparison.errors)
    wide = layout == "wide"
    figure = new_figure(layout, 4.0 if wide else 2.4 * len(solvers) + 1.6)
    shape = (1, len(solvers)) if wide else (len(solvers), 1)
    panels: list[Axes] = list(
        figure.subplots(*shape, squeeze=False, sharex=True, sharey=True).ravel()
    )
    lowest = 1.0
    for axes, solver in zip(panels, solvers, strict=True):
        for rule, colour, line, mark, label in RULES:
            found = comparison.errors[solver].get(rule)
            if found is None:
                continue
            shown = np.maximum(found, LEAST)
            lowest = min(lowest, float(shown.min()))
            axes.plot(evaluations, shown, line, color=colour, marker=mark, ms=5, label=label)
        axes.set_title(solver_title(solver))
        axes.set(xscale="log", yscale="log")
        axes.xaxis.set_major_locator(FixedLocator(list(evaluations)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0f}"))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_locator(LogLocator(numticks=8))
        axes.yaxis.set_major_formatter(FuncFormatter(_tick))
        axes.yaxis.set_minor_locator(NullLocator())
    panels[0].set_ylim(bottom=lowest / 1.6)
    for axes in panels if wide else panels[-1:]:
        axes.set_xlabel("evaluations of the denoiser")
    for axes in panels[:1] if wide else panels:
        axes.set_ylabel("squared distance (W2²)\nover the variance")
    legend_above(figure, panels[:1], 2 if wide else 1)
    return finish(figure)


def _tick(value: float, _: int) -> str:
    """As powers; the foot of the axis stands for all below it."""
    text = power_of_ten(value)
    return f"≤ {text}" if value <= 1.01 * LEAST else text
