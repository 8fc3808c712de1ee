"""Arrays in files and in Python: ranks, types, ranges, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import save_file

from spectra.data import open_source
from spectra.data.values import luma, to_unit
from spectra.errors import InputError

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (6, 3, 8, 10), np.uint8)


def refusal(source: object, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        open_source(source, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def everything(source) -> np.ndarray:
    return np.concatenate(list(source.batches(4)))


def test_bytes_become_units() -> None:
    source = open_source(BYTES)
    assert source.kind == "array"
    assert source.name == "array"
    assert source.shape == (3, 8, 10)
    assert source.quantum == 2 / 255
    expected = BYTES.astype(np.float32) / np.float32(127.5) - 1
    np.testing.assert_array_equal(everything(source), expected)


def test_ranks() -> None:
    assert open_source(BYTES[:, 0]).shape == (1, 8, 10)
    last = open_source(np.moveaxis(BYTES, 1, 3))
    assert last.shape == (3, 8, 10)
    np.testing.assert_array_equal(everything(last), everything(open_source(BYTES)))
    assert open_source(np.zeros((2, 8, 8, 1), np.uint8)).shape == (1, 8, 8)
    assert open_source(np.zeros((2, 16, 8, 8), np.float32)).shape == (16, 8, 8)
    assert open_source(np.zeros((2, 16, 4, 4), np.float32)).shape == (16, 4, 4)


def test_refused_shapes() -> None:
    message = refusal(np.zeros((8, 8)))
    assert "rank 2" in message
    assert "[N, H, W]" in message
    assert "add a leading axis" in message
    assert "rank 5" in refusal(np.zeros((2, 1, 1, 8, 8)))
    assert "rank 0" in refusal(np.float32(3))
    assert "no examples" in refusal(np.zeros((0, 1, 8, 8)))
    assert "under the least side" in refusal(np.zeros((5, 1, 1, 1)))
    assert "say --view series for [N, C, T]" in refusal(np.zeros((5, 1, 64)))
    assert "array[None]" in refusal(np.zeros((8, 8, 3), np.uint8))
    assert "4 channels last" in refusal(np.zeros((5, 8, 8, 4), np.uint8))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64, np.uint32])
def test_integers_without_a_range(dtype: type) -> None:
    array = RNG.integers(0, 17, (4, 8, 8)).astype(dtype)
    assert "--value-range" in refusal(array)
    source = open_source(array, value_range=(0, 16))
    assert source.quantum == 2 / 16
    np.testing.assert_array_equal(everything(source)[:, 0], array / 8 - 1)
    assert source.settings["value_range"] == [0, 16]
    assert "outside value_range" in refusal(array, value_range=(0, 4))


def test_other_types() -> None:
    deep = RNG.integers(0, 65536, (4, 8, 8)).astype(np.uint16)
    source = open_source(deep)
    assert source.quantum == 2 / 65535
    np.testing.assert_allclose(everything(source)[:, 0], deep / 32767.5 - 1, atol=1e-7)
    big = open_source(deep.astype(">u2"))
    np.testing.assert_array_equal(everything(big), everything(source))
    assert big.fingerprint == source.fingerprint
    yes = RNG.integers(0, 2, (4, 8, 8)).astype(bool)
    source = open_source(yes)
    assert source.quantum == 2
    np.testing.assert_array_equal(everything(source)[:, 0], np.where(yes, 1, -1))
    assert "real numbers" in refusal(np.zeros((2, 8, 8), complex))
    assert "real numbers" in refusal(np.zeros((2, 8, 8), "U3"))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_are_kept_as_they_are(dtype: type) -> None:
    array = RNG.normal(0, 3, (4, 8, 8)).astype(dtype)
    source = open_source(array)
    assert source.quantum == 0
    values = everything(source)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values[:, 0], array.astype(np.float32))
    mapped = open_source(array, value_range=(-20, 20))
    np.testing.assert_allclose(everything(mapped)[:, 0], array.astype(float) / 20, atol=1e-6)
    assert mapped.quantum == 0


def test_what_is_read_is_no_view_of_the_array() -> None:
    array = np.zeros((4, 8, 8), np.float32)
    open_source(array).examples(range(4))[:] = 1
    assert (array == 0).all()


@given(
    hnp.arrays(np.float32, (3, 4, 4), elements=st.floats(-100, 100, width=32)),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from([np.nan, np.inf, -np.inf])), max_size=4),
)
def test_not_finite_is_counted(array: np.ndarray, spots: list) -> None:
    for example, value in spots:
        array[example, example, 1] = value
    bad = sorted({example for example, _ in spots})
    if bad:
        message = refusal(array)
        assert f"{len(bad)} of 3 examples hold NaN or infinity" in message
        assert f"first: example {bad[0]})" in message
    else:
        open_source(array)


@given(
    st.sampled_from([np.uint8, np.uint16, np.int16, np.int32, np.float32, np.float64]),
    st.integers(-100, 100),
    st.integers(1, 250),
    st.data(),
)
def test_units_and_back(dtype: type, low: int, span: int, data: st.DataObject) -> None:
    if np.dtype(dtype).kind == "u":
        low = abs(low) % 6  # so that low + 250 is still a byte
    high = low + span
    values = data.draw(hnp.arrays(np.int64, 8, elements=st.integers(low, high))).astype(dtype)
    unit = to_unit(values, low, high)
    assert unit.dtype == np.float32
    assert (np.abs(unit) <= 1).all()
    np.testing.assert_array_equal(np.rint((unit.astype(float) + 1) * span / 2 + low), values)
    assert to_unit(np.array([low, high], dtype), low, high).tolist() == [-1, 1]


def test_channels_of_arrays() -> None:
    for number, name in enumerate(("red", "green", "blue")):
        source = open_source(BYTES, channels=name)
        assert source.shape == (1, 8, 10)
        np.testing.assert_array_equal(
            everything(source), everything(open_source(BYTES))[:, number : number + 1]
        )
    grey = everything(open_source(BYTES, channels="grey"))
    assert grey.shape == (6, 1, 8, 10)
    exact = np.tensordot(BYTES, [0.299, 0.587, 0.114], ([1], [0]))
    assert np.abs((grey[:, 0] + 1) * 127.5 - exact).max() <= 0.51
    assert open_source(BYTES, channels="rgb").shape == (3, 8, 10)
    assert open_source(BYTES[:, :1], channels="grey").shape == (1, 8, 10)
    assert "needs arrays of 3 channels, got 1" in refusal(BYTES[:, :1], channels="rgb")
    assert "got 2" in refusal(BYTES[:, :2], channels="grey")


@given(st.sampled_from([np.uint8, np.uint16, np.int32, np.float32]), st.integers(0, 255))
def test_luma_of_grey_is_grey(dtype: type, value: int) -> None:
    plane = np.full((2, 2), value, dtype)
    result = luma(plane, plane, plane)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, plane, rtol=1e-6)


def test_windows_of_arrays() -> None:
    whole = everything(open_source(BYTES))
    center = open_source(BYTES, size=4, crop="center")
    np.testing.assert_array_equal(everything(center), whole[:, :, 2:6, 3:7])
    patches = open_source(BYTES, size=4)
    assert patches.settings["crop"] == "patches"
    assert len(patches) == 6 * 4
    np.testing.assert_array_equal(patches.examples([0])[0], whole[0, :, 0:4, 1:5])
    np.testing.assert_array_equal(patches.file_index, np.repeat(np.arange(6), 4))
    assert open_source(BYTES, size=(8, 10)).settings["crop"] == "none"
    assert "smaller than 16x16; use --size 8" in refusal(BYTES, size=16)
    assert "for image files" in refusal(BYTES, size=4, crop="resize")
    assert "crop none" in refusal(BYTES, size=4, crop="none")


def test_npy_is_memory_mapped_and_found_again(tmp_path: Path) -> None:
    np.save(tmp_path / "set.npy", BYTES)
    source = open_source(tmp_path / "set.npy")
    assert source.name == "set"
    base = source.store.array
    while isinstance(base, np.ndarray) and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap)
    plain = open_source(BYTES)
    np.testing.assert_array_equal(everything(source), everything(plain))
    assert source.fingerprint == plain.fingerprint
    np.testing.assert_array_equal(source.examples([4, 1]), plain.examples([4, 1]))


def test_npz_and_safetensors(tmp_path: Path) -> None:
    expected = everything(open_source(BYTES))
    np.savez(tmp_path / "one.npz", anything=BYTES)
    np.savez(tmp_path / "named.npz", labels=np.arange(6), images=BYTES)
    np.savez(tmp_path / "plain.npz", BYTES, np.arange(6))
    save_file({"anything": BYTES}, tmp_path / "one.safetensors")
    save_file({"y": np.arange(6), "x": BYTES}, tmp_path / "named.safetensors")
    for path in sorted(tmp_path.iterdir()):
        np.testing.assert_array_equal(everything(open_source(path)), expected)
    np.savez(tmp_path / "two.npz", a=BYTES, b=BYTES)
    save_file({"a": BYTES, "b": BYTES}, tmp_path / "two.safetensors")
    for name in ("two.npz", "two.safetensors"):
        assert "holds 2 arrays (a, b)" in refusal(tmp_path / name)


def test_damaged_array_files(tmp_path: Path) -> None:
    np.save(tmp_path / "cut.npy", BYTES)
    whole = (tmp_path / "cut.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[: len(whole) // 2])
    assert "not a readable .npy file" in refusal(tmp_path / "cut.npy")
    for suffix in (".npy", ".npz", ".safetensors"):
        path = tmp_path / f"text{suffix}"
        path.write_text("this is no array")
        message = refusal(path)
        assert f"{path}: not a readable {suffix}" in message
        assert "save it again" in message
    np.save(tmp_path / "object.npy", np.array([{}, None]), allow_pickle=True)
    assert "holds Python objects" in refusal(tmp_path / "object.npy")
    np.savez(tmp_path / "object.npz", images=np.array([{}, None]))
    assert "holds Python objects" in refusal(tmp_path / "object.npz")
    np.save(tmp_path / "none.npy", np.zeros((0, 8, 8), np.uint8))
    assert "no examples" in refusal(tmp_path / "none.npy")
    np.save(tmp_path / "flat.npy", np.zeros((8, 8), np.uint8))
    assert str(tmp_path / "flat.npy") in refusal(tmp_path / "flat.npy")


def test_spectra_own_files_are_no_data(tmp_path: Path) -> None:
    path = tmp_path / "spectrum.safetensors"
    save_file({"power": BYTES}, path, metadata={"spectra": "{}"})
    assert "a file that spectra wrote" in refusal(path)


def test_tensors() -> None:
    expected = everything(open_source(BYTES))
    np.testing.assert_array_equal(everything(open_source(torch.from_numpy(BYTES))), expected)
    half = torch.randn(4, 1, 8, 8).to(torch.bfloat16).requires_grad_()
    source = open_source(half)
    np.testing.assert_array_equal(everything(source), half.detach().float().numpy())


class Labelled(torch.utils.data.Dataset):
    def __len__(self) -> int:
        return len(BYTES)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return torch.from_numpy(BYTES[index]), index


def test_examples_one_after_another() -> None:
    expected = everything(open_source(BYTES))
    for source in (list(BYTES), (example for example in BYTES), Labelled()):
        np.testing.assert_array_equal(everything(open_source(source)), expected)
    planes = open_source([example[0] for example in BYTES])
    assert planes.shape == (1, 8, 10)
    assert "differ in shape" in refusal([BYTES[0], BYTES[1, :, :6]])
    assert "is empty" in refusal([])
    assert "folder that holds" in refusal(["a.png", "b.png"])
    assert "batches: concatenate" in refusal([BYTES, BYTES])
    assert "cannot be a dict" in refusal({"images": BYTES})


def test_a_million_examples_open_without_names(tmp_path: Path) -> None:
    array = np.lib.format.open_memmap(
        tmp_path / "many.npy", mode="w+", dtype=np.uint8, shape=(10**6, 4, 4)
    )
    array[7] = 255
    source = open_source(tmp_path / "many.npy")
    assert len(source.files) == len(source) == 10**6
    assert source.files[7] == "7"
    assert list(source.files[999_998:]) == ["999998", "999999"]
    assert (source.examples([7]) == 1).all()
    train, held_out = source.split(0.01)
    assert len(held_out) == 10**4
    assert len(train) + len(held_out) == 10**6
    assert held_out.files[0] not in ("", train.files[0])


def test_large_arrays_are_sampled_for_the_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spectra.data.stores.HASHED_WHOLE", 100)
    array = RNG.integers(0, 256, (3000, 4, 4), np.uint8)
    before = open_source(array).fingerprint
    assert open_source(array.copy()).fingerprint == before
    array[-1] ^= 1
    assert open_source(array).fingerprint != before
