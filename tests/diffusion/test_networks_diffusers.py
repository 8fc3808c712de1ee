"""diffusers' UNet2DModel, by name or brought along."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from spectra.data import Source
from spectra.diffusion import load_run, train
from spectra.diffusion.networks import (
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


@pytest.mark.slow
def test_diffusers_by_name_trains_and_is_opened_again(
    tiny_source: Source, tiny_schedule: Schedule, tiny_options: dict[str, Any], tmp_path: Path
) -> None:
    pytest.importorskip("diffusers")
    options = {**tiny_options, "steps": 4, "network": DIFFUSERS}
    run = train(tiny_source, tiny_schedule, out=tmp_path / "run", **options)
    x, level = batch((1, 8, 8))
    opened = load_run(tmp_path / "run").network()
    assert torch.equal(opened(x, level), run.network()(x, level))
