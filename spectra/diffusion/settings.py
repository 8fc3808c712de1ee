"""What a training run is asked to be, and whether a folder already holds another."""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from spectra import __version__
from spectra.data import Source, list_manifests
from spectra.diffusion.checkpoint import checkpoint_paths, schedule_digest
from spectra.diffusion.chosen import (
    Device,
    Precision,
    check_kernels,
    chosen_compile,
    chosen_condition,
    chosen_device,
    chosen_precision,
    chosen_preconditioning,
)
from spectra.diffusion.ema import power_exponent
from spectra.diffusion.known import PartKind
from spectra.diffusion.loss import Loss
from spectra.diffusion.networks import (
    UNetConfig,
    network_record,
    network_text,
)
from spectra.diffusion.precondition import Condition, PreconditioningChoice
from spectra.diffusion.run import read_config, write_config, write_family
from spectra.errors import InputError, check_name, check_share
from spectra.files import CONFIG, user_path
from spectra.schedule import Schedule

__all__ = [
    "Averaging",
    "TrainConfig",
    "averaging_numbers",
    "check_shape",
    "known_options",
    "origin",
    "settle",
]

Averaging = Literal["half-life", "power"]

# No step's result depends on these, without a cooldown: they may differ from call to call.
FREE = ("steps", "checkpoint_every", "keep", "log_every", "tensorboard")
CHANNELS = {1: "grey", 3: "rgb"}  # of images
# What only the other way of averaging looks at.
UNUSED = {"half-life": "ema_width", "power": "ema_half_life"}
# What runs of earlier versions do not say, and were.
ADDED: dict[str, Any] = {
    "condition": "time",
    "known": 0.0,
    "known_parts": "any",
    "family": [],
    "labels": False,
    "random_flip": False,
    "classes": [],
    "accumulate": 1,
    "cooldown": 0.0,
    "ema": "half-life",
    "ema_width": 0.1,
    "compile": False,
    "tensorboard": False,
    "shares": False,
}


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Attributes
    ----------
    steps, batch, seed, device, network, preconditioning, loss, condition, known, known_parts, \
labels, random_flip, accumulate, learning_rate, weight_decay, warmup, cooldown, clip_norm, ema, \
ema_half_life, ema_width, precision, compile, held_out, checkpoint_every, keep, log_every, \
tensorboard
        As in `train`.
    """

    steps: int = 2000
    batch: int = 64
    seed: int = 0
    device: Device = "auto"
    network: Mapping[str, Any] = field(default_factory=lambda: network_record(UNetConfig()))
    preconditioning: PreconditioningChoice = "auto"
    loss: Loss = "edm"
    condition: Condition = "auto"
    known: float = 0.0
    known_parts: PartKind = "any"
    labels: bool = False
    random_flip: bool = False
    accumulate: int = 1
    learning_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup: int = 100
    cooldown: float = 0.0
    clip_norm: float = 1.0
    ema: Averaging = "half-life"
    ema_half_life: float = 20_000.0
    ema_width: float = 0.1
    precision: Precision = "auto"
    compile: bool | None = None
    held_out: float = 0.2
    checkpoint_every: int = 250
    keep: int = 2
    log_every: int = 10
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name, least in (
            ("steps", 0),
            ("batch", 1),
            ("accumulate", 1),
            ("warmup", 0),
            ("checkpoint_every", 1),
            ("keep", 1),
            ("log_every", 1),
        ):
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise InputError(f"{name} {value!r} is wrong; give a whole number from {least}")
        if type(self.seed) is not int or not -(1 << 63) <= self.seed < 1 << 63:
            raise InputError(f"seed {self.seed!r} is wrong; give a whole number of at most 63 bits")
        for name in ("learning_rate", "clip_norm", "weight_decay", "ema_half_life"):
            value = getattr(self, name)
            positive = name in ("learning_rate", "clip_norm")
            number = isinstance(value, int | float) and math.isfinite(value)
            if not number or value < 0 or (positive and value == 0):
                least = "above 0" if positive else "from 0"
                raise InputError(f"{name} {value!r} is wrong; give a number {least}")
        for name, known in (
            ("device", Device),
            ("precision", Precision),
            ("preconditioning", PreconditioningChoice),
            ("loss", Loss),
            ("condition", Condition),
            ("known_parts", PartKind),
            ("ema", Averaging),
        ):
            check_name(name, getattr(self, name), get_args(known))
        if self.accumulate > self.batch:
            raise InputError(
                f"accumulate {self.accumulate} is more than the batch of {self.batch} has examples"
            )
        for name in ("ema_width", "known", "cooldown", "held_out"):
            if not isinstance(getattr(self, name), int | float):
                raise InputError(f"{name} {getattr(self, name)!r} is wrong; give a number")
        for name in ("labels", "random_flip", "tensorboard", "compile"):
            value = getattr(self, name)
            if not isinstance(value, bool) and (name != "compile" or value is not None):
                raise InputError(f"{name} {value!r} is wrong; give True or False")
        power_exponent(self.ema_width)
        for name in ("known", "cooldown"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} {getattr(self, name)} is no share; give one from 0 to 1")
        if self.known_parts != "any" and self.known == 0:
            raise InputError(
                f"known_parts {self.known_parts!r}: no part is known; give known above 0"
            )
        check_share("held_out", self.held_out)


def averaging_numbers(
    ema: Averaging, ema_half_life: float | None, ema_width: float | None
) -> dict[str, float]:
    """The number of a way of averaging, if it is given.

    Raises
    ------
    InputError
        An unknown way, or the number of the other.
    """
    check_name("ema", ema, get_args(Averaging))
    given = {"ema_half_life": ema_half_life, "ema_width": ema_width}
    unused = UNUSED[ema]
    if given.pop(unused) is not None:
        (other,) = set(UNUSED) - {ema}
        raise InputError(f"{unused}: ema {ema!r} has no use for it; give ema {other!r} too")
    return {name: value for name, value in given.items() if value is not None}


def known_options(record: Mapping[str, Any]) -> dict[str, Any]:
    """The settings in a run's record; what an earlier version did not know is at its default."""
    record = {**ADDED, **record}
    names = [field.name for field in fields(TrainConfig)]
    return {
        name: record[name] for name in names if name in record and name != UNUSED[record["ema"]]
    }


def origin(source: Any) -> str | None:
    """The name by which a later process can open a source again, or None."""
    if not isinstance(source, str | os.PathLike):
        return None
    name = os.fspath(source)
    if isinstance(source, str) and name in list_manifests():
        return name
    return os.path.abspath(user_path(name))


def check_shape(source: Source, schedule: Schedule) -> None:
    """Raise InputError unless a schedule was made for examples of a source's shape."""
    if tuple(source.shape) == tuple(schedule.shape):
        return
    options = _shaping(tuple(source.shape), tuple(schedule.shape))
    keeps = f" (spectra analyze {options} keeps the shape)" if options else ""
    raise InputError(
        f"{source.name}: examples are of shape {tuple(source.shape)}, the schedule is for "
        f"{tuple(schedule.shape)}; derive a schedule from the source's own spectrum{keeps}"
    )


def _shaping(shape: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Options that open examples of a shape as another; "" where there are none."""
    (channels, *size), (wanted_channels, *sides) = shape, wanted
    if len(size) != len(sides):
        return ""
    options = []
    if size != sides:
        options.append("--size " + "x".join(map(str, sides if len(set(sides)) > 1 else sides[:1])))
    if channels != wanted_channels:
        if len(sides) != 2 or wanted_channels not in CHANNELS:
            return ""
        options.append(f"--channels {CHANNELS[wanted_channels]}")
    return " ".join(options)


def settle(
    path: Path,
    config: TrainConfig,
    source: Source,
    place: str | None,
    family: Sequence[Schedule],
    classes: Sequence[str] = (),
) -> dict[str, Any]:
    """The settings of the run in a folder: those it has, or these, resolved and written.

    Raises
    ------
    InputError
        The folder holds a run that another result would come of, or cannot be written, or the
        device asked for is not there.
    """
    asked: dict[str, Any] = {
        **asdict(config),
        "source": place,
        "name": source.name,
        "data": source.settings,
        "fingerprint": source.fingerprint,
        "schedule": schedule_digest(family[0]),
        "family": [schedule_digest(other) for other in family[1:]],
        "shape": list(family[0].shape),
        "classes": list(classes),
    }
    if not (path / CONFIG).exists():
        if checkpoint_paths(path):
            raise InputError(f"{path}: has checkpoints but no {CONFIG}; choose another --out")
        device, condition = chosen_device(config.device), chosen_condition(config, family)
        preconditioning = chosen_preconditioning(config, condition)
        check_kernels(device, config.precision, config.compile)
        record = {
            **asked,
            "device": device,
            "precision": chosen_precision(config, device),
            "condition": condition,
            "preconditioning": preconditioning,
            "shares": condition == "state" and preconditioning != "scalar",
            "compile": chosen_compile(config, device),
            "threads": torch.get_num_threads(),
            "versions": {
                "spectra": __version__,
                "torch": torch.__version__,
                "numpy": np.__version__,
            },
        }
        write_family(path, family)
        write_config(path, record)
        return record
    record = {**ADDED, **read_config(path)}
    options = {field.name for field in fields(TrainConfig)}
    # The learning rate of a run that cools down depends on how many steps there are.
    free = [name for name in FREE if name != "steps" or record["cooldown"] == 0]
    for name in asked:
        found, wanted = record.get(name), asked[name]
        named = (*free, "source", "name", UNUSED[config.ema])
        settled = name in named or wanted in ("auto", None)
        if found != wanted and not settled:
            if name == "network":
                found, wanted = network_text(record[name]), network_text(asked[name])
            mend = f", or ask for {name} {found}" if name in options else ""
            raise InputError(
                f"{path}: holds a run with {name} {found}, not {wanted}; choose another --out{mend}"
            )
    chosen_device(record["device"])
    check_kernels(record["device"], record.get("precision"), record["compile"])
    write_family(path, family)  # they may have been lost
    changed = {name: asked[name] for name in free}
    if place is not None:
        changed["source"] = place
    if any(record.get(name) != value for name, value in changed.items()):
        record = {**record, **changed}
        write_config(path, record)
    return record
