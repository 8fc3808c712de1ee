"""What the bytes of an image file say of it before Pillow is asked."""

import zlib
from typing import Any

__all__ = [
    "ORIENTATION",
    "PNG_TAIL",
    "SNIFF_BYTES",
    "is_image",
    "late_orientation",
]

ORIENTATION = 0x0112  # EXIF tag
SNIFF_BYTES = 32
SIGNATURES = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),  # TIFF, and BigTIFF
)
BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)  # bytes of the second header

PNG_TAIL = 2**17  # bytes in which an EXIF block behind the pixels is looked for


def is_image(head: bytes) -> bool:
    """Whether these first bytes of a file are those of a format in `FORMATS`."""
    return (
        head.startswith(SIGNATURES)
        or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
        # "BM" alone begins many a text file
        or (head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in BMP_HEADERS)
    )


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
