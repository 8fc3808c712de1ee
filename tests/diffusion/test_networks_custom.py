"""Networks that are brought along: any module, and diffusers' UNet2DModel."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from spectra.data import Source
from spectra.diffusion import Run, load_run, train
from spectra.diffusion.networks import (
    Custom,
    CustomConfig,
    Inputs,
    custom_network,
    make_network,
    network_config,
    network_record,
)
from spectra.errors import InputError
from spectra.schedule import Schedule
from tests.diffusion.test_networks import batch

DIFFUSERS: dict[str, Any] = {
    "name": "diffusers",
    "block_out_channels": [8, 16],
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
    "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "norm_num_groups": 4,
}


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


# diffusers


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 5, 7), (1, 1, 6)], ids=str)
def test_diffusers_by_name_is_its_own_network(shape: tuple[int, ...]) -> None:
    pytest.importorskip("diffusers")
    config = network_config(DIFFUSERS)
    assert network_config(json.loads(json.dumps(network_record(config)))) == config
    network = make_network(config, shape, Inputs(maps=1, labels=3)).eval()
    x, level = batch(shape)
    maps, label = torch.ones(3, 1, *shape[1:]), torch.tensor([0, 1, 2])
    out = network(x, level, None, maps, label)
    assert out.shape == x.shape
    for other in (
        network(x, level, None, 0 * maps, label),
        network(x, level, None, maps),
        network(x, level / 2, None, maps, label),
    ):
        assert (other - out).abs().max() > 1e-4
    if shape == (1, 8, 8):
        plain = make_network(config, shape).eval()
        theirs = plain.unet(x, 999 * level).sample  # pyright: ignore[reportCallIssue]
        assert torch.equal(plain(x, level), theirs)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"block_out_channel": [8]}, "no option 'block_out_channel'"),
        ({"in_channels": 3}, "in_channels follows from the data"),
        ({"norm_num_groups": 5}, "refuses its options"),
        ({"down_block_types": ["DownBlock2D"]}, "refuses its options"),
        ({"act_fn": object()}, "must fit JSON"),
    ],
)
def test_wrong_diffusers_options_are_one_line(options: dict[str, Any], words: str) -> None:
    pytest.importorskip("diffusers")
    with pytest.raises(InputError, match=words) as caught:
        make_network(network_config({**DIFFUSERS, **options}), (1, 8, 8))
    assert "\n" not in str(caught.value)


def test_diffusers_takes_no_vector_and_no_series() -> None:
    pytest.importorskip("diffusers")
    with pytest.raises(InputError, match=r"use unet or dit"):
        make_network(network_config(DIFFUSERS), (1, 8, 8), Inputs(vector=3))
    with pytest.raises(InputError, match=r"use unet or dit"):
        make_network(network_config(DIFFUSERS), (1, 64))


def test_without_diffusers_the_mend_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "diffusers.models.unets.unet_2d", None)
    with pytest.raises(InputError, match=r"pip install"):
        make_network(network_config("diffusers"), (1, 8, 8))


def test_a_diffusers_module_can_be_brought_along() -> None:
    diffusers = pytest.importorskip("diffusers")
    options = {key: value for key, value in DIFFUSERS.items() if key != "name"}
    unet = diffusers.UNet2DModel(in_channels=1, out_channels=1, num_class_embeds=4, **options)
    network = custom_network(unet, times="timestep", labels="class_labels")
    x, level = batch((1, 8, 8))
    label = torch.tensor([0, 1, 3])
    theirs = unet(x, 999 * level, class_labels=label).sample
    assert torch.equal(network(x, level, label=label), theirs)


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


def test_diffusers_by_name_trains_and_is_opened_again(
    tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("diffusers")
    run = trained(tiny_source, tiny_schedule, tiny_options, network=DIFFUSERS, out=tmp_path / "run")
    x, level = batch((1, 8, 8))
    opened = load_run(tmp_path / "run").network()
    assert torch.equal(opened(x, level), run.network()(x, level))
