"""What a basis is worth: how few of its components hold the variance."""

import contextlib
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from spectra.bases import explained_variance, log_determinant_excess, log_determinant_gap
from spectra.errors import InputError
from spectra.plots.style import (
    DATA,
    DERIVED,
    INK,
    NOISE,
    NOISY,
    SERIES,
    STANDARD,
    Layout,
    finish,
    house_style,
    legend_above,
    new_figure,
)
from spectra.spectrum import Spectrum

__all__ = ["BasisWorth", "basis_worths", "plot_bases"]

STYLES = {
    "pixel": (NOISE, "-"),
    "dct": (DATA, "-"),
    "fourier": (DERIVED, "--"),
    "wavelet": (STANDARD, "-."),
    "pca": (INK, ":"),
}
POINTS = 400  # of a curve; a page shows no more


@dataclass(frozen=True)
class BasisWorth:
    """The variance of a basis's components, largest first.

    Attributes
    ----------
    name : str
    variance : float64 [K]
    share : float64 [K]
        In the 1, 2, ... largest.
    gap : float or None
        What independence loses beside PCA, nats/dimension; None where it is not known.
    """

    name: str
    variance: np.ndarray
    share: np.ndarray
    gap: float | None

    def needed(self, share: float) -> int | None:
        """How many components hold this share of the variance; None if the known do not."""
        at = int(np.searchsorted(self.share, share * (1 - 1e-12)))
        return at + 1 if at < len(self.share) else None


def basis_worths(spectrum: Spectrum) -> list[BasisWorth]:
    """Every measured basis with some variance; none where no basis was measured.

    The gaps are less what PCA's own noise adds to them, where rounding gives no floor.
    """
    tables = {name: spectrum.component_variance(name).ravel() for name in spectrum.bases}
    tables = {name: table for name, table in tables.items() if table.any()}
    dimensions = int(np.prod(spectrum.shape))
    total = max((float(table.sum()) for table in tables.values()), default=0.0)
    floor = spectrum.quantisation_floor
    excess = log_determinant_excess(spectrum.n_files, dimensions) if floor == 0 else 0.0
    known = "pca" in tables and tables["pca"].size == dimensions and np.isfinite(excess)
    found = []
    for name, table in tables.items():
        gap = None
        if known:
            # Empty components and no floor: there is no gap to state.
            with contextlib.suppress(InputError):
                gap = log_determinant_gap(table, tables["pca"], floor)
                gap -= excess if name != "pca" else 0.0
        share = explained_variance(table, max(0.0, total - float(table.sum())))
        found.append(BasisWorth(name, np.sort(table)[::-1], share, gap))
    return found


@house_style()
def plot_bases(spectrum: Spectrum, *, layout: Layout = "wide") -> Figure:
    """Variance of the components of each basis, largest first, and what share the first hold.

    Parameters
    ----------
    spectrum
        With at least one basis measured.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Raises
    ------
    InputError
        No basis was measured, or none has any variance.
    """
    worths = basis_worths(spectrum)
    if not worths:
        raise InputError(f"{spectrum.name}: no basis was measured; analyze again with bases")
    wide = layout == "wide"
    figure = new_figure(layout, 4.2 if wide else 6.8)
    left, right = figure.subplots(1 if wide else 2, 2 if wide else 1, squeeze=False).ravel()
    most = max(len(worth.variance) for worth in worths)
    largest = max(float(worth.variance[0]) for worth in worths)
    least = largest
    for i, worth in enumerate(worths):
        others = [(colour, "-") for colour in (NOISY, *SERIES[3:])]
        colour, line = STYLES.get(worth.name, others[i % len(others)])
        count = len(worth.variance)
        rank = np.unique(np.geomspace(1, count, POINTS).round().astype(int))
        variance = worth.variance[rank - 1]
        positive = variance > 1e-12 * largest  # below is the arithmetic's own rounding
        least = min(least, float(variance[positive].min()))
        left.plot(rank[positive], variance[positive], color=colour, ls=line, label=worth.name)
        right.plot(rank, 100 * worth.share[rank - 1], color=colour, ls=line)
    # A few nearly empty components would only squeeze the rest.
    left.set_ylim(max(least, 1e-9 * largest) / 1.6, 1.6 * largest)
    left.set_yscale("log")
    left.set_ylabel("variance of the component")
    right.set_ylim(0, 102)
    right.set_ylabel("variance in the largest (%)")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlim(0.9, 1.1 * most)
        axes.set_xlabel("components, by falling variance (rank)")
    legend_above(figure, [left], 5 if wide else 3)
    return finish(figure)
