"""Time of one image's RAPSD beside pysteps', both on one thread, interleaved in one run."""

import contextlib
import io
import time
from collections.abc import Callable

import numpy as np

import spectra
from tests.benchmarks.table import Row

__all__ = ["rapsd"]

ASKED = 20.0
SIZES = (64, 256, 512)
ROUNDS = 9


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def rapsd() -> list[Row]:
    with contextlib.redirect_stdout(io.StringIO()):
        from pysteps.utils import spectral
    rows = []
    for size in SIZES:
        n = max(8, 2**22 // size**2)
        images = np.random.default_rng(0).standard_normal((n, size, size), np.float32)
        few = images[: max(2, 2**19 // size**2)].astype(np.float64)

        def ours(images: np.ndarray = images) -> None:
            spectra.rapsd(images)

        def theirs(few: np.ndarray = few) -> None:
            for image in few:
                spectral.rapsd(image, fft_method=np.fft)

        ours()
        theirs()
        times = [(seconds(ours) / n, seconds(theirs) / len(few)) for _ in range(ROUNDS)]
        mine, other = np.median(times, axis=0)
        ratio = float(np.median([b / a for a, b in times]))
        rows.append(
            Row(
                f"rapsd, {size}x{size}, float32, batches of {n}",
                f">= {ASKED:g}x pysteps",
                f"{ratio:.1f}x ({1e3 * mine:.3f} ms an image, pysteps {1e3 * other:.3f} ms)",
                ratio >= ASKED,
            )
        )
    return rows
