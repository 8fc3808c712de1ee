"""What a basis is worth: how few of its components hold the variance."""

import numpy as np
from matplotlib.figure import Figure

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
    power_axis,
)
from spectra.spectrum import Spectrum
from spectra.spectrum.components import basis_worths

__all__ = ["plot_bases"]

STYLES = {
    "pixel": (NOISE, "-"),
    "dct": (DATA, "-"),
    "fourier": (DERIVED, "--"),
    "wavelet": (STANDARD, "-."),
    "pca": (INK, ":"),
}
POINTS = 400  # of a curve; a page shows no more


@house_style()
def plot_bases(spectrum: Spectrum, *, layout: Layout = "wide") -> Figure:
    """Variance of the components of each basis, largest first, and what share the first hold.

    Parameters
    ----------
    spectrum
        With at least one basis measured.
    layout
        "wide" (side by side) or "narrow" (stacked).

    Returns
    -------
    Figure

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
    power_axis(left, "variance of the component")
    right.set_ylim(0, 102)
    right.set_ylabel("variance in the largest (%)")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlim(0.9, 1.1 * most)
        axes.set_xlabel("components, by falling variance (rank)")
    legend_above(figure, [left], 5 if wide else 3)
    return finish(figure)
