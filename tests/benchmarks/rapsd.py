"""Time of one image's RAPSD beside its peers', all on one thread, in turn in one run."""

import contextlib
import io
import time
from collections.abc import Callable

import numpy as np

import spectra
from tests.benchmarks.table import Row

__all__ = ["rapsd"]

# Times pysteps' that are asked for at each size; and times the np.bincount recipe's.
PYSTEPS = {32: 25.0, 64: 25.0, 256: 40.0, 512: 80.0, 1024: 80.0}
BINCOUNT = 4.0
ROUNDS = 7
EQUAL = 1e-4  # relative, in float32


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def bincount_recipe(image: np.ndarray) -> np.ndarray:
    """The radial profile that is copied from forum to forum: labels made anew in each call."""
    height, width = image.shape
    power = np.abs(np.fft.fftshift(np.fft.fft2(image))) ** 2 / image.size
    y, x = np.indices(image.shape)
    label = np.hypot(y - height // 2, x - width // 2).round().astype(int).ravel()
    return np.bincount(label, power.ravel()) / np.bincount(label)


def rapsd() -> list[Row]:
    import torch

    torch.set_num_threads(1)
    with contextlib.redirect_stdout(io.StringIO()):
        from pysteps.utils import spectral
    rows = []
    for size, asked in PYSTEPS.items():
        n = max(8, 2**21 // size**2)
        images = np.random.default_rng(0).standard_normal((n, size, size), np.float32)
        few = images[: max(2, 2**17 // size**2)]
        batch = torch.from_numpy(images[: max(1, 2**17 // size**2)])  # what stays in cache
        modes = torch.fft.rfft2(batch)

        def ours(images: np.ndarray = images) -> None:
            spectra.rapsd(images)

        def pysteps(few: np.ndarray = few) -> None:
            for image in few:
                spectral.rapsd(image, fft_method=np.fft)

        def recipe(few: np.ndarray = few) -> None:
            for image in few:
                bincount_recipe(image)

        def transform(batch: torch.Tensor = batch, modes: torch.Tensor = modes) -> None:
            for _ in range(4):
                torch.fft.rfft2(batch, out=modes)

        power, _ = spectra.rapsd(few, compat="pysteps")
        theirs = np.stack([spectral.rapsd(image, fft_method=np.fft) for image in few])
        error = float(np.max(np.abs(power / theirs - 1)))
        ours()
        counts = np.array([n, len(few), len(few), 4 * len(batch)])
        functions = (ours, pysteps, recipe, transform)
        times = (
            np.array([[seconds(f) for f in functions] for _ in range(ROUNDS)]) / counts
        )  # [R, 4]
        mine, peer, copied, fft = 1e6 * np.median(times, axis=0)
        ratio, over_recipe = np.median(times[:, 1:3] / times[:, :1], axis=0)
        rows += [
            Row(
                f"rapsd, {size}x{size}, float32, batches of {n}",
                f">= {asked:g}x pysteps",
                f"{ratio:.1f}x ({mine:.1f} us, its FFT alone {fft:.1f}; pysteps {peer:.0f})",
                ratio >= asked,
            ),
            Row(
                "  against the np.bincount recipe",
                f">= {BINCOUNT:g}x",
                f"{over_recipe:.1f}x ({copied:.0f} us)",
                over_recipe >= BINCOUNT,
            ),
            Row(
                "  difference from pysteps",
                f"<= {EQUAL:g}",
                f"{error:.1e}",
                error <= EQUAL,
            ),
        ]
    return rows
