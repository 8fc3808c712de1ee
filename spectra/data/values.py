"""Raw values to the units of the network, and colour to one channel."""

from typing import Any

import numpy as np

from spectra.errors import InputError

__all__ = [
    "check_channels",
    "luma",
    "own_range",
    "quantum",
    "take_channels",
    "to_unit",
    "write_unit",
]

Range = tuple[float, float]

# ITU-R BT.601 luma in sixteenths of a bit, the coefficients Pillow's mode "L" rounds with.
LUMA_16 = (19595, 38470, 7471)
LUMA = (0.299, 0.587, 0.114)
POSITION = {"red": 0, "green": 1, "blue": 2}


def own_range(dtype: np.dtype[Any]) -> Range | None:
    """The raw values a type itself maps to -1 and 1; None where it states none."""
    if dtype == np.bool_:
        return 0.0, 1.0
    if dtype.kind == "u" and dtype.itemsize <= 2:
        return 0.0, float(np.iinfo(dtype).max)
    return None


def quantum(dtype: np.dtype[Any], value_range: Range | None) -> float:
    """Spacing of the value grid where `value_range` spans [-1, 1]; 0 for floats."""
    if value_range is None or dtype.kind == "f":
        return 0.0
    return 2.0 / (value_range[1] - value_range[0])


def to_unit(values: np.ndarray, low: Any, high: Any) -> np.ndarray:
    """Map [low, high] to [-1, 1] as float32: x = (v - low) / ((high - low)/2) - 1.

    `low` and `high` are numbers, or arrays that broadcast against `values`.
    """
    # float32 holds 16-bit integers exactly; anything wider is reduced only at the end.
    wide = values.dtype.itemsize > (4 if values.dtype.kind == "f" else 2)
    working = np.float64 if wide else np.float32
    unit = np.empty(values.shape, working)
    half = (np.asarray(high) - np.asarray(low)) / 2
    write_unit(unit, values, np.asarray(low, working), np.asarray(half, working))
    with np.errstate(over="ignore"):
        return unit.astype(np.float32, copy=False)


def write_unit(out: np.ndarray, values: np.ndarray, low: Any, half: Any) -> None:
    """As `to_unit`, computed in the type and the place of `out`, which low and half have too."""
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is refused
        out[...] = values
        if np.any(low):
            out -= low
        out /= half
        out -= 1


def luma(red: np.ndarray, green: np.ndarray, blue: np.ndarray) -> np.ndarray:
    """ITU-R BT.601 luma, in the type of the channels: integers are rounded to their own grid."""
    if red.dtype in (np.uint8, np.uint16):
        r, g, b = (np.uint32(weight) for weight in LUMA_16)
        total = red.astype(np.uint32) * r + green.astype(np.uint32) * g
        total += blue.astype(np.uint32) * b
        total += np.uint32(1 << 15)  # 65535 * 65536 + 32768 still fits in 32 bits
        return (total >> np.uint32(16)).astype(red.dtype)
    r, g, b = LUMA
    if red.dtype.kind == "f":
        return (r * red + g * green + b * blue).astype(red.dtype, copy=False)
    mixed = r * red.astype(np.float64) + g * green.astype(np.float64) + b * blue.astype(np.float64)
    return np.rint(mixed).astype(red.dtype)


def check_channels(channels: str, present: int, name: str) -> None:
    """Raise InputError where an array of `present` channels cannot give the ones wished."""
    if channels == "auto" or present == 3 or (channels == "grey" and present == 1):
        return
    mend = "auto or grey" if present == 1 else "auto"
    raise InputError(
        f"{name}: channels {channels} needs arrays of 3 channels, got {present}; "
        f"use --channels {mend}"
    )


def take_channels(values: np.ndarray, channels: str) -> np.ndarray:
    """[B, C, *spatial] -> [B, C', *spatial]; `check_channels` has passed."""
    if channels in POSITION:
        at = POSITION[channels]
        return values[:, at : at + 1]
    if channels == "grey" and values.shape[1] == 3:
        return luma(values[:, 0], values[:, 1], values[:, 2])[:, None]
    return values
