"""The check of figures itself: it must be able to fail."""

import pytest
from matplotlib.figure import Figure

from tests.plots.legible import assert_legible


def test_what_is_apart_passes_and_is_told() -> None:
    figure = Figure(figsize=(4, 3))
    figure.text(0.1, 0.1, "below")
    figure.text(0.1, 0.8, "above")
    figure.text(0.1, 0.1, "unseen", visible=False)
    assert [text for text, _ in assert_legible(figure)] == ["below", "above"]


@pytest.mark.parametrize(
    ("x", "y", "word"),
    [
        (0.12, 0.52, "name: 'first' meets 'second'"),
        (0.95, 0.1, "'second' is clipped"),
        (-0.1, 0.1, "'second' is clipped"),
        (0.1, 0.99, "'second' is clipped"),
        (0.1, -0.1, "'second' is clipped"),
    ],
)
def test_what_meets_or_is_cut_is_named(x: float, y: float, word: str) -> None:
    figure = Figure(figsize=(4, 3))
    figure.text(0.1, 0.5, "first")
    figure.text(x, y, "second")
    with pytest.raises(AssertionError, match=word):
        assert_legible(figure, "name")
