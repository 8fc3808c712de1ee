"""The view that a set of image files shares: chosen from their headers where not asked for."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod

from spectra.data.images import Header
from spectra.data.options import Options
from spectra.errors import InputError

__all__ = [
    "LARGEST_WHOLE",
    "array_spacing",
    "check_image_view",
    "depth",
    "image_quantum",
    "image_spacing",
    "resolve",
    "unfit_files",
]

LARGEST_CHOSEN = 256  # pixels; the largest size chosen unasked
# Pixels of a whole picture taken as one example unasked: measuring takes some 200 bytes of each
# value, and a picture of a few kilobytes may state a hundred million.
LARGEST_WHOLE = 2**21
CHOSEN_PERCENTILE = 10  # of the shorter sides

Size = tuple[int, int]
PIXEL_CHANNELS = ("auto", "grey", "rgb", "red", "green", "blue")


def check_image_view(options: Options, label: str) -> None:
    """Refuse what only sound or arrays have.

    Raises
    ------
    InputError
        A view, channels or rate of sound is asked of images.
    """
    if options.view not in ("auto", "pixels"):
        raise InputError(f"{label}: holds images, which have no view {options.view}; use pixels")
    if options.channels not in PIXEL_CHANNELS:
        raise InputError(
            f"{label}: channels {options.channels} is for sound; images have "
            f"{', '.join(PIXEL_CHANNELS)}"
        )
    if options.rate is not None:
        raise InputError(f"{label}: rate is for sound, and here are images; leave it out")


def image_spacing(view: Options) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """Distance of neighbouring pixels along each axis, and in what."""
    return array_spacing(view, 2, "pixel", "")


def array_spacing(
    options: Options, axes: int, unit: str, label: str
) -> tuple[tuple[float, ...], tuple[str, ...]]:
    """The spacing asked for, in a unit that only its user knows, or 1 and the samples' own unit."""
    asked = options.distances(axes, label)
    if asked is None:
        return (1.0,) * axes, (unit,) * axes
    return asked, ("s" if options.view == "waveform" else "unit",) * axes


def resolve(headers: Mapping[str, Header], options: Options, label: str) -> Options:
    """Settle what was left to the data.

    Size: that of all files where they share one of at most two million pixels, otherwise the
    largest power of two that nine tenths of the shorter sides reach, at most 256. Crop: none where
    every file that is large enough has just that size, otherwise patches. Channels: colour where
    every such file has it.

    Returns
    -------
    Options that at least one of the files fits.

    Raises
    ------
    InputError
        None does.
    """
    sizes = {name: (header.height, header.width) for name, header in headers.items()}
    asked = options.sides(2, label)
    size = (
        (asked[0], asked[1])
        if asked
        else _shared_size(set(sizes.values()), list(sizes.values()), options, label)
    )
    large = [name for name, own in sizes.items() if own[0] >= size[0] and own[1] >= size[1]]
    crop = options.crop
    if crop == "auto":
        crop = "none" if all(sizes[name] == size for name in large) else "patches"
    if not large:
        height, width = max(sizes.values(), key=min)
        raise InputError(
            f"{label}: every image is smaller than {size[0]}x{size[1]} (largest {height}x{width}); "
            f"use --size {_power_of_two(min(height, width))}"
        )
    used = [name for name in large if crop != "none" or sizes[name] == size]
    if not used:
        raise InputError(
            f"{label}: no image is just {size[0]}x{size[1]}, which crop none asks for; "
            "use --crop center, patches or resize"
        )
    channels = options.channels
    if channels == "auto":
        channels = "rgb" if all(headers[name].colour for name in used) else "grey"
    if options.value_range is not None and len({depth(headers[name]) for name in used}) > 1:
        raise InputError(
            f"{label}: holds 8-bit and 16-bit images, which one value_range cannot describe; "
            "leave value_range out, or keep them in two folders"
        )
    spacing = options.distances(2, label)
    return replace(options, size=size, crop=crop, channels=channels, view="pixels", spacing=spacing)


def _shared_size(shared: set[Size], sizes: list[Size], options: Options, label: str) -> Size:
    if len(shared) == 1 and (prod(sizes[0]) <= LARGEST_WHOLE or options.crop == "none"):
        return sizes[0]
    if options.crop == "none":
        raise InputError(
            f"{label}: crop none needs a size where images differ ({len(shared)} sizes here); "
            "use --size, or --crop patches"
        )
    shorter = sorted(min(size) for size in sizes)
    side = shorter[len(shorter) * CHOSEN_PERCENTILE // 100]
    side = min(LARGEST_CHOSEN, _power_of_two(side))
    return side, side


def _power_of_two(side: int) -> int:
    """The largest power of two not above `side`."""
    return 1 << (side.bit_length() - 1)


def unfit_files(headers: Mapping[str, Header], view: Options) -> dict[str, str]:
    """Files whose size rules them out, with the reason."""
    assert view.size is not None
    height, width = view.size
    unfit: dict[str, str] = {}
    for name, header in headers.items():
        if header.height < height or header.width < width:
            unfit[name] = f"is {header.height}x{header.width}, smaller than {height}x{width}"
        elif view.crop == "none" and (header.height, header.width) != view.size:
            unfit[name] = f"is {header.height}x{header.width}, not {height}x{width} (crop none)"
    return unfit


def depth(header: Header) -> int:
    """The largest raw value as decoded: one bit is read as 0 and 255."""
    return max(header.levels, 255)


def image_quantum(headers: list[Header], view: Options) -> float:
    """Spacing of the value grid in [-1, 1]: the coarsest of the files'."""
    if view.value_range is not None:
        return 2.0 / (view.value_range[1] - view.value_range[0])
    if view.crop == "resize":  # averages of one-bit pixels are 8-bit grey
        return 2.0 / min(depth(header) for header in headers)
    two_valued = all(header.levels == 1 for header in headers)
    return 2.0 if two_valued else 2.0 / min(depth(header) for header in headers)
