"""What is chosen where a training is left to the machine it runs on, and what that can hold."""

import math
import os
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, get_args

import torch

from spectra.diffusion.networks import DiTConfig, UNetConfig, count_weights, network_config
from spectra.errors import InputError, check_name
from spectra.machine import memory_size
from spectra.schedule import Schedule

if TYPE_CHECKING:
    from spectra.diffusion.settings import TrainConfig

__all__ = [
    "Device",
    "Precision",
    "check_kernels",
    "check_memory",
    "chosen_compile",
    "chosen_condition",
    "chosen_device",
    "chosen_precision",
    "chosen_preconditioning",
    "memory_format",
]

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]

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


def check_memory(config: "TrainConfig", shape: tuple[int, ...], batch: int) -> None:
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


def chosen_device(device: Device) -> Literal["cpu", "cuda"]:
    """ "cpu" or "cuda"."""
    check_name("device", device, get_args(Device))
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device cuda: PyTorch sees no GPU here; use --device cpu")
    return device


def chosen_precision(config: "TrainConfig", device: str) -> str:
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


def chosen_compile(config: "TrainConfig", device: str) -> bool:
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


def chosen_condition(config: "TrainConfig", family: Sequence[Schedule]) -> str:
    """ "time" where that tells the noise of every component, "state" where it does not."""
    if config.condition != "auto":
        if config.condition == "time" and (len(family) > 1 or config.known > 0):
            raise InputError(
                "condition 'time': tells a network nothing of several schedules or known parts; "
                "choose condition 'state'"
            )
        return config.condition
    return "state" if len(family) > 1 or config.known > 0 else "time"


def chosen_preconditioning(config: "TrainConfig", condition: str) -> str:
    """The one measured to be best, by what the network is told and its loss (see `Denoiser`)."""
    if config.preconditioning != "auto":
        return config.preconditioning
    return "component" if condition == "state" and config.loss == "bound" else "scalar"


def memory_format(device: str, precision: str) -> torch.memory_format:
    """Layout of images in memory: channels first only where bfloat16 on a CPU is faster so."""
    if device == "cpu" and precision == "bfloat16":
        return torch.contiguous_format
    return torch.channels_last
