"""`spectra probe`, and what takes its file: plot, sample, evaluate, schedule."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import spectra
from spectra.cli import main
from spectra.diffusion import train
from spectra.schedule.steps.denoising import load_denoising_error
from tests.journeys.test_bad_input import refused

pytestmark = pytest.mark.slow

NAMES = ("run", "spectrum.safetensors", "d.safetensors")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spectrum, a run of two steps and what it leaves wrong, all of the photographs."""
    path = tmp_path_factory.mktemp("probe")
    source = spectra.open_source("photos", size=16)
    spectrum = spectra.analyze(source, bases=("dct",))
    spectrum.save(path / "spectrum.safetensors")
    made = spectra.derive_schedule(spectrum, ordering_strength=1.0)
    train(source, made, out=path / "run", steps=2, batch=4, device="cpu")
    arguments = ("probe", path / "run", "photos", "--n", 16, "--out", path / "d.safetensors")
    main([*map(str, arguments), "--json"])
    return path


def as_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    main([*map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


def test_it_measures_what_python_does(capsys, folder) -> None:
    out = folder / "again.safetensors"
    arguments = ("probe", folder / "run", "photos", "--n", 8, "--sigmas", 0.01, 0.1, 1, "--seed", 3)
    numbers = as_json(capsys, *arguments, "--out", out)
    held = load_denoising_error(out)
    run = spectra.load_run(folder / "run")
    sigmas = np.array([0.01, 0.1, 1])
    ours = spectra.measure_denoiser(run, "photos", n=8, sigmas=sigmas, seed=3)
    np.testing.assert_array_equal(held.error, ours.error)
    assert numbers["sigma"] == sigmas.tolist()
    assert (numbers["n"], numbers["files"]) == (ours.n, ours.files)
    np.testing.assert_allclose(np.sum(numbers["error"], axis=0), ours.per_level())
    np.testing.assert_allclose(
        numbers["whole"], ours.per_level() / ours.wiener().per_level(), rtol=1e-9
    )


def test_principal_components_come_from_a_spectrum(capsys, folder, tmp_path) -> None:
    source = spectra.open_source("photos", size=16)
    spectra.analyze(source, bases=("pca",)).save(tmp_path / "pca.safetensors")
    out = tmp_path / "d.safetensors"
    arguments = ("probe", folder / "run", "photos", "--n", 8, "--basis", "pca", "--out", out)
    assert "pca" in refused(capsys, *arguments)
    assert "pca" in refused(capsys, *arguments, "--spectrum", folder / "spectrum.safetensors")
    numbers = as_json(capsys, *arguments, "--spectrum", tmp_path / "pca.safetensors")
    assert numbers["basis"] == load_denoising_error(out).basis == "pca"
    small = spectra.open_source("photos", size=8)
    spectra.analyze(small, bases=("pca",)).save(tmp_path / "small.safetensors")
    assert "shape" in refused(capsys, *arguments, "--spectrum", tmp_path / "small.safetensors")


def test_its_table_says_what_to_do_next(capsys, folder) -> None:
    out = folder / "table.safetensors"
    main(["probe", str(folder / "run"), "photos", "--n", "8", "--out", str(out)])
    text = capsys.readouterr().out
    main(["probe", str(folder / "run"), "photos", "--sigmas", "0.1", "--out", str(out)])
    assert "one noise level" in capsys.readouterr().out
    for said in ("sigma", "0.25-0.5", "all", f"wrote {out}", f"--error {out}", "train longer"):
        assert said in text
    table = text.split("wrote")[0].replace(str(folder), "")
    assert max(map(len, table.splitlines())) <= 90


def test_columns_of_large_values_stand_apart(capsys, tmp_path) -> None:
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", 2e4 * rng.normal(size=(32, 1, 8, 8)).cumsum(-1))
    source = str(tmp_path / "x.npy")
    made = spectra.derive_schedule(spectra.analyze(source, bases=("dct",)))
    train(source, made, out=tmp_path / "run", steps=2, batch=4, device="cpu")
    out = tmp_path / "d.safetensors"
    levels = ("1234", "4251", "23456")
    main(["probe", str(tmp_path / "run"), source, "--sigmas", *levels, "--out", str(out)])
    (row,) = [line for line in capsys.readouterr().out.splitlines() if " sigma " in line]
    assert row.split() == ["sigma", "1.23e+03", "4.25e+03", "2.35e+04"]


def test_its_file_is_what_others_take(capsys, folder, tmp_path) -> None:
    error, run = folder / "d.safetensors", folder / "run"
    figures = as_json(capsys, "plot", error, "--out", tmp_path / "figures")["figures"]
    assert [Path(figure).name for figure in figures] == ["denoising.png", "bits.png"]
    grid = ("--n", 2, "--steps", 3, "--out", tmp_path / "s.png")
    plain = np.load(as_json(capsys, "sample", run, *grid)["npy"])
    drawn = as_json(capsys, "sample", run, *grid, "--error", error, "--criterion", "spectrum")
    assert drawn["criterion"] == "spectrum"
    assert not np.array_equal(np.load(drawn["npy"]), plain)
    few = ("--n", 2, "--steps", 2, "--examples", 4)
    scores = as_json(capsys, "evaluate", run, "photos", *few, "--error", error)
    assert scores["error"] == str(run)
    assert scores["rule"] == "optimal"
    spectrum = folder / "spectrum.safetensors"
    shown = ("schedule", spectrum, "--show")
    made = as_json(capsys, *shown, "--error", error)["prescription"]
    assert made != as_json(capsys, *shown)["prescription"]
    assert "worse than the Wiener filter" in refused(capsys, *shown, "--penalty", error)
    known = replace(
        load_denoising_error(error), error=load_denoising_error(error).wiener().error / 2
    )
    known.save(tmp_path / "known.safetensors")
    made = as_json(capsys, *shown, "--penalty", tmp_path / "known.safetensors")
    assert "penalty" in made["explanation"]["ordering"]


def test_what_is_wrong_is_one_line(capsys, folder, tmp_path) -> None:
    run, spectrum, error = (folder / name for name in NAMES)
    for arguments, said in (
        (("probe", run, "photos", "--out", tmp_path), "is a folder"),
        (("probe", run, "photos", "--n", 1, "--out", tmp_path / "d"), "n"),
        (("probe", run, "photos", "--sigmas", 1, 0.1, "--out", tmp_path / "d"), "sigmas"),
        (("probe", run, "photos", "--sigmas", "nan", "--out", tmp_path / "d"), "sigmas"),
        (("probe", tmp_path, "photos", "--out", tmp_path / "d"), str(tmp_path)),
        (("probe", run, tmp_path / "none", "--out", tmp_path / "d"), "none"),
        (("sample", run, "--out", tmp_path / "x", "--error", spectrum), "spectrum"),
        (("sample", run, "--out", tmp_path / "x", "--rule", "best"), "--rule"),
        (("sample", run, "--out", tmp_path / "x", "--error", error, "--rule", "edm"), "error"),
        (("sample", run, "--out", tmp_path / "x", "--rule", "edm", "--criterion", "kl"), "'kl'"),
        (("evaluate", run, "photos", "--rule", "time", "--criterion", "w2"), "'w2'"),
    ):
        assert said in refused(capsys, *arguments), arguments
    assert not (tmp_path / "d").exists()


def test_an_audit_is_drawn(capsys, folder, tmp_path) -> None:
    spectrum, picture = folder / "spectrum.safetensors", tmp_path / "audit.png"
    audit = ("schedule", spectrum, "--audit", "edm", "--steps", 5)
    main([*map(str, audit), "--figure", str(picture)])
    assert f"wrote {picture}" in capsys.readouterr().out
    assert picture.stat().st_size > 1000
    assert "--audit" in refused(capsys, "schedule", spectrum, "--figure", picture)
    assert ".png" in refused(capsys, *audit, "--figure", tmp_path / "audit.doc")
