"""What an export wrote, and what the other library cannot hold."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spectra.schedule import Schedule

__all__ = ["Export", "sigma_data_notes"]

# A mean example whose power is this share of the variance is worth a word.
NOTABLE_MEAN = 0.1


@dataclass(frozen=True)
class Export:
    """The result of an export.

    Attributes
    ----------
    target : str
        The library or file format it is for.
    files : tuple of Path
        What was written.
    values : dict
        The numbers to copy, as JSON holds them.
    cannot_carry : tuple of str
        What of the schedule the target cannot hold, a line each; empty: nothing is lost.
    notes : tuple of str
        What the user has to do or know, a line each.
    """

    target: str
    files: tuple[Path, ...]
    values: dict[str, Any] = field(default_factory=dict)
    cannot_carry: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON's types."""
        return {**asdict(self), "files": [str(path) for path in self.files]}

    def lines(self) -> list[str]:
        """As text: what cannot be carried first, then what to know, then the files."""
        kept = ["carries the whole schedule"] if not self.cannot_carry else []
        return [
            *kept,
            *(f"cannot carry: {line}" for line in self.cannot_carry),
            *(f"note: {line}" for line in self.notes),
            *(f"wrote {path}" for path in self.files),
        ]


def sigma_data_notes(schedule: Schedule, sigma_data: float) -> list[str]:
    """What to know of a sigma_data that is about the mean example, where that is not small."""
    offset = float((schedule.mean**2).mean() / schedule.variance.mean())
    if offset <= NOTABLE_MEAN:
        return []
    whole = sigma_data * np.sqrt(1 + offset)
    return [
        f"sigma_data is about the mean example; without subtracting it the root mean square "
        f"of a value is {whole:.4g}"
    ]
