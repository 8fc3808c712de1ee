"""Networks: every shape, exactly 0 at first, and a configuration that survives JSON."""

import json
from typing import Any

import pytest
import torch

from spectra.diffusion.ema import Ema
from spectra.diffusion.networks import (
    DiTConfig,
    InBfloat16,
    NetworkConfig,
    UNetConfig,
    make_network,
    network_config,
    network_record,
    network_text,
)
from spectra.diffusion.networks.attention import attended
from spectra.errors import InputError

SMALL = [
    UNetConfig(width=8, multipliers=(1, 2, 2)),
    UNetConfig(width=8, multipliers=(1, 2), blocks=2, attention=(0, 1)),
    UNetConfig(width=16, multipliers=(1,)),
    DiTConfig(width=16, depth=2, heads=2, patch=2),
    DiTConfig(width=24, depth=1, heads=3, patch=4, expansion=2),
]
SHAPES = [
    *[(1, 8, 8), (3, 9, 13), (2, 5, 16), (4, 7, 4), (1, 1, 6), (1, 1, 7), (1, 1, 1), (1, 3, 1)],
    *[(1, 16), (2, 13), (3, 1), (1, 2)],
]


def awake(network: torch.nn.Module) -> torch.nn.Module:
    """The network with no weight at 0, as after some training."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in network.parameters():
            weight += 0.05 * torch.randn(weight.shape, generator=generator)
    return network


def batch(shape: tuple[int, ...], examples: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(2)
    x = torch.randn(examples, *shape, generator=generator)
    return x, torch.rand(examples, generator=generator)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("config", SMALL, ids=repr)
def test_is_zero_before_training_and_keeps_the_shape(
    config: NetworkConfig, shape: tuple[int, ...]
) -> None:
    network = make_network(config, shape)
    x, level = batch(shape)
    assert network(x, level).shape == x.shape
    assert torch.equal(network(x, level), torch.zeros_like(x))
    assert awake(network)(x, level).abs().min() > 0


@pytest.mark.parametrize("config", SMALL, ids=repr)
def test_gradient_reaches_every_weight_and_the_input(config: NetworkConfig) -> None:
    network = awake(make_network(config, (2, 9, 6)))
    x, level = batch((2, 9, 6))
    x.requires_grad_()
    network(x, level).square().sum().backward()
    assert x.grad is not None
    assert (x.grad.flatten(1).abs().amax(1) > 0).all()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


@pytest.mark.parametrize("config", SMALL, ids=repr)
def test_examples_do_not_see_each_other_but_all_see_their_level(config: NetworkConfig) -> None:
    network = awake(make_network(config, (1, 8, 8)))
    x, level = batch((1, 8, 8), 4)
    together = network(x, level)
    torch.testing.assert_close(network(x[1:3], level[1:3]), together[1:3], atol=1e-5, rtol=1e-4)
    ends = network(x[:1].expand(2, -1, -1, -1), torch.tensor([0.0, 1.0]))
    assert (ends[0] - ends[1]).abs().max() > 1e-3
    near = network(x[:1].expand(2, -1, -1, -1), torch.tensor([0.5, 0.501]))
    assert 0 < (near[0] - near[1]).abs().max() < (ends[0] - ends[1]).abs().max()


def test_dit_tells_places_apart_and_unet_does_not() -> None:
    x, level = torch.ones(1, 1, 16, 16), torch.tensor([0.5])
    dit = awake(make_network(DiTConfig(width=16, depth=1, heads=2, patch=2), (1, 16, 16)))
    patches = torch.nn.functional.unfold(dit(x, level), 2, stride=2)[0].T
    assert torch.pdist(patches).min() > 1e-6
    unet = awake(make_network(UNetConfig(width=8, multipliers=(1,)), (1, 16, 16)))
    inner = unet(x, level)[0, 0, 4:-4, 4:-4]
    torch.testing.assert_close(inner, inner[0, 0].expand_as(inner))


def test_group_norm_keeps_channels_last() -> None:
    network = awake(make_network(UNetConfig(width=16, attention=(1,)), (3, 8, 8)))
    network.to(memory_format=torch.channels_last)
    kept: list[bool] = []
    for module in network.modules():
        if isinstance(module, torch.nn.GroupNorm | torch.nn.Conv2d):
            module.register_forward_hook(
                lambda _, __, out: kept.append(out.is_contiguous(memory_format=torch.channels_last))
            )
    x, level = batch((3, 8, 8))
    network(x.to(memory_format=torch.channels_last), level)
    assert len(kept) > 20
    assert all(kept)


@pytest.mark.parametrize("config", SMALL[::3], ids=repr)
def test_bfloat16_is_near_float32_and_leaves_weights_alone(config: NetworkConfig) -> None:
    network = awake(make_network(config, (1, 8, 8)))
    x, level = batch((1, 8, 8))
    exact, rough = network(x, level), InBfloat16(network)(x, level).float()
    assert 0 < (exact - rough).abs().max() < 0.05 * exact.abs().max()
    assert all(weight.dtype is torch.float32 for weight in network.parameters())


def test_attention_by_products_is_attention() -> None:
    generator = torch.Generator().manual_seed(4)
    given = 3 * torch.randn(4, 2, 2, 9, 8, generator=generator)
    exact = torch.nn.functional.scaled_dot_product_attention(*given[:3])
    torch.testing.assert_close(attended(*given[:3]), exact)
    half = given[:3].bfloat16().requires_grad_()
    rough = attended(*half)
    assert rough.dtype is torch.bfloat16
    torch.testing.assert_close(rough.float(), exact, atol=0.05, rtol=0.05)
    (slope,) = torch.autograd.grad(rough, half, given[3].bfloat16())
    smooth = given[:3].requires_grad_()
    (right,) = torch.autograd.grad(
        torch.nn.functional.scaled_dot_product_attention(*smooth), smooth, given[3]
    )
    torch.testing.assert_close(slope.float(), right, atol=0.25, rtol=0.1)


def test_default_sizes() -> None:
    def weights(name: str) -> int:
        network = make_network(network_config(name), (1, 32, 32))
        return sum(weight.numel() for weight in network.parameters())

    assert 0.3e6 < weights("unet") < 1e6
    assert 0.5e6 < weights("dit") < 2e6


@pytest.mark.parametrize("config", SMALL, ids=repr)
def test_configuration_survives_json(config: NetworkConfig) -> None:
    assert network_config(json.loads(json.dumps(network_record(config)))) == config
    assert network_config(config) is config


@pytest.mark.parametrize("name", ["unet", "dit"])
def test_only_training_drops_numbers_out(name: str) -> None:
    x, level = batch((1, 8, 8), examples=64)
    small = {"name": name, "width": 16}
    plain = awake(make_network(network_config(small), (1, 8, 8)))
    dropping = awake(make_network(network_config({**small, "dropout": 0.3}), (1, 8, 8)))
    dropping.load_state_dict(plain.state_dict())
    with torch.no_grad():
        assert not torch.equal(dropping.train()(x, level), plain(x, level))
        torch.manual_seed(5)
        once = dropping(x, level)
        assert not torch.equal(dropping(x, level), once)  # drawn anew
        torch.manual_seed(5)
        assert torch.equal(dropping(x, level), once)
        assert torch.equal(dropping.eval()(x, level), plain(x, level))
        assert torch.equal(plain.eval()(x, level), plain.train()(x, level))


def test_a_record_says_dropout_where_there_is_any() -> None:
    """Runs from before there was dropout stay what they are."""
    assert "dropout" not in network_record(UNetConfig())
    assert network_record(DiTConfig(dropout=0.2))["dropout"] == 0.2


def test_options_may_follow_the_name() -> None:
    assert network_config("unet:width=64,multipliers=1-2-4,attention=2") == UNetConfig(
        width=64, multipliers=(1, 2, 4), attention=(2,)
    )
    assert network_config("dit:width=64,depth=2") == DiTConfig(width=64, depth=2)


TEXTS = ["unet", "unet:attention=1-2", "dit:depth=2", "unet:dropout=0.1", "dit:dropout=0.25"]


@pytest.mark.parametrize("text", TEXTS)
def test_a_record_of_ours_is_text_again(text: str) -> None:
    config = network_config(text)
    assert network_config(network_text(network_record(config))) == config


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("gan", ["'gan'", "unet, dit"]),
        ({}, ["None", "unet, dit"]),
        (3, ["int", "unet, dit", "torch.nn.Module"]),
        ({"name": "unet", "widht": 8}, ["'widht'", "did you mean width?"]),
        ({"name": "dit", "multipliers": [1]}, ["'multipliers'", "patch"]),
        ({"name": "unet", "width": "8"}, ["width '8'", "one whole number"]),
        ({"name": "unet", "width": True}, ["width True"]),
        ({"name": "unet", "multipliers": 2}, ["multipliers 2", "whole numbers"]),
        ({"name": "unet", "width": 12}, ["width 12", "8"]),
        ({"name": "unet", "multipliers": []}, ["multipliers ()"]),
        ({"name": "unet", "multipliers": [1, 0]}, ["multipliers (1, 0)"]),
        ({"name": "unet", "blocks": 0}, ["blocks 0"]),
        ({"name": "unet", "attention": [3]}, ["attention (3,)", "0 to 2"]),
        ({"name": "dit", "width": 30}, ["width 30", "32"]),
        ({"name": "dit", "depth": 0}, ["depth 0"]),
        ("gan:width=8", ["'gan'", "unet, dit"]),
        ("unet:", ["''", "unet:width=64"]),
        ("unet:width", ["'width'", "unet:width=64"]),
        ("unet:width=", ["'width='", "each option once and numbers"]),
        ("unet:width=8.5", ["width 8.5", "one whole number"]),
        ("unet:multipliers=1-1.5", ["multipliers [1, 1.5]", "whole numbers"]),
        ("unet:dropout=1", ["dropout 1.0 is no share", "from 0 and under 1"]),
        ("dit:dropout=0.1-0.2", ["dropout [0.1, 0.2]", "one number"]),
        ({"name": "unet", "dropout": True}, ["dropout True", "one number"]),
        ({"name": "dit", "dropout": float("nan")}, ["dropout nan"]),
        ("unet:width=8,width=16", ["'width=16'", "once"]),
        ("unet:name=8", ["'name=8'"]),
        ("unet:width=-8", ["'width=-8'"]),
        ("unet:width=" + "9" * 5000, ["cannot be read"]),
        ("unet:width=8-16", ["width [8, 16]", "one whole number"]),
        ("unet:widht=8", ["did you mean width?"]),
        ("dit:depth=0", ["depth 0"]),
    ],
    ids=str,
)
def test_wrong_configuration_is_one_line(network: Any, words: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        network_config(network)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message


# The moving average


def walk(weight: torch.Tensor, steps: int) -> list[torch.Tensor]:
    """Random values for a weight, one a step."""
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(weight.shape, generator=generator) for _ in range(steps)]


def test_average_follows_its_formula() -> None:
    layer = torch.nn.Linear(3, 2, bias=False)
    ema = Ema(layer, half_life=200.0, ramp=0.05)
    images, expected = 50, layer.weight.detach().double().clone()
    for step, value in enumerate(walk(layer.weight, 120)):
        with torch.no_grad():
            layer.weight.copy_(value)
        ema.update(seen=step * images, images=images)
        half_life = min(200.0, 0.05 * step * images)
        beta = 2 ** (-images / half_life) if step else 0.0
        expected = beta * expected + (1 - beta) * value.double()
    torch.testing.assert_close(ema.state_dict()["weight"].double(), expected, atol=1e-6, rtol=1e-6)


def test_half_of_a_jump_is_left_after_the_half_life() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        layer.weight.fill_(0.0)
    ema = Ema(layer, half_life=1000.0)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    for step in range(100):
        ema.update(seen=10**6 + 10 * step, images=10)
    assert ema.state_dict()["weight"].item() == pytest.approx(0.5, abs=1e-5)


def test_average_equals_torchs_own() -> None:
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    network = awake(make_network(SMALL[0], (1, 8, 8)))
    ema = Ema(network, half_life=300.0, ramp=float("inf"))
    decay = 0.5 ** (32 / 300.0)
    peer = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay))
    peer.update_parameters(network)  # its first call copies
    for step in range(5):
        awake(network)
        ema.update(seen=32 * (step + 1), images=32)
        peer.update_parameters(network)
    for name, weight in peer.module.named_parameters():
        torch.testing.assert_close(ema.state_dict()[name], weight, atol=1e-7, rtol=1e-6)


def test_no_half_life_is_no_average() -> None:
    layer = torch.nn.Linear(2, 2)
    ema = Ema(layer, half_life=0.0)
    with torch.no_grad():
        layer.weight.fill_(7.0)
    ema.update(seen=10**6, images=1)
    assert torch.equal(ema.state_dict()["weight"], layer.weight)
