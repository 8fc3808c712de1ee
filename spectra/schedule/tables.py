"""A schedule's file."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from spectra.errors import InputError
from spectra.files import read_tables, write_tables
from spectra.schedule.schedule import Schedule

__all__ = ["load_schedule", "save_schedule"]

# 1.1 added what is in LATER; a file without it is of a separable schedule.
FORMAT = "1.1"
LATER = ("limits", "blur_rate", "radial_blur_rate", "blur", "blur_floor", "components", "density")


def save_schedule(schedule: Schedule, path: str | Path) -> None:
    """Write a schedule.safetensors file; reading it back is exact to the bit."""
    values = {part.name: getattr(schedule, part.name) for part in fields(Schedule)}
    tables = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    settings = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in values.items()
        if name not in tables and not (name in LATER and value is None)
    }
    write_tables(path, "schedule", FORMAT, tables, settings)


def load_schedule(path: str | Path) -> Schedule:
    """Read a schedule.safetensors file.

    Parameters
    ----------
    path
        The .safetensors file.

    Returns
    -------
    Schedule

    Raises
    ------
    InputError
        Missing, damaged, incomplete, of another kind, or from a later major version.

    Examples
    --------
    >>> schedule = spectra.derive_schedule(spectra.analyze("digits"))
    >>> schedule.save("schedule.safetensors")
    >>> spectra.load_schedule("schedule.safetensors").name
    'derived'
    """
    tables, settings = read_tables(path, "schedule", major=1)
    found = {**tables, **settings}
    names = [part.name for part in fields(Schedule)]
    missing = [name for name in names if name not in found and name not in LATER]
    if missing:
        raise InputError(f"{path}: lacks {', '.join(missing)}; write it again with spectra")
    for name in ("shape", "limits"):  # JSON has no tuples
        if isinstance(found.get(name), list):
            found[name] = tuple(found[name])
    # Anything else in it was added by a later minor version.
    try:
        return Schedule(**{name: found[name] for name in names if name in found})
    except (InputError, TypeError) as error:
        raise InputError(f"{path}: {error}; write it again with spectra") from None
