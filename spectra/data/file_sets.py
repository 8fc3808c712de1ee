"""What opening many files as one set finds, whatever they hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from spectra.data.listing import Skipped
from spectra.data.options import Options
from spectra.data.stores import Store

__all__ = ["FileSet"]


class FileStore(Store, Protocol):
    """A store of files."""

    @property
    def channels(self) -> int:
        """Channels of an example."""
        ...


@dataclass(frozen=True)
class FileSet:
    """The files of a source, found and described; none is decoded yet.

    Attributes
    ----------
    kind
        "images", "sound" or "fields".
    store
        What they hold.
    options
        The view, with nothing left to choose.
    quantum
        Spacing of the value grid in [-1, 1]: the coarsest of the files'; 0 where it is lost.
    skipped
        Files left out, with reasons, by name.
    spacing, axis_units
        Distance of neighbouring samples along each axis, and in what.
    groups
        Files that are one unit, by the name of their group.
    remarks
        What of the files is not read, a line each.
    """

    kind: str
    store: FileStore
    options: Options
    quantum: float
    skipped: list[Skipped]
    spacing: tuple[float, ...]
    axis_units: tuple[str, ...]
    groups: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def names(self) -> Sequence[str]:
        """The files' names, in the order of the store."""
        return self.store.names
