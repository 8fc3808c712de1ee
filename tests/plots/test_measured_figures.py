"""Figures and sections of sound, series, fields and colour: what each must show, and no more."""

import itertools
import warnings
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pytest
from matplotlib.figure import Figure

import spectra
from spectra import plots
from spectra.fit.floors import Floor
from spectra.plots import pages
from spectra.plots.bases import basis_worths
from spectra.plots.curves import law_in_rings, thinned
from spectra.plots.directions import sector_names, sectors_over_mean
from spectra.plots.examples import example_sections
from spectra.plots.frequency import failings, frequency_scale, heard_peak, octave_ticks, signed
from spectra.plots.report import format_cell
from tests.plots.conftest import power_law_images
from tests.plots.test_figures import LAYOUTS, NARROWEST, written

RATE = 16000
CLIFF = Floor("codec cliff", 1e-6, 0.4, "falls at once")
BLOCKS = Floor("8-pixel blocks", float("nan"), 0.125, "lines at 1/8")


@dataclass(frozen=True)
class Case:
    spectrum: spectra.Spectrum
    examples: np.ndarray

    @property
    def fit(self) -> spectra.PowerLaw:
        return spectra.fit_power_law(self.spectrum)

    def sections(self, floors=()) -> list[plots.Section]:
        return pages.analysis_sections(
            self.spectrum, self.fit, floors, self.examples, "rectified-flow", 1.0
        )


def series(n: int, shape: tuple[int, ...], tone: float = 0.0) -> np.ndarray:
    """Noise falling as f^-1, with a tone [cycles/sample] over a low end that is cut off.

    float32 [n, *shape] within 1.
    """
    rng = np.random.default_rng(3)
    frequency = np.fft.rfftfreq(shape[-1])
    frequency[0] = np.inf
    modes = np.fft.rfft(rng.standard_normal((n, *shape))) * frequency**-0.5
    if tone:
        modes *= 1 / (1 + (tone / 2 / frequency) ** 2)
    values = np.fft.irfft(modes, shape[-1])
    values += 2 * values.std() * np.sin(2 * np.pi * tone * np.arange(shape[-1]))
    return (values / np.abs(values).max()).astype(np.float32)


def measured(values: np.ndarray, bases=("dct", "pixel"), **told) -> Case:
    """Its spectrum, with what another kind of source would say of it."""
    source = spectra.open_source(values, **({"view": "series"} if values.ndim == 3 else {}))
    spectrum = spectra.analyze(source, bases=bases)
    return Case(replace(spectrum, **told), source.some(12))


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    mel = power_law_images(20, (1, 32, 40))
    return {
        "sound": measured(
            series(20, (1, 12000), 1000 / RATE),
            kind="sound",
            spacing=(1 / RATE,),
            axis_units=("s",),
        ),
        "stereo": measured(
            series(12, (2, 600)), kind="sound", spacing=(1 / RATE,), axis_units=("s",)
        ),
        "log-mel": measured(
            mel, kind="sound", spacing=(1.0, 0.01), axis_units=("mel", "s"), quantum=0.0
        ),
        "series": measured(series(20, (1, 128))),
        "fields": measured(
            40 * power_law_images(20, (1, 24, 32)),
            kind="fields",
            spacing=(2.0, 2.0),
            axis_units=("km", "km"),
        ),
        "colour": measured(power_law_images(20, (3, 16, 16)), ("dct", "fourier", "pca")),
        "latents": measured(3 * power_law_images(20, (4, 16, 16))),
        "grey": measured(power_law_images(20, (1, 16, 16)), ("wavelet-haar",)),
        "bare": measured(power_law_images(20, (6, 16, 16)), ()),
    }


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
        boxes = written(figure)
        assert boxes, name
        width, height = figure.bbox.width, figure.bbox.height
        smallest = min(
            text.get_fontsize() for text in figure.findobj(plots_text) if text.get_text()
        )
        assert smallest / 72 * NARROWEST[layout] / figure.get_figwidth() >= 9.5, name
        for text, box in boxes:
            inside = box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1
            assert inside, f"{kind} {name}: {text!r} is clipped"
        for (text, a), (other, b) in itertools.combinations(boxes, 2):
            across = min(a.x1, b.x1) - max(a.x0, b.x0)
            along = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert across < 1 or along < 3, f"{kind} {name}: {text!r} meets {other!r}"


def plots_text(artist) -> bool:
    from matplotlib.text import Text

    return isinstance(artist, Text)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sound", "data rapsd bases hinge cutoff"),
        ("stereo", "data rapsd channels bases hinge cutoff"),
        ("log-mel", "data rapsd directions bases hinge cutoff"),
        ("series", "data rapsd bases hinge cutoff"),
        ("fields", "data rapsd directions bases hinge cutoff"),
        ("colour", "data spectra-2d rapsd directions channels bases hinge cutoff"),
        ("latents", "data rapsd directions channels bases hinge cutoff"),
        ("grey", "data spectra-2d rapsd directions bases hinge cutoff"),
        ("bare", "data spectra-2d rapsd directions hinge cutoff"),
    ],
)
def test_sections_are_those_that_fit(cases, kind, expected):
    assert [section.anchor for section in cases[kind].sections()] == expected.split()
    marked = [section.anchor for section in cases[kind].sections([CLIFF])]
    assert marked == expected.replace("rapsd", "rapsd floors").split()


def test_a_spectrum_file_shows_the_same_without_examples(cases, tmp_path):
    for kind in ("sound", "log-mel", "colour"):
        case = cases[kind]
        case.spectrum.save(tmp_path / "spectrum.safetensors")
        sections, _ = pages.sections_of(tmp_path / "spectrum.safetensors")
        shown = [s.anchor for s in case.sections() if s.anchor not in ("data", "spectra-2d")]
        assert [section.anchor for section in sections if section.anchor != "floors"] == shown


def test_no_examples_at_all_leave_the_pictures_out(cases):
    case = cases["grey"]
    none = replace(case, examples=case.examples[:0])
    assert none.sections()[0].anchor == "rapsd"


def test_sound_is_shown_in_hertz(cases):
    case = cases["sound"]
    sections = {section.anchor: section for section in case.sections()}
    top, bottom = sections["rapsd"].figure(layout="wide").axes
    assert bottom.get_xlabel() == "frequency (Hz)"
    low, high = bottom.get_xlim()
    assert low < 20 < 7000 < high < 9000
    assert "1.25k" in [text.get_text() for text in bottom.get_xticklabels()]
    (peak,) = [line for line in top.get_lines() if "peak" in str(line.get_label())]
    assert abs(peak.get_xdata()[0] - 1000) < RATE / 4096
    assert "1,000 Hz" in peak.get_label()
    assert "largest at 1,000 Hz" in sections["rapsd"].text
    assert sections["hinge"].figure(layout="narrow").axes[0].get_xlim()[1] > 7000
    assert sections["cutoff"].figure(layout="wide").axes[0].get_ylabel() == "frequency (Hz)"
    assert "f_max at SNR 1 (Hz)" in sections["cutoff"].table.columns
    first = sections["cutoff"].table.rows[0]
    cutoff = spectra.frequency_cutoff(case.spectrum).f_max(np.array([0.01]))[0] * RATE
    assert float(first[1].replace(",", "")) == pytest.approx(cutoff, rel=1e-3)


def test_what_is_no_power_law_is_told_why_in_the_axis_own_unit(cases):
    case = cases["sound"]
    assert not case.fit.is_power_law
    text = next(section.text for section in case.sections() if section.anchor == "rapsd")
    assert text.startswith("Not a power law: ")
    assert " Hz" in text.partition("The nearest law")[0]
    facts = {fact.label: fact for fact in pages.analysis_facts(case.spectrum, case.fit, [CLIFF])}
    assert facts["a power law?"].value == "no"
    assert facts["peak"].value == "1,000 Hz"
    assert facts["what ends it"].note == "from 6,400 Hz"
    grey = cases["grey"]
    assert "A power law: " in grey.sections()[2].text
    facts = {fact.label: fact.value for fact in pages.analysis_facts(grey.spectrum, grey.fit, [])}
    assert facts["a power law?"] == "yes"
    assert "peak" not in facts


def test_rising_octaves_that_touch_are_told_as_one():
    rise = series(40, (1, 4096))
    case = measured(np.diff(rise, axis=-1).astype(np.float32))  # f^-1 becomes f^+1
    told = failings(case.fit, frequency_scale(case.spectrum))
    rising = [phrase for phrase in told if phrase.startswith("rises")]
    assert len(rising) == 1
    assert rising[0].count(" and ") <= 1
    assert rising[0].endswith("cycles/sample")


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


def test_channels_mixed_alike_are_one_axis():
    light = power_law_images(20, (1, 16, 16))
    case = measured(np.repeat(light, 3, axis=1) * 0.9)
    section = next(s for s in case.sections() if s.anchor == "channels")
    assert section.table.rows[0][1:] == ["100 %", "+0.58", "+0.58", "+0.58"]
    assert "coherence is 1.00" in section.text


def test_basis_table_counts_the_components(cases):
    case = cases["colour"]
    section = next(s for s in case.sections() if s.anchor == "bases")
    names = [row[0] for row in section.table.rows]
    assert names == ["dct", "fourier", "pca"]
    for worth in basis_worths(case.spectrum):
        for share in (0.5, 0.9, 1.0):
            needed = worth.needed(share)
            if needed is None:
                continue
            assert worth.variance[:needed].sum() >= share * worth.variance.sum() * (1 - 1e-9)
            rest = worth.variance[: needed - 1].sum()
            assert rest < share * worth.variance.sum()


def test_what_a_truncated_pca_does_not_know_is_not_told():
    case = measured(power_law_images(12, (1, 64, 64)), ("dct", "pca"))
    worths = {worth.name: worth for worth in basis_worths(case.spectrum)}
    rows = {row[0]: row for row in case.sections()[-3].table.rows}
    known = worths["pca"]
    assert len(known.variance) < 64 * 64 // 10
    assert rows["pca"][1] == f"{100 * known.share[-1]:.1f} %"
    assert rows["pca"][3] == "–" or known.share[-1] >= 0.99


def test_gap_to_pca_is_told_only_where_it_is_known():
    few = measured(power_law_images(20, (1, 16, 16)), ("dct", "pca"))
    assert len(next(s for s in few.sections() if s.anchor == "bases").table.columns) == 4
    many = measured(power_law_images(400, (1, 8, 8)), ("dct", "pixel", "pca"))
    section = next(s for s in many.sections() if s.anchor == "bases")
    assert section.table.columns[-1] == "gap to PCA (nats/dimension)"
    gaps = {row[0]: row[-1] for row in section.table.rows}
    assert gaps["pca"] == 0
    assert gaps["pixel"] > gaps["dct"] > -0.05


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


def test_sound_without_logarithms_and_a_single_file_is_shown_all_the_same(cases):
    case = cases["sound"]
    moments = case.spectrum.log_moments
    silent = replace(case.spectrum, log_moments=replace(moments, total=moments.total * np.nan))
    shown = Case(silent, case.examples).sections()
    assert shown[1].figure(layout="wide").axes
    assert "largest at" not in shown[1].text
    images = power_law_images(4, (1, 32, 32))
    alone = spectra.analyze(images)
    moments = replace(alone.power_moments, n_files=1), replace(alone.log_moments, n_files=1)
    one = Case(replace(alone, power_moments=moments[0], log_moments=moments[1]), images)
    for section in one.sections():
        if section.figure is not None:
            assert section.figure(layout="narrow").axes


def test_a_name_is_never_taken_for_a_formula():
    case = measured(power_law_images(4, (1, 16, 16)), name="a$^$ 数 $x_{")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for section in case.sections():
            if section.figure is not None:
                section.figure(layout="wide")
    assert plots.plot_examples(case.examples, "a$x_{$").axes


def test_long_curves_are_thinned_without_losing_their_ends():
    frequency = np.arange(1, 20000) / 40000
    f, row = thinned(frequency, np.log(frequency))
    assert len(f) < 800
    assert f[0] == frequency[0]
    assert f[-1] > 0.99 * frequency[-1]
    np.testing.assert_allclose(row, np.log(f), atol=1e-3)
    short = np.arange(1, 40) / 80
    assert thinned(short)[0] is short


@pytest.mark.parametrize(
    ("low", "high", "unit", "expected"),
    [
        (0.06, 0.56, "cycles/pixel", [0.5, 0.25, 0.125, 0.0625]),
        (9.0, 24000, "Hz", [20000, 10000, 5000, 2500, 1250, 630, 315, 160, 80, 40, 20, 10]),
        (0.9, 35, "Hz", [32, 16, 8, 4, 2, 1]),
    ],
)
def test_ticks_are_octaves(low, high, unit, expected):
    assert octave_ticks(low, high, unit) == expected


def test_numbers_have_a_true_minus_and_no_negative_nought():
    assert signed(-0.001) == "0.00"
    assert signed(-1.234) == "−1.23"
    assert signed(1.234, plus=True) == "+1.23"


def test_the_peak_is_sought_above_hearing(cases):
    spectrum = cases["sound"].spectrum
    total = spectrum.log_moments.total.copy()
    total[0] += 1e6  # a rumble at 4 Hz
    loud = replace(spectrum, log_moments=replace(spectrum.log_moments, total=total))
    assert np.argmax(loud.log_power) == 0
    assert heard_peak(loud) == heard_peak(spectrum)


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
