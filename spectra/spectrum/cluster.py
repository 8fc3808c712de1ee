"""Parts measured on a dask.distributed cluster."""

import gc
from collections.abc import Callable, Iterable, Iterator
from pickle import PicklingError
from typing import Any

from spectra.errors import InputError

__all__ = ["DaskPool"]

RETRIES = 3  # of a part whose worker is lost
CONNECT_SECONDS = 10


class DaskPool:
    """The workers of a scheduler; a part whose worker dies is given to another.

    Parameters
    ----------
    address : str
        Of the scheduler, "tcp://host:8786" say.
    depth : int
        Parts under way for each thread of the cluster.
    """

    def __init__(self, address: str, depth: int) -> None:
        self.address, self.depth = address, depth
        self._client: Any = None

    def __enter__(self) -> "DaskPool":
        try:
            from distributed import Client
        except ImportError:
            raise InputError(
                "dask: dask.distributed is not installed; pip install 'spectra-diffusion[dask]'"
            ) from None
        refusal = ""
        try:
            self._client = Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            refusal = (str(error) or type(error).__name__).splitlines()[0]
        if refusal:
            # A client that failed closes itself when it is collected, and takes a lock to do so.
            # Collected while the next one starts under that lock, it would hang the process.
            gc.collect()
            raise InputError(
                f"dask: no scheduler answers at {self.address} ({refusal}); start one with "
                "'dask scheduler' and give its address"
            )
        return self

    def __exit__(self, *stop: object) -> None:
        self._client.close()

    def in_order(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[Any]:
        """Results in the order of the tasks, a few under way for each thread of the cluster."""
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        from spectra.spectrum.analysis import ahead

        threads = sum(self._client.nthreads().values())
        if threads == 0:
            raise InputError(f"dask: the scheduler at {self.address} has no workers; start some")

        sent: dict[int, Any] = {}

        def submit(function: Callable[..., Any], source: Any, *rest: Any) -> Any:
            # The source goes to the cluster once, as a task, which is done again if it is lost.
            if id(source) not in sent:
                try:
                    sent[id(source)] = self._client.submit(_itself, source, pure=False)
                except (TypeError, AttributeError, PicklingError):
                    raise InputError(
                        f"dask: {source.name} cannot be sent to other machines; give files, an "
                        "array, or a data set that pickle can copy"
                    ) from None
            return self._client.submit(
                function, sent[id(source)], *rest, retries=RETRIES, pure=False
            )

        try:
            yield from ahead(submit, function, tasks, self.depth * threads)
        except (CancelledError, KilledWorker, CommClosedError, TimeoutError) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise InputError(
                f"dask: the cluster at {self.address} is lost ({reason}); what was measured is "
                "kept, give the same command once it is back"
            ) from None


def _itself(source: Any) -> Any:
    return source
