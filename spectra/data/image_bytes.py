"""What the bytes of an image file say of it before Pillow is asked."""

import struct
import zlib
from typing import Any

__all__ = [
    "JPEG_HEAD",
    "ORIENTATION",
    "PNG_TAIL",
    "SNIFF_BYTES",
    "is_image",
    "jpeg_frame",
    "late_orientation",
]

ORIENTATION = 0x0112  # EXIF tag
SNIFF_BYTES = 32
SIGNATURES = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # TIFF, and BigTIFF
)
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes of the second header

JPEG_HEAD = 4096  # bytes of a JPEG in which its size mostly stands
# Segments that say nothing of the size: JFIF, ICC profile, Adobe, quantisation and Huffman tables,
# comment. And those that do: the frames that are not lossless, by baseline or progressive coding.
JPEG_PASSED, JPEG_FRAMES = (0xE0, 0xE2, 0xEE, 0xDB, 0xC4, 0xFE), (0xC0, 0xC1, 0xC2)
PNG_TAIL = 2**17  # bytes in which an EXIF block behind the pixels is looked for


def is_image(head: bytes) -> bool:
    """Whether these first bytes of a file are those of a format in `FORMATS`."""
    return (
        head.startswith(SIGNATURES)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        # "BM" alone begins many a text file
        or (head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADERS)
    )


def jpeg_frame(head: bytes) -> tuple[int, int, bool] | None:
    """Height, width and colour of a usual JPEG, several times faster than Pillow.

    None for any other file, and where it may say that it is to be turned.
    """
    at = 2 if head.startswith(b"\xff\xd8\xff") else len(head)
    while at + 10 <= len(head) and head[at] == 0xFF:
        marker, length = head[at + 1], head[at + 2] << 8 | head[at + 3]
        if marker in JPEG_FRAMES:
            bits, height, width, parts = struct.unpack_from(">BHHB", head, at + 4)
            usual = bits == 8 and parts in (1, 3)
            return (height, width, parts == 3) if usual else None
        # Several pictures in one file are told of beside the ICC profile.
        if marker not in JPEG_PASSED or head[at + 4 : at + 8] == b"MPF\0":
            return None
        at += 2 + length
    return None


def late_orientation(tail: bytes) -> int:
    """Orientation from an EXIF block behind a PNG's pixels, where Pillow would decode to get it.

    `tail` is the file's last `PNG_TAIL` bytes.
    """
    from PIL import Image

    at = tail.rfind(b"eXIf")
    length = int.from_bytes(tail[at - 4 : at]) if at >= 4 else 0
    block = tail[at + 4 : at + 4 + length]
    if not block or zlib.crc32(b"eXIf" + block) != int.from_bytes(tail[at + 4 + length :][:4]):
        return 1
    exif = Image.Exif()
    try:
        exif.load(block)
        value: Any = exif.get(ORIENTATION, 1)
    except Exception:  # the block is foreign bytes: anything may be raised
        return 1
    return value if value in range(1, 9) else 1
