"""One palette, one set of type sizes and two page widths for every figure."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from spectra.errors import InputError, check_name
from spectra.frequencies import compact, octave_ticks, tick_label

__all__ = [
    "BETTER",
    "DARK",
    "DATA",
    "DERIVED",
    "FIT",
    "GRID",
    "INK",
    "MUTED",
    "NOISE",
    "NOISY",
    "PAPER",
    "RAMP",
    "SERIES",
    "STANDARD",
    "TIED",
    "UNDECIDED",
    "VERDICT_MARKS",
    "WORSE",
    "Layout",
    "finish",
    "frequency_axis",
    "house_style",
    "in_thousands",
    "legend_above",
    "new_figure",
    "panel_legend",
    "picture_bar",
    "power_axis",
    "ramp",
    "save_figure",
]

Layout = Literal["wide", "narrow"]

# Inches. On the page a wide figure spans up to 1080 CSS pixels, a narrow one about 360, so the
# same type size in points reads at 15 and 12 pixels.
WIDTH = {"wide": 9.2, "narrow": 4.0}

INK, MUTED, GRID, PAPER = "#1f2328", "#59626d", "#dde1e6", "#ffffff"

# Hues of Okabe & Ito (2008), which keep apart under every common colour blindness, a little
# darker where the original has under 3:1 contrast on white.
DATA, NOISE, NOISY = "#0072b2", "#7b8591", "#d55e00"
DERIVED, STANDARD, FIT = "#00875f", "#b3558a", "#20252b"
OLIVE, BROWN = "#8a7a00", "#8c564b"
BETTER, TIED, WORSE, UNDECIDED = DERIVED, DATA, NOISY, MUTED

# Word, colour and shape of a verdict say the same thing three times.
VERDICT_MARKS = {
    "better": (BETTER, "o"),
    "tied": (TIED, "^"),
    "worse": (WORSE, "s"),
    "undecided": (UNDECIDED, "D"),
}

SERIES = (DERIVED, STANDARD, NOISY, OLIVE, BROWN)

# What has an order, from its first to its last: magma's middle, 2.8:1 or more on white.
RAMP = (
    "#3b0f70", "#59157e", "#752181", "#932b80",
    "#b0357b", "#cd4071", "#e75263", "#f7705c",
)  # fmt: skip
DARK_RAMP = (
    "#bf3a77", "#d6456c", "#eb5760", "#f7725c",
    "#fc9065", "#feac76", "#feca8d", "#fde7a9",
)  # fmt: skip

# The same roles on a dark page; the report swaps each colour for its twin.
DARK = {
    INK: "#e8ebef",
    MUTED: "#a7b0bb",
    GRID: "#363d47",
    PAPER: "#1b1f25",
    DATA: "#5bb8f5",
    NOISE: "#8d97a3",
    NOISY: "#ff8f52",
    DERIVED: "#3fcfa0",
    STANDARD: "#e59cc6",
    FIT: "#e2e6ea",
    OLIVE: "#d8c646",
    BROWN: "#cf9c8f",
    **dict(zip(RAMP, DARK_RAMP, strict=True)),
}

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

_SETTINGS: dict[str, Any] = {
    "font.family": ["DejaVu Sans"],  # ships with matplotlib: the same shapes on every machine
    "font.size": 9.5,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.titlepad": 7.0,
    "axes.titlecolor": INK,
    "axes.labelsize": 9.5,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "text.color": INK,
    "legend.fontsize": 9.0,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "hatch.linewidth": 0.6,
    "figure.facecolor": PAPER,
    "figure.dpi": 100.0,
    "savefig.facecolor": PAPER,
    "savefig.dpi": 160.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "spectra",  # the same figure gives the same file
    "image.cmap": "magma",
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw and save inside this context (or decorate with it): nothing global is changed.

    Returns
    -------
    context manager
        For figures of several panels of one's own, beside those of `spectra.plots`.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # in a name
        matplotlib.rcdefaults()  # a user's own matplotlibrc must not shift a page's layout
        for name, value in _SETTINGS.items():
            matplotlib.rcParams[name] = value  # pyright: ignore[reportArgumentType]
        yield


def new_figure(layout: Layout, height: float) -> Figure:
    """An empty figure of the page's width, `height` inches tall, that lays itself out.

    Raises
    ------
    InputError
        `layout` is neither "wide" nor "narrow".
    """
    check_name("layout", layout, tuple(WIDTH))
    return Figure(figsize=(WIDTH[layout], height), layout="constrained")


def ramp(count: int) -> list[str]:
    """So many of the ordered colours, spread evenly; at most as many as there are."""
    return [RAMP[k] for k in np.linspace(0, len(RAMP) - 1, count).round().astype(int)]


def finish(figure: Figure, *, trim: bool = False) -> Figure:
    """Lay out and draw once, so that no tick is made later, outside the house style.

    `trim` takes off the height that pictures of fixed aspect leave empty.
    """
    figure.draw_without_rendering()
    if trim:
        box = figure.get_tightbbox(_renderer(figure))
        figure.set_figheight(box.height + 0.14)
        figure.draw_without_rendering()
    figure.set_layout_engine("none")  # what is laid out once need not be again when it is saved
    return figure


def _renderer(figure: Figure) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    return FigureCanvasAgg(figure).get_renderer()


def frequency_axis(
    axes: Axes,
    frequency: np.ndarray,
    label: str = "",
    *,
    unit: str = "cycles/pixel",
    which: Literal["x", "y"] = "x",
    most: int = 6,
) -> None:
    """Logarithmic axis for frequencies in `unit`, with at most `most` ticks at octaves."""
    positive = frequency[frequency > 0]
    low, high = float(positive.min()) / 1.12, float(positive.max()) * 1.12
    octaves = octave_ticks(low, high, unit)
    if len(octaves) < 2:
        octaves = sorted({float(positive.max()), float(positive.min())}, reverse=True)
    every = 1 + (len(octaves) - 1) // most
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low, high), f"{which}label": label})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(FixedLocator(octaves[::every]))
    axis.set_major_formatter(FuncFormatter(lambda f, _: tick_label(f)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def power_axis(axes: Axes, label: str = "power") -> None:
    """Logarithmic axis for what is drawn; over few decades its ticks are plain numbers."""
    axes.set_yscale("log")
    axes.set_ylabel(label)
    low, high = axes.get_ylim()
    if high < 100 * low:
        few = high < 8 * low
        axes.yaxis.set_major_locator(MaxNLocator(5) if few else LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: compact(value)))
        axes.yaxis.set_minor_locator(NullLocator())


def in_thousands(largest: float, unit: str) -> tuple[float, str]:
    """What to divide an axis by that its ticks are short, and its unit then: (1e-9, "10⁻⁹ m")."""
    exponent = 3 * math.floor(math.log10(largest) / 3) if largest > 0 else 0
    if exponent in (-3, 0, 3):
        return 1.0, unit
    return 10.0**exponent, f"10{str(exponent).translate(RAISED)} {unit}"


def picture_bar(axes: Axes, picture: Any, label: str) -> None:
    """A colour bar as tall as the picture, whatever its aspect."""
    place = axes.inset_axes((1.03, 0.0, 0.045, 1.0))
    figure = axes.get_figure(root=True)
    assert figure is not None
    bar = figure.colorbar(picture, cax=place, label=label, ticks=MaxNLocator(6))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def legend_above(figure: Figure, axes: Sequence[Axes], columns: int) -> None:
    """One legend above all panels, outside them, so that it can cover nothing."""
    found: dict[str, Any] = {}
    for panel in axes:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    figure.legend(
        list(found.values()), list(found), loc="outside upper left", ncols=columns, borderpad=0.1
    )


def panel_legend(axes: Axes, title: str, columns: int = 1) -> None:
    """The panel's own legend above it, with its title."""
    axes.legend(
        title=title,
        alignment="left",
        title_fontsize=10.0,
        loc="lower left",
        bbox_to_anchor=(-0.02, 1.0),
        borderaxespad=0.2,
        ncols=columns,
    )


def save_figure(figure: Figure, path: str | Path) -> None:
    """Write a figure as the suffix says (.png, .svg, .pdf), on white.

    Parameters
    ----------
    figure : Figure
    path
        Ends in .png, .svg or .pdf.

    Raises
    ------
    InputError
        The file cannot be written.

    Examples
    --------
    >>> from spectra.plots import plot_rapsd, save_figure
    >>> spectrum = spectra.analyze(spectra.open_source("photos", size=64, crop="center"))
    >>> save_figure(plot_rapsd(spectrum, spectra.fit_power_law(spectrum)), "rapsd.png")
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with house_style():
            # Without its date the same figure is the same file.
            dates = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
            figure.savefig(path, metadata=dates.get(path.suffix.lower(), {}))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: the figure cannot be written ({error})") from error
