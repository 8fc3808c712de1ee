"""What an interrupted analysis leaves behind, and goes on from."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from spectra.data import Source
from spectra.errors import InputError
from spectra.files import read_tables, write_tables
from spectra.spectrum.parts import Part, Request
from spectra.spectrum.spectrum import Spectrum
from spectra.spectrum.tables import spectrum_of_tables, spectrum_tables

__all__ = ["SavedProgress"]

FORMAT = "1.2"  # in the key also: sums kept in another way are not gone on from
GAPS = "gaps"  # the table of them, where values that are missing are filled
EVERY = 15.0  # seconds between saves


@dataclass
class SavedProgress:
    """The sum of the first parts, on disk now and then.

    Attributes
    ----------
    path : Path or None
        None keeps nothing.
    key : str
        Of the source and of what is measured; another's progress is not gone on from.
    spectrum : Spectrum or None
        Of the parts done so far.
    damage : dict
        Files of them that could not be read, with reasons.
    done : int
        Parts.
    source : Source or None
        Whose gaps, filled so far, are kept too.
    """

    path: Path | None
    key: str
    spectrum: Spectrum | None = None
    damage: dict[str, str] = field(default_factory=dict)
    done: int = 0
    source: Source | None = None
    _saved: tuple[float, int] = field(default_factory=lambda: (time.monotonic(), 0))

    @classmethod
    def open(
        cls, path: str | Path | None, source: Source, request: Request, parts: Sequence[Part]
    ) -> "SavedProgress":
        """Progress of just this analysis, or none."""
        if path is None:
            return cls(None, "")
        cuts = [part.stop for part in parts]
        stated = json.dumps([FORMAT, source.fingerprint, asdict(request), cuts], default=str)
        fresh = cls(Path(path), hashlib.sha256(stated.encode()).hexdigest(), source=source)
        try:
            tables, settings = read_tables(path, "analysis", major=1)
            whole = settings.pop("digest") == _digest(tables, settings)
            if not (whole and settings["key"] == fresh.key):
                return fresh
            gaps = tables.pop(GAPS, None)
            spectrum = spectrum_of_tables(tables, settings) if tables else None
        except (InputError, KeyError):  # absent, or damaged: begin again
            return fresh
        source.note_gaps(0, None, gaps)
        fresh.spectrum, fresh.damage, fresh.done = spectrum, settings["damage"], settings["done"]
        return fresh

    def add(self, spectrum: Spectrum | None, damage: dict[str, str]) -> None:
        """One part more; saved where the last time was a while ago."""
        self.spectrum = spectrum
        self.damage |= damage
        self.done += 1
        if time.monotonic() - self._saved[0] > EVERY:
            self.save()

    def save(self) -> None:
        """Write what is new."""
        if self.path is None or self._saved[1] == self.done:
            return
        tables, settings = ({}, {}) if self.spectrum is None else spectrum_tables(self.spectrum)
        gaps = None if self.source is None else self.source.gaps(0, None)
        tables |= {} if gaps is None else {GAPS: gaps}
        settings |= {"key": self.key, "damage": self.damage, "done": self.done}
        settings["digest"] = _digest(tables, settings)
        write_tables(self.path, "analysis", FORMAT, tables, settings)
        self._saved = time.monotonic(), self.done

    def remove(self) -> None:
        """The analysis is whole; nothing is left to go on from."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def _digest(tables: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> str:
    """Of all that is kept: a sum with a turned bit in it would look like any other."""
    told = json.loads(json.dumps(settings))  # as the file gives them back
    found = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in sorted(tables):
        table = np.asarray(tables[name])
        found.update(f"{name} {table.dtype} {table.shape}".encode() + table.tobytes())
    return found.hexdigest()
