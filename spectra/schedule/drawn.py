"""Curves over time that were drawn by hand, or by a process and an SNR threshold."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import InputError, is_number
from spectra.schedule.knots import with_knots

__all__ = ["Drawn", "drawn_curve", "read_pairs"]

Curve = Callable[[np.ndarray], np.ndarray]
Drawn = Curve | Sequence[float] | Sequence[tuple[float, float]] | np.ndarray


def drawn_curve(what: str, values: Any) -> tuple[Curve, np.ndarray]:
    """A curve over t in [0, 1], with the times at which it bends.

    Parameters
    ----------
    what : str
        What the curve is, for refusals.
    values : callable, [N], or [N, 2]
        A function of an array of times, values at evenly spaced times, or pairs (t, value) with t
        rising from 0 to 1; straight lines between.

    Raises
    ------
    InputError
    """
    times = np.linspace(0, 1, 1025)
    if callable(values):
        function = values
        return lambda t: np.asarray(function(t), float) * np.ones_like(t), times
    table: np.ndarray
    try:
        table = np.asarray(values, float)
    except (TypeError, ValueError):
        table = np.zeros(0)
    if table.ndim == 1 and len(table) >= 2:
        given, drawn = np.linspace(0, 1, len(table)), table
    elif table.ndim == 2 and table.shape[1] == 2 and len(table) >= 2:
        given, drawn = table[:, 0], table[:, 1]
        if given[0] != 0 or given[-1] != 1 or not (np.diff(given) > 0).all():
            raise InputError(f"{what}: the times of pairs (t, value) must rise from 0 to 1")
    else:
        raise InputError(
            f"{what}: give a function of t, at least 2 values at even times, or at least 2 pairs "
            "(t, value)"
        )
    return lambda t: np.interp(t, given, drawn), with_knots(given, times)


def read_pairs(path: str | Path) -> np.ndarray:
    """Values or pairs (t, value) out of a .json list, or a .csv of one or two columns.

    Raises
    ------
    InputError
        Missing, or neither.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InputError(
            f"{path}: cannot be read; give a .json or .csv of pairs (t, value)"
        ) from None
    try:
        if path.suffix.lower() == ".json":
            return np.asarray(json.loads(text), float)
        rows = [line.replace(";", ",").split(",") for line in text.splitlines() if line.strip()]
        if rows and not is_number(rows[0][0]):
            rows = rows[1:]  # a heading
        table = np.array([[float(cell) for cell in row] for row in rows])
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise InputError(f"{path}: holds no list of numbers or of pairs (t, value)") from None
    if table.size == 0:
        raise InputError(f"{path}: holds no list of numbers or of pairs (t, value)")
    return table[:, 0] if table.ndim == 2 and table.shape[1] == 1 else table
