"""Wrong input: exit 2, one line on stderr that names the thing and the mend, no traceback."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import spectra
from spectra.cli import main

pytestmark = pytest.mark.slow


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line with which a command refuses."""
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    assert stop.value.code == 2
    assert printed.out == ""
    assert printed.err.count("\n") == 1, printed.err
    assert printed.err.startswith("spectra: ")
    assert "Traceback" not in printed.err
    return printed.err


@pytest.fixture(scope="module")
def digits_spectrum(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real spectrum file."""
    path = tmp_path_factory.mktemp("digits") / "spectrum.safetensors"
    spectra.analyze("digits").save(path)
    return path


def photograph(side: int = 64, seed: int = 0) -> Image.Image:
    rng = np.random.default_rng(seed)
    smooth = rng.normal(size=(side, side)).cumsum(0).cumsum(1)
    scaled = (smooth - smooth.min()) / np.ptp(smooth) * 255
    return Image.fromarray(scaled.astype(np.uint8))


def jpeg(side: int = 64, seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    photograph(side, seed).save(buffer, "JPEG")
    return buffer.getvalue()


def test_empty_folder(capsys, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    line = refused(capsys, "analyze", tmp_path / "photos", "--out", tmp_path / "out")
    assert str(tmp_path / "photos") in line


def test_folder_of_text_files(capsys, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    for name in ("a.txt", "b.md"):
        (tmp_path / "notes" / name).write_text("no picture")
    assert "notes" in refused(capsys, "analyze", tmp_path / "notes", "--out", tmp_path / "out")


def test_truncated_jpeg_alone(capsys, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(jpeg()[:400])
    line = refused(capsys, "analyze", tmp_path / "broken.jpg", "--out", tmp_path / "out")
    assert "broken.jpg" in line


def test_truncated_jpeg_among_good_ones_is_skipped_and_listed(capsys, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        (folder / f"good{i}.jpg").write_bytes(jpeg(seed=i))
    (folder / "broken.jpg").write_bytes(jpeg()[:400])
    main(["analyze", str(folder), "--out", str(tmp_path / "out"), "--size", "32"])
    printed = capsys.readouterr().out
    assert "skipped 1 file" in printed
    assert "broken.jpg" in printed
    assert "broken.jpg" in (tmp_path / "out" / "report.html").read_text()


def test_one_pixel_image(capsys, tmp_path: Path) -> None:
    (tmp_path / "dots").mkdir()
    Image.new("L", (1, 1)).save(tmp_path / "dots" / "dot.png")
    line = refused(capsys, "analyze", tmp_path / "dots", "--out", tmp_path / "out")
    assert "1x1" in line


def test_nan_array(capsys, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(6, 16, 16))
    values[2, 3, 4] = np.nan
    np.save(tmp_path / "fields.npy", values)
    line = refused(capsys, "analyze", tmp_path / "fields.npy", "--out", tmp_path / "out")
    assert "fields.npy" in line
    assert "NaN" in line


@pytest.mark.parametrize("shape", [(16,), (16, 16), (2, 3, 4, 8, 8)])
def test_array_of_the_wrong_rank(capsys, tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "array.npy", np.zeros(shape))
    line = refused(capsys, "analyze", tmp_path / "array.npy", "--out", tmp_path / "out")
    assert "array.npy" in line
    assert "[N, H, W]" in line


def test_unknown_manifest(capsys, tmp_path: Path) -> None:
    line = refused(capsys, "analyze", "photoz", "--out", tmp_path / "out")
    assert "photoz" in line
    assert "photos" in line


@pytest.mark.parametrize("command", ["analyze", "schedule", "demo"])
def test_output_that_cannot_be_written(
    capsys, tmp_path: Path, digits_spectrum: Path, command: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    out = tmp_path / "file" / "out"
    if command == "demo":
        assert str(out) in refused(capsys, "demo", "--out", out)
        return
    if command == "analyze":
        assert str(out) in refused(capsys, "analyze", "digits", "--out", out)
        return
    line = refused(capsys, "schedule", digits_spectrum, "--out", out / "s.safetensors")
    assert str(out) in line


def test_schedule_of_another_size(capsys, tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.random.default_rng(0).normal(size=(20, 8, 8)))
    np.save(tmp_path / "large.npy", np.random.default_rng(0).normal(size=(20, 16, 16)))
    schedule = tmp_path / "schedule.safetensors"
    small = spectra.analyze(spectra.open_source(tmp_path / "small.npy"))
    spectra.derive_schedule(small).save(schedule)
    run = tmp_path / "run"
    line = refused(capsys, "train", tmp_path / "large.npy", "--schedule", schedule, "--out", run)
    assert "8" in line
    assert "16" in line
    assert "measure these and derive a schedule of their own" in line
    assert not list(run.glob("checkpoint*"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["analyse"], "analyse"),
        ([], "analyze"),
        (["analyze", "digits"], "--out"),
        (["analyze", "digits", "--out", "x", "--sise", "3"], "--sise"),
        (["analyze", "digits", "--out", "x", "--size", "wide"], "--size"),
        (["analyze", "digits", "--out", "x", "--window", "hamming"], "--window"),
        (["schedule", "missing.safetensors"], "missing.safetensors"),
        (["sample", "no-run", "--out", "x.png"], "no-run"),
        (["evaluate", "no-run", "digits"], "no-run"),
        (["plot", "no-file", "--out", "x"], "no-file"),
        (["demo", "--seeds", "1", "--out", "x"], "--seeds"),
    ],
)
def test_wrong_words_on_the_command_line(
    capsys, tmp_path: Path, monkeypatch, arguments: list[str], named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert named in refused(capsys, *arguments)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--ordering-strength", "-1"),
        ("--ordering-strength", "nan"),
        ("--threshold", "0"),
        ("--information-left", "0"),
        ("--information-left", "1e9"),
        ("--g-noise", "-50"),
    ],
)
def test_nonsense_schedule_options(capsys, digits_spectrum: Path, option: str, value: str) -> None:
    line = refused(capsys, "schedule", digits_spectrum, "--show", f"{option}={value}")
    assert option.strip("-").replace("-", "_") in line


def test_a_spectrum_is_not_written_over_by_its_schedule(capsys, digits_spectrum: Path) -> None:
    before = digits_spectrum.read_bytes()
    line = refused(capsys, "schedule", digits_spectrum, "--out", digits_spectrum)
    assert "another --out" in line
    assert digits_spectrum.read_bytes() == before


@pytest.mark.parametrize("workers", [0, -1])
def test_no_workers_are_refused(
    workers: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("analyze", "digits", "--out", tmp_path, "--workers", workers)
    assert f"workers {workers}" in refused(capsys, *given)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["--fit-range", "0.4", "0.1"], "0.4 0.1"),
        (["--fit-range", "0.9", "1.5"], "0.9 1.5"),
        (["--threshold", "0"], "threshold 0"),
        (["--fit", "theil-sen", "--floor", "fit"], "theil-sen"),
        (["--fit", "whittle", "--average", "log"], "whittle"),
        (["--segment", "many"], "many"),
    ],
)
def test_what_no_spectrum_can_mend_is_refused_before_there_is_one(
    capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], names: str
) -> None:
    def measured(*_: object, **__: object) -> None:
        raise AssertionError("measured before it was refused")

    monkeypatch.setattr("spectra.commands.measure", measured)
    assert names in refused(capsys, "analyze", "digits", "--out", tmp_path / "out", *given)


def test_a_name_that_no_file_can_have(capsys, tmp_path: Path) -> None:
    long = tmp_path / ("a" * 300)
    for command in ("analyze", "schedule", "plot", "sample"):
        words = (command, long, "--out", tmp_path / f"{command}.npy")
        assert "File name too long" in refused(capsys, *words)
    line = refused(capsys, "analyze", "~nobody-of-this-name", "--out", tmp_path / "out")
    assert "no such file or folder" in line
