"""`spectra compare`, left alone, stopped by Ctrl-C, and killed: the same command goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from spectra.comparison import load_comparison
from tests.journeys.test_bad_input import refused

pytestmark = pytest.mark.slow

WANTED = (
    *("digits", "--schedules", "derived", "edm", "--steps", "40", "--seeds", "2"),
    *("--samples", "16", "--examples", "16", "--evaluations", "5", "--batch", "8"),
)
PATIENCE = 240  # seconds, on a busy machine


def started(out: Path, *more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "spectra.cli", "compare", *WANTED, "--out", str(out), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        start_new_session=True,  # a group of its own, to which a terminal's Ctrl-C would go
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    said, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, said, errors


def scored(out: Path) -> bool:
    """Whether some of a training is scored, and kept."""
    return any(out.glob("runs/*/scores.json"))


def wait_until_scored(process: "subprocess.Popen[str]", out: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not scored(out):
        assert process.poll() is None, "it ended before any of it was kept"
        assert time.monotonic() < end
        time.sleep(0.005)


def numbers(out: Path) -> dict[str, Any]:
    return json.loads((out / "compare.json").read_text())


def children(process: "subprocess.Popen[str]") -> list[int]:
    return [
        int(pid)
        for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    ]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    out = tmp_path_factory.mktemp("compare") / "out"
    status, said, errors = ended(started(out, "--json"))
    assert status == 0, errors
    return out, said, errors


def test_it_leaves_a_page_and_a_file_and_prints_one_object(undisturbed) -> None:
    out, said, errors = undisturbed
    assert said.count("\n") == 1
    printed = json.loads(said)
    assert printed.pop("report") == str(out / "report.html")
    assert printed == numbers(out)
    found = load_comparison(out / "compare.json")
    assert found.names == ("derived", "edm")
    assert found.seeds == (0, 1)
    page = (out / "report.html").read_text()
    assert "derived" in page
    assert "edm" in page
    assert "4/4" in errors
    assert "Traceback" not in errors


def test_again_it_only_prints(undisturbed) -> None:
    out, _, _ = undisturbed
    before = {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*.json")}
    text = (out / "compare.json").read_text()
    status, said, errors = ended(started(out))
    assert status == 0, errors
    assert (out / "compare.json").read_text() == text
    assert before == {path: path.stat().st_mtime_ns for path in out.glob("runs/*/*.json")}
    for words in ("bits/dim", "heun 5", "derived less edm:", f"wrote {out / 'compare.json'}"):
        assert words in said


@pytest.mark.skipif(os.name != "posix", reason="groups of processes are POSIX's")
def test_stopped_at_any_time_and_the_same_command_ends_the_same(undisturbed, tmp_path) -> None:
    process = started(tmp_path)
    assert process.stderr is not None
    while "trainings of" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.5)  # its processes are importing
    for early in (True, False):
        if not early:
            process = started(tmp_path)
            wait_until_scored(process, tmp_path)
        # As `timeout` and batch systems do, and as a terminal does.
        tell, number = (os.kill, signal.SIGTERM) if early else (os.killpg, signal.SIGINT)
        tell(process.pid, number)
        if not early:  # once more before it has ended what it began
            time.sleep(0.001)
            tell(process.pid, number)
        status, said, errors = ended(process)
        assert (status, said) == (130, "")
        assert errors.endswith("spectra: interrupted; everything finished so far is kept\n")
        assert "Traceback" not in errors
        assert not (tmp_path / "compare.json").exists()
    status, _, errors = ended(started(tmp_path))
    assert status == 0, errors
    assert numbers(tmp_path) == numbers(undisturbed[0])


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="/proc is Linux's")
def test_killed_it_leaves_no_process_behind_and_goes_on(undisturbed, tmp_path) -> None:
    process = started(tmp_path)
    wait_until_scored(process, tmp_path)
    left = children(process)
    assert len(left) > 1
    process.kill()
    again = started(tmp_path)  # while the others save their last steps
    assert ended(process)[0] == -signal.SIGKILL
    end = time.monotonic() + 60
    while any(is_running(pid) for pid in left):
        assert time.monotonic() < end, "processes are left that nobody will end"
        time.sleep(0.05)
    status, _, errors = ended(again)
    assert status == 0, errors
    assert numbers(tmp_path) == numbers(undisturbed[0])


def test_a_second_one_in_the_same_folder_is_refused(undisturbed, tmp_path) -> None:
    first = started(tmp_path)
    wait_until_scored(first, tmp_path)
    first.send_signal(signal.SIGSTOP)  # a slow machine must not let it end meanwhile
    status, said, errors = ended(started(tmp_path))
    first.send_signal(signal.SIGCONT)
    assert (status, said) == (2, "")
    assert "another process works here" in errors
    assert errors.count("\n") == 1
    assert ended(first)[0] == 0
    assert numbers(tmp_path) == numbers(undisturbed[0])


def test_what_is_wrong_is_one_line(capsys, tmp_path) -> None:
    out = ("--out", tmp_path / "out")
    (tmp_path / "file").write_text("")
    for arguments, said in (
        (("digits", "--schedules", "derive", *out), "no schedule 'derive' is known"),
        (("digits", "--schedules", "derived", "derived", *out), "stands there twice"),
        (("digits", "--schedules", "edm:pace=power", *out), "has no pace"),
        (("digits", *out), "--schedules"),
        (("digits", "--schedules", "edm", "--out", tmp_path / "file"), "cannot be written"),
        (("digits", "--schedules", "edm", "--solvers", "rk4", *out), "--solvers"),
        (("digits", "--schedules", "edm", "--evaluations", "0", *out), "evaluations"),
        (("digits", "--schedules", "edm", "--steps", "0", *out), "steps"),
        (("digits", "--schedules", "edm", "--seeds", "0", *out), "seeds"),
        (("digits", "--schedules", "edm", "--held-out", "1", *out), "held_out"),
        (("digits", "--schedules", "edm", "--probe", "2000", *out), "probe"),
        (("digits", "--schedules", "edm", "--learning-rate", "-1", *out), "learning_rate"),
        (("digits", "--schedules", "edm", "--workers", "0", *out), "workers"),
        (("nothing-here", "--schedules", "edm", *out), "nothing-here"),
    ):
        assert said in refused(capsys, "compare", *arguments), arguments
        assert not (tmp_path / "out" / "runs").exists()
