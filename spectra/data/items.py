"""Examples that are read one at a time: data sets of torch and Hugging Face, and the like."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from spectra.data.images import UnreadableImage, opaque
from spectra.data.values import own_range
from spectra.errors import InputError

__all__ = ["Bfloat16", "Items", "UnreadableItem", "as_items"]

STREAM_LIMIT = 2 * 1024**3  # bytes taken from what can only be read once
COLUMNS = ("image", "images", "img", "pixel_values", "x", "data", "latents", "audio")


class UnreadableItem(Exception):
    """An example cannot be read; the text says why."""


class Items(Protocol):
    """Examples of one shape, read when asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, *example), as an array has it."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values."""
        ...

    def read(self, number: int) -> np.ndarray:
        """One example, or UnreadableItem."""
        ...


class Bfloat16:
    """An array of bfloat16, given as its bits, read as float32.

    Parameters
    ----------
    bits
        uint16 [N, ...], in memory or on disk.
    """

    dtype = np.dtype(np.float32)

    def __init__(self, bits: np.ndarray) -> None:
        self.bits = bits
        self.shape = bits.shape

    def __getstate__(self) -> dict[str, Any]:
        if isinstance(self.bits, np.memmap):  # sent by its path, not by its values
            bits = self.bits
            return {"place": (str(bits.filename), bits.dtype.str, bits.offset, bits.shape)}
        return {"bits": self.bits}

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "place" in state:
            path, dtype, offset, shape = state["place"]
            state = {"bits": np.memmap(path, dtype, "r", offset, shape)}
        self.__init__(state["bits"])

    def read(self, number: int) -> np.ndarray:
        """float32 is bfloat16 with sixteen more bits of nought."""
        return (self.bits[number].astype(np.uint32) << np.uint32(16)).view(np.float32)


class _DataSet:
    """What has a length and gives examples by number, as torch and Hugging Face data sets do.

    The first example says what the others have to be.
    """

    def __init__(self, source: Any, column: "_Column") -> None:
        self.source = source
        self.column = column
        try:
            first = _example(source[0], column)
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"the data set's first example cannot be read ({_line(error)}); mend the data set"
            ) from error
        self.shape = (len(source), *first.shape)
        self.dtype = first.dtype

    def read(self, number: int) -> np.ndarray:
        """One example; whatever the data set raises makes it an unreadable one."""
        try:
            values = _example(self.source[number], self.column)
        except Exception as error:
            raise UnreadableItem(f"cannot be read ({_line(error)})") from error
        if values.shape != self.shape[1:]:
            raise InputError(
                f"the examples differ in shape: example {number} is {values.shape}, the first "
                f"{self.shape[1:]}; crop them to one shape, or save them as images in a folder"
            )
        if own_range(values.dtype) != own_range(self.dtype):
            raise InputError(
                f"the examples differ in type: example {number} is {values.dtype}, the first "
                f"{self.dtype}, of another range; bring them to one type, or save them as images "
                "in a folder"
            )
        return values


def as_items(source: Any) -> np.ndarray | Items:
    """An array as it is; examples by number, read when asked for; others gathered in memory.

    Parameters
    ----------
    source
        An array or a torch tensor [N, ...]. A data set of torch or Hugging Face with a length,
        or any sequence but a list or tuple: read by number as needed. A torch DataLoader: its
        data set. A list, an iterable or a streaming data set of examples: taken whole, 2 GiB at
        most.
        An example is an array, a tensor or a Pillow image; of a tuple or list the first entry,
        as data sets of (image, label) have it; of a dict the entry image, img, pixel_values, ...
        What a masked array leaves out is missing (NaN).

    Raises
    ------
    InputError
        It is none of these, is empty or too large, or the examples differ in shape or range.
    """
    if isinstance(source, np.ndarray):
        return _unmasked(source)
    if hasattr(source, "detach") or hasattr(source, "__array__"):
        return _to_numpy(source)
    if isinstance(source, str | bytes | dict | set):
        mend = "give a folder, a zip, an array file, a manifest, an array or a list of arrays"
        if isinstance(source, dict) and hasattr(source, "column_names"):
            mend = f"give one of its parts, such as [{next(iter(source), '')!r}]"
        raise InputError(f"a source cannot be a {type(source).__name__}; {mend}")
    streams = any(kind.__name__ == "IterableDataset" for kind in type(source).__mro__)
    if hasattr(source, "batch_sampler") and hasattr(source, "dataset"):  # a DataLoader
        return as_items(source.dataset)
    numbered = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    if numbered and not streams and not isinstance(source, list | tuple):
        if len(source) == 0:
            raise InputError("the data set is empty; give at least one example")
        return _DataSet(source, _column(source))
    if not isinstance(source, Iterable):
        raise InputError(
            f"a source cannot be a {type(source).__name__}; give a folder, a zip, an array file, "
            "a manifest, an array or a list of arrays"
        )
    return _gathered(source, _column(source))


def _gathered(source: Iterable[Any], column: "_Column") -> np.ndarray:
    """Examples one after another, as one array."""
    examples: list[np.ndarray] = []
    size = 0
    for item in source:
        examples.append(_example(item, column))
        size += examples[-1].nbytes
        if size > STREAM_LIMIT:
            raise InputError(
                f"the examples are over {STREAM_LIMIT // 1024**3} GiB after {len(examples):,} of "
                "them; take fewer (itertools.islice), or save them in a file"
            )
        if examples[-1].shape != examples[0].shape:
            first, second = sorted({examples[0].shape, examples[-1].shape})
            raise InputError(
                f"the examples differ in shape, {first} and {second}; crop them to one shape, or "
                "save them as images in a folder"
            )
        if own_range(examples[-1].dtype) != own_range(examples[0].dtype):
            raise InputError(
                f"the examples differ in type, {examples[0].dtype} and {examples[-1].dtype}, of "
                "other ranges; bring them to one type, or save them as images in a folder"
            )
    if not examples:
        raise InputError("the list of examples is empty; give at least one array")
    return np.stack(examples)


@dataclass(frozen=True)
class _Column:
    """Which entry of an example is meant, and of what type; "" where that is still to be seen."""

    name: str = ""
    dtype: str = ""


def _column(source: Any) -> _Column:
    """The column of images in a Hugging Face data set: pictures, arrays named so, any arrays."""
    features = getattr(source, "features", None)
    if not isinstance(features, Mapping) or not features:
        return _Column()
    pictures = [name for name, kind in features.items() if type(kind).__name__ == "Image"]
    arrays = [name for name, kind in features.items() if type(kind).__name__.startswith("Array")]
    named = [name for name in COLUMNS if name in features]
    named = [name for name in named if name in pictures] or (named if not pictures else [])
    found = named[:1] or pictures or arrays
    if not found:
        raise InputError(
            f"the data set has the columns {', '.join(map(str, features))}, none of images or "
            "arrays; rename the one meant to image"
        )
    if len(found) > 1:
        raise InputError(
            f"the data set has several columns of {'images' if pictures else 'arrays'} "
            f"({', '.join(map(str, found))}); rename the one meant to image"
        )
    # Its lists of numbers have forgotten what type they were.
    return _Column(found[0], str(features[found[0]].dtype) if found[0] in arrays else "")


def _example(item: Any, column: _Column) -> np.ndarray:
    """One example as an array [H, W], [C, H, W], [T] or such."""
    if isinstance(item, str | bytes | Path):
        raise InputError(
            f"a list of names ({item!r}) is no source; give the folder that holds the files"
        )
    if isinstance(item, Mapping):
        keys = [column.name] if column.name else [name for name in COLUMNS if name in item]
        keys = keys or [name for name, value in item.items() if hasattr(value, "shape")]
        if not keys:
            raise InputError(
                f"an example has the entries {', '.join(map(str, item))}; name the one meant image"
            )
        item = item[keys[0]]
        if isinstance(item, Mapping) and "array" in item:  # decoded sound
            item = item["array"]
    if isinstance(item, tuple | list) and item and _is_array(item[0]):
        item = item[0]
    array = _from_picture(item) if _is_picture(item) else _to_numpy(item)
    if array.dtype.kind not in "buif":  # complex numbers would lose a half of themselves
        raise InputError(
            f"an example, a {type(item).__name__}, holds {array.dtype} values; give real numbers"
        )
    if array.ndim not in (1, 2, 3):
        raise InputError(
            f"an example has rank {array.ndim}; wanted [H, W] or [C, H, W] (batches: concatenate "
            "them into one array)"
        )
    return array.astype(column.dtype) if column.dtype else array


def _is_picture(item: Any) -> bool:
    return hasattr(item, "mode") and hasattr(item, "convert") and hasattr(item, "getbands")


def _is_array(item: Any) -> bool:
    return hasattr(item, "shape") or _is_picture(item)


def _from_picture(picture: Any) -> np.ndarray:
    """A Pillow image as grey [H, W] or colour [3, H, W], as image files are read."""
    if picture.mode in ("I", "F"):
        return np.asarray(picture)
    try:
        values = opaque(picture)
    except UnreadableImage as error:
        raise InputError(f"a picture of mode {picture.mode} {error}") from None
    return values if values.ndim == 2 else np.moveaxis(values, 2, 0)


def _to_numpy(source: Any) -> np.ndarray:
    try:
        if hasattr(source, "detach"):
            # numpy knows no view that is conjugated or negated when it is read.
            source = source.detach().cpu().resolve_conj().resolve_neg()
            if str(source.dtype).startswith(("torch.bfloat16", "torch.float8")):
                source = source.float()
            return source.numpy()
        return _unmasked(source if isinstance(source, np.ma.MaskedArray) else np.asarray(source))
    except (TypeError, ValueError, RuntimeError) as error:  # of a tensor sparse, quantised, nested
        raise InputError(
            f"a {type(source).__name__} is no array ({_line(error)}); give numbers of one shape"
        ) from error


def _unmasked(array: np.ndarray) -> np.ndarray:
    """A plain array, NaN where a masked one is masked: what lies under a mask is no value."""
    if not isinstance(array, np.ma.MaskedArray):
        return array
    if not np.ma.is_masked(array):
        return array.data
    if array.dtype.kind != "f":
        raise InputError(
            f"a masked array of {array.dtype} cannot say what is missing; give floats, "
            "array.astype(float)"
        )
    return array.filled(np.nan)


def _line(error: Exception) -> str:
    return next(chain(str(error).splitlines(), [type(error).__name__]))
