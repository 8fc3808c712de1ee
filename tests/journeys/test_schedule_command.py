"""`spectra schedule` as a user types it: what it writes, prints, copies, audits and refuses."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

import spectra
from spectra.cli import main
from spectra.schedule_arguments import Choices, PresetNumbers
from tests.journeys.test_bad_input import refused

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "spectrum.safetensors"
    spectra.analyze(spectra.open_source("photos", size=16), bases=("dct", "pixel", "wavelet")).save(
        path
    )
    return path


def as_json(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    main([*map(str, arguments), "--json"])
    return json.loads(capsys.readouterr().out)


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    main([*map(str, arguments)])
    return capsys.readouterr().out


def test_without_options_every_choice_is_made_and_explained(capsys, measured, tmp_path) -> None:
    out = tmp_path / "s.safetensors"
    text = printed(capsys, "schedule", measured, "--out", out)
    for choice in ("basis: dct", "ordering: variance, strength 1", "pace:", "clean", "noise end"):
        assert choice in text
    assert text.index(f"wrote {out}") < text.index("P_mean")  # it ends with the prescription
    made = spectra.load_schedule(out)
    assert made.basis == "dct"
    numbers = as_json(capsys, "schedule", measured, "--show")
    assert numbers["explanation"] == made.explanation
    assert numbers["out"] is None
    assert numbers["prescription"]["edm"]["sigma_data"] == pytest.approx(
        np.sqrt(made.variance.mean())
    )


def test_sound_is_told_in_hertz(capsys, tmp_path) -> None:
    path = tmp_path / "sound.safetensors"
    source = spectra.open_source("sounds", view="waveform", size=1024)
    spectra.analyze(source, bases=("dct",)).save(path)
    text = printed(capsys, "schedule", path, "--show")
    assert "f_max in Hz" in text
    first = next(line for line in text.splitlines() if line.startswith("   0.00"))
    assert float(first.split()[1].replace(",", "")) > 1000


def test_every_keyword_of_python_is_a_flag() -> None:
    from spectra.schedule import preset

    derived = set(inspect.signature(spectra.derive_schedule).parameters) - {"spectrum"}
    assert derived == set(Choices.__dataclass_fields__)
    copied = set(inspect.signature(preset).parameters) - {"spectrum", "name"}
    assert copied - derived == set(PresetNumbers.__dataclass_fields__)
    wished = set(inspect.signature(spectra.schedule_from_cutoff).parameters)
    assert wished - {"spectrum", "f_max"} <= derived


def test_preset_names_are_those_of_python() -> None:
    from typing import get_args

    from spectra.schedule import PresetName
    from spectra.schedule_arguments import PresetChoice

    assert get_args(PresetChoice) == get_args(PresetName)


def test_presets_are_copied(capsys, measured, tmp_path) -> None:
    out = tmp_path / "s.safetensors"
    edm = as_json(capsys, "schedule", measured, "--preset", "edm", "--out", out)
    assert edm["name"] == "edm"
    ours = spectra.load_schedule(out)
    theirs = spectra.standard_schedule(spectra.load_spectrum(measured), process="edm")
    np.testing.assert_array_equal(ours.pace, theirs.pace)
    columns = as_json(
        capsys, "schedule", measured, "--preset", "columns", "--tau-max", 0.5, "--show"
    )
    assert columns["basis"] == "pixel"
    assert columns["table"][3]["f_max"] is None  # places have no frequency


@pytest.mark.parametrize("name", ["f.csv", "f.json"])
def test_a_wish_out_of_a_file(capsys, measured, tmp_path, name: str) -> None:
    pairs = [[0, 0.45], [0.5, 0.1], [1, 0.02]]
    text = json.dumps(pairs) if name.endswith("json") else "\n".join(f"{t},{f}" for t, f in pairs)
    (tmp_path / name).write_text(text)
    out = tmp_path / "s.safetensors"
    as_json(capsys, "schedule", measured, "--f-max", tmp_path / name, "--out", out)
    t = np.linspace(0, 1, 101)
    wish = np.interp(t, *np.transpose(pairs))
    np.testing.assert_allclose(spectra.load_schedule(out).f_max(t), wish, atol=1e-6)


def test_a_wish_of_a_process_at_a_threshold(capsys, measured, tmp_path) -> None:
    out = tmp_path / "s.safetensors"
    given = ("--f-max", "vp-cosine", "--threshold", 0.5)
    as_json(capsys, "schedule", measured, *given, "--out", out)
    cutoff = spectra.frequency_cutoff(
        spectra.load_spectrum(measured), process="vp-cosine", threshold=0.5
    )
    t = np.linspace(0, 1, 101)
    made = spectra.load_schedule(out)
    np.testing.assert_allclose(made.f_max(t), cutoff.f_max(t), atol=1e-6)


def test_orders_bands_labels_and_drawn_paces(capsys, measured, tmp_path) -> None:
    (tmp_path / "p.json").write_text("[[0, 0], [0.5, 0.8], [1, 1]]")
    labels = np.random.default_rng(0).normal(size=(1, 16, 16))
    np.save(tmp_path / "labels.npy", labels)
    out = tmp_path / "s.safetensors"
    as_json(capsys, "schedule", measured, "--ordering", "level:1+columns:0.3", "--out", out)
    assert spectra.load_schedule(out).basis == "wavelet"
    order = ("--ordering", tmp_path / "labels.npy", "--basis", "dct", "--ordering-strength", 2)
    as_json(capsys, "schedule", measured, *order, "--out", out)
    np.testing.assert_allclose(spectra.load_schedule(out).offset, -2 * labels)
    as_json(capsys, "schedule", measured, "--pace", tmp_path / "p.json", "--out", out)
    pace = spectra.load_schedule(out).pace_at(np.array([0, 0.25, 0.5, 1]))
    np.testing.assert_allclose((pace - pace[0]) / (pace[-1] - pace[0]), [0, 0.4, 0.8, 1])
    bands = as_json(capsys, "schedule", measured, "--ordering-strength", "0.1:1,0.5:0.3", "--show")
    assert "0.3 up to 0.5 cycles/pixel" in bands["explanation"]["ordering"]


def test_a_penalty_is_a_number(capsys, measured) -> None:
    free = as_json(capsys, "schedule", measured, "--penalty", 0, "--show")
    assert "strength 0: W2 of 10 Heun steps is 0." in free["explanation"]["ordering"]


def test_an_audit_writes_nothing(capsys, measured, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = as_json(capsys, "schedule", measured, "--audit", "edm")
    assert found["name"] == "edm"
    assert {"findings", "octaves", "w2", "best_w2"} <= set(found)
    assert not list(tmp_path.iterdir())
    spectra.derive_schedule(spectra.load_spectrum(measured)).save("own.safetensors")
    assert "optimal sigmas" in printed(capsys, "schedule", measured, "--audit", "own.safetensors")
    assert found["steps"] == 18
    fewer = as_json(capsys, "schedule", measured, "--audit", "edm", "--steps", 5, "--solver", "2m")
    assert (fewer["steps"], fewer["evaluations"]) == (5, 5)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (["--preset", "edm", "--pace", "octave"], "preset edm has no pace"),
        (["--preset", "edn"], "edn"),
        (["--preset", "soft-conditioning", "--ordering-strength", "auto"], "takes one number"),
        (["--preset", "soft-conditioning", "--ordering-strength", "0.1:1"], "takes one number"),
        (["--preset", "edm", "--audit", "edm"], "three ways"),
        (["--audit", "edm", "--basis", "dct"], "--audit: takes no basis"),
        (["--audit", "edm", "--out", "x.safetensors", "--show"], "takes no --out, --show; it"),
        (["--power-weight", "0.3"], "power_weight: only pace 'frequency-power'"),
        (["--information-left", "5", "--g-noise", "5"], "information_left, g_noise: each"),
        (["--audit", "nothing-such"], "nothing-such"),
        (["--tau-max", "0.5"], "tau_max"),
        (["--f-max", "cosine"], "--f-max cosine"),
        (["--f-max", "missing.csv"], "missing.csv"),
        (["--f-max", "edm", "--pace", "octave"], "--f-max: takes no pace"),
        (["--pace", "missing.json"], "missing.json"),
        (["--pace", "cosine"], "pace 'cosine' is unknown"),
        (["--ordering", "size"], "ordering 'size' is unknown"),
        (["--ordering", "missing.npy"], "missing.npy"),
        (["--ordering-strength", "much"], "ordering_strength 'much'"),
        (["--ordering-strength", "0.1:a"], "ordering_strength '0.1:a'"),
        (["--ordering-strength", "0.1:1:2"], "ordering_strength '0.1:1:2'"),
        (["--ordering-strength=-1"], "ordering_strength -1"),
        (["--penalty=-1"], "penalty -1"),
        (["--penalty", "nan"], "penalty nan"),
        (["--penalty", "missing.safetensors"], "missing.safetensors"),
        (["--error", "missing.safetensors"], "missing.safetensors"),
        (["--basis", "fourier"], "'fourier' was not measured"),
        (["--basis", "pca"], "'pca' was not measured"),
        (["--w2-left", "0"], "w2_left 0"),
        (["--density", "even"], "even"),
        (["--steps", "0"], "steps 0"),
    ],
)
def test_nonsense_is_refused_in_one_line(
    capsys, measured, tmp_path, monkeypatch, given: list[str], names: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert names in refused(capsys, "schedule", measured, *given)
    assert not list(tmp_path.iterdir())


def test_files_that_are_no_labels_are_refused(capsys, measured, tmp_path) -> None:
    for name, values in (("shape", np.zeros((2, 2))), ("text", np.array(["a"]))):
        np.save(tmp_path / f"{name}.npy", values)
        assert (
            name
            in refused(
                capsys, "schedule", measured, "--show", "--ordering", tmp_path / f"{name}.npy"
            )
            or name == "shape"
        )
    (tmp_path / "pickle.npy").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    line = refused(capsys, "schedule", measured, "--show", "--ordering", tmp_path / "pickle.npy")
    assert "pickle.npy" in line


def test_a_spectrum_of_another_shape_is_refused_by_the_audit(capsys, measured, tmp_path) -> None:
    other = spectra.analyze(np.random.default_rng(0).normal(size=(8, 1, 8, 8)))
    spectra.derive_schedule(other).save(tmp_path / "s.safetensors")
    line = refused(capsys, "schedule", measured, "--audit", tmp_path / "s.safetensors")
    assert "(1, 8, 8)" in line
