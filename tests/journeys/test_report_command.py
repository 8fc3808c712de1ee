"""`spectra report A B` as a user types it: spectra, schedules, runs, and what is none of these."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import spectra
from spectra.cli import main
from spectra.report_commands import _table
from tests.plots.conftest import power_law_images

pytestmark = pytest.mark.slow


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    capsys.readouterr()
    main([*map(str, arguments)])
    return capsys.readouterr().out


def in_page(path: Path) -> dict:
    """The numbers in a page's source."""
    page = path.read_text(encoding="utf-8")
    (text,) = re.findall(r'<script type="application/json" id="spectra-data">(.*?)</script>', page)
    return json.loads(text)["numbers"]


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as stop:
        main(["report", *map(str, arguments)])
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two spectra in folders of their own, two schedules, and two runs that were scored."""
    folder = tmp_path_factory.mktemp("made")
    for name, slope, size in (("steep", 3.0, 24), ("flat", 1.0, 16)):
        images = power_law_images(20, (1, size, size), slope)
        spectra.analyze(images, bases=("dct", "pixel")).save(folder / name / "spectrum.safetensors")
    photos = folder / "photos"
    main(["analyze", "photos", "--size", "16", "--out", str(photos)])
    for name, chosen in (("derived", []), ("copied", ["--preset", "rectified-flow"])):
        schedule = folder / f"{name}.safetensors"
        words = ["schedule", photos / "spectrum.safetensors", "--out", schedule, *chosen]
        main([str(word) for word in words])
        run = folder / f"run-{name}"
        train = ["train", "photos", "--schedule", schedule, "--out", run, "--steps", 3]
        main([str(word) for word in [*train, "--batch", 8]])
        score = ["evaluate", run, "photos", "--n", 8, "--steps", 2, "--examples", 16]
        main([str(word) for word in [*score, "--scores", "none"]])
    return folder


def test_long_names_stand_apart() -> None:
    names = ["a" * 41, "b" * 41]
    head, row = _table(names, [["a power law", "yes", "no"]])
    assert head.split() == names
    assert len(head) == len(row)
    assert head.index("b") == head.rindex("a") + 3


def test_two_data_sets(capsys, made: Path, tmp_path: Path) -> None:
    text = printed(capsys, "report", made / "steep", made / "flat", "--out", tmp_path)
    assert "steep" in text  # both are called "array": their folders tell them apart
    assert "exponents differ by +" in text
    assert ": told apart" in text
    numbers = in_page(tmp_path / "report.html")
    difference = numbers["exponent_difference"]
    fits = [
        spectra.fit_power_law(spectra.load_spectrum(made / name / "spectrum.safetensors"))
        for name in ("steep", "flat")
    ]
    assert difference["mean"] == pytest.approx(fits[0].alpha - fits[1].alpha)
    assert 1.0 < difference["low"] < 2.0 < difference["high"] < 3.0  # exponents of 3 and 1
    assert numbers["a"]["constants"]["edm"]["sigma_data"] > 0
    db, frequency = np.array(numbers["ratio"]["db"]), np.array(numbers["ratio"]["frequency"])
    falls = np.polyfit(np.log2(frequency), db, 1)[0]
    assert falls == pytest.approx(-20 * np.log10(2), rel=0.2)  # 6 dB an octave, for f^-2
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for said in ("Both spectra", "octave by octave", "f_max(t)", "P_mean", "told apart"):
        assert said in page


def test_json_is_one_object_and_the_same_as_in_the_page(capsys, made: Path, tmp_path: Path) -> None:
    file = made / "steep" / "spectrum.safetensors"
    text = printed(capsys, "report", file, made / "photos", "--out", tmp_path, "--json")
    found = json.loads(text)
    assert found["kind"] == "spectrum"
    assert found["names"] == ["array", "photos"]
    assert found["exponent_difference"] == in_page(Path(found["report"]))["exponent_difference"]
    assert found["b"]["f_max"][0]["t"] == 0.01


def test_one_data_set_beside_itself_differs_by_nothing(capsys, made: Path, tmp_path: Path) -> None:
    same = made / "photos"
    found = json.loads(printed(capsys, "report", same, same, "--out", tmp_path, "--json"))
    assert found["names"] == ["photos (first)", "photos (second)"]
    assert found["same_files"] is True
    assert found["exponent_difference"]["mean"] == 0
    assert np.abs(found["ratio"]["db"]).max() == 0
    assert "Both are of the same files" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_names_that_would_break_a_page(capsys, made: Path, tmp_path: Path) -> None:
    names = ["_a, b " + "long" * 30, r"<script>$\x$"]
    for name in names:
        shutil.copytree(made / "run-derived", tmp_path / name)
    out = tmp_path / "out"
    found = json.loads(
        printed(capsys, "report", *(tmp_path / name for name in names), "--out", out, "--json")
    )
    assert len(found["names"][0]) <= 41
    assert found["names"][1] == names[1]
    assert (out / "report.html").read_text(encoding="utf-8").count("</script>") == 1


def test_two_schedules(capsys, made: Path, tmp_path: Path) -> None:
    files = [made / "derived.safetensors", made / "copied.safetensors"]
    text = printed(capsys, "report", *files, "--out", tmp_path)
    assert "f_max(0.50)" in text
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for said in ("Octave by octave", "What was chosen, and why", "sigma_max"):
        assert said in page
    numbers = in_page(tmp_path / "report.html")
    assert numbers["a"]["name"] != numbers["b"]["name"]


def test_two_runs(capsys, made: Path, tmp_path: Path) -> None:
    runs = [made / "run-derived", made / "run-copied"]
    text = printed(capsys, "report", *runs, "--out", tmp_path)
    assert "the schedules differ" in text
    numbers = in_page(tmp_path / "report.html")
    assert numbers["names"] == ["run-derived", "run-copied"]
    assert numbers["same_schedule"] is False
    difference = numbers["bits_per_dim_difference"]
    scores = [json.loads((run / "scores.json").read_text()) for run in runs]
    first, second = (one["bits_per_dim_by_file"] for one in scores)
    assert difference["pairs"] == len(first) >= 2
    wanted = np.mean([first[name] - second[name] for name in first])
    assert difference["mean"] == pytest.approx(wanted)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for said in ("Training", "What differs", "bits/dim", "Octave by octave"):
        assert said in page


def test_a_run_beside_itself_and_one_without_scores(capsys, made: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(made / "run-derived", bare)
    (bare / "scores.json").unlink()
    out = tmp_path / "out"
    text = printed(capsys, "report", made / "run-derived", bare, "--out", out)
    assert "the schedules are the same" in text
    assert "bare was not scored" in (out / "report.html").read_text(encoding="utf-8")
    printed(capsys, "report", bare, bare, "--out", out)
    assert "Neither was scored" in (out / "report.html").read_text(encoding="utf-8")


def test_what_is_wrong_is_said_in_a_line(capsys, made: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "out")
    photos, schedule = made / "photos", made / "derived.safetensors"
    assert "give two of a kind" in refused(capsys, photos, schedule, *out)
    assert "no such file or folder" in refused(capsys, photos, made / "missing", *out)
    assert "holds neither" in refused(capsys, tmp_path, photos, *out)
    (tmp_path / "notes.txt").write_text("no spectrum")
    assert "notes.txt" in refused(capsys, tmp_path / "notes.txt", photos, *out)
    assert "threshold" in refused(capsys, photos, photos, *out, "--threshold", 0)
    assert "--process" in refused(capsys, photos, photos, *out, "--process", "none")
    alone = "of spectra alone, and"
    assert f"--threshold: {alone}" in refused(capsys, schedule, schedule, *out, "--threshold", 1)
    run = made / "run-derived"
    assert f"--process: {alone}" in refused(capsys, run, run, *out, "--process", "ve")
    broken = tmp_path / "broken"
    shutil.copytree(made / "run-derived", broken)
    (broken / "scores.json").write_text("{")
    assert "scores.json" in refused(capsys, broken, made / "run-copied", *out)
    compared = tmp_path / "compared"
    compared.mkdir()
    (compared / "compare.json").write_text("{}")
    assert "a comparison has its own page" in refused(capsys, compared, photos, *out)
    assert not (tmp_path / "out" / "report.html").exists()
