"""`spectra evaluate` as a user types it: scores by name, a table, scores.json."""

import json
from pathlib import Path

import pytest

from spectra.cli import main

pytestmark = pytest.mark.slow

FEW = ("--n", "12", "--steps", "2", "--examples", "8")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A run of two steps on the digits."""
    folder = tmp_path_factory.mktemp("digits")
    main(["analyze", "digits", "--out", str(folder)])
    schedule = folder / "schedule.safetensors"
    main(["schedule", str(folder / "spectrum.safetensors"), "--out", str(schedule)])
    train = ["train", "digits", "--schedule", str(schedule), "--out", str(folder / "run")]
    main([*train, "--steps", "2", "--batch", "8"])
    return folder / "run"


def test_every_score_that_can_be_had(capsys, run: Path) -> None:
    capsys.readouterr()
    both = ("--likelihood", "both", "--ode-examples", "2")
    main(["evaluate", str(run), "digits", *FEW, "--scores", "all", *both])
    text = capsys.readouterr().out
    for said in ("AUC (0.5: not told)", "of real data", "0.25 to 0.5 cycles/pixel", "no copy of"):
        assert said in text
    kept = json.loads((run / "scores.json").read_text())
    assert kept["scores"]["Frechet, pca"]["floor"]["value"] >= 0
    assert kept["ode"]["examples"] == 2
    assert not any("FID" in name for name in kept["scores"])  # that is Inception's alone


def test_numbers_of_the_flow_are_refused_without_it(capsys, run: Path) -> None:
    kept = (run / "scores.json").read_bytes() if (run / "scores.json").exists() else None
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", str(run), "digits", *FEW, "--ode-steps", "4"])
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert "ode_steps" in said.replace("-", "_")
    assert "take likelihood" in said.replace("--", "")
    assert kept == ((run / "scores.json").read_bytes() if kept else None)


def test_levels_change_the_bound(capsys, run: Path) -> None:
    found = []
    for levels in ("2", "3"):
        capsys.readouterr()
        wanted = ("--levels", levels, "--scores", "none", "--json")
        main(["evaluate", str(run), "digits", *FEW, *wanted])
        found.append(json.loads(capsys.readouterr().out)["bits_per_dim"])
    assert found[0] != found[1]


def test_names_are_chosen_and_wrong_ones_refused(capsys, run: Path) -> None:
    capsys.readouterr()
    main(["evaluate", str(run), "digits", *FEW, "--scores", "pca", "patches", "--json"])
    scores = json.loads(capsys.readouterr().out)["scores"]
    assert len(scores) == 3
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", str(run), "digits", *FEW, "--scores", "fid"])
    assert stop.value.code == 2
    assert "inception" in capsys.readouterr().err


def test_a_folder_that_takes_no_scores_is_refused_before_any(capsys, monkeypatch, run) -> None:
    def full(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    def scored(*_: object, **__: object) -> None:
        raise AssertionError("scores were worked out that could not be kept")

    monkeypatch.setattr("os.fsync", full)
    monkeypatch.setattr("spectra.evaluation.evaluate", scored)
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", str(run), "digits", *FEW])
    assert stop.value.code == 2
    assert "Read-only file system); copy the run to a folder" in capsys.readouterr().err
