"""Draws: the same whatever is drawn beside or before them."""

import numpy as np
import pytest
import torch
from scipy import stats

from spectra.diffusion.randomness import (
    SAMPLING,
    SCORING,
    Draws,
    derived_seed,
    normal,
    training_draws,
    uniform,
)

SHAPE = (2, 5, 7)


def assert_same(a: Draws, b: Draws) -> None:
    for name in ("noise", "rounding", "quantile"):
        assert torch.equal(getattr(a, name), getattr(b, name)), name


def test_two_ranks_draw_what_one_would() -> None:
    whole = training_draws(3, 11, range(8), 8, SHAPE)
    for rank in range(2):
        own = slice(4 * rank, 4 * rank + 4)
        part = training_draws(3, 11, range(8)[own], 8, SHAPE)
        assert torch.equal(part.noise, whole.noise[own])
        assert torch.equal(part.rounding, whole.rounding[own])
        assert torch.equal(part.quantile, whole.quantile[own])


def test_order_and_company_do_not_matter() -> None:
    whole = training_draws(3, 11, range(8), 8, SHAPE)
    some = training_draws(3, 11, np.array([6, 1]), 8, SHAPE)
    assert torch.equal(some.noise, whole.noise[[6, 1]])
    assert torch.equal(some.quantile, whole.quantile[[6, 1]])
    assert_same(training_draws(3, 11, range(8), 8, SHAPE), whole)
    larger = training_draws(3, 11, range(8), 64, SHAPE)  # the batch sets times and places alone
    assert torch.equal(larger.noise, whole.noise)


def test_seed_step_index_and_purpose_tell_draws_apart() -> None:
    first = normal(SAMPLING, 0, 0, [0, 1], SHAPE)
    others = [
        first[1],
        normal(SAMPLING, 1, 0, [0], SHAPE)[0],
        normal(SAMPLING, 2**32, 0, [0], SHAPE)[0],
        normal(SAMPLING, 0, 1, [0], SHAPE)[0],
        normal(SCORING, 0, 0, [0], SHAPE)[0],
        training_draws(0, 0, [0], 1, SHAPE).noise[0],
    ]
    for other in others:
        assert (first[0] != other).all()
    ranks = stats.norm.cdf(normal(SCORING, 0, 0, [0], (4000,))[0].numpy())
    flat = uniform(SCORING, 0, 0, [0], (4000,))[0].numpy()
    assert abs(np.corrcoef(ranks, flat)[0, 1]) < 0.06


def test_laws() -> None:
    draws = training_draws(0, 0, range(64), 64, (1, 16, 16))
    assert draws.noise.dtype == draws.rounding.dtype == torch.float32
    assert stats.kstest(draws.noise.numpy().ravel(), "norm").pvalue > 1e-3
    assert stats.kstest(draws.rounding.numpy().ravel() + 0.5, "uniform").pvalue > 1e-3
    assert draws.rounding.min() >= -0.5
    assert draws.rounding.max() < 0.5


def test_times_are_even_within_a_step_and_uniform_over_steps() -> None:
    steps = np.stack([training_draws(5, s, range(16), 16, (1,)).quantile for s in range(400)])
    assert ((steps >= 0) & (steps < 1)).all()
    np.testing.assert_allclose(np.diff(np.sort(steps, axis=1), axis=1), 1 / 16, atol=1e-12)
    assert stats.kstest(steps[:, 0], "uniform").pvalue > 1e-3


def test_numbers_without_a_shape() -> None:
    drawn = uniform(SCORING, 0, 2, [4, 9], ())
    assert drawn.shape == (2,)
    assert drawn[1] == uniform(SCORING, 0, 2, [9], ())[0]


def test_the_bits_that_torch_keeps_of_a_derived_seed_depend_on_all_of_it() -> None:
    seeds = (0, 1, -1, 1 << 40, (1 << 63) - 1)
    found = {
        derived_seed(seed, step, rank) % 2**32
        for seed in seeds
        for step in range(50)
        for rank in range(3)
    }
    assert len(found) == len(seeds) * 50 * 3


@pytest.mark.parametrize("seed", [-1, 2**64 + 5])
def test_any_whole_number_is_a_seed(seed: int) -> None:
    assert torch.isfinite(normal(SAMPLING, seed, 0, [0], SHAPE)).all()
