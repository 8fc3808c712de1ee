"""Networks that are brought along: any module."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from spectra.data import Source
from spectra.diffusion import Run, load_run, train
from spectra.diffusion.checkpoint import checkpoint_paths, read_checkpoint, write_checkpoint
from spectra.diffusion.networks import (
    Custom,
    CustomConfig,
    custom_network,
    make_network,
    network_config,
    network_record,
)
from spectra.errors import InputError
from spectra.schedule import Schedule
from tests.diffusion.test_networks import batch


class Line(nn.Module):
    """a x + b t + label."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(2.0))
        self.b = nn.Parameter(torch.tensor(3.0))

    def forward(self, x: torch.Tensor, t: torch.Tensor, kind: torch.Tensor | int = 0) -> Any:
        shift = self.b * t + kind
        return self.a * x + shift.reshape(-1, *[1] * (x.ndim - 1))


class State(Line):
    """Takes all that a network may be told."""

    def forward(
        self, x: Any, t: Any, vector: Any = None, maps: Any = None, label: Any = None
    ) -> Any:
        out = super().forward(x, t)
        return out if vector is None else out + vector.sum() + maps.sum() + label.sum()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 7), (2, 9), (1, 2, 3, 4), ()], ids=str)
def test_a_module_is_taken_as_it_is_in_every_shape(shape: tuple[int, ...]) -> None:
    x, level = batch(shape)
    module = Line()
    made = make_network(network_config(module), shape, module=module)
    assert torch.equal(made(x, level), module(x, level))
    told = custom_network(module, times="timestep")
    assert torch.equal(told(x, level), module(x, 999 * level))


def test_a_copy_is_trained() -> None:
    module = Line()
    made = make_network(CustomConfig.of(module), (1, 8), module=module)
    with torch.no_grad():
        next(made.parameters()).fill_(7.0)
    assert module.a.item() == 2.0
    assert {name for name, _ in made.named_parameters()} == {"module.a", "module.b"}


def test_its_record_survives_json_and_asks_for_the_module() -> None:
    config = network_config(custom_network(Line, times="timestep", labels="kind"))
    record = json.loads(json.dumps(network_record(config)))
    assert record["name"] == "custom"
    assert (record["class"], record["parameters"]) == ("Line", 2)
    assert network_config(record) == config
    with pytest.raises(InputError, match=r"Line: was brought along.*network="):
        make_network(config, (1, 8))
    with pytest.raises(InputError, match=r"times level.* is not .* times timestep"):
        make_network(config, (1, 8), module=Line())
    with pytest.raises(InputError, match=r"Linear of 6 weights.* is not the Line of 2"):
        make_network(network_config(Line()), (1, 8), module=nn.Linear(2, 2))
    with pytest.raises(InputError, match=r"unet; leave network= out"):
        make_network(network_config("unet"), (1, 8, 8), module=Line())


def test_labels_and_states_reach_a_module_that_takes_them() -> None:
    x, level = batch((1, 4))
    label = torch.tensor([0, 1, 2])
    by_name = custom_network(Line(), labels="kind")
    torch.testing.assert_close(
        by_name(x, level, label=label) - by_name(x, level), label[:, None, None].float() + 0 * x
    )
    vector, maps = torch.ones(3, 2), torch.ones(3, 1, 4)
    found = Custom(State())(x, level, vector, maps, label) - Custom(State())(x, level)
    torch.testing.assert_close(found, torch.full_like(x, 6 + 12 + 3), atol=1e-4, rtol=1e-5)
    for told in ((vector, None, None), (None, maps, None), (None, None, label)):
        with pytest.raises(InputError, match=r"Line: takes no noise state"):
            Custom(Line())(x, level, *told)
    with pytest.raises(InputError, match=r"Line: takes no noise state"):
        by_name(x, level, vector, None, label)


class Tail(nn.Linear):
    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return super().forward(x)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (nn.Identity(), "Identity: has no weights"),
        (nn.Sequential(nn.Conv1d(1, 1, 1), nn.BatchNorm1d(1)), "batch norms.*GroupNorm"),
        (Line().double(), "float64.*float"),
        (lambda: 3, "int: is no torch.nn.Module"),
        (4, "int: is no torch.nn.Module"),
    ],
)
def test_what_cannot_be_trained_is_one_line(network: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        custom_network(network)
    assert "\n" not in str(caught.value)


def test_another_shape_or_no_tensor_is_one_line() -> None:
    x, level = batch((1, 4))
    with pytest.raises(InputError, match=r"Tail: gives \(3, 1, 5\) for \(3, 1, 4\)"):
        custom_network(Tail(4, 5))(x, level)
    with pytest.raises(InputError, match=r"times 'steps'"):
        custom_network(Line(), times="steps")  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=r"give the torch.nn.Module itself"):
        network_config("custom")


# Trained


def trained(source: Source, schedule: Schedule, options: dict[str, Any], **more: Any) -> Run:
    return train(source, schedule, **{**options, "steps": 4, **more})


class Small(nn.Module):
    """A convolution of x and t."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2, 1, 3, padding=1)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.mix(torch.cat([x, t[:, None, None, None].expand_as(x)], dim=1))


def test_a_module_trains_resumes_and_is_opened_again(
    tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any], tmp_path: Path
) -> None:
    module = Small()
    first = module.mix.weight.clone()
    more = {"network": module, "out": tmp_path / "run"}
    run = trained(tiny_source, tiny_schedule, tiny_options, **more)
    assert torch.equal(module.mix.weight, first)
    assert run.config["network"]["class"] == "Small"
    once = trained(tiny_source, tiny_schedule, tiny_options, network=module, out=tmp_path / "once")
    again = trained(tiny_source, tiny_schedule, tiny_options, **more, steps=6)
    whole = trained(
        tiny_source, tiny_schedule, tiny_options, network=module, out=tmp_path / "whole", steps=6
    )
    x, level = batch((1, 8, 8))
    learnt = run.network()(x, level)
    assert torch.equal(once.network()(x, level), learnt)
    assert torch.equal(again.network()(x, level), whole.network()(x, level))
    assert not torch.equal(module(x, level), learnt)
    opened = load_run(tmp_path / "once", network=Small())
    assert torch.equal(opened.network()(x, level), learnt)
    with pytest.raises(InputError, match=r"Small: was brought along"):
        load_run(tmp_path / "once").network()
    with pytest.raises(InputError, match=r"Line .* is not the Small"):
        load_run(tmp_path / "once", network=Line()).network()
    with pytest.raises(InputError, match=r"holds a run with network"):
        trained(tiny_source, tiny_schedule, tiny_options, network=Line(), out=tmp_path / "once")


class Volume(Small):
    """A convolution of x and t as a volume of two slices."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv3d(1, 1, (2, 3, 3), padding=(0, 1, 1))

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.mix(torch.stack([x, t[:, None, None, None].expand_as(x)], dim=2))[:, :, 0]


def test_a_module_of_volumes_trains_and_is_opened_again(
    tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any], tmp_path: Path
) -> None:
    run = trained(tiny_source, tiny_schedule, tiny_options, network=Volume(), out=tmp_path)
    x, level = batch((1, 8, 8))
    opened = load_run(tmp_path, network=Volume()).network()
    assert torch.equal(opened(x, level), run.network()(x, level))


class Kept(Small):
    """What it keeps beside its weights changes as it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.utils.parametrizations.spectral_norm(self.mix)
        self.norm = nn.InstanceNorm2d(1, track_running_stats=True)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.norm(super().forward(x, t))


def test_what_a_module_keeps_beside_its_weights_is_resumed_and_used(
    tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any], tmp_path: Path
) -> None:
    options = {**tiny_options, "network": Kept()}
    for name, steps in (("parted", 4), ("parted", 8), ("whole", 8)):
        run = trained(tiny_source, tiny_schedule, options, out=tmp_path / name, steps=steps)
    parted, whole = (checkpoint_paths(tmp_path / name)[0] for name in ("parted", "whole"))
    assert parted.read_bytes() == whole.read_bytes()
    learnt = dict(load_run(tmp_path / "whole", network=Kept()).network().named_buffers())
    assert not torch.equal(learnt["module.norm.running_var"], torch.ones(1))
    for name, buffer in run.network().named_buffers():
        assert torch.equal(buffer, learnt[name])


def test_a_checkpoint_without_what_a_module_keeps_is_read(
    tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any], tmp_path: Path
) -> None:
    """As earlier versions wrote them."""
    module = Kept()
    run = trained(tiny_source, tiny_schedule, tiny_options, network=module, out=tmp_path)
    found = read_checkpoint(checkpoint_paths(run.path)[0])
    write_checkpoint(run.path, replace(found, buffers={}))
    old = load_run(tmp_path, network=module).network()
    assert torch.equal(old.get_buffer("module.norm.running_var"), torch.ones(1))
    more = trained(tiny_source, tiny_schedule, tiny_options, network=module, out=tmp_path, steps=6)
    assert more.step == 6


def test_buffers_that_no_file_holds_are_refused() -> None:
    module = Small()
    module.register_buffer("coarse", torch.zeros(2, dtype=torch.bfloat16))
    with pytest.raises(InputError, match=r"Small: has buffers in torch.bfloat16.*persistent"):
        custom_network(module)
