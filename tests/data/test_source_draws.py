"""Draws, splits, fingerprints and memory: what a source promises to training."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra.data import Source, open_source
from spectra.data.draws import shuffled, uniform_integers
from spectra.errors import InputError

Write = Callable[..., Path]
Picture = Callable[..., np.ndarray]
KEYS = st.tuples(st.integers(-(2**63), 2**64), st.integers(0, 2**32))


@pytest.fixture
def folder(write: Write, picture: Picture) -> Path:
    """Five pictures of different sizes, each of values of its own."""
    for number in range(5):
        pixels = picture(20 + 3 * number, 24 + number, seed=number) // 8 + 40 * number
        path = write(f"{number}.png", pixels)
    return path


@given(KEYS, st.integers(0, 10**6), st.lists(st.integers(0, 10**6), max_size=8), st.data())
def test_a_number_depends_on_its_own_index_alone(
    key: tuple[int, int], step: int, indices: list[int], data: st.DataObject
) -> None:
    bound = data.draw(st.integers(1, 2**50))
    together = uniform_integers(key, step, indices, bound)
    alone = [int(uniform_integers(key, step, [index], bound)[0]) for index in indices]
    assert together.tolist() == alone
    assert ((together >= 0) & (together < bound)).all()


def test_numbers_are_philox() -> None:
    words = np.random.Philox(key=[7, 3], counter=[0, 0, 11, 5]).random_raw(1)
    assert (
        uniform_integers((7, 3), np.int64(11), np.array([5]), 1000)[0] == int(words[0]) * 1000 >> 64
    )


def test_numbers_are_uniform_and_differ() -> None:
    numbers = uniform_integers((0, 0), 3, range(20000), 50)
    counts = np.bincount(numbers, minlength=50)
    assert ((counts - 400) ** 2 / 400).sum() < 85.4  # chi-squared, 49 degrees, 99.9 %
    large = [
        uniform_integers(key, step, range(4), 2**62).tolist()
        for key in ((0, 0), (1, 0), (0, 1))
        for step in (0, 1)
    ]
    assert len({number for row in large for number in row}) == 24


@given(KEYS, st.integers(1, 200))
def test_shuffled_is_a_permutation(key: tuple[int, int], count: int) -> None:
    order = shuffled(key, count)
    assert sorted(order.tolist()) == list(range(count))
    np.testing.assert_array_equal(order, shuffled(key, count))


def test_draws_do_not_depend_on_the_batch(folder: Path) -> None:
    source = open_source(folder, size=8)
    batch = source.draw(1, 5, range(16))
    assert batch.shape == (16, 1, 8, 8)
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(source.draw(1, 5, [9, 2]), batch[[9, 2]])
    np.testing.assert_array_equal(open_source(folder, size=8).draw(1, 5, np.arange(16)), batch)
    for other in (source.draw(2, 5, range(16)), source.draw(1, 6, range(16))):
        assert not np.array_equal(other, batch)
    assert not np.array_equal(open_source(folder, size=8, seed=1).draw(1, 5, range(16)), batch)
    assert source.draw(0, 0, []).shape == (0, 1, 8, 8)


def test_draws_fall_on_any_position_and_weigh_files_by_them(folder: Path) -> None:
    source = open_source(folder, size=16, crop="patches")
    drawn = source.draw(0, 0, range(2000))
    owner = ((drawn.mean((1, 2, 3)) + 1) * 127.5 // 40).astype(int)
    positions = np.array([(20 + 3 * n - 15) * (24 + n - 15) for n in range(5)])
    expected = 2000 * positions / positions.sum()
    counts = np.bincount(owner, minlength=5)
    assert ((counts - expected) ** 2 / expected).sum() < 18.5  # 4 degrees, 99.9 %
    tiles = {tile.tobytes() for tile in source.examples(range(len(source)))}
    assert sum(example.tobytes() in tiles for example in drawn) < 100  # not the grid alone
    assert len({example.tobytes() for example in drawn}) > 350


def test_draws_of_whole_examples() -> None:
    array = np.arange(7, dtype=np.float32)[:, None, None] * np.ones((7, 4, 4), np.float32)
    drawn = open_source(array).draw(0, 0, range(700))[:, 0, 0, 0]
    assert (np.bincount(drawn.astype(int)) > 60).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 40), st.floats(0.01, 0.99), st.integers(0, 1000))
def test_split_parts_the_units(count: int, held_out: float, seed: int) -> None:
    source = open_source(np.arange(count)[:, None, None] * np.ones((count, 4, 4)))
    train, away = source.split(held_out, seed)
    assert sorted([*train.files, *away.files], key=int) == [str(n) for n in range(count)]
    assert len(away.files) == min(max(round(held_out * count), 1), count - 1)
    for part in (train, away):
        numbers = next(part.batches(count))[:, 0, 0, 0].astype(int)
        assert [str(number) for number in numbers] == list(part.files)
        np.testing.assert_array_equal(part.file_index, np.arange(len(part)))
    again, _ = source.split(held_out, seed)
    assert again.files == train.files
    assert again.fingerprint == train.fingerprint != away.fingerprint


def test_split_is_by_file_never_by_patch(folder: Path) -> None:
    source = open_source(folder, size=8)
    train, held_out = source.split(0.4, seed=2)
    assert len(train.files) == 3
    assert len(held_out.files) == 2
    assert len(train) + len(held_out) == len(source)
    owners = []
    for part in (train, held_out):
        values = (np.concatenate(list(part.batches())).mean((1, 2, 3)) + 1) * 127.5 // 40
        names = [part.files[unit] for unit in part.file_index]
        assert names == [f"{int(value)}.png" for value in values]
        drawn = (part.draw(0, 0, range(200)).mean((1, 2, 3)) + 1) * 127.5 // 40
        assert {f"{int(value)}.png" for value in drawn} == set(part.files)
        owners.append(set(names))
    assert not owners[0] & owners[1]
    assert train.store is source.store is held_out.store
    assert train.split(0.3)[0].shape == source.shape


def test_splits_that_cannot_be(folder: Path) -> None:
    source = open_source(folder)
    for share in (0, 1, -0.2, 2):
        with pytest.raises(InputError, match="between 0 and 1"):
            source.split(share)
    with pytest.raises(InputError, match="at least 2 files"):
        open_source(np.zeros((1, 8, 8))).split()
    with pytest.raises(InputError, match="batch size 0"):
        next(source.batches(0))


def test_an_open_source_passes_through(folder: Path) -> None:
    source = open_source(folder, size=8, channels="grey")
    assert open_source(source) is source
    assert open_source(source, size=8) is source
    assert open_source(source, **source.settings) is source
    with pytest.raises(InputError, match="is open with another size"):
        open_source(source, size=16)


def test_fingerprint_tells_content_and_settings_apart(folder: Path, picture: Picture) -> None:
    from PIL import Image

    first = open_source(folder, size=8).fingerprint
    moved = folder.rename(folder.parent / "elsewhere")
    assert open_source(moved, size=8).fingerprint == first
    assert open_source(moved, size=16).fingerprint != first
    assert open_source(moved, size=8, channels="red").fingerprint != first
    Image.fromarray(picture(20, 24, seed=9)).save(moved / "0.png")
    changed = open_source(moved, size=8).fingerprint
    assert changed != first
    (moved / "0.png").rename(moved / "00.png")
    assert open_source(moved, size=8).fingerprint not in (first, changed)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count the files decoded."""
    from spectra.data import image_store

    calls: list[int] = []
    original = image_store.decode

    def decode(file, grey):
        calls.append(1)
        return original(file, grey)

    monkeypatch.setattr(image_store, "decode", decode)
    return calls


def use(source: Source) -> list[np.ndarray]:
    train, held_out = source.split(0.4)
    return [train.draw(0, 0, range(20)), held_out.draw(0, 0, range(5)), next(train.batches(9))]


def test_opening_decodes_nothing_and_each_file_is_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counting(monkeypatch)
    source = open_source(folder, size=8)
    assert source.fingerprint
    assert calls == []
    source.examples(range(len(source)))
    source.draw(0, 0, range(50))
    assert len(calls) == 5


def test_more_pixels_than_memory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = use(open_source(folder, size=8))
    monkeypatch.setattr("spectra.data.stores.MEMORY_LIMIT", 1500)
    calls = counting(monkeypatch)
    source = open_source(folder, size=8)
    for found, wanted in zip(use(source), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert len(calls) > 5
    kept = source.store.cache._kept
    assert sum(pixels.nbytes for pixels in kept.values()) <= 1500


def test_a_source_can_be_sent_to_another_process(folder: Path, tmp_path: Path) -> None:
    import zipfile

    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    for place in (folder, path):
        source = open_source(place, size=8)
        copy = pickle.loads(pickle.dumps(source))
        np.testing.assert_array_equal(copy.draw(0, 0, range(4)), source.draw(0, 0, range(4)))
        assert copy.fingerprint == source.fingerprint
