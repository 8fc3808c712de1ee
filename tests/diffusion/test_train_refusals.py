"""Training stops in one line where it cannot go on, and keeps what is good."""

import json
import re
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from spectra.data import Source, open_source
from spectra.diffusion import chosen, load_run, train
from spectra.diffusion.checkpoint import checkpoint_paths
from spectra.diffusion.loss import Objective
from spectra.diffusion.settings import TrainConfig, check_shape
from spectra.errors import InputError
from spectra.schedule import Schedule
from tests.diffusion.conftest import rough_images

Options = dict[str, Any]


def refused(**options: Any) -> str:
    with pytest.raises(InputError) as caught:
        train(**options)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(("device", "name"), [("cpu", "g++"), ("cuda", "gcc")])
def test_without_a_compiler_nothing_is_compiled(
    monkeypatch: pytest.MonkeyPatch, device: str, name: str
) -> None:
    for variable in ("CC", "CXX"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(chosen.shutil, "which", lambda name: None)
    assert not chosen.chosen_compile(TrainConfig(), device)
    with pytest.raises(InputError, match=f"compile: needs a compiler .*install {re.escape(name)}"):
        chosen.chosen_compile(TrainConfig(compile=True), device)


def test_kernels_that_torch_makes_wrongly_are_refused(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    both = {**tiny_options, "compile": True, "precision": "bfloat16"}
    words = "compile: .* bfloat16 for a CPU .*precision float32"
    message = refused(source=tiny_source, schedule=tiny_schedule, out=tmp_path / "new", **both)
    assert re.match(words, message)
    options = {**tiny_options, "steps": 0, "precision": "bfloat16"}
    train(tiny_source, tiny_schedule, out=tmp_path / "old", **options)
    file = tmp_path / "old" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "compile": True}))
    message = refused(source=tiny_source, schedule=tiny_schedule, out=tmp_path / "old", **both)
    assert re.match(words, message)


def test_a_loss_that_is_not_finite_stops_the_run(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []
    whole = Objective.__call__

    def loss(self: Objective, *arguments: Any) -> torch.Tensor:
        calls.append(1)
        value = whole(self, *arguments)
        return value * float("nan") if len(calls) == 8 else value

    monkeypatch.setattr(Objective, "__call__", loss)
    message = refused(source=tiny_source, schedule=tiny_schedule, out=tmp_path, **tiny_options)
    for word in (str(tmp_path), "loss nan", "step 8", "learning rate"):
        assert word in message
    assert load_run(tmp_path).step == 5
    monkeypatch.undo()
    assert train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options).step == 12


def test_a_schedule_for_another_shape(
    tmp_path: Path, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    source = open_source(rough_images(size=10, channels=3))
    message = refused(source=source, schedule=tiny_schedule, out=tmp_path, **tiny_options)
    for word in ("(3, 10, 10)", "(1, 8, 8)", "spectra analyze --size 8 --channels grey keeps"):
        assert word in message
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("shape", "wanted", "options"),
    [
        ((1, 8, 8), (1, 16, 24), "--size 16x24"),
        ((3, 16, 24), (1, 16, 24), "--channels grey"),
        ((1, 8, 8), (3, 16, 16), "--size 16 --channels rgb"),
        ((1, 8, 8), (2, 8, 8), ""),
        ((1, 64), (1, 32), "--size 32"),
        ((1, 64), (2, 64), ""),
        ((1, 64), (1, 8, 8), ""),
    ],
)
def test_a_mend_of_shapes_is_one_that_the_command_line_takes(
    shape: tuple[int, ...], wanted: tuple[int, ...], options: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_shape(SimpleNamespace(name="a", shape=shape), SimpleNamespace(shape=wanted))
    message = str(caught.value)
    assert "derive a schedule from the source's own spectrum" in message
    assert ("spectra analyze" in message) == bool(options)
    if options:
        assert f"spectra analyze {options} keeps the shape" in message


def test_an_output_that_cannot_be_written(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for out in (file, file / "run"):
        message = refused(source=tiny_source, schedule=tiny_schedule, out=out, **tiny_options)
        assert message.startswith(str(out))
        assert "--out" in message


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"steps": -1}, "steps -1"),
        ({"batch": 0}, "batch 0"),
        ({"batch": 2.5}, "batch 2.5"),
        ({"checkpoint_every": 0}, "checkpoint_every 0"),
        ({"learning_rate": 0.0}, "learning_rate 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate nan"),
        ({"clip_norm": -1.0}, "clip_norm -1.0"),
        ({"held_out": 1.0}, "held_out 1.0"),
        ({"device": "tpu"}, "auto, cpu, cuda"),
        ({"precision": "half"}, "auto, float32, bfloat16"),
        ({"loss": "l1"}, "bound, edm, octave, perceptual"),
        ({"accumulate": 0}, "accumulate 0"),
        ({"accumulate": 5}, "more than the batch of 4"),
        ({"ema": "none"}, "half-life, power"),
        ({"ema": "power", "ema_width": 0.3}, "ema_width 0.3"),
        ({"ema_width": 0.1}, "ema_width: ema 'half-life' has no use for it; give ema 'power'"),
        ({"ema": "power", "ema_half_life": 5.0}, "ema_half_life: ema 'power' has no use"),
        ({"labels": True}, "has no classes"),
        ({"network": torch.nn.ReLU()}, "no weights"),
        ({"preconditioning": "none"}, "component, skip, scalar"),
        ({"network": "gan"}, "unet, dit"),
    ],
    ids=str,
)
def test_wrong_options(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    option: Options,
    words: str,
) -> None:
    options = {**tiny_options, **option}
    message = refused(source=tiny_source, schedule=tiny_schedule, out=tmp_path / "run", **options)
    assert words in message
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    options = {**tiny_options, "device": "cuda"}
    message = refused(source=tiny_source, schedule=tiny_schedule, out=tmp_path, **options)
    assert "--device cpu" in message


def test_a_folder_that_is_no_run(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    with pytest.raises(InputError, match="no such folder"):
        load_run(tmp_path / "absent")
    with pytest.raises(InputError, match="is no run"):
        load_run(tmp_path)
    train(tiny_source, tiny_schedule, out=tmp_path, **{**tiny_options, "steps": 0})
    (path,) = checkpoint_paths(tmp_path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match="no checkpoint that can be read"), pytest.warns():
        load_run(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match="no checkpoint yet"):
        load_run(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json: cannot be read"):
        load_run(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="no settings of a run"):
        load_run(tmp_path)


def test_checkpoints_without_settings_are_not_trained_over(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options)
    (tmp_path / "config.json").unlink()
    message = refused(source=tiny_source, schedule=tiny_schedule, out=tmp_path, **tiny_options)
    assert "another --out" in message


def test_a_full_disk_leaves_the_last_checkpoint(
    tmp_path: Path, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    resource = pytest.importorskip("resource")
    source = open_source(rough_images())
    out = tmp_path / "run"
    train(source, tiny_schedule, out=out, **{**tiny_options, "steps": 5})
    (first,) = checkpoint_paths(out)
    before, least = first.read_bytes(), len((out / "config.json").read_bytes()) + 4096
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max(least, len(before) // 2), limits[1]))
    try:
        message = refused(source=source, schedule=tiny_schedule, out=out, **tiny_options)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert "checkpoint-00000010" in message
    assert "cannot be written" in message
    assert checkpoint_paths(out) == [first]
    assert first.read_bytes() == before
    assert not list(out.glob(".*.part"))
    assert train(source, tiny_schedule, out=out, **tiny_options).step == 12
