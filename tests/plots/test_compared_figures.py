"""Comparisons of many arms as figures."""

import itertools
import json

import numpy as np
import pytest

from spectra import plots
from spectra.comparison.results import load_comparison
from spectra.errors import InputError
from spectra.plots.arms import short, spread
from spectra.plots.contrasts import difference_text
from tests.plots.compared_cases import EIGHT, compared
from tests.plots.legible import LAYOUTS, assert_legible

CASES = {
    "eight arms": compared(not_drawn=("edm", "heun")),
    "a pair": compared(["derived", "edm"], offsets=[0.0, 0.001]),
    "two seeds": compared(seeds=2),
    "one seed": compared(seeds=1),
    "one far off": compared(offsets=[0.1, 0, 0.09, 0.11, 0.12, 0.095, 1.9, 0.1], noise=0.004),
    "one solver": compared(EIGHT[:4], samplers=[("2m", 9)]),
    "seventeen": compared([f"edm:p_mean={-k / 10}, scalar" for k in range(17)]),
    "hostile names": compared(["$x_1$ <b>", "a" * 60, "b c " * 20, "α"]),
    "alike": compared(["derived", "again"], offsets=[0.0, 0.0], noise=0.0, spread=0.0),
}
DRAW = {
    "contrasts": plots.plot_contrasts,
    "training": plots.plot_bits_along_training,
    "evaluations": plots.plot_against_evaluations,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("draw", list(DRAW))
def test_all_is_inside_and_nothing_overlaps(draw, layout):
    assert_legible(DRAW[draw](CASES["hostile names"], layout=layout), draw)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("draw", list(DRAW))
@pytest.mark.parametrize("case", list(CASES))
def test_every_comparison_can_be_read(case, draw, layout):
    assert_legible(DRAW[draw](CASES[case], layout=layout), f"{draw} of {case}")


def words(axes) -> list[str]:
    """The verdicts beside a panel, from its top."""
    found = sorted(axes.texts, key=lambda text: text.xy[1])
    return [text.get_text() for text in found]


def test_contrasts_say_each_verdict_as_the_comparison_does():
    made = CASES["one far off"]
    axes = plots.plot_contrasts(made, ("bits",)).axes[0]
    first, *others = made.names
    said = [made.bits_difference(first, other) for other in others]
    assert {"better", "worse"} <= {row.verdict for row in said}
    assert words(axes) == [f"{difference_text(row)}  {row.verdict}" for row in said]
    dots = {
        round(float(line.get_ydata()[0])): line for line in axes.lines if len(line.get_xdata()) == 1
    }
    assert dots[0].get_xdata()[0] == pytest.approx(said[0].mean)
    assert dots[0].get_marker() == "s"


def test_a_percentage_stands_where_its_ratio_does():
    made = compared(["derived", "edm"], samplers=[("heun", 9)], noise=0.0, spread=0.0)
    row = made.distance_difference("derived", "edm", "spectral", 9, "heun")
    axes = plots.plot_contrasts(made, ("spectral",)).axes[0]
    dot = next(line for line in axes.lines if len(line.get_xdata()) == 1)
    assert row is not None
    assert np.exp(dot.get_xdata()[0]) == pytest.approx(1 + row.mean / 100)


def test_an_endless_interval_ends_in_arrows_and_a_dot_far_out_is_one():
    axes = plots.plot_contrasts(CASES["one seed"], ("bits",)).axes[0]
    low, high = axes.get_xlim()
    arrows = [line for line in axes.lines if line.get_marker() in "<>" and line.get_marker()]
    assert {(line.get_marker(), line.get_xdata()[0]) for line in arrows} == {
        ("<", low),
        (">", high),
    }
    assert len(arrows) == 2 * 7
    axes = plots.plot_contrasts(CASES["one far off"], ("bits",)).axes[0]
    assert axes.get_xlim()[0] > -1
    assert any("−2.1" in word for word in words(axes))


def test_an_arm_without_samples_says_so_and_has_no_line():
    made = CASES["eight arms"]
    panels = plots.plot_contrasts(made, ("spectral",)).axes
    at = made.names.index("edm") - 1
    assert [words(axes)[at] == "not drawn" for axes in panels] == 3 * [False] + 3 * [True]
    heun = plots.plot_against_evaluations(made).axes[1]
    assert heun.get_title(loc="left") == "Heun"
    assert [len(box.lines[0].get_xdata()) for box in heun.containers] == [3, 3, 3, 3, 3, 0, 3, 3]


def test_lines_are_the_means_over_seeds():
    made = CASES["eight arms"]
    line = next(
        line
        for line in plots.plot_bits_along_training(made).axes[0].lines
        if line.get_label() == "edm"
    )
    assert line.get_ydata()[-1] == pytest.approx(made.bits("edm").mean())
    box = plots.plot_against_evaluations(made, "frechet").axes[0].containers[0]
    values = made.distances("derived", "frechet", 5, "euler")
    assert box.lines[0].get_ydata()[0] == pytest.approx(np.exp(np.log(values).mean()))


def test_the_end_of_the_training_can_be_read_beside_an_arm_that_failed():
    axes = plots.plot_bits_along_training(CASES["one far off"]).axes[0]
    low, high = axes.get_ylim()
    assert high < 5 < CASES["one far off"].bits("equal-snr").min()
    assert (3.65 - 3.53) / (high - low) > 0.1
    assert any("↑ 5." in text.get_text() for text in axes.texts)


def test_no_two_arms_look_alike():
    lines = plots.plot_bits_along_training(CASES["seventeen"]).axes[0].lines
    looks = [(line.get_color(), line.get_marker()) for line in lines if line.get_marker() != "None"]
    assert len(looks) == len(set(looks)) == 17


def test_labels_are_moved_apart_no_further_than_they_must():
    wanted, heights = np.array([0.5, 0.5, 0.9, 0.1]), np.array([0.1, 0.1, 0.1, 0.1])
    assert spread(wanted, heights) == pytest.approx([0.45, 0.55, 0.9, 0.1])
    crowded = spread(np.full(6, 1.0), np.full(6, 0.1))
    assert crowded.max() <= 1.0
    gaps = [b - a for a, b in itertools.pairwise(sorted(crowded))]
    assert min(gaps) >= 0.1 - 1e-9
    assert spread(np.array([]), np.array([])).size == 0


def test_a_name_is_cut_only_where_two_lines_do_not_hold_it():
    assert short("rectified-flow") == "rectified-flow"
    assert short(EIGHT[-1]).replace("\n", " ") == EIGHT[-1]
    assert short("x" * 99).count("\n") == 1
    assert short("x" * 99).endswith("…")


def test_figures_need_the_small_json_alone(tmp_path):
    made = CASES["a pair"]
    made.save(tmp_path / "compare.json")
    json.loads((tmp_path / "compare.json").read_text())
    read = load_comparison(tmp_path / "compare.json")
    for draw in DRAW.values():
        for name in ("a", "b"):
            plots.save_figure(draw(made if name == "a" else read), tmp_path / f"{name}.svg")
        assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: plots.plot_contrasts(compared(["derived"])), "second one"),
        (lambda: plots.plot_contrasts(CASES["a pair"], ("fid",)), "measure 'fid'"),
        (lambda: plots.plot_contrasts(compared(samplers=()), ("frechet",)), "no samples"),
        (lambda: plots.plot_against_evaluations(compared(samplers=())), "no samples"),
        (lambda: plots.plot_against_evaluations(CASES["a pair"], "fid"), "measure 'fid'"),
        (lambda: plots.plot_bits_along_training(compared(offsets=[np.nan] * 8)), "finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(draw, says):
    with pytest.raises(InputError, match=says) as caught:
        draw()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_arm_that_is_not_finite_leaves_the_others_readable(layout):
    made = compared(["derived", "edm", "sd3"], offsets=[0.0, np.nan, 0.1])
    assert_legible(plots.plot_contrasts(made, layout=layout))
    assert_legible(plots.plot_bits_along_training(made, layout=layout))
    assert_legible(plots.plot_against_evaluations(made, layout=layout))
    along = plots.plot_bits_along_training(made).axes[0]
    assert "edm  ↑ not finite" in [text.get_text() for text in along.texts]
    assert "not finite" in words(plots.plot_contrasts(made, ("bits",)).axes[0])
