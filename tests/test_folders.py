"""One process in an output folder at a time, and nothing left behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spectra.errors import InputError
from spectra.folders import sole_user

HOLDS = """
import sys, time
from pathlib import Path
from spectra.folders import sole_user
with sole_user(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""
TAKES_TURNS = """
import sys
from pathlib import Path
from spectra.errors import InputError
from spectra.folders import sole_user
folder, turns = Path(sys.argv[1]), 0
while turns < 300:
    try:
        with sole_user(folder):
            count = folder / "count"
            count.write_text(str(int(count.read_text()) + 1))
            turns += 1
    except InputError:
        pass
"""


def enter(folder: Path, *mend: str) -> None:
    with sole_user(folder, *mend):
        pass


def test_the_lock_goes_with_its_holder(tmp_path: Path) -> None:
    with sole_user(tmp_path / "new"), pytest.raises(InputError, match="another process works here"):
        enter(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="no locks here")
def test_a_killed_process_keeps_no_one_out(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match="wait for it, or set it elsewhere"):
        enter(tmp_path, "set it elsewhere")
    holder.kill()
    holder.communicate()
    enter(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="no locks here")
def test_two_are_never_in_it_though_the_lock_is_removed_between(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    processes = [
        subprocess.Popen([sys.executable, "-c", TAKES_TURNS, str(tmp_path)]) for _ in range(3)
    ]
    end = time.monotonic() + 60
    assert [process.wait(timeout=max(end - time.monotonic(), 1)) for process in processes] == [
        0
    ] * 3
    assert (tmp_path / "count").read_text() == "900"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/out: cannot be written .*choose another --out"):
        enter(tmp_path / "file/out")
