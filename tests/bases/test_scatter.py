"""Streamed moments: what numpy says of all at once, in any parts and any order."""

import numpy as np
import pytest

from spectra import InputError
from spectra.bases import ScatterAccumulator, ScatterMoments
from spectra.bases.scatter import EXACT_UP_TO, SKETCH_COLUMNS, probed, random_signs


def examples(n: int = 300, size: int = 40, seed: int = 0) -> np.ndarray:
    """Correlated, far from zero: what a plain sum of squares loses its digits on."""
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((size, size)) / np.arange(1, size + 1)
    return rng.standard_normal((n, size)) @ mixing + 1e3


def gathered(x: np.ndarray, parts: int, columns: int | None = None) -> ScatterMoments:
    accumulator = ScatterAccumulator(x.shape[1], columns)
    for batch in np.array_split(x, parts):
        accumulator.add(batch)
    return accumulator.result()


def same(a: ScatterMoments, b: ScatterMoments, rtol: float = 1e-12) -> None:
    assert a.n == b.n
    for ours, theirs in ((a.mean, b.mean), (a.square, b.square), (a.scatter, b.scatter)):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=rtol * np.abs(theirs).max())


@pytest.mark.parametrize("parts", [1, 7, 300])
def test_it_is_numpys_covariance(parts: int) -> None:
    x = examples()
    moments = gathered(x, parts)
    expected = np.cov(x.T)
    np.testing.assert_allclose(moments.mean, x.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(moments.covariance(), expected, atol=1e-12 * expected.max())
    np.testing.assert_allclose(moments.variance, np.diag(expected), rtol=1e-11)
    assert (moments.scatter == moments.scatter.T).all()


@pytest.mark.parametrize("columns", [None, 8])
def test_merging_ten_parts_equals_one_pass(columns: int | None) -> None:
    x = examples()
    whole = gathered(x, 1, columns)
    parts = [gathered(part, 2, columns) for part in np.array_split(x, 10)]
    for order in (range(10), reversed(range(10))):
        merged = ScatterMoments.zero(x.shape[1], columns)
        for i in order:
            merged = merged + parts[i]
        same(merged, whole)
    left, right = parts[0] + parts[1], parts[2] + parts[3]
    same(left + right, ((parts[0] + parts[1]) + parts[2]) + parts[3])


def test_a_sketch_is_the_scatter_times_the_signs() -> None:
    x = examples()
    sketch, whole = gathered(x, 3, 8), gathered(x, 3)
    assert not sketch.exact
    assert whole.exact
    expected = whole.scatter @ random_signs(40, 8)
    np.testing.assert_allclose(sketch.scatter, expected, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(sketch.square, np.diag(whole.scatter), rtol=1e-11)


def test_merging_with_nothing_changes_nothing() -> None:
    moments, nothing = gathered(examples(), 3), ScatterMoments.zero(40)
    same(moments + nothing, moments, 1e-15)
    same(nothing + moments, moments, 1e-15)
    assert (nothing + nothing).n == 0


def test_what_was_handed_out_does_not_change_later() -> None:
    x = examples()
    accumulator = ScatterAccumulator(40)
    accumulator.add(x[:100])
    first = accumulator.result()
    kept = first.scatter.copy()
    accumulator.add(x[100:])
    np.testing.assert_array_equal(first.scatter, kept)
    assert first.n == 100
    same(accumulator.result(), gathered(x, 1))


def test_single_precision_and_shaped_examples_are_summed_in_double() -> None:
    x = examples().astype(np.float32)
    accumulator = ScatterAccumulator(40)
    accumulator.add(x.reshape(-1, 2, 4, 5))
    moments = accumulator.result()
    assert moments.scatter.dtype == np.float64
    same(moments, gathered(x.astype(np.float64), 1))
    assert x.dtype == np.float32
    listed = ScatterAccumulator(2)
    listed.add([[1, 2], [3, 5]])  # pyright: ignore[reportArgumentType]
    assert listed.result().mean.tolist() == [2, 3.5]
    integers = np.random.default_rng(0).integers(0, 255, (50, 40), dtype=np.uint8)
    same(gathered(integers, 2), gathered(integers.astype(np.float64), 1))


@pytest.mark.parametrize("columns", [None, 8])
def test_tables_round_trip_to_the_bit(columns: int | None) -> None:
    moments = gathered(examples(), 3, columns)
    tables = moments.tables()
    assert all(table.dtype == np.float64 for table in tables.values())
    back = ScatterMoments.from_tables(tables)
    assert isinstance(back.n, int)
    same(back, moments, 0)
    with pytest.raises(KeyError, match="scatter"):
        ScatterMoments.from_tables({k: v for k, v in tables.items() if k != "scatter"})


def test_large_examples_are_sketched() -> None:
    assert ScatterMoments.zero(EXACT_UP_TO).exact
    assert ScatterMoments.zero(EXACT_UP_TO + 1).scatter.shape == (EXACT_UP_TO + 1, SKETCH_COLUMNS)


def test_signs_are_fixed_for_ever_and_balanced() -> None:
    """Parts measured anywhere must have been multiplied by the same matrix."""
    signs = random_signs(20_000, 16)
    assert signs[:4, :6].tolist() == [
        [-1, 1, 1, -1, -1, -1],
        [-1, -1, -1, -1, 1, 1],
        [1, 1, -1, -1, -1, -1],
        [-1, 1, -1, -1, -1, -1],
    ]
    assert set(np.unique(signs)) == {-1, 1}
    gram = signs.T.astype(float) @ signs / 20_000
    assert np.abs(gram - np.eye(16)).max() < 5 / np.sqrt(20_000)
    x = np.random.default_rng(0).standard_normal((3, 20_000))
    np.testing.assert_allclose(probed(x, 16), x @ signs, atol=1e-10)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e200])
def test_values_that_have_no_square_are_refused_and_leave_the_rest(bad: float) -> None:
    x = examples()
    accumulator = ScatterAccumulator(40)
    accumulator.add(x)
    broken = x.copy()
    broken[3, 5] = bad
    with pytest.raises(InputError, match="not finite"):
        accumulator.add(broken)
    same(accumulator.result(), gathered(x, 1))


def test_wrong_sizes_are_refused() -> None:
    accumulator = ScatterAccumulator(40)
    with pytest.raises(InputError, match="40 numbers"):
        accumulator.add(np.zeros((3, 41)))
    with pytest.raises(InputError, match="do not add"):
        _ = ScatterMoments.zero(40) + ScatterMoments.zero(41)
    with pytest.raises(InputError, match="do not add"):
        _ = ScatterMoments.zero(40) + ScatterMoments.zero(40, 8)
    with pytest.raises(InputError, match="at least 1"):
        ScatterAccumulator(0)
    with pytest.raises(InputError, match="at least 2"):
        gathered(examples(1), 1).covariance()
    accumulator.add(np.zeros((0, 40)))
    assert accumulator.result().n == 0
