"""Training in several processes: what one does, a clear end where one is lost, exact resume."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectra.data import open_source
from spectra.diffusion import load_run, train
from spectra.diffusion.checkpoint import checkpoint_paths, latest
from spectra.diffusion.run import read_log
from spectra.diffusion.settings import known_options
from spectra.schedule import load_schedule
from spectra.schedule.derive import derive_schedule
from spectra.spectrum import analyze
from tests.diffusion.conftest import TINY, rough_images

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="torchrun on the CPU is POSIX's here"),
]

STEPS, BATCH = 50, 7  # which two processes cannot share evenly
PATIENCE = 150

# A process that kills itself, or is told to stop, once its run has come to some step.
DISTURBED = """
import os, sys, time
from spectra.diffusion import __main__ as commands, loop
from spectra.diffusion.ranks import leave

config, rank, step, number = sys.argv[1], *map(int, sys.argv[2:])
whole = loop.learning_rate_at


def learning_rate_at(at, settings):
    if at == step and int(os.environ["RANK"]) == rank:
        os.kill(os.getpid(), number)
    return whole(at, settings)


def slow_to_say(*arguments, **options):
    try:
        return resumed(*arguments, **options)
    finally:
        if os.environ["RANK"] == "0":
            time.sleep(1)  # the launcher has by now seen the other end


loop.learning_rate_at = learning_rate_at
resumed, commands.resume = commands.resume, slow_to_say
leave(commands.main([config]))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    np.save(folder / "images.npy", rough_images())
    schedule = derive_schedule(analyze(open_source(folder / "images.npy")))
    schedule.save(folder / "schedule.safetensors")
    return folder


def begun(data: Path, out: Path, **options: Any) -> Path:
    """The config.json of a run of no steps yet, to go on to `STEPS`."""
    asked = {"network": TINY, "batch": BATCH, "log_every": 1, "checkpoint_every": 10}
    asked |= {"precision": "float32", "device": "cpu", **options}
    schedule = load_schedule(data / "schedule.safetensors")
    train(data / "images.npy", schedule, out=out, steps=0, **asked)
    file = out / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "steps": STEPS, "threads": 1}))
    return file


def torchrun(*arguments: str | Path, count: int = 2) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(count)]
    command += ["--master-port", "0", "--rdzv-backend", "c10d", "--rdzv-endpoint", "localhost:0"]
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit status, stdout and stderr; one that hangs is killed and fails the test."""
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.terminate()
        output, errors = process.communicate(timeout=60)
        pytest.fail(f"hangs: {errors}")
    return process.returncode, output, errors


def losses(path: Path) -> np.ndarray:
    return np.array([[r["step"], r["loss"], r["grad_norm"]] for r in read_log(path)])


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process."""
    out = tmp_path_factory.mktemp("alone")
    config = begun(data, out)
    done = subprocess.run(
        [sys.executable, "-m", "spectra.diffusion", config],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
        check=True,
        timeout=PATIENCE,
        capture_output=True,
    )
    assert done.stderr == b""
    return out


@pytest.fixture(scope="module")
def together(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of two."""
    out = tmp_path_factory.mktemp("together")
    status, output, errors = ended(torchrun("-m", "spectra.diffusion", begun(data, out)))
    assert (status, output) == (0, f"{out}: {STEPS} steps\n"), errors
    return out


def test_two_processes_give_the_losses_of_one(alone: Path, together: Path) -> None:
    one, two = losses(alone), losses(together)
    assert one.shape == two.shape == (STEPS, 3)
    assert np.abs(one[:, 1] - two[:, 1]).max() < 1e-5
    assert np.abs(one[:, 2] / two[:, 2] - 1).max() < 1e-3
    assert one[-1, 1] < 0.98 * one[0, 1]  # it has learnt: the losses are not all the same
    configs = [json.loads((path / "config.json").read_text()) for path in (alone, together)]
    assert configs[0] == configs[1]
    names = [sorted(p.name for p in path.iterdir()) for path in (alone, together)]
    assert names[0] == names[1]
    assert load_run(together).step == STEPS


def test_what_components_share_is_told_to_all(tmp_path: Path) -> None:
    """The first process alone has the loadings, from the data or from its checkpoint."""
    rng = np.random.default_rng(8)
    images = rng.normal(size=(120, 1, 1, 1)) + 0.3 * rng.normal(size=(120, 1, 8, 8))
    np.save(tmp_path / "images.npy", images)
    spectrum = analyze(open_source(tmp_path / "images.npy"), bases=("pixel",))
    schedule = derive_schedule(spectrum, basis="pixel")
    schedule.save(tmp_path / "schedule.safetensors")
    options = {"condition": "state", "preconditioning": "component", "known": 0.5}
    alone, together = (begun(tmp_path, tmp_path / name, **options) for name in ("one", "two"))
    asked = known_options(json.loads(alone.read_text()))
    train(tmp_path / "images.npy", schedule, out=alone.parent, **asked)
    status, _, errors = ended(torchrun("-m", "spectra.diffusion", together))
    assert status == 0, errors
    found = []
    for config in (alone, together):
        held = latest(config.parent)
        assert held is not None
        assert held.loadings is not None
        found.append((losses(config.parent)[:, 1], held.loadings))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-5)
    np.testing.assert_array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_run_and_it_goes_on_exactly(
    data: Path, together: Path, tmp_path: Path, rank: int
) -> None:
    config = begun(data, tmp_path / "run")
    script = tmp_path / "disturbed.py"
    script.write_text(DISTURBED)
    began = time.monotonic()
    status, _, errors = ended(torchrun(script, config, str(rank), "25", str(int(signal.SIGKILL))))
    assert time.monotonic() - began < 60
    assert status != 0
    lines = [line for line in errors.splitlines() if "another process of this run" in line]
    assert len(lines) == 1
    assert load_run(tmp_path / "run").step == 20
    status, _, errors = ended(torchrun("-m", "spectra.diffusion", config))
    assert status == 0, errors
    bits = [checkpoint_paths(path)[0].read_bytes() for path in (together, tmp_path / "run")]
    assert bits[0] == bits[1]
    assert np.array_equal(losses(together), losses(tmp_path / "run"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_one_process_stops_all_of_them_saved(
    data: Path, together: Path, tmp_path: Path, number: int
) -> None:
    config = begun(data, tmp_path / "run")
    script = tmp_path / "disturbed.py"
    script.write_text(DISTURBED)
    status, _, errors = ended(torchrun(script, config, "1", "23", str(int(number))))
    assert status != 0
    assert errors.count("interrupted; the same command goes on") == 1
    assert "exitcode  : 130" in errors
    assert load_run(tmp_path / "run").step == 24
    status, _, errors = ended(torchrun("-m", "spectra.diffusion", config))
    assert status == 0, errors
    bits = [checkpoint_paths(path)[0].read_bytes() for path in (together, tmp_path / "run")]
    assert bits[0] == bits[1]


def test_ctrl_c_at_the_launcher_saves(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    config = begun(data, out)
    file = json.loads(config.read_text())
    config.write_text(json.dumps({**file, "steps": 100_000, "checkpoint_every": 100_000}))
    process = torchrun("-m", "spectra.diffusion", config)
    wait_until(lambda: len(read_log(out)) > 5, process)
    process.send_signal(signal.SIGINT)
    status, _, errors = ended(process)
    assert status != 0
    assert errors.count("interrupted; the same command goes on") == 1
    step = load_run(out).step
    assert step > 5
    assert len(read_log(out)) == step


def wait_until(there: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"batch": 1}, "batch 1 is too small for 2 processes"),
        ({"source": "/nowhere/images.npy"}, "/nowhere/images.npy"),
    ],
    ids=["batch", "source"],
)
def test_what_is_wrong_is_said_once(
    data: Path, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    options = {"batch": 1} if "batch" in change else {}
    config = begun(data, tmp_path / "run", **options)
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    status, output, errors = ended(torchrun("-m", "spectra.diffusion", config))
    assert status != 0
    assert output == ""
    assert sum(words in line for line in errors.splitlines()) == 1, errors


def test_the_command_says_once_what_it_did(data: Path, tmp_path: Path) -> None:
    arguments = ["train", data / "images.npy", "--schedule", data / "schedule.safetensors"]
    arguments += ["--out", tmp_path / "run", "--steps", "3", "--batch", "5", "--json"]
    status, output, errors = ended(torchrun("-m", "spectra.cli", *arguments, count=3))
    assert status == 0, errors
    assert json.loads(output)["step"] == 3
    assert load_run(tmp_path / "run").step == 3
