"""Jobs in processes of their own: one a core, or one a GPU."""

import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from types import FrameType
from typing import Any

from spectra.errors import InputError

__all__ = ["in_processes"]

GRACE = 3  # seconds to save a checkpoint in


def in_processes(
    function: Callable[..., Any],
    jobs: Sequence[tuple],
    *,
    workers: int,
    gpus: int = 0,
    name: str,
) -> Generator[tuple[int, Any], None, None]:
    """Numbers of the jobs and what the function gives for them, as they are done.

    An InputError of a job is given in the place of its result: the others go on. When this is
    stopped, what is in training saves its checkpoint first.

    Parameters
    ----------
    function : callable
        At the top of a module, for other processes to find it.
    jobs : sequence of tuple
        Its arguments.
    workers : int
        Processes, with one thread each.
    gpus : int
        Above 0, each process is given one of so many.
    name : str
        What is lost when a process is ended from outside, for the message.

    Raises
    ------
    InputError
        A process was ended from outside.
    """
    context = get_context("spawn")
    places = context.Queue()
    for number in range(workers):
        places.put(number % gpus if gpus else None)
    waiting, running = list(range(len(jobs))), {}
    with _heard_once(), ProcessPoolExecutor(workers, context, _begin, (places,)) as pool:
        try:
            while waiting or running:
                # One job a worker and none in advance: what waits is not begun when stopped.
                while waiting and len(running) < workers:
                    number = waiting.pop(0)
                    with _born_deaf():
                        running[pool.submit(function, *jobs[number])] = number
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number = running.pop(future)
                    try:
                        yield number, future.result()
                    except InputError as refusal:
                        yield number, refusal
        except BrokenProcessPool:
            raise InputError(
                f"{name}: a training process was ended from outside (memory?); the same command "
                "goes on from its last checkpoint"
            ) from None
        except BaseException:
            for child in active_children():
                child.terminate()  # a run in training saves its checkpoint first
            raise


@contextmanager
def _heard_once() -> Iterator[None]:
    """A second Ctrl-C is not heard: it would cut the ending short, and processes would stay."""
    before = signal.getsignal(signal.SIGINT)
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or before in (signal.SIG_IGN, None):
        yield
        return

    def hear(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _born_deaf() -> Iterator[None]:
    """Processes begun here never hear Ctrl-C, not even while they import; it is held back."""
    if not hasattr(signal, "pthread_sigmask"):  # on Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _end_with_parent() -> None:
    """Save and end when the parent was killed, or nobody would end what it began."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)


def _begin(places: Any) -> None:
    """A group of its own: the terminal's Ctrl-C reaches the parent, which ends its children."""
    signal.signal(signal.SIGTERM, _end)  # not at once: what it holds is to be let go
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if hasattr(os, "setpgrp"):  # not on Windows
        os.setpgrp()
    place = places.get()
    if place is not None:  # before torch looks for GPUs
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        os.environ["CUDA_VISIBLE_DEVICES"] = visible.split(",")[place] if visible else str(place)
