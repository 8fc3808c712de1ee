"""`spectra analyze`, stopped by Ctrl-C and killed outright: the same command goes on."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

pytestmark = pytest.mark.slow

PICTURES, SIZE = 1200, 64
# Small parts, each kept at once, so that there is something to go on from.
PROGRAM = """
import sys
from spectra.spectrum import parts, progress
parts.PART_BYTES, parts.LEAST_PART, progress.EVERY = 4 * 64 * 64 * 20, 5, 0.0
from spectra.cli import main
main(sys.argv[1:])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(PICTURES):
        pixels = rng.integers(0, 256, (SIZE, SIZE), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.png", compress_level=1)
    return folder


@pytest.fixture(scope="module")
def few(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    few = tmp_path_factory.mktemp("few")
    for path in sorted(folder.iterdir())[:200]:
        (few / path.name).symlink_to(path)
    return few


def started(folder: Path, out: Path) -> "subprocess.Popen[str]":
    given = ["analyze", str(folder), "--out", str(out), "--workers", "1"]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *given],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def stopped(folder: Path, out: Path, how: int) -> tuple[int, str]:
    """Start an analysis, stop it once some of it is kept; its status and what it said."""
    process = started(folder, out)
    end = time.monotonic() + 60
    while not (out / "progress.safetensors").exists():
        assert process.poll() is None, "the analysis ended before any of it was kept"
        assert time.monotonic() < end
        time.sleep(0.002)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    return process.returncode, said


def finished(folder: Path, out: Path) -> dict[str, Any]:
    process = started(folder, out)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said
    assert not (out / "progress.safetensors").exists()
    return load_file(out / "spectrum.safetensors")


def test_stopped_twice_and_undisturbed_are_the_same(folder: Path, tmp_path: Path) -> None:
    undisturbed = finished(folder, tmp_path / "a")
    stops = {"b": signal.SIGINT, "t": signal.SIGTERM}
    for out, number in stops.items():
        status, said = stopped(folder, tmp_path / out, number)
        assert status == 130
        assert said.strip() == "spectra: interrupted; everything finished so far is kept"
        assert (tmp_path / out / "progress.safetensors").exists()
        assert not (tmp_path / out / "spectrum.safetensors").exists()
    resumed = [finished(folder, tmp_path / out) for out in stops]

    status, _ = stopped(folder, tmp_path / "c", signal.SIGKILL)
    assert status == -signal.SIGKILL
    killed = finished(folder, tmp_path / "c")
    for other in (*resumed, killed):
        assert other.keys() == undisturbed.keys()
        for name, table in undisturbed.items():
            assert other[name].tobytes() == table.tobytes(), name


def left(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir())


def test_what_a_kill_inside_a_write_leaves_is_gone_after_the_next(
    few: Path, tmp_path: Path
) -> None:
    process = started(few, tmp_path)
    end = time.monotonic() + 60
    while not any(name.endswith(".part") for name in left(tmp_path)):
        assert process.poll() is None, "the analysis ended before a write was seen"
        assert time.monotonic() < end
    process.kill()
    process.communicate()
    # The write may have ended before the signal: one that did not, of a process long gone.
    (tmp_path / ".spectrum.safetensors.4194305.1.part").write_bytes(b"half")
    (tmp_path / ".notes.part").write_bytes(b"a user's own")
    finished(few, tmp_path)
    assert left(tmp_path) == [".notes.part", "report.html", "spectrum.safetensors"]


def test_a_second_analysis_in_the_folder_is_refused(few: Path, tmp_path: Path) -> None:
    """Of two at once, the page would be of the one and the spectrum of the other."""
    first = started(few, tmp_path)
    while not (tmp_path / "progress.safetensors").exists():
        assert first.poll() is None, "the analysis ended before any of it was kept"
        time.sleep(0.002)
    first.send_signal(signal.SIGSTOP)  # at work still, however fast the machine
    second = started(few, tmp_path)
    _, said = second.communicate(timeout=120)
    assert second.returncode == 2
    assert said == (
        f"spectra: {tmp_path}: another process works here; wait for it, or choose another --out\n"
    )
    first.send_signal(signal.SIGCONT)
    _, said = first.communicate(timeout=120)
    assert first.returncode == 0, said
    assert left(tmp_path) == ["report.html", "spectrum.safetensors"]
