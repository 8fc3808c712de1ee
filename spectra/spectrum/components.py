"""What each basis is worth for a data set: how few components hold its variance, and what else."""

import contextlib
from dataclasses import dataclass

import numpy as np

from spectra.bases import explained_variance, log_determinant_excess, log_determinant_gap
from spectra.errors import InputError
from spectra.spectrum.spectrum import Spectrum

__all__ = ["BasisWorth", "basis_worths"]

MOST_EXCESS = 0.1  # nats/dimension that PCA's noise may add to a gap


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
    dimensions : int
        How many components an example has; of PCA fewer may be known.
    """

    name: str
    variance: np.ndarray
    share: np.ndarray
    gap: float | None
    dimensions: int

    @property
    def in_largest_tenth(self) -> float | None:
        """Share of the variance in the largest tenth; None where not so many are known."""
        tenth = max(1, self.dimensions // 10)
        return float(self.share[tenth - 1]) if tenth <= len(self.share) else None

    def needed(self, share: float) -> int | None:
        """How many components hold this share of the variance; None if the known do not."""
        at = int(np.searchsorted(self.share, share * (1 - 1e-12)))
        return at + 1 if at < len(self.share) else None


def basis_worths(spectrum: Spectrum) -> list[BasisWorth]:
    """Every measured basis with some variance; none where no basis was measured.

    Gaps are stated where there are files enough for PCA to be more than noise; what its noise adds
    is taken off them, save where rounding gives a floor.
    """
    tables = {name: spectrum.component_variance(name).ravel() for name in spectrum.bases}
    tables = {name: table for name, table in tables.items() if table.any()}
    dimensions = int(np.prod(spectrum.shape))
    total = max((float(table.sum()) for table in tables.values()), default=0.0)
    floor = spectrum.quantisation_floor
    excess = log_determinant_excess(spectrum.n_files, dimensions)
    known = "pca" in tables and tables["pca"].size == dimensions and excess < MOST_EXCESS
    excess = excess if floor == 0 else 0.0
    found = []
    for name, table in tables.items():
        gap = None
        if known:
            # Empty components and no floor: there is no gap to state.
            with contextlib.suppress(InputError):
                gap = log_determinant_gap(table, tables["pca"], floor)
                gap -= excess if name != "pca" else 0.0
        share = explained_variance(table, max(0.0, total - float(table.sum())))
        found.append(BasisWorth(name, np.sort(table)[::-1], share, gap, dimensions))
    return found
