"""Bias of the default power-law fit and coverage of its 95 % interval, 10,000 draws each."""

from tests.benchmarks.table import Row
from tests.fit.coverage import BIAS, COVERAGE, coverage_of_fits

__all__ = ["coverage"]

DRAWS = 10_000


def coverage() -> list[Row]:
    rows = []
    for window in ("none", "hann"):
        low, high = COVERAGE[window]
        for alpha in (2.0, 3.0):
            for files in (1, 8):
                bias, share = coverage_of_fits(window, alpha, files, DRAWS)
                rows.append(
                    Row(
                        f"k^-{alpha:g} fields of 64x64, window {window}, {files} a draw",
                        f"|bias| < {BIAS[window]}, {100 * low:g}-{100 * high:g} %",
                        f"{bias:+.4f}, {100 * share:.1f} %",
                        abs(bias) < BIAS[window] and low <= share <= high,
                    )
                )
    return rows
