"""Tables and settings in one safetensors file, written whole or not at all."""

import contextlib
import errno
import json
import math
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from spectra.errors import InputError

__all__ = [
    "CONFIG",
    "check_replaceable",
    "check_writable",
    "is_same_file",
    "npy_bytes",
    "plain",
    "png_bytes",
    "read_tables",
    "table_kind",
    "user_path",
    "write_atomically",
    "write_json",
    "write_tables",
]

METADATA_KEY = "spectra"
CONFIG = "config.json"  # what makes a folder a run
LEAST_ROOM = 4096  # bytes, of the smallest result
FULL = (errno.ENOSPC, errno.EDQUOT)


def write_atomically(path: Path, payload: bytes) -> None:
    """Put `payload` at `path` so that a reader sees the old file or the new one, never a part.

    Raises
    ------
    InputError
        The folder cannot be made or written.
    """
    if not path.name or _is_no_file(path):
        raise InputError(f"{path}: cannot be written (it is a folder or a device); choose another")
    try:
        target = Path(os.path.realpath(path))  # a link stays one: what it leads to is written
        # Another process may be at the same file: each writes its own, and the last one stays.
        name = f".{target.name[:50]}.{os.getpid()}.{threading.get_ident()}.part"
        temporary = target.with_name(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except BaseException:  # Ctrl-C too
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:  # ValueError: a name with a null in it
        reason = getattr(error, "strerror", None) or error
        mend = "choose another --out"
        if getattr(error, "errno", None) in FULL:
            mend = f"make room and repeat the command, or {mend}"
        raise InputError(f"{path}: cannot be written ({reason}); {mend}") from error


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two names are of one file that is there."""
    try:
        return path.samefile(other)
    except (OSError, ValueError):
        return False


def check_replaceable(path: Path, kind: str) -> None:
    """Refuse to write a result over what is none of its kind: a result of hours, a stranger's file.

    Parameters
    ----------
    path
        Where the result goes.
    kind
        What `write_tables` calls it. An empty file is anybody's.

    Raises
    ------
    InputError
    """
    if not path.is_file() or not path.stat().st_size:
        return
    try:
        there = f"holds a {table_kind(path)}"
    except InputError:
        there = f"is there, and no {kind} file"
    if there != f"holds a {kind}":
        raise InputError(f"{path}: {there}, which would be lost; choose another --out")


def user_path(name: str | os.PathLike[str]) -> Path:
    """A path as its user wrote it: ~ is a home folder unless something of that name is here."""
    path = Path(name)
    if os.path.lexists(path):
        return path
    try:
        return path.expanduser()
    except RuntimeError:  # of a user who has none
        return path


def _is_no_file(path: Path) -> bool:
    """Whether something is there that must not be replaced: a folder, a device, a pipe."""
    try:
        return path.exists() and not path.is_file()
    except (OSError, ValueError):
        return False


def plain(value: Any) -> Any:
    """The same value in JSON's types; NaN and infinities become None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def write_json(path: Path, value: Any) -> None:
    """Put a value at `path` as indented JSON, atomically; what is not finite becomes null."""
    text = json.dumps(plain(value), indent=1, allow_nan=False)
    write_atomically(path, (text + "\n").encode())


def write_tables(
    path: str | Path, kind: str, version: str, tables: dict[str, Any], settings: dict[str, Any]
) -> None:
    """Write arrays or tensors and one JSON string of settings to a safetensors file.

    Parameters
    ----------
    path
        Where to write; the folder is made where it is missing.
    kind, version
        What the file holds ("spectrum", "schedule", "checkpoint") and its format "major.minor".
    tables
        Arrays (numpy) by name, saved bit for bit.
    settings
        Anything JSON can hold.
    """
    from safetensors.numpy import save

    header = {"kind": kind, "format": version, "settings": settings}
    arrays = {name: np.asarray(table, order="C") for name, table in tables.items()}
    # JSON must hold NaN-free numbers for readers in other languages.
    text = json.dumps(header, sort_keys=True, allow_nan=False)
    write_atomically(Path(path), save(arrays, metadata={METADATA_KEY: text}))


def table_kind(path: str | Path) -> str:
    """What a file that `write_tables` wrote holds.

    Raises
    ------
    InputError
        The file is missing, or was not written by this package.
    """
    _, header = _open(Path(path), "spectra", with_tables=False)
    return str(header["kind"])


def read_tables(
    path: str | Path, kind: str, major: int
) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Read what `write_tables` wrote.

    Returns
    -------
    tables, settings

    Raises
    ------
    InputError
        The file is missing, is no safetensors file, holds another kind of thing, or was
        written by a later major version.
    """
    tables, header = _open(Path(path), kind, with_tables=True)
    if header["kind"] != kind:
        raise InputError(f"{path}: holds a {header['kind']}; a {kind} file is expected")
    if str(header["format"]).split(".")[0] != str(major):
        raise InputError(
            f"{path}: {kind} format {header['format']} is not readable by this version, "
            f"which reads {major}.x; update spectra-diffusion"
        )
    return tables, header["settings"]


def _open(path: Path, kind: str, with_tables: bool) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Tables and header of a file; the header has kind, format and settings."""
    from safetensors import SafetensorError, safe_open

    if path.is_dir():
        inside = path / f"{kind}.safetensors"
        mend = f"give {inside}" if inside.is_file() else f"a {kind} file is expected"
        raise InputError(f"{path}: is a folder; {mend}")
    if not path.is_file():
        raise InputError(f"{path}: no such file; a {kind} file is expected")
    try:
        with safe_open(path, framework="numpy") as file:
            header = json.loads((file.metadata() or {}).get(METADATA_KEY, "{}"))
            names = file.keys() if with_tables else ()
            tables = {name: file.get_tensor(name) for name in names}
    except (SafetensorError, OSError, ValueError, TypeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        mend = "write it again with spectra"
        if path.suffix != ".safetensors":
            mend = "give a .safetensors file that spectra wrote"
        raise InputError(f"{path}: not a readable {kind} file ({reason}); {mend}") from error
    whole = isinstance(header, dict) and {"kind", "format", "settings"} <= set(header)
    if not (whole and isinstance(header["settings"], dict)):
        raise InputError(f"{path}: not written by spectra; a {kind} file is expected")
    return tables, header


def check_writable(folder: Path, mend: str = "choose another --out") -> None:
    """Refuse an output that cannot be written before anything is computed.

    Raises
    ------
    InputError
    """
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:  # without a name: a kill leaves none
            file.write(bytes(LEAST_ROOM))
            file.flush()
            os.fsync(file.fileno())
    except (OSError, ValueError) as error:  # ValueError: a name with a null in it
        reason = getattr(error, "strerror", None) or "it is no folder"
        raise InputError(f"{folder}: cannot be written ({reason}); {mend}") from None


def png_bytes(pixels: np.ndarray) -> bytes:
    """A PNG file of uint8 pixels [H, W, 3] or [H, W]."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def npy_bytes(array: np.ndarray) -> bytes:
    """A .npy file of an array."""
    import io

    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
