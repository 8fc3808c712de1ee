"""Draws made on the device: Philox's published numbers, and a function of what they are for."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats

from spectra.diffusion.device_draws import device_draws, philox
from spectra.diffusion.randomness import FAMILY, Draws, step_shifts, training_draws

SHAPE = (1, 5, 7)


@pytest.mark.parametrize(
    ("counter", "key", "words"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            (0xFFFFFFFF,) * 4,
            (0xFFFFFFFF,) * 2,
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_words_are_the_published_ones(
    counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]
) -> None:
    a, b, c, d = (torch.tensor([word]) for word in counter)
    assert tuple(philox((a, b, c, d), key)[0].tolist()) == words


def test_an_examples_numbers_depend_on_it_alone() -> None:
    whole = device_draws(3, 9, range(8), 8, SHAPE, "cpu")
    part = device_draws(3, 9, [6, 2], 8, SHAPE, "cpu")
    for name in ("noise", "rounding", "quantile", "choice"):
        assert torch.equal(getattr(part, name), getattr(whole, name)[[6, 2]]), name
    for other in (
        device_draws(4, 9, range(8), 8, SHAPE, "cpu"),
        device_draws(3, 10, range(8), 8, SHAPE, "cpu"),
        device_draws(3 + (1 << 32), 9, range(8), 8, SHAPE, "cpu"),
    ):
        for name in ("noise", "rounding", "choice"):
            assert not torch.isclose(getattr(other, name), getattr(whole, name)).any(), name


def test_what_is_there_already_changes_nothing() -> None:
    whole = device_draws(3, 9, range(8), 8, SHAPE, "cpu")
    there = device_draws(3, 9, torch.arange(8), 8, SHAPE, "cpu", step_shifts(3, 9, 8))
    for name in ("noise", "rounding", "quantile", "choice"):
        assert torch.equal(getattr(there, name), getattr(whole, name)), name


def test_they_are_as_spread_as_they_should_be() -> None:
    draws = device_draws(0, 0, range(400), 400, (1, 31, 17), "cpu")
    assert draws.noise.shape == draws.rounding.shape == (400, 1, 31, 17)
    assert stats.kstest(draws.noise.flatten().numpy(), "norm").pvalue > 0.001
    uniform = stats.uniform(-0.5, 1)
    assert stats.kstest(draws.rounding.flatten().numpy(), uniform.cdf).pvalue > 0.001
    assert stats.kstest(draws.choice.flatten().numpy(), "uniform").pvalue > 0.001
    assert draws.rounding.min() >= -0.5
    assert draws.rounding.max() < 0.5
    # Neighbouring numbers, those of two examples, and the two of a pair, have nothing in common.
    noise = draws.noise.flatten(1).double()
    for a, b in ((noise[:, :-1], noise[:, 1:]), (noise[:-1], noise[1:])):
        assert abs((a * b).mean()) < 5 / a.numel() ** 0.5
    half = noise.shape[1] // 2
    squares = noise**2 - 1
    assert abs((squares[:, :half] * squares[:, half : 2 * half]).mean()) < 0.03


def test_times_are_evenly_spread() -> None:
    quantile = device_draws(0, 5, range(10), 10, SHAPE, "cpu").quantile
    gaps = quantile.sort().values.diff()
    assert quantile.dtype is torch.float64
    assert torch.allclose(gaps, torch.full_like(gaps, 0.1))


@pytest.mark.parametrize("drawn", [training_draws, partial(device_draws, device="cpu")])
def test_places_in_a_family_are_evenly_spread_among_neighbouring_times_too(
    drawn: Callable[..., Draws],
) -> None:
    """By their distance from the uniform law: of random places it is 0.11 and 0.19 on average."""
    whole, parts, first = [], [], set()
    for step in range(20):
        draws = drawn(0, step, range(64), 64, SHAPE)
        place = draws.choice[:, FAMILY][draws.quantile.argsort()].numpy()
        whole.append(stats.kstest(place, "uniform").statistic)
        parts += [stats.kstest(part, "uniform").statistic for part in place.reshape(4, 16)]
        first.add(float(draws.choice[0, FAMILY]))
    assert max(whole) < 0.05
    assert np.mean(parts) < 0.12
    assert stats.kstest(sorted(first), "uniform").pvalue > 0.001  # another place at every step
