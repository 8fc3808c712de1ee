"""Weather radar: MeteoSwiss composites in palette GIFs, read by pysteps' own importer."""

import contextlib
import io
import re
import warnings
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from spectra.data.arrays import array_crop
from spectra.data.fields import GapStore
from spectra.data.file_sets import FileSet
from spectra.data.folders import DiskFiles, ImageFiles, Skipped
from spectra.data.images import UnreadableImage, read_header
from spectra.data.item_store import ItemStore
from spectra.data.items import UnreadableItem
from spectra.data.options import Options
from spectra.data.stores import Size
from spectra.errors import InputError

__all__ = ["is_composite", "open_radar"]

# Product -> what a value is an amount of rain in: minutes of accumulation, or None for mm/h.
PRODUCTS = {"AQC": 5.0, "CPC": 5.0, "RZC": None}
# Product, year, day of the year and hour, before the minute.
HOUR = re.compile(rf"({'|'.join(PRODUCTS)})\d{{7}}(?=\d\d)", re.IGNORECASE)
METRES = 1000.0  # in a kilometre


class RadarItems:
    """Rain rates R in mm/h, or log(1 + R), of composites of one size; NaN beyond their reach.

    Parameters
    ----------
    paths
        GIF files whose names begin with their product, AQC, CPC or RZC.
    sides
        Height and width in pixels.
    view
        "radar" for R, "log-radar" for log(1 + R).
    """

    dtype = np.dtype(np.float32)

    def __init__(self, paths: list[Path], sides: Size, view: str) -> None:
        self.paths = paths
        self.shape = (len(paths), *sides)
        self.view = view

    def read(self, number: int) -> np.ndarray:
        """One composite, float32 [H, W]."""
        rain, _ = read_composite(self.paths[number])
        if rain.shape != self.shape[1:]:
            raise UnreadableItem(f"is {rain.shape[0]}x{rain.shape[1]}, not as its header says")
        return (np.log1p(rain) if self.view == "log-radar" else rain).astype(np.float32)


class RadarStore(GapStore):
    """A store of radar composites, by their files' names."""

    def __init__(self, items: RadarItems, names: list[str], options: Options, label: str) -> None:
        inner = ItemStore(items, "none", "auto", options.value_range)
        super().__init__(inner, options.nan, options.value_range is not None, label)
        self._names = names

    @property
    def names(self) -> list[str]:
        return self._names


def read_composite(path: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """Rain rate in mm/h, float64 [H, W], and pysteps' metadata.

    pysteps gives what is outside the reach of the radars as NaN, and says what it was given in:
    R = amount / (minutes / 60) for accumulations.
    """
    product = path.name[:3].upper()
    minutes = PRODUCTS[product]
    importer = _importer()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow and numpy, about files that are odd
            amount, _, metadata = importer(
                str(path), product, "mm" if minutes else "mm/h", minutes or 5.0
            )
    except Exception as error:  # a damaged GIF makes Pillow raise nearly anything
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnreadableItem(f"cannot be read ({reason})") from error
    rain = np.asarray(amount, np.float64)
    return rain * 60 / minutes if minutes else rain, metadata


def open_radar(files: ImageFiles, skipped: list[Skipped], options: Options) -> FileSet:
    """Find the composites among image files and settle the view; none is decoded but the first.

    Raises
    ------
    InputError
        None can be used, or what only other data have is asked for.
    """
    if not isinstance(files, DiskFiles):
        raise InputError(f"{files.label}: radar is read from a folder; unpack the zip")
    if options.channels not in ("auto", "grey") or options.crop == "resize":
        raise InputError(
            f"{files.label}: radar has one channel and is not resized; leave --channels out, and "
            "use --crop center or patches"
        )
    if options.rate is not None:
        raise InputError(f"{files.label}: rate is for sound, and here is radar; leave it out")
    sizes, left_out = _headers(files)
    if not sizes:
        first = next(iter(left_out), Skipped("nothing", "is there"))
        raise InputError(
            f"{files.label}: holds no radar composites (first: {first.name} {first.reason}); give "
            f"MeteoSwiss GIFs, whose names begin with {', '.join(PRODUCTS)}"
        )
    shared = max(set(sizes.values()), key=list(sizes.values()).count)
    for name in [name for name, size in sizes.items() if size != shared]:
        reason = f"is {_times(sizes.pop(name))}, not {_times(shared)}"
        left_out.append(Skipped(name, reason, unfit=True))
    names = list(sizes)
    items = RadarItems([files.paths[name] for name in names], shared, options.view)
    size, crop = array_crop(shared, options, files.label)
    spacing = options.distances(2, files.label)
    resolved = replace(options, size=size, crop=crop, channels="auto", spacing=spacing)
    return FileSet(
        kind="fields",
        store=RadarStore(items, names, resolved, files.label),
        options=resolved,
        quantum=0.0,
        skipped=sorted([*skipped, *left_out], key=lambda one: one.name),
        spacing=spacing or _spacing(items.paths),
        axis_units=("unit", "unit") if spacing else ("km", "km"),
        # Composites come every five minutes: the logarithms of their spectra correlate by 0.86
        # from one to the next, and not at all after an hour (60 composites of two days).
        groups={name: hour for name in names if (hour := _hour(name))},
    )


def is_composite(name: str) -> bool:
    """Whether a file's name is one of a composite, such as AQC151351545F_00005.801.gif."""
    return name.lower().endswith(".gif") and _hour(name) != ""


def _headers(files: DiskFiles) -> tuple[dict[str, Size], list[Skipped]]:
    """Height and width of every composite, and what is none."""
    sizes: dict[str, Size] = {}
    left_out: list[Skipped] = []
    for name, path in files.paths.items():
        if path.name[:3].upper() not in PRODUCTS:
            reason = f"has no radar product in its name ({', '.join(PRODUCTS)})"
            left_out.append(Skipped(name, reason, unfit=True))
            continue
        try:
            with files.open(name) as file:
                header = read_header(file)
        except (UnreadableImage, OSError) as error:
            left_out.append(Skipped(name, str(error)))
            continue
        sizes[name] = (header.height, header.width)
    return sizes, left_out


def _spacing(paths: list[Path]) -> tuple[float, float]:
    """Distance of neighbouring pixels in km, as the first composite that can be read has it."""
    for path in paths:
        try:
            _, metadata = read_composite(path)
        except UnreadableItem:
            continue
        return metadata["ypixelsize"] / METRES, metadata["xpixelsize"] / METRES
    return 1.0, 1.0


def _hour(name: str) -> str:
    """Product, year, day of the year and hour in a name such as AQC151351545F_00005.801.gif."""
    found = HOUR.match(PurePosixPath(name).name)
    return found[0] if found else ""


def _importer() -> Any:
    """pysteps' importer, without the line that pysteps prints when imported."""
    with contextlib.redirect_stdout(io.StringIO()):
        from pysteps.io.importers import import_mch_gif
    return import_mch_gif


def _times(size: Size) -> str:
    return "x".join(map(str, size))
