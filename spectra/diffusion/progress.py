"""What a training run tells while it runs, and how it is told to stop."""

import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from spectra.diffusion.ranks import Ranks
from spectra.diffusion.throughput import Throughput
from spectra.errors import InputError

__all__ = ["Meter", "bar", "interruption", "scalar_writer", "summary_writer"]

SAME_PRESS = 0.5  # seconds


class Meter:
    """Losses and gradient lengths of the steps since the last record.

    They stay on the device until then: reading one makes a GPU wait.

    Parameters
    ----------
    path : Path
        The run's folder.
    batch, steps : int
    start : int
        Steps done before this process.
    seconds : float
        Training time before this process.
    ranks : Ranks
    throughput : Throughput or None
        Of the first process.
    """

    def __init__(
        self,
        path: Path,
        batch: int,
        steps: int,
        start: int,
        seconds: float,
        ranks: Ranks,
        throughput: Throughput | None,
    ) -> None:
        self.path = path
        self.batch = batch
        self.steps = steps
        self.start = start
        self.seconds = seconds
        self.ranks = ranks
        self.throughput = throughput
        self._began = self._since = time.perf_counter()
        self._values: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor, grad_norm: torch.Tensor) -> None:
        """Note one step's loss [], this process's part of it, and gradient length []."""
        self._values.append(torch.stack([loss, grad_norm]))

    def record(self, step: int, learning_rate: float) -> dict[str, Any]:
        """The record of the steps up to `step`: the same in all processes but for the clock.

        Raises
        ------
        InputError
            A loss or gradient is not finite.
        """
        values = torch.stack(self._values).double().cpu()  # [steps, 2]
        losses = values[:, 0].contiguous()
        self.ranks.sum([losses])
        first = step - len(values) + 1
        rows = zip(losses.tolist(), values[:, 1].tolist(), strict=True)
        for number, (loss, grad_norm) in enumerate(rows, start=first):
            if not (math.isfinite(loss) and math.isfinite(grad_norm)):
                self.ranks.refuse(
                    f"{self.path}: loss {loss:g}, gradient {grad_norm:g} at step {number}; the "
                    "last checkpoint is kept; start a new --out with a lower learning rate"
                )
        now = time.perf_counter()
        self.seconds += now - self._since
        speed = len(values) * self.batch / (now - self._since)
        left = (self.steps - step) * (now - self._began) / (step - self.start)
        record = {
            "step": step,
            "images": step * self.batch,
            "loss": losses.mean().item(),
            "grad_norm": values[:, 1].mean().item(),
            "learning_rate": learning_rate,
            "images_per_second": round(speed, 1),
            "seconds": round(self.seconds, 3),
            "seconds_left": round(left, 1),
        }
        if self.throughput is not None:
            record |= self.throughput.record(speed)
        self._since, self._values = now, []
        return record


def summary_writer() -> Any:
    """TensorBoard's writer, a class.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError(
            "tensorboard: is not installed; pip install tensorboard, or train without "
            "--tensorboard (log.jsonl holds the same numbers)"
        ) from None
    return SummaryWriter


def scalar_writer(path: Path) -> Callable[[dict[str, Any]], None]:
    """What writes records for TensorBoard to a run's folder."""
    writer = summary_writer()(path / "tensorboard")

    def write(record: dict[str, Any]) -> None:
        for name, value in record.items():
            if name != "step":
                writer.add_scalar(name, value, record["step"])
        writer.flush()

    return write


@contextmanager
def bar(steps: int, start: int, shown: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A progress bar on stderr where that is a terminal; yields what takes a record."""
    from tqdm import tqdm

    disable = None if shown else True  # None: where stderr is no terminal
    with tqdm(total=steps, initial=start, unit="step", file=sys.stderr, disable=disable) as drawn:

        def advance(record: dict[str, Any]) -> None:
            told = f"loss {record['loss']:.4f}, {record['images_per_second']:.0f} images/s"
            drawn.set_postfix_str(told, refresh=False)
            drawn.update(record["step"] - drawn.n)

        yield advance


@contextmanager
def interruption(patient: bool = False) -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a question to ask between steps: was there one?

    A step that was cut in two could not be resumed exactly. A second signal acts at once, as
    KeyboardInterrupt. Not so within `SAME_PRESS` of the first: what ends a process often tells it
    twice, once by itself and once with its group. Nor where one is to be `patient`: torchrun
    passes a terminal's on, so that each comes twice, and ends by itself what does not end. A
    patient process that an error or interruption ends stays deaf: the launcher tells all to end
    once one has ended, and this one still has its last line to say. Outside the main thread
    signals are left alone.
    """
    seen: list[float] = []

    def note(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if seen and not patient and now - seen[0] > SAME_PRESS:
            raise KeyboardInterrupt
        seen.append(now)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    ending = False
    try:
        yield lambda: bool(seen)
    except BaseException:
        ending = patient
        raise
    finally:
        for number, handler in before.items() if not ending else ():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
