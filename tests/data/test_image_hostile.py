"""Files made to do harm: none hangs, fills the memory or ends a run; each has its reason."""

import io
import os
import resource
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spectra.data import open_source
from spectra.errors import InputError

Write = Callable[..., Path]
Picture = Callable[..., np.ndarray]


def png_of(height: int, width: int, colour: int = 0, rows: int | None = None) -> bytes:
    """A valid black PNG, packed as tightly as its format allows; of `rows` rows only."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    packer = zlib.compressobj(9)
    line = bytes(1 + width * {0: 1, 2: 3, 6: 4}[colour])
    body = b"".join(packer.compress(line) for _ in range(height if rows is None else rows))
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", body + packer.flush())
        + chunk(b"IEND", b"")
    )


def test_headers_of_absurd_size(write: Write, picture: Picture) -> None:
    folder = write("good.png", picture(16, 16))
    (folder / "huge.png").write_bytes(png_of(60000, 60000, rows=1))
    (folder / "none.png").write_bytes(png_of(0, 16, rows=0))
    bmp = bytearray(b"BM" + bytes(100))
    bmp[10:14], bmp[14:18] = struct.pack("<I", 54), struct.pack("<I", 40)
    bmp[18:26], bmp[26:30] = struct.pack("<ii", 2**31 - 1, 2**31 - 1), struct.pack("<HH", 1, 24)
    (folder / "huge.bmp").write_bytes(bmp)
    source = open_source(folder)
    assert source.files == ["good.png"]
    reasons = {skip.name: skip.reason for skip in source.skipped}
    assert set(reasons) == {"huge.png", "none.png", "huge.bmp"}
    assert "too many pixels" in reasons["huge.png"]


@pytest.mark.slow
@pytest.mark.parametrize("colour", [0, 6])
def test_a_small_file_of_many_pixels_fits_the_memory(tmp_path: Path, colour: int) -> None:
    """A bomb just under the limit: 128 million pixels from a few hundred kilobytes."""
    (tmp_path / "bomb.png").write_bytes(png_of(8000, 16000, colour))
    source = open_source(tmp_path, size=2000, channels="grey", crop="center")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert [len(batch) for batch in source.batches()] == [1]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 1.6 * 2**20  # kilobytes


def test_pipes_and_loops_are_not_waited_for(write: Write, picture: Picture) -> None:
    folder = write("good.png", picture(16, 16))
    os.mkfifo(folder / "pipe.png")
    os.symlink("itself.png", folder / "itself.png")
    os.symlink(folder, folder / "again")
    os.symlink("nowhere", folder / "gone.png")
    assert open_source(folder).files == ["good.png"]
    with pytest.raises(InputError, match="neither a file nor a folder"):
        open_source(folder / "pipe.png")


def test_folders_deeper_than_python_calls(write: Write, picture: Picture) -> None:
    folder = write("good.png", picture(16, 16))
    depths = [f"{folder}{'/d' * depth}" for depth in range(1, 1201)]
    for path in depths:
        os.mkdir(path)
    try:
        assert open_source(folder).files == ["good.png"]
    finally:
        for path in reversed(depths):  # what clears tmp_path calls itself
            os.rmdir(path)


def test_names_that_cannot_be_shown(write: Write, picture: Picture) -> None:
    folder = write("good.png", picture(16, 16))
    data = (folder / "good.png").read_bytes()
    for name in (b"two\nlines.png", b"not \xff utf-8.png", "söüß 图.png".encode()):
        (Path(os.fsdecode(os.fsencode(folder) + b"/" + name))).write_bytes(data)
    source = open_source(folder)
    assert len(source) == 4
    assert all(name.isprintable() for name in source.files)
    assert "two\\nlines.png" in source.files
    assert len(source.fingerprint) == 64
    assert source.examples(range(4)).shape == (4, 1, 16, 16)


@pytest.mark.slow
def test_a_zip_of_bombs(tmp_path: Path, picture: Picture) -> None:
    file = io.BytesIO()
    Image.fromarray(picture(16, 16)).save(file, "PNG")
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("good.png", file.getvalue())
        archive.writestr("/escapes.png", file.getvalue())
        with archive.open("big.png", "w", force_zip64=True) as member:
            member.write(png_of(16, 16))
            for _ in range(600):
                member.write(bytes(2**20))
    before = sorted(tmp_path.rglob("*"))
    source = open_source(path)
    assert source.files == ["/escapes.png", "good.png"]
    assert "over the limit" in source.skipped[0].reason
    assert len(next(source.batches())) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_mutations_are_counted_or_given_a_reason(write: Write, picture: Picture) -> None:
    """Bits flipped, ends cut, kinds mixed up: every file is read, skipped or named as damaged."""
    rng = np.random.default_rng(0)
    kinds = (("JPEG", "jpg"), ("PNG", "png"), ("GIF", "gif"), ("WEBP", "webp"), ("BMP", "bmp"))
    whole = []
    for kind, suffix in kinds:
        file = io.BytesIO()
        Image.fromarray(picture(24, 24)).save(file, kind)
        whole.append((file.getvalue(), suffix))
    folder = write("good.png", picture(24, 24))
    for number in range(120):
        data, suffix = whole[number % len(whole)]
        data = bytearray(data)
        for at in rng.integers(0, len(data), rng.integers(0, 6)):
            data[at] ^= 1 << rng.integers(8)
        data = data[: rng.integers(0, len(data) + 1)] if number % 3 else data
        (folder / f"{number:03d}.{suffix if number % 4 else 'png'}").write_bytes(data)
    source = open_source(folder, size=24, channels="grey")
    read = sum(len(values) for values, _ in source.read(batch_size=7))
    assert "good.png" in source.files
    assert read + len(source.damage) == len(source)
    assert len(source.files) + len(source.skipped) == 121
    reasons = [*source.damage.values(), *(skip.reason for skip in source.skipped)]
    assert all(reason and "\n" not in reason for reason in reasons)
    assert read > 10


def test_members_of_a_damaged_zip(tmp_path: Path, picture: Picture) -> None:
    """Wherever bits flip: read, skipped or damaged, and the zip refused only as a whole."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, kind in enumerate(("PNG", "JPEG", "PNG", "GIF")):
            file = io.BytesIO()
            Image.fromarray(picture(40, 48, 3, seed=number)).save(file, kind)
            archive.writestr(f"{number}.{kind.lower()}", file.getvalue())
    rng = np.random.default_rng(0)
    outcomes = set()
    for _ in range(60):
        data = bytearray(packed.getvalue())
        for at in rng.integers(0, len(data), 12):
            data[at] ^= 1 << rng.integers(8)
        path = tmp_path / "set.zip"
        path.write_bytes(data)
        try:
            source = open_source(path, size=40, crop="center", channels="grey")
            read = sum(len(values) for values, _ in source.read())
        except InputError as error:
            outcomes.add("refused" if "\n" not in str(error) else "refused in many lines")
        else:
            assert read + len(source.damage) == len(source)
            outcomes |= {"read"} if read else set()
            outcomes |= {"damaged"} if source.damage else set()
            outcomes |= {"skipped"} if source.skipped else set()
    assert {"read", "skipped"} <= outcomes <= {"read", "skipped", "damaged", "refused"}
