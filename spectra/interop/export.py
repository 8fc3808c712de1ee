"""What an export wrote, and what the other library cannot hold."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Export"]


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
