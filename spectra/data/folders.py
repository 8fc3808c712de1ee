"""Image and sound files by name: in a folder, in a zip, or listed one by one."""

import hashlib
import lzma
import os
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from spectra.data.images import SNIFF_BYTES, UnreadableImage, is_image
from spectra.data.options import SOUND_VIEWS
from spectra.errors import InputError

__all__ = [
    "DiskFiles",
    "ImageFiles",
    "Skipped",
    "ZipMembers",
    "is_sound",
    "list_folder",
    "list_zip",
]

AUDIO = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".opus", ".m4a")
IMAGE = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
# A camera's raw file begins like a TIFF, and its first picture is a thumbnail.
RAW = (".dng", ".nef", ".cr2", ".arw", ".orf", ".pef", ".rw2", ".srw")
OTHER_IMAGE = (".heic", ".heif", ".avif", ".jp2", ".jxl", ".psd", ".exr", ".cr3", ".raf")
# What zipfile raises on what is damaged, encrypted (RuntimeError) or packed in unknown ways.
ZIP_ERRORS = (
    *(OSError, EOFError, RuntimeError, ValueError, struct.error),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
MEMBER_LIMIT = 2**29  # bytes of one unpacked zip member
STAMPED_END = 4096  # bytes at each end of a file that tell it from another


@dataclass(frozen=True)
class Skipped:
    """A file that was left out of a source, and why."""

    name: str
    reason: str


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
    listing = _Listing(str(folder))
    for inside, path in sorted(_walk(folder, listing.skipped)):
        name = _printable(inside)
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
    listing = _Listing(str(path))
    infos = {_printable(info.filename): info for info in archive.infolist() if not info.is_dir()}
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


def is_sound(head: bytes, suffix: str) -> bool:
    """Whether a file of these first bytes is sound; of bare MPEG frames the name must say so."""
    return (
        head.startswith((b"fLaC", b"OggS", b"ID3"))
        or (head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE")
        or (head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"))
        or (suffix == ".mp3" and head[:1] == b"\xff" and len(head) > 1 and head[1] >= 0xE0)
    )


@dataclass
class _Listing:
    """What was met while looking for images and sounds: taken, skipped, and for the error."""

    label: str
    skipped: list[Skipped] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    sounds: list[str] = field(default_factory=list)
    suffixes: Counter[str] = field(default_factory=Counter)

    def meet(self, name: str, head: bytes) -> None:
        """Sort a file by its first bytes; one of either kind by its name only is skipped."""
        suffix = _suffix(name)
        self.suffixes[suffix or "no suffix"] += 1
        if suffix in RAW + OTHER_IMAGE:
            reason = f"{suffix[1:].upper()} is not read; convert it to PNG, TIFF or JPEG"
            self.skipped.append(Skipped(name, reason))
        elif is_image(head):
            self.images.append(name)
        elif is_sound(head, suffix):
            self.sounds.append(name)
        elif suffix in IMAGE + AUDIO:
            kind = "image" if suffix in IMAGE else "sound that is read"
            reason = f"is no {kind}, whatever its name says" if head else "is empty"
            self.skipped.append(Skipped(name, reason))

    def unreadable(self, name: str, reason: str) -> None:
        """A file that cannot be opened; a loss where its name says it is of either kind."""
        if _suffix(name) in IMAGE + AUDIO:
            self.skipped.append(Skipped(name, reason))

    def chosen(self, view: str) -> tuple[str, list[str]]:
        """The kind that is read, and the files of it; those of the other kind are skipped."""
        sound = view in SOUND_VIEWS or (view == "auto" and not self.images and bool(self.sounds))
        taken, left = (self.sounds, self.images) if sound else (self.images, self.sounds)
        if not taken:
            raise InputError(f"{self.label}: {self._nothing(sound, left)}")
        if sound:
            reason = f"is an image, not sound (view {'waveform' if view == 'auto' else view})"
        else:
            reason = "is sound, not an image (view pixels)"
        self.skipped += [Skipped(name, reason) for name in left]
        self.skipped.sort(key=lambda entry: entry.name)
        return ("sound" if sound else "images"), taken

    def _nothing(self, sound: bool, others: list[str]) -> str:
        if others and sound:
            return f"holds images ({len(others)} files) and no sound; use --view pixels"
        if others:
            return (
                f"holds sound ({len(others)} files) and no images; use --view waveform or log-mel"
            )
        if self.skipped:
            first = self.skipped[0]
            return (
                f"none of its {len(self.skipped)} image or sound files can be read "
                f"(first: {first.name}: {first.reason}); save them again as PNG or JPEG, WAV or "
                "FLAC"
            )
        if not self.suffixes:
            return "is empty; give a folder or zip that holds images or sound"
        common = ", ".join(f"{count} {suffix}" for suffix, count in self.suffixes.most_common(4))
        return (
            f"holds no images and no sound (found {common}); give a folder or zip of JPEG, PNG, "
            "WebP, TIFF, BMP or GIF files, or WAV, FLAC, Ogg or MP3, or an array file by its own "
            "name"
        )


def _walk(folder: Path, skipped: list[Skipped]) -> Iterator[tuple[str, str]]:
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
                    if entry.is_dir():
                        waiting.append((entry.path, f"{prefix}{entry.name}/"))
                    # A pipe or a socket would be waited for without end.
                    elif entry.is_file():
                        yield prefix + entry.name, entry.path
        except OSError as error:
            name = _printable(prefix.rstrip("/") or path)
            skipped.append(Skipped(name, f"cannot be listed ({error.strerror})"))


def _printable(name: str) -> str:
    """A name on one line that any encoding takes; what cannot be shown is written as its code."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()
