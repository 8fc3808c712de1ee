"""What may stand on the command line: choices, views, numbers as text; and what comes back."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import tyro

from spectra.errors import InputError

__all__ = [
    "Argument",
    "BasisChoice",
    "CriterionChoice",
    "DeviceChoice",
    "Json",
    "MeasuredBasis",
    "Network",
    "Out",
    "Outcome",
    "PresenceChoice",
    "ProcessChoice",
    "RuleChoice",
    "RunFolder",
    "SolverChoice",
    "SourceName",
    "View",
    "ViewFlags",
    "example_size",
    "flag",
    "one_of",
    "segment_length",
]

BasisChoice = Literal[
    "pixel",
    "dct",
    "fourier",
    "wavelet",
    "wavelet-haar",
    "wavelet-haar-3",
    "wavelet-db2",
    "wavelet-db4",
]
MeasuredBasis = BasisChoice | Literal["pca"]
PresenceChoice = Literal["none", "fit", "auto"]
ProcessChoice = Literal["rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"]
SolverChoice = Literal["euler", "ddim", "heun", "2m", "ancestral", "covariance"]
RuleChoice = Literal[
    "optimal", "edm", "log-linear", "cosine", "tangent", "rescaled-entropic", "beta", "time"
]
CriterionChoice = Literal["w2", "kl", "spectrum"]
DeviceChoice = Literal["auto", "cpu", "cuda"]
Argument = tyro.conf.Positional


@dataclass(frozen=True)
class Outcome:
    """What a command found: numbers for --json, text for people."""

    numbers: dict[str, Any]
    text: str


def flag(metavar: str | None, text: str | None = None) -> Any:
    """How --help shows a flag that may be left out: what to put there, and no "None".

    `text` is for what takes more than one line; otherwise the docstring has it.
    """
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="", help=text)


def one_of(choices: Any, text: str | None = None) -> Any:
    """As `flag`, for one of the names of a Literal, or of several."""
    names = [name for part in get_args(choices) for name in (get_args(part) or (part,))]
    return flag("{" + ",".join(names) + "}", text)


Network = Annotated[str, flag("NAME[:KEY=VALUE,...]")]


SIZE = (
    "Side of an example in pixels, HEIGHTxWIDTH, or samples; by default that of the files where "
    "they share one (pictures: of at most two million pixels), otherwise the largest power of two "
    "that nine tenths of the shorter sides reach, at most 256."
)


@dataclass(frozen=True)
class View:
    """How a source is turned into examples; recorded, and inherited by what follows."""

    size: Annotated[str | None, flag("SIZE", SIZE)] = None
    channels: Literal[
        "auto", "grey", "rgb", "red", "green", "blue", "mono", "left", "right", "stereo"
    ] = "auto"
    """Channels of colour or of sound."""
    crop: Literal["auto", "none", "center", "patches", "resize"] = "auto"
    """How files larger than an example are cut."""
    view: Literal["auto", "pixels", "series", "waveform", "log-mel", "radar", "log-radar"] = "auto"
    """What of a file is looked at."""
    value_range: Annotated[tuple[float, float] | None, flag("LOW HIGH")] = None
    """Raw values that stand for -1 and 1; by default those of the files' integer type."""
    rate: Annotated[int | None, flag("INT")] = None
    """Samples a second that sound is resampled to; by default not at all."""
    spacing: Annotated[tuple[float, ...] | None, flag("FLOAT [FLOAT ...]")] = None
    """Distance of neighbouring samples, one for all axes or one for each."""
    nan: Literal["refuse", "fill"] = "refuse"
    """What becomes of missing values."""
    seed: int = 0
    """Of every random draw."""

    def options(self) -> dict[str, Any]:
        return {**asdict(self), "size": example_size(self.size)}


ViewFlags = tyro.conf.OmitArgPrefixes[View]  # a parameter's name is the title in the help
Json = Annotated[bool, flag(None, "Print one JSON object on stdout and nothing else.")]
Out = Annotated[Path, tyro.conf.arg(help="Where to write.")]
SourceName = Annotated[Argument[str], tyro.conf.arg(metavar="SOURCE")]
RunFolder = Annotated[Argument[Path], tyro.conf.arg(metavar="RUN")]


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
