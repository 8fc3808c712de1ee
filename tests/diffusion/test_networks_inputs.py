"""What networks are told besides the level: noise states as numbers and maps, class labels."""

import copy
import hashlib

import pytest
import torch

from spectra.diffusion.networks import (
    DiTConfig,
    InBfloat16,
    Inputs,
    NetworkConfig,
    UNetConfig,
    make_network,
)
from spectra.diffusion.networks.norms import GroupNorm, layout_keeping_norm
from spectra.errors import InputError
from tests.diffusion.test_networks import awake, batch

KINDS = [
    UNetConfig(width=8, multipliers=(1, 2), attention=(1,)),
    DiTConfig(width=16, depth=2, heads=2, patch=2),
]
SHAPES = [(1, 8, 8), (3, 9, 6), (2, 1, 7), (2, 13)]
ALL = Inputs(vector=3, maps=2, labels=4)

Told = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


def told(shape: tuple[int, ...], inputs: Inputs = ALL, examples: int = 3) -> Told:
    """A noise state's vector and maps in [-1, 1], and labels."""
    generator = torch.Generator().manual_seed(5)
    vector = 2 * torch.rand(examples, inputs.vector, generator=generator) - 1
    maps = 2 * torch.rand(examples, inputs.maps, *shape[1:], generator=generator) - 1
    return vector, maps, torch.randint(inputs.labels, (examples,), generator=generator)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("config", KINDS, ids=repr)
def test_all_of_it_reaches_the_output_and_every_weight(
    config: NetworkConfig, shape: tuple[int, ...]
) -> None:
    network = make_network(config, shape, ALL)
    x, level = batch(shape)
    vector, maps, label = told(shape)
    assert torch.equal(network(x, level, vector, maps, label), torch.zeros_like(x))
    out = awake(network)(x, level, vector, maps, label)
    assert out.shape == x.shape
    others = [
        network(x, level, vector + 0.01, maps, label),
        network(x, level, vector, maps + 0.01, label),
        network(x, level, vector, maps, (label + 1) % 4),
    ]
    for other in others:
        assert (other - out).flatten(1).abs().amax(1).min() > 1e-5
    out.square().sum().backward()
    for name, weight in network.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


@pytest.mark.parametrize("config", KINDS, ids=repr)
def test_no_label_is_the_last_one(config: NetworkConfig) -> None:
    network = awake(make_network(config, (1, 8, 8), Inputs(labels=4)))
    x, level = batch((1, 8, 8))
    none = network(x, level)
    assert torch.equal(none, network(x, level, label=torch.full((3,), 4)))
    assert not torch.equal(none, network(x, level, label=torch.full((3,), 3)))
    mixed = network(x, level, label=torch.tensor([4, 0, 4]))
    torch.testing.assert_close(mixed[::2], none[::2], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("config", KINDS, ids=repr)
def test_a_small_step_of_a_state_is_seen_beside_a_large_one(config: NetworkConfig) -> None:
    torch.manual_seed(0)
    network = awake(make_network(config, (1, 8, 8), Inputs(vector=2)))
    x, level = batch((1, 8, 8), 1)
    states = torch.tensor([[-1.0, 0.3], [1.0, 0.3], [0.0, 0.3], [0.002, 0.3]])
    low, high, middle, near = network(x.expand(4, -1, -1, -1), level.expand(4), states)
    apart, step = (high - low).abs().max(), (near - middle).abs().max()
    assert 0.002 < step / apart < 1


def test_maps_act_where_they_are() -> None:
    network = awake(
        make_network(UNetConfig(width=8, multipliers=(1,)), (1, 24, 24), Inputs(maps=1))
    )
    x, level = batch((1, 24, 24), 1)
    maps = torch.zeros(2, 1, 24, 24)
    maps[1, 0, 4, 5] = 1.0
    # Norms see every place: of the change, most is near.
    change = network(x.expand(2, -1, -1, -1), level.expand(2), None, maps).diff(dim=0)[0, 0].abs()
    assert change.argmax() in [24 * row + column for row in range(9) for column in range(1, 10)]
    assert change[12:, 12:].max() < 0.2 * change.max()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"maps": torch.zeros(3, 1, 8, 8)}, "made for 0 maps .* given 1"),
        ({"vector": torch.zeros(3, 2)}, "without a vector"),
        ({"label": torch.zeros(3, dtype=torch.int64)}, "without class labels"),
    ],
    ids=str,
)
@pytest.mark.parametrize("config", KINDS, ids=repr)
def test_what_it_was_not_made_for_is_refused(
    config: NetworkConfig, given: dict[str, torch.Tensor], words: str
) -> None:
    x, level = batch((1, 8, 8))
    with pytest.raises(InputError, match=words):
        make_network(config, (1, 8, 8))(x, level, **given)


@pytest.mark.parametrize("config", KINDS, ids=repr)
def test_what_it_was_made_for_is_asked_for(config: NetworkConfig) -> None:
    x, level = batch((1, 8, 8))
    vector, maps, _ = told((1, 8, 8))
    network = make_network(config, (1, 8, 8), ALL)
    with pytest.raises(InputError, match=r"2 maps .* given 0"):
        network(x, level, vector)
    with pytest.raises(InputError, match=r"3 numbers, given None"):
        network(x, level, None, maps)
    with pytest.raises(InputError, match=r"3 numbers, given .5,."):
        network(x, level, torch.zeros(3, 5), maps)


@pytest.mark.parametrize(("name", "value"), [("labels", -1), ("maps", 1.0), ("vector", True)])
def test_wrong_sizes_are_one_line(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"{name} .* whole number from 0"):
        Inputs(**{name: value})


@pytest.mark.parametrize("config", KINDS, ids=repr)
def test_inputs_add_weights_and_leave_the_others(config: NetworkConfig) -> None:
    plain = {n: w.shape for n, w in make_network(config, (1, 8, 8)).named_parameters()}
    more = make_network(config, (1, 8, 8), Inputs(vector=3, labels=4))
    assert plain.items() <= {n: w.shape for n, w in more.named_parameters()}.items()
    # Names and shapes in checkpoints that were written before there were inputs.
    digest = hashlib.sha256(repr([(n, tuple(s)) for n, s in plain.items()]).encode()).hexdigest()
    written = {UNetConfig: "9897202c441c98b0", DiTConfig: "d341eb550651cd4b"}
    assert digest[:16] == written[type(config)]  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("config", KINDS, ids=repr)
def test_bfloat16_passes_on_what_is_told(config: NetworkConfig) -> None:
    network = awake(make_network(config, (1, 8, 8), ALL))
    x, level = batch((1, 8, 8))
    state = told((1, 8, 8))
    exact, rough = network(x, level, *state), InBfloat16(network)(x, level, *state).float()
    assert 0 < (exact - rough).abs().max() < 0.1 * exact.abs().max()


def test_series_and_images_of_one_row_are_the_same_to_a_dit() -> None:
    config = DiTConfig(width=16, depth=1, heads=2, patch=2)
    series = awake(make_network(config, (2, 13)))
    x, level = batch((2, 13))
    row = make_network(DiTConfig(width=16, depth=1, heads=2, patch=1), (4, 1, 7))
    row.load_state_dict(series.state_dict())
    pairs = torch.nn.functional.pad(x, (0, 1)).unflatten(2, (7, 2))  # [B, C, 7, 2]
    folded = pairs.transpose(2, 3).flatten(1, 2)[:, :, None]  # [B, C 2, 1, 7]
    back = row(folded, level)[:, :, 0].unflatten(1, (2, 2)).transpose(2, 3).flatten(2)[..., :13]
    torch.testing.assert_close(series(x, level), back, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("config", KINDS, ids=repr)
def test_volumes_have_no_network(config: NetworkConfig) -> None:
    with pytest.raises(InputError, match=r"images \(C, H, W\) and series .* \(1, 4, 4, 4\)"):
        make_network(config, (1, 4, 4, 4))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
@pytest.mark.parametrize("shape", [(2, 16, 5, 3), (1, 8, 1, 1), (3, 24, 1, 7)], ids=str)
def test_norm_in_parts_is_torchs_and_keeps_the_layout(
    shape: tuple[int, ...], layout: torch.memory_format
) -> None:
    generator = torch.Generator().manual_seed(4)
    norm = GroupNorm(shape[1] // 8, shape[1])
    with torch.no_grad():
        norm.weight.normal_(generator=generator)
        norm.bias.normal_(generator=generator)
    x = (100 + torch.randn(shape, generator=generator)).to(memory_format=layout)
    x.requires_grad_()
    ours = layout_keeping_norm(x, norm.num_groups, norm.weight, norm.bias)
    assert ours.is_contiguous(memory_format=layout)
    exact = copy.deepcopy(norm).double()
    peer = x.detach().double().contiguous().requires_grad_()
    theirs = exact(peer)
    torch.testing.assert_close(ours.double(), theirs, atol=1e-4, rtol=1e-4)
    upstream = torch.randn(shape, generator=generator)
    wanted = torch.autograd.grad(theirs, [peer, exact.weight, exact.bias], upstream.double())
    found = torch.autograd.grad(ours, [x, norm.weight, norm.bias], upstream)
    for mine, right in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine.double(), right, atol=1e-4, rtol=1e-4)
    half = layout_keeping_norm(x.detach().bfloat16(), norm.num_groups, norm.weight, norm.bias)
    assert half.dtype is torch.bfloat16
    assert half.is_contiguous(memory_format=layout)
