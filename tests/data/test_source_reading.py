"""Reading a source in one pass: what a batch holds, what damage does, what is kept."""

import pickle
import tracemalloc
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.data import Source, open_source
from spectra.data.patches import Windows
from spectra.data.stores import PixelCache
from spectra.errors import InputError

Write = Callable[..., Path]
Picture = Callable[..., np.ndarray]


@pytest.fixture
def folder(write: Write, picture: Picture) -> Path:
    """Six pictures of different sizes, number 3 cut short behind its header."""
    for number in range(6):
        path = write(f"{number}.png", picture(20 + 3 * number, 24 + number, seed=number))
    whole = (path / "3.png").read_bytes()
    (path / "3.png").write_bytes(whole[: len(whole) // 2])
    return path


def whole_of(source: Source, **options: int) -> tuple[np.ndarray, np.ndarray]:
    parts = list(source.read(**options))
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("batch_size", [1, 4, 1000])
def test_read_gives_every_example_once_with_its_unit(
    folder: Path, batch_size: int, workers: int
) -> None:
    source = open_source(folder, size=8)
    values, units = whole_of(source, batch_size=batch_size, workers=workers)
    good = np.flatnonzero(source.file_index != 3)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(units, source.file_index[good])
    np.testing.assert_array_equal(values, source.examples(good))
    assert list(source.damage) == ["3.png"]
    np.testing.assert_array_equal(np.concatenate(list(source.batches(5))), values)


def test_parts_of_a_source_are_read_alone(folder: Path) -> None:
    source = open_source(folder, size=8)
    values, units = whole_of(source)
    parts = [whole_of(source, start=start, stop=start + 2) for start in (0, 2, 4)]
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), values)
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), units)
    assert list(source.read(2, 2)) == list(source.read(3, 4)) == list(source.read(5, 2)) == []
    assert len(whole_of(source, start=5)[0]) == source.windows.counts[5]
    for wrong in ({"batch_size": 0}, {"workers": 0}):
        with pytest.raises(InputError, match="give 1 or more"):
            next(source.read(**wrong))


def test_one_pass_decodes_each_file_once_and_keeps_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spectra.data import image_store

    calls: list[int] = []
    original = image_store.decode

    def decode(file: object, grey: bool) -> np.ndarray:
        calls.append(1)
        return original(file, grey)

    monkeypatch.setattr(image_store, "decode", decode)
    source = open_source(folder, size=4)
    list(source.read(batch_size=3))
    assert len(calls) == 6
    assert not source.store.cache._kept


def test_memory_does_not_grow_with_the_files(write: Write, picture: Picture) -> None:
    def peak(source: Source) -> int:
        tracemalloc.start()
        for _ in source.read(batch_size=4):
            pass
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    for number in range(60):
        folder = write(f"{number}.png", picture(128, 128, seed=number))
    source = open_source(folder)
    few, _ = source.split(0.7)
    peak(few)
    assert peak(source) < 1.05 * peak(few)


def test_examples_of_a_damaged_file_name_it(folder: Path) -> None:
    source = open_source(folder, size=8)
    at = int(np.flatnonzero(source.file_index == 3)[0])
    with pytest.raises(InputError, match=r"pictures: 3\.png .*; mend the file or take it away"):
        source.examples([0, at])


def test_which_examples_are_readable(folder: Path) -> None:
    source = open_source(folder, size=8)
    every = range(len(source))
    np.testing.assert_array_equal(source.readable(every), source.file_index != 3)
    assert source.readable([]).shape == (0,)


def test_some_examples_pass_over_damage(folder: Path) -> None:
    source = open_source(folder, size=8)
    shown = source.some(12)
    assert shown.shape == (5, 1, 8, 8)
    np.testing.assert_array_equal(shown, source.some(6))
    assert source.some(3).shape == (3, 1, 8, 8)
    middle = source.file_index.searchsorted(5) + source.windows.counts[5] // 2
    np.testing.assert_array_equal(shown[-1], source.examples([middle])[0])
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:60])
    assert open_source(folder, size=8).some(3).shape == (0, 1, 8, 8)


def test_damage_changes_no_other_draw(folder: Path, picture: Picture) -> None:
    from PIL import Image

    damaged = open_source(folder, size=8).draw(1, 2, range(200))
    again = open_source(folder, size=8)
    list(again.batches())  # what is known of the damage before makes no difference
    np.testing.assert_array_equal(again.draw(1, 2, range(200)), damaged)
    np.testing.assert_array_equal(again.draw(1, 2, [7, 150]), damaged[[7, 150]])
    Image.fromarray(picture(29, 27, seed=3)).save(folder / "3.png")
    mended = open_source(folder, size=8)
    drawn = mended.draw(1, 2, range(200))
    numbers = [
        int(np.random.Philox(key=[1, 0], counter=[0, 0, 2, index]).random_raw(1)[0])
        * mended.windows.positions
        >> 64
        for index in range(200)
    ]
    file, _ = mended.windows.placed(np.array(numbers))
    assert 10 < (file == 3).sum() < 100
    np.testing.assert_array_equal(drawn[file != 3], damaged[file != 3])
    assert not np.isclose(drawn[file == 3], damaged[file == 3]).all((1, 2, 3)).any()


def test_draws_from_damage_alone_end(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match=r"\d\.png .*; mend the file"):
        open_source(folder, size=8).draw(0, 0, range(4))


def test_units_of_a_group_lie_together(write: Write, picture: Picture, tmp_path: Path) -> None:
    for number in range(5):
        write(f"{number}.png", picture(16, 16, seed=number))
    text = '[[location]]\nfolder = "pictures"\n'
    for number in range(5):
        group = f'\ngroup = "{"odd" if number % 2 else "even"}"'
        text += f'\n[[location.files]]\npath = "{number}.png"{group}\n'
    (tmp_path / "set.toml").write_text(text)
    source = open_source(tmp_path / "set.toml")
    assert source.files == ["even", "odd"]
    assert source.file_index.tolist() == [0, 0, 0, 1, 1]
    values, units = whole_of(source, batch_size=2)
    assert units.tolist() == [0, 0, 0, 1, 1]
    wanted = [picture(16, 16, seed=number) for number in (0, 2, 4, 1, 3)]
    np.testing.assert_array_equal(np.rint((values[:, 0] + 1) * 127.5), wanted)


def sent(source: Source) -> tuple[Source, int]:
    packed = pickle.dumps(source)
    return pickle.loads(packed), len(packed)


def test_a_source_travels_without_its_pixels(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    for place in (folder, tmp_path / "set.zip"):
        source = open_source(place, size=8)
        expected, _ = whole_of(source)
        before = sent(source)[1]
        drawn = source.draw(0, 0, range(9))
        copy, size = sent(source)
        assert size == before
        np.testing.assert_array_equal(copy.draw(0, 0, range(9)), drawn)
        np.testing.assert_array_equal(whole_of(copy)[0], expected)
        assert copy.fingerprint == source.fingerprint


@pytest.mark.parametrize("last", [False, True])
def test_a_memory_mapped_array_travels_by_its_path(tmp_path: Path, last: bool) -> None:
    array = np.random.default_rng(0).integers(0, 256, (400, 16, 16, 3), np.uint8)
    array = array if last else np.ascontiguousarray(np.moveaxis(array, 3, 1))
    np.save(tmp_path / "set.npy", array)
    source = open_source(tmp_path / "set.npy")
    copy, size = sent(source)
    assert size < 30_000 < array.nbytes
    np.testing.assert_array_equal(whole_of(copy)[0], whole_of(source)[0])
    assert copy.fingerprint == source.fingerprint
    part = sent(source.split(0.3)[1])[0]
    np.testing.assert_array_equal(part.examples([2]), source.split(0.3)[1].examples([2]))
    in_memory = sent(open_source(array))[0]
    np.testing.assert_array_equal(whole_of(in_memory)[0], whole_of(source)[0])


def test_series_along_one_axis() -> None:
    array = np.random.default_rng(0).standard_normal((5, 100)).astype(np.float32)
    source = open_source(array, view="series", spacing=0.25)
    assert source.shape == (1, 100)
    assert source.spacing == (0.25,)
    assert source.settings["size"] == [100]
    np.testing.assert_array_equal(whole_of(source)[0][:, 0], array)
    tiles = open_source(np.stack([array, -array], 1), view="series", size=30)
    assert tiles.shape == (2, 30)
    assert len(tiles) == 15
    np.testing.assert_array_equal(tiles.examples([4])[0, 0], array[1, 35:65])
    assert open_source(tiles, view="series", size=30) is tiles
    assert tiles.draw(0, 0, range(3)).shape == (3, 2, 30)
    again = open_source(np.stack([array, -array], 1), **tiles.settings)
    assert again.fingerprint == tiles.fingerprint
    with pytest.raises(InputError, match="size 8x8 is not for examples of 1 axes"):
        open_source(array, view="series", size=(8, 8))
    with pytest.raises(InputError, match=r"wanted rank 2 \[N, T\]"):
        open_source(array[0], view="series")


def test_spacing_of_pictures(folder: Path) -> None:
    plain = open_source(folder, size=8)
    assert plain.spacing == (1.0, 1.0)
    assert plain.axis_units == ("pixel", "pixel")
    assert "spacing" not in plain.settings
    spaced = open_source(folder, size=8, spacing=(2, 0.5))
    assert spaced.spacing == (2.0, 0.5)
    assert spaced.axis_units == ("unit", "unit")
    assert open_source(folder, **spaced.settings).fingerprint == spaced.fingerprint
    assert open_source(folder, size=8, spacing=3).spacing == (3.0, 3.0)
    assert open_source(spaced, spacing=(2, 0.5)) is spaced
    for wrong in (0, -1, float("nan"), float("inf"), "far", (1, 2, 3), []):
        with pytest.raises(InputError, match="is no spacing"):
            open_source(folder, spacing=wrong)
    with pytest.raises(InputError, match="holds images"):
        open_source(folder, view="waveform")
    with pytest.raises(InputError, match="rate is for sound"):
        open_source(folder, rate=8000)
    with pytest.raises(InputError, match="channels stereo is for sound"):
        open_source(folder, channels="stereo")


@given(
    st.lists(st.integers(4, 60), min_size=1, max_size=6),
    st.integers(1, 4),
    st.booleans(),
)
def test_windows_along_one_axis(sizes: list[int], size: int, patches: bool) -> None:
    windows = Windows(np.array(sizes)[:, None], (size,), patches)
    file, corner = windows.tiles(np.arange(len(windows)))
    ends = corner[:, 0] + size
    assert ((corner[:, 0] >= 0) & (ends <= np.array(sizes)[file])).all()
    for number, own in enumerate(sizes):
        mine = corner[file == number, 0]
        assert len(mine) == (own // size if patches else 1)
        assert (np.diff(mine) == size).all()
        left, right = mine[0], own - mine[-1] - size
        assert abs(left - right) <= 1
        assert windows.span(number, number + 1) == (
            int((file < number).sum()),
            int((file <= number).sum()),
        )
    assert windows.positions == (sum(own - size + 1 for own in sizes) if patches else len(sizes))


def test_threads_read_one_zip(tmp_path: Path, picture: Picture) -> None:
    import io

    from PIL import Image

    with zipfile.ZipFile(tmp_path / "set.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(40):
            file = io.BytesIO()
            Image.fromarray(picture(32, 32, seed=number)).save(file, "PNG")
            archive.writestr(f"{number:02d}.png", file.getvalue())
    source = open_source(tmp_path / "set.zip")
    values, units = whole_of(source, batch_size=16, workers=4)
    assert units.tolist() == list(range(40))
    wanted = [picture(32, 32, seed=number) for number in range(40)]
    np.testing.assert_array_equal(np.rint((values[:, 0] + 1) * 127.5), wanted)


@pytest.mark.parametrize("shape", [(16, 24), (16, 24, 3)])
@pytest.mark.parametrize("deep", [False, True])
def test_the_compiled_pass_is_exact(write: Write, shape: tuple[int, ...], deep: bool) -> None:
    """What is streamed is to the last bit what is read at random, by numpy."""
    rng = np.random.default_rng(0)
    deep = deep and len(shape) == 2
    pixels = rng.integers(0, 65536 if deep else 256, shape).astype(np.uint16 if deep else np.uint8)
    folder = write("a.png", pixels)
    for options in ({}, {"size": 8}, {"size": 8, "value_range": (-3.0, 70000.0)}):
        source = open_source(folder, **options)
        values, _ = whole_of(source)
        np.testing.assert_array_equal(values, source.examples(range(len(source))))


def test_the_cache_counts_right_when_threads_meet() -> None:
    """Training draws ahead in a thread while scores read the same source."""
    cache = PixelCache(lambda file: np.full(10, file, np.uint8), limit=35)
    wrong: list[int] = []

    def read(seed: int) -> None:
        for file in np.random.default_rng(seed).integers(0, 6, 2000).tolist():
            if (cache.pixels(file) != file).any():
                wrong.append(file)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(8)))
    assert not wrong
    assert cache._bytes == 10 * len(cache._kept) <= 35
    copy = pickle.loads(pickle.dumps(PixelCache(np.zeros, 7)))
    assert (copy.limit, copy._bytes) == (7, 0)
