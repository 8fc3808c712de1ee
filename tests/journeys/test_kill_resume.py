"""Training killed three times, once inside a checkpoint write, ends as if undisturbed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from spectra.data import open_source
from spectra.diffusion.checkpoint import checkpoint_paths
from spectra.diffusion.run import read_log
from spectra.schedule import derive_schedule
from spectra.spectrum import analyze
from tests.diffusion.test_resume import CLOCK

STEPS, EVERY = 600, 40

TRAIN = f"""
import os, signal, sys
from pathlib import Path
from spectra.diffusion.train import train
from spectra.schedule import load_schedule

folder, out, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def die(record):
    if record["step"] == last:
        os.kill(os.getpid(), signal.SIGKILL)


run = train(
    folder / "images.npy",
    load_schedule(folder / "schedule.safetensors"),
    out=out,
    steps={STEPS},
    batch=4,
    network={{"name": "unet", "width": 8, "multipliers": [1, 2]}},
    checkpoint_every={EVERY},
    log_every=5,
    on_record=die,
)
print(run.step)
"""

# The same training, in a process that dies inside its second checkpoint write, half of it done.
DIES_WRITING = (
    """
import os, signal
import spectra.files

written = []


def write_half(path, payload):
    if "checkpoint" not in path.name:
        return whole(path, payload)
    written.append(path)
    if len(written) < 2:
        return whole(path, payload)
    with open(path.with_name(f".{path.name}.{os.getpid()}.part"), "wb") as file:
        file.write(payload[: len(payload) // 2])
        file.flush()
        os.fsync(file.fileno())
    os.kill(os.getpid(), signal.SIGKILL)


whole, spectra.files.write_atomically = spectra.files.write_atomically, write_half
"""
    + TRAIN
)


def start(code: str, folder: Path, out: Path, last: int = 0) -> subprocess.Popen[str]:
    """Train in a process of its own, which kills itself after the record of step `last`."""
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder), str(out), str(last)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        },
    )


def dies(process: subprocess.Popen[str]) -> None:
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGKILL, errors


def newest(out: Path) -> int:
    """The step of the newest checkpoint, 0 where there is none."""
    return next((int(path.stem.split("-")[1]) for path in checkpoint_paths(out)), 0)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX's")
def test_killed_three_times_the_last_bits_are_those_of_an_undisturbed_run(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    walk = rng.normal(size=(40, 1, 8, 8)).cumsum(axis=2).cumsum(axis=3)
    np.save(tmp_path / "images.npy", np.clip(128 + 12 * walk, 0, 255).astype(np.uint8))
    schedule = derive_schedule(analyze(open_source(tmp_path / "images.npy")))
    schedule.save(tmp_path / "schedule.safetensors")
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    undisturbed = start(TRAIN, tmp_path, calm)

    process = start(TRAIN, tmp_path, killed)  # killed from outside, wherever it is
    deadline = time.monotonic() + 60
    while len(read_log(killed)) < 3 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    dies(process)

    before = newest(killed)
    assert before + 4 * EVERY < STEPS
    dies(start(DIES_WRITING, tmp_path, killed))
    assert newest(killed) == before + EVERY
    (part,) = killed.glob(".checkpoint-*.part")
    assert part.name.startswith(f".checkpoint-{before + 2 * EVERY:08d}.safetensors.")
    assert 0 < part.stat().st_size < checkpoint_paths(killed)[0].stat().st_size

    dies(start(TRAIN, tmp_path, killed, last=before + 3 * EVERY + 25))  # between two checkpoints
    assert newest(killed) == before + 3 * EVERY

    last = start(TRAIN, tmp_path, killed)
    for process in (undisturbed, last):
        output, errors = process.communicate()
        assert (process.returncode, output, errors) == (0, f"{STEPS}\n", "")
    finals = [checkpoint_paths(out)[0] for out in (calm, killed)]
    assert [path.name for path in finals] == [f"checkpoint-{STEPS:08d}.safetensors"] * 2
    assert finals[0].read_bytes() == finals[1].read_bytes()
    assert list(killed.glob(".*.part")) == []
    logs = [
        [{k: v for k, v in r.items() if k not in CLOCK} for r in read_log(o)]
        for o in (calm, killed)
    ]
    assert logs[0] == logs[1]
    configs = [json.loads((out / "config.json").read_text()) for out in (calm, killed)]
    assert configs[0] == configs[1]
