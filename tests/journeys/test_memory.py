"""Peak memory of an analysis: the same for ten times the files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

FEW, MANY, SIZE = 500, 5000, 256
MORE = 1.05  # times the peak of the few that the many may have
PROGRAM = """
import resource, sys, spectra
spectrum = spectra.analyze(sys.argv[1], bases=("dct", "pixel"), workers=2)
print(spectrum.n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(folder: Path) -> tuple[int, int]:
    """Examples measured, and the peak resident memory of the process."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
        timeout=120,
    )
    n, kilobytes = map(int, done.stdout.split())
    return n, kilobytes


def test_five_thousand_pictures_take_no_more_than_five_hundred(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    originals = tmp_path / "originals"
    originals.mkdir()
    for number in range(50):
        blobs = Image.fromarray(rng.integers(0, 256, (SIZE // 8, SIZE // 8), np.uint8))
        blobs.resize((SIZE, SIZE)).save(originals / f"{number}.jpg", quality=80)
    peaks = []
    for count in (FEW, MANY):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"{number:05d}.jpg").hardlink_to(originals / f"{number % 50}.jpg")
        n, kilobytes = peak(folder)
        assert n == count
        peaks.append(kilobytes)
    assert peaks[1] < MORE * peaks[0]
