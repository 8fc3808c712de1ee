"""Samples around known parts, along other schedules and of classes, as a user asks for them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import spectra
from spectra.cli import main

pytestmark = pytest.mark.slow


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    """What a command prints with --json."""
    main([*map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that a command ends with."""
    with pytest.raises(SystemExit) as stop:
        main([*map(str, arguments)])
    assert stop.value.code == 2
    line = capsys.readouterr().err.strip()
    assert "\n" not in line
    return line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of two classes, a schedule for places and a run trained with known parts."""
    folder = tmp_path_factory.mktemp("classes")
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (folder / "set" / name).mkdir(parents=True)
        for number in range(12):
            walk = rng.normal(size=(16, 16)).cumsum(0).cumsum(1)
            pixels = np.clip(level + 4 * walk, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "set" / name / f"{number}.png")
    spectrum = spectra.analyze(str(folder / "set"), bases=("pixel", "dct"))
    for basis, a in (("pixel", 1.0), ("pixel", 0.5), ("dct", 1.0)):
        schedule = spectra.derive_schedule(spectrum, basis=basis, ordering_strength=a)
        schedule.save(folder / f"{basis}-{a}.safetensors")
    small = {"name": "unet", "width": 8, "multipliers": [1, 2]}
    schedules = [spectra.load_schedule(folder / f"pixel-{a}.safetensors") for a in (1.0, 0.5)]
    options = {"steps": 20, "batch": 8, "network": small, "labels": True, "known": 0.5}
    spectra.train(str(folder / "set"), schedules, out=folder / "run", **options)
    return folder


def test_filling_in_keeps_the_known_half(capsys, folder: Path, tmp_path: Path) -> None:
    options = ("--n", 6, "--steps", 3, "--known", folder / "set", "--out", tmp_path / "x.png")
    drawn = told(capsys, "sample", folder / "run", *options, "--mask", "left:0.5")
    known = spectra.open_source(str(folder / "set")).examples(np.arange(6))
    found = np.load(drawn["npy"])
    np.testing.assert_allclose(found[..., :8], known[..., :8], atol=1e-6)
    assert np.abs(found[..., 8:] - known[..., 8:]).max() > 0.01
    mask = np.zeros((16, 16), np.uint8)
    mask[4:, :] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    drawn = told(capsys, "sample", folder / "run", *options, "--mask", tmp_path / "mask.png")
    np.testing.assert_allclose(np.load(drawn["npy"])[..., 4:, :], known[..., 4:, :], atol=1e-6)


def test_classes_and_another_path(capsys, folder: Path, tmp_path: Path) -> None:
    options = ("sample", folder / "run", "--n", 4, "--steps", 3, "--out", tmp_path / "x")
    plain = np.load(told(capsys, *options)["npy"])
    dark = np.load(told(capsys, *options, "--labels", "dark")["npy"])
    both = np.load(told(capsys, *options, "--labels", "dark,light")["npy"])
    np.testing.assert_array_equal(both[0], dark[0])
    assert not np.array_equal(both[1], dark[1])
    assert not np.array_equal(plain, dark)
    strong = np.load(told(capsys, *options, "--labels", "dark", "--guidance", 3)["npy"])
    assert not np.array_equal(strong, dark)
    other = folder / "pixel-0.5.safetensors"
    assert not np.array_equal(np.load(told(capsys, *options, "--schedule", other)["npy"]), plain)
    scores = ("evaluate", folder / "run", folder / "set", "--n", 4, "--steps", 2, "--examples", 4)
    own = told(capsys, *scores)["bits_per_dim"]
    along = told(capsys, *scores, "--schedule", other)["bits_per_dim"]
    assert np.isfinite([own, along]).all()
    assert own != along


BAD = [
    (("--mask", "left:0.5"), "known"),
    (("--known", "{set}", "--mask", "left:2"), "left:0.5"),
    (("--known", "{set}", "--mask", "nowhere.png"), "no such file"),
    (("--known", "{set}", "--known-below", "0.1"), "no frequency"),
    (("--known", "{set}"), "which part"),
    (("--known", "{set}", "--mask", "left:0.01"), "keeps none of 16"),
    (("--known", "{set}", "--mask", "top:0.99"), "keeps all of 16"),
    (("--known", "{set}", "--mask", "{words}"), "numbers above 0"),
    (("--known", "{set}", "--mask", "{nan}"), "numbers above 0"),
    (("--labels", "grey"), "dark, light"),
    (("--labels", "dark", "--n=-1"), "n -1: a finite number of at least 1"),
    (("--known", "{set}", "--mask", "left:0.5", "--n=-1"), "n -1: a finite number"),
    (("--labels", "9" * 30), "no class"),
    (("--guidance", "3"), "give labels too"),
    (("--labels", "7"), "classes 0 to 1"),
    (("--schedule", "{dct}"), "basis"),
]


@pytest.mark.parametrize(("flags", "word"), BAD)
def test_wrong_conditions_are_one_line(capsys, folder: Path, tmp_path: Path, flags, word) -> None:
    places = {"set": folder / "set", "dct": folder / "dct-1.0.safetensors"}
    places |= {name: tmp_path / f"{name}.npy" for name in ("words", "nan")}
    np.save(places["words"], np.array([["a"]]))
    np.save(places["nan"], np.full((8, 8), np.nan))
    given = [flag.format(**places) for flag in flags]
    out = ("--n", 2, "--steps", 2, "--out", tmp_path / "x")
    assert word in refused(capsys, "sample", folder / "run", *out, *given)


def test_series_from_sound_to_samples(capsys, tmp_path: Path) -> None:
    """Waveforms: one dimension all the way, drawn as curves."""
    view = ("--view", "waveform", "--size", 64)
    told(capsys, "analyze", "sounds", *view, "--out", tmp_path / "m")
    schedule = tmp_path / "s.safetensors"
    told(capsys, "schedule", tmp_path / "m" / "spectrum.safetensors", "--out", schedule)
    run = tmp_path / "run"
    told(capsys, "train", "sounds", "--schedule", schedule, "--out", run, "--steps", 4)
    drawn = told(capsys, "sample", run, "--n", 3, "--steps", 3, "--out", tmp_path / "x")
    assert np.load(drawn["npy"]).shape == (3, 1, 64)
    with Image.open(drawn["png"]) as picture:
        assert min(picture.size) > 200
    assert told(capsys, "plot", drawn["npy"], "--out", tmp_path / "p")["figures"]
    scores = told(capsys, "evaluate", run, "sounds", "--n", 4, "--steps", 2, "--examples", 4)
    assert np.isfinite(scores["bits_per_dim"])
