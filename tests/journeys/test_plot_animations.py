"""`spectra plot FILE --animate FORMAT`, as a user types it."""

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spectra.cli import main
from tests.journeys.test_commands import as_json

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("digits")
    main(["analyze", "digits", "--out", str(folder)])
    main(["schedule", str(folder / "spectrum.safetensors"), "--out", str(folder / "s.safetensors")])
    return folder


@pytest.mark.parametrize(("name", "suffix"), [("spectrum", "html"), ("s", "gif")])
def test_a_spectrum_and_a_schedule_have_their_tide(capsys, tmp_path, measured, name, suffix):
    file = measured / f"{name}.safetensors"
    told = as_json(capsys, "plot", file, "--out", tmp_path, "--animate", suffix)
    assert told["animations"] == [str(tmp_path / f"tide.{suffix}")]
    assert told["figures"]
    assert Path(told["report"]).is_file()
    if suffix == "gif":
        with Image.open(tmp_path / "tide.gif") as opened:
            assert 24 <= opened.n_frames <= 48
    else:
        page = (tmp_path / "tide.html").read_text()
        assert "<title>Noise rises through the spectrum of digits" in page


def test_samples_that_are_pictures_have_their_slices(capsys, tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.uniform(-1, 1, (3, 1, 12, 12)).astype(np.float32))
    np.save(tmp_path / "series.npy", rng.uniform(-1, 1, (3, 1, 64)).astype(np.float32))
    told = as_json(capsys, "plot", tmp_path / "x.npy", "--out", tmp_path / "a", "--animate", "gif")
    assert [Path(path).name for path in told["animations"]] == ["slices.gif"]
    main(["plot", str(tmp_path / "series.npy"), "--out", str(tmp_path / "b"), "--animate", "gif"])
    assert "no animation fits" in capsys.readouterr().out


def test_without_the_flag_nothing_moves(capsys, tmp_path, measured):
    told = as_json(capsys, "plot", measured / "s.safetensors", "--out", tmp_path)
    assert told["animations"] == []
    assert not list(tmp_path.glob("tide*"))


def test_a_format_that_is_none_and_mp4_without_ffmpeg_are_one_line(
    capsys, tmp_path, measured, monkeypatch
):
    file = str(measured / "s.safetensors")
    with pytest.raises(SystemExit) as stop:
        main(["plot", file, "--out", str(tmp_path), "--animate", "webm"])
    assert stop.value.code == 2
    assert "gif, html, mp4" in capsys.readouterr().err
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(SystemExit) as stop:
        main(["plot", file, "--out", str(tmp_path), "--animate", "mp4"])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert "install it" in told
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.iterdir())
