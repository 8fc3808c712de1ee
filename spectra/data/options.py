"""What may be asked of a data set: size, channels, crop, value range."""

import difflib
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from spectra.errors import InputError

__all__ = ["CHANNELS", "CROPS", "LEAST_SIDE", "Options", "check_options", "nearest", "unknown_name"]

CHANNELS = ("auto", "grey", "rgb", "red", "green", "blue")
CROPS = ("auto", "none", "center", "patches", "resize")
VIEWS = ("pixels",)
LEAST_SIDE = 4  # pixels; below this there is no spectrum to speak of


@dataclass(frozen=True)
class Options:
    """The view of a data set: asked for, or resolved once the data are known.

    Attributes
    ----------
    size
        (height, width) of one example in pixels, or None where it is still to be chosen.
    channels, crop, view
        One of `CHANNELS`, `CROPS`, `VIEWS`.
    seed
        Second half of the key of every draw and split of the source.
    value_range
        The raw values that become -1 and 1, or None for those of the file's own type.
    """

    size: tuple[int, int] | None = None
    channels: str = "auto"
    crop: str = "auto"
    view: str = "pixels"
    seed: int = 0
    value_range: tuple[float, float] | None = None

    def settings(self) -> dict[str, Any]:
        """The same as JSON holds it: pairs are lists."""
        return {
            "size": None if self.size is None else list(self.size),
            "channels": self.channels,
            "crop": self.crop,
            "view": self.view,
            "seed": self.seed,
            "value_range": None if self.value_range is None else list(self.value_range),
        }

    def with_defaults(self, defaults: Mapping[str, Any]) -> "Options":
        """Fill what was not asked for (None or "auto") from a manifest's own defaults."""
        unset = {
            name: value for name, value in defaults.items() if getattr(self, name) in (None, "auto")
        }
        return replace(self, **unset)

    def differences(self, resolved: "Options") -> list[str]:
        """Names of the options asked for here that `resolved` answers differently."""
        return [
            field.name
            for field in fields(self)
            if getattr(self, field.name) not in (field.default, getattr(resolved, field.name))
        ]


def nearest(got: object, known: Sequence[str]) -> str | None:
    """The known name that was probably meant."""
    near = difflib.get_close_matches(str(got), known, n=1, cutoff=0.5)
    return near[0] if near else None


def unknown_name(what: str, got: object, known: Sequence[str]) -> str:
    """One line for a misspelt name: what was got, the nearest, and all there are."""
    near = nearest(got, known)
    hint = f" (did you mean {near}?)" if near else ""
    return f"unknown {what} {got!r}{hint}; choose from {', '.join(known)}"


def check_options(
    size: int | Sequence[int] | None,
    channels: str,
    crop: str,
    view: str,
    seed: int,
    value_range: Sequence[float] | None,
) -> Options:
    """Read the options as a user gives them.

    Raises
    ------
    InputError
        A name is misspelt, a size is no size, a range is empty or not finite.
    """
    for what, got, known in (
        ("channels", channels, CHANNELS),
        ("crop", crop, CROPS),
        ("view", view, VIEWS),
    ):
        if got not in known:
            raise InputError(unknown_name(what, got, known))
    return Options(
        _check_size(size), channels, crop, view, _check_seed(seed), _check_range(value_range)
    )


def _check_size(size: int | Sequence[int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    sides: list[Any] = list(size) if isinstance(size, Sequence) else [size, size]
    try:
        height, width = (operator.index(side) for side in sides)
    except (TypeError, ValueError):
        raise InputError(
            f"size {size!r} is no size; give one whole number of pixels or (height, width)"
        ) from None
    if min(height, width) < LEAST_SIDE:
        raise InputError(f"size {height}x{width} is too small; the least side is {LEAST_SIDE}")
    return height, width


def _check_seed(seed: int) -> int:
    try:
        return operator.index(seed)
    except TypeError:
        raise InputError(f"seed {seed!r} is no whole number; give one such as 0") from None


def _check_range(value_range: Sequence[float] | None) -> tuple[float, float] | None:
    if value_range is None:
        return None
    try:
        low, high = (float(end) for end in value_range)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(
            f"value_range {value_range!r} is no range; give (low, high) with low < high, "
            "the raw values that become -1 and 1"
        )
    return low, high
