"""What may be asked of a data set: size, channels, crop, view, ranges, spacing."""

import difflib
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from spectra.errors import InputError

__all__ = [
    "CHANNELS",
    "CROPS",
    "NAN_POLICIES",
    "RADAR_VIEWS",
    "SOUND_VIEWS",
    "VIEWS",
    "Options",
    "check_options",
    "nearest",
    "unknown_name",
]

CHANNELS = ("auto", "grey", "rgb", "red", "green", "blue", "mono", "left", "right", "stereo")
CROPS = ("auto", "none", "center", "patches", "resize")
VIEWS = ("auto", "pixels", "series", "waveform", "log-mel", "radar", "log-radar")
SOUND_VIEWS = ("waveform", "log-mel")
RADAR_VIEWS = ("radar", "log-radar")
NAN_POLICIES = ("refuse", "fill")
LEAST_SIDE = 4  # pixels; below this there is no spectrum to speak of


@dataclass(frozen=True)
class Options:
    """The view of a data set: asked for, or resolved once the data are known.

    Attributes
    ----------
    size
        Sides of one example along its axes, or one side for all of them; None where it is still
        to be chosen.
    channels, crop, view
        One of `CHANNELS`, `CROPS`, `VIEWS`.
    seed
        Second half of the key of every draw and split of the source.
    value_range
        The raw values that become -1 and 1, or None for those of the file's own type.
    rate
        Samples a second that sound is brought to, or None for its own.
    spacing
        Distance of neighbouring samples along each axis, or one for all; None where the data
        say it, or it is 1.
    nan
        One of `NAN_POLICIES`: what becomes of values that are missing.
    """

    size: tuple[int, ...] | None = None
    channels: str = "auto"
    crop: str = "auto"
    view: str = "auto"
    seed: int = 0
    value_range: tuple[float, float] | None = None
    rate: int | None = None
    spacing: tuple[float, ...] | None = None
    nan: str = "refuse"

    def settings(self) -> dict[str, Any]:
        """The same as JSON holds it: pairs are lists, and the later options only where set."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if name in ALWAYS or value != getattr(type(self), name)
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
            if getattr(self, field.name) != field.default
            and not _answers(getattr(resolved, field.name), getattr(self, field.name))
        ]

    def sides(self, axes: int, label: str) -> tuple[int, ...] | None:
        """The size asked for along so many axes; one side serves for all.

        Raises
        ------
        InputError
            It has another number of sides.
        """
        if self.size is None or len(self.size) == axes:
            return self.size
        if len(self.size) == 1:
            return self.size * axes
        size = "x".join(map(str, self.size))
        mend = "one number" if axes == 1 else "one number or HEIGHTxWIDTH"
        raise InputError(f"{label}: size {size} is not for examples of {axes} axes; use {mend}")

    def distances(self, axes: int, label: str) -> tuple[float, ...] | None:
        """The spacing asked for along so many axes; one number serves for all.

        Raises
        ------
        InputError
            It has another number of values.
        """
        if self.spacing is None or len(self.spacing) == axes:
            return self.spacing
        if len(self.spacing) == 1:
            return self.spacing * axes
        raise InputError(
            f"{label}: spacing {self.spacing} has {len(self.spacing)} values, examples have "
            f"{axes} axes; give one for each, or one for all"
        )


ALWAYS = ("size", "channels", "crop", "view", "seed", "value_range")


def _answers(resolved: Any, asked: Any) -> bool:
    """Whether a resolved option is what was asked: one side or spacing stands for every axis."""
    if isinstance(asked, tuple) and isinstance(resolved, tuple) and len(asked) == 1:
        return set(resolved) == set(asked)
    return resolved == asked


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
    size: int | Sequence[int] | None = None,
    channels: str = "auto",
    crop: str = "auto",
    view: str = "auto",
    seed: int = 0,
    value_range: Sequence[float] | None = None,
    rate: int | None = None,
    spacing: float | Sequence[float] | None = None,
    nan: str = "refuse",
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
        ("nan policy", nan, NAN_POLICIES),
    ):
        if got not in known:
            raise InputError(unknown_name(what, got, known))
    return Options(
        _check_size(size),
        channels,
        crop,
        view,
        _check_seed(seed),
        _check_range(value_range),
        _check_rate(rate),
        _check_spacing(spacing),
        nan,
    )


def _check_size(size: int | Sequence[int] | None) -> tuple[int, ...] | None:
    if size is None:
        return None
    sides: list[Any] = list(size) if isinstance(size, Sequence) else [size]
    try:
        checked = tuple(operator.index(side) for side in sides)
    except TypeError:
        checked = ()
    if len(checked) not in (1, 2):
        raise InputError(
            f"size {size!r} is no size; give one whole number (pixels, samples) or (height, width)"
        )
    if min(checked) < LEAST_SIDE:
        shown = "x".join(map(str, checked))
        raise InputError(f"size {shown} is too small; the least side is {LEAST_SIDE}")
    return checked


def _check_rate(rate: int | None) -> int | None:
    try:
        checked = None if rate is None else operator.index(rate)
    except TypeError:
        checked = 0
    if checked is not None and checked < 1:
        raise InputError(f"rate {rate!r} is no rate; give whole samples a second, such as 22050")
    return checked


def _check_spacing(spacing: float | Sequence[float] | None) -> tuple[float, ...] | None:
    if spacing is None:
        return None
    try:
        checked = tuple(map(float, spacing if isinstance(spacing, Sequence) else [spacing]))
    except (TypeError, ValueError):
        checked = ()
    if len(checked) not in (1, 2) or not all(0 < step < math.inf for step in checked):
        raise InputError(
            f"spacing {spacing!r} is no spacing; give one positive number, or one for each axis"
        )
    return checked


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
