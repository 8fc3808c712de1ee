"""Image and sound files by name: in a folder, in a zip, or listed one by one."""

import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from spectra.data.image_bytes import SNIFF_BYTES
from spectra.data.images import UnreadableImage
from spectra.data.listing import Listing, Skipped, printable
from spectra.errors import InputError

__all__ = [
    "DiskFiles",
    "ImageFiles",
    "Skipped",
    "ZipMembers",
    "list_folder",
    "list_zip",
]

# What zipfile raises on what is damaged, encrypted (RuntimeError) or packed in unknown ways.
ZIP_ERRORS = (
    *(OSError, EOFError, RuntimeError, ValueError, struct.error),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
MEMBER_LIMIT = 2**29  # bytes of one unpacked zip member
STAMPED_END = 4096  # bytes at each end of a file that tell it from another


class ImageFiles(Protocol):
    """Files of one kind by name, in a fixed order."""

    @property
    def label(self) -> str:
        """What the user named: a folder, a zip, a manifest."""
        ...

    @property
    def kind(self) -> str:
        """ "images" or "sound"."""
        ...

    @property
    def names(self) -> list[str]:
        """Names within it, with forward slashes."""
        ...

    def open(self, name: str) -> IO[bytes]:
        """Open a file for its header."""
        ...

    def read(self, name: str) -> bytes:
        """Read a whole file, or raise UnreadableImage."""
        ...

    def stamp(self, name: str) -> bytes:
        """What tells the file's content from another's, without reading it all."""
        ...


@dataclass(frozen=True)
class DiskFiles:
    """Files on disk."""

    label: str
    paths: dict[str, Path]
    kind: str = "images"

    @property
    def names(self) -> list[str]:
        return list(self.paths)

    def open(self, name: str) -> IO[bytes]:
        return open(self.paths[name], "rb")

    def read(self, name: str) -> bytes:
        try:
            with open(self.paths[name], "rb", buffering=0) as file:
                return file.read()
        except OSError as error:
            raise UnreadableImage(f"cannot be read ({error.strerror or error})") from None

    def stamp(self, name: str) -> bytes:
        try:
            with open(self.paths[name], "rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                ends = file.read(STAMPED_END)
                if size > STAMPED_END:
                    file.seek(max(STAMPED_END, size - STAMPED_END))
                    ends += file.read(STAMPED_END)
        except OSError as error:
            raise InputError(
                f"{self.paths[name]}: cannot be read ({error.strerror or error}); leave the files "
                "as they are while they are in use"
            ) from error
        return hashlib.sha256(size.to_bytes(8, "little") + ends).digest()


class ZipMembers:
    """Members of a zip, read in memory and never unpacked to disk."""

    def __init__(
        self, path: Path, members: dict[str, zipfile.ZipInfo], kind: str = "images"
    ) -> None:
        self.path = path
        self.members = members
        self.kind = kind
        self._archive: tuple[int, zipfile.ZipFile] | None = None

    @property
    def label(self) -> str:
        return str(self.path)

    @property
    def names(self) -> list[str]:
        return list(self.members)

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_archive": None}

    def open(self, name: str) -> IO[bytes]:
        try:
            return self._opened().open(self.members[name])
        except ZIP_ERRORS as error:
            raise UnreadableImage(f"cannot be unpacked ({error})") from None

    def read(self, name: str) -> bytes:
        try:
            return self._opened().read(self.members[name])
        except ZIP_ERRORS as error:
            raise UnreadableImage(f"cannot be unpacked ({error})") from None

    def stamp(self, name: str) -> bytes:
        info = self.members[name]
        return info.file_size.to_bytes(8, "little") + info.CRC.to_bytes(4, "little")

    def _opened(self) -> zipfile.ZipFile:
        # Processes forked from this one must not share its place in the file.
        if self._archive is None or self._archive[0] != os.getpid():
            self._archive = os.getpid(), zipfile.ZipFile(self.path)
        return self._archive[1]


def list_folder(folder: Path, view: str = "auto") -> tuple[DiskFiles, list[Skipped]]:
    """Find the images under a folder, or the sounds, by their content, whatever their names.

    Hidden files and folders and ``__MACOSX`` are passed over.

    Parameters
    ----------
    folder
        Where to look.
    view
        One of sound finds sounds and "pixels" images; "auto" finds images where there are any.

    Returns
    -------
    files, skipped
        In the order of their names; what is an image or sound by its name only is skipped, and
        so is what is of the other kind.

    Raises
    ------
    InputError
        There is none.
    """
    found: dict[str, Path] = {}
    listing = Listing(str(folder))
    for inside, path in sorted(_walk(folder, listing)):
        name = _new_name(printable(inside), found)
        found[name] = Path(path)
        try:
            with open(path, "rb", buffering=0) as file:
                listing.meet(name, file.read(SNIFF_BYTES))
        except OSError as error:
            listing.unreadable(name, f"cannot be read ({error.strerror or error})")
    kind, names = listing.chosen(view)
    return DiskFiles(str(folder), {name: found[name] for name in names}, kind), listing.skipped


def list_zip(path: Path, view: str = "auto") -> tuple[ZipMembers, list[Skipped]]:
    """Find the images or sounds in a zip, as `list_folder` does in a folder.

    Raises
    ------
    InputError
        The zip cannot be read, or holds none.
    """
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        raise InputError(
            f"{path}: not a readable zip ({error}); pack it again, or give the folder"
        ) from error
    with archive:
        return _list_members(path, archive, view)


def _list_members(
    path: Path, archive: zipfile.ZipFile, view: str
) -> tuple[ZipMembers, list[Skipped]]:
    listing = Listing(str(path))
    infos = {printable(info.filename): info for info in archive.infolist() if not info.is_dir()}
    for name, info in sorted(infos.items()):
        if any(_is_hidden(part) for part in PurePosixPath(name).parts):
            continue
        if info.file_size > MEMBER_LIMIT:
            reason = f"unpacks to {info.file_size:,} bytes, over the limit of {MEMBER_LIMIT:,}"
            listing.skipped.append(Skipped(name, reason))
            continue
        try:
            with archive.open(info) as file:
                listing.meet(name, file.read(SNIFF_BYTES))
        except ZIP_ERRORS as error:
            listing.unreadable(name, f"cannot be unpacked ({error})")
    kind, names = listing.chosen(view)
    return ZipMembers(path, {name: infos[name] for name in names}, kind), listing.skipped


def _new_name(name: str, known: Container[str]) -> str:
    """A name of its own: two may look alike once what cannot be shown is written as its code."""
    if name not in known:
        return name
    stem, suffix = os.path.splitext(name)
    return next(new for i in count(2) if (new := f"{stem} ({i}){suffix}") not in known)


def _walk(folder: Path, listing: Listing) -> Iterator[tuple[str, str]]:
    """Every file that is not hidden; links to folders are followed, each folder once."""
    seen: set[tuple[int, int]] = set()
    waiting = [(str(folder), "")]
    while waiting:  # not by recursion: folders may lie deeper than Python calls
        path, prefix = waiting.pop()
        try:
            at = os.stat(path)
            if (at.st_dev, at.st_ino) in seen:
                continue
            seen.add((at.st_dev, at.st_ino))
            with os.scandir(path) as entries:
                for entry in entries:
                    if _is_hidden(entry.name):
                        continue
                    try:
                        is_folder, is_file = entry.is_dir(), entry.is_file()
                    except OSError as error:  # a link to itself, say; the others are not lost
                        reason = f"cannot be read ({error.strerror})"
                        listing.unreadable(printable(prefix + entry.name), reason)
                        continue
                    if is_folder:
                        waiting.append((entry.path, f"{prefix}{entry.name}/"))
                    elif is_file:  # a pipe or a socket would be waited for without end
                        yield prefix + entry.name, entry.path
                    elif entry.is_symlink():
                        reason = "is a link to what is not there"
                        listing.unreadable(printable(prefix + entry.name), reason)
        except OSError as error:
            name = printable(prefix.rstrip("/") or path)
            listing.skipped.append(Skipped(name, f"cannot be listed ({error.strerror})"))


def _is_hidden(part: str) -> bool:
    return (part.startswith(".") and part != "..") or part == "__MACOSX"
