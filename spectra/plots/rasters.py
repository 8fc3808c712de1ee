"""Pictures inside an SVG, made as small as the page shows them."""

import base64
import io
import re

import numpy as np

__all__ = ["shrink_rasters"]

# CSS pixels that a point of a figure takes on the page, at most: 9.2 inches span 1080 of them.
PIXELS_PER_POINT = 1.7
IMAGE = re.compile(r'<image\b[^>]*?href="data:image/png;base64,([^"]*)"[^>]*/>', re.DOTALL)


def shrink_rasters(svg: str, density: float) -> str:
    """The same drawing, no picture in it finer than `density` pixels to a CSS pixel of the page."""
    return IMAGE.sub(lambda found: _shrunk(found, density), svg)


def _shrunk(found: re.Match[str], density: float) -> str:
    """One <image> element, with fewer pixels where it has more than are asked for."""
    from PIL import Image

    element = found[0]
    picture = Image.open(io.BytesIO(base64.b64decode(found[1])))
    most = density * PIXELS_PER_POINT * _points(element)  # (width, height)
    width, height = np.minimum(picture.size, np.ceil(most)).clip(1)
    size = (int(width), int(height))
    if size == picture.size:
        return element
    opaque = "A" not in picture.getbands() and "transparency" not in picture.info
    colours = picture.mode == "P"
    smaller = picture.convert("RGB" if opaque else "RGBA").resize(size, Image.Resampling.BOX)
    if colours and opaque:
        smaller = smaller.quantize(256)
    buffer = io.BytesIO()
    smaller.save(buffer, "PNG", optimize=True)
    text = base64.b64encode(buffer.getvalue()).decode()
    # The element keeps its place and size; what is scaled down is drawn smoothly.
    element = element.replace(found[1], text).replace("image-rendering:pixelated", "")
    return element.replace("<image", '<image preserveAspectRatio="none"', 1)


def _points(element: str) -> np.ndarray:
    """Width and height of an <image> on its figure, points, [2]."""
    sides = [re.search(rf'\s{name}="([\d.eE+-]+)', element) for name in ("width", "height")]
    size = np.array([float(side[1]) if side else np.inf for side in sides])
    matrix = re.search(r"matrix\(([^)]*)\)", element)
    if matrix is None:
        return size
    a, b, c, d, *_ = (float(part) for part in re.split(r"[\s,]+", matrix[1].strip()))
    return size * [np.hypot(a, b), np.hypot(c, d)]
