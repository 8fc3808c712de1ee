"""How fast training goes, beside how fast the machine could."""

import copy
import sys
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from spectra.diffusion.networks import Inputs

__all__ = ["Throughput", "matmul_rate", "peak_memory", "training_flops"]

SIDE = {"cpu": 512, "cuda": 8192}  # of the matrices whose product is timed
REPEATS = 4
_KNOWN: dict[tuple, tuple[int | None, float]] = {}


@dataclass(frozen=True)
class Throughput:
    """What a step costs, and what the machine could do.

    Attributes
    ----------
    device : torch.device
    flops : int or None
        Of one example's forward and backward pass.
    rate : float
        Floating point operations per second of a large matrix product on all devices together.
    """

    device: torch.device
    flops: int | None
    rate: float

    @classmethod
    def of(
        cls,
        network: nn.Module,
        shape: tuple[int, ...],
        inputs: Inputs,
        device: torch.device,
        precision: str,
        count: int,
        known_as: str = "",
    ) -> "Throughput":
        """Of a network trained on `count` devices.

        Two of one name `known_as` cost the same: a process counts and times it once.
        """
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        key = (known_as, tuple(shape), inputs, device, dtype)
        if key not in _KNOWN or not known_as:
            flops = training_flops(network, shape, inputs)
            _KNOWN[key] = flops, matmul_rate(device, dtype)
        flops, rate = _KNOWN[key]
        return cls(device, flops, count * rate)

    def record(self, images_per_second: float) -> dict[str, Any]:
        """FLOP/s, the share of the machine's own, and the most memory held, in bytes."""
        told: dict[str, Any] = {}
        if self.flops is not None:
            achieved = self.flops * images_per_second
            told = {
                "flops_per_second": float(f"{achieved:.4g}"),
                "utilisation": float(f"{achieved / self.rate:.3g}"),
            }
        return {**told, "memory": peak_memory(self.device)}


def training_flops(network: nn.Module, shape: tuple[int, ...], inputs: Inputs) -> int | None:
    """Floating point operations of one example's forward and backward pass.

    Of products and convolutions, as torch counts them, a multiplication and an addition being
    two. Counted without computing; None of a network that does not allow that.
    """
    from torch.utils.flop_counter import FlopCounterMode

    try:
        hollow = copy.deepcopy(network).to("meta")

        def empty(*sizes: int, whole: bool = False) -> torch.Tensor:
            dtype = torch.int64 if whole else torch.float32
            return torch.zeros(1, *sizes, dtype=dtype, device="meta")

        told = (
            empty(inputs.vector) if inputs.vector else None,
            empty(inputs.maps, *shape[1:]) if inputs.maps else None,
            empty(whole=True) if inputs.labels else None,
        )
        told = told if any(part is not None for part in told) else ()
        with FlopCounterMode(display=False) as counter:
            hollow(empty(*shape), empty(), *told).sum().backward()
        return counter.get_total_flops()
    except Exception:  # whatever a network does, its speed is no reason to stop
        return None


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Floating point operations per second of a large matrix product, the best of a few."""
    side = SIDE[device.type]
    a = torch.ones(side, side, dtype=dtype, device=device)
    product, best = torch.empty_like(a), 0.0
    for _ in range(REPEATS):
        _wait(device)
        start = time.perf_counter()
        torch.mm(a, a, out=product)
        _wait(device)
        best = max(best, 2 * side**3 / (time.perf_counter() - start))
    return best


def peak_memory(device: torch.device) -> int:
    """Most bytes that this process has held so far: of the GPU, or of the machine's memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
