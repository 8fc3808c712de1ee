"""Training in several processes: torchrun starts them, each takes its share of every batch.

Only the first touches the run's folder. What is drawn for an example depends on its number in
the global batch, and gradients are summed in buckets whose content never changes: the processes
together do what one does, up to the order of a sum, and a resumed run does what they did. With
dropout the masks are each process's own, and so are a network's running statistics: those of the
first are kept.
"""

import atexit
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor, distributed, nn

from spectra.errors import InputError

__all__ = ["GradientSum", "PeerLost", "Ranks", "launched_ranks", "leave"]

PATIENCE = timedelta(minutes=30)  # opening a large data set takes the first process long
BUCKET = 8 * 2**20  # values summed at once; the sum of one runs while the next is computed


class PeerLost(InputError):
    """Another process of the run has ended."""


@dataclass(frozen=True)
class Ranks:
    """The processes that train together, and which of them this is.

    Attributes
    ----------
    number, count : int
        0 is the first process, which reads and writes the run's folder.
    local : int
        Number among those of this machine: which GPU.
    """

    number: int = 0
    count: int = 1
    local: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this process has the folder, the log and the terminal."""
        return self.number == 0

    def device(self, device: str) -> torch.device:
        """This process's device of a kind.

        Raises
        ------
        InputError
            The machine has fewer GPUs than processes.
        """
        if device != "cuda" or self.count == 1:
            return torch.device(device)
        if self.local >= torch.cuda.device_count():
            raise InputError(
                f"{self.local + 1} processes or more on a machine of {torch.cuda.device_count()} "
                "GPUs; start torchrun with --nproc-per-node of at most that"
            )
        torch.cuda.set_device(self.local)
        return torch.device("cuda", self.local)

    def share(self, batch: int) -> np.ndarray:
        """Numbers of this process's examples within a global batch; a few may have one more.

        Raises
        ------
        InputError
            There are more processes than examples.
        """
        if batch < self.count:
            raise InputError(
                f"batch {batch} is too small for {self.count} processes; give --batch "
                f"{self.count} or more, or start fewer"
            )
        return np.array_split(np.arange(batch), self.count)[self.number]

    def first(self, action: Callable[[], Any]) -> Any:
        """Do something in the first process, and tell all of them what came of it, as JSON.

        Where it is an InputError the first raises it, and the others end quietly: one process
        speaks for all.
        """
        if self.count == 1:
            return action()
        told: dict[str, Any] = {"refused": True}
        if not self.is_first:
            told = json.loads(self._received(b""))
            if told.get("refused"):
                raise SystemExit(2)
            return told["value"]
        try:
            told = {"value": action()}
        finally:
            self._received(json.dumps(told).encode())
        return told["value"]

    def refuse(self, message: str) -> NoReturn:
        """End all processes for a reason that all of them have found."""
        if self.is_first:
            raise InputError(message)
        raise SystemExit(2)

    def any(self, mine: bool) -> bool:
        """Whether something holds in any process."""
        if self.count == 1:
            return mine
        flag = torch.tensor([int(mine)])  # on the CPU: no GPU is waited for
        self.sum([flag])
        return bool(flag)

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sum over the processes."""
        if self.count > 1:
            with peers():
                for tensor in tensors:
                    distributed.all_reduce(tensor)

    def share_state(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by those of the first process."""
        if self.count > 1:
            with peers():
                for tensor in tensors:
                    whole = tensor.contiguous()
                    distributed.broadcast(whole, 0)
                    tensor.copy_(whole)

    def _received(self, payload: bytes) -> bytes:
        """The bytes that the first process gives."""
        with peers():
            size = torch.tensor([len(payload)])
            distributed.broadcast(size, 0)
            data = torch.zeros(int(size), dtype=torch.uint8)
            if self.is_first:
                data = torch.frombuffer(bytearray(payload), dtype=torch.uint8)
            distributed.broadcast(data, 0)
        return data.numpy().tobytes()


class peers:
    """Turn the many errors of a collective whose partner is gone into one line.

    Attributes
    ----------
    lost : bool
        Whether that has happened in this process.
    """

    lost = False

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, RuntimeError):
            peers.lost = True
            raise PeerLost(
                "another process of this run has ended, or is out of reach; the last checkpoint "
                "is kept, and the same command goes on"
            ) from error


def launched_ranks() -> Ranks:
    """The processes that torchrun started, or this one alone.

    Raises
    ------
    InputError
        They cannot reach each other.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1 or "RANK" not in os.environ or not distributed.is_available():
        return Ranks()
    if not distributed.is_initialized():
        on_gpu = torch.cuda.is_available()
        with peers():
            distributed.init_process_group(
                "cpu:gloo,cuda:nccl" if on_gpu else "gloo", timeout=PATIENCE
            )
        if on_gpu:
            atexit.register(distributed.destroy_process_group)  # NCCL asks for it
    number = distributed.get_rank()
    local = int(os.environ.get("LOCAL_RANK", number))
    return Ranks(number, distributed.get_world_size(), local)


def leave(status: int) -> NoReturn:
    """End this process with a status.

    One of several ends at once, its files written: torch's own threads, when they are taken down
    one by one, abort it now and then, and the launcher then takes a whole run for a failed one.
    """
    if distributed.is_available() and distributed.is_initialized():
        if torch.cuda.is_available() and not peers.lost:
            distributed.destroy_process_group()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


class GradientSum:
    """Sums a network's gradients over the processes while the rest of them are computed.

    The parameters are parted into buckets in the order in which gradients come, last layer
    first, once and for all; each is summed as soon as it is complete. Nothing is done in a
    process that is alone.

    Parameters
    ----------
    network : torch.nn.Module
    ranks : Ranks
    """

    def __init__(self, network: nn.Module, ranks: Ranks) -> None:
        self.ranks = ranks
        self.armed = False
        self._buckets: list[list[nn.Parameter]] = []
        self._pending: list[tuple[Tensor, Any]] = []
        self._waiting: list[set[nn.Parameter]] = []
        if ranks.count == 1:
            return
        size = BUCKET
        for weight in reversed([w for w in network.parameters() if w.requires_grad]):
            if size + weight.numel() > BUCKET:
                self._buckets.append([])
                size = 0
            self._buckets[-1].append(weight)
            size += weight.numel()
            weight.register_post_accumulate_grad_hook(self._ready)
        self._number = {w: k for k, bucket in enumerate(self._buckets) for w in bucket}

    def arm(self) -> None:
        """Sum the gradients of the next backward pass: the last one of an update."""
        self.armed = self.ranks.count > 1
        self._waiting = [set(bucket) for bucket in self._buckets]

    def finish(self) -> None:
        """Wait for the sums, and put them in the place of the gradients."""
        if not self.armed:
            return
        with peers():
            while len(self._pending) < len(self._buckets):  # of parameters without a gradient
                self._start()
            for bucket, (flat, work) in zip(self._buckets, self._pending, strict=True):
                work.wait()
                parts = flat.split([weight.numel() for weight in bucket])
                for weight, part in zip(bucket, parts, strict=True):
                    if weight.grad is not None:  # of one without a use there is none anywhere
                        weight.grad.copy_(part.view_as(weight))
        self._pending, self.armed = [], False

    def _ready(self, weight: Tensor) -> None:
        """Note that a gradient is complete; start the buckets whose turn it is, in order."""
        if not self.armed:
            return
        assert isinstance(weight, nn.Parameter)
        self._waiting[self._number[weight]].discard(weight)
        while len(self._pending) < len(self._buckets) and not self._waiting[len(self._pending)]:
            with peers():
                self._start()

    def _start(self) -> None:
        """Begin the sum of the next bucket."""
        bucket = self._buckets[len(self._pending)]
        grads = [torch.zeros_like(w) if w.grad is None else w.grad for w in bucket]
        flat = torch.cat([grad.reshape(-1) for grad in grads])
        self._pending.append((flat, distributed.all_reduce(flat, async_op=True)))
