"""`spectra export` as a user types it."""

import json
from pathlib import Path
from typing import Any

import pytest

import spectra
from spectra.cli import main
from tests.schedule.known import known_spectrum, power_law

pytestmark = pytest.mark.slow


@pytest.fixture
def schedule(tmp_path: Path) -> Path:
    path = tmp_path / "schedule.safetensors"
    spectra.derive_schedule(known_spectrum(power_law(2.0))).save(path)
    return path


def typed(capsys: Any, *words: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command."""
    try:
        status = main(list(words))
    except SystemExit as ending:
        status = int(ending.code or 0)
    shown = capsys.readouterr()
    return int(status or 0), shown.out, shown.err


@pytest.mark.parametrize(
    ("to", "name"),
    [
        ("diffusers", "scheduler_config.json"),
        ("k-diffusion", ""),
        ("edm", ""),
        ("flow", "flow.json"),
        ("kohya", ""),
    ],
)
def test_every_target(to: str, name: str, schedule: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    steps = () if to == "kohya" else ("--steps", "3")
    status, text, _ = typed(
        capsys, "export", str(schedule), "--to", to, "--out", str(out), *steps, "--json"
    )
    assert status == 0
    assert json.loads(text)["target"] == to
    assert (out / name if name else out).is_file()
    status, text, _ = typed(capsys, "export", str(schedule), "--to", to, "--out", str(out))
    assert status == 0
    assert "wrote" in text


@pytest.mark.parametrize(
    ("to", "options", "told"),
    [
        ("kohya", "--steps 3 --solver heun", "steps, solver; it takes no option"),
        ("kohya", "--noise component", "noise"),
        ("kohya", "--prediction-type epsilon", "prediction_type"),
        ("edm", "--solver heun --noise scalar", "noise, solver; it takes steps"),
        ("k-diffusion", "--prediction-type sample", "prediction_type; it takes steps, solver"),
        ("flow", "--noise component", "noise; it takes steps, solver"),
        ("diffusers", "--noise component --steps 7", "steps 7"),
        ("diffusers", "--noise scalar --solver heun", "give steps too"),
    ],
)
def test_an_option_without_effect_is_refused(
    to: str, options: str, told: str, schedule: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "out"
    words = ["--to", to, "--out", str(out), *options.split()]
    status, text, error = typed(capsys, "export", str(schedule), *words)
    assert (status, text) == (2, "")
    assert told in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()


def test_what_is_wrong_is_one_line(schedule: Path, tmp_path: Path, capsys: Any) -> None:
    for words in (
        [str(tmp_path / "none.safetensors"), "--to", "edm", "--out", str(tmp_path / "x")],
        [str(schedule), "--to", "edm", "--out", str(tmp_path)],
        [str(schedule), "--to", "edm", "--out", str(schedule)],
        [str(schedule), "--to", "edm", "--out", str(tmp_path / "x"), "--steps", "0"],
        [str(schedule), "--to", "flow", "--out", str(tmp_path / "x"), "--steps", "0"],
        [str(schedule), "--to", "flow", "--out", str(tmp_path / "x"), "--steps", "-2"],
    ):
        status, text, error = typed(capsys, "export", *words)
        assert status == 2, words
        assert text == ""
        assert len(error.strip().splitlines()) == 1
        assert "Traceback" not in error
