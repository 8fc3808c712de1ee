"""A folder of JPEGs to its spectrum, on one thread, beside the path that per-image tools offer.

That path: Pillow, RGB to grey, pysteps' RAPSD with numpy's FFT, the mean of logs. Timed in turn in
one run; the photographs are crops from the skimage and sklearn wheels, at quality 90.
"""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import spectra
from spectra.data import open_source
from spectra.data.images import decode
from tests.benchmarks.table import Row

__all__ = ["folder"]

ASKED = {256: 12.0, 512: 35.0, 1024: 50.0}
FILES = {256: 960, 512: 512, 1024: 256}
WORKERS = 1.6
BATCH = 2**21  # bytes read at once
ROUNDS = 5


def photographs() -> list:
    """Colour pictures that come with the dependencies."""
    from PIL import Image
    from skimage import data
    from sklearn.datasets import load_sample_images

    pictures = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]
    return [Image.fromarray(pixels) for pixels in [*pictures, *load_sample_images().images]]


def write_folder(place: Path, size: int, count: int) -> None:
    """Square crops of photographs, each another, brought to one size."""
    from PIL import Image

    rng = np.random.default_rng(size)
    pictures = photographs()
    for number in range(count):
        picture = pictures[number % len(pictures)]
        side = rng.uniform(0.5, 1.0) * min(picture.size)
        left, top = (rng.uniform(0, length - side) for length in picture.size)
        crop = picture.resize(
            (size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side)
        )
        crop.save(place / f"{number:04d}.jpg", quality=90)


def seconds(function: Callable[[], object]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def folder() -> list[Row]:
    with contextlib.redirect_stdout(io.StringIO()):
        from pysteps.utils import spectral
    from PIL import Image

    rows = []
    for size, asked in ASKED.items():
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            write_folder(place, size, FILES[size])
            paths = sorted(place.iterdir())
            few = paths[: max(4, 2**20 // size**2)]

            def ours(place: Path = place) -> object:
                return spectra.analyze(open_source(place, channels="grey"), bases=())

            def theirs(few: list[Path] = few) -> np.ndarray:
                logs = 0.0
                for path in few:
                    grey = np.asarray(Image.open(path).convert("RGB").convert("L"), np.float64)
                    logs = logs + np.log(spectral.rapsd(grey, fft_method=np.fft)[1:])
                return np.exp(logs / len(few))

            def decoding(paths: list[Path] = paths) -> None:
                for path in paths:
                    decode(path.read_bytes(), grey=True)

            def reading(place: Path = place) -> None:
                source = open_source(place, channels="grey")
                for _ in source.batches(max(1, BATCH // (4 * source.shape[1] ** 2))):
                    pass

            ours()
            times = np.array(
                [
                    (
                        seconds(ours) / len(paths),
                        seconds(theirs) / len(few),
                        seconds(decoding) / len(paths),
                        seconds(reading) / len(paths),
                    )
                    for _ in range(ROUNDS)
                ]
            )
        mine, other, bare, read = np.median(times, axis=0) * 1e3
        ratio = float(np.median(times[:, 1] / times[:, 0]))
        share = float(np.median(times[:, 2] / times[:, 0]))
        rows += [
            Row(
                f"JPEG folder, {size}x{size}, to spectrum",
                f">= {asked:g}x Pillow + pysteps",
                f"{ratio:.1f}x ({mine:.3f} ms an image, of {FILES[size]}; theirs {other:.3f} ms)",
                ratio >= asked,
            ),
            Row(
                "  of it decoding",
                ">= 50 %",
                f"{100 * share:.0f} % ({bare:.3f} ms; opened and read in {read:.3f} ms)",
                share >= 0.5,
            ),
        ]
    return [*rows, two_workers()]


def two_workers() -> Row:
    """The same folder measured with one worker and with two, in processes of their own threads."""
    size, count = 512, 192
    with tempfile.TemporaryDirectory() as name:
        write_folder(Path(name), size, count)
        script = (
            "import time, spectra\n"
            f"source = spectra.open_source({name!r}, channels='grey')\n"
            "def run(n):\n"
            "    start = time.perf_counter()\n"
            "    spectra.analyze(source, bases=(), workers=n)\n"
            "    return time.perf_counter() - start\n"
            "run(2)\n"
            f"print(*[run(1) / run(2) for _ in range({ROUNDS})])\n"
        )
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        run = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, env=environment
        )
    ratio = float(np.median([float(word) for word in run.stdout.split()]))
    return Row(
        f"two workers, JPEG folder, {size}x{size}",
        f">= {WORKERS:g}x one",
        f"{ratio:.2f}x ({os.cpu_count()} cores, load {os.getloadavg()[0]:.1f})",
        ratio >= WORKERS,
    )
