"""Size, channels, crop and depth of image sources."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from spectra.data import open_source
from spectra.data.images import Header
from spectra.data.options import Options
from spectra.data.patches import Windows
from spectra.data.views import resolve
from spectra.errors import InputError

Write = Callable[..., Path]
Picture = Callable[..., np.ndarray]


def raw(examples: np.ndarray, top: int = 255) -> np.ndarray:
    """From [-1, 1] back to the integers."""
    return np.rint((examples.astype(np.float64) + 1) * top / 2).astype(int)


def test_files_of_one_size_are_whole(write: Write, picture: Picture) -> None:
    pictures = [picture(12, 20, 3, seed=number) for number in range(3)]
    for number, pixels in enumerate(pictures):
        folder = write(f"{number}.png", pixels)
    source = open_source(folder)
    assert source.shape == (3, 12, 20)
    assert source.settings == {
        "size": [12, 20],
        "channels": "rgb",
        "crop": "none",
        "view": "pixels",
        "seed": 0,
        "value_range": None,
    }
    batches = list(source.batches(2))
    assert [batch.shape for batch in batches] == [(2, 3, 12, 20), (1, 3, 12, 20)]
    everything = np.concatenate(batches)
    assert everything.dtype == np.float32
    np.testing.assert_array_equal(raw(everything), np.moveaxis(np.stack(pictures), 3, 1))
    exact = np.moveaxis(pictures[0], 2, 0).astype(np.float32) / np.float32(127.5) - 1
    np.testing.assert_array_equal(everything[0], exact)
    assert source.quantum == 2 / 255


def test_size_chosen_for_mixed_sizes() -> None:
    def choose(*sizes: tuple[int, int]) -> Options:
        headers = {str(n): Header(*size, True, 255) for n, size in enumerate(sizes)}
        return resolve(headers, Options(), "x")

    assert choose((100, 60), (70, 90)).size == (32, 32)
    assert choose((100, 64), (70, 90)).size == (64, 64)
    assert choose((4000, 3000), (3000, 4000)).size == (256, 256)
    assert choose(*[(100, 100)] * 19, (5, 5)).size == (64, 64)  # one in twenty is left out
    assert choose((100, 60), (70, 90)).crop == "patches"
    assert choose((70, 60), (70, 60)).crop == "none"


@given(st.lists(st.tuples(st.integers(4, 600), st.integers(4, 600)), min_size=1, max_size=30))
def test_chosen_size_fits_nine_tenths(sizes: list[tuple[int, int]]) -> None:
    headers = {str(n): Header(*size, False, 255) for n, size in enumerate(sizes)}
    height, width = resolve(headers, Options(), "x").size
    fitting = sum(own[0] >= height and own[1] >= width for own in sizes)
    assert fitting >= 0.9 * len(sizes)


def test_smaller_files_are_skipped(write: Write, picture: Picture) -> None:
    folder = write("large.png", picture(40, 40))
    write("small.png", picture(40, 30))
    source = open_source(folder, size=32)
    assert source.files == ["large.png"]
    assert source.skipped[0].name == "small.png"
    assert "smaller than 32x32" in source.skipped[0].reason
    message = "every image is smaller than 64x64 (largest 40x40); use --size 32"
    with pytest.raises(InputError) as caught:
        open_source(folder, size=64)
    assert message in str(caught.value)


def test_patches_are_the_centred_grid(write: Write, picture: Picture) -> None:
    pixels = picture(21, 35)
    folder = write("a.png", pixels)
    write("b.png", picture(8, 9, seed=1))
    source = open_source(folder, size=8, crop="patches")
    assert len(source) == 2 * 4 + 1
    np.testing.assert_array_equal(source.file_index, [0] * 8 + [1])
    tiles = raw(source.examples(range(8)))[:, 0]
    expected = [
        pixels[2 + 8 * row : 10 + 8 * row, 1 + 8 * column : 9 + 8 * column]
        for row in range(2)
        for column in range(4)
    ]
    np.testing.assert_array_equal(tiles, expected)
    np.testing.assert_array_equal(source.examples([5, 0]), source.examples(range(8))[[5, 0]])
    assert source.examples([]).shape == (0, 1, 8, 8)
    with pytest.raises(IndexError):
        source.examples([9])


@given(
    st.lists(st.tuples(st.integers(4, 30), st.integers(4, 30)), min_size=1, max_size=5),
    st.integers(1, 4),
    st.integers(1, 4),
)
def test_tiles_and_positions_lie_inside(sizes: list, height: int, width: int) -> None:
    windows = Windows(np.array(sizes), (height, width), patches=True)
    file, corner = windows.tiles(np.arange(len(windows)))
    assert (corner >= 0).all()
    assert (corner + np.array([height, width]) <= np.array(sizes)[file]).all()
    assert len({(f, *c) for f, c in zip(file, corner.tolist(), strict=True)}) == len(windows)
    np.testing.assert_array_equal(np.bincount(file, minlength=len(sizes)), windows.counts)
    file, corner = windows.placed(np.arange(windows.positions))
    every = {
        (f, top, left)
        for f, (h, w) in enumerate(sizes)
        for top in range(h - height + 1)
        for left in range(w - width + 1)
    }
    assert {(f, *c) for f, c in zip(file, corner.tolist(), strict=True)} == every
    assert windows.positions == len(every)


def test_center_crop(write: Write, picture: Picture) -> None:
    pixels = picture(20, 31)
    source = open_source(write("a.png", pixels), size=(8, 10), crop="center")
    np.testing.assert_array_equal(raw(source.examples([0]))[0, 0], pixels[6:14, 10:20])
    assert source.settings["crop"] == "center"


def test_resize_then_center(write: Write, picture: Picture) -> None:
    pixels = picture(16, 32)
    source = open_source(write("a.png", pixels), size=8, crop="resize")
    expected = pixels.reshape(8, 2, 16, 2).mean((1, 3))[:, 4:12]
    assert np.abs(raw(source.examples([0]))[0, 0] - expected).max() <= 0.51


def test_crop_none_wants_the_very_size(write: Write, picture: Picture) -> None:
    folder = write("a.png", picture(16, 16))
    write("b.png", picture(16, 20))
    source = open_source(folder, size=16, crop="none")
    assert source.files == ["a.png"]
    assert "not 16x16" in source.skipped[0].reason
    with pytest.raises(InputError, match="crop none needs a size"):
        open_source(folder, crop="none")
    with pytest.raises(InputError, match="no image is just 12x12"):
        open_source(folder, size=12, crop="none")


def test_auto_crop(write: Write, picture: Picture) -> None:
    folder = write("a.png", picture(16, 16))
    assert open_source(folder, size=16).settings["crop"] == "none"
    assert open_source(folder, size=8).settings["crop"] == "patches"


def test_channels(write: Write, picture: Picture) -> None:
    pixels = picture(16, 16, 3)
    folder = write("a.png", pixels)
    assert open_source(folder).settings["channels"] == "rgb"
    for number, name in enumerate(("red", "green", "blue")):
        source = open_source(folder, channels=name)
        assert source.shape == (1, 16, 16)
        np.testing.assert_array_equal(raw(source.examples([0]))[0, 0], pixels[:, :, number])
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    np.testing.assert_array_equal(
        raw(open_source(folder, channels="grey").examples([0]))[0, 0], grey
    )
    write("b.png", picture(16, 16))
    assert open_source(folder).settings["channels"] == "grey"
    both = open_source(folder, channels="rgb").examples([1])
    assert both.shape == (1, 3, 16, 16)
    assert (both == both[:, :1]).all()


def test_sixteen_bits_are_kept(write: Write, picture: Picture) -> None:
    deep = (picture(16, 16).astype(np.uint16) << 8) + picture(16, 16, seed=1)
    folder = write("deep.png", deep)
    source = open_source(folder)
    assert source.quantum == 2 / 65535
    np.testing.assert_array_equal(raw(source.examples([0]), 65535)[0, 0], deep)
    shallow = picture(16, 16, seed=2)
    write("shallow.png", shallow)
    mixed = open_source(folder)
    assert mixed.quantum == 2 / 255
    values = mixed.examples([0, 1])
    np.testing.assert_array_equal(raw(values[:1], 65535)[0, 0], deep)
    np.testing.assert_array_equal(raw(values[1:])[0, 0], shallow)
    with pytest.raises(InputError, match="8-bit and 16-bit"):
        open_source(folder, value_range=(0, 255))


def test_one_bit_files_have_two_values(write: Write, picture: Picture) -> None:
    folder = write("a.png", picture(16, 16) > 127)
    source = open_source(folder)
    assert source.quantum == 2.0
    assert set(np.unique(source.examples([0]))) == {-1.0, 1.0}
    assert open_source(folder, size=8, crop="resize").quantum == 2 / 255


def test_value_range_of_files(write: Write, picture: Picture) -> None:
    folder = write("a.png", picture(16, 16) // 16)
    source = open_source(folder, value_range=(0, 15))
    assert source.quantum == 2 / 15
    values = source.examples([0])
    assert values.min() == -1
    assert values.max() == 1
    narrow = open_source(folder, value_range=(0, 7))
    for read in (lambda: narrow.examples([0]), lambda: list(narrow.batches())):
        with pytest.raises(
            InputError, match=r"a\.png has values from 0 to 15, outside value_range"
        ):
            read()


def test_rotation_is_applied_before_sizes_are_compared(write: Write, picture: Picture) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = picture(12, 20)
    folder = write("turned.png", pixels, exif=exif)
    write("turned.tif", pixels, exif=exif)
    write("upright.png", picture(20, 12))
    source = open_source(folder)
    assert source.shape == (1, 20, 12)
    assert source.settings["crop"] == "none"
    for example in source.examples([0, 1]):
        np.testing.assert_array_equal(raw(example)[0], np.rot90(pixels, -1))


def test_rotation_known_only_once_decoded(write: Write, picture: Picture, monkeypatch) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    folder = write("turned.jpg", picture(12, 20), exif=exif)
    monkeypatch.setattr(
        "spectra.data.image_sets.read_header", lambda file: Header(12, 20, False, 255)
    )
    source = open_source(folder)
    assert list(source.batches()) == []
    assert "is 20x12 once decoded, not 12x20" in source.damage["turned.jpg"]


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("channels", "gray", "did you mean grey?"),
        ("crop", "middle", "unknown crop"),
        ("view", "waves", "did you mean waveform?"),
        ("size", 3, "too small"),
        ("size", "large", "no size"),
        ("size", (8, 8, 8), "no size"),
        ("size", 8.5, "no size"),
        ("seed", 0.5, "no whole number"),
        ("value_range", (1, 0), "no range"),
        ("value_range", (0, float("nan")), "no range"),
        ("value_range", 5, "no range"),
    ],
)
def test_options_that_are_none(option: str, value: object, words: str) -> None:
    with pytest.raises(InputError, match=words.replace("?", r"\?")):
        open_source(np.zeros((2, 8, 8), np.uint8), **{option: value})


def test_settings_reopen_the_same_view(write: Write, picture: Picture) -> None:
    folder = write("a.png", picture(30, 40, 3))
    write("b.png", picture(50, 33, 3))
    source = open_source(folder, size=(8, 12), channels="green", seed=3)
    again = open_source(folder, **source.settings)
    assert again.settings == source.settings
    assert again.fingerprint == source.fingerprint
    np.testing.assert_array_equal(again.draw(0, 0, range(4)), source.draw(0, 0, range(4)))


def test_real_photographs(shared: Path) -> None:
    photos = open_source(shared / "photos" / "kodak", size=256, crop="center", channels="green")
    assert photos.shape == (1, 256, 256)
    assert len(photos) == len(photos.files) == 24
    radar = open_source(
        shared / "fields" / "radar_mch", view="pixels", size=64, crop="center", channels="grey"
    )
    assert radar.shape == (1, 64, 64)
    assert radar.skipped == []
