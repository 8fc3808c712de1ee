"""Arrays of examples, from files and from Python, checked, and brought to [N, C, *spatial]."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from spectra.data.array_files import ARRAY_FILES, is_array_file, read_array, read_parts
from spectra.data.fields import GapStore
from spectra.data.item_store import ItemStore
from spectra.data.items import Items, as_items
from spectra.data.options import LEAST_SIDE, Options
from spectra.data.stores import ArrayStore
from spectra.data.values import check_channels, own_range, quantum
from spectra.errors import InputError

__all__ = [
    "ARRAY_FILES",
    "ArrayLike",
    "array_crop",
    "as_items",
    "is_array_file",
    "open_array",
    "read_array",
    "read_parts",
]

ArrayLike = np.ndarray | Items
AnyStore = ArrayStore | ItemStore | GapStore
LINES = ("series", "waveform")  # views along one axis
SCANNED = 64 * 1024**2  # bytes of an array looked through when opened; others as they are read
BLOCK_BYTES = 16 * 1024**2  # read at once while looking for NaN


def open_array(array: ArrayLike, options: Options, name: str) -> tuple[AnyStore, Options, float]:
    """Check examples and make a store of [N, C, *spatial] of them without copying them.

    Rank 3 is [N, H, W]; rank 4 is [N, C, H, W], or [N, H, W, C] where C is 1 or 3 and the second
    axis is too long to be channels. As series, rank 2 is [N, T] and rank 3 is [N, C, T].

    Returns
    -------
    store, resolved options, quantum

    Raises
    ------
    InputError
        Wrong rank, empty, too small, a type without a stated range, or a view that an array
        cannot have. NaN, infinity and values outside the range: at once where the array is of
        64 MiB at most, otherwise as they are read.
    """
    options = _check_view(options, name)
    if isinstance(array, np.ndarray):
        arrangement = _arrangement(array.shape, options.view, name)
        array = _arranged(array, arrangement)
        shape = array.shape
    else:
        arrangement = _arrangement(array.shape, options.view, name)
        shape = ItemStore(array, arrangement, "auto", None).shape
    _check_shape(shape, name)
    dtype = array.dtype
    value_range = options.value_range or own_range(dtype)
    if dtype.kind not in "buif":
        raise InputError(f"{name}: holds {dtype} values; give real numbers")
    if dtype.kind in "iu" and value_range is None:
        raise InputError(
            f"{name}: {dtype} has no stated value range; use --value-range LOW HIGH, or "
            "save as uint8 or as floats"
        )
    check_channels(options.channels, shape[1], name)
    if isinstance(array, np.ndarray):
        store: AnyStore = ArrayStore(array, options.channels, value_range)
        scanned = array.nbytes <= SCANNED
        if scanned:
            _check_values(array, options, name)
    else:
        store = ItemStore(array, arrangement, options.channels, value_range)
        scanned = False
    gaps = dtype.kind == "f" and (options.nan == "fill" or not scanned)
    bounded = options.value_range is not None and not scanned
    if gaps or bounded:
        store = GapStore(store, options.nan, bounded, name)
    size, crop = array_crop(shape[2:], options, name)
    spacing = options.distances(len(size), name)
    resolved = replace(options, size=size, crop=crop, spacing=spacing)
    return store, resolved, quantum(dtype, value_range)


def _check_view(options: Options, name: str) -> Options:
    """The view that arrays have; those of sound need its files."""
    if options.view not in ("auto", "pixels", *LINES):
        raise InputError(
            f"{name}: an array has no view {options.view}; use pixels, or series along one axis"
        )
    if options.rate is not None:
        raise InputError(
            f"{name}: rate is for sound files; of an array state --spacing, the time between "
            "samples"
        )
    return replace(options, view="pixels" if options.view == "auto" else options.view)


def _arrangement(shape: tuple[int, ...], view: str, name: str) -> str:
    """Where the axis of channels is: "none", "first" or "last"."""
    rank = len(shape)
    if view in LINES:
        if rank in (2, 3):
            return "none" if rank == 2 else "first"
        raise InputError(
            f"{name}: is of rank {rank}, shape {shape}; as {view}, wanted rank 2 [N, T] or "
            "rank 3 [N, C, T]"
        )
    if rank == 3:
        return "none"
    if rank != 4:
        mend = "add a leading axis, array[None], or say --view series" if rank == 2 else "reshape"
        raise InputError(
            f"{name}: is of rank {rank}, shape {shape}; wanted rank 3 [N, H, W] or "
            f"rank 4 [N, C, H, W]; {mend}"
        )
    last = shape[3]
    if last in (1, 3) and shape[1] not in (1, 2, 3, 4):
        return "last"
    if last in (2, 4) and min(shape[1:3]) > 4:
        raise InputError(
            f"{name}: shape {shape} looks like {last} channels last; say which is meant by "
            "array.transpose(0, 3, 1, 2) or by leaving alpha out, array[..., :3]"
        )
    return "first"


def _arranged(array: np.ndarray, arrangement: str) -> np.ndarray:
    """[N, *spatial], [N, C, *spatial] or [N, *spatial, C] -> [N, C, *spatial], a view."""
    if arrangement == "none":
        return array[:, None]
    return np.moveaxis(array, -1, 1) if arrangement == "last" else array


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    if shape[0] == 0:
        raise InputError(f"{name}: holds no examples, shape {shape}; give at least one")
    if shape[1] == 0:
        raise InputError(f"{name}: holds no channels, shape {shape}; give at least one")
    if min(shape[2:]) < LEAST_SIDE:
        kinds = "[N, C, T] or [N, T]" if len(shape) == 3 else "[N, C, H, W] or [N, H, W]"
        lines = ", or say --view series for [N, C, T]" if shape[1] == 1 and len(shape) == 4 else ""
        raise InputError(
            f"{name}: examples are {_times(shape[2:])}, under the least side of {LEAST_SIDE}; give "
            f"{kinds} of larger ones (a single one: array[None]){lines}"
        )


def array_crop(whole: tuple[int, ...], options: Options, name: str) -> tuple[tuple[int, ...], str]:
    """Size and crop, where all examples have the size `whole`.

    Raises
    ------
    InputError
        The size asked for is larger, or the crop does not lead to it.
    """
    size = options.sides(len(whole), name) or whole
    if any(side > all_ for side, all_ in zip(size, whole, strict=True)):
        raise InputError(
            f"{name}: examples are {_times(whole)}, smaller than {_times(size)}; "
            f"use --size {min(whole)}"
        )
    if size == whole:
        return size, "none" if options.crop in ("auto", "resize") else options.crop
    if options.crop == "resize":
        raise InputError(f"{name}: crop resize is for image files; use --crop center or patches")
    if options.crop == "none":
        raise InputError(
            f"{name}: examples are {_times(whole)}, not {_times(size)}, which crop none "
            "asks for; use --crop center or patches"
        )
    return size, "patches" if options.crop == "auto" else options.crop


def _check_values(array: np.ndarray, options: Options, name: str) -> None:
    """Look through the values block by block for NaN, infinity, and what is out of range."""
    value_range = options.value_range
    if array.dtype.kind != "f" and value_range is None:
        return
    bad, first, low, high = 0, 0, np.inf, -np.inf
    for start, block in _blocks(array):
        finite = np.isfinite(block)
        if options.nan == "fill":
            finite |= np.isnan(block)
        whole = finite.reshape(len(block), -1).all(axis=1)
        if not whole.all():
            first = first if bad else start + int(np.argmin(whole))
            bad += int((~whole).sum())
            continue
        if not np.isnan(block).all():
            low, high = min(low, np.nanmin(block)), max(high, np.nanmax(block))
    if bad:
        what = "infinity" if options.nan == "fill" else "NaN or infinity"
        raise InputError(
            f"{name}: {bad} of {len(array)} examples hold {what} (first: example {first}); leave "
            "them out: array[np.isfinite(array).reshape(len(array), -1).all(1)]"
            + ("" if options.nan == "fill" else ", or use --nan fill where values are missing")
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


def _times(sides: tuple[int, ...]) -> str:
    return "x".join(map(str, sides))
