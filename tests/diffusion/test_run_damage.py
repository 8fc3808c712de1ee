"""A run's folder that was damaged or edited by hand: one line of refusal, or a right result."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spectra.data import Source
from spectra.diffusion import load_run, sample, train
from spectra.diffusion.run import read_log
from spectra.errors import InputError
from spectra.schedule import Schedule, load_schedule

Options = dict[str, Any]
Edit = dict[str, Any]


@pytest.fixture
def folder(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> Path:
    train(tiny_source, tiny_schedule, out=tmp_path, **{**tiny_options, "steps": 2})
    return tmp_path


def edited(folder: Path, edit: Edit) -> None:
    config = json.loads((folder / "config.json").read_text()) | edit
    kept = {name: value for name, value in config.items() if value != "deleted"}
    (folder / "config.json").write_text(json.dumps(kept))


@pytest.mark.parametrize(
    "edit",
    [
        {"network": "unet"},
        {"threads": "2"},
        {"threads": 0},
        {"threads": "deleted"},
        {"held_out": None},
        {"held_out": "deleted"},
        {"device": 3},
        {"source": 3},
        {"classes": "ab"},
        {"family": None},
        {"condition": "foo"},
        {"known": "x"},
    ],
    ids=str,
)
def test_wrong_settings_are_named(folder: Path, edit: Edit) -> None:
    edited(folder, edit)
    with pytest.raises(InputError) as caught:
        load_run(folder)
    (name,) = edit
    assert f"config.json: {name} " in str(caught.value) or f"has no {name}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_nested_without_end_are_damaged(folder: Path) -> None:
    (folder / "config.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match=r"config\.json: cannot be read"):
        load_run(folder)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ({"condition": "state"}, r"of another state \(None, .*restore the folder's files"),
        ({"classes": ["a", "b"]}, r"does not fit the network .*restore config\.json"),
    ],
    ids=str,
)
def test_settings_of_another_network_are_refused(
    folder: Path,
    edit: Edit,
    words: str,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
) -> None:
    edited(folder, edit)
    with pytest.raises(InputError, match=words):
        sample(load_run(folder), n=1, steps=1)
    with pytest.raises(InputError, match="--out"):
        train(tiny_source, tiny_schedule, out=folder, **tiny_options)


@pytest.mark.parametrize("damage", ["lost", "cut short", "another"])
def test_schedules_of_a_run_come_back_as_it_goes_on(
    folder: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    damage: str,
) -> None:
    file = folder / "schedule.safetensors"
    if damage == "lost":
        file.unlink()
    elif damage == "cut short":
        file.write_bytes(file.read_bytes()[:100])
    else:
        replace(tiny_schedule, pace=tiny_schedule.pace + 0.1).save(file)
    with pytest.raises(InputError):
        load_run(folder)
    train(tiny_source, tiny_schedule, out=folder, **tiny_options)
    assert np.array_equal(load_schedule(file).pace, tiny_schedule.pace)
    assert np.isfinite(sample(load_run(folder), n=1, steps=1)).all()


def test_a_damaged_log_keeps_its_good_lines(
    folder: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    good = (folder / "log.jsonl").read_bytes()
    (folder / "log.jsonl").write_bytes(b"garbage\n[]\n{}\n\xff\xfe\n" + good + b'{"step": 7, "x')
    before = read_log(folder)
    assert before == [json.loads(line) for line in good.splitlines()]
    run = train(tiny_source, tiny_schedule, out=folder, **tiny_options)
    assert run.log[: len(before)] == before
    assert run.log[-1]["step"] == tiny_options["steps"]


@pytest.mark.parametrize(
    "edit", [{"loss": "low"}, {"step": "2"}, {"step": True}, {"seconds": [1]}], ids=str
)
def test_a_record_of_no_numbers_is_left_out(tmp_path: Path, edit: Edit) -> None:
    good = {"step": 2, "seconds": 0.5, "loss": 0.9, "memory": None}
    lines = [json.dumps(record) + "\n" for record in (good, good | edit)]
    (tmp_path / "log.jsonl").write_text("".join(lines))
    assert read_log(tmp_path) == [good]


def test_a_copied_run_samples_as_the_first(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    assert np.array_equal(sample(load_run(copy), 2, 2), sample(load_run(folder), 2, 2))


@pytest.mark.parametrize("seed", [1 << 63, 10**30, 1.5, True, "1"])
def test_a_seed_that_is_none_is_refused(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    seed: Any,
) -> None:
    with pytest.raises(InputError, match=r"seed .* is wrong"):
        train(tiny_source, tiny_schedule, out=tmp_path, **{**tiny_options, "seed": seed})


def test_a_run_whose_state_was_told_in_other_words_is_refused(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its weights fit, and would say something else."""
    options = {**tiny_options, "steps": 2, "condition": "state"}
    train(tiny_source, tiny_schedule, out=tmp_path, **options)
    load_run(tmp_path)
    monkeypatch.setattr("spectra.diffusion.run.STATE_WAVES", (0.25, 1.0, 4.0, 16.0))
    for again in (load_run, lambda path: train(tiny_source, tiny_schedule, out=path, **options)):
        with pytest.raises(InputError, match="its checkpoint is of another state") as caught:
            again(tmp_path)
        assert "\n" not in str(caught.value)
