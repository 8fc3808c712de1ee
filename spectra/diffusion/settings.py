"""What a training run is asked to be, and whether a folder already holds another."""

import math
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from numbers import Integral
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from spectra import __version__
from spectra.data import Source, list_manifests
from spectra.diffusion.checkpoint import checkpoint_paths, schedule_digest
from spectra.diffusion.ema import power_exponent
from spectra.diffusion.known import PartKind
from spectra.diffusion.loss import Loss
from spectra.diffusion.networks import (
    DiTConfig,
    UNetConfig,
    count_weights,
    network_config,
    network_record,
    network_text,
)
from spectra.diffusion.precondition import Condition, PreconditioningChoice
from spectra.diffusion.run import CONFIG, read_config, write_config, write_family
from spectra.errors import InputError, check_name, check_number, check_share
from spectra.files import user_path
from spectra.machine import memory_size
from spectra.schedule import Schedule

__all__ = [
    "Averaging",
    "Device",
    "Precision",
    "TrainConfig",
    "averaging_numbers",
    "check_memory",
    "check_shape",
    "check_whole",
    "known_options",
    "memory_format",
    "origin",
    "settle",
]

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]
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


# The variable that names one, and what they are called. Kernels for a CPU are C++; what starts
# those of a GPU is C.
COMPILERS = {
    "cpu": ("CXX", "g++", "clang++", "c++", "cl"),
    "cuda": ("CC", "gcc", "clang", "cc"),
}

# Itself, its gradient, its average and the optimiser's two moments.
NUMBERS_A_WEIGHT = 5
# Itself, its noise, both together, and what the network says of that.
NUMBERS_A_VALUE = 4


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


def check_memory(config: TrainConfig, shape: tuple[int, ...], batch: int) -> None:
    """Refuse a batch, or a network of ours, of more numbers than memory holds.

    Of what is sure to be there at once: what a network keeps for its gradient is not known here.
    """
    there = memory_size()
    if chosen_device(config.device) == "cuda":
        there = torch.cuda.mem_get_info()[1]
    if there is None:
        return
    needed = NUMBERS_A_VALUE * 4 * batch * math.prod(shape)
    if needed > there:
        raise InputError(
            f"batch {config.batch}: its examples take {needed / 2**30:,.0f} GiB, of "
            f"{there / 2**30:,.0f} GiB here; give a smaller one"
        )
    network = network_config(config.network)
    if not isinstance(network, UNetConfig | DiTConfig):
        return
    count = count_weights(network, shape)
    needed = NUMBERS_A_WEIGHT * 4 * count
    if needed > there:
        raise InputError(
            f"network {config.network['name']}: its {count:,} weights take "
            f"{needed / 2**30:,.0f} GiB to train, of {there / 2**30:,.0f} GiB here; give a "
            "smaller one"
        )


def check_whole(name: str, value: object, low: int | None = None) -> None:
    """Refuse what is no whole number, or one under `low`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(f"{name} {value!r}: a whole number is needed")
    if low is not None:
        check_number(name, int(value), low=low)


def chosen_device(device: Device) -> Literal["cpu", "cuda"]:
    """ "cpu" or "cuda"."""
    check_name("device", device, get_args(Device))
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: PyTorch sees no GPU here; use --device cpu")
    return device


def chosen_precision(config: TrainConfig, device: str) -> str:
    """bfloat16 where it was measured to be faster: on GPUs, and for our networks on some CPUs.

    Not on a CPU where torch.compile is to make the kernels: 2.13's are wrong for the U-Net.
    """
    if config.precision != "auto":
        return config.precision
    if device == "cuda":
        return "bfloat16"
    # Without these instructions bfloat16 is emulated, and slower.
    has_instructions = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    ours = config.network["name"] in ("unet", "dit")
    return "bfloat16" if has_instructions and ours and not config.compile else "float32"


def check_kernels(device: str, precision: str | None, compile: bool | None) -> None:
    """Refuse the kernels that torch.compile makes wrongly: gradients of 0, or a traceback."""
    if compile and device == "cpu" and precision == "bfloat16":
        raise InputError(
            "compile: torch's kernels in bfloat16 for a CPU are wrong; give precision float32, or "
            "leave compile off"
        )


def chosen_compile(config: TrainConfig, device: str) -> bool:
    """Whether to compile: where it was asked for, or on a GPU that it can be done for."""
    variable, *names = COMPILERS[device]

    def found() -> bool:
        return any(name and shutil.which(name) for name in (os.environ.get(variable), *names))

    if config.compile and not found():
        raise InputError(
            f"compile: needs a compiler ({', '.join(names)}); install {names[0]}, or leave it off"
        )
    if config.compile is not None:
        return config.compile
    from torch.utils._triton import has_triton

    return device == "cuda" and has_triton() and found()


def chosen_condition(config: TrainConfig, family: Sequence[Schedule]) -> str:
    """ "time" where that tells the noise of every component, "state" where it does not."""
    if config.condition != "auto":
        if config.condition == "time" and (len(family) > 1 or config.known > 0):
            raise InputError(
                "condition 'time': tells a network nothing of several schedules or known parts; "
                "choose condition 'state'"
            )
        return config.condition
    return "state" if len(family) > 1 or config.known > 0 else "time"


def chosen_preconditioning(config: TrainConfig, condition: str) -> str:
    """The one measured to be best, by what the network is told and its loss (see `Denoiser`)."""
    if config.preconditioning != "auto":
        return config.preconditioning
    return "component" if condition == "state" and config.loss == "bound" else "scalar"


def memory_format(device: str, precision: str) -> torch.memory_format:
    """Layout of images in memory: channels first only where bfloat16 on a CPU is faster so."""
    if device == "cpu" and precision == "bfloat16":
        return torch.contiguous_format
    return torch.channels_last
