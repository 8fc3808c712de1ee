"""Files that hold one array of examples: .npy, .npz, .safetensors, idx, records and tables."""

import gzip
import json
import math
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from spectra.data.items import Bfloat16, Items
from spectra.errors import InputError

__all__ = ["ARRAY_FILES", "is_array_file", "read_array", "read_parts"]

ARRAY_FILES = (".npy", ".npz", ".safetensors", ".idx", "-ubyte", "-ubyte.gz")
ARRAY_NAMES = ("images", "x", "data", "latents", "arr_0")
NPY = b"\x93NUMPY"
IDX_NAME = re.compile(r"(\.idx|idx\d[.-](u?byte|short|int|float|double))(\.gz)?$", re.IGNORECASE)
MEMORY_LIMIT = 1024**3  # bytes of an array that can only be read whole

# The third byte of an idx file says its type: LeCun, yann.lecun.com/exdb/mnist.
IDX_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# As in the header of a .safetensors file; bfloat16 apart.
TENSOR_TYPES = {
    ("U" if kind == "u" else "I" if kind == "i" else "F") + str(8 * size): f"<{kind}{size}"
    for kind in "uif"
    for size in (1, 2, 4, 8)
    if (kind, size) != ("f", 1)
} | {"BOOL": "?"}


def is_array_file(path: Path) -> bool:
    """Whether a file is read by `read_array`, by its name or, of .npy and idx, its first bytes."""
    if path.suffix.lower() in ARRAY_FILES or IDX_NAME.search(path.name):
        return True
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with open(path, "rb") as file:
            head = file.read(256)
        return head.startswith(NPY) or _idx_header(head, path.stat().st_size) is not None
    except OSError:
        return False


def read_array(path: Path) -> np.ndarray | Items:
    """Read the array of a file, memory-mapped where it is not packed.

    What kind of file it is shows in its first bytes. Of several arrays in a file it is the one
    named images, x, data, latents or arr_0.

    Raises
    ------
    InputError
        The file is damaged, holds Python objects, or several arrays of other names; or it is
        packed and larger than memory should hold.
    """
    kind = _suffix(path)
    try:
        with open(path, "rb") as file:
            head = file.read(256)
        if head.startswith(NPY):
            with np.errstate(over="ignore"):  # of the absurd size that a header may state
                return np.load(path, mmap_mode="r", allow_pickle=False)
        if head.startswith(b"PK"):
            return _read_npz(path)
        if head.startswith(b"\x1f\x8b"):
            return _read_packed_idx(path)
        if head[:2] == b"\0\0" and len(head) > 3 and head[2] in IDX_TYPES:
            return _read_idx(path, head)
        if head[8:9] == b"{":
            return _read_safetensors(path)
        raise ValueError("it does not begin as one does")
    except InputError:
        raise
    except Exception as error:  # a damaged header makes NumPy raise nearly anything
        if "Object arrays" in str(error) or "Python objects" in str(error):
            raise InputError(
                f"{path}: holds Python objects, which are not read; save numbers, "
                "array.astype(float32)"
            ) from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        mend = "fetch it again" if "idx" in kind else "save it again as float32"
        raise InputError(f"{path}: not a readable {kind} file ({reason}); {mend}") from error


def read_table(path: Path, example_shape: tuple[int, ...], label: str = "") -> np.ndarray:
    """Read examples from comma-separated values (gzipped or not), one in a row.

    A column more than an example has values is a label, and is dropped: the "first" or "last".

    Returns
    -------
    [N, \\*example_shape], of the smallest unsigned integers where all values are such.

    Raises
    ------
    InputError
        The file is no such table.
    """
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2, encoding="utf-8-sig")
    except (OSError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a readable table of numbers ({reason})") from error
    width = math.prod(example_shape)
    if table.shape[1] not in (width, width + 1):
        raise InputError(
            f"{path}: rows have {table.shape[1]} values; an example of shape {example_shape} has "
            f"{width} (and a label at most)"
        )
    if table.shape[1] > width and not label:  # the wrong one would shift every example
        raise InputError(
            f'{path}: rows have a value more than an example; write label = "first" or label = '
            '"last" in the manifest, whichever it is'
        )
    start = table.shape[1] - width if label == "first" else 0
    values = table[:, start : start + width].reshape(-1, *example_shape)
    if np.isfinite(values).all() and (values == np.floor(values)).all() and values.min() >= 0:
        return values.astype(np.min_scalar_type(int(values.max())))
    return values


def read_records(path: Path, example_shape: tuple[int, ...], label_bytes: int) -> np.ndarray:
    """Map a file of records, each some bytes of label and an example in bytes.

    Returns
    -------
    uint8 [N, \\*example_shape], a view of the file.

    Raises
    ------
    InputError
        The file's size is no whole number of records.
    """
    each = label_bytes + math.prod(example_shape)
    size = path.stat().st_size
    if size == 0 or size % each:
        raise InputError(
            f"{path}: {size:,} bytes are no whole number of records of {each:,}; fetch it again"
        )
    # Only now: numpy knows no type of a shape that is absurd.
    record = np.dtype([("label", "u1", (label_bytes,)), ("example", "u1", example_shape)])
    return np.memmap(path, record, "r")["example"]


def read_parts(
    paths: list[Path],
    kind: str,
    example_shape: tuple[int, ...] = (),
    label_bytes: int = 0,
    label: str = "",
) -> np.ndarray | Items:
    """Read the files of a manifest's array: one where it lies, several joined in memory.

    Parameters
    ----------
    paths
        The files, in order.
    kind
        "table", "records", or another for what `read_array` reads.
    example_shape, label_bytes, label
        Of tables and records.

    Raises
    ------
    InputError
        A file is damaged, they differ in shape or type, or they are too large to join.
    """
    parts = [
        read_table(path, example_shape, label)
        if kind == "table"
        else read_records(path, example_shape, label_bytes)
        if kind == "records"
        else read_array(path)
        for path in paths
    ]
    if len(parts) == 1:
        return parts[0]
    arrays = [part for part in parts if isinstance(part, np.ndarray)]
    if len(arrays) < len(parts) or len({(part.shape[1:], part.dtype) for part in arrays}) > 1:
        raise InputError(f"{paths[0]} and others: differ in shape or type; open them one by one")
    size = sum(part.nbytes for part in arrays)
    _check_memory(size, paths[0], "open one of its parts")
    return np.concatenate(arrays)


def _suffix(path: Path) -> str:
    """How a message calls a file of this name."""
    if IDX_NAME.search(path.name):
        return "idx"
    return path.suffix.lower() if path.suffix.lower() in ARRAY_FILES else "array"


def _idx_header(head: bytes, size: int | None) -> tuple[str, tuple[int, ...], int] | None:
    """Type, shape and length of an idx header; None where it is none, or does not fit `size`."""
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in IDX_TYPES or not 1 <= head[3] <= 4:
        return None
    start = 4 + 4 * head[3]
    if len(head) < start:
        return None
    shape = struct.unpack(f">{head[3]}I", head[4:start])
    kind = IDX_TYPES[head[2]]
    whole = start + math.prod(shape) * np.dtype(kind).itemsize
    return (kind, shape, start) if size in (None, whole) else None


def _read_idx(path: Path, head: bytes) -> np.ndarray:
    """[N, ...] of a plain idx file, mapped."""
    found = _idx_header(head, path.stat().st_size)
    if found is None:
        raise ValueError("its size is not what its header says")
    kind, shape, start = found
    if math.prod(shape) == 0:
        return np.zeros(shape, kind)
    return np.memmap(path, kind, "r", start, shape)


def _read_packed_idx(path: Path) -> np.ndarray:
    """[N, ...] of a gzipped idx file, in memory; no more is unpacked than its header says."""
    with gzip.open(path) as file:
        try:
            head = file.read(4)
            head += file.read(4 * head[3]) if len(head) == 4 else b""
            found = _idx_header(head, None)
            if found is None:
                raise ValueError("what is packed in it does not begin as idx does")
            kind, shape, _ = found
            size = math.prod(shape) * np.dtype(kind).itemsize
            _check_memory(size, path, "unpack it (gunzip) to have it read where it lies")
            content = file.read(size)
            if len(content) != size or file.read(1):
                raise ValueError("its size is not what its header says")
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(f"cannot be unpacked: {error}") from error
    return np.frombuffer(content, kind).reshape(shape)


def _read_npz(path: Path) -> np.ndarray:
    with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
        members = [name for name in archive.zip.namelist() if name.endswith(".npy")]
        member = _choose([name.removesuffix(".npy") for name in members], path) + ".npy"
        size = archive.zip.getinfo(member).file_size
        _check_memory(size, path, "save it as .npy, which is read where it lies")
        array = archive[member]
        if not isinstance(array, np.ndarray):  # numpy gives the bytes of what is no array
            raise ValueError(f"{member} in it is no array")
        return array


def _read_safetensors(path: Path) -> np.ndarray | Items:
    """The tensor meant, mapped: safetensors checks the header, and the values stay in the file."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        if "spectra" in (file.metadata() or {}):
            raise InputError(
                f"{path}: is a file that spectra wrote, not data; give the data themselves"
            )
        name = _choose(list(file.keys()), path)
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        entry: dict[str, Any] = json.loads(file.read(length))[name]
    kind, shape = entry["dtype"], tuple(entry["shape"])
    if kind not in TENSOR_TYPES and kind != "BF16":
        raise InputError(f"{path}: {name} is of type {kind}, which is not read; save it as float32")
    dtype = np.dtype(TENSOR_TYPES.get(kind, "<u2"))
    start = 8 + length + entry["data_offsets"][0]
    # A byte map may begin anywhere; views of wider types need not be aligned.
    array = (
        np.zeros(shape, dtype)
        if math.prod(shape) == 0
        else np.memmap(path, dtype, "r", start, shape)
    )
    return Bfloat16(array) if kind == "BF16" else array


def _choose(names: list[str], path: Path) -> str:
    """The name of the one array meant."""
    if len(names) == 1:
        return names[0]
    for name in ARRAY_NAMES:
        if name in names:
            return name
    listed = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "none"
    raise InputError(
        f"{path}: holds {len(names)} arrays ({listed}); save the one meant alone, or name it images"
    )


def _check_memory(size: int, path: Path, mend: str) -> None:
    if size > MEMORY_LIMIT:
        raise InputError(
            f"{path}: is {size / 1e9:,.1f} GB unpacked, over the limit of "
            f"{MEMORY_LIMIT / 1e9:,.1f} GB; {mend}"
        )
