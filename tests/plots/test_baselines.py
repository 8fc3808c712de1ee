"""Twelve figures beside the pictures of them that were looked at (plots/baselines).

A figure that is meant to look otherwise is drawn anew, looked at, and committed:

    SPECTRA_RENEW_BASELINES=1 python -m pytest tests/plots/test_baselines.py
"""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import matplotlib
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.testing.compare import compare_images
from PIL import Image

import spectra
from spectra import plots
from spectra.plots.style import DATA, NOISY, house_style
from spectra.schedule import process
from spectra.schedule.weights.recipes import recipe_weights
from tests.plots.compared_cases import compared
from tests.plots.conftest import Nouns, nouns_of, power_law_images

FOLDER = Path(__file__).parent / "baselines"
RENEW = "SPECTRA_RENEW_BASELINES"
DPI = 50
LARGEST = 60_000  # bytes of a baseline

# Grey levels, root mean square over the picture. Drawn again by the same matplotlib a figure is the
# same to the bit; another processor may round an edge by a level. The smallest change that a reader
# would notice, one letter less in one label, is 3.7, a label moved by a fifth of its axis 4.1 to
# 6.7, another colour of the main line 7 to 11 (each in the figures it applies to).
TOLERANCE = 2.0

# Other versions of matplotlib set type otherwise: from 3.10 to 3.11 the same figures differ by 11
# to 36, more than any of those changes. They cannot be told from a mistake and are not compared.
DRAWN_WITH = "3.11"
same_matplotlib = pytest.mark.skipif(
    not matplotlib.__version__.startswith(f"{DRAWN_WITH}."),
    reason=f"baselines are of matplotlib {DRAWN_WITH}, which sets type otherwise than the one here",
)


@cache
def nouns() -> Nouns:
    return nouns_of((1, 16, 16))


def tide() -> Figure:
    animation = plots.animate_tide(nouns().spectrum, times=[0.3])
    return animation._fig


FIGURES: dict[str, Callable[[], Figure]] = {
    "rapsd": lambda: plots.plot_rapsd(nouns().spectrum, nouns().fit, nouns().singles),
    "hinge": lambda: plots.plot_hinge(
        nouns().spectrum, process("rectified-flow"), (0.1, 0.3, 0.5, 0.8)
    ),
    "cutoff": lambda: plots.plot_cutoff([spectra.frequency_cutoff(nouns().spectrum)]),
    "schedule": lambda: plots.plot_schedule(nouns().derived, nouns().standard),
    "steps": lambda: plots.plot_steps(spectra.compare_grids(nouns().derived)),
    "directions": lambda: plots.plot_directions(nouns().spectrum),
    "bases": lambda: plots.plot_bases(nouns().spectrum),
    "weighting": lambda: plots.plot_weighting(recipe_weights(nouns().derived)),
    "contrasts": lambda: plots.plot_contrasts(compared(("derived", "edm", "vp-cosine"))),
    "evaluations": lambda: plots.plot_against_evaluations(compared(("derived", "edm"))),
    "slices": lambda: plots.plot_slices(power_law_images(1, (1, 32, 32))[0]),
    "tide": tide,
}


def drawn(figure: Figure, path: Path) -> Path:
    """The figure as a small PNG, the same bytes for the same pixels."""
    with house_style():
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
    with Image.open(path) as picture:
        picture.convert("RGB").save(path, optimize=True)
    return path


def difference(name: str, path: Path) -> str | None:
    """What is different from the baseline, by more than the tolerance."""
    return compare_images(str(FOLDER / f"{name}.png"), str(path), TOLERANCE)


@same_matplotlib
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_looks_as_it_did(name, tmp_path):
    path = drawn(FIGURES[name](), tmp_path / f"{name}.png")
    if os.environ.get(RENEW):
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.png").write_bytes(path.read_bytes())
    told = difference(name, path)
    assert told is None, f"{told}\nLook at it; if it is meant, renew it with {RENEW}=1"


def recoloured(figure: Figure) -> None:
    changed = [line for line in figure.findobj(Line2D) if to_hex(line.get_color()) == DATA]
    assert changed
    for line in changed:
        line.set_color(NOISY)


def moved(figure: Figure) -> None:
    figure.axes[0].yaxis.label.set_y(0.3)


def misspelt(figure: Figure) -> None:
    (label,) = [axes.xaxis.label for axes in figure.axes if axes.get_xlabel()]
    label.set_text(label.get_text().replace("frequency", "frequenc"))


@same_matplotlib
@pytest.mark.skipif(bool(os.environ.get(RENEW)), reason="the baselines are being renewed")
@pytest.mark.parametrize("spoil", [recoloured, moved, misspelt])
@pytest.mark.parametrize("name", ["rapsd", "tide"])
def test_a_changed_colour_a_moved_label_and_a_missing_letter_are_refused(name, spoil, tmp_path):
    figure = FIGURES[name]()
    spoil(figure)
    told = difference(name, drawn(figure, tmp_path / f"{name}.png"))
    assert told is not None
    assert "RMS Value" in told


def test_there_is_one_small_baseline_for_each_figure():
    files = {path.stem: path.stat().st_size for path in FOLDER.glob("*.png")}
    assert set(files) == set(FIGURES)
    assert max(files.values()) < LARGEST
