"""A figure as inline SVG that follows the page: transparent, in its light or dark colours."""

import io
import re
from html import escape

from matplotlib.figure import Figure

from spectra.plots.style import DARK, house_style

__all__ = ["inline_svg", "palette_css"]


def inline_svg(figure: Figure, prefix: str, alt: str) -> str:
    """The figure as one <svg> element for an HTML page.

    Parameters
    ----------
    figure
        Drawn in the house style: each colour of its palette becomes a CSS variable.
    prefix
        Unique within the page; put before every id, which figures otherwise share.
    alt
        What the figure shows, for those who cannot see it.
    """
    file = io.StringIO()
    nothing = {"Creator": None, "Date": None, "Format": None, "Type": None}
    with house_style():
        figure.savefig(file, format="svg", facecolor="none", metadata=nothing)
    text = file.getvalue()
    text = text[text.index("<svg") :]  # neither XML declaration nor doctype inside HTML
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", text).replace("xlink:href=", "href=")
    # An image is named by what it shows: the same picture twice would be one id twice.
    named = set(re.findall(r'(?:href="|url\()#([^")]+)', text))
    text = re.sub(r'(<image\b[^>]*?) id="([^"]*)"', lambda m: _unnamed(m, named), text)
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r"#[0-9a-f]{6}\b", _variable, text)
    # Width and height in points would fix the size; the view box alone lets it scale.
    head, _, body = text.partition(">")
    head = re.sub(r'\s(width|height|version)="[^"]*"', "", head)
    text = f'{head} role="img" aria-label="{escape(alt, quote=True)}">{body}'
    return re.sub(r">\s+<", "><", text).strip()


def _unnamed(image: re.Match[str], named: set[str]) -> str:
    """The start of an element without its id, unless something refers to it."""
    return image.group() if image.group(2) in named else image.group(1)


def palette_css(dark: bool) -> str:
    """Declarations of every palette variable for the light or the dark page."""
    return "".join(f"--c{key[1:]}:{value if dark else key};" for key, value in DARK.items())


def _variable(match: re.Match[str]) -> str:
    colour = match.group()
    return f"var(--c{colour[1:]},{colour})" if colour in DARK else colour
