"""Several comparisons in one figure."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

import spectra
from spectra import plots
from spectra.plots.studies import COLOURS
from tests.plots.compared_cases import compared
from tests.plots.legible import LAYOUTS, assert_legible

NAMES = ("derived", "rectified-flow", "vp-cosine", "edm")
SAMPLERS = (("heun", 5), ("heun", 9))


def three(**options) -> dict[str, spectra.Comparison]:
    asked = {"names": NAMES, "samplers": SAMPLERS} | options
    return {
        "photographs": compared(**asked),
        "log-mel of spoken digits": compared(**asked, offsets=(0, -0.2, 0.1, 0.9)),
        "radar rain": compared(**asked, offsets=(0, 0.1, 9.0, np.nan)),
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_data_set_and_arm_is_named_and_legible(layout) -> None:
    told = [text for text, _ in assert_legible(plots.plot_studies(three(), layout=layout))]
    for name in (*NAMES[1:], "photographs", "radar rain", "derived − other (bits/dim)"):
        assert name in told
    assert "spectral distance\nHeun, 9 evaluations" in told


def test_dots_stand_where_the_differences_are() -> None:
    found = three()
    bits, five, _ = plots.plot_studies(found, ["edm"]).axes
    colour = COLOURS[0]
    drawn = {
        axes: [
            float(np.ravel(line.get_xdata())[0])
            for line in axes.lines
            if to_hex(line.get_color()) == to_hex(colour) or line.get_mfc() == colour
            if len(np.ravel(line.get_xdata())) == 1
        ]
        for axes in (bits, five)
    }
    expected = [one.bits_difference("derived", "edm").mean for one in found.values()][:2]
    np.testing.assert_allclose(drawn[bits][:2], expected)
    ratios = [
        one.distance_difference("derived", "edm", "spectral", 5, "heun") for one in found.values()
    ]
    logs = [np.log(1 + ratio.mean / 100) for ratio in ratios if ratio is not None]
    np.testing.assert_allclose(drawn[five][:2], logs[:2])


def test_one_comparison_without_samples_is_drawn() -> None:
    figure = plots.plot_studies({"photographs": compared(NAMES, samplers=())})
    assert len(figure.axes) == 1
    assert_legible(figure)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: ({}, None), "none given"),
        (lambda found: (found, ["sd3"]), "others sd3: not an arm of every comparison; all have"),
        (lambda found: (found, []), r"others \(none\)"),
        (
            lambda found: (found | {"odd": compared(("edm", "derived"))}, None),
            "odd: its first arm is edm, not derived",
        ),
        (lambda found: ({"one": compared(("derived",))}, None), "all have only the first"),
    ],
)
def test_what_cannot_be_drawn_is_named(change, words) -> None:
    comparisons, others = change(three())
    with pytest.raises(spectra.InputError, match=words):
        plots.plot_studies(comparisons, others)


def test_too_many_arms_are_refused() -> None:
    many = compared([f"arm {k}" for k in range(9)])
    with pytest.raises(spectra.InputError, match="8 arms; at most"):
        plots.plot_studies({"photographs": many}, list(many.names[1:]))
    shown = plots.plot_studies({"photographs": replace(many)})
    assert len(shown.legends[0].get_texts()) == len(COLOURS)
