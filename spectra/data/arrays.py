"""Arrays of examples: from files and from Python, checked, and brought to [N, C, H, W]."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spectra.data.options import LEAST_SIDE, Options
from spectra.data.stores import ArrayStore
from spectra.data.values import check_channels, own_range, quantum
from spectra.errors import InputError

__all__ = ["as_array", "open_array", "read_array", "read_table"]

ARRAY_NAMES = ("images", "x", "data", "arr_0")
MAGIC = {".npy": b"\x93NUMPY", ".npz": b"PK"}
BLOCK_BYTES = 16 * 1024**2  # read at once while looking for NaN


def read_array(path: Path) -> np.ndarray:
    """Read the array of a .npy (memory-mapped), .npz or .safetensors file.

    Of several arrays in a file it is the one named images, x, data or arr_0.

    Raises
    ------
    InputError
        The file is damaged, holds Python objects, or several arrays of other names.
    """
    suffix = path.suffix.lower()
    if suffix == ".safetensors":
        return _read_safetensors(path)
    try:
        with open(path, "rb") as file:
            head = file.read(len(MAGIC[suffix]))
        if head != MAGIC[suffix]:
            raise ValueError("it does not begin as one does")
        loaded = np.load(path, mmap_mode="r" if suffix == ".npy" else None, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded as archive:
            return archive[_choose(archive.files, path)]
    except InputError:
        raise
    except Exception as error:  # a damaged header makes NumPy raise nearly anything
        if "Object arrays" in str(error) or "Python objects" in str(error):
            raise InputError(
                f"{path}: holds Python objects, which are not read; save numbers, "
                "array.astype(float32)"
            ) from error
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path}: not a readable {suffix} file ({reason}); save it again with numpy"
        ) from error


def read_table(path: Path, example_shape: tuple[int, ...]) -> np.ndarray:
    """Read examples from comma-separated values (gzipped or not), one in a row.

    A column more than an example has values is a label, and is dropped.

    Returns
    -------
    [N, \\*example_shape], of the smallest unsigned integers where all values are such.

    Raises
    ------
    InputError
        The file is no such table.
    """
    try:
        table = np.loadtxt(path, delimiter=",", ndmin=2)
    except (OSError, EOFError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: not a readable table of numbers ({reason})") from error
    width = int(np.prod(example_shape))
    if table.shape[1] not in (width, width + 1):
        raise InputError(
            f"{path}: rows have {table.shape[1]} values; an example of shape {example_shape} has "
            f"{width} (and a label at most)"
        )
    values = table[:, :width].reshape(-1, *example_shape)
    if np.isfinite(values).all() and (values == np.floor(values)).all() and values.min() >= 0:
        return values.astype(np.min_scalar_type(int(values.max())))
    return values


def as_array(source: Any) -> np.ndarray:
    """An array, a torch tensor, or examples of one shape one after another, as an array.

    An example given as a tuple or list that begins with an array, as data sets of (image, label)
    do, is that array.

    Raises
    ------
    InputError
        It is none of these.
    """
    if isinstance(source, np.ndarray):
        return source
    if hasattr(source, "detach") or hasattr(source, "__array__"):
        return _to_numpy(source)
    if not isinstance(source, Iterable) and hasattr(source, "__getitem__"):
        items = source  # a torch Dataset
        source = (items[index] for index in range(len(items)))
    if isinstance(source, str | bytes | dict) or not isinstance(source, Iterable):
        raise InputError(
            f"a source cannot be a {type(source).__name__}; give a folder, a zip, an array file, "
            "a manifest, an array or a list of arrays"
        )
    examples = [_example(item) for item in source]
    shapes = {example.shape for example in examples}
    if len(shapes) > 1:
        first, second = sorted(shapes)[:2]
        raise InputError(
            f"the examples differ in shape, {first} and {second}; crop them to one shape, or "
            "save them as images in a folder"
        )
    if not examples:
        raise InputError("the list of examples is empty; give at least one array")
    return np.stack(examples)


def open_array(array: np.ndarray, options: Options, name: str) -> tuple[ArrayStore, Options, float]:
    """Check an array and bring it to [N, C, *spatial] without copying it.

    As pixels, rank 3 is [N, H, W] and rank 4 [N, C, H, W], or [N, H, W, C] where C is 1 or 3 and
    the second axis is too long to be channels; as series or waveforms, rank 2 is [N, T] and
    rank 3 [N, C, T].

    Returns
    -------
    store, resolved options, quantum

    Raises
    ------
    InputError
        Wrong rank, empty, too small, a type without a stated range, NaN or infinity, values
        outside the range, or a view that an array cannot have.
    """
    array = np.asarray(array)
    one_axis = options.view in ("series", "waveform")
    array = _series(array, name) if one_axis else _channels_first(array, name)
    whole = array.shape[2:]
    if options.view == "log-mel" or options.rate is not None:
        asked = "view log-mel" if options.rate is None else "rate"
        raise InputError(f"{name}: {asked} is for sound files; arrays have a spacing")
    if len(array) == 0:
        raise InputError(f"{name}: holds no examples, shape {array.shape}; give at least one")
    if min(whole) < LEAST_SIDE:
        wanted = "[N, C, T] or [N, T]" if one_axis else "[N, C, H, W] or [N, H, W]"
        raise InputError(
            f"{name}: examples are {_shown(whole)}, under the least side of {LEAST_SIDE}; give "
            f"{wanted} of larger ones (a single one: array[None])"
        )
    value_range = options.value_range or own_range(array.dtype)
    if array.dtype.kind not in "buif":
        raise InputError(f"{name}: holds {array.dtype} values; give real numbers")
    if array.dtype.kind in "iu" and value_range is None:
        raise InputError(
            f"{name}: {array.dtype} has no stated value range; use --value-range LOW HIGH, or "
            "save as uint8 or as floats"
        )
    check_channels(options.channels, array.shape[1], name)
    _check_values(array, options.value_range, name)
    size, crop = _array_crop(whole, options, name)
    store = ArrayStore(array, options.channels, value_range)
    resolved = replace(
        options,
        size=size,
        crop=crop,
        view="pixels" if options.view == "auto" else options.view,
        spacing=options.distances(len(whole), name),
    )
    return store, resolved, quantum(array.dtype, value_range)


def _shown(size: tuple[int, ...]) -> str:
    return "x".join(map(str, size))


def _series(array: np.ndarray, name: str) -> np.ndarray:
    """[N, T] or [N, C, T] -> [N, C, T], a view."""
    if array.ndim == 2:
        return array[:, None]
    if array.ndim == 3:
        return array
    mend = "add a leading axis, array[None]" if array.ndim == 1 else "reshape it"
    raise InputError(
        f"{name}: is of rank {array.ndim}, shape {array.shape}; a series is of rank 2 [N, T] or "
        f"rank 3 [N, C, T]; {mend}"
    )


def _channels_first(array: np.ndarray, name: str) -> np.ndarray:
    """[N, H, W] or [N, C, H, W] or [N, H, W, C] -> [N, C, H, W], a view."""
    if array.ndim == 3:
        return array[:, None]
    if array.ndim != 4:
        mend = (
            "add a leading axis, array[None], or --view series for [N, T]"
            if array.ndim == 2
            else "reshape it"
        )
        raise InputError(
            f"{name}: is of rank {array.ndim}, shape {array.shape}; wanted rank 3 [N, H, W] or "
            f"rank 4 [N, C, H, W]; {mend}"
        )
    last = array.shape[3]
    if last in (1, 3) and array.shape[1] not in (1, 2, 3, 4):
        return np.moveaxis(array, 3, 1)
    if last in (2, 4) and min(array.shape[1:3]) > 4:
        raise InputError(
            f"{name}: shape {array.shape} looks like {last} channels last; say which is meant by "
            "array.transpose(0, 3, 1, 2) or by leaving alpha out, array[..., :3]"
        )
    return array


def _array_crop(whole: tuple[int, ...], options: Options, name: str) -> tuple[tuple[int, ...], str]:
    """Size and crop, where all examples have the size `whole`."""
    size = options.sides(len(whole), name) or whole
    if any(side > own for side, own in zip(size, whole, strict=True)):
        raise InputError(
            f"{name}: examples are {_shown(whole)}, smaller than {_shown(size)}; "
            f"use --size {min(whole)}"
        )
    if size == whole:
        return size, "none" if options.crop in ("auto", "resize") else options.crop
    if options.crop == "resize":
        raise InputError(f"{name}: crop resize is for image files; use --crop center or patches")
    if options.crop == "none":
        raise InputError(
            f"{name}: examples are {_shown(whole)}, not {_shown(size)}, which crop none "
            "asks for; use --crop center or patches"
        )
    return size, "patches" if options.crop == "auto" else options.crop


def _check_values(array: np.ndarray, value_range: tuple[float, float] | None, name: str) -> None:
    """Look through the values block by block for NaN, infinity, and what is out of range."""
    if array.dtype.kind != "f" and value_range is None:
        return
    bad, first, low, high = 0, 0, np.inf, -np.inf
    for start, block in _blocks(array):
        finite = np.isfinite(block).all(axis=tuple(range(1, block.ndim)))
        if not finite.all():
            first = first if bad else start + int(np.argmin(finite))
            bad += int((~finite).sum())
            continue
        low, high = min(low, block.min()), max(high, block.max())
    if bad:
        raise InputError(
            f"{name}: {bad} of {len(array)} examples hold NaN or infinity (first: example "
            f"{first}); leave them out: array[np.isfinite(array).reshape(len(array), -1).all(1)]"
        )
    if value_range is not None and (low < value_range[0] or high > value_range[1]):
        raise InputError(
            f"{name}: values from {low:g} to {high:g} lie outside value_range {value_range[0]:g} "
            f"to {value_range[1]:g}; give the range that holds them"
        )


def _blocks(array: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    rows = max(1, BLOCK_BYTES // max(1, array[0].nbytes))
    for start in range(0, len(array), rows):
        yield start, array[start : start + rows]


def _read_safetensors(path: Path) -> np.ndarray:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            if "spectra" in (file.metadata() or {}):
                raise InputError(
                    f"{path}: is a file that spectra wrote, not data; give the data themselves"
                )
            return file.get_tensor(_choose(list(file.keys()), path))
    except (SafetensorError, OSError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: not a readable .safetensors array ({reason}); save it again as float32"
        ) from error


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


def _example(item: Any) -> np.ndarray:
    if isinstance(item, str | bytes | Path):
        raise InputError(
            f"a list of names ({item!r}) is no source; give the folder that holds the files"
        )
    if isinstance(item, tuple | list) and item and hasattr(item[0], "shape"):
        item = item[0]
    array = _to_numpy(item)
    if array.ndim not in (2, 3):
        raise InputError(
            f"an example has rank {array.ndim}; wanted [H, W] or [C, H, W] (batches: concatenate "
            "them into one array)"
        )
    return array


def _to_numpy(source: Any) -> np.ndarray:
    if hasattr(source, "detach"):
        source = source.detach().cpu()
        if str(source.dtype) == "torch.bfloat16":
            source = source.float()
        return source.numpy()
    try:
        return np.asarray(source)
    except (TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"a {type(source).__name__} is no array ({reason}); give numbers of one shape"
        ) from error
