"""What a spectrum must be that was read from a file, whoever wrote it."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from spectra.errors import InputError

if TYPE_CHECKING:
    from spectra.spectrum.spectrum import Spectrum

__all__ = ["LARGEST_VALUE", "check_spectrum"]

LARGEST_VALUE = 1e75  # squares, and products of two of them, stay finite


def check_spectrum(spectrum: "Spectrum", name: str) -> None:
    """Refuse settings of another kind than theirs, and tables that do not fit each other.

    Raises
    ------
    InputError
        One line that begins with `name`.
    """
    shape = spectrum.shape
    if not (len(shape) in (2, 3) and all(_whole(side) and side > 0 for side in shape)):
        raise InputError(f"{name}: shape {shape} is none of an example; analyze the source again")
    quantum = spectrum.quantum
    if not (_number(quantum) and 0 <= quantum < LARGEST_VALUE):
        raise InputError(f"{name}: quantum {quantum!r} is no spacing of values; analyze again")
    for setting in ("name", "kind", "window", "detrend", "reach", "fingerprint"):
        if not isinstance(getattr(spectrum, setting), str):
            raise InputError(f"{name}: {setting} is no text; analyze the source again")
    if not isinstance(spectrum.data, dict):
        raise InputError(f"{name}: data is no table of settings; analyze the source again")
    if not (spectrum.segment is None or _whole(spectrum.segment)):
        raise InputError(f"{name}: segment {spectrum.segment!r} is no number of samples")
    for each in ("spacing", "axis_units"):
        if len(getattr(spectrum, each)) not in (0, len(shape) - 1):
            raise InputError(f"{name}: {each} is not one an axis; analyze the source again")
    try:
        spectrum.estimator.check(spectrum.name)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    _check_moments(spectrum, name)
    _check_tables(spectrum, name)


def _check_moments(spectrum: "Spectrum", name: str) -> None:
    rings = len(spectrum.frequency)
    for moments in (spectrum.power_moments, spectrum.log_moments):
        if not all(_number(n) and n >= 0 for n in (moments.n, moments.squared_sizes)):
            raise InputError(f"{name}: sizes are no numbers; analyze the source again")
        if not (_whole(moments.n_files) and moments.n_files >= 0):
            raise InputError(f"{name}: sizes are no numbers; analyze the source again")
        for table, wanted in (
            (moments.total, (rings,)),
            (moments.sized_total, (rings,)),
            (moments.outer, (rings, rings)),
        ):
            if table.shape != wanted:
                raise InputError(
                    f"{name}: its moments are of shape {table.shape}, its rings need {wanted}; "
                    "analyze the source again"
                )
    if spectrum.power_moments.n < 1:
        raise InputError(f"{name}: of no example; analyze the source again")
    _check_values(f"{name}: the power", spectrum.power_moments.total, negative=False)


def _check_tables(spectrum: "Spectrum", name: str) -> None:
    tables = {"mean": spectrum.mean, **spectrum.variances}
    for what, table in tables.items():
        if table.shape != spectrum.shape:
            raise InputError(
                f"{name}: {what} is of shape {table.shape}, examples of {spectrum.shape}; "
                "analyze the source again"
            )
        _check_values(f"{name}: {what}", table, negative=what == "mean")
    scatter = spectrum.scatter
    if scatter is None:
        return
    size = math.prod(spectrum.shape)
    fits = scatter.scatter.ndim == 2 and len(scatter.scatter) == size
    if not (fits and scatter.mean.shape == scatter.square.shape == (size,)):
        raise InputError(f"{name}: its scatter is of another shape; analyze the source again")
    for table in (scatter.scatter, scatter.square, scatter.mean):
        _check_values(f"{name}: the scatter", table, negative=True)


def _check_values(what: str, table: np.ndarray, *, negative: bool) -> None:
    if table.dtype.kind not in "iuf" or not np.isfinite(table).all():
        raise InputError(f"{what} holds NaN or infinities; analyze the source again")
    if not negative and (table < 0).any():
        raise InputError(f"{what} is negative somewhere; analyze the source again")
    if float(np.abs(table).max()) > LARGEST_VALUE**2:
        raise InputError(f"{what} is too large to compute with; rescale the values")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    return real and math.isfinite(value)
