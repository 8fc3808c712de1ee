"""A result is written over an earlier one of its kind, and over nothing else."""

import json
from pathlib import Path

import numpy as np
import pytest

import spectra
from spectra.cli import main
from tests.journeys.test_bad_input import refused

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spectrum, its schedule and a run of one step."""
    path = tmp_path_factory.mktemp("overwriting")
    spectrum = spectra.analyze("digits")
    spectrum.save(path / "spectrum.safetensors")
    made = spectra.derive_schedule(spectrum)
    made.save(path / "schedule.safetensors")
    spectra.train("digits", made, out=path / "run", steps=1, batch=2, device="cpu")
    (path / "notes.txt").write_text("a week of notes")
    (path / "own.json").write_text('{"sigmas": [1, 0]}')
    np.save(path / "digits.npy", np.zeros((2, 1, 8, 8), np.float32))
    return path


SCHEDULE = "schedule {}/spectrum.safetensors --out {}/"
PROBE = "probe {}/run digits --n 2 --out {}/"
EXPORT = "export {}/schedule.safetensors --to k-diffusion --out {}/"


@pytest.mark.parametrize(
    ("words", "target", "told"),
    [
        (SCHEDULE, "spectrum.safetensors", "holds a spectrum"),
        (SCHEDULE, "notes.txt", "no schedule file"),
        (SCHEDULE, "run/schedule.safetensors", "of the run"),
        (SCHEDULE, "run/config.json", "of the run"),
        (PROBE, "schedule.safetensors", "holds a schedule"),
        (PROBE, "run/config.json", "no denoising file"),
        (EXPORT, "schedule.safetensors", "no spectra export"),
        (EXPORT, "run/config.json", "no spectra export"),
        (EXPORT, "own.json", "no spectra export"),
        ("sample {}/run --n 2 --known {}/digits.npy --out {}/", "digits.npy", "--known reads"),
        ("sample {}/run --n 2 --mask {}/digits.npy --out {}/", "digits.png", "--mask reads"),
        ("extend {}/run {}/digits.npy --out {}/", "digits.npy", "the file to extend"),
    ],
)
def test_what_is_something_else_is_kept(capsys, folder, words, target, told) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    words = (words.replace("{}", str(folder)) + target).split()
    message = refused(capsys, *words)
    assert told in message
    assert message.rstrip().endswith("choose another --out")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "words",
    [
        SCHEDULE + "again.safetensors",
        PROBE + "denoising.safetensors",
        EXPORT + "sigmas.json",
        EXPORT.replace("k-diffusion", "flow") + "flow",
        "sample {}/run --n 1 --steps 1 --out {}/samples.png",
    ],
)
def test_an_earlier_result_of_the_kind_is_replaced(capsys, folder, words) -> None:
    words = words.replace("{}", str(folder)).split()
    target = Path(words[words.index("--out") + 1])
    if target.suffix:
        target.touch()  # an empty file, of `touch` or `mktemp`, is in nobody's way
    for _ in range(2):
        assert not main([*words, "--json"])
        assert json.loads(capsys.readouterr().out)
    assert not target.is_file() or target.stat().st_size
