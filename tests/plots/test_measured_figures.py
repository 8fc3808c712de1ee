"""Figures of sound, series, fields and colour: what each must show, in its own units."""

import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure

import spectra
from spectra import plots
from spectra.plots.curves import law_in_rings
from spectra.plots.directions import sector_names, sectors_over_mean
from spectra.plots.examples import example_sections
from spectra.plots.report import format_cell
from tests.plots.cases import BLOCKS, CLIFF, Case, measured, series
from tests.plots.conftest import power_law_images
from tests.plots.legible import LAYOUTS, NARROWEST, assert_legible

pytestmark = pytest.mark.slow


def drawings(case: Case) -> dict:
    found = {section.anchor: section.figure for section in case.sections([CLIFF, BLOCKS])}
    return {name: figure for name, figure in found.items() if figure is not None}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "kind", ["sound", "stereo", "log-mel", "series", "fields", "colour", "latents", "grey", "bare"]
)
def test_every_figure_of_every_kind_is_legible_free_of_overlap_and_of_warnings(cases, kind, layout):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = {name: draw(layout=layout) for name, draw in drawings(cases[kind]).items()}
    for name, figure in figures.items():
        assert isinstance(figure, Figure)
        assert assert_legible(figure, f"{kind} {name}"), name
        smallest = min(
            text.get_fontsize() for text in figure.findobj(plots_text) if text.get_text()
        )
        assert smallest / 72 * NARROWEST[layout] / figure.get_figwidth() >= 9.5, name


def plots_text(artist) -> bool:
    from matplotlib.text import Text

    return isinstance(artist, Text)


def test_floors_are_marked_where_they_begin_and_listed_with_their_evidence(cases):
    case = cases["fields"]
    sections = {section.anchor: section for section in case.sections([CLIFF, BLOCKS])}
    top = sections["rapsd"].figure(layout="wide").axes[0]
    labels = {str(line.get_label()): line for line in top.get_lines()}
    cliff = labels["codec cliff from 0.200 cycles/km"]
    assert cliff.get_xdata()[0] == pytest.approx(0.2)
    assert cliff.get_ydata()[0] == CLIFF.level
    blocks = labels["8-pixel blocks from 0.0625 cycles/km"]  # without a level, on the curve
    assert np.isfinite(blocks.get_ydata()[0])
    rows = sections["floors"].table.rows
    assert [row[0] for row in rows] == ["codec cliff", "8-pixel blocks"]
    assert rows[0][3] == CLIFF.evidence
    assert format_cell(rows[1][2]) == "–"


def test_a_fitted_floor_and_knee_are_drawn_and_told(small):
    fit = replace(small.fit, floor=0.01, floor_se=0.001, knee=0.1, knee_se=0.01)
    top = plots.plot_rapsd(small.spectrum, fit).axes[0]
    labels = [str(line.get_label()) for line in top.get_lines()]
    assert any("knee at 0.100 cycles/pixel" in label for label in labels)
    (law,) = [line for line in top.get_lines() if "a knee and a floor" in str(line.get_label())]
    below = np.asarray(law.get_ydata(), float)
    assert below.min() >= 0.01
    plain = plots.plot_rapsd(small.spectrum, small.fit).axes[0]
    (straight,) = [line for line in plain.get_lines() if "power law" in str(line.get_label())]
    assert below[0] < np.asarray(straight.get_ydata(), float)[0]


def test_the_law_drawn_is_what_the_fit_was_compared_with():
    """The residual drawn has the root mean square that the fit states."""
    spectrum = spectra.analyze(power_law_images(60, (1, 64, 64), 3.0))
    for average in ("arithmetic", "log"):
        methods = (
            "weighted",
            "plain",
            "theil-sen",
            *(["whittle"] if average == "arithmetic" else []),
        )
        for method in methods:
            fit = spectra.fit_power_law(spectrum, method=method, average=average)
            used = (spectrum.frequency >= fit.f_range[0]) & (spectrum.frequency <= fit.f_range[1])
            left = (spectrum.log_mean(average) - law_in_rings(spectrum, fit))[used]
            drawn = 10 / np.log(10) * np.sqrt(np.mean(left**2))
            assert drawn == pytest.approx(fit.residual_db, rel=1e-3), (average, method)


def test_axes_of_spectrograms_have_their_own_units(cases):
    section = next(s for s in cases["log-mel"].sections() if s.anchor == "directions")
    figure = section.figure(layout="wide")
    labels = {axes.get_xlabel() for axes in figure.axes}
    assert {"modulation frequency (Hz)", "quefrency (cycles/mel)"} <= labels
    plane = figure.axes[0]
    assert plane.get_ylabel() == "quefrency (cycles/mel)"
    assert plane.get_xlim() == pytest.approx((-51.25, 48.75), abs=1.5)  # 40 frames of 10 ms
    assert plane.get_ylim()[0] < plane.get_ylim()[1]  # low bands at the bottom
    assert "harmonics" in section.text
    data = cases["log-mel"].sections()[0].figure(layout="wide")
    assert data.axes[0].get_ylabel() == "mel band"
    assert data.axes[0].get_xlim() == pytest.approx((0, 0.4))


def test_mel_bands_have_hertz_where_the_rate_is_known():
    pictures = np.zeros((2, 1, 64, 30))
    axes = plots.plot_spectrograms(pictures, 0.01, 16000).axes[0]
    assert axes.get_ylabel() == "frequency (Hz)"
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert "1k" in labels or "2k" in labels
    assert all(0 < place < 64 for place in axes.get_yticks())


def test_decibels_of_spectrograms_are_those_of_the_view():
    pictures = np.full((1, 1, 8, 8), -1.0)
    pictures[..., 4:] = 1.0
    shown = plots.plot_spectrograms(pictures, 0.01).axes[0].images[0]
    np.testing.assert_allclose(np.unique(shown.get_array()), [-100, 40])


@pytest.mark.parametrize(
    ("slope", "said"),
    [((0, 1), "upright edges"), ((1, 0), "level edges"), ((1, 1), "rising"), ((-1, 1), "falling")],
)
def test_directions_name_the_edges_that_are_there(slope, said):
    """A wave along x has upright edges; one along x and down y has edges like a slash."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    phase = rng.uniform(0, 2 * np.pi, (20, 1, 1, 1))
    waves = np.sin(2 * np.pi * 4 / 32 * (slope[0] * y + slope[1] * x) + phase)
    images = (0.9 * waves + 0.01 * rng.standard_normal((20, 1, 32, 32))).clip(-1, 1)
    spectrum = spectra.analyze(images.astype(np.float32))
    _, over = sectors_over_mean(spectrum)
    ring = np.argmax(spectrum.power)
    strongest = sector_names(spectrum)[int(np.nanargmax(over[:, ring]))]
    sign = {"upright edges": "|", "level edges": "—", "rising": "/", "falling": "\\"}[said]
    assert strongest.endswith(sign)
    figure = plots.plot_directions(spectrum)
    picture = np.asarray(figure.axes[0].images[0].get_array())
    row, column = np.unravel_index(picture.argmax(), picture.shape)
    assert abs(row - 16) == 4 * abs(slope[0])  # y downwards, as in the picture
    assert abs(column - 16) == 4 * abs(slope[1])
    if all(slope):
        assert np.sign((row - 16) * (column - 16)) == np.sign(slope[0] * slope[1])
    assert figure.axes[0].get_ylim()[0] > figure.axes[0].get_ylim()[1]


def test_series_have_no_directions_and_a_single_channel_no_coherence(cases):
    with pytest.raises(spectra.InputError, match="directions"):
        plots.plot_directions(cases["series"].spectrum)
    with pytest.raises(spectra.InputError, match="one channel"):
        plots.plot_channels(cases["grey"].spectrum)
    with pytest.raises(spectra.InputError, match="no basis"):
        plots.plot_bases(cases["bare"].spectrum)


def test_channels_are_named_as_what_they_are(cases):
    def legends(kind):
        figure = plots.plot_channels(cases[kind].spectrum)
        return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]

    assert legends("colour") == ["red", "green", "blue", "luma"]
    assert legends("stereo") == ["left", "right"]
    assert legends("latents") == [f"channel {i}" for i in (1, 2, 3, 4)]


def test_fields_keep_their_own_range(cases):
    case = cases["fields"]
    axes = case.sections()[0].figure(layout="wide").axes[0]
    low, high = axes.images[0].get_clim()
    assert low == pytest.approx(case.examples[:8].min())
    assert high == pytest.approx(case.examples[:8].max())
    assert axes.get_xlim() == pytest.approx((0, 64))  # 32 of 2 km
    ranged = example_sections(case.examples / 50, case.spectrum, (0.0, 100.0))[0]
    scaled = ranged.figure(layout="wide").axes[0].images[0].get_clim()
    assert scaled == pytest.approx((50 + low, 50 + high))


def test_single_examples_are_measured_as_the_data_set_was():
    images = power_law_images(7, (2, 16, 16))
    spectrum = spectra.analyze(images, detrend="plane", reach="corners", window="periodic")
    case = Case(spectrum, images)
    top = next(s for s in case.sections() if s.anchor == "rapsd").figure(layout="wide").axes[0]
    lines = [np.asarray(line.get_ydata(), float) for line in top.get_lines()[:7]]
    np.testing.assert_allclose(np.mean(lines, axis=0), spectrum.power, rtol=1e-4)


def test_a_name_is_never_taken_for_a_formula():
    case = measured(power_law_images(4, (1, 16, 16)), name="a$^$ 数 $x_{")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for section in case.sections():
            if section.figure is not None:
                section.figure(layout="wide")
    assert plots.plot_examples(case.examples, "a$x_{$").axes


@pytest.mark.parametrize(
    "draw",
    [
        partial(plots.plot_waveforms, np.zeros((0, 1, 8))),
        partial(plots.plot_waveforms, np.full((1, 1, 8), np.nan)),
        partial(plots.plot_spectrograms, np.zeros((0, 1, 8, 8)), 0.01),
        partial(plots.plot_spectrograms, np.full((1, 1, 8, 8), np.inf), 0.01),
        partial(plots.plot_fields, np.zeros((0, 1, 8, 8))),
    ],
)
def test_bad_examples_are_named_in_one_line(draw):
    with pytest.raises(spectra.InputError) as caught:
        draw()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_few_constant_and_odd_examples_are_drawn(count, layout):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plots.plot_waveforms(np.zeros((count, 1, 5000)), layout=layout).axes
        assert plots.plot_spectrograms(np.zeros((count, 1, 8, 9)), 0.01, layout=layout).axes
        assert plots.plot_fields(np.zeros((count, 1, 8, 40)), layout=layout).axes


def test_an_interval_of_few_files_does_not_squeeze_the_curves() -> None:
    """Loud and quiet recordings: the interval of their mean goes on for many decades."""
    loudness = np.array([1.0, 1.0, 1e-4])[:, None, None]
    case = measured((series(3, (1, 512)) * loudness).astype(np.float32))
    assert case.spectrum.power_interval()[1].max() > 1e4 * case.spectrum.power.max()
    top = plots.plot_rapsd(case.spectrum, case.fit).axes[0]
    highest = max(np.max(line.get_ydata()) for line in top.lines if len(line.get_xdata()) > 2)
    assert top.get_ylim()[1] <= 101 * highest
