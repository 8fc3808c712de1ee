"""Checkpoints: exact to the bit, whole or not there at all, and of one run alone."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from spectra.diffusion.checkpoint import (
    Checkpoint,
    checkpoint_paths,
    latest,
    read_checkpoint,
    schedule_digest,
    write_checkpoint,
)
from spectra.diffusion.ema import Ema
from spectra.diffusion.networks import UNetConfig, make_network
from spectra.errors import InputError
from spectra.files import read_tables
from spectra.schedule import Schedule
from tests.hostile_schedules import parts, rewrite

SETTINGS = {"network": {"name": "unet"}, "shape": [1, 8, 8], "schedule": "abc"}


def state(seed: int = 0) -> tuple[torch.nn.Module, Ema, torch.optim.AdamW]:
    """A network, its average and its optimiser after three steps."""
    torch.manual_seed(seed)
    network = make_network(UNetConfig(width=8, multipliers=(1, 2)), (1, 8, 8))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, fused=True)
    ema = Ema(network, 50.0)
    for step in range(3):
        x = torch.randn(2, 1, 8, 8)
        (network(x, torch.rand(2)) - x).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        ema.update(seen=100 * step, images=2)
    return network, ema, optimizer


def checkpoint(step: int = 3, seed: int = 0) -> Checkpoint:
    return Checkpoint.of(step, SETTINGS, *state(seed))


def same(a: Checkpoint, b: Checkpoint) -> bool:
    groups = ("weights", "averaged", "first", "second", "buffers")
    return (a.step, a.settings) == (b.step, b.settings) and all(
        getattr(a, group).keys() == getattr(b, group).keys()
        and all(v.tobytes() == getattr(b, group)[k].tobytes() for k, v in getattr(a, group).items())
        for group in groups
    )


def test_round_trip_is_exact(tmp_path: Path) -> None:
    made = checkpoint()
    name = next(iter(made.weights))
    odd = np.array([-0.0, 1e-42, np.float32(1) / 3, -np.inf], np.float32)
    made.weights[name].reshape(-1)[:4] = odd
    read = read_checkpoint(write_checkpoint(tmp_path, made))
    assert same(read, made)
    assert read.weights[name].reshape(-1)[:4].tobytes() == odd.tobytes()


def test_equal_states_give_equal_files_without_clock_or_place(tmp_path: Path) -> None:
    first = write_checkpoint(tmp_path / "a", checkpoint())
    second = write_checkpoint(tmp_path / "b", checkpoint())
    assert first.read_bytes() == second.read_bytes()
    _, settings = read_tables(first, "checkpoint", major=1)
    assert settings == {"step": 3, **SETTINGS}


def test_restored_state_goes_on_as_the_first(tmp_path: Path) -> None:
    network, ema, optimizer = state()
    write_checkpoint(tmp_path, Checkpoint.of(3, SETTINGS, network, ema, optimizer))
    torch.manual_seed(99)
    other = make_network(UNetConfig(width=8, multipliers=(1, 2)), (1, 8, 8))
    restored = (other, Ema(other, 50.0), torch.optim.AdamW(other.parameters(), 1e-2, fused=True))
    found = latest(tmp_path)
    assert found is not None
    found.restore(*restored, tmp_path)
    after = []
    for net, average, adam in ((network, ema, optimizer), restored):
        x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(5))
        (net(x, torch.tensor([0.1, 0.9])) - x).square().mean().backward()
        adam.step()
        average.update(seen=300, images=2)
        after.append(Checkpoint.of(4, SETTINGS, net, average, adam))
    assert same(*after)


def test_before_the_first_step_the_moments_are_zero() -> None:
    network = make_network(UNetConfig(width=8, multipliers=(1,)), (1, 8, 8))
    made = Checkpoint.of(
        0, SETTINGS, network, Ema(network, 1.0), torch.optim.AdamW(network.parameters())
    )
    assert all(not table.any() for table in [*made.first.values(), *made.second.values()])
    assert made.weights.keys() == made.first.keys()


def test_keeps_the_newest(tmp_path: Path) -> None:
    for step in (5, 7, 90, 100_000_000):
        write_checkpoint(tmp_path, checkpoint(step), keep=3)
    assert [path.name for path in checkpoint_paths(tmp_path)] == [
        "checkpoint-100000000.safetensors",
        "checkpoint-00000090.safetensors",
        "checkpoint-00000007.safetensors",
    ]


@pytest.mark.parametrize("keep", [1, 2])
def test_a_damaged_later_one_costs_no_good_one(tmp_path: Path, keep: int) -> None:
    write_checkpoint(tmp_path, checkpoint(10), keep)
    later = write_checkpoint(tmp_path, checkpoint(20), keep=2)
    later.write_bytes(later.read_bytes()[:-100])
    write_checkpoint(tmp_path, checkpoint(15), keep)
    found = latest(tmp_path)
    assert found is not None
    assert found.step == 15
    assert len(checkpoint_paths(tmp_path)) == keep


def test_damaged_files_and_leftovers_are_passed_over(tmp_path: Path) -> None:
    good = write_checkpoint(tmp_path, checkpoint(5), keep=9)
    payload = good.read_bytes()
    (tmp_path / "checkpoint-00000009.safetensors").write_bytes(payload[: len(payload) // 2])
    (tmp_path / "checkpoint-00000008.safetensors").write_bytes(b"")
    (tmp_path / ".checkpoint-00000010.safetensors.part").write_bytes(payload[:100])
    (tmp_path / "checkpoint-last.safetensors").write_bytes(payload)
    with pytest.warns(UserWarning, match="passed over"):
        found = latest(tmp_path)
    assert found is not None
    assert found.step == 5


@pytest.mark.parametrize("damage", ["table", "group", "no step", "step"])
def test_parts_that_are_none_of_a_checkpoint_are_damage(tmp_path: Path, damage: str) -> None:
    write_checkpoint(tmp_path, checkpoint(5), keep=9)
    tables, header = parts(write_checkpoint(tmp_path, checkpoint(9), keep=9))
    if damage == "table":
        tables["weightsx"] = np.zeros(3)
    elif damage == "group":
        tables["weighus/x"] = np.zeros(3)
    elif damage == "no step":
        del header["settings"]["step"]
    else:
        header["settings"]["step"] = [9]
    rewrite(tmp_path / "checkpoint-00000009.safetensors", tables, header)
    with pytest.warns(UserWarning, match=r"checkpoint-00000009\.safetensors: .*passed over"):
        found = latest(tmp_path)
    assert found is not None
    assert found.step == 5


def test_an_empty_folder_has_none(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    assert latest(tmp_path / "absent") is None


@pytest.mark.parametrize("where", ["replace", "fsync"])
def test_a_write_that_fails_leaves_the_old_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    write_checkpoint(tmp_path, checkpoint(5))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, where, fails)
    with pytest.raises(InputError, match="No space left on device"):
        write_checkpoint(tmp_path, checkpoint(6), keep=1)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_write_cut_short_is_not_taken_for_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint(tmp_path, checkpoint(5))

    class Killed(BaseException):
        pass

    def killed(*_: Any) -> None:
        raise Killed

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(Killed):
        write_checkpoint(tmp_path, checkpoint(6))
    monkeypatch.undo()
    found = latest(tmp_path)
    assert found is not None
    assert found.step == 5
    write_checkpoint(tmp_path, checkpoint(6))
    assert [path.name for path in tmp_path.glob(".*")] == []


@pytest.mark.parametrize("name", ["network", "shape", "schedule"])
def test_checkpoint_of_another_run_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=f"another {name}.*another --out"):
        checkpoint().check({**SETTINGS, name: "other"}, Path("runs/a"))
    checkpoint().check(json.loads(json.dumps(SETTINGS)), Path("runs/a"))


def test_digest_sees_what_training_depends_on(tiny_schedule: Schedule) -> None:
    digest = schedule_digest(tiny_schedule)
    assert schedule_digest(replace(tiny_schedule, name="other", explanation={})) == digest
    for change in (
        {"variance": tiny_schedule.variance * (1 + 1e-15)},
        {"pace": tiny_schedule.pace + 1e-9},
        {"form": "ve"},
        {"coverage": 0.123},
    ):
        assert schedule_digest(replace(tiny_schedule, **change)) != digest
