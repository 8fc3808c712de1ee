"""Copies of training examples are named; examples that were held out are not."""

import numpy as np
import pytest

import spectra
from spectra.errors import InputError
from spectra.evaluation import nearest_neighbours


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Trained on, held out, and held out besides."""
    source = spectra.open_source("digits")
    values = source.examples(range(1500))
    values = values[np.random.default_rng(0).permutation(len(values))]
    return values[:1000], values[1000:1250], values[1250:1500]


def batches(x: np.ndarray):
    return (x[at : at + 300] for at in range(0, len(x), 300))


def test_new_examples_are_as_far_as_held_out_ones(digits) -> None:
    trained, held_out, new = digits
    found = nearest_neighbours(new, held_out, batches(trained))
    assert found.nearer.low <= 0.5 <= found.nearer.high
    assert len(found.copies) == 0
    assert found.copies_held_out == 0
    assert found.searched == 1000
    assert found.line().startswith("no copy of 1000")


@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_copies_are_named_with_their_originals(digits, noise: float) -> None:
    trained, held_out, new = digits
    rng = np.random.default_rng(1)
    which = np.array([5, 400, 999])
    copied = trained[which] + noise * rng.standard_normal(trained[which].shape)
    samples = np.concatenate([new[:100], copied.astype(np.float32)])
    found = nearest_neighbours(samples, held_out, batches(trained))
    np.testing.assert_array_equal(found.copies, [100, 101, 102])
    np.testing.assert_array_equal(found.originals, which)
    assert "3 of 103" in found.line()
    every = nearest_neighbours(trained[:200], held_out, batches(trained))
    assert len(every.copies) == 200
    assert every.nearer.low > 0.99


def test_distances_are_those_of_every_pair(digits) -> None:
    trained, held_out, new = digits
    found = nearest_neighbours(new[:9], held_out[:9], batches(trained))
    pairs = ((new[:9, None] - trained[None]) ** 2).mean(axis=(2, 3, 4)).min(axis=1)
    np.testing.assert_allclose(found.samples, np.sqrt(pairs), rtol=1e-4)


def test_series_and_few_training_examples() -> None:
    rng = np.random.default_rng(0)
    trained = rng.standard_normal((4, 1, 30))
    found = nearest_neighbours(trained[:1], rng.standard_normal((6, 1, 30)), [trained])
    np.testing.assert_array_equal(found.copies, [0])
    with pytest.raises(InputError, match="3 are needed"):
        nearest_neighbours(trained, trained, [trained[:2]])
    with pytest.raises(InputError, match="against"):
        nearest_neighbours(trained, trained[..., :9], [trained])
