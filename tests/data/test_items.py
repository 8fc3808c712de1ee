"""Data sets of torch and Hugging Face: read by number, never gathered whole."""

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import spectra
from spectra.data import items, open_source
from spectra.errors import InputError

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (6, 3, 8, 10), np.uint8)


def everything(source) -> np.ndarray:
    return np.concatenate(list(source.batches(4)))


def refusal(source: object, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        open_source(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Counted(torch.utils.data.Dataset):
    """Tells which examples were asked for."""

    def __init__(self, values: np.ndarray = BYTES, broken: tuple[int, ...] = ()) -> None:
        self.values = values
        self.broken = broken
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        self.asked.append(index)
        if index in self.broken:
            raise OSError("a broken\nfile")
        return torch.from_numpy(self.values[index]), index


def test_a_data_set_is_read_when_asked() -> None:
    data = Counted()
    source = open_source(data)
    assert source.shape == (3, 8, 10)
    assert len(data.asked) <= 1
    np.testing.assert_array_equal(everything(source), everything(open_source(BYTES)))
    data.asked.clear()
    np.testing.assert_array_equal(source.examples([4]), everything(open_source(BYTES))[[4]])
    assert data.asked in ([4], [])
    data.asked.clear()
    list(source.read(2, 4))
    assert data.asked == [2, 3]
    assert source.settings == open_source(BYTES).settings
    assert open_source(Counted()).fingerprint == source.fingerprint
    other = BYTES.copy()
    other[5, 0, 0, 0] ^= 1
    assert open_source(Counted(other)).fingerprint != source.fingerprint


def test_a_huge_data_set_opens_at_once() -> None:
    asked: list[int] = []

    class Huge:
        def __len__(self) -> int:
            return 10**6

        def __getitem__(self, index: int) -> np.ndarray:
            asked.append(index)
            return np.full((4, 4), index % 251, np.uint8)

    source = open_source(Huge())
    assert len(source) == 10**6
    assert asked == [0]
    np.testing.assert_allclose(source.examples([10**5])[0, 0, 0, 0], (10**5 % 251) / 127.5 - 1)


def test_options_of_data_sets() -> None:
    plain, lazy = open_source(BYTES, size=4), open_source(Counted(), size=4)
    np.testing.assert_array_equal(everything(lazy), everything(plain))
    np.testing.assert_array_equal(lazy.draw(1, 2, range(9)), plain.draw(1, 2, range(9)))
    for options in ({"channels": "grey"}, {"channels": "blue"}, {"size": 6, "crop": "center"}):
        expected = everything(open_source(BYTES, **options))
        np.testing.assert_array_equal(everything(open_source(Counted(), **options)), expected)
    last = Counted(np.moveaxis(BYTES, 1, 3))
    np.testing.assert_array_equal(everything(open_source(last)), everything(open_source(BYTES)))
    planes = Counted(BYTES[:, 0])
    assert open_source(planes).shape == (1, 8, 10)
    series = Counted(BYTES[:, 0, 0])
    assert open_source(series, view="series").shape == (1, 10)
    sent = pickle.loads(pickle.dumps(open_source(Counted())))
    np.testing.assert_array_equal(everything(sent), everything(open_source(BYTES)))


def test_broken_examples_are_passed_over() -> None:
    source = open_source(Counted(broken=(2, 5)))
    expected = everything(open_source(BYTES))[[0, 1, 3, 4]]
    np.testing.assert_array_equal(everything(source), expected)
    assert source.damage == {
        "2": "cannot be read (a broken)",
        "5": "cannot be read (a broken)",
    }
    with pytest.raises(InputError, match="2 cannot be read"):
        source.examples([2])
    fresh = open_source(Counted(broken=(2, 5)))
    drawn = fresh.draw(0, 0, range(50))
    whole = open_source(BYTES).draw(0, 0, range(50))
    same = (drawn == whole).reshape(50, -1).all(axis=1)
    assert 20 < same.sum() < 50
    assert "first example cannot be read (a broken)" in refusal(Counted(broken=(0,)))


def test_examples_of_several_shapes_are_refused() -> None:
    class Several:
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> np.ndarray:
            return np.zeros((3, 8, 8 + index), np.uint8)

    with pytest.raises(InputError, match=r"example 1 is \(3, 8, 9\), the first \(3, 8, 8\)"):
        everything(open_source(Several()))


def test_loaders_stand_for_their_data() -> None:
    loader = torch.utils.data.DataLoader(Counted(), batch_size=4, shuffle=True)
    np.testing.assert_array_equal(everything(open_source(loader)), everything(open_source(BYTES)))
    tensors = torch.utils.data.TensorDataset(torch.from_numpy(BYTES), torch.arange(6))
    np.testing.assert_array_equal(everything(open_source(tensors)), everything(open_source(BYTES)))
    part = torch.utils.data.Subset(Counted(), [3, 1])
    np.testing.assert_array_equal(
        everything(open_source(part)), everything(open_source(BYTES))[[3, 1]]
    )


class Stream(torch.utils.data.IterableDataset):
    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return ({"label": n, "image": BYTES[n % 6]} for n in range(self.count))


def test_streams_are_taken_whole_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    np.testing.assert_array_equal(
        everything(open_source(Stream(6))), everything(open_source(BYTES))
    )
    loader = torch.utils.data.DataLoader(Stream(6), batch_size=2)
    assert len(open_source(loader)) == 6
    monkeypatch.setattr(items, "STREAM_LIMIT", 10 * BYTES[0].nbytes)
    assert "after 11 of them; take fewer" in refusal(Stream(10**12))
    assert "is empty" in refusal(Stream(0))


class ImageFeature:
    pass


ImageFeature.__name__ = "Image"


class Table:
    """As a Hugging Face data set answers: rows by number, columns with their types."""

    def __init__(self, rows: list[dict[str, Any]], features: dict[str, Any] | None) -> None:
        self.rows = rows
        self.features = features
        self.column_names = list(features or ())

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return self.rows[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)


def pictures(mode: str = "RGB") -> list[Image.Image]:
    return [Image.fromarray(np.moveaxis(one, 0, 2)).convert(mode) for one in BYTES]


def test_hugging_face_tables() -> None:
    rows = [{"label": 1, "photo": one} for one in pictures()]
    source = open_source(Table(rows, {"label": int, "photo": ImageFeature()}))
    assert source.shape == (3, 8, 10)
    np.testing.assert_array_equal(everything(source), everything(open_source(BYTES)))
    grey = [{"image": one} for one in pictures("L")]
    assert open_source(Table(grey, {"image": ImageFeature()})).shape == (1, 8, 10)
    arrays = [{"pixel_values": one.tolist()} for one in BYTES[:2]]
    source = open_source(Table(arrays, {"pixel_values": list}), value_range=(0, 255))
    np.testing.assert_allclose(everything(source), everything(open_source(BYTES[:2])), atol=1e-6)
    assert "the columns text, label" in refusal(Table([{}], {"text": str, "label": int}))
    assert "data set is empty" in refusal(Table([], {"image": ImageFeature()}))


def test_parts_of_a_hugging_face_data_set() -> None:
    class Parts(dict):
        column_names = {"train": ["image"]}  # noqa: RUF012

    assert "['train']" in refusal(Parts(train=Table([], None)))


@pytest.mark.parametrize(
    ("mode", "channels"), [("1", 1), ("L", 1), ("LA", 1), ("P", 3), ("RGBA", 3), ("CMYK", 3)]
)
def test_modes_of_pictures(mode: str, channels: int) -> None:
    rgb = pictures()
    source = open_source([picture.convert(mode) for picture in rgb])
    assert source.shape == (channels, 8, 10)
    assert np.abs(everything(source)).max() <= 1


def test_other_objects_are_refused() -> None:
    for thing in (3, None, object(), {"a": BYTES}, b"bytes", {1, 2}):
        assert "a source cannot be" in refusal(thing) or "no array" in refusal(thing)
    assert "name the one meant image" in refusal([{"label": 3}])
    assert "rank 0" in refusal([3, 4])


class ArrayFeature:
    dtype = "uint8"


ArrayFeature.__name__ = "Array3D"
ImageFeature.dtype = "PIL.Image.Image"


def test_examples_that_are_no_real_numbers() -> None:
    """Complex numbers lost their imaginary part, where the first example was real."""
    for odd in (lambda x: x + 1j, lambda x: x.astype(str), lambda x: x.astype(object)):
        values = [image / np.float32(255) for image in BYTES]
        values[3] = odd(values[3])
        assert "give real numbers" in refusal(values)
        data = open_source(Numbered(values))
        assert len(everything(data)) == 5
        assert "give real numbers" in data.damage["3"]
    assert "NoneType" in refusal(Numbered([None, None]))


class Numbered:
    """A data set of whatever is in a list."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Any:
        return self.values[index]


@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch, about its own tensors
def test_tensors_that_numpy_knows_not() -> None:
    values = torch.from_numpy(BYTES / np.float32(255))
    imaginary = torch.complex(torch.zeros_like(values), values).conj().imag
    assert imaginary.is_neg()
    np.testing.assert_array_equal(everything(open_source(imaginary)), -values)
    for tensor in (
        values.to_sparse(),
        values.to("meta"),
        torch.quantize_per_tensor(values, 0.01, 0, torch.qint8),
        torch.nested.nested_tensor([values[0], values[1]]),
    ):
        assert "a Tensor is no array" in refusal(tensor)


def test_examples_of_no_channels() -> None:
    for none in (BYTES[:, :0], Numbered(list(BYTES[:, :0]))):
        assert "holds no channels" in refusal(none)


def test_which_column_of_several_is_meant() -> None:
    depth = pictures("L")
    rows = [
        {"depth": grey, "image": one, "mask": one_bytes.tolist()}
        for grey, one, one_bytes in zip(depth, pictures(), BYTES, strict=True)
    ]
    image, array = ImageFeature(), ArrayFeature()
    named = Table(rows, {"depth": image, "image": image, "mask": array})
    np.testing.assert_array_equal(everything(open_source(named)), everything(open_source(BYTES)))
    sole = open_source(Table(rows, {"depth": image, "mask": array}))
    assert sole.shape == (1, 8, 10)
    unnamed = [{"near": row["depth"], "far": row["image"]} for row in rows]
    line = refusal(Table(unnamed, {"near": image, "far": image}))
    assert "several columns of images (near, far); rename the one meant to image" in line
    stored = open_source(Table(rows, {"mask": array}))
    np.testing.assert_array_equal(everything(stored), everything(open_source(BYTES)))
    assert "several columns of arrays" in refusal(Table(rows, {"mask": array, "other": array}))


def test_what_is_masked_is_missing() -> None:
    fields = RNG.normal(size=(20, 16, 16)).astype(np.float32)
    hidden = np.zeros(fields.shape, bool)
    hidden[:, :4, :4] = True
    masked = np.ma.MaskedArray(np.where(hidden, np.float32(-9999), fields), hidden)
    with_nan = np.where(hidden, np.nan, fields).astype(np.float32)
    expected = everything(open_source(with_nan, nan="fill"))
    for given in (masked, list(masked)):
        assert "20 of 20 examples hold NaN" in refusal(given)
        source = open_source(given, nan="fill")
        np.testing.assert_array_equal(everything(source), expected)
        assert source.missing == 1 / 16
    whole = np.ma.MaskedArray(fields, np.zeros(fields.shape, bool))
    np.testing.assert_array_equal(everything(open_source(whole)), fields[:, None])
    assert "masked array of int16 cannot say" in refusal(masked.astype(np.int16))
    with pytest.raises(InputError, match="masked values; fill them"):
        spectra.rapsd(masked)


def test_examples_of_several_ranges_are_refused() -> None:
    byte = RNG.integers(0, 256, (8, 8), np.uint8)
    deep = Image.fromarray((byte.astype(np.uint16)) * 257)

    class Several:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Image.Image:
            return deep if index else Image.fromarray(byte)

    assert "differ in type, uint8 and uint16" in refusal([byte, deep])
    with pytest.raises(InputError, match="example 1 is uint16, the first uint8"):
        everything(open_source(Several()))
    assert open_source([byte.astype(np.float32), byte.astype(np.float64)]).shape == (1, 8, 8)


def test_pictures_are_read_as_their_files_are(tmp_path: Path) -> None:
    clear = []
    for number in range(3):
        pixels = RNG.integers(0, 256, (12, 16, 4), np.uint8)
        pixels[:, :8, 3] = 0
        clear.append(Image.fromarray(pixels, "RGBA"))
        turned = Image.Exif()
        turned[0x0112] = 6
        clear[-1].save(tmp_path / f"{number}.png", exif=turned)
    read = [Image.open(tmp_path / f"{number}.png") for number in range(3)]
    source = open_source(read)
    assert source.shape == (3, 16, 12)
    np.testing.assert_array_equal(everything(source), everything(open_source(tmp_path)))
