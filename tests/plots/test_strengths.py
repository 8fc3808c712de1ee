"""The figure of scores over the ordering strength: legible, and true to its numbers."""

import numpy as np
import pytest

from spectra import InputError
from spectra.plots.strengths import StrengthCurve, plot_strengths
from tests.plots.legible import LAYOUTS, NARROWEST, assert_legible

A = np.array([0.25, 0.5, 1.0, 1.5, 2.0])
BASES = ("PCA", "Fourier", "Haar")


def curve(name: str, value: np.ndarray, joined: bool = True, spread: float = 0.0) -> StrengthCurve:
    ends = (value - spread, value + spread) if spread else (None, None)
    return StrengthCurve(name, A, value, *ends, joined)


@pytest.fixture(scope="module")
def scores():
    rng = np.random.default_rng(0)
    bits = {
        basis: [
            curve("trained at each a alone", 5.8 + 0.1 * (A - 1) ** 2, joined=False),
            curve("one over the range", 5.83 + 0.1 * (A - 1) ** 2),
        ]
        for basis in BASES
    }
    decibel = {
        basis: [curve("one over the range", 1 + rng.random(5), spread=0.2)] for basis in BASES
    }
    return {"bits/dim": bits, "spectral distance (dB)": decibel}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_four_long_names_are_legible_too(layout) -> None:
    names = ("trained at each a alone", "one over the range", "the same, twice the budget")
    names = (*names, "the same, the budget of the 5 alone together")
    curves = [curve(name, 5.8 + 0.1 * k + A / 10) for k, name in enumerate(names)]
    figure = plot_strengths({"bits/dim": dict.fromkeys(BASES, curves)}, layout=layout)
    labels = " ".join(text for text, _ in assert_legible(figure))
    assert all(name in labels for name in names)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_figure_is_legible_and_nothing_overlaps(scores, layout) -> None:
    figure = plot_strengths(scores, aims={"bits/dim": 5.9}, layout=layout)
    boxes = assert_legible(figure)
    assert 9.0 / 72 * NARROWEST[layout] / figure.get_figwidth() >= 9.5
    labels = " ".join(text for text, _ in boxes)
    for word in (*BASES, *scores, "ordering strength a", "one over the range"):
        assert word in labels


def test_curves_are_where_the_numbers_say_whatever_their_order() -> None:
    turned = StrengthCurve("x", A[::-1], np.arange(5.0)[::-1])
    figure = plot_strengths({"bits/dim": {"PCA": [turned]}}, aims={"bits/dim": 9.0})
    (axes,) = figure.axes
    (drawn,) = [line for line in axes.get_lines() if line.get_label() == "x"]
    np.testing.assert_array_equal(drawn.get_xdata(), A)
    np.testing.assert_array_equal(drawn.get_ydata(), np.arange(5.0))
    assert axes.get_ylim()[1] > 9.0  # the aim is in the picture
    assert any(np.all(np.asarray(line.get_xdata()) == 1) for line in axes.get_lines())  # a = 1


def test_all_bases_of_a_score_share_one_scale(scores) -> None:
    limits = [axes.get_ylim() for axes in plot_strengths(scores).axes]
    assert len(set(limits[:3])) == 1
    assert len(set(limits[3:])) == 1
    assert limits[0] != limits[3]


def test_one_strength_and_values_that_are_missing_are_drawn() -> None:
    one = StrengthCurve("x", np.array([1.0]), np.array([5.0]))
    gap = StrengthCurve("y", A, np.array([5.0, np.nan, 5.1, 5.2, np.nan]))
    for layout in LAYOUTS:
        axes = plot_strengths({"bits/dim": {"PCA": [one, gap]}}, layout=layout).axes[0]
        assert np.isfinite(axes.get_ylim()).all()


@pytest.mark.parametrize(
    ("scores", "word"),
    [
        ({}, "empty"),
        ({"bits/dim": {}}, "empty"),
        ({"bits/dim": {"PCA": []}}, "no curve"),
        ({"a": {"PCA": [curve("x", A)]}, "b": {"Haar": [curve("x", A)]}}, "b: is of Haar"),
        ({"a": {"PCA": [StrengthCurve("x", A, A[:3])]}}, "as many strengths"),
        ({"a": {"PCA": [curve("x", A * np.nan)]}}, "finite"),
    ],
)
def test_bad_input_is_named_in_one_line(scores, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        plot_strengths(scores)
    assert "\n" not in str(caught.value)
