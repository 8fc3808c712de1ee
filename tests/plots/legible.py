"""What stands written on a figure, and that a reader can tell it apart."""

import itertools

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

__all__ = ["LAYOUTS", "NARROWEST", "assert_legible", "written"]

LAYOUTS = ("wide", "narrow")
NARROWEST = {"wide": 722, "narrow": 362}  # CSS pixels a figure has on pages of 801 and 400


def undrawn_ticks(figure: Figure) -> set[int]:
    """Tick labels that lie outside their axis and are not drawn."""
    hidden = set()
    for axes in figure.findobj(Axes):  # insets too
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                slack = 1e-9 * (abs(low) + abs(high))
                if not low - slack <= tick.get_loc() <= high + slack:
                    hidden |= {id(tick.label1), id(tick.label2)}
    return hidden


def written(figure: Figure) -> list[tuple[str, Bbox]]:
    """(text, box in dots) of everything written on the figure."""
    hidden = undrawn_ticks(figure)
    renderer = FigureCanvasAgg(figure).get_renderer()
    return [
        (artist.get_text(), artist.get_window_extent(renderer))
        for artist in figure.findobj(Text)
        if artist.get_text().strip()
        and artist.get_visible()
        and id(artist) not in hidden
        and (artist.axes is None or artist.axes.axison)
    ]


def assert_legible(figure: Figure, name: str = "figure") -> list[tuple[str, Bbox]]:
    """Everything written is inside the figure and nothing overlaps; what is written."""
    boxes = written(figure)
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in boxes:
        inside = box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1
        assert inside, f"{name}: {text!r} is clipped"
    for (text, a), (other, b) in itertools.combinations(boxes, 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        along = min(a.y1, b.y1) - max(a.y0, b.y0)
        # Boxes hold the line's leading: letters touch only well inside.
        assert across < 1 or along < 3, f"{name}: {text!r} meets {other!r}"
    return boxes
