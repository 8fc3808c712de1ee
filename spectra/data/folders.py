"""Image files by name: in a folder, in a zip, or listed one by one."""

import lzma
import os
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Protocol

from spectra.data.images import SNIFF_BYTES, UnreadableImage, is_image
from spectra.errors import InputError

__all__ = ["DiskFiles", "ImageFiles", "Skipped", "ZipMembers", "list_folder", "list_zip"]

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


@dataclass(frozen=True)
class Skipped:
    """A file that was left out of a source, and why."""

    name: str
    reason: str


class ImageFiles(Protocol):
    """Image files by name, in a fixed order."""

    @property
    def label(self) -> str:
        """What the user named: a folder, a zip, a manifest."""
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


@dataclass(frozen=True)
class DiskFiles:
    """Files on disk."""

    label: str
    paths: dict[str, Path]

    @property
    def names(self) -> list[str]:
        return list(self.paths)

    def open(self, name: str) -> IO[bytes]:
        return open(self.paths[name], "rb")

    def read(self, name: str) -> bytes:
        try:
            return self.paths[name].read_bytes()
        except OSError as error:
            raise UnreadableImage(f"cannot be read ({error.strerror or error})") from None


class ZipMembers:
    """Members of a zip, read in memory and never unpacked to disk."""

    def __init__(self, path: Path, members: dict[str, zipfile.ZipInfo]) -> None:
        self.path = path
        self.members = members
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

    def _opened(self) -> zipfile.ZipFile:
        # Processes forked from this one must not share its place in the file.
        if self._archive is None or self._archive[0] != os.getpid():
            self._archive = os.getpid(), zipfile.ZipFile(self.path)
        return self._archive[1]


def list_folder(folder: Path) -> tuple[DiskFiles, list[Skipped]]:
    """Find the images under a folder by their content, whatever their names.

    Hidden files and folders and ``__MACOSX`` are passed over.

    Returns
    -------
    files, skipped
        In the order of their names; what looks like an image by its name only is skipped.

    Raises
    ------
    InputError
        There is none.
    """
    found: dict[str, Path] = {}
    listing = _Listing(str(folder))
    for name, path in sorted(_walk(folder, listing.skipped)):
        try:
            with open(path, "rb") as file:
                head = file.read(SNIFF_BYTES)
        except OSError as error:
            if _suffix(name) in IMAGE:
                reason = f"cannot be read ({error.strerror or error})"
                listing.skipped.append(Skipped(name, reason))
            continue
        if listing.takes(name, head):
            found[name] = path
    listing.check(len(found))
    return DiskFiles(str(folder), found), listing.skipped


def list_zip(path: Path) -> tuple[ZipMembers, list[Skipped]]:
    """Find the images in a zip, as `list_folder` does in a folder.

    Raises
    ------
    InputError
        The zip cannot be read, or holds no image.
    """
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        raise InputError(
            f"{path}: not a readable zip ({error}); pack it again, or give the folder"
        ) from error
    with archive:
        return _list_members(path, archive)


def _list_members(path: Path, archive: zipfile.ZipFile) -> tuple[ZipMembers, list[Skipped]]:
    found: dict[str, zipfile.ZipInfo] = {}
    listing = _Listing(str(path))
    infos = {info.filename: info for info in archive.infolist() if not info.is_dir()}
    for name, info in sorted(infos.items()):
        if any(_is_hidden(part) for part in PurePosixPath(name).parts):
            continue
        if info.file_size > MEMBER_LIMIT:
            reason = f"unpacks to {info.file_size:,} bytes, over the limit of {MEMBER_LIMIT:,}"
            listing.skipped.append(Skipped(name, reason))
            continue
        try:
            with archive.open(info) as file:
                head = file.read(SNIFF_BYTES)
        except ZIP_ERRORS as error:
            if _suffix(name) in IMAGE:
                listing.skipped.append(Skipped(name, f"cannot be unpacked ({error})"))
            continue
        if listing.takes(name, head):
            found[name] = info
    listing.check(len(found))
    return ZipMembers(path, found), listing.skipped


class _Listing:
    """What was met while looking for images: for the list of skipped, and for the error."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.skipped: list[Skipped] = []
        self.suffixes: Counter[str] = Counter()

    def takes(self, name: str, head: bytes) -> bool:
        """Whether this file is an image to open; an image by its name only is noted."""
        suffix = _suffix(name)
        self.suffixes[suffix or "no suffix"] += 1
        if suffix in RAW + OTHER_IMAGE:
            reason = f"{suffix[1:].upper()} is not read; convert it to PNG, TIFF or JPEG"
        elif is_image(head):
            return True
        elif suffix in IMAGE:
            reason = "is empty" if not head else "is no image, whatever its name says"
        else:
            return False
        self.skipped.append(Skipped(name, reason))
        return False

    def check(self, found: int) -> None:
        if found:
            return
        if self.skipped:
            first = self.skipped[0]
            raise InputError(
                f"{self.label}: none of its {len(self.skipped)} image files can be read "
                f"(first: {first.name}: {first.reason}); save them again as PNG or JPEG"
            )
        if not self.suffixes:
            raise InputError(f"{self.label}: is empty; give a folder or zip that holds images")
        sounds = sum(count for suffix, count in self.suffixes.items() if suffix in AUDIO)
        if sounds:
            raise InputError(
                f"{self.label}: holds sound ({sounds} files) and no images; this version does not "
                "read sound: save it as an array [N, C, H, W] in a .npy file"
            )
        common = ", ".join(f"{count} {suffix}" for suffix, count in self.suffixes.most_common(4))
        raise InputError(
            f"{self.label}: holds no images (found {common}); give a folder or zip of JPEG, PNG, "
            "WebP, TIFF, BMP or GIF files, or an array file by its own name"
        )


def _walk(folder: Path, skipped: list[Skipped]) -> Iterator[tuple[str, Path]]:
    """Every file that is not hidden; links to folders are followed, each folder once."""
    seen: set[str] = set()

    def note(error: OSError) -> None:
        name = Path(error.filename).relative_to(folder).as_posix()
        skipped.append(Skipped(name, f"cannot be listed ({error.strerror})"))

    for root, subfolders, names in os.walk(folder, onerror=note, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            subfolders.clear()
            continue
        seen.add(real)
        subfolders[:] = sorted(name for name in subfolders if not _is_hidden(name))
        for name in names:
            path = Path(root, name)
            # A pipe or a socket would be waited for without end.
            if not _is_hidden(name) and path.is_file():
                yield path.relative_to(folder).as_posix(), path


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
