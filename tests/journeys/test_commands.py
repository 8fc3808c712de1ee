"""The README's commands, as a user types them, on real files."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import spectra
from spectra.cli import main
from spectra.diffusion.loop import TrainingState
from spectra.findings import Findings

pytestmark = pytest.mark.slow


def as_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    """What a command prints with --json: exactly one object on stdout."""
    main([*map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


def test_from_photographs_to_scores(capsys, tmp_path: Path) -> None:
    measured = as_json(capsys, "analyze", "photos", "--size", 16, "--out", tmp_path / "m")
    for key in ("kind", "n", "shape", "alpha", "alpha_se", "alpha_interval", "power_law"):
        assert key in measured
    assert measured["skipped"] == []
    assert measured["shape"] == [1, 16, 16]
    assert measured["alpha_interval"][0] < measured["alpha"] < measured["alpha_interval"][1]
    assert 1.5 < measured["alpha"] < 3.5
    spectrum = tmp_path / "m" / "spectrum.safetensors"
    assert "<svg" in (tmp_path / "m" / "report.html").read_text()

    schedule = tmp_path / "schedule.safetensors"
    shown = as_json(capsys, "schedule", spectrum, "--out", schedule, "--show")
    assert not schedule.exists()
    made = as_json(capsys, "schedule", spectrum, "--out", schedule)
    assert made["table"] == shown["table"]
    assert schedule.exists()

    run = tmp_path / "run"
    train = ("train", "photos", "--schedule", schedule, "--out", run, "--batch", 8)
    assert as_json(capsys, *train, "--steps", 3)["step"] == 3
    assert as_json(capsys, *train, "--steps", 5)["step"] == 5  # the same command resumes

    drawn = as_json(capsys, "sample", run, "--n", 5, "--steps", 3, "--out", tmp_path / "x.png")
    assert np.load(drawn["npy"]).shape == (5, 1, 16, 16)
    assert drawn["evaluations"] == 5
    assert Image.open(drawn["png"]).size[0] > 100

    scores = as_json(capsys, "evaluate", run, "photos", "--n", 8, "--steps", 3, "--examples", 16)
    assert scores["held_out"] is True
    assert scores["gaussian_knew_held_out"] is True
    assert json.loads((run / "scores.json").read_text()) == scores
    terms = sum(scores["terms"].values())
    assert scores["bits_per_dim"] == pytest.approx(terms, abs=1e-6)

    for file in (spectrum, schedule, run, drawn["npy"]):
        out = tmp_path / "figures" / Path(file).stem
        figures = as_json(capsys, "plot", file, "--out", out)["figures"]
        assert figures
        assert all(Path(figure).stat().st_size > 1000 for figure in figures)


def test_a_size_that_nobody_asked_for_is_told(capsys, tmp_path: Path) -> None:
    for number, side in enumerate((40, 300, 300, 300)):
        pixels = np.random.default_rng(number).integers(0, 256, (side, side), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    main(["analyze", str(tmp_path), "--out", str(tmp_path / "m")])
    assert "windows of 32x32: nine tenths of the files hold them" in capsys.readouterr().out
    main(["analyze", str(tmp_path), "--size", "32", "--out", str(tmp_path / "m")])
    assert "nine tenths" not in capsys.readouterr().out


def test_other_data_than_the_schedules_are_told_before_the_first_step(
    capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, name in enumerate(("a", "b")):
        values = np.random.default_rng(seed).standard_normal((12, 1, 8, 8)).cumsum(-1)
        np.save(tmp_path / f"{name}.npy", values.astype(np.float32) / 50)
    schedule = tmp_path / "s.safetensors"
    spectrum = spectra.analyze(str(tmp_path / "a.npy"), bases=("dct",))
    spectra.derive_schedule(spectrum).save(schedule)
    given = ("--schedule", schedule, "--steps", 1, "--batch", 2, "--network", "unet:width=8")
    with pytest.warns(UserWarning, match="s.safetensors was measured on other data than") as told:
        made = as_json(capsys, "train", tmp_path / "b.npy", *given, "--out", tmp_path / "r")
    assert len(told) == 1
    assert made["schedule_is_of_this_source"] is False
    own = as_json(capsys, "train", tmp_path / "a.npy", *given, "--out", tmp_path / "own")
    assert own["schedule_is_of_this_source"] is True
    # Of two spectra added, either's source is its own.
    both = spectrum + spectra.analyze(str(tmp_path / "b.npy"), bases=("dct",))
    spectra.derive_schedule(both).save(schedule)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        added = as_json(capsys, "train", tmp_path / "b.npy", *given, "--out", tmp_path / "added")
    assert added["schedule_is_of_this_source"] is True
    spectra.derive_schedule(spectrum).save(schedule)
    # Before the first step: with none to make it is said all the same.
    monkeypatch.setattr(TrainingState, "first", None)
    with pytest.warns(UserWarning, match="other data"), pytest.raises(TypeError):
        main([*map(str, ("train", tmp_path / "b.npy", *given, "--out", tmp_path / "r2"))])


@pytest.mark.parametrize("arguments", [("--help",), ("train", "--help")])
def test_help_exits_0(capsys, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code in (0, None)
    assert "usage: spectra" in capsys.readouterr().out


def test_sample_does_not_depend_on_n(capsys, tmp_path: Path) -> None:
    main(["analyze", "digits", "--out", str(tmp_path)])
    schedule = tmp_path / "s.safetensors"
    main(["schedule", str(tmp_path / "spectrum.safetensors"), "--out", str(schedule)])
    run = tmp_path / "run"
    main(["train", "digits", "--schedule", str(schedule), "--out", str(run), "--steps", "2"])
    capsys.readouterr()
    grids = []
    for n in (3, 6):
        drawn = as_json(capsys, "sample", run, "--n", n, "--steps", 4, "--out", tmp_path / f"{n}")
        grids.append(np.load(drawn["npy"]))
    np.testing.assert_allclose(grids[0], grids[1][:3], atol=1e-4)


def test_stdout_holds_one_object_in_a_process_of_its_own(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "spectra.cli", "analyze", "digits", "--out", tmp_path, "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert json.loads(done.stdout)["n"] == 1797
    assert done.stderr == ""


@pytest.mark.parametrize("command", [["--help"], ["compare", "--help"], ["data", "list"]])
def test_a_reader_that_leaves_a_full_disk_and_no_stdout_at_all(command: list[str]) -> None:
    program = [sys.executable, "-m", "spectra.cli", *command]

    def run(stdout: int | None, how: str = "") -> tuple[int, str]:
        shell = ["sh", "-c", f'exec "$@" {how}', "sh", *program]
        done = subprocess.run(shell, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
        return done.returncode, done.stderr

    reader, gone = os.pipe()
    os.close(reader)
    assert run(gone) == (0, "")
    os.close(gone)
    assert run(None, ">&-") == (0, "")
    if Path("/dev/full").exists():
        status, told = run(None, "> /dev/full")
        assert (status, told.count("\n")) == (2, 1)
        assert told.startswith("spectra: cannot print")


@pytest.mark.parametrize("library", ["tyro", "numpy", "scipy.fft"])
@pytest.mark.parametrize(
    ("raised", "status", "told"),
    [
        ("KeyboardInterrupt", 130, "interrupted"),
        ("ImportError('lib.so: failed to map segment from shared object')", 2, "more memory"),
        ("OSError(12, 'Cannot allocate memory', 'lib.so')", 2, "more memory"),
    ],
)
def test_what_stops_a_command_while_libraries_load_is_told_in_one_line(
    tmp_path: Path, library: str, raised: str, status: int, told: str
) -> None:
    program = f"""
import sys

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == {library!r}:
            raise {raised}

sys.meta_path.insert(0, Stop())
from spectra.cli import main
main(["analyze", "digits", "--out", {str(tmp_path)!r}])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith(f"spectra: {told}")
    assert done.stderr.count("\n") == 1


def test_a_backend_that_matplotlib_lacks_is_of_no_concern(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "spectra.cli", "analyze", "digits", "--out", tmp_path],
        check=True,
        env=os.environ | {"MPLBACKEND": "none"},
    )


def test_a_folder_that_is_gone_is_refused_in_one_line(tmp_path: Path) -> None:
    here = tmp_path / "gone"
    here.mkdir()
    spectrum = tmp_path / "spectrum.safetensors"
    spectra.analyze("digits").save(spectrum)
    program = f"""
import os
os.chdir({str(here)!r})
os.rmdir({str(here)!r})
from spectra.cli import main
main(["schedule", {str(spectrum)!r}, "--out", "s.safetensors"])
"""
    root = os.fspath(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": root},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("spectra: s.safetensors: cannot be written")
    assert done.stderr.count("\n") == 1


def test_interrupt_keeps_what_is_finished_and_exits_130(tmp_path: Path) -> None:
    import signal
    import time

    subprocess.run(
        [sys.executable, "-m", "spectra.cli", "analyze", "digits", "--out", tmp_path], check=True
    )
    schedule = tmp_path / "s.safetensors"
    spectrum = tmp_path / "spectrum.safetensors"
    subprocess.run(
        [sys.executable, "-m", "spectra.cli", "schedule", spectrum, "--out", schedule], check=True
    )
    run = tmp_path / "run"
    arguments = ["train", "digits", "--schedule", schedule, "--out", run, "--steps", "100000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "spectra.cli", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (run / "log.jsonl").exists() or not (run / "log.jsonl").read_text():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr.count("\n") == 1
    assert list(run.glob("checkpoint-*.safetensors"))


def test_wheel_runs_from_another_folder(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path, root],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", wheel, site], check=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "spectra.cli",
            "analyze",
            "photos",
            "--size",
            "32",
            "--out",
            "m",
            "--json",
        ],
        cwd=elsewhere,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["n_files"] == 11
    assert (elsewhere / "m" / "report.html").exists()


def test_sound_has_its_peak_in_hz_and_its_pictures_none() -> None:
    source = spectra.open_source("sounds", view="log-mel")
    spectrum = spectra.analyze(source, bases=())
    numbers = Findings(spectrum, spectra.fit_power_law(spectrum)).numbers()
    assert (numbers["kind"], numbers["peak_hz"]) == ("sound", None)
    spectrum = spectra.analyze(spectra.open_source("sounds", view="waveform"), bases=())
    numbers = Findings(spectrum, spectra.fit_power_law(spectrum)).numbers()
    assert numbers["peak_hz"] > 20


def test_a_frequency_in_the_json_can_be_told_in_the_unit_of_the_text() -> None:
    spectrum = spectra.analyze(spectra.open_source("sounds", view="waveform"), bases=())
    cutoff = spectra.frequency_cutoff(spectrum)
    found = Findings(spectrum, spectra.fit_power_law(spectrum), cutoff=cutoff)
    numbers = found.numbers()
    assert (numbers["unit"], numbers["shown_unit"]) == ("cycles/sample", "Hz")
    rate = spectrum.data["rate"] or 1 / spectrum.spacing[0]
    assert numbers["shown_factor"] == pytest.approx(rate)
    hertz = numbers["f_max"][0]["f_max"] * numbers["shown_factor"]
    assert f"{hertz:,.0f}" in "\n".join(found.lines())
    low, high = (f * numbers["shown_factor"] for f in numbers["fit"]["range"])
    assert low < numbers["peak_hz"] < high
    assert any("Hz" in text for text in numbers["power_law_failings"])
    pictures = spectra.analyze(spectra.open_source("digits"), bases=())
    numbers = Findings(pictures, spectra.fit_power_law(pictures)).numbers()
    told = [numbers[name] for name in ("unit", "shown_unit", "shown_factor")]
    assert told == ["cycles/pixel", "cycles/pixel", 1.0]
