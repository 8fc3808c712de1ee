"""Schedules as curves, as paths through two bands, and beside what they train: true and legible."""

import numpy as np
import pytest

import spectra
from spectra.errors import InputError
from spectra.plots.density import plot_training_density, time_shares
from spectra.plots.octaves import plot_octaves
from spectra.plots.paths import plot_snr_paths
from spectra.plots.style import DARK, PAPER, RAMP, new_figure, ramp
from spectra.schedule import wiener_error
from tests.plots.legible import LAYOUTS, NARROWEST, assert_legible
from tests.schedule.known import known_spectrum, power_law

STRENGTHS = (0.0, 0.25, 1.0, 3.0)


@pytest.fixture(scope="module")
def spectrum() -> spectra.Spectrum:
    return known_spectrum(power_law(2.0), (1, 16, 16))


@pytest.fixture(scope="module")
def family(spectrum) -> dict[str, spectra.Schedule]:
    return {
        f"a = {a:g}": spectra.derive_schedule(spectrum, basis="dct", ordering_strength=a)
        for a in STRENGTHS
    }


@pytest.fixture(scope="module")
def kinds(spectrum) -> dict[str, spectra.Schedule]:
    """Also those with infinite ends, windows, without frequency, of one axis."""
    line = known_spectrum(power_law(2.0), (3, 8, 24))
    return {
        "flow": spectra.standard_schedule(spectrum),
        "windows": spectra.preset("columns", spectrum, tau_max=0.9),
        "pixel": spectra.derive_schedule(spectrum, basis="pixel", ordering="columns"),
        "three channels, not square": spectra.derive_schedule(line, basis="dct"),
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_kind_of_schedule_is_legible(kinds, layout) -> None:
    for name, schedule in kinds.items():
        figures = {
            "octaves": plot_octaves(schedule, layout=layout),
            "paths": plot_snr_paths({name: schedule}, layout=layout),
            "density": plot_training_density(schedule, layout=layout),
        }
        for what, figure in figures.items():
            words = " ".join(text for text, _ in assert_legible(figure, f"{what} of {name}"))
            assert 9.0 / 72 * NARROWEST[layout] / figure.get_figwidth() >= 9.5
            assert "SNR" in words or "per unit time" in words


def test_a_line_an_octave_is_the_mean_of_its_components(family) -> None:
    schedule = family["a = 1"]
    (axes,) = plot_octaves(schedule).axes
    lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    assert lines[0].get_label() == "DC"
    assert len(lines) == 6  # DC and the octaves up to 1/32 .. 1/2
    top = (schedule.frequency > 0.25)[None]
    t = np.asarray(lines[-1].get_xdata())
    expected = schedule.log_snr(t)[:, top[0]].mean(axis=1) / np.log(10)
    np.testing.assert_allclose(np.log10(np.asarray(lines[-1].get_ydata())), expected, atol=1e-9)


def test_given_axes_are_drawn_on_and_left_to_their_maker(family) -> None:
    for draw in (plot_octaves, plot_training_density):
        figure = new_figure("wide", 3.0)
        left, right = figure.subplots(1, 2)
        assert draw(family["a = 1"], axes=right) is figure
        assert not left.lines
        assert right.get_xlabel()
        assert figure.get_layout_engine() is not None


def paths(family) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    panel = plot_snr_paths(family).axes[1]
    named = zip(family, panel.lines[::2], strict=True)
    return {
        name: (np.asarray(line.get_xdata()), np.asarray(line.get_ydata())) for name, line in named
    }


def test_equal_snr_is_the_diagonal_and_larger_strengths_hug_the_edges(family) -> None:
    found = paths(family)
    np.testing.assert_allclose(found["a = 0"][0], found["a = 0"][1], atol=1e-9)
    # The area over the path: one half of a diagonal, all of a sequential order.
    areas = [abs(np.trapezoid(1 - y, x)) for x, y in found.values()]
    assert areas == sorted(areas)
    assert areas[0] == pytest.approx(0.5, abs=0.01)
    assert areas[-1] > 0.99


def test_a_path_is_parallel_to_the_diagonal_where_it_is_inside(family) -> None:
    panel = plot_snr_paths(family).axes[0]
    by_name = {line.get_label(): line for line in panel.lines}
    drawn = by_name["a = 0.25"]
    x, y = np.asarray(drawn.get_xdata()), np.asarray(drawn.get_ydata())
    inside = (np.abs(x) < 2.9) & (np.abs(y) < 2.9)
    shift = (x - y)[inside]
    assert inside.sum() > 50
    np.testing.assert_allclose(shift, shift.mean(), atol=1e-6)
    schedule = family["a = 0.25"]
    low = (schedule.frequency > 0) & (schedule.frequency <= 1 / 32 + 1e-9)
    apart = schedule.offset[low].mean() - schedule.offset[schedule.frequency > 0.25].mean()
    assert shift.mean() == pytest.approx(apart / np.log(10), abs=1e-6)


def test_bands_may_be_given(family, spectrum) -> None:
    schedule = spectra.derive_schedule(spectrum, basis="pixel", ordering="columns")
    left = np.zeros(schedule.shape, bool)
    left[..., :4] = True
    figure = plot_snr_paths(
        {"columns": schedule}, first=("left quarter", left), second=("the rest", ~left)
    )
    assert figure.axes[0].get_xlabel() == "SNR: left quarter"
    assert figure.axes[1].get_ylabel() == "share known: the rest"


@pytest.mark.parametrize(
    ("count", "band", "word"),
    [
        (0, None, "from 1 to 7"),
        (8, None, "not 8"),
        (1, np.ones(3, bool), "shape"),
        (1, np.zeros((1, 16, 16), bool), "component"),
        (1, np.ones((1, 16, 16)), "bool"),
    ],
)
def test_bad_paths_are_named_in_one_line(family, count: int, band, word: str) -> None:
    many = {str(k): family["a = 1"] for k in range(count)}
    with pytest.raises(InputError, match=word) as caught:
        plot_snr_paths(many, first=None if band is None else ("x", band))
    assert "\n" not in str(caught.value)


def test_shares_of_time_are_those_of_the_schedule(family, spectrum) -> None:
    flow = spectra.standard_schedule(spectrum)
    edges, trained, nats, modes = time_shares(flow)
    for share in (trained, nats, modes):
        assert share.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(trained, 0.01, atol=1e-6)  # a flow is trained evenly in t
    left = flow.information(edges)
    lost = (left[:-1] - left[1:]) / (left[0] - left[-1])
    np.testing.assert_allclose(nats, lost, atol=1e-3)
    assert modes.argmax() != nats.argmax()
    even = time_shares(family["a = 1"])[2]
    np.testing.assert_allclose(even, 0.01, atol=1e-4)  # the pace loses nats evenly


def test_a_measured_error_takes_the_law_s_place(family) -> None:
    schedule = family["a = 1"]
    law = wiener_error(schedule, np.geomspace(1e-4, 100, 60))
    same = time_shares(schedule, error=law)
    np.testing.assert_allclose(same[2], time_shares(schedule)[2], atol=2e-3)


def test_ordered_colours_stand_out_on_white_and_on_dark_pages() -> None:
    def luminance(colour: str) -> float:
        values = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    for ink, paper in ((RAMP, PAPER), ([DARK[c] for c in RAMP], DARK[PAPER])):
        light = [luminance(c) for c in ink]
        assert light == sorted(light)  # an order that print in grey keeps
        for value in light:
            low, high = sorted((value, luminance(paper)))
            assert (high + 0.05) / (low + 0.05) > 2.75
    assert ramp(1) == [RAMP[0]]
    assert ramp(8) == list(RAMP)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_cell_higher_than_the_axis_has_its_height_written_above_it(layout) -> None:
    spectrum = known_spectrum(power_law(2.2, 1e-2), (1, 32, 32), quantum=2 / 255)
    schedule = spectra.derive_schedule(spectrum, basis="dct")
    edges, trained, *_ = time_shares(schedule)
    highest = trained[-1] / np.diff(edges)[-1]
    figure = plot_training_density(schedule, layout=layout)
    assert highest > 2 * figure.axes[0].get_ylim()[1]
    words = [text for text, _ in assert_legible(figure)]
    assert f"\N{UPWARDS ARROW} {highest:.3g}" in words
    flat = spectra.standard_schedule(spectrum)
    top = plot_training_density(flat, layout=layout).axes[0]
    cut = [text.get_text() for text in top.texts]
    assert bool(cut) == any(
        (share / np.diff(edges)).max() > top.get_ylim()[1] for share in time_shares(flat)[1:]
    )
