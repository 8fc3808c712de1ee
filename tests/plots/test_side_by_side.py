"""The sections about two data sets, of every kind."""

import itertools

import numpy as np
import pytest

import spectra
from spectra.fit import power_ratio
from spectra.plots.side_by_side import ratio_octaves, spectrum_pair_sections
from spectra.plots.two_runs import same_schedule, schedule_pair_sections
from tests.plots.cases import CLIFF
from tests.plots.legible import LAYOUTS, assert_legible

KINDS = ("sound", "stereo", "log-mel", "series", "fields", "colour", "latents", "bare")


def sections_of(first, second, floors=((), ()), recipes=("none", "none")):
    spectra_of = (first.spectrum, second.spectrum)
    cutoffs = [spectra.frequency_cutoff(one) for one in spectra_of]
    fits = [first.fit, second.fit]
    return spectrum_pair_sections(("a", "b"), spectra_of, fits, floors, cutoffs, recipes)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_beside_grey_images(cases, kind):
    sections = sections_of(cases["grey"], cases[kind])
    anchors = [section.anchor for section in sections]
    assert len(set(anchors)) == len(anchors)
    assert {"measured", "spectra", "ratio", "cutoff", "constants"} <= set(anchors)
    assert "floors" not in anchors
    for section in sections:
        if section.figure is not None:
            for layout in LAYOUTS:
                assert_legible(section.figure(layout=layout), section.anchor)


def test_floors_and_why_there_are_no_constants_are_told(cases):
    sections = sections_of(
        cases["grey"], cases["sound"], floors=((), (CLIFF,)), recipes=("no basis", "too odd")
    )
    by_anchor = {section.anchor: section for section in sections}
    (row,) = by_anchor["floors"].table.rows
    assert row[:2] == ["codec cliff", "b"]
    assert "a: no basis. b: too odd." in by_anchor["constants"].text
    assert by_anchor["constants"].table is None


def test_constants_of_both_and_their_ratio(small):
    doubled = spectra.analyze(2 * small.images, bases=("dct", "pixel"))
    recipes = [
        spectra.prescription(one, spectra.derive_schedule(one, ordering_strength=1.0))
        for one in (doubled, small.spectrum)
    ]
    cutoffs = [spectra.frequency_cutoff(one) for one in (doubled, small.spectrum)]
    sections = spectrum_pair_sections(
        ("twice", "once"),
        (doubled, small.spectrum),
        [small.fit, small.fit],
        ((), ()),
        cutoffs,
        recipes,
    )
    table = next(section.table for section in sections if section.anchor == "constants")
    rows = {row[0]: row for row in table.rows}
    assert rows["sigma_data"][4] == pytest.approx(2, rel=1e-4)
    mean = next(row for name, row in rows.items() if name.startswith("P_mean"))
    assert mean[1] - mean[2] == pytest.approx(np.log(2), abs=1e-3)
    assert mean[4] == "–"  # a ratio of logarithms


def test_octaves_cover_the_ratio_once(cases):
    ratio = power_ratio(cases["colour"].spectrum, cases["grey"].spectrum)
    octaves = list(ratio_octaves(ratio))
    assert octaves[0][0] == pytest.approx(ratio.frequency[0])
    assert octaves[-1][1] == pytest.approx(ratio.frequency[-1])
    for before, after in itertools.pairwise(octaves):
        assert before[1] == pytest.approx(after[0])
    assert all(low < mean < high for _, _, mean, low, high in octaves)


def test_schedules_in_an_order_of_places_have_no_f_max_figure(small):
    placed = spectra.derive_schedule(small.spectrum, basis="pixel", ordering="columns")
    sections = schedule_pair_sections(("a", "b"), (placed, small.derived), ("x", "y"))
    assert sections[0].figure is None
    assert sections[0].table.rows[0][1] == "–"
    for section in sections[1:]:
        if section.figure is not None:
            for layout in LAYOUTS:
                assert_legible(section.figure(layout=layout), section.anchor)


def test_schedules_are_told_apart_by_their_noise(small):
    assert same_schedule(small.derived, small.derived)
    assert not same_schedule(small.derived, small.standard)
