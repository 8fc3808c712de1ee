"""Five hundred files made to do harm through `spectra analyze`, alone and among good ones."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectra
from spectra.cli import main
from tests.crafted import crafted, plant_traps, png, zeros
from tests.hostile import good_picture, good_sound, mutations, saved, whole_files, zipped
from tests.hostile_run import LONGEST, LONGEST_DRAWN
from tests.repeats import then_slow

ALONE, FOLDERS, BAD, GOOD = 500, 10, 40, 10
MOST_MEMORY = 2 * 2**20  # kilobytes
PICTURES = (".jpg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp")
SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aiff")
ROOT = Path(__file__).parents[2]

Found = dict[str, Any]
Run = Callable[..., Found]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Run `spectra analyze` in another process, without its figures: what became of it."""
    yield from running()


@pytest.fixture(scope="module")
def draw() -> Iterator[Run]:
    """The same with its figures."""
    yield from running("--drawings")


def running(*flags: str) -> Iterator[Run]:
    """A process that takes one command after another."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hostile_run", *flags],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"},
    )

    def give(*arguments: object) -> Found:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps(["analyze", *map(str, arguments), "--json"]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"{arguments}: hung or crashed\n{process.stderr.read()[-3000:]}"
        return json.loads(line)

    yield give
    process.communicate(timeout=20)


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    return whole_files(0)


def settled(found: Found, longest: float = LONGEST) -> Found | None:
    """The numbers of a command that ended as it may, or None where it refused."""
    assert found["status"] in (0, 2), found["error"]
    assert found["seconds"] < longest
    assert found["kilobytes"] < MOST_MEMORY
    # That a moving picture's first frame is taken is told of files that can be read.
    told = [line for line in found["error"].splitlines() if "hold several pictures" not in line]
    if found["status"] == 2:
        assert found["out"] == ""
        assert len(told) == 1, found["error"]
        assert told[0].startswith("spectra: ")
        assert told[0].isprintable()
        return None
    assert told == []
    assert found["out"].count("\n") == 1
    return json.loads(found["out"])


@pytest.mark.slow
def test_each_alone_is_measured_or_refused_in_one_line(
    tmp_path: Path, run: Run, whole: dict[str, bytes]
) -> None:
    files = crafted(0)
    files |= dict(mutations(0, ALONE - len(files), whole))
    assert len(files) == ALONE
    measured = 0
    for number, (name, content) in enumerate(files.items()):
        path = tmp_path / name
        path.write_bytes(content)
        size = [] if number % 3 == 0 else ["--size", "16"]
        found = run(path, "--out", tmp_path / "out", *size)
        measured += settled(found) is not None
        path.unlink()
    assert 30 < measured < ALONE / 2


@pytest.mark.slow
@pytest.mark.parametrize("number", range(FOLDERS))
def test_good_files_among_bad_ones_are_all_counted(
    tmp_path: Path, run: Run, whole: dict[str, bytes], number: int
) -> None:
    """Every file is measured or listed with its reason; a flipped bit may leave a picture."""
    rng = np.random.default_rng(number)
    suffixes, good, view = (
        (PICTURES, good_picture, "pixels") if number % 2 else (SOUNDS, good_sound, "waveform")
    )
    mine = {name: data for name, data in whole.items() if name.endswith(suffixes)}
    made = {name: data for name, data in crafted(number).items() if name.endswith(suffixes)}
    pool = [*mutations(number, 4 * BAD, mine), *made.items()]
    folder = tmp_path / "mixed"
    folder.mkdir()
    for at in rng.permutation(len(pool))[:BAD]:
        (folder / pool[at][0]).write_bytes(pool[at][1])
    names = [f"good{i}{suffixes[1 if view == 'pixels' else 0]}" for i in range(GOOD)]
    for name in names:
        (folder / name).write_bytes(good(rng))
    source = folder
    if number >= FOLDERS - 2:
        source = tmp_path / "mixed.zip"
        source.write_bytes(zipped({path.name: path.read_bytes() for path in folder.iterdir()}))
    flags = ("--view", view, "--max-unreadable", 1, "--workers", 1 + number % 2)
    numbers = settled(run(source, "--out", tmp_path / "out", *flags))
    assert numbers is not None
    skipped = {entry["name"]: entry["reason"] for entry in numbers["skipped"]}
    assert not set(names) & set(skipped)
    assert numbers["n_files"] + len(skipped) == BAD + GOOD
    assert all(reason and reason.isprintable() for reason in skipped.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("wide.npy", (12, 1, 8, 2048)),
        ("tall.npy", (6, 3, 1100, 8)),
        ("one column.npy", (6, 1, 1024, 1)),
        ("tiny.npy", (2, 1, 2, 2)),
        ("$\\frac$ ^_.npy", (6, 1, 16, 16)),
        ("_.npy", (6, 1, 64)),
        ("constant along an axis.npy", (6, 1, 16, 1)),
    ],
)
def test_odd_shapes_and_names_are_drawn_or_refused(
    tmp_path: Path, draw: Run, name: str, shape: tuple[int, ...]
) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    if "constant" in name:
        values = np.broadcast_to(values, (*shape[:-1], 16))
    np.save(tmp_path / name, values)
    flags = ("--view", "series") if len(shape) == 3 else ("--window", "none")
    numbers = settled(draw(tmp_path / name, "--out", tmp_path / "out", *flags), LONGEST_DRAWN)
    if min(shape[2:]) >= 8:
        assert numbers is not None


@pytest.mark.slow
def test_traps_in_a_folder(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "$\\frac$ 图\n"
    folder.mkdir()
    made = plant_traps(folder, good_picture(np.random.default_rng(0)))
    numbers = settled(run(folder, "--out", tmp_path / "out"))
    assert numbers is not None
    assert numbers["n_files"] == len(made)
    assert "itself.png" in {entry["name"] for entry in numbers["skipped"]}
    shutil.rmtree(folder)


@pytest.mark.slow
def test_pictures_of_many_pixels_do_not_fill_the_memory(tmp_path: Path, run: Run) -> None:
    """Two of 128 million pixels in 124 kB each, and an array that is packed as well."""
    bomb = png(8000, 16000, zeros(8000 * 16001))
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(bomb)
    line = run(tmp_path, "--out", tmp_path / "out")
    assert settled(line) is None
    assert "blank" in line["error"]
    (tmp_path / "packed.npz").write_bytes(
        saved(np.savez_compressed, np.zeros((2, 8000, 8000), np.uint8))
    )
    line = run(tmp_path / "packed.npz", "--out", tmp_path / "out")
    assert settled(line) is None
    assert "--size" in line["error"]


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line with which `spectra analyze` refuses; a warning would raise."""
    with pytest.raises(SystemExit) as stop:
        main(["analyze", *map(str, arguments)])
    printed = capsys.readouterr()
    assert stop.value.code == 2
    assert printed.out == ""
    assert printed.err[:-1].isprintable()
    assert printed.err.startswith("spectra: ")
    return printed.err


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("values", "flags", "named"),
    [
        (np.full((4, 16, 16), 1e300), (), "not finite"),
        (np.full((4, 16, 16), 3e38, np.float32), (), "too large"),
        (np.full((4, 16, 16), 0.5), (), "blank"),
        (np.full((4, 16, 16), 1e308), ("--value-range", "0", "1"), "value_range"),
    ],
)
def test_values_that_no_spectrum_holds(
    capsys, tmp_path: Path, values: np.ndarray, flags: tuple[str, ...], named: str
) -> None:
    np.save(tmp_path / "array.npy", values)
    line = refused(capsys, tmp_path / "array.npy", "--out", tmp_path / "out", *flags)
    assert named in line


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "name", then_slow(["deep.toml"], ["shape6.npy", "nul.toml", "beyond.safetensors"])
)
def test_headers_that_state_what_cannot_be(capsys, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(crafted(0)[name])
    assert name in refused(capsys, tmp_path / name, "--out", tmp_path / "out")


def test_a_name_with_a_line_break_stays_on_one_line(capsys, tmp_path: Path) -> None:
    line = refused(capsys, tmp_path / "no\nfile \x1b[31m", "--out", tmp_path / "out")
    assert "no\\nfile \\x1b[31m" in line


def started(folder: Path, *flags: str, **environment: str) -> subprocess.Popen[str]:
    """`spectra analyze` as a user starts it."""
    return subprocess.Popen(
        [sys.executable, "-m", "spectra.cli", "analyze", str(folder), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )


@pytest.mark.slow
def test_decoders_do_not_write_to_the_terminal(tmp_path: Path, whole: dict[str, bytes]) -> None:
    """libtiff and libmpg123 write to C's stderr what is wrong with a file."""
    for name, view in (("tiff_lzw.tiff", "pixels"), ("layer3.mp3", "waveform")):
        data = bytearray(whole[name])
        middle = len(data) // 2
        data[middle : middle + 100] = bytes(100)
        (tmp_path / name).write_bytes(data)
        flags = ("--view", view, "--size", "16" if view == "pixels" else "8192")
        process = started(tmp_path / name, "--out", str(tmp_path / "out"), *flags)
        out, error = process.communicate(timeout=60)
        assert (process.returncode, out) == (2, "")
        assert error.startswith("spectra: ")
        assert error.count("\n") == 1


@pytest.mark.slow
def test_names_on_a_terminal_of_ascii_only(tmp_path: Path) -> None:
    folder = tmp_path / "söüß 图"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(3):
        (folder / f"图{i}.png").write_bytes(good_picture(rng))
    (folder / "图.png").write_bytes(b"")
    process = started(folder, "--out", str(tmp_path / "out"), PYTHONIOENCODING="ascii")
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert error == ""
    assert "\\u56fe.png: is empty" in out


@pytest.mark.slow
def test_stopped_while_the_headers_are_read(tmp_path: Path) -> None:
    content = good_picture(np.random.default_rng(0))
    (tmp_path / "original").write_bytes(content)
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(30_000):
        (folder / f"{i}.png").hardlink_to(tmp_path / "original")
    process = started(folder, "--out", str(tmp_path / "out"))
    time.sleep(2.0)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=20)
    assert process.returncode == 130, error
    assert out == ""
    assert error == "spectra: interrupted; everything finished so far is kept\n"


@pytest.mark.slow
def test_json_is_one_object_for_every_kind_of_source(
    tmp_path: Path, run: Run, whole: dict[str, bytes]
) -> None:
    rng = np.random.default_rng(0)
    for name in ("good", "noise"):
        (tmp_path / name).mkdir()
    for i in range(3):
        (tmp_path / "good" / f"{i}.png").write_bytes(good_picture(rng))
        (tmp_path / "noise" / f"{i}.wav").write_bytes(good_sound(rng))
    names = ["float.npy", "colour.npy", "plain.npz", "float.safetensors", "bfloat.safetensors"]
    names += ["bytes.idx", "packed-idx3-ubyte.gz", "pictures.zip", "stored.zip", "manifest.toml"]
    for name in names:
        (tmp_path / name).write_bytes(whole[name])
    for name in [tmp_path / name for name in ["good", "noise", *names]] + ["digits", "photos"]:
        numbers = settled(run(name, "--out", tmp_path / "out"))
        assert numbers is not None, name
        assert numbers["n"] > 1


@pytest.mark.parametrize("change", ["deleted", "of another size", "cut short"])
def test_a_folder_that_changes_while_it_is_read(tmp_path: Path, change: str) -> None:
    rng = np.random.default_rng(0)
    for i in range(6):
        (tmp_path / f"{i}.png").write_bytes(good_picture(rng))
    source = spectra.open_source(tmp_path)
    assert source.fingerprint
    path = tmp_path / "3.png"
    content = path.read_bytes()
    path.unlink()
    if change == "of another size":
        path.write_bytes(png(40, 24, zlib.compress(bytes(40 * 25))))
    elif change == "cut short":
        path.write_bytes(content[: len(content) // 2])
    spectrum = spectra.analyze(source)
    assert (spectrum.n_files, [name for name, _ in spectrum.skipped]) == (5, ["3.png"])


@pytest.mark.slow
def test_a_full_disk(tmp_path: Path) -> None:
    """A file may not grow beyond a kilobyte."""
    limited = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1024, 1024)); "
    code = limited + "from spectra.cli import main; main(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", code, "analyze", "digits", "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "cannot be written" in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
