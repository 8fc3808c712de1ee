"""Parts measured on a dask.distributed cluster."""

from collections.abc import Callable, Iterable, Iterator
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
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._client: Any = None

    def __enter__(self) -> "DaskPool":
        try:
            from distributed import Client
        except ImportError:
            raise InputError(
                "dask: dask.distributed is not installed; pip install 'spectra-diffusion[dask]'"
            ) from None
        try:
            self._client = Client(self.address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            reason = (str(error) or type(error).__name__).splitlines()[0]
            raise InputError(
                f"dask: no scheduler answers at {self.address} ({reason}); start one with "
                "'dask scheduler' and give its address"
            ) from None
        return self

    def __exit__(self, *stop: object) -> None:
        self._client.close()

    def in_order(self, function: Callable[..., Any], tasks: Iterable[tuple]) -> Iterator[Any]:
        """Results in the order of the tasks, a few under way for each thread of the cluster."""
        from spectra.spectrum.analysis import AHEAD, ahead

        threads = sum(self._client.nthreads().values())
        if threads == 0:
            raise InputError(f"dask: the scheduler at {self.address} has no workers; start some")

        sent: dict[int, Any] = {}

        def submit(function: Callable[..., Any], source: Any, *rest: Any) -> Any:
            # The source goes to the cluster once, as a task, which is done again if it is lost.
            if id(source) not in sent:
                sent[id(source)] = self._client.submit(_itself, source, pure=False)
            return self._client.submit(
                function, sent[id(source)], *rest, retries=RETRIES, pure=False
            )

        yield from ahead(submit, function, tasks, AHEAD * threads)


def _itself(source: Any) -> Any:
    return source
