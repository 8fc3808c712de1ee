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

from spectra.diffusion.run import append_log
from spectra.errors import InputError

__all__ = ["Meter", "bar", "interruption"]


class Meter:
    """Losses and gradient lengths of the steps since the last record.

    They stay on the device until then: reading one makes a GPU wait.

    Parameters
    ----------
    path : Path
        The run's folder.
    batch : int
    seconds : float
        Training time before this process.
    """

    def __init__(self, path: Path, batch: int, seconds: float) -> None:
        self.path = path
        self.batch = batch
        self.seconds = seconds
        self._since = time.perf_counter()
        self._values: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor, grad_norm: torch.Tensor) -> None:
        """Note one step's loss [] and gradient length []."""
        self._values.append(torch.stack([loss, grad_norm]))

    def record(self, step: int, learning_rate: float) -> dict[str, Any]:
        """Write the record of the steps up to `step` to the log, and return it.

        Raises
        ------
        InputError
            A loss or gradient is not finite.
        """
        values = torch.stack(self._values).double().cpu()  # [steps, 2]
        first = step - len(values) + 1
        for number, (loss, grad_norm) in enumerate(values.tolist(), start=first):
            if not (math.isfinite(loss) and math.isfinite(grad_norm)):
                raise InputError(
                    f"{self.path}: loss {loss:g}, gradient {grad_norm:g} at step {number}; the "
                    "last checkpoint is kept; start a new --out with a lower learning rate"
                )
        now = time.perf_counter()
        self.seconds += now - self._since
        loss, grad_norm = values.mean(0).tolist()
        record = {
            "step": step,
            "images": step * self.batch,
            "loss": loss,
            "grad_norm": grad_norm,
            "learning_rate": learning_rate,
            "images_per_second": round(len(values) * self.batch / (now - self._since), 1),
            "seconds": round(self.seconds, 3),
        }
        append_log(self.path, record)
        self._since, self._values = now, []
        return record


@contextmanager
def bar(steps: int, start: int, shown: bool) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A progress bar on stderr where that is a terminal; yields what takes a record."""
    from tqdm import tqdm

    disable = None if shown else True  # None: where stderr is no terminal
    with tqdm(total=steps, initial=start, unit="step", file=sys.stderr, disable=disable) as drawn:

        def advance(record: dict[str, Any]) -> None:
            drawn.set_postfix_str(f"loss {record['loss']:.4f}", refresh=False)
            drawn.update(record["step"] - drawn.n)

        yield advance


@contextmanager
def interruption() -> Iterator[Callable[[], bool]]:
    """Turn Ctrl-C and SIGTERM into a question to ask between steps: was there one?

    A step that was cut in two could not be resumed exactly. The second signal acts at once, as
    KeyboardInterrupt. Outside the main thread signals are left alone.
    """
    seen: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(seen)
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
