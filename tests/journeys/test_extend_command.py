"""`spectra extend` as a user types it: pictures, sounds, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

import spectra
from spectra.cli import main
from spectra.data.playback import sound_of

pytestmark = pytest.mark.slow

TINY = {"name": "unet", "width": 8, "multipliers": [1, 2]}
OPTIONS = {"steps": 2, "batch": 4, "network": TINY, "known": 0.5, "device": "cpu"}
RATE = 8000
QUICK = ["--steps", "3", "--rule", "log-linear", "--solver", "euler", "--device", "cpu"]


def typed(capsys: Any, *words: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a command."""
    try:
        status = main(list(words))
    except SystemExit as ending:
        status = int(ending.code or 0)
    shown = capsys.readouterr()
    return int(status or 0), shown.out, shown.err


def run_on(source: spectra.Source | str, out: Path, **view: Any) -> Path:
    opened = spectra.open_source(source, **view) if isinstance(source, str) else source
    spectrum = spectra.analyze(opened, bases=("pixel",))
    schedule = spectra.derive_schedule(spectrum, basis="pixel")
    spectra.train(source, schedule, out=out, **OPTIONS)
    return out


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    walk = np.random.default_rng(0).normal(size=(12, 3, 12, 8)).cumsum(-1).cumsum(-2)
    source = spectra.open_source((walk / np.abs(walk).max()).astype(np.float32))
    return run_on(source, tmp_path_factory.mktemp("extend") / "images")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three gliding tones."""
    folder = tmp_path_factory.mktemp("sounds")
    time = np.arange(2 * RATE) / RATE
    for number in range(3):
        tone = 0.3 * np.sin(2 * np.pi * (300 + 200 * number) * time * (1 + 0.2 * time))
        soundfile.write(folder / f"tone{number}.wav", tone, RATE)
    return folder


def test_images_become_wider_and_higher(images: Path, tmp_path: Path, capsys: Any) -> None:
    for axis, shape in (("columns", (3, 12, 20)), ("rows", (3, 30, 8))):
        out = tmp_path / axis / "wide.png"
        words = [str(images), "--out", str(out), "--n", "2", "--times", "2.5", "--axis", axis]
        status, text, error = typed(capsys, "extend", *words, *QUICK, "--json")
        assert status == 0, error
        found = json.loads(text)
        assert found["shape"] == list(shape)
        assert found["trained"] == [3, 12, 8]
        values = np.load(out.with_suffix(".npy"))
        assert values.shape == (2, *shape)
        assert np.isfinite(values).all()
        assert out.is_file()
        assert found["wav"] == []
    again = tmp_path / "again.npy"
    words = [str(images), "--out", str(again), "--n", "2", "--times", "2.5", "--axis", "rows"]
    assert typed(capsys, "extend", *words, *QUICK)[0] == 0
    np.testing.assert_array_equal(np.load(again), values)


def test_given_pictures_are_gone_on_with(images: Path, tmp_path: Path, capsys: Any) -> None:
    given = np.random.default_rng(1).uniform(-1, 1, (4, 3, 12, 8)).astype(np.float32)
    np.save(tmp_path / "given.npy", given)
    for side in ([], ["--reverse"]):
        out = tmp_path / "on.npy"
        words = [str(images), str(tmp_path / "given.npy"), "--out", str(out), "--n", "4"]
        status, _, error = typed(capsys, "extend", *words, "--times", "2", *QUICK, *side)
        assert status == 0, error
        values = np.load(out)
        assert values.shape == (4, 3, 12, 16)
        kept = values[..., 8:] if side else values[..., :8]
        np.testing.assert_array_equal(kept, given)


def test_what_goes_on_is_of_a_class(tmp_path: Path, capsys: Any) -> None:
    rng = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(6):
            pixels = np.clip(level + 4 * rng.normal(size=(8, 8)).cumsum(1), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"set/{name}/{number}.png")
    spectrum = spectra.analyze(str(tmp_path / "set"), bases=("pixel",))
    schedule = spectra.derive_schedule(spectrum, basis="pixel")
    options = {**OPTIONS, "labels": True, "steps": 20}
    run = spectra.train(str(tmp_path / "set"), schedule, out=tmp_path / "run", **options)
    out = tmp_path / "wide.npy"
    words = ["extend", str(tmp_path / "run"), "--out", str(out), "--n", "2", "--times", "2", *QUICK]
    status, _, error = typed(capsys, *words, "--labels", "light,dark", "--guidance", "2")
    assert status == 0, error
    asked = {"n": 2, "times": 2.0, "steps": 3, "rule": "log-linear", "solver": "euler"}
    expected = spectra.extend(run, labels=[1, 0], guidance=2.0, device="cpu", **asked)
    np.testing.assert_array_equal(np.load(out), expected)
    assert not np.array_equal(expected, spectra.extend(run, device="cpu", **asked))
    status, _, error = typed(capsys, *words, "--labels", "grey")
    assert status == 2
    assert "dark, light" in error


@pytest.mark.parametrize("view", ["waveform", "log-mel"])
def test_sound_is_written_to_be_heard(sounds: Path, tmp_path: Path, capsys: Any, view: str) -> None:
    size: Any = 64 if view == "waveform" else (16, 16)
    run = run_on(str(sounds), tmp_path / "run", view=view, size=size, crop="patches")
    out = tmp_path / "long.wav"
    words = [str(run), str(sounds), "--out", str(out), "--n", "2", "--times", "3"]
    status, text, error = typed(capsys, "extend", *words, *QUICK, "--json")
    assert status == 0, error
    found = json.loads(text)
    assert len(found["wav"]) == 2
    assert found["rate"] == RATE
    samples, rate = soundfile.read(found["wav"][0])
    assert rate == RATE
    n_fft = 512  # of 8 kHz
    assert len(samples) == (3 * 64 if view == "waveform" else (3 * 16 - 1) * n_fft // 4)
    values = np.load(out.with_suffix(".npy"))
    if view == "waveform":
        np.testing.assert_allclose(samples, np.clip(values[0, 0], -1, 1), atol=1e-4)
    # The first window is the given one.
    source = spectra.open_source(str(sounds), view=view, size=size, crop="patches")
    np.testing.assert_array_equal(values[..., : values.shape[-1] // 3], source.some(2))


def test_griffin_lim_gives_the_tone_and_its_level_back(sounds: Path) -> None:
    options: dict[str, Any] = {"view": "log-mel", "size": (64, 48), "crop": "patches"}
    image = spectra.open_source(str(sounds), **options).some(1)
    heard = sound_of(image, "log-mel", 64, RATE)[0, 0]
    power = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) ** 2
    peak = np.fft.rfftfreq(len(heard), 1 / RATE)[power.argmax()]
    assert 250 < peak < 480  # from 300 Hz it glides up
    assert np.std(heard) == pytest.approx(0.3 / np.sqrt(2), rel=0.35)
    np.testing.assert_array_equal(heard, sound_of(image, "log-mel", 64, RATE)[0, 0])


def test_one_line_says_what_is_wrong(images: Path, tmp_path: Path, capsys: Any) -> None:
    good = [str(images), "--out", str(tmp_path / "x.png"), *QUICK]
    np.save(tmp_path / "other.npy", np.zeros((4, 3, 16, 16), np.float32))
    cases = [
        [str(tmp_path / "none"), *good[1:]],
        [str(images), "--out", str(tmp_path), *QUICK],
        [*good, "--times", "0.5"],
        [*good, "--overlap", "0"],
        [*good, "--overlap", "nan"],
        [*good, "--n", "0"],
        [*good, "--n", "-1", "--labels", "0"],
        [*good, "--rate", "8000"],
        [*good, "--axis", "depth"],
        [*good, "--rate", "0"],
        [*good, "--schedule", str(tmp_path / "none.safetensors")],
        [str(images), str(tmp_path / "other.npy"), *good[1:]],
    ]
    for words in cases:
        status, text, error = typed(capsys, "extend", *words)
        assert status == 2, words
        assert text == ""
        assert len(error.strip().splitlines()) == 1, error
        assert "Traceback" not in error
