"""Array files by their first bytes: idx, records, safetensors; mapped, bounded, refused."""

import gzip
import pickle
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from spectra.data import array_files, load_manifest, open_source
from spectra.data.array_files import IDX_TYPES, is_array_file, read_array, read_parts
from spectra.errors import InputError

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (5, 8, 10), np.uint8)


def idx(array: np.ndarray) -> bytes:
    """The file of an array, after the format's description."""
    code = {np.dtype(kind): code for code, kind in IDX_TYPES.items()}[array.dtype]
    head = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return head + array.tobytes()


def everything(source) -> np.ndarray:
    return np.concatenate(list(source.batches(4)))


def refusal(path: Path, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        open_source(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz", "x.idx", "x.idx.gz", "x.idx3-ubyte"],
)
def test_idx(name: str, tmp_path: Path) -> None:
    content = idx(BYTES)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    source = open_source(path)
    assert source.shape == (1, 8, 10)
    assert source.quantum == 2 / 255
    np.testing.assert_array_equal(everything(source), everything(open_source(BYTES)))
    assert source.fingerprint == open_source(BYTES).fingerprint


def test_idx_needs_no_name(tmp_path: Path) -> None:
    (tmp_path / "unnamed").write_bytes(idx(BYTES))
    assert is_array_file(tmp_path / "unnamed")
    assert open_source(tmp_path / "unnamed").shape == (1, 8, 10)
    (tmp_path / "nearly").write_bytes(idx(BYTES) + b"!")
    assert not is_array_file(tmp_path / "nearly")
    assert not is_array_file(tmp_path)
    assert not is_array_file(tmp_path / "gone")


@pytest.mark.parametrize("kind", IDX_TYPES.values())
def test_idx_types(kind: str, tmp_path: Path) -> None:
    values = RNG.integers(0, 100, (3, 4, 5)).astype(kind)
    (tmp_path / "a.idx").write_bytes(idx(values))
    np.testing.assert_array_equal(read_array(tmp_path / "a.idx"), values)
    source = open_source(tmp_path / "a.idx", value_range=(0, 100))
    np.testing.assert_allclose(everything(source)[:, 0], values / 50.0 - 1, atol=1e-6)


@given(st.integers(0, 200), st.booleans())
def test_a_cut_idx_file_is_refused(length: int, packed: bool) -> None:
    import tempfile

    content = idx(BYTES[:2])
    with tempfile.TemporaryDirectory() as folder:
        name = "a.idx.gz" if packed else "a.idx"
        path = Path(folder) / name
        cut = gzip.compress(content, mtime=0)[:-1] if packed else content
        path.write_bytes(cut[: min(length, len(content) - 1)])
        message = refusal(path)
        assert str(path) in message


def test_an_idx_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    head = bytes([0, 0, 8, 3]) + struct.pack(">3I", 2**20, 64, 64)
    (tmp_path / "a.idx.gz").write_bytes(gzip.compress(head + bytes(10_000)))
    assert "4.3 GB unpacked, over the limit" in refusal(tmp_path / "a.idx.gz")
    # More in the file than its header says is not read either.
    (tmp_path / "b.idx.gz").write_bytes(gzip.compress(idx(BYTES) + bytes(10_000_000)))
    assert "not what its header says" in refusal(tmp_path / "b.idx.gz")
    np.savez_compressed(tmp_path / "c.npz", np.zeros((300, 64, 64), np.uint8))
    monkeypatch.setattr(array_files, "MEMORY_LIMIT", 10**6)
    assert "save it as .npy" in refusal(tmp_path / "c.npz")


def test_labels_are_no_images(tmp_path: Path) -> None:
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.arange(50, dtype=np.uint8)))
    assert "rank 1" in refusal(tmp_path / "train-labels-idx1-ubyte")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "uint8", "bool"])
def test_latents_are_mapped_and_equal(dtype: str, tmp_path: Path) -> None:
    values = (torch.randn(6, 4, 8, 8) > 0) if dtype == "bool" else torch.randn(6, 4, 8, 8) * 9
    tensor = values.to(getattr(torch, dtype))
    save_tensors({"latents": tensor, "labels": torch.arange(6)}, tmp_path / "a.safetensors")
    source = open_source(tmp_path / "a.safetensors")
    assert source.shape == (4, 8, 8)
    expected = everything(open_source(tensor.float().numpy() if dtype == "bfloat16" else tensor))
    np.testing.assert_array_equal(everything(source), expected)
    np.testing.assert_array_equal(source.examples([3, 1]), expected[[3, 1]])
    sent = pickle.dumps(source)
    np.testing.assert_array_equal(everything(pickle.loads(sent)), expected)
    assert len(sent) < 4000 + 6 * 4 * 64  # by its path, not by its values


def test_a_large_tensor_takes_no_memory(tmp_path: Path) -> None:
    """Sparse on disk: 8 GiB of float16 open at once and give the few values that are there."""
    import json

    shape = [2**20, 4, 32, 32]
    size = 2 * 2**20 * 4 * 1024
    head = json.dumps({"latents": {"dtype": "F16", "shape": shape, "data_offsets": [0, size]}})
    path = tmp_path / "large.safetensors"
    with open(path, "wb") as file:
        file.write(len(head).to_bytes(8, "little") + head.encode())
        start = file.tell()
        file.seek(start + 8192 * 1000)
        file.write(np.ones(4096, np.float16).tobytes())
        file.truncate(start + size)
    source = open_source(path)
    assert len(source) == 2**20
    np.testing.assert_array_equal(source.examples([1000]), 1)
    np.testing.assert_array_equal(source.examples([999, 2**20 - 1]), 0)
    first = next(iter(source.read(1000, 1001)))
    np.testing.assert_array_equal(first[0], 1)


def test_safetensors_that_are_wrong(tmp_path: Path) -> None:
    save_file({"x": BYTES}, tmp_path / "a.safetensors")
    whole = (tmp_path / "a.safetensors").read_bytes()
    for cut in (0, 4, 20, len(whole) - 1):
        (tmp_path / "a.safetensors").write_bytes(whole[:cut])
        assert "not a readable .safetensors" in refusal(tmp_path / "a.safetensors")
    eight = torch.zeros(3, 8, 8).to(torch.float8_e4m3fn)
    save_tensors({"x": eight}, tmp_path / "b.safetensors")
    assert "F8_E4M3" in refusal(tmp_path / "b.safetensors")
    save_tensors({"x": torch.zeros(3, 8, 0)}, tmp_path / "c.safetensors")
    assert "under the least side" in refusal(tmp_path / "c.safetensors")


def test_an_npz_with_other_files_in_it(tmp_path: Path) -> None:
    """What is no array in the zip was taken for one, and given as its bytes."""
    np.save(tmp_path / "a.npy", BYTES)
    path = tmp_path / "a.npz"
    for name in ("digits", "x"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(tmp_path / "a.npy", f"{name}.npy")
            archive.writestr("readme.txt", "of the array")
            archive.writestr("images", "no array")
        np.testing.assert_array_equal(read_array(path), BYTES)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", "no array")
    assert "not a readable .npz file (images.npy in it is no array)" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no array")
    assert "holds 0 arrays" in refusal(path)


def test_the_content_goes_before_the_name(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", BYTES)
    (tmp_path / "a.npy").rename(tmp_path / "a.safetensors")
    assert open_source(tmp_path / "a.safetensors").shape == (1, 8, 10)


def records(folder: Path, parts: int = 2) -> tuple[Path, np.ndarray]:
    """A manifest like CIFAR-10's, and the examples."""
    values = RNG.integers(0, 256, (parts * 3, 3, 4, 6), np.uint8)
    for part in range(parts):
        rows = values[part * 3 : part * 3 + 3].reshape(3, -1)
        labels = np.full((3, 1), part, np.uint8)
        np.concatenate([labels, rows], 1).tofile(folder / f"data_batch_{part + 1}.bin")
    files = ", ".join(f'"data_batch_{part + 1}.bin"' for part in range(parts))
    (folder / "r.toml").write_text(
        'kind = "records"\nexample_shape = [3, 4, 6]\nlabel_bytes = 1\n'
        f'[location]\nfolder = "."\nfiles = [{files}]'
    )
    return folder / "r.toml", values


def test_records_are_labels_and_bytes(tmp_path: Path) -> None:
    path, values = records(tmp_path)
    source = open_source(path)
    assert source.shape == (3, 4, 6)
    np.testing.assert_array_equal(everything(source), everything(open_source(values)))
    path, values = records(tmp_path, parts=1)  # mapped where it is one file
    source = open_source(path)
    np.testing.assert_array_equal(everything(source), everything(open_source(values)))
    np.testing.assert_array_equal(
        everything(pickle.loads(pickle.dumps(source))), everything(open_source(values))
    )
    with open(tmp_path / "data_batch_1.bin", "ab") as file:
        file.write(b"!")
    assert "no whole number of records of 73" in refusal(path)
    (tmp_path / "data_batch_1.bin").write_bytes(b"")
    assert "no whole number of records" in refusal(path)


def test_cifar10_is_such_records() -> None:
    manifest = load_manifest("cifar10")
    assert manifest.example_shape == (3, 32, 32)
    assert manifest.label_bytes == 1


def test_files_that_do_not_join(tmp_path: Path) -> None:
    for name, array in (("a", BYTES), ("b", BYTES[:, :, :4]), ("c", BYTES.astype(np.float32))):
        np.save(tmp_path / f"{name}.npy", array)
    for other in ("b", "c"):
        with pytest.raises(InputError, match="differ in shape or type"):
            read_parts([tmp_path / "a.npy", tmp_path / f"{other}.npy"], "array")
    joined = read_parts([tmp_path / "a.npy", tmp_path / "a.npy"], "array")
    np.testing.assert_array_equal(joined, np.concatenate([BYTES, BYTES]))


def test_fashion_mnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The original files, where Debian's package has put them."""
    from spectra.data.fetch import fetch

    folder = Path("/usr/share/datasets/fashion-mnist")
    if not folder.is_dir():
        pytest.skip("Debian's dataset-fashion-mnist is not installed")
    monkeypatch.setenv("SPECTRA_DATA", str(tmp_path))
    receipt = fetch(load_manifest("fashion-mnist"), folder=folder)
    assert receipt.origin == "publisher"
    assert len(open_source("fashion-mnist")) == 70_000
    assert len(open_source("fashion-mnist:test")) == 10_000
