"""Resume: whatever interrupts a run, it ends with the same bits."""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from spectra.data import Source
from spectra.diffusion import Run, load_run, train
from spectra.diffusion.checkpoint import checkpoint_paths
from spectra.diffusion.settings import ADDED
from spectra.errors import InputError
from spectra.folders import sole_user
from spectra.schedule import Schedule
from tests.diffusion.brought import Brought
from tests.repeats import then_slow

CLOCK = {
    "seconds",
    "images_per_second",
    "seconds_left",
    "flops_per_second",
    "utilisation",
    "memory",
}

SMALLEST = {"name": "dit", "width": 16, "depth": 1, "heads": 1, "patch": 4}


def bits(path: Path) -> bytes:
    return checkpoint_paths(path)[0].read_bytes()


def without_clock(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: value for key, value in r.items() if key not in CLOCK} for r in log]


def interrupts(step: int, number: int, times: int = 1) -> Callable[[dict[str, Any]], None]:
    """What sends this process a signal, or several, once the log has come to a step."""

    def on_record(record: dict[str, Any]) -> None:
        if record["step"] == step:
            for _ in range(times):
                os.kill(os.getpid(), number)
                time.sleep(0.001)

    return on_record


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: dict[str, Any],
) -> Run:
    out = tmp_path_factory.mktemp("undisturbed")
    return train(tiny_source, tiny_schedule, out=out, **tiny_options)


@pytest.mark.parametrize("times", [1, 2])  # timeout, say, tells a process and then its group
@pytest.mark.parametrize("number", then_slow([signal.SIGTERM], [signal.SIGINT]))
def test_after_a_signal(
    tmp_path: Path,
    undisturbed: Run,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: dict[str, Any],
    number: int,
    times: int,
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        train(
            tiny_source,
            tiny_schedule,
            out=tmp_path,
            on_record=interrupts(6, number, times),
            **tiny_options,
        )
    assert signal.getsignal(number) is before
    assert load_run(tmp_path).step == 7  # the step after the record, done and saved
    run = train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options)
    assert run.step == 12
    assert bits(tmp_path) == bits(undisturbed.path)


def test_what_is_drawn_against_overfitting_is_the_step_s(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any]
) -> None:
    network = {**tiny_options["network"], "dropout": 0.2}
    options = {**tiny_options, "network": network, "random_flip": True}
    train(tiny_source, tiny_schedule, out=tmp_path / "once", **options)
    train(tiny_source, tiny_schedule, out=tmp_path / "twice", **{**options, "steps": 7})
    train(tiny_source, tiny_schedule, out=tmp_path / "twice", **options)
    assert bits(tmp_path / "once") == bits(tmp_path / "twice")
    plain = {**tiny_options, "random_flip": True}
    assert bits(train(tiny_source, tiny_schedule, out=tmp_path / "c", **plain).path) != bits(
        tmp_path / "once"
    )


def test_after_damage_from_an_earlier_checkpoint(
    tmp_path: Path,
    undisturbed: Run,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: dict[str, Any],
) -> None:
    train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options)
    newest, *_ = checkpoint_paths(tmp_path)
    newest.write_bytes(newest.read_bytes()[:-1])
    with pytest.warns(UserWarning, match="passed over"):
        run = train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options)
    assert bits(tmp_path) == bits(undisturbed.path)
    # The log was cut back to the checkpoint gone on from, and says the same again.
    assert without_clock(run.log) == without_clock(undisturbed.log)


def test_with_other_steps_between_checkpoints_and_other_threads(
    tmp_path: Path,
    undisturbed: Run,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: dict[str, Any],
) -> None:
    threads = torch.get_num_threads()
    train(tiny_source, tiny_schedule, out=tmp_path, **{**tiny_options, "steps": 3})
    torch.set_num_threads(threads + 1)
    try:
        options = {**tiny_options, "checkpoint_every": 4, "log_every": 1, "keep": 1}
        run = train(tiny_source, tiny_schedule, out=tmp_path, **options)
        assert torch.get_num_threads() == threads + 1
    finally:
        torch.set_num_threads(threads)
    assert run.config["threads"] == threads
    assert bits(tmp_path) == bits(undisturbed.path)
    assert len(checkpoint_paths(tmp_path)) == 1


def test_more_steps_go_on(
    tmp_path: Path,
    undisturbed: Run,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: dict[str, Any],
) -> None:
    train(tiny_source, tiny_schedule, out=tmp_path, **{**tiny_options, "steps": 4})
    run = train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options)
    assert run.config["steps"] == 12
    assert bits(tmp_path) == bits(undisturbed.path)


def test_a_finished_run_is_returned_untouched(
    undisturbed: Run, tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any]
) -> None:
    def stamps() -> dict[str, int]:
        return {p.name: p.stat().st_mtime_ns for p in undisturbed.path.iterdir()}

    before = stamps()
    seen: list[dict[str, Any]] = []
    run = train(
        tiny_source, tiny_schedule, out=undisturbed.path, on_record=seen.append, **tiny_options
    )
    assert (run.step, seen, stamps()) == (12, [], before)


def test_fewer_steps_than_done_are_refused(
    undisturbed: Run, tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any]
) -> None:
    with pytest.raises(InputError, match=r"12 steps already, more than the 5 .*another --out"):
        train(tiny_source, tiny_schedule, out=undisturbed.path, **{**tiny_options, "steps": 5})


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"batch": 5},
        {"network": {"name": "unet", "width": 16, "multipliers": [1, 2]}},
        {"preconditioning": "component"},
        {"loss": "bound"},
        {"learning_rate": 1e-3},
        {"ema_half_life": 5.0},
        {"held_out": 0.0},
        {"warmup": 3},
        {"precision": "float32"},
        {"ema": "power"},
        {"accumulate": 2},
        {"compile": True},
        {"known": 0.5},
        {"random_flip": True},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_run_in_the_same_folder_is_refused(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: dict[str, Any],
    change: dict[str, Any],
) -> None:
    options = {**tiny_options, "steps": 0, "precision": "bfloat16"}
    train(tiny_source, tiny_schedule, out=tmp_path, **options)
    (name,) = change
    with pytest.raises(InputError) as caught:
        train(tiny_source, tiny_schedule, out=tmp_path, **{**options, **change})
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(tmp_path), f"a run with {name} ", "not ", "another --out"):
        assert word in message
    if name != "network":
        assert str(change[name]) in message


def test_another_schedule_or_other_data_are_refused(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any]
) -> None:
    options = {**tiny_options, "steps": 0}
    train(tiny_source, tiny_schedule, out=tmp_path, **options)
    other = replace(tiny_schedule, pace=tiny_schedule.pace + 0.1)
    with pytest.raises(InputError, match=r"a run with schedule .*another --out"):
        train(tiny_source, other, out=tmp_path, **options)
    with pytest.raises(InputError, match=r"a run with fingerprint .*another --out"):
        train(tiny_source.split(0.5)[0], tiny_schedule, out=tmp_path, **options)


def test_a_second_process_in_the_folder_is_refused(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any]
) -> None:
    with sole_user(tmp_path), pytest.raises(InputError, match="another process"):
        train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options)
    assert train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options).step == 12


def test_a_run_of_an_earlier_version_goes_on(
    tmp_path: Path,
    undisturbed: Run,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: dict[str, Any],
) -> None:
    train(tiny_source, tiny_schedule, out=tmp_path, **{**tiny_options, "steps": 5})
    file = tmp_path / "config.json"
    config = json.loads(file.read_text())
    for name in ADDED:
        del config[name]
    file.write_text(json.dumps(config))
    train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options)
    assert bits(tmp_path) == bits(undisturbed.path)


@pytest.mark.parametrize(
    "change",
    [
        {"accumulate": 3, "batch": 7},
        {"network": torch.nn.Dropout},
        *(
            pytest.param(change, marks=pytest.mark.slow)
            for change in (
                {"ema": "power"},
                {"known": 0.5},
                {"loss": "octave"},
                {"compile": True, "network": SMALLEST},
            )
        ),
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_ways_to_train_are_resumed_exactly_too(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: dict[str, Any],
    change: dict[str, Any],
) -> None:
    if change.get("compile") and shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    options = {**tiny_options, **change, "steps": 8}
    if change.get("network") is torch.nn.Dropout:
        options["network"] = Brought(dropout=0.5)
    train(tiny_source, tiny_schedule, out=tmp_path / "whole", **options)
    with pytest.raises(KeyboardInterrupt):
        train(
            tiny_source,
            tiny_schedule,
            out=tmp_path / "cut",
            on_record=interrupts(2, signal.SIGTERM),
            **options,
        )
    assert load_run(tmp_path / "cut").step == 3
    train(tiny_source, tiny_schedule, out=tmp_path / "cut", **options)
    assert bits(tmp_path / "cut") == bits(tmp_path / "whole")
