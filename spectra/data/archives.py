"""Unpacking archives that nobody need trust: inside their folder, plain files only, bounded."""

import hashlib
import lzma
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from spectra.errors import InputError

__all__ = ["Digest", "is_archive", "unpack"]

SUFFIXES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ERRORS = (
    *(OSError, EOFError, RuntimeError, ValueError, struct.error, NotImplementedError),
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
)
# Pictures and sound hardly shrink when packed; bytes of zeros shrink a thousandfold.
LARGEST_RATIO = 20
ALLOWANCE = 100 * 1024**2  # bytes that small archives may unpack to, whatever their ratio
MOST_FILES = 5_000_000
BLOCK = 1024**2

Digest = tuple[int, str]  # bytes, sha256
Member = tuple[str, bool, Callable[[], IO[bytes] | None]]  # name, whether a plain file, opener


def is_archive(name: str) -> bool:
    """Whether a file of this name is one to unpack."""
    return name.lower().endswith(SUFFIXES)


def unpack(archive: Path, folder: Path, wanted: Callable[[str], bool]) -> dict[str, Digest]:
    """Write an archive's files under a folder, and nothing outside it.

    Parameters
    ----------
    archive
        A zip, or a tar, packed or not.
    folder
        An empty folder, or one of other files.
    wanted
        Says for a name whether the file is to be written; the others are passed over.

    Returns
    -------
    dict
        Size and sha256 of every file written, by its name with forward slashes.

    Raises
    ------
    InputError
        The archive is damaged; a name is absolute, or has "..", a drive or a NUL in it; what is
        wanted is a link or a device or there twice; or it unpacks to more than 20 times its size.
    """
    limit = LARGEST_RATIO * archive.stat().st_size + ALLOWANCE
    written: dict[str, Digest] = {}
    total = 0
    try:
        for count, (name, plain, open_member) in enumerate(_members(archive), start=1):
            if count > MOST_FILES:
                raise InputError(
                    f"{archive.name}: holds over {MOST_FILES:,} files; unpack it yourself"
                )
            path = _inside(name, folder, archive)
            relative = path.relative_to(folder).as_posix()
            if not wanted(relative):
                continue
            source = open_member() if plain else None
            if source is None:
                raise InputError(
                    f"{archive.name}: {name!r} is a link or a device, which is refused"
                )
            with source:
                digest = _write(source, path, limit - total, archive)
            total += digest[0]
            written[relative] = digest
    except InputError:
        raise
    except FileExistsError as error:
        raise InputError(f"{archive.name}: holds {error.filename} twice; it is refused") from error
    except ERRORS as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{archive.name}: cannot be unpacked ({reason})") from error
    return written


def _members(archive: Path) -> Iterator[Member]:
    """Everything in an archive that is no folder, in its order."""
    if zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                if not info.is_dir():
                    # Unix file types are in the upper half; 0 where packed elsewhere.
                    kind = (info.external_attr >> 16) & 0o170000
                    yield info.filename, kind in (0, 0o100000), lambda info=info: packed.open(info)
        return
    with tarfile.open(archive, "r:*") as packed:
        for info in packed:
            if not info.isdir():
                yield info.name, info.isreg(), lambda info=info: packed.extractfile(info)


def _inside(name: str, folder: Path, archive: Path) -> Path:
    """Where a member goes; a name that leads out of the folder is refused."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    drive = bool(parts) and len(parts[0]) > 1 and parts[0][1] == ":"
    leads_out = not parts or parts[0].startswith("/") or ".." in parts or drive or "\0" in name
    if leads_out:
        raise InputError(f"{archive.name}: {name!r} would be written outside its folder; refused")
    return folder.joinpath(*parts)


def _write(source: IO[bytes], path: Path, limit: int, archive: Path) -> Digest:
    """Copy a member to a new file, counting as it goes: headers may lie."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    size = 0
    with open(path, "xb") as target:
        while block := source.read(BLOCK):
            size += len(block)
            if size > limit:
                raise InputError(
                    f"{archive.name}: unpacks to more than {LARGEST_RATIO} times its size; refused "
                    "as a bomb (unpack it yourself and give the folder)"
                )
            target.write(block)
            digest.update(block)
    os.chmod(path, 0o644)
    return size, digest.hexdigest()
