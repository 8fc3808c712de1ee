"""Bias and coverage of power-law fits on fields whose exponent is known, 2,000 draws each."""

from tests.benchmarks.table import Row
from tests.fit.coverage import (
    BIAS,
    COVERAGE,
    FLOOR_BIAS_REMOVED,
    ROBUST_COVERAGE,
    SCATTER,
    SET_COVERAGE,
    Score,
    bias_under_a_floor,
    coverage_of_fits,
    coverage_of_scattered_sets,
    coverage_with_outliers,
)

__all__ = ["coverage"]

DRAWS = 2000
FLOOR_DRAWS = 400


def coverage() -> list[Row]:
    rows = []
    for window in ("none", "hann"):
        low, high = COVERAGE[window]
        for alpha in (1.0, 2.0, 3.0):
            for files in (1, 8):
                score = coverage_of_fits(window, alpha, files, DRAWS)
                rows.append(
                    Row(
                        f"k^-{alpha:g} fields of 64x64, window {window}, {files} a draw",
                        f"|bias| < {BIAS[window]}, {_share(low)} to {_share(high)}",
                        _shown(score),
                        abs(score.bias) < BIAS[window] and low <= score.coverage <= high,
                    )
                )
    return rows + _scattered() + _outliers() + _floors()


def _scattered() -> list[Row]:
    low, high = SET_COVERAGE
    asked = {
        "examples": f"{_share(low)} to {_share(high)}",
        "log": f"{_share(low)} to {_share(high)}",
        "arithmetic": "(led by the strongest)",
    }
    names = {"examples": "mean of exponents", "log": "fit of mean log", "arithmetic": "of mean"}
    rows = []
    for files in (8, 50):
        for name, score in coverage_of_scattered_sets(files, DRAWS).items():
            met = None if name == "arithmetic" else low <= score.coverage <= high
            what = f"mean of exponents 2 +- {SCATTER}, {files} images: {names[name]}"
            rows.append(Row(what, asked[name], _shown(score), met))
    return rows


def _outliers() -> list[Row]:
    rows = []
    for method in ("theil-sen", "weighted"):
        score = coverage_with_outliers(method, DRAWS)
        robust = method == "theil-sen"
        rows.append(
            Row(
                f"one ring in 20 five times too strong, {method}",
                f"> {_share(ROBUST_COVERAGE)}" if robust else "",
                _shown(score),
                score.coverage > ROBUST_COVERAGE if robust else None,
            )
        )
    return rows


def _floors() -> list[Row]:
    rows = []
    for alpha in (1.0, 2.0, 3.0):
        without, with_floor = bias_under_a_floor(alpha, FLOOR_DRAWS)
        removed = 1 - abs(with_floor.bias / without.bias)
        rows.append(
            Row(
                f"k^-{alpha:g} with a floor from k = 16 of 128x128, floor fitted",
                f"{_share(FLOOR_BIAS_REMOVED)} of the bias gone",
                f"{_share(removed)}: {without.bias:+.3f} -> {_shown(with_floor)}",
                removed >= FLOOR_BIAS_REMOVED,
            )
        )
    return rows


def _shown(score: Score) -> str:
    return f"{score.bias:+.4f}, {_share(score.coverage)}"


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"
