"""An audit as one picture: what the data ask for, where training and sampling go."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from spectra.plots.labels import as_label, power_of_ten
from spectra.plots.octaves import octave_axis
from spectra.plots.style import (
    DATA,
    DERIVED,
    GRID,
    INK,
    MUTED,
    NOISE,
    NOISY,
    PAPER,
    Layout,
    finish,
    house_style,
    legend_above,
    new_figure,
)
from spectra.schedule.auditing.audit import Audit

__all__ = ["plot_audit"]

IDLE = 0.01  # of an octave's mean rate: nothing is learnt where none has more
UNTRAINED = 0.01  # of the mean training density
LEAST_ERROR = 1e-7  # of an octave's variance; a page shows no less


@house_style()
def plot_audit(audit: Audit, *, layout: Layout = "wide") -> Figure:
    """Where a data set is learnt, trained and sampled over ln sigma, and each octave's error.

    The blue area is when the octaves of the data are learnt, in nats, every octave counting
    alike, the line the training density, both as shares per doubling of the noise level. Below
    them the sampler's steps, and as many optimal ones. Grey is where nothing is learnt; hatched
    where sampling goes and training never did. On the right the predicted squared W2 of each
    octave as a share of its variance, with these steps and with optimal ones.

    Parameters
    ----------
    audit
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure
    """
    wide = layout == "wide"
    rows = len(audit.octaves)
    height = 4.9 if wide else 6.4 + 0.3 * rows
    figure = new_figure(layout, height)
    if wide:
        grid = figure.add_gridspec(2, 2, width_ratios=(1.75, 1), height_ratios=(4.2, 1))
        cells = (grid[0, 0], grid[1, 0], grid[:, 1])
    else:
        ratios = (2.4, 0.75, 0.6 + 0.3 * rows)
        stacked = figure.add_gridspec(3, 1, height_ratios=ratios)
        cells = (stacked[0], stacked[1], stacked[2])
    density = figure.add_subplot(cells[0])
    steps = figure.add_subplot(cells[1], sharex=density)
    octaves = figure.add_subplot(cells[2])
    _densities(density, audit)
    _steps(steps, audit)
    _zones((density, steps), audit)
    _octaves(octaves, audit)
    density.tick_params(labelbottom=False)
    density.set_title(as_label(_title(audit), 62 if wide else 46))
    legend_above(figure, [density, octaves], 3 if wide else 1)
    return finish(figure)


def _title(audit: Audit) -> str:
    high = sum(finding.severity == "high" for finding in audit.findings)
    found = len(audit.findings)
    count = "nothing amiss" if not found else f"{found} finding" + "s" * (found > 1)
    return f"{audit.name}: {count}" + (f", {high} high" if high else "")


def _densities(axes: Axes, audit: Audit) -> None:
    """When the octaves are learnt, and when they are trained, per doubling of sigma."""
    octave = np.log(2)
    asked = audit.octave_rate.clip(0).mean(axis=1) * octave
    low, high = _limits(audit)
    axes.fill_between(audit.sigma, 0, asked, color=DATA, alpha=0.22, lw=0)
    axes.plot(audit.sigma, asked, color=DATA, label="learnt (nats, every octave alike)")
    top = float(asked.max())
    if audit.training_density is not None:
        trained = audit.training_density.clip(0) * octave
        axes.plot(audit.sigma, trained, color=NOISY, ls="--", label="trained")
        top = max(top, float(trained.max()))
    else:
        axes.plot([], [], color=NOISY, ls="--", label="trained: not known")
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.set_ylim(0, 1.12 * max(top, 1e-9))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.0%}"))
    axes.locator_params(axis="y", nbins=5)
    axes.set_ylabel("share per doubling of sigma")


def _limits(audit: Audit) -> tuple[float, float]:
    """From what is learnt, trained or sampled; a page shows no emptier decades."""
    seen = audit.octave_rate.max(axis=1) > 1e-3
    if audit.training_density is not None:
        seen = seen | (audit.training_density > 1e-3)
    ends = np.concatenate([audit.sigma[seen], audit.knots, audit.best_knots])
    return float(ends.min() / 1.5), float(ends.max() * 1.5)


def _steps(axes: Axes, audit: Audit) -> None:
    """The sampler's knots over the optimal ones, as ticks."""
    for height, knots, colour in ((1, audit.knots, INK), (0, audit.best_knots, DERIVED)):
        axes.vlines(knots, height - 0.34, height + 0.34, color=colour, lw=1.6)
    axes.set_ylim(-0.6, 1.6)
    axes.set_yticks([1, 0], labels=[f"{len(audit.knots)} steps", "optimal"])
    axes.tick_params(axis="y", length=0)
    axes.yaxis.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("noise level sigma, in units of the data")
    axes.xaxis.set_major_locator(LogLocator(numticks=9))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _zones(panels: tuple[Axes, ...], audit: Audit) -> None:
    """Grey where nothing is learnt, hatched where sampling goes and training never did."""
    mean = 1 / np.log(audit.knots[0] / audit.knots[-1]) if len(audit.knots) > 1 else 0.0
    idle = audit.octave_rate.max(axis=1) < IDLE * mean
    zones = [(idle, {"color": NOISE, "alpha": 0.16, "lw": 0}, "nothing is learnt")]
    if audit.training_density is not None:
        within = (audit.sigma <= audit.knots[0]) & (audit.sigma >= audit.knots[-1])
        untrained = within & (audit.training_density < UNTRAINED * mean) & ~idle
        look = {"facecolor": "none", "edgecolor": NOISY, "alpha": 0.5, "lw": 0, "hatch": "///"}
        zones.append((untrained, look, "sampled, not trained"))
    low, high = panels[0].get_xlim()
    for where, look, label in zones:
        for k, (first, last) in enumerate(_runs(where)):
            # A zone at the end of what is looked at goes on to the edge of the page.
            begin = low if first == 0 else float(audit.sigma[first])
            end = high if last == len(where) - 1 else float(audit.sigma[last])
            if end <= max(begin, low):
                continue
            for axes in panels:
                name = label if k == 0 and axes is panels[0] else None
                axes.axvspan(max(begin, low), min(end, high), label=name, zorder=0, **look)


def _runs(where: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of each stretch that is true."""
    edges = np.flatnonzero(np.diff(np.r_[0, where.astype(int), 0]))
    return [(int(a), int(b) - 1) for a, b in edges.reshape(-1, 2)]


def _octaves(axes: Axes, audit: Audit) -> None:
    """A dumbbell an octave: its error with these steps, and with optimal ones."""
    rows = audit.octaves
    place = np.arange(len(rows))
    ours = np.array([max(row.error, LEAST_ERROR) for row in rows])
    share = np.array([row.best_w2 / row.w2 if row.w2 > 0 else 1.0 for row in rows])
    best = np.maximum(ours * share, LEAST_ERROR)
    axes.hlines(place, np.minimum(ours, best), np.maximum(ours, best), color=MUTED, lw=2.2)
    look = {"ls": "none", "mec": PAPER, "mew": 1.0, "ms": 8.0}
    axes.plot(
        best, place, marker="o", color=DERIVED, label="error of an octave, optimal steps", **look
    )
    axes.plot(ours, place, marker="s", color=INK, label="error of an octave, these steps", **look)
    axes.set_xscale("log")
    reach = np.r_[ours, best]
    axes.set_xlim(reach.min() / 2.5, reach.max() * 2.5)
    axes.xaxis.set_major_locator(LogLocator(numticks=5))
    axes.xaxis.set_major_formatter(FuncFormatter(_percent))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_ylim(-0.6, len(rows) - 0.4)
    unit, labels = octave_axis([row.label for row in rows])
    axes.set_yticks(place.tolist(), labels=labels)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x", color=GRID)
    axes.yaxis.grid(visible=False)
    axes.set_title(f"octave ({unit})" if unit else "components, by falling variance")
    axes.set_xlabel("predicted error (W2 squared)\nas a share of the octave's variance")


def _percent(x: float, _: object) -> str:
    return f"{100 * x:g} %" if x >= 1e-5 else power_of_ten(x)
