"""An analysis on a local dask.distributed cluster, also when a worker is killed."""

import gc
import logging
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import spectra
from spectra import InputError
from spectra.spectrum import parts as parts_module
from spectra.spectrum.cluster import DaskPool
from spectra.spectrum.progress import SavedProgress
from tests.spectrum.test_parts import assert_same

pytestmark = pytest.mark.slow

PICTURES, SIZE = 600, 128


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """JPEG files, one of them cut short."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        noise = rng.integers(0, 256, (SIZE // 4, SIZE // 4), np.uint8)
        image = Image.fromarray(noise).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
        image.save(folder / f"{number:04d}.jpg", quality=90)
    broken = folder / "0123.jpg"
    broken.write_bytes(broken.read_bytes()[:700])
    return folder


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "PART_BYTES", 20 * 4 * SIZE**2)
    monkeypatch.setattr(parts_module, "LEAST_PART", 5)


def test_a_cluster_gives_the_same_result(folder: Path, cluster: Any) -> None:
    alone = spectra.analyze(str(folder))
    assert (alone.n, len(alone.skipped)) == (PICTURES - 1, 1)
    assert_same(spectra.analyze(str(folder), dask=cluster.scheduler_address), alone)


def test_gaps_that_workers_filled_are_counted(cluster: Any) -> None:
    fields = np.random.default_rng(0).standard_normal((80, 24, 24))
    fields[::7, 3:9, 3:9] = np.nan
    fields[5] = np.nan  # left out
    opened = [spectra.open_source(fields, nan="fill") for _ in range(4)]
    here, there = opened[:2]
    alone = spectra.analyze(here)
    assert_same(spectra.analyze(there, dask=cluster.scheduler_address), alone)
    assert here.missing == pytest.approx(np.isnan(np.delete(fields, 5, 0)).mean())
    assert there.missing == here.missing
    here, there = (one.split(0.5)[1] for one in opened[2:])  # whose numbers are others
    spectra.analyze(here)
    spectra.analyze(there, dask=cluster.scheduler_address)
    assert there.missing == here.missing > 0


def test_a_worker_killed_in_the_middle_changes_nothing(
    folder: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = spectra.analyze(str(folder))
    pids = [worker.pid for worker in cluster.workers.values()]
    add, added = SavedProgress.add, []

    def add_and_kill(*given: Any) -> None:
        add(*given)
        added.append(1)
        if len(added) == 3:
            os.kill(pids[0], signal.SIGKILL)

    monkeypatch.setattr(SavedProgress, "add", add_and_kill)
    spectrum = spectra.analyze(str(folder), dask=cluster.scheduler_address)
    assert len(added) > 20
    assert pids[0] not in [worker.pid for worker in cluster.workers.values()]
    assert_same(spectrum, alone)


def test_no_scheduler_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    monkeypatch.setattr("spectra.spectrum.cluster.CONNECT_SECONDS", 1)
    images = np.random.default_rng(0).standard_normal((8, 16, 16))
    for address in ("tcp://127.0.0.1:1", "nonsense", "tcp://"):
        with pytest.raises(InputError, match=r"^dask: no scheduler answers") as caught:
            spectra.analyze(images, dask=address)
        assert "\n" not in str(caught.value)
        # One collected later could meet the start of the next, and hang it.
        assert not [kept for kept in gc.get_objects() if type(kept) is distributed.Client]


def test_a_source_that_cannot_be_sent_is_one_line(cluster: Any) -> None:
    class Unsendable:
        def __init__(self) -> None:
            self.lock = threading.Lock()

        def __len__(self) -> int:
            return 20

        def __getitem__(self, at: int) -> np.ndarray:
            return np.random.default_rng(at).standard_normal((16, 16)).astype(np.float32)

    with pytest.raises(InputError, match="cannot be sent"):
        spectra.analyze(Unsendable(), dask=cluster.scheduler_address)


@pytest.mark.parametrize("lost", [CancelledError(), TimeoutError("no answer")])
def test_a_lost_cluster_is_one_line(lost: Exception) -> None:
    """Ending a real one hangs now and then, within distributed; so a client that has lost it."""

    class LostClient:
        def nthreads(self) -> dict[str, int]:
            return {"tcp://worker": 1}

        def submit(self, *_: Any, **__: Any) -> "Future[Any]":
            future: Future[Any] = Future()
            future.set_exception(lost)
            return future

    pool = DaskPool("tcp://gone:8786", 1)
    pool._client = LostClient()
    with pytest.raises(
        InputError, match=r"^dask: the cluster at tcp://gone:8786 is lost"
    ) as caught:
        list(pool.in_order(len, [(spectra.open_source("digits"),)]))
    assert "\n" not in str(caught.value)
