"""One self-contained HTML page: figures, tables, and every number as JSON. No network."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from matplotlib.figure import Figure

from spectra.files import plain, write_atomically
from spectra.plots.rasters import shrink_rasters
from spectra.plots.style import Layout
from spectra.plots.svg import inline_svg, palette_css

__all__ = ["Cell", "Drawing", "Fact", "Section", "Table", "write_report"]

LARGEST = 5_000_000  # bytes of a page
DENSITIES = (np.inf, 2.0, 1.5, 1.0, 0.7, 0.5)  # of pictures, pixels to a CSS pixel
VERDICTS = ("better", "tied", "worse", "undecided")


class Drawing(Protocol):
    """Draws one figure in the layout asked for, as `functools.partial(plot_rapsd, ...)` does."""

    def __call__(self, *, layout: Layout) -> Figure: ...


@dataclass(frozen=True)
class Cell:
    """A number of a table with what is said of it.

    Attributes
    ----------
    value
        As other cells.
    note : str
        Below it, in small type: its interval.
    verdict : str
        "better", "tied", "worse" or "undecided": the colour of `said`.
    said : str
        Below them; empty, the verdict itself.
    best : bool
        Of its column.
    """

    value: Any
    note: str = ""
    verdict: str = ""
    said: str = ""
    best: bool = False


@dataclass(frozen=True)
class Table:
    """A table of strings and numbers.

    Attributes
    ----------
    columns : sequence of str
        Headings, with units.
    rows : sequence of sequences
        As long as `columns`; the first cell heads its row. Floats are shown with 4 digits;
        "better", "tied", "worse" and "undecided" are coloured. A `Cell` holds more than a number.
    caption : str
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str = ""

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"table {self.caption!r}: each row needs {len(self.columns)} cells")

    def record(self) -> dict[str, Any]:
        """What it says, for JSON."""
        rows = [[asdict(c) if isinstance(c, Cell) else c for c in row] for row in self.rows]
        return {"columns": list(self.columns), "rows": rows, "caption": self.caption}

    @property
    def wordy(self) -> bool:
        """Whether the first column holds phrases, which a narrow page must not wrap to shreds."""
        return len(self.columns) > 2 and any(len(str(row[0])) > 16 for row in self.rows)


@dataclass(frozen=True)
class Section:
    """One part of the page.

    Attributes
    ----------
    anchor : str
        Unique id, for links.
    title, text : str
        Heading, and one or two sentences that say what to see; a blank line parts paragraphs.
    figure : Figure or Drawing, optional
        A Drawing is drawn twice, for wide and for narrow pages; a Figure scrolls in its box
        where the page is narrower.
    alt : str
        What the figure shows; needed with a figure.
    table : Table, optional
    settings : dict
        What the figure was made with, for its caption.
    """

    anchor: str
    title: str
    text: str
    figure: Figure | Drawing | None = None
    alt: str = ""
    table: Table | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.figure is not None and not self.alt.strip():
            raise ValueError(f"section {self.anchor!r}: its figure needs an alt text")

    @property
    def call(self) -> str:
        """The public function that draws the figure; empty where that is not known."""
        name = getattr(getattr(self.figure, "func", self.figure), "__name__", "")
        return f"spectra.plots.{name}" if name.startswith("plot_") else ""

    def record(self) -> dict[str, Any]:
        """Title, settings and table, for JSON."""
        return {
            "anchor": self.anchor,
            "title": self.title,
            "figure": self.alt,
            "call": self.call,
            "settings": dict(self.settings),
            "table": None if self.table is None else self.table.record(),
        }


@dataclass(frozen=True)
class Fact:
    """One number of the summary at the top.

    Attributes
    ----------
    label, value, note : str
        What, how much, and a few words on it.
    """

    label: str
    value: str
    note: str = ""


def write_report(
    path: str | Path,
    *,
    title: str,
    intro: str,
    sections: Sequence[Section],
    numbers: Mapping[str, Any],
    settings: Mapping[str, Any],
    facts: Sequence[Fact] = (),
    skipped: Sequence[tuple[str, str]] = (),
    credits: Sequence[tuple[str, str]] = (),
) -> Path:
    """Write the page; it holds all it shows.

    Parameters
    ----------
    path
        Where to write, usually DIR/report.html.
    title, intro
        Heading and lead; a blank line parts paragraphs.
    sections
        In order.
    numbers, settings
        All results and all options, nested as JSON can be; arrays and NumPy numbers are
        turned into lists and numbers, what is not finite into null. They stand in the page in
        ``<script type="application/json" id="spectra-data">``, with every section's table.
    facts
        The summary, best 3 or 4.
    skipped
        Files left out: (name, reason).
    credits
        Data and methods: (name, licence or citation).

    Returns
    -------
    Path

    Raises
    ------
    InputError
        The file cannot be written.
    ValueError
        Two sections share an anchor.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    from spectra import __version__

    anchors = [section.anchor for section in sections]
    if len(set(anchors)) < len(anchors):
        raise ValueError(f"anchors must differ: {', '.join(anchors)}")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.tests["judged"] = lambda value: isinstance(value, Cell)
    environment.filters |= {
        "cell": format_cell,
        "paragraphs": lambda text: [part.strip() for part in text.split("\n\n") if part.strip()],
    }
    source = resources.files("spectra.plots") / "templates" / "report.html.j2"
    template = environment.from_string(source.read_text(encoding="utf-8"))
    drawn = [_drawings(section) for section in sections]
    told = {
        "title": title,
        "intro": intro,
        "facts": facts,
        "skipped": skipped,
        "credits": credits,
        "settings": flatten(plain(settings)),
        "figures": [
            {"anchor": one.anchor, "title": one.title, "call": one.call, "settings": one.settings}
            for one in sections
            if one.figure is not None
        ],
        "data": Markup(
            embedded_json(
                {
                    "numbers": numbers,
                    "settings": settings,
                    "sections": [section.record() for section in sections],
                }
            )
        ),
        "light": Markup(palette_css(dark=False)),
        "dark": Markup(palette_css(dark=True)),
        "verdicts": VERDICTS,
        "version": __version__,
    }
    page = b""
    for density in DENSITIES:  # photographs in full, unless the page were too large to send
        figures = [
            [(layout, Markup(shrink_rasters(svg, density))) for layout, svg in layouts]
            for layouts in drawn
        ]
        parts = list(zip(sections, figures, strict=True))
        page = template.render(sections=parts, **told).encode("utf-8", "backslashreplace")
        if len(page) < LARGEST:
            break
    path = Path(path)
    write_atomically(path, page)
    return path


def _drawings(section: Section) -> list[tuple[str, str]]:
    """(class, inline SVG) for each layout of the section's figure."""
    if section.figure is None:
        return []
    if isinstance(section.figure, Figure):
        return [("single", inline_svg(section.figure, section.anchor, section.alt))]
    return [
        (
            layout,
            inline_svg(section.figure(layout=layout), f"{section.anchor}-{layout}", section.alt),
        )
        for layout in ("wide", "narrow")
    ]


def format_cell(value: Any) -> str:
    """A cell or setting as text: floats with 4 digits, a size as 32 × 32, other lists by commas."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}".replace("-", "−") if math.isfinite(value) else "–"
    if isinstance(value, (list, tuple)):
        whole = all(isinstance(item, (int, np.integer)) for item in value)
        return (" × " if whole else ", ").join(format_cell(item) for item in value)
    return str(value)


def embedded_json(value: Any) -> str:
    """JSON that may stand inside a <script>: no character there can end the element."""
    text = json.dumps(plain(value), allow_nan=False, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def flatten(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested settings as (dotted name, value)."""
    rows: list[tuple[str, Any]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        rows += flatten(item, f"{name}.") if isinstance(item, Mapping) else [(name, item)]
    return rows
