"""One image file: its header, and its pixels upright, opaque and in its own depth."""

import io
from dataclasses import dataclass
from functools import cache
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from spectra.data.image_bytes import ORIENTATION, PNG_TAIL, late_orientation
from spectra.data.jpegs import JPEG_HEAD, MOST_PIXELS, jpeg_frame, jpeg_pixels
from spectra.data.values import POSITION, luma

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Header", "UnreadableImage", "decode", "opaque", "read_header", "reduce_to", "select"]

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
EXIF_BLOCKS = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")
BAND = 2**24  # pixels converted at once
GREY_MODES = ("1", "L", "LA", "La", "I")


class UnreadableImage(Exception):
    """This one file cannot be used; the message is the reason, without the file's name."""


@dataclass(frozen=True)
class Header:
    """What a file says of itself before its pixels are read.

    Attributes
    ----------
    height, width
        In pixels, with the EXIF rotation applied.
    colour
        Whether the pixels have colour.
    levels
        The largest raw value: 1, 255, 4095 or 65535.
    reduced
        Whether it stores 16 bits of each colour, of which the upper eight are read.
    several
        Whether it holds more pictures, frames or pages, of which the first is read.
    """

    height: int
    width: int
    colour: bool
    levels: int
    reduced: bool = False
    several: bool = False


def read_header(file: IO[bytes]) -> Header:
    """Read size, colour and depth without decoding the pixels.

    Raises
    ------
    UnreadableImage
        The header is damaged, or states something that cannot be read.
    """
    frame = jpeg_frame(_read_at(file, 0, JPEG_HEAD))
    if frame is not None and not frame.described:
        return Header(frame.height, frame.width, frame.colour, 255)
    file.seek(0)
    image = _opened(file)
    levels = _levels(image)
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise UnreadableImage(
            f"has {width * height:,} pixels, too many to be decoded safely (at most "
            f"{MOST_PIXELS:,})"
        )
    if image.format != "TIFF":  # which turns itself
        turn = _orientation(image)
        if image.format == "PNG" and turn == 1 and width != height:
            turn = late_orientation(_read_at(file, -PNG_TAIL, PNG_TAIL))
        if turn >= 5:
            width, height = height, width
    reduced = levels == 255 and ";16" in _stored(image)
    return Header(height, width, _has_colour(image), levels, reduced, _is_several(image))


def decode(data: bytes, grey: bool = False) -> np.ndarray:
    """Read all the pixels of the first frame, turned as EXIF says, over white where transparent.

    Parameters
    ----------
    data
        The whole file.
    grey
        Give luma alone. A JPEG then gives the luma it stores, without its colour being decoded:
        that is not luma computed from the colours, which are rounded and clipped to 0..255 first.
        The two differ by 1 at most but where colours clip: in the photographs of BSDS500, by more
        than 1 in a hundredth of the pixels, and by up to 17.

    Returns
    -------
    [H, W] or [H, W, 3], uint8, or uint16 for grey of 12 or 16 bits.

    Raises
    ------
    UnreadableImage
        The file is damaged, cut short, too large, or of a kind without a stated range.
    """
    usual = jpeg_pixels(data, grey)
    if usual is not None:
        pixels, described = usual
        turn = _orientation(_opened(io.BytesIO(data))) if described else 1
        return np.ascontiguousarray(_upright(pixels, turn))
    image = _opened(io.BytesIO(data))
    levels, colour = _levels(image), _has_colour(image)  # both change in loading
    try:
        if grey and _stores_luma(image):
            image.draft("L", None)
        image.load()
    except Exception as error:
        raise _unreadable(error) from None
    orientation = _orientation(image)
    pixels = _deep(image) if levels > 255 else _shallow(image, colour and not grey, grey)
    return np.ascontiguousarray(_upright(pixels, orientation))


def opaque(image: "Image.Image") -> np.ndarray:
    """A picture of Pillow as `decode` gives that of a file: upright, over white.

    Returns
    -------
    [H, W] uint8, uint16 for 16-bit grey; or [H, W, 3] uint8: also a palette of greys is colour.

    Raises
    ------
    UnreadableImage
        Its mode cannot be brought to RGB, or has no stated range.
    """
    deep = _levels(image) > 255
    pixels = _deep(image) if deep else _shallow(image, image.mode not in GREY_MODES, False)
    return np.ascontiguousarray(_upright(pixels, _orientation(image)))


def select(pixels: np.ndarray, channels: str) -> np.ndarray:
    """[H, W] or [H, W, 3] -> the channels wished; grey pixels serve for any of them."""
    if pixels.ndim == 2 or channels == "rgb":
        return pixels
    if channels in POSITION:
        return np.ascontiguousarray(pixels[:, :, POSITION[channels]])
    return luma(pixels[:, :, 0], pixels[:, :, 1], pixels[:, :, 2])


def reduce_to(pixels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Shrink until the picture just covers `size`, averaging areas (Pillow's BOX).

    The centre crop that follows is the caller's. Values are rounded to their own grid.
    """
    from PIL import Image

    height, width = pixels.shape[:2]
    scale = max(size[0] / height, size[1] / width)
    target = (max(size[1], round(width * scale)), max(size[0], round(height * scale)))
    # As floats Pillow rounds nothing; as bytes it would round up, and twice.
    planes = np.moveaxis(np.atleast_3d(pixels), 2, 0).astype(np.float32)
    small = [
        np.asarray(Image.fromarray(plane).resize(target, Image.Resampling.BOX)) for plane in planes
    ]
    averaged = np.rint(np.stack(small, 2)).astype(pixels.dtype)
    return averaged if pixels.ndim == 3 else averaged[:, :, 0]


@cache
def _pillow() -> Any:
    """Pillow's Image module, with the plugins that it does not import by itself.

    It looks for a format that it is told of only among those imported.
    """
    import logging

    from PIL import Image, TiffImagePlugin, WebPImagePlugin  # noqa: F401

    # What it logs of damaged files, where nobody listens, Python would print.
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    return Image


def _read_at(file: IO[bytes], place: int, size: int) -> bytes:
    """Some bytes from a place counted from the beginning, or where negative from the end."""
    try:
        file.seek(place if place >= 0 else max(0, file.seek(0, 2) + place))
        return file.read(size)
    except Exception as error:  # the file may be a member of a damaged zip
        raise _unreadable(error) from None


def _opened(file: IO[bytes]) -> "Image.Image":
    try:
        return _pillow().open(file, formats=FORMATS)
    except Exception as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> UnreadableImage:
    """One reason for whatever damaged bytes make Pillow raise, which is nearly anything."""
    from PIL import Image, UnidentifiedImageError

    match error:
        case MemoryError():
            return UnreadableImage("needs more memory than there is")
        case UnidentifiedImageError():
            return UnreadableImage("is damaged, or no image of a kind that is read")
        case Image.DecompressionBombError():
            return UnreadableImage(f"has too many pixels, over {MOST_PIXELS:,}")
        case OSError():
            reason = error.strerror or str(error)
        case _:
            reason = f"is damaged ({str(error) or type(error).__name__})"
    return UnreadableImage(" ".join(reason.split()))


def _levels(image: "Image.Image") -> int:
    """The largest raw value, from the mode."""
    if image.mode == "1":
        return 1
    if "I;12" in _stored(image):
        return 4095
    # Pillow before 11 gives 16-bit grey PNG as 32-bit integers.
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG"):
        return 65535
    if image.mode in ("I", "F"):
        kind = "integer" if image.mode == "I" else "float"
        raise UnreadableImage(f"32-bit {kind} image has no stated value range; save as .npy")
    return 255


def _stored(image: "Image.Image") -> str:
    """How its pixels lie in the file, in Pillow's words; "" where it says nothing."""
    tiles: Any = getattr(image, "tile", None)
    layout = tiles[0][3] if tiles else ""
    return str(layout[0] if isinstance(layout, tuple) and layout else layout)


def _is_several(image: "Image.Image") -> bool:
    # A camera's MPO holds its picture, and previews of it.
    try:
        return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # those behind the first are damaged, and are not read
        return False


def _has_colour(image: "Image.Image") -> bool:
    if image.mode in GREY_MODES or image.mode.startswith("I;16"):
        return False
    if image.mode != "P" or image.palette is None:
        return True
    entries = np.frombuffer(bytes(image.palette.palette), np.uint8)
    layout = image.palette.rawmode or image.palette.mode
    if layout == "RGB;L":  # TIFF: all reds, all greens, all blues
        count = len(entries) // 3
        return bool((entries[: 3 * count].reshape(3, -1) != entries[:count]).any())
    width = {"RGB": 3, "BGRX": 4}.get(layout)
    if width is None:
        return True
    table = entries[: len(entries) // width * width].reshape(-1, width)[:, :3]
    return bool((table != table[:, :1]).any())


def _stores_luma(image: "Image.Image") -> bool:
    """Whether this is a colour JPEG coded as YCbCr, by the marks libjpeg goes by."""
    if image.format not in ("JPEG", "MPO") or image.mode != "RGB":
        return False
    if "jfif" in image.info:
        return True
    if "adobe_transform" in image.info:
        return image.info["adobe_transform"] == 1
    return [layer[0] for layer in getattr(image, "layer", ())] != list(b"RGB")


def _orientation(image: "Image.Image") -> int:
    """EXIF orientation 1..8; a damaged EXIF block is no reason to lose the picture."""
    if image.format != "TIFF" and not any(block in image.info for block in EXIF_BLOCKS):
        return 1
    try:
        value: Any = image.getexif().get(ORIENTATION, 1)
    except Exception:  # the block is foreign bytes: anything may be raised
        return 1
    return value if value in range(1, 9) else 1


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo the camera's turn; the eight cases of the EXIF standard."""
    if orientation >= 5:  # stored by columns
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _deep(image: "Image.Image") -> np.ndarray:
    """16-bit grey -> [H, W] uint16 in the machine's byte order."""
    pixels = np.asarray(image).astype(np.uint16)
    clear = image.info.get("transparency")
    return np.where(pixels == clear, np.uint16(65535), pixels) if clear is not None else pixels


def _shallow(image: "Image.Image", colour: bool, grey: bool) -> np.ndarray:
    """Everything else -> [H, W] or [H, W, 3] uint8."""
    width, height = image.size
    rows = max(1, BAND // width)
    if height <= rows:
        return _plain(image, colour, grey)
    first = _plain(image.crop((0, 0, width, rows)), colour, grey)
    pixels = np.empty((height, *first.shape[1:]), np.uint8)
    pixels[:rows] = first
    for top in range(rows, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = _plain(image.crop((0, top, width, bottom)), colour, grey)
    return pixels


def _plain(image: "Image.Image", colour: bool, grey: bool) -> np.ndarray:
    """Any mode of 8 bits or 1 -> grey or RGB, over white."""
    from PIL import Image

    try:
        if image.has_transparency_data:
            clear = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear)
        if image.mode not in ("1", "L", "RGB"):
            image = image.convert("RGB")
        if image.mode == "1" or (grey and image.mode == "RGB"):
            image = image.convert("L")
        width, height = image.size
        shape = (height, width) if image.mode == "L" else (height, width, 3)
        pixels = np.frombuffer(image.tobytes(), np.uint8).reshape(shape)
    except ValueError as error:
        raise UnreadableImage(f"{error}; save it as RGB") from None
    # Grey held as three equal channels (palettes, alpha) is one channel.
    return pixels if colour or pixels.ndim == 2 else pixels[:, :, 0]
