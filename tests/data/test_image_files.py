"""One image file: every mode and depth, rotation, transparency, damage."""

import io
import struct
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from spectra.data import open_source
from spectra.data.image_bytes import is_image
from spectra.data.images import (
    UnreadableImage,
    decode,
    read_header,
    reduce_to,
    select,
)
from spectra.data.jpegs import _simplejpeg, jpeg_pixels
from spectra.errors import InputError

COLOUR = np.random.default_rng(1).integers(0, 256, (10, 14, 3), np.uint8)
GREY = COLOUR[:, :, 0]


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def decoded(data: bytes) -> np.ndarray:
    assert is_image(data[:32])
    header = read_header(io.BytesIO(data))
    pixels = decode(data)
    assert pixels.shape[:2] == (header.height, header.width)
    assert (pixels.ndim == 3) == header.colour
    assert pixels.flags.c_contiguous
    return pixels


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_lossless_colour_is_exact(kind: str) -> None:
    np.testing.assert_array_equal(decoded(encoded(Image.fromarray(COLOUR), kind)), COLOUR)
    np.testing.assert_array_equal(decoded(encoded(Image.fromarray(GREY), kind)), GREY)


def test_lossless_webp_and_gif() -> None:
    webp = encoded(Image.fromarray(COLOUR), "WEBP", lossless=True)
    np.testing.assert_array_equal(decoded(webp), COLOUR)
    np.testing.assert_array_equal(decoded(encoded(Image.fromarray(GREY), "GIF")), GREY)


def test_jpeg_is_what_pillow_decodes() -> None:
    data = encoded(Image.fromarray(COLOUR), "JPEG", quality=90)
    np.testing.assert_array_equal(decoded(data), np.asarray(Image.open(io.BytesIO(data))))


def test_cmyk_becomes_rgb() -> None:
    image = Image.fromarray(COLOUR).convert("CMYK")
    for kind in ("TIFF", "JPEG"):
        pixels = decoded(encoded(image, kind, **({"quality": 100} if kind == "JPEG" else {})))
        assert pixels.shape == COLOUR.shape
        if kind == "TIFF":
            np.testing.assert_array_equal(pixels, np.asarray(image.convert("RGB")))


def test_transparency_is_over_white() -> None:
    alpha = np.zeros((10, 14, 1), np.uint8)
    alpha[:5] = 255
    pixels = decoded(encoded(Image.fromarray(np.concatenate([COLOUR, alpha], 2)), "PNG"))
    np.testing.assert_array_equal(pixels[:5], COLOUR[:5])
    assert (pixels[5:] == 255).all()
    both = np.stack([GREY, alpha[:, :, 0]], 2)
    grey = decoded(encoded(Image.fromarray(both), "PNG"))
    assert grey.ndim == 2
    np.testing.assert_array_equal(grey[:5], GREY[:5])
    assert (grey[5:] == 255).all()


def test_half_transparent_is_mixed_with_white() -> None:
    pixel = np.full((8, 8, 4), [0, 100, 200, 128], np.uint8)
    mixed = decoded(encoded(Image.fromarray(pixel), "PNG"))[0, 0].astype(int)
    expected = np.array([0, 100, 200]) * 128 / 255 + 255 * 127 / 255
    assert np.abs(mixed - expected).max() <= 1


def test_palette_with_a_transparent_entry() -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([200, 10, 20, 0, 0, 0])
    image.paste(1, (0, 0, 4, 8))
    pixels = decoded(encoded(image, "PNG", transparency=1))
    assert (pixels[:, :4] == 255).all()
    assert (pixels[:, 4:] == [200, 10, 20]).all()


def test_grey_palette_has_no_colour() -> None:
    image = Image.new("P", (8, 8), 1)
    image.putpalette([10, 10, 10, 90, 90, 90])
    pixels = decoded(encoded(image, "PNG"))
    assert pixels.ndim == 2
    assert (pixels == 90).all()


def test_one_bit() -> None:
    image = Image.fromarray(GREY > 127)
    data = encoded(image, "PNG")
    assert read_header(io.BytesIO(data)).levels == 1
    np.testing.assert_array_equal(decoded(data), np.where(GREY > 127, 255, 0))


def test_sixteen_bit_grey_in_both_byte_orders() -> None:
    deep = np.arange(140, dtype=np.uint16).reshape(10, 14) * 468
    tiff = encoded(Image.fromarray(deep), "TIFF")
    big = big_endian_tiff(deep)
    for data in (encoded(Image.fromarray(deep), "PNG"), tiff, big):
        assert read_header(io.BytesIO(data)).levels == 65535
        pixels = decoded(data)
        assert pixels.dtype == np.uint16
        np.testing.assert_array_equal(pixels, deep)


def big_endian_tiff(deep: np.ndarray) -> bytes:
    """An uncompressed 16-bit grey TIFF of one strip, as big-endian writers make it."""
    height, width = deep.shape
    raw = deep.astype(">u2").tobytes()
    tags = [
        *((256, 3, width), (257, 3, height), (258, 3, 16), (259, 3, 1), (262, 3, 1)),
        *((273, 4, 8), (277, 3, 1), (278, 3, height), (279, 4, len(raw))),
    ]
    fields = b"".join(
        struct.pack(">HHI", tag, kind, 1) + struct.pack(">I" if kind == 4 else ">HH", *value)
        for tag, kind, *value in (
            (tag, kind, number) if kind == 4 else (tag, kind, number, 0)
            for tag, kind, number in tags
        )
    )
    directory = struct.pack(">H", len(tags)) + fields + struct.pack(">I", 0)
    return b"MM\0*" + struct.pack(">I", 8 + len(raw)) + raw + directory


def png(height: int, width: int, depth: int, colour: int, raw: bytes, *late: bytes) -> bytes:
    """A PNG from its rows (each with its filter byte); `late` chunks follow the pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(raw))]
    chunks += [chunk(b"eXIf", body) for body in late]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def test_sixteen_bit_colour_png_has_eight_bits_left() -> None:
    deep = (COLOUR.astype(">u2") * 257).astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in deep)
    data = png(10, 14, 16, 2, raw)
    header = read_header(io.BytesIO(data))
    assert (header.levels, header.reduced) == (255, True)
    assert not read_header(io.BytesIO(encoded(Image.fromarray(COLOUR), "PNG"))).reduced
    np.testing.assert_array_equal(decoded(data), COLOUR)


def test_what_is_not_read_of_a_file_is_told(tmp_path: Path) -> None:
    deep = (COLOUR.astype(">u2") * 257).astype(">u2")
    raw = b"".join(b"\0" + row.tobytes() for row in deep)
    (tmp_path / "deep.png").write_bytes(png(10, 14, 16, 2, raw))
    (tmp_path / "plain.png").write_bytes(encoded(Image.fromarray(COLOUR), "PNG"))
    with pytest.warns(UserWarning, match=r"1 of 2 files store 16 bits of each.*first: deep.png"):
        settings_ = open_source(tmp_path).settings
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_source(tmp_path, **settings_)  # a settled view has been told
    with pytest.raises(InputError, match=r"deep.png stores 16 bits of each.*leave it out"):
        open_source(tmp_path, value_range=(0, 4095))
    (tmp_path / "deep.png").unlink()
    pages = [Image.fromarray(COLOUR), Image.fromarray(COLOUR[::-1])]
    for kind in ("TIFF", "GIF", "WEBP"):
        (tmp_path / "pages").write_bytes(
            encoded(pages[0], kind, save_all=True, append_images=pages[1:])
        )
        with pytest.warns(UserWarning, match=r"1 of 2 files hold several pictures"):
            open_source(tmp_path)


def test_twelve_bits_have_a_range_of_their_own() -> None:
    values = np.arange(140, dtype=np.uint16).reshape(10, 14) * 29
    packed = bytearray()
    for first, second in values.reshape(-1, 2).tolist():
        packed += bytes([first >> 4, (first & 15) << 4 | second >> 8, second & 255])
    entries = [
        *((256, 4, 1, 14), (257, 4, 1, 10), (258, 3, 1, 12), (259, 3, 1, 1), (262, 3, 1, 1)),
        *((273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, 10), (279, 4, 1, len(packed))),
    ]
    table = b"".join(
        struct.pack("<HHI", *entry[:3]) + struct.pack("<I", entry[3]) for entry in entries
    )
    start = 8 + len(packed)
    data = b"II*\0" + struct.pack("<I", start) + bytes(packed)
    data += struct.pack("<H", len(entries)) + table + bytes(4)
    assert read_header(io.BytesIO(data)).levels == 4095
    np.testing.assert_array_equal(decoded(data), values)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_rotation(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(Image.fromarray(COLOUR), kind, exif=exif, **options)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(decode(data), upright)


def test_exif_rotation_of_sixteen_bits() -> None:
    deep = np.arange(140, dtype=np.uint16).reshape(10, 14) * 468
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(deep), "PNG", exif=exif)
    np.testing.assert_array_equal(decoded(data), np.rot90(deep, -1))


def test_exif_block_behind_the_pixels() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    raw = b"".join(b"\0" + row.tobytes() for row in GREY)
    body = exif.tobytes().removeprefix(b"Exif\0\0")
    pixels = decode(png(10, 14, 8, 0, raw, body))
    np.testing.assert_array_equal(pixels, np.rot90(GREY, -1))


def test_animation_gives_its_first_frame() -> None:
    frames = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (40, 200)]
    for kind, options in (("GIF", {}), ("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
        assert (decode(data) == 40).all()


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_tiff_without_a_range(kind: type) -> None:
    data = encoded(Image.fromarray(GREY.astype(kind)), "TIFF")
    with pytest.raises(UnreadableImage, match=r"no stated value range; save as \.npy"):
        read_header(io.BytesIO(data))


def test_cut_short_is_noticed() -> None:
    rough = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
        data = encoded(Image.fromarray(rough), kind)
        with pytest.raises(UnreadableImage):
            decode(data[: len(data) * 2 // 3])


def test_bomb_is_refused_from_its_header() -> None:
    data = png(60000, 60000, 8, 0, b"\0" * 100)
    with pytest.raises(UnreadableImage, match="too many pixels"):
        read_header(io.BytesIO(data))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_never_raise_anything_else(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP"]))
    whole = bytearray(encoded(Image.fromarray(COLOUR), kind))
    spots = st.tuples(st.integers(0, len(whole) - 1), st.integers(0, 255))
    for position, value in data.draw(st.lists(spots, max_size=6)):
        whole[position] = value
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        read_header(io.BytesIO(cut))
        pixels = decode(cut)
    except UnreadableImage:
        return
    assert pixels.dtype in (np.uint8, np.uint16)


def test_grey_is_pillows_luma_and_the_same_at_sixteen_bits() -> None:
    expected = np.asarray(Image.fromarray(COLOUR).convert("L"))
    np.testing.assert_array_equal(select(COLOUR, "grey"), expected)
    deep = select(COLOUR.astype(np.uint16) * 257, "grey")
    assert np.abs(deep / 257 - expected).max() <= 0.5 + 1 / 257
    for number, name in enumerate(("red", "green", "blue")):
        np.testing.assert_array_equal(select(COLOUR, name), COLOUR[:, :, number])
        assert select(GREY, name) is GREY


@pytest.mark.parametrize("factor", [2, 3])
def test_reduction_averages_areas(factor: int) -> None:
    for top, dtype in ((255, np.uint8), (65535, np.uint16)):
        large = np.random.default_rng(0).integers(0, top + 1, (12, 18)).astype(dtype)
        blocks = large.reshape(12 // factor, factor, 18 // factor, factor).mean((1, 3))
        small = reduce_to(large, blocks.shape)
        assert small.dtype == dtype
        assert np.abs(small - blocks).max() <= 0.51


def test_reduction_covers_the_size() -> None:
    assert reduce_to(np.zeros((50, 90), np.uint8), (16, 16)).shape == (16, 29)
    assert reduce_to(np.zeros((50, 90, 3), np.uint8), (20, 80)).shape == (44, 80, 3)


def test_text_is_no_bitmap() -> None:
    assert not is_image(b"BMW and other makers of cars and lorries")
    assert not is_image(b"")


def photograph(seed: int = 0, size: int = 96) -> np.ndarray:
    """Smooth and colourful uint8 [size, size, 3], its colours well inside their range."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(60, 190, (9, 9, 3), np.uint8))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def test_luma_of_a_jpeg_is_that_it_stores() -> None:
    """Within a value of luma computed from its colours, where those do not clip."""
    for options in ({}, {"subsampling": 0}, {"progressive": True}, {"optimize": True}):
        data = encoded(Image.fromarray(photograph()), "JPEG", quality=90, **options)
        luma = decode(data, grey=True)
        computed = select(decode(data), "grey")
        assert luma.shape == computed.shape
        assert luma.dtype == np.uint8
        assert np.abs(luma.astype(int) - computed).max() <= 1
        stored = np.asarray(Image.open(io.BytesIO(data)).convert("YCbCr"))[:, :, 0]
        assert np.abs(luma.astype(int) - stored).max() <= 1


def test_luma_of_a_clipped_jpeg_is_near() -> None:
    rough = encoded(Image.fromarray(COLOUR), "JPEG", quality=90, subsampling=0)
    luma = decode(rough, grey=True).astype(int)
    assert np.abs(luma - select(decode(rough), "grey")).max() <= 12


def test_jpegs_not_coded_as_luma_and_chroma() -> None:
    """Grey, CMYK and RGB-coded files give the luma of their colours."""
    pixels = photograph()
    grey = encoded(Image.fromarray(pixels[:, :, 0]), "JPEG", quality=95)
    np.testing.assert_array_equal(decode(grey, True), decode(grey))
    for data in (
        encoded(Image.fromarray(pixels).convert("CMYK"), "JPEG", quality=95),
        encoded(Image.fromarray(pixels), "JPEG", quality=95, keep_rgb=True),
    ):
        found = decode(data, grey=True)
        computed = select(decode(data), "grey")
        np.testing.assert_array_equal(found, computed)
        assert np.abs(found.astype(int) - select(pixels, "grey")).mean() < 3


@pytest.mark.parametrize("orientation", [3, 6])
def test_luma_is_turned_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(photograph()[:, :64]), "JPEG", exif=exif)
    luma, colour = decode(data, grey=True), decode(data)
    assert np.abs(luma.astype(int) - select(colour, "grey")).max() <= 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "L", "1", "CMYK"])
def test_grey_of_any_other_mode_is_luma_of_its_colours(mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    data = encoded(Image.fromarray(COLOUR).convert(mode), kind)
    np.testing.assert_array_equal(decode(data, grey=True), select(decode(data), "grey"))


def test_large_pictures_are_converted_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = np.random.default_rng(2).integers(0, 256, (10, 14, 1), np.uint8)
    for mode in ("RGB", "RGBA", "P", "L"):
        image = Image.fromarray(np.concatenate([COLOUR, alpha], 2)).convert(mode)
        data = encoded(image, "PNG")
        whole = decode(data)
        with monkeypatch.context() as patch:
            patch.setattr("spectra.data.images.BAND", 42)
            np.testing.assert_array_equal(decode(data), whole)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_header_of_an_exif_block_behind_the_pixels(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    raw = b"".join(b"\0" + row.tobytes() for row in GREY)
    data = png(10, 14, 8, 0, raw, exif.tobytes().removeprefix(b"Exif\0\0"))
    header = read_header(io.BytesIO(data))
    assert decode(data).shape == (header.height, header.width)
    damaged = data[:-20] + b"\xff" + data[-19:]
    read_header(io.BytesIO(damaged))


def test_headers_read_fast_are_those_pillow_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    pictures = [Image.fromarray(photograph()[:, :64]), Image.fromarray(GREY)]
    options = (
        *({}, {"progressive": True}, {"subsampling": 0}, {"comment": b"x" * 300}),
        *(
            {"exif": exif},
            {"icc_profile": bytes(5000)},
            {"optimize": True, "restart_marker_rows": 1},
        ),
    )
    files = [encoded(picture, "JPEG", **option) for picture in pictures for option in options]
    files += [encoded(pictures[0], "JPEG", keep_rgb=True)]
    files += [encoded(pictures[0].convert("CMYK"), "JPEG")]
    fast = [read_header(io.BytesIO(data)) for data in files]
    monkeypatch.setattr("spectra.data.images.jpeg_frame", lambda head: None)
    assert fast == [read_header(io.BytesIO(data)) for data in files]


def test_pixels_read_fast_are_those_pillow_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether simplejpeg is installed changes no value, at sides that fill no block too."""
    options = (
        *({}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"optimize": True}),
        *({"restart_marker_rows": 1}, {"icc_profile": bytes(5000)}, {"quality": 20}),
    )
    for shape in ((64, 96), (61, 47), (8, 9)):
        colour = photograph(1)[: shape[0], : shape[1]]
        for picture in (colour, colour[:, :, 1]):
            for option in options:
                data = encoded(Image.fromarray(picture), "JPEG", **option)
                for grey in (False, True):
                    assert jpeg_pixels(data, grey) is not None
                    fast = decode(data, grey)
                    with monkeypatch.context() as patch:
                        patch.setattr("spectra.data.images.jpeg_pixels", lambda data, grey: None)
                        np.testing.assert_array_equal(fast, decode(data, grey))


def test_without_simplejpeg_pillow_reads_all(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(Image.fromarray(photograph()), "JPEG")
    fast = decode(data)
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    _simplejpeg.cache_clear()
    try:
        assert jpeg_pixels(data, False) is None
        np.testing.assert_array_equal(decode(data), fast)
    finally:
        _simplejpeg.cache_clear()


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_turned_jpegs_read_fast(orientation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Pillow turns them, wherever the EXIF block is."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(photograph()[:, :64])
    turned, plain = encoded(picture, "JPEG", exif=exif), encoded(picture, "JPEG")
    start = turned.index(b"\xff\xe1")
    block = turned[start : start + 2 + int.from_bytes(turned[start + 2 : start + 4])]
    scan = plain.index(b"\xff\xda")
    for data in (turned, plain[:scan] + block + plain[scan:]):
        usual, fast = jpeg_pixels(data, False), decode(data)
        assert usual is not None
        assert usual[1]
        with monkeypatch.context() as patch:
            patch.setattr("spectra.data.images.jpeg_pixels", lambda data, grey: None)
            np.testing.assert_array_equal(fast, decode(data))


def test_a_jpeg_larger_than_memory_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is passed over as any other file that cannot be read."""

    data = encoded(Image.fromarray(photograph()), "JPEG")

    def too_large(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("simplejpeg.decode_jpeg", too_large)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", too_large)
    with pytest.raises(UnreadableImage, match="needs more memory than there is"):
        decode(data)


def test_what_is_not_read_fast_is_left_to_pillow() -> None:
    """Cut short, of other colours, or no JPEG."""
    picture = Image.fromarray(photograph())
    whole = encoded(picture, "JPEG")
    for data in (
        *(whole[: len(whole) // 2], b"", whole[:3], encoded(picture, "PNG")),
        *(encoded(picture.convert("CMYK"), "JPEG"), encoded(picture, "JPEG", keep_rgb=True)),
    ):
        assert jpeg_pixels(data, True) is None
        assert jpeg_pixels(data, False) is None


@given(st.data())
def test_fast_headers_of_damaged_jpegs_do_not_fail(data: st.DataObject) -> None:
    whole = bytearray(encoded(Image.fromarray(COLOUR), "JPEG"))
    spots = st.tuples(st.integers(0, 200), st.integers(0, 255))
    for position, value in data.draw(st.lists(spots, max_size=4)):
        whole[position] = value
    try:
        header = read_header(io.BytesIO(whole[: data.draw(st.integers(0, len(whole)))]))
    except UnreadableImage:
        return
    assert min(header.height, header.width) > 0
