"""Damaged, alien and absurd files and numbers: one line and exit 2, or a schedule that holds."""

import json
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectra
from spectra.cli import main
from spectra.schedule.steps.denoising import wiener_error
from tests.hostile_schedules import FOREIGN, damaged_bytes, damaged_parts, parts, rewrite
from tests.journeys.test_bad_input import refused

pytestmark = pytest.mark.slow

BASES = ("dct", "pixel", "fourier", "wavelet", "pca")


def fields(*shape: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=shape)
    for axis in range(2, len(shape)):
        values = values.cumsum(axis)
    return values / 10


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A spectrum, a schedule of it, and one that uses every optional table."""
    folder = tmp_path_factory.mktemp("files")
    spectrum = spectra.analyze(fields(12, 1, 8, 8), bases=BASES)
    found = {name: folder / f"{name}.safetensors" for name in ("spectrum", "schedule", "blurred")}
    spectrum.save(found["spectrum"])
    spectra.derive_schedule(spectrum, basis="pca", density="modes").save(found["schedule"])
    spectra.schedule.preset("blurring", spectrum).save(found["blurred"])
    found["denoising"] = folder / "denoising.safetensors"
    wiener_error(spectrum, np.geomspace(0.01, 50, 6)).save(found["denoising"])
    return found


def outcome(capsys: pytest.CaptureFixture[str], *arguments: object) -> bool:
    """Whether a command did its work; if not, it said why in one line."""
    capsys.readouterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            main([*map(str, arguments), "--json"])
            code = 0
        except SystemExit as stop:
            code = stop.code
    printed = capsys.readouterr()
    if code == 0:
        assert isinstance(json.loads(printed.out), dict)
        return True
    assert code == 2
    assert printed.out == ""
    assert printed.err.count("\n") == 1, printed.err
    assert printed.err.startswith("spectra: ")
    return False


def commands(kind: str, file: Path, spectrum: Path, tmp: Path) -> list[list[object]]:
    if kind == "spectrum":
        return [["schedule", file, "--show"]]
    if kind == "denoising":
        looked = ["schedule", spectrum, "--show"]
        return [[*looked, "--error", file], [*looked, "--penalty", file]]
    return [
        ["export", file, "--to", "edm", "--out", tmp / "e.json"],
        ["schedule", spectrum, "--audit", file],
    ]


@pytest.mark.parametrize("kind", ["spectrum", "schedule"])
def test_cut_and_overwritten_files(capsys, files, tmp_path, kind: str) -> None:
    for what, content in damaged_bytes(files[kind].read_bytes()):
        file = tmp_path / "bad.safetensors"
        file.write_bytes(content)
        for command in commands(kind, file, files["spectrum"], tmp_path):
            assert not outcome(capsys, *command), what


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["spectrum", "schedule", "blurred", "denoising"])
def test_every_part_of_a_file_may_be_anything(capsys, files, tmp_path, kind: str) -> None:
    file = tmp_path / "bad.safetensors"
    for what, tables, header in damaged_parts(files[kind]):
        rewrite(file, tables, header)
        for command in commands(kind, file, files["spectrum"], tmp_path):
            try:
                outcome(capsys, *command)
            except BaseException as error:
                raise AssertionError(f"{kind}: {what}") from error


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("spectrum", "moments.power.total", np.nan),
        ("spectrum", "variance.dct", np.nan),
        ("spectrum", "variance.dct", -1.0),
        ("spectrum", "variance.dct", 1e308),
        ("spectrum", "mean", np.inf),
        ("spectrum", "scatter.scatter", np.nan),
        ("schedule", "variance", 0.0),
        ("schedule", "variance", 1e308),
        ("schedule", "offset", 1e308),
        ("schedule", "pace", np.nan),
        ("schedule", "t", np.inf),
        ("blurred", "blur_rate", np.nan),
        ("denoising", "error", np.nan),
        ("denoising", "tilt", 1e308),
        ("denoising", "variance", 0.0),
    ],
)
def test_a_table_that_cannot_be_is_refused_with_the_file_s_name(
    capsys, files, tmp_path, kind: str, name: str, value: float
) -> None:
    tables, header = parts(files[kind])
    file = tmp_path / "bad.safetensors"
    rewrite(file, {**tables, name: np.full_like(tables[name], value)}, header)
    for command in commands(kind, file, files["spectrum"], tmp_path):
        assert "bad.safetensors" in refused(capsys, *command)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("spectrum", "shape", [8, 8]),
        ("spectrum", "shape", "x"),
        ("spectrum", "quantum", None),
        ("spectrum", "quantum", 1e308),
        ("spectrum", "sizes", []),
        ("spectrum", "reach", "x"),
        ("spectrum", "segment", []),
        ("spectrum", "spacing", 3),
        ("spectrum", "skipped", 3),
        ("schedule", "shape", -1),
        ("schedule", "form", "x"),
        ("schedule", "coverage", "x"),
        ("schedule", "quantum", None),
        ("schedule", "limits", [1]),
        ("schedule", "blur_floor", []),
        ("schedule", "data", []),
        ("denoising", "shape", None),
        ("denoising", "n", "x"),
        ("denoising", "quantum", -1),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    capsys, files, tmp_path, kind: str, name: str, value: Any
) -> None:
    tables, header = parts(files[kind])
    file = tmp_path / "bad.safetensors"
    rewrite(file, tables, {**header, "settings": {**header["settings"], name: value}})
    for command in commands(kind, file, files["spectrum"], tmp_path):
        assert "bad.safetensors" in refused(capsys, *command)


def test_nan_in_memory_is_refused(files) -> None:
    from dataclasses import replace

    spectrum = spectra.load_spectrum(files["spectrum"])
    moments = spectrum.power_moments
    power = moments.total.copy()
    power[0] = np.nan
    holed = replace(spectrum, power_moments=replace(moments, total=power))
    with pytest.raises(spectra.InputError, match="NaN"):
        spectra.derive_schedule(holed, basis="dct")


@pytest.mark.parametrize("name", FOREIGN)
def test_other_people_s_files(capsys, files, tmp_path, name: str) -> None:
    path = tmp_path / name
    path.write_text(FOREIGN[name], encoding="utf-8")
    assert not outcome(capsys, "schedule", files["spectrum"], "--audit", path)


@pytest.mark.parametrize(
    "name",
    ["", " ", "..", "x" * 5000, "a\0b", "sd3 shift 0", "sd3 shift 1e308", "sd3 shift nan", "ä\nb"],
)
def test_names_that_are_none(capsys, files, name: str) -> None:
    assert not outcome(capsys, "schedule", files["spectrum"], "--audit", name)


ABSURD = ("0", "-0", "-1", "1e308", "-1e308", "nan", "inf", "1e-308", "1e-9", "50", "1000")
NUMBERS = {
    "": (
        *("ordering-strength", "penalty", "power-weight", "threshold", "information-left"),
        *("w2-left", "w2-absolute", "g-denoise", "g-noise"),
    ),
    "soft-conditioning": ("ordering-strength", "g-denoise", "g-noise"),
    "blurring": ("blur-max", "blur-floor"),
    "heat-dissipation": ("blur-max", "blur-min", "noise"),
    "power-law-noise": ("noise-exponent",),
    "columns": ("tau-max", "gamma-min", "gamma-max"),
}


@pytest.mark.slow
@pytest.mark.parametrize("preset", NUMBERS)
def test_every_number_may_be_absurd(capsys, files, preset: str) -> None:
    copied = ["--preset", preset] if preset else []
    for flag in NUMBERS[preset]:
        for value in ABSURD:
            outcome(capsys, "schedule", files["spectrum"], "--show", *copied, f"--{flag}={value}")


@pytest.mark.parametrize(
    "given",
    [
        ["--information-left", "1e-308"],
        ["--ordering-strength", "1e308"],
        ["--ordering-strength", "0.1:1e308"],
        ["--ordering", "level:1e308"],
        ["--g-noise", "1e308"],
        ["--g-denoise=-1e308"],
        ["--preset", "blurring", "--blur-max", "1e308"],
        ["--preset", "power-law-noise", "--noise-exponent", "1000"],
        ["--preset", "columns", "--gamma-max", "1e308"],
        ["--steps", "1000000000"],
    ],
)
def test_numbers_out_of_all_proportion_are_refused(capsys, files, given: list[str]) -> None:
    assert not outcome(capsys, "schedule", files["spectrum"], "--show", *given)


def test_a_noise_end_far_beyond_the_data_is_survived(capsys, files) -> None:
    assert outcome(capsys, "schedule", files["spectrum"], "--show", "--g-noise", 290)


@pytest.mark.parametrize("to", ["diffusers", "k-diffusion", "edm", "flow", "kohya"])
def test_outputs_that_cannot_be_written(capsys, files, tmp_path, monkeypatch, to: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("in the way")
    for out in ("file/x", "/proc/none/x", "x" * 300):
        assert not outcome(capsys, "export", files["schedule"], "--to", to, "--out", out)
    assert not outcome(capsys, "export", files["schedule"], "--to", to, "--out", files["schedule"])
    if to not in ("diffusers", "flow"):
        for out in (".", "..", ""):
            assert not outcome(capsys, "export", files["schedule"], "--to", to, "--out", out)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_device_or_a_pipe_is_never_replaced(capsys, files, tmp_path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (tmp_path / "folder").mkdir()
    for out in (pipe, tmp_path / "folder"):
        assert "cannot be written" in refused(capsys, "schedule", files["spectrum"], "--out", out)
    assert pipe.is_fifo()


@pytest.mark.parametrize("to", ["diffusers", "k-diffusion", "edm", "flow"])
@pytest.mark.parametrize("steps", [0, -1, 100_000])
def test_steps_of_an_export(capsys, files, tmp_path, to: str, steps: int) -> None:
    given = ("--to", to, "--out", tmp_path / "x.json", f"--steps={steps}")
    assert "steps" in refused(capsys, "export", files["schedule"], *given)
    assert not list(tmp_path.iterdir())


def _write(path: str, which: int) -> None:
    """Write one of two schedules to a file again and again."""
    spectrum = spectra.analyze(fields(12, 1, 32, 32, seed=which), bases=("dct",))
    made = spectra.derive_schedule(spectrum, ordering_strength=1.0)
    for _ in range(200):
        made.save(path)


@pytest.mark.slow
def test_writers_at_once_and_a_writer_killed_leave_a_whole_file(tmp_path) -> None:
    import multiprocessing
    import time

    path = tmp_path / "schedule.safetensors"
    started = multiprocessing.get_context("spawn")
    writers = [started.Process(target=_write, args=(str(path), which)) for which in (0, 1)]
    for writer in writers:
        writer.start()
    while not path.exists():
        time.sleep(0.01)
    seen = 0
    while any(writer.is_alive() for writer in writers):
        spectra.load_schedule(path)  # whole at every moment
        seen += 1
        if seen == 50:
            writers[0].kill()
    for writer in writers:
        writer.join()
    assert spectra.load_schedule(path).shape == (1, 32, 32)
    assert seen > 50


def test_export_without_the_library(capsys, files, tmp_path, monkeypatch) -> None:
    """The files of diffusers are written without diffusers; its scheduler says what it needs."""
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "diffusers"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "spectra.interop.spectral_scheduler", raising=False)
    for name in ("spectral_scheduler", "SpectralScheduler"):  # as another test left them
        monkeypatch.delitem(vars(spectra.interop), name, raising=False)
    monkeypatch.setitem(sys.modules, "diffusers", None)
    for noise in ("scalar", "component"):
        given = ("--to", "diffusers", "--noise", noise, "--out", tmp_path / noise)
        assert outcome(capsys, "export", files["schedule"], *given)
    with pytest.raises(ImportError, match=r"spectra-diffusion\[diffusers\]"):
        _ = spectra.interop.SpectralScheduler


def test_an_error_of_other_examples_is_refused(capsys, files, tmp_path) -> None:
    other = spectra.analyze(fields(12, 1, 16, 16), bases=("dct",))
    wiener_error(other, np.geomspace(0.01, 50, 6)).save(tmp_path / "other")
    for flag in ("--error", "--penalty"):
        given = ("schedule", files["spectrum"], "--show", flag, tmp_path / "other")
        assert "(1, 16, 16)" in refused(capsys, *given)


def test_an_error_with_components_that_never_vary(capsys, files, tmp_path) -> None:
    tables, header = parts(files["denoising"])
    for name in ("variance", "error"):
        tables[name][..., 0, :3] = 0
    file = rewrite(tmp_path / "blank.safetensors", tables, header)
    for given in (["--show"], ["--audit", "edm"]):
        assert outcome(capsys, "schedule", files["spectrum"], *given, "--error", file)
