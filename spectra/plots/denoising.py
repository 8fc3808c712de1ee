"""What a denoiser leaves wrong, octave by octave, beside the best linear one."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from spectra.plots.octaves import octave_axis
from spectra.plots.style import (
    DATA,
    DERIVED,
    MUTED,
    NOISY,
    OLIVE,
    Layout,
    finish,
    house_style,
    legend_above,
    new_figure,
)
from spectra.schedule.auditing.account import Octave, octaves_of
from spectra.schedule.steps.denoising import DenoisingError

__all__ = ["OctaveErrors", "octave_errors", "plot_denoising"]

CURVES = 4  # bands of the first panel; more are no longer told apart
STYLES = ((DATA, "o"), (DERIVED, "s"), (OLIVE, "D"), (NOISY, "^"))
FACTOR = 2.0  # of the Wiener filter's error, where the colours end
TOLD = 0.002  # of an octave's variance: where neither errs by more, the ratio is greyed out
BETTER_OR_WORSE = LinearSegmentedColormap.from_list(
    "better_or_worse", ["#08304f", DATA, "#aed3ee", "#f7f7f7", "#f5c9a4", "#e8873a", "#8a3b00"]
)


@dataclass(frozen=True, eq=False)
class OctaveErrors:
    """Squared error within octaves.

    Attributes
    ----------
    octaves : [O]
        By rising frequency; components without frequency by falling variance.
    sigma : [L]
    error, wiener : [L, O]
        Of the denoiser and of the Wiener filter for the same variances, summed.
    variance : [O]
        Summed.
    """

    octaves: tuple[Octave, ...]
    sigma: np.ndarray
    error: np.ndarray
    wiener: np.ndarray
    variance: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """Error over the Wiener filter's, [L, O]; 1 where there is nothing to denoise."""
        return np.where(self.wiener > 0, self.error / np.where(self.wiener > 0, self.wiener, 1), 1)

    def merged(self, most: int) -> "OctaveErrors":
        """Neighbouring octaves together, so that at most `most` bands are left."""
        if len(self.octaves) <= most:
            return self
        first = np.unique(np.linspace(0, len(self.octaves), most + 1).round().astype(int))[:-1]
        last = np.r_[first[1:], len(self.octaves)] - 1
        bands = [_span(self.octaves[a], self.octaves[b]) for a, b in zip(first, last, strict=True)]
        error, wiener = (
            np.add.reduceat(table, first, axis=1) for table in (self.error, self.wiener)
        )
        variance = np.add.reduceat(self.variance, first)
        return OctaveErrors(tuple(bands), self.sigma, error, wiener, variance)


def octave_errors(error: DenoisingError) -> OctaveErrors:
    """Sum a denoising error, and the Wiener filter's, over octaves."""
    index, octaves = octaves_of(error.make_basis().frequency, error.variance)

    def summed(table: np.ndarray) -> np.ndarray:
        rows = table.reshape(-1, len(index))
        return np.array([np.bincount(index, row, len(octaves)) for row in rows])

    law = error.wiener()
    return OctaveErrors(
        octaves, error.sigma, summed(error.error), summed(law.error), summed(error.variance)[0]
    )


@house_style()
def plot_denoising(error: DenoisingError, *, layout: Layout = "wide") -> Figure:
    """Where a denoiser errs, and where it is better or worse than the best linear one.

    First panel: the share of each band's variance that is still wrong, over the noise level; the
    Wiener filter's dashed. Second: the ratio of the two in every octave. Blue is below it, which
    only structure beyond the spectrum allows; brown above it, what training has not reached.
    Hatched is the clean end, where either is wrong in less than 0.2 % of the octave's variance.

    Parameters
    ----------
    error
        Of any denoiser; see `measure_denoiser`.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure
    """
    found = octave_errors(error)
    wide = layout == "wide"
    rows = len(found.octaves)
    figure = new_figure(layout, max(4.4, 2.2 + 0.24 * rows) if wide else 6.6 + 0.1 * rows)
    panels = figure.subplots(1 if wide else 2, 2 if wide else 1, squeeze=False).ravel()
    _shares(panels[0], found.merged(CURVES))
    _ratios(panels[1], found)
    for axes in panels:
        axes.set_xlabel("noise level sigma, in units of the data")
        axes.xaxis.set_major_locator(LogLocator(numticks=7 if wide else 5))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    legend_above(figure, list(panels), 3 if wide else 1)
    return finish(figure)


def _shares(axes: Axes, found: OctaveErrors) -> None:
    """Error over variance of each band, with the Wiener filter's."""
    used = found.variance > 0
    held = np.where(used, found.variance, 1.0)
    top = 1.0
    for k in np.flatnonzero(used):
        colour, mark = STYLES[k % len(STYLES)]
        share, law = found.error[:, k] / held[k], found.wiener[:, k] / held[k]
        top = max(top, float(share.max()))
        axes.plot(found.sigma, law, color=colour, lw=1.1, ls="--")
        label = found.octaves[k].label.replace("-", "\N{EN DASH}")
        axes.plot(found.sigma, share, color=colour, marker=mark, ms=4, label=label)
    axes.plot([], [], color=MUTED, lw=1.1, ls="--", label="the Wiener filter's")
    axes.set_xscale("log")
    if len(found.sigma) > 1:
        axes.set_xlim(found.sigma[0], found.sigma[-1])
    axes.set_ylim(0, 1.04 * min(top, 2.0))
    axes.set_title("share still wrong")
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.0%}"))


def _ratios(axes: Axes, found: OctaveErrors) -> None:
    """Error over the Wiener filter's as colour, an octave a row."""
    rows = len(found.octaves)
    logs = np.log(found.sigma)
    half = np.diff(logs) / 2 if len(logs) > 1 else np.array([0.5])
    edges = np.exp(np.r_[logs[0] - half[0], logs[:-1] + half[: len(logs) - 1], logs[-1] + half[-1]])
    shown = np.log2(np.clip(found.ratio, 1 / FACTOR, FACTOR)).T  # [O, L]
    reach = np.log2(FACTOR)
    lines = np.arange(rows + 1) - 0.5
    picture = axes.pcolormesh(
        edges, lines, shown, cmap=BETTER_OR_WORSE, vmin=-reach, vmax=reach, rasterized=True
    )
    sure = np.maximum(found.error, found.wiener) < TOLD * np.maximum(found.variance, 1e-300)
    label: str | None = f"less than {TOLD:.1%} of the octave wrong"
    for k in range(rows):
        last = int(np.searchsorted(~sure[:, k], True)) if sure[0, k] else 0  # from the clean end
        if last:
            axes.fill_betweenx(
                lines[k : k + 2], edges[0], edges[last],
                facecolor="none", edgecolor=MUTED, alpha=0.7, lw=0, hatch="///", label=label,
            )  # fmt: skip
            label = None
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    axes.grid(visible=False)
    unit, names = octave_axis([octave.label for octave in found.octaves])
    every = 1 + (rows - 1) // 12
    axes.set_yticks(np.arange(rows)[::every].tolist(), labels=names[::every])
    axes.tick_params(axis="y", length=0)
    axes.set_title("error over the Wiener filter's")
    axes.set_ylabel(f"octave ({unit})" if unit else "components, by falling variance")
    figure = axes.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(picture, ax=axes, extend="both", aspect=26, pad=0.02)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    ticks = np.array([0.5, 0.7, 1, 1.4, 2])
    bar.set_ticks(np.log2(ticks).tolist(), labels=["half", "0.7", "equal", "1.4", "twice"])
    bar.ax.yaxis.set_minor_formatter(NullFormatter())


def _span(low: Octave, high: Octave) -> Octave:
    """A band from one octave to another."""
    if low is high:
        return low
    unit, _ = octave_axis([high.label])
    if not unit:
        label = f"components {low.low:.0f}-{high.high:.0f}"
    elif low.low == 0:
        label = f"up to {high.high:.3g} {unit}"
    else:
        label = f"{low.low:.3g}-{high.high:.3g} {unit}"
    return Octave(low.low, high.high, label)
