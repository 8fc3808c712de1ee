"""A run's scores as `evaluate` left them in its folder, and what two runs' differ by."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import InputError
from spectra.evaluation.comparison import Difference, paired_difference

__all__ = ["SCORES", "bits_difference", "read_scores"]

SCORES = "scores.json"
PAIRED_BY = ("fingerprint", "seed")  # data and noise have to be the same


def read_scores(run: Path) -> dict[str, Any] | None:
    """The scores in a run's folder; None where it was never scored.

    Raises
    ------
    InputError
        The file is damaged.
    """
    file = run / SCORES
    if not file.is_file():
        return None
    try:
        scores = json.loads(file.read_text(encoding="utf-8"))
        _check(scores)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{file}: holds no scores ({reason}); run spectra evaluate again"
        ) from None
    return scores


def _check(scores: Any) -> None:
    """Raise what reading a damaged record raises."""
    for name in ("bits_per_dim", "gaussian_bits_per_dim", "spectral_distance_db"):
        _numbers(scores.get(name))
    for name in ("bits_per_dim_interval", "spectral_distance_interval"):
        low, high = scores.get(name) or (None, None)
        _numbers(low, high)
    _numbers(*(scores.get("bits_per_dim_by_file") or {}).values())
    for octave in scores.get("octaves") or []:
        _numbers(*(octave[key] for key in ("lowest", "highest", "low", "high", "difference_db")))
    intervals = [scores.get("spectral_distance_of_data")]
    for score in (scores.get("scores") or {}).values():
        intervals += [score["found"], score.get("floor")]
    for interval in intervals:
        if interval is not None:
            _numbers(*(interval[key] for key in ("value", "low", "high")))


def _numbers(*values: Any) -> None:
    for value in values:
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise TypeError(f"{value!r} is no number")


def bits_difference(first: Mapping[str, Any], second: Mapping[str, Any]) -> Difference | None:
    """Bits/dim of one run less another's, paired over the files both were scored on.

    None where they were scored on other data, with other noise, or share fewer than two files.
    """
    if any(first.get(key) != second.get(key) for key in PAIRED_BY):
        return None
    by_file = [one.get("bits_per_dim_by_file") or {} for one in (first, second)]
    shared = [name for name, bits in by_file[0].items() if None not in (bits, by_file[1].get(name))]
    if len(shared) < 2:
        return None
    a, b = (np.array([one[name] for name in shared], float) for one in by_file)
    return paired_difference(a, b, measure="bits/dim", unit="bits/dim")
