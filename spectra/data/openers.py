"""From what a user names to a source."""

import math
import os
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from spectra.data.arrays import (
    ARRAY_FILES,
    ArrayLike,
    as_items,
    is_array_file,
    open_array,
    read_array,
    read_parts,
)
from spectra.data.folders import (
    DiskFiles,
    ImageFiles,
    Skipped,
    list_folder,
    list_zip,
)
from spectra.data.image_bytes import SNIFF_BYTES, is_image
from spectra.data.image_sets import open_images
from spectra.data.listing import is_sound, printable
from spectra.data.manifests import (
    Manifest,
    is_manifest,
    list_manifests,
    load_manifest,
    locate,
)
from spectra.data.options import RADAR_VIEWS, Options, check_options, nearest
from spectra.data.patches import Windows
from spectra.data.sources import Source
from spectra.data.stores import Store
from spectra.data.views import LARGEST_WHOLE, array_spacing
from spectra.errors import InputError
from spectra.files import user_path

__all__ = ["open_source", "reopen_source"]


def open_source(
    source: Any,
    *,
    size: int | Sequence[int] | None = None,
    channels: str = "auto",
    crop: str = "auto",
    view: str = "auto",
    seed: int = 0,
    value_range: Sequence[float] | None = None,
    rate: int | None = None,
    spacing: float | Sequence[float] | None = None,
    nan: str = "refuse",
) -> Source:
    """Open a data set as examples of one shape with values in [-1, 1].

    Parameters
    ----------
    source
        A manifest's name, or that of a part of it, such as "cifar10:test" (which go before a
        folder of that name; write ``./name`` for the folder), or its .toml file; a folder or zip
        of images or of sound; one such file; a .npy, .npz, .safetensors or idx file; an array or
        tensor [N, C, H, W] or [N, H, W] (as series [N, C, T] or [N, T]); a data set of torch or
        Hugging Face, read by number as needed; a list, iterable or stream of examples [C, H, W]
        or [H, W], taken whole up to 2 GiB; or a Source, which is returned as it is. An array is
        read where it lies: change it and the source changes.
    size
        One side or (height, width) in pixels; of sound and series, samples. Unasked: that of all
        files where they share one (pictures: of at most two million pixels), otherwise the largest
        power of two that nine tenths of the shorter sides reach, at most 256. Smaller files are
        skipped.
    channels
        "grey" (ITU-R BT.601 luma; of a JPEG the luma it stores), "rgb", "red", "green", "blue",
        or "auto": colour where all the files have it, otherwise grey; arrays as they are. Of
        sound: "mono" (the mean; also "auto"), "left", "right" or "stereo".
    crop
        "none" (files of just this size), "center", "patches" (all tiles, the grid centred;
        draws at any position), "resize" (area averages down to the shorter side, then the
        centre), or "auto": none where all files have this size, otherwise patches.
    view
        "pixels" (images and arrays), "series" (arrays along one axis), "waveform" or "log-mel"
        (sound), "radar" or "log-radar" (rain rate R in mm/h, or log(1 + R), of MeteoSwiss GIF
        composites in a folder), or "auto": pixels, and waveform for sound.
    seed
        Second key of every draw and split.
    value_range
        The raw values that become -1 and 1. Unasked: the whole range of uint8, uint16 and bool;
        floats are used as they are; other integers need it.
    rate
        Samples a second that sound is resampled to. Unasked: its own.
    spacing
        Distance of neighbouring samples, or of those along each axis, in a unit of one's own.
        Unasked: 1, and 1 / rate seconds for sound.
    nan
        What becomes of values that are missing (NaN) from arrays and radar: "refuse", or "fill"
        with the mean of their channel in the same field, where at least half of it is there.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        The source cannot be used; the one line says why, and what to do.

    Examples
    --------
    >>> source = spectra.open_source("photos", size=64, crop="center")
    >>> source.shape, len(source), len(source.files)
    ((1, 64, 64), 11, 11)
    >>> images = np.random.default_rng(0).uniform(-1, 1, (100, 16, 16))
    >>> spectra.open_source(images).split(held_out=0.2)[1].shape
    (1, 16, 16)
    """
    options = check_options(size, channels, crop, view, seed, value_range, rate, spacing, nan)
    if isinstance(source, Source):
        different = options.differences(check_options(**source.settings))
        if different:
            raise InputError(
                f"{source.name}: is open with another {different[0]}; state it when opening the "
                "files"
            )
        return source
    if isinstance(source, Manifest):
        return _open_manifest(source, options)
    if isinstance(source, str | os.PathLike):
        found = _open_path(source, options)
        told = found.remarks if options.view == "auto" else ()  # a view that is settled was told
        for remark in told:
            warnings.warn(remark, stacklevel=2)
        if options.view == "auto" and _radar_as_pictures(found):
            warnings.warn(
                f"{found.name}: weather radar composites, by the files' names, are read as "
                "pictures; --view log-radar reads the rain of a folder of them, --view pixels "
                "says that pictures are meant",
                stacklevel=2,
            )
        return found
    return _array_source(as_items(source), options, "array")


def reopen_source(source: Any, view: Mapping[str, Any]) -> Source:
    """Open a data set in a view that was recorded when another one, or the same, was measured.

    Parameters
    ----------
    source
        Anything `open_source` takes.
    view : mapping
        `Source.settings` of the one that was measured.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        As `open_source`; where the view does not fit, the line says that it is a recorded one.

    Examples
    --------
    >>> from spectra.data import reopen_source
    >>> photos = spectra.open_source("photos", size=32, crop="center")
    >>> reopen_source("photos", photos.settings).shape
    (1, 32, 32)
    """
    if isinstance(source, Source):
        return source
    try:
        return open_source(source, **view)
    except InputError as error:
        if not any(
            option in str(error) for option in ("--size", "--crop", "channels", "value_range")
        ):
            raise
        size = "x".join(map(str, view.get("size") or ()))
        raise InputError(
            f"{error} (opened as its schedule was measured, size {size}: give data that fit, or "
            "measure these and derive a schedule of their own)"
        ) from error


def _open_path(source: str | os.PathLike[str], options: Options) -> Source:
    text = os.fspath(source)
    if isinstance(source, str) and is_manifest(text):
        if os.path.exists(text) and text in list_manifests():
            warnings.warn(
                f"{text} is read as the data manifest; write ./{text} for the one here",
                stacklevel=3,
            )
        return _open_manifest(load_manifest(text), options)
    path = user_path(text)
    if ".toml" in path.name.lower() and is_manifest(str(path)):
        return _open_manifest(load_manifest(path), options)
    if path.is_dir():
        return _file_source(*list_folder(path, options.view), options, path.resolve().name)
    if not os.path.exists(path):
        near = nearest(text, list_manifests())
        hint = f" (did you mean {near}?)" if near else ""
        raise InputError(
            f"{text}: no such file or folder, and no data manifest of that name{hint}; the "
            f"manifests are {', '.join(list_manifests())}"
        )
    if not path.is_file():
        raise InputError(f"{text}: is neither a file nor a folder; give one of these")
    return _open_file(path, options)


def _open_file(path: Path, options: Options) -> Source:
    suffix = path.suffix.lower()
    if is_array_file(path):
        source = _array_source(read_array(path), options, path.stem, str(path))
        sides = source.shape[1:]
        if options.size is None and math.prod(sides) > LARGEST_WHOLE:
            raise InputError(
                f"{path}: examples of {'x'.join(map(str, sides))} are large; say --size 256 for "
                f"patches, or --size {'x'.join(map(str, sides))} where memory allows"
            )
        return source
    try:
        with open(path, "rb") as file:
            head = file.read(SNIFF_BYTES)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror or error}); check its permissions"
        ) from error
    if is_image(head):
        files = DiskFiles(str(path), {printable(path.name): path})
        source = _file_source(files, [], options, path.stem)
        source.examples([0])  # of a file named by itself, damage is the user's to mend
        return source
    if is_sound(head, suffix):
        files = DiskFiles(str(path), {printable(path.name): path}, "sound")
        return _file_source(files, [], options, path.stem)
    if suffix == ".zip" or zipfile.is_zipfile(path):
        return _file_source(*list_zip(path, options.view), options, path.stem)
    raise InputError(
        f"{path}: is no file of a kind that is read; give an image, sound, a zip or folder "
        f"of them, a manifest .toml or an array file ({', '.join(ARRAY_FILES)})"
    )


def _open_manifest(manifest: Manifest, options: Options) -> Source:
    options = options.with_defaults(manifest.options)
    files, skipped, groups, licence = locate(manifest)
    if manifest.kind in ("images", "sound"):
        files = replace(files, kind=manifest.kind)
        return _file_source(
            files, skipped, options, manifest.name, groups, manifest.citation, licence
        )
    paths = list(files.paths.values())
    array = read_parts(
        paths, manifest.kind, manifest.example_shape, manifest.label_bytes, manifest.label
    )
    return _array_source(array, options, manifest.name, None, manifest.citation, licence)


def _file_source(
    files: ImageFiles,
    skipped: list[Skipped],
    options: Options,
    name: str,
    groups: Mapping[str, str] | None = None,
    citation: str = "",
    licence: str = "",
) -> Source:
    """Files of one kind; those of one group are one unit, and lie together."""
    if options.view in RADAR_VIEWS:
        from spectra.data.radar import open_radar

        found = open_radar(files, skipped, options)
    elif files.kind == "sound":
        from spectra.data.sound_sets import open_sounds

        found = open_sounds(files, skipped, options)
    else:
        found = open_images(files, skipped, options)
    groups = groups or found.groups
    size = found.options.size
    assert size is not None
    # A group's name may also be a file's; they are told apart by which they are.
    owners = [(True, groups[file]) if file in groups else (False, file) for file in found.names]
    numbers = {owner: number for number, owner in enumerate(dict.fromkeys(owners))}
    units = np.array([numbers[owner] for owner in owners], np.int64)
    members = np.argsort(units, kind="stable")
    store: Store = found.store
    return Source(
        name=printable(name),
        kind=found.kind,
        shape=(found.store.channels, *size),
        files=[name for _, name in numbers],
        settings=found.options.settings(),
        quantum=found.quantum,
        skipped=found.skipped,
        citation=citation,
        licence=licence,
        store=store,
        windows=Windows(store.sizes[members], size, found.options.crop == "patches"),
        members=members,
        units=units[members],
        spacing=found.spacing,
        axis_units=found.axis_units,
        remarks=found.remarks,
    )


def _radar_as_pictures(source: Source) -> bool:
    """Whether most files are named as composites, GIFs whose colours say nothing of rain."""
    from spectra.data.radar import is_composite

    return source.kind == "images" and 2 * sum(map(is_composite, source.files)) > len(source.files)


def _array_source(
    array: ArrayLike,
    options: Options,
    name: str,
    label: str | None = None,
    citation: str = "",
    licence: str = "",
) -> Source:
    store, resolved, quantum = open_array(array, options, label or name)
    size = resolved.size
    assert size is not None
    numbers = np.arange(len(store.sizes))
    unit = "pixel" if len(size) == 2 else "sample"
    spacing, axis_units = array_spacing(resolved, len(size), unit, label or name)
    return Source(
        name=printable(name),
        kind="array",
        shape=(store.channels_out, *size),
        files=store.names,
        settings=resolved.settings(),
        quantum=quantum,
        skipped=[],
        citation=citation,
        licence=licence,
        store=store,
        windows=Windows(store.sizes, size, resolved.crop == "patches"),
        members=numbers,
        units=numbers,
        spacing=spacing,
        axis_units=axis_units,
    )
