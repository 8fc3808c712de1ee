"""Training: it learns, and says what it did."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spectra.data import Source, open_source
from spectra.diffusion import TrainConfig, load_run, train
from spectra.diffusion.__main__ import main
from spectra.diffusion.checkpoint import checkpoint_paths
from spectra.diffusion.loop import learning_rate_at
from spectra.diffusion.networks import (
    DiTConfig,
    UNetConfig,
    count_weights,
    make_network,
    network_config,
)
from spectra.diffusion.randomness import training_draws
from spectra.errors import InputError
from spectra.schedule import Schedule, derive_schedule
from spectra.spectrum import analyze
from tests.diffusion.brought import Brought
from tests.diffusion.conftest import rough_images
from tests.diffusion.losses import training_loss

Options = dict[str, Any]
HEAVY = {"tyro", "pysteps", "librosa", "matplotlib", "sklearn", "skimage", "jinja2"}


def corners(count: int = 60) -> np.ndarray:
    """Bright above and left of a random place, dark elsewhere: far from Gaussian, [N, 8, 8]."""
    place = np.random.default_rng(0).uniform(1, 7, (2, count, 1))
    row, column = np.tanh(3 * (place - np.arange(8)))  # [N, 8] each
    return (0.8 * np.minimum(row[:, :, None], column[:, None, :])).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["dit", "unet"])
def test_learns_what_no_wiener_filter_knows(tmp_path: Path, network: str) -> None:
    source = open_source(corners())
    schedule = derive_schedule(analyze(source))
    sizes: Options = {
        "unet": {"name": "unet", "width": 16, "multipliers": [1, 2]},
        "dit": {"name": "dit", "width": 32, "depth": 2, "heads": 2, "patch": 2},
    }
    options: Options = {"batch": 16, "network": sizes[network], "progress": False, "warmup": 20}
    first = train(source, schedule, out=tmp_path / "0", steps=0, **options)
    last = train(source, schedule, out=tmp_path / "1", steps=150, **options)

    away = source.split(last.config["held_out"])[1]
    x = torch.from_numpy(away.examples(range(len(away)))).repeat(8, 1, 1, 1)
    draws = training_draws(123, 0, range(len(x)), len(x), source.shape)
    with torch.no_grad():
        before, after = (
            training_loss(run.denoiser(), x, draws.quantile, draws.noise, "edm").mean().item()
            for run in (first, last)
        )
    assert after < 0.95 * before
    assert last.log[-1]["loss"] < 0.95 * last.log[0]["loss"]


def test_the_folder_and_the_log(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    seen: list[dict[str, Any]] = []
    out = tmp_path / "new" / "run"
    run = train(tiny_source, tiny_schedule, out=out, on_record=seen.append, **tiny_options)
    assert sorted(p.name for p in out.iterdir() if not p.name.startswith(".")) == [
        "checkpoint-00000010.safetensors",
        "checkpoint-00000012.safetensors",
        "config.json",
        "log.jsonl",
        "schedule.safetensors",
    ]
    assert [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()] == run.log
    assert run.log == seen
    assert [record["step"] for record in run.log] == [2, 4, 5, 6, 8, 10, 12]
    assert [record["images"] for record in run.log] == [8, 16, 20, 24, 32, 40, 48]
    assert run.log[-1]["learning_rate"] == pytest.approx(2e-3 * 12 / 100)
    assert all(
        set(record)
        == {
            "step",
            "images",
            "loss",
            "grad_norm",
            "learning_rate",
            "images_per_second",
            "seconds",
            "seconds_left",
            "flops_per_second",
            "utilisation",
            "memory",
        }
        for record in run.log
    )
    assert json.loads((out / "config.json").read_text()) == run.config
    assert run.config["fingerprint"] == tiny_source.fingerprint
    assert run.config["data"] == tiny_source.settings
    assert run.config["device"] in ("cpu", "cuda")
    assert run.config["precision"] in ("float32", "bfloat16")


def test_a_loaded_run_is_the_trained_one(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    run = train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options)
    loaded = load_run(tmp_path)
    assert (loaded.step, loaded.config, loaded.path) == (12, run.config, tmp_path)
    assert np.array_equal(loaded.schedule.variance, tiny_schedule.variance)
    for a, b in zip(run.network().parameters(), loaded.network().parameters(), strict=True):
        assert torch.equal(a, b)
        assert not a.requires_grad
        assert a.dtype is torch.float32
    z, t = torch.randn(3, 1, 8, 8), torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    denoiser = loaded.denoiser()
    assert not denoiser.training
    assert torch.equal(denoiser(z, t), run.denoiser()(z, t))


def test_without_steps_it_is_the_wiener_filter(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    train(tiny_source, tiny_schedule, out=tmp_path, **{**tiny_options, "steps": 0})
    denoiser = load_run(tmp_path).denoiser()
    t = torch.tensor([0.2, 0.7], dtype=torch.float64)
    z = torch.randn(2, 1, 8, 8)
    coefficients = denoiser.coefficients(denoiser.process.state(t))
    assert torch.equal(denoiser(z, t), coefficients.skip * z)


def test_two_runs_are_equal_and_seeds_differ(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    def bits(name: str, seed: int) -> bytes:
        torch.manual_seed(len(name))  # what the caller draws does not matter, and goes on
        state = torch.random.get_rng_state()
        out = tmp_path / name
        train(tiny_source, tiny_schedule, out=out, seed=seed, **tiny_options)
        assert torch.equal(torch.random.get_rng_state(), state)
        return checkpoint_paths(out)[0].read_bytes()

    first = bits("a", 0)
    assert first == bits("other", 0)
    assert first != bits("b", 1)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, "scalar"),
        ({"loss": "bound"}, "scalar"),
        ({"condition": "state"}, "scalar"),
        ({"condition": "state", "loss": "bound"}, "component"),
        ({"condition": "state", "preconditioning": "skip"}, "skip"),
    ],
)
def test_preconditioning_by_what_the_network_is_told(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    told: Options,
    expected: str,
) -> None:
    """Chosen once and kept: the same call goes on, another is refused."""
    options = {**tiny_options, **told}
    run = train(tiny_source, tiny_schedule, out=tmp_path, **{**options, "steps": 4})
    assert run.config["preconditioning"] == expected
    assert run.denoiser().preconditioning == expected
    assert train(tiny_source, tiny_schedule, out=tmp_path, **options).step == options["steps"]
    other = "scalar" if expected == "component" else "component"
    with pytest.raises(InputError, match=f"preconditioning {expected}, not {other}"):
        train(tiny_source, tiny_schedule, out=tmp_path, **{**options, "preconditioning": other})


@pytest.mark.parametrize(
    "change",
    [
        {"held_out": 0.0},
        {"loss": "bound"},
        {"loss": "octave"},
        {"loss": "perceptual"},
        {"preconditioning": "skip"},
        {"ema": "power"},
        {"network": Brought()},
    ],
    ids=str,
)
def test_other_options_train(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    change: Options,
) -> None:
    run = train(tiny_source, tiny_schedule, out=tmp_path, **{**tiny_options, **change})
    assert np.isfinite([record["loss"] for record in run.log]).all()


def test_odd_shapes_and_colour_train(tmp_path: Path, tiny_options: Options) -> None:
    rng = np.random.default_rng(0)
    source = open_source(rng.normal(size=(12, 2, 9, 14)).astype(np.float32).cumsum(axis=3) / 8)
    assert source.quantum == 0
    schedule = derive_schedule(analyze(source, bases=("fourier",)), basis="fourier")
    run = train(source, schedule, out=tmp_path, **tiny_options)
    assert run.denoiser()(torch.zeros(2, 2, 9, 14), torch.zeros(2)).shape == (2, 2, 9, 14)


def test_outside_the_main_thread_signals_are_left_alone(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    steps: list[int] = []
    thread = threading.Thread(
        target=lambda: steps.append(
            train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options).step
        )
    )
    thread.start()
    thread.join()
    assert steps == [12]


def test_learning_rate_rises_and_stays() -> None:
    config = TrainConfig(learning_rate=0.1, warmup=4)
    rates = [learning_rate_at(step, config) for step in range(6)]
    assert rates == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1, 0.1])
    assert learning_rate_at(0, TrainConfig(learning_rate=0.1, warmup=0)) == 0.1


def test_learning_rate_falls_to_nothing_over_the_cooldown() -> None:
    config = TrainConfig(steps=10, learning_rate=0.1, warmup=2, cooldown=0.4)
    rates = [learning_rate_at(step, config) for step in range(10)]
    expected = [0.05, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.075, 0.05, 0.025]
    assert rates == pytest.approx(expected)  # of 10 the rate would be 0
    for steps in (1, 3):
        whole = TrainConfig(steps=steps, warmup=0, cooldown=1.0)
        assert learning_rate_at(0, whole) == whole.learning_rate


def test_a_run_that_cools_down_resumes_to_the_same_bits_and_takes_no_more_steps(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    options = {**tiny_options, "steps": 12, "cooldown": 0.5, "checkpoint_every": 4, "keep": 4}
    whole = train(tiny_source, tiny_schedule, out=tmp_path / "whole", **options)
    parted = tmp_path / "parted"
    train(tiny_source, tiny_schedule, out=parted, **options)
    # As if it had been killed in the middle of the cooldown.
    (parted / "checkpoint-00000012.safetensors").unlink()
    again = train(tiny_source, tiny_schedule, out=parted, **options)
    for mine, its in zip(again.network().parameters(), whole.network().parameters(), strict=True):
        assert torch.equal(mine, its)
    constant = {**options, "cooldown": 0.0}
    other = train(tiny_source, tiny_schedule, out=tmp_path / "constant", **constant)
    pairs = zip(other.network().parameters(), whole.network().parameters(), strict=True)
    assert not all(torch.equal(mine, its) for mine, its in pairs)
    with pytest.raises(InputError, match=r"run with steps 12, not 14.*ask for steps 12"):
        train(tiny_source, tiny_schedule, out=parted, **{**options, "steps": 14})
    more = train(tiny_source, tiny_schedule, out=tmp_path / "constant", **{**constant, "steps": 14})
    assert more.step == 14


@pytest.mark.parametrize(
    "network", ["unet:width=800000", "unet:blocks=999999", "dit:depth=999999,width=512"]
)
def test_a_network_larger_than_memory_is_refused_before_anything_is_written(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    network: str,
) -> None:
    options = {**tiny_options, "network": network}
    with pytest.raises(InputError, match=r"network \w+: its [\d,]+ weights take [\d,]+ GiB"):
        train(tiny_source, tiny_schedule, out=tmp_path / "run", **options)
    assert list((tmp_path / "run").glob("*.json")) == []


def test_a_batch_larger_than_memory_is_refused_before_anything_is_written(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    options = {**tiny_options, "batch": 10**12}
    with pytest.raises(InputError, match=r"batch 1000000000000: its examples take [\d,]+ GiB"):
        train(tiny_source, tiny_schedule, out=tmp_path / "run", **options)
    assert list((tmp_path / "run").glob("*.json")) == []


def test_weights_are_counted_without_making_them() -> None:
    for name in ("unet", "dit:depth=1", "dit", "unet:width=16,attention=1,blocks=3"):
        config = network_config(name)
        assert isinstance(config, UNetConfig | DiTConfig)
        made = make_network(config, (1, 32, 32))
        assert count_weights(config, (1, 32, 32)) == sum(w.numel() for w in made.parameters())


@pytest.mark.parametrize("kind", ["series", "sound"])
def test_what_has_no_left_and_right_is_not_mirrored(tmp_path: Path, kind: str) -> None:
    """A sound played backwards is none, as a waveform or as a picture of its mel bands."""
    source = open_source(np.random.default_rng(0).random((12, 1, 16)) - 0.5, view="series")
    if kind == "sound":
        source = open_source("sounds", view="log-mel", size=(32, 16))
    options: Options = {"out": tmp_path / "run", "steps": 1, "random_flip": True}
    with pytest.raises(InputError, match=r"random_flip: .*has no left and right"):
        train(source, derive_schedule(analyze(source)), **options)
    assert not (tmp_path / "run" / "config.json").exists()


def test_parts_that_the_basis_has_not_leave_no_run_behind(
    tmp_path: Path, tiny_source: Source, tiny_options: Options
) -> None:
    schedule = derive_schedule(analyze(tiny_source, bases=("dct",)), basis="dct")
    options = {**tiny_options, "steps": 2, "known": 0.5}
    with pytest.raises(InputError, match=r"'boxes'.*have no place"):
        train(tiny_source, schedule, out=tmp_path / "run", **options, known_parts="boxes")
    run = train(tiny_source, schedule, out=tmp_path / "run", **options, known_parts="coarse")
    assert run.step == 2


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"cooldown": 1.5}, "cooldown 1.5 is no share"),
        ({"cooldown": float("nan")}, "cooldown nan is no share"),
        ({"known_parts": "ends"}, "no part is known; give known above 0"),
        ({"known_parts": "end", "known": 0.5}, "known_parts"),
    ],
)
def test_shares_and_parts_that_are_wrong(wrong: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        TrainConfig(**wrong)


# python -m spectra.diffusion


@pytest.fixture
def named_run(tmp_path: Path, tiny_schedule: Schedule, tiny_options: Options) -> Path:
    """A run of some steps on an array in a file."""
    np.save(tmp_path / "images.npy", rough_images())
    out = tmp_path / "run"
    options = {**tiny_options, "steps": 4}
    train(tmp_path / "images.npy", tiny_schedule, out=out, **options)
    return out


@pytest.mark.slow
def test_the_module_resumes_with_little_imported(named_run: Path, tiny_options: Options) -> None:
    file = named_run / "config.json"
    config = json.loads(file.read_text())
    assert config["source"] == str(named_run.parent / "images.npy")
    file.write_text(json.dumps({**config, "steps": 12}))
    code = (
        "import runpy, sys\n"
        "try:\n"
        "    runpy.run_module('spectra.diffusion', run_name='__main__')\n"
        "except SystemExit as stop:\n"
        "    assert not stop.code, stop.code\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{named_run}: 12 steps", "[]"]
    assert load_run(named_run).step == 12


def test_the_module_says_what_is_wrong_in_a_line(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "run"
    train(tiny_source, tiny_schedule, out=out, **{**tiny_options, "steps": 0})
    for arguments, words in (
        ([str(out / "config.json")], "resume from Python"),
        ([str(tmp_path / "absent.json")], "give RUN/config.json"),
        ([str(tmp_path / "config.json")], "is no run"),
        ([], "usage:"),
    ):
        assert main(arguments) == 2
        printed = capsys.readouterr()
        assert words in printed.err
        assert len(printed.err.splitlines()) == 1
        assert printed.out == ""
