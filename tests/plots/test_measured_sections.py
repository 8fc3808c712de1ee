"""Sections of sound, series, fields and colour: which there are, and what they say."""

from dataclasses import replace

import numpy as np
import pytest

import spectra
from spectra.findings import Findings
from spectra.frequencies import failings, frequency_scale, heard_peak, octave_ticks, signed
from spectra.plots import pages
from spectra.plots.curves import thinned
from spectra.plots.extent import directions_section
from spectra.plots.side_by_side import spectrum_pair_sections
from spectra.spectrum.components import basis_worths
from tests.plots.cases import CLIFF, RATE, Case, measured, series
from tests.plots.conftest import power_law_images

pytestmark = pytest.mark.slow

MEASURED = ("rapsd", "directions", "channels", "bases", "hinge", "cutoff")  # no examples needed


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sound", "data rapsd bases hinge cutoff"),
        ("stereo", "data rapsd channels bases hinge cutoff"),
        ("log-mel", "data rapsd directions bases hinge cutoff"),
        ("series", "data rapsd bases hinge cutoff"),
        ("fields", "data rapsd directions bases hinge cutoff"),
        ("colour", "data spectra-2d rapsd directions channels bases hinge cutoff lowpass"),
        ("latents", "data rapsd directions channels bases hinge cutoff"),
        ("grey", "data spectra-2d rapsd directions bases hinge cutoff lowpass"),
        ("bare", "data spectra-2d rapsd directions hinge cutoff lowpass"),
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
        shown = [s.anchor for s in case.sections() if s.anchor in MEASURED]
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
    rows = [row for row in sections["cutoff"].table.rows if row[1] not in ("all", "none")]
    cutoff = spectra.frequency_cutoff(case.spectrum).f_max(np.array([float(rows[0][0])]))[0] * RATE
    assert float(rows[0][1].replace(",", "")) == pytest.approx(cutoff, rel=1e-2)


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


def test_channels_mixed_alike_are_one_axis():
    light = power_law_images(20, (1, 16, 16))
    case = measured(np.repeat(light, 3, axis=1) * 0.9)
    section = next(s for s in case.sections() if s.anchor == "channels")
    assert section.table.rows[0][1:] == ["100 %", "+0.58", "+0.58", "+0.58"]
    assert "coherence is 1.00" in section.text


@pytest.mark.filterwarnings("error")
def test_sectors_without_power_are_left_out_of_what_is_said():
    rows = np.random.default_rng(0).normal(size=(6, 1, 16, 1))
    for images in (rows.repeat(16, axis=-1), rows.repeat(16, axis=-1).swapaxes(-1, -2)):
        spectrum = spectra.analyze(images, window="none", bases=())
        section = directions_section(spectrum)
        assert "nan" not in section.text
        assert "Over all rings" not in section.text
        assert [row[1:] for row in section.table.rows].count(["–", "–"]) == 3
        assert section.figure(layout="wide").axes
    grain = rows.repeat(16, axis=-1) + 0.1 * np.random.default_rng(1).normal(size=(6, 1, 16, 16))
    section = directions_section(spectra.analyze(grain, window="none", bases=()))
    assert "Over all rings, level edges carry" in section.text


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
    worth = next(section for section in case.sections() if section.anchor == "bases")
    rows = {row[0]: row for row in worth.table.rows}
    known = worths["pca"]
    assert len(known.variance) < 64 * 64 // 10
    assert known.in_largest_tenth is None
    assert rows["pca"][1] == "–"
    assert rows["dct"][1] == f"{100 * worths['dct'].share[64 * 64 // 10 - 1]:.1f} %"
    assert rows["pca"][3] == "–" or known.share[-1] >= 0.99
    findings = Findings(case.spectrum, case.fit)
    assert findings.numbers()["bases"]["pca"]["in_largest_tenth"] is None
    assert not any("pca" in line for line in findings.lines())
    cutoff = spectra.frequency_cutoff(case.spectrum)
    sections = spectrum_pair_sections(
        ["a", "b"], [case.spectrum] * 2, [case.fit] * 2, [[], []], [cutoff] * 2, ["", ""]
    )
    beside = next(section for section in sections if section.anchor == "bases").table
    assert {row[0]: row[1] for row in beside.rows} == {name: row[1] for name, row in rows.items()}


def test_gap_to_pca_is_told_only_where_it_is_known():
    few = measured(power_law_images(20, (1, 16, 16)), ("dct", "pca"))
    assert len(next(s for s in few.sections() if s.anchor == "bases").table.columns) == 4
    many = measured(power_law_images(400, (1, 8, 8)), ("dct", "pixel", "pca"))
    section = next(s for s in many.sections() if s.anchor == "bases")
    assert section.table.columns[-1] == "gap to PCA (nats/dimension)"
    gaps = {row[0]: row[-1] for row in section.table.rows}
    assert gaps["pca"] == 0
    assert gaps["pixel"] > gaps["dct"] > -0.05


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


def test_the_low_passed_example_is_the_most_varied_and_the_text_fits_the_spectrum(cases):
    case = cases["grey"]
    dull = case.examples * np.linspace(0, 1, len(case.examples))[:, None, None, None]
    section = next(s for s in replace(case, examples=dull).sections() if s.anchor == "lowpass")
    first = np.asarray(section.figure(layout="wide").axes[0].images[0].get_array())
    alike = [np.corrcoef(first[..., 0].ravel(), one.ravel())[0, 1] for one in case.examples]
    assert np.argmax(alike) == np.argmax(dull.var(axis=(1, 2, 3)))
    assert "coarse to fine" in section.text
    wave = np.cos(2 * np.pi * 0.3 * np.arange(16)) * np.ones((16, 1))
    bumpy = measured((0.7 * wave + 0.1 * case.examples).clip(-1, 1))
    section = next(s for s in bumpy.sections() if s.anchor == "lowpass")
    assert "rough likeness" in section.text
