"""What may stand on the command line: choices, views, and numbers written as text."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from spectra.errors import InputError

__all__ = [
    "Argument",
    "BasisChoice",
    "DeviceChoice",
    "Json",
    "MeasuredBasis",
    "Out",
    "PresenceChoice",
    "ProcessChoice",
    "SolverChoice",
    "View",
    "ViewFlags",
    "example_size",
    "segment_length",
    "usable_cores",
]

BasisChoice = Literal[
    "pixel", "dct", "fourier", "wavelet", "wavelet-haar", "wavelet-db2", "wavelet-db4"
]
MeasuredBasis = BasisChoice | Literal["pca"]
PresenceChoice = Literal["none", "fit", "auto"]
ProcessChoice = Literal["rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"]
SolverChoice = Literal["euler", "ddim", "heun", "2m", "ancestral", "covariance"]
DeviceChoice = Literal["auto", "cpu", "cuda"]
Argument = tyro.conf.Positional


@dataclass(frozen=True)
class View:
    """How a source is turned into examples; recorded, and inherited by what follows."""

    size: str | None = None
    """Side of an example in pixels, HEIGHTxWIDTH, or samples; by default that of the files."""
    channels: Literal[
        "auto", "grey", "rgb", "red", "green", "blue", "mono", "left", "right", "stereo"
    ] = "auto"
    """Channels of colour or of sound."""
    crop: Literal["auto", "none", "center", "patches", "resize"] = "auto"
    """How files larger than an example are cut."""
    view: Literal["auto", "pixels", "series", "waveform", "log-mel", "radar", "log-radar"] = "auto"
    """What of a file is looked at."""
    value_range: tuple[float, float] | None = None
    """Raw values that stand for -1 and 1; by default those of the files' integer type."""
    rate: int | None = None
    """Samples a second that sound is resampled to; by default not at all."""
    spacing: tuple[float, ...] | None = None
    """Distance of neighbouring samples, one for all axes or one for each."""
    nan: Literal["refuse", "fill"] = "refuse"
    """What becomes of missing values."""
    seed: int = 0
    """Of every random draw."""

    def options(self) -> dict[str, Any]:
        return {**asdict(self), "size": example_size(self.size)}


ViewFlags = tyro.conf.OmitArgPrefixes[View]
Json = Annotated[bool, tyro.conf.arg(help="Print one JSON object on stdout and nothing else.")]
Out = Annotated[Path, tyro.conf.arg(help="Where to write.")]


def example_size(text: str | None) -> tuple[int, int] | int | None:
    if text is None:
        return None
    try:
        numbers = [int(part) for part in text.lower().split("x")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or min(numbers) < 1:
        raise InputError(f"--size {text}: give one side (64) or HEIGHTxWIDTH (48x64)")
    return numbers[0] if len(numbers) == 1 else (numbers[0], numbers[1])


def segment_length(text: str) -> int | str | None:
    if text in ("auto", "whole"):
        return "auto" if text == "auto" else None
    if not text.isdecimal():
        raise InputError(f"--segment {text}: give a number of samples, auto or whole")
    return int(text)


def usable_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
