"""The page of a comparison: its verdicts, its losses, and what was equal."""

import re

import numpy as np
import pytest

from spectra.errors import InputError
from spectra.plots import write_report
from spectra.plots.compared import compared_facts, compared_intro, compared_sections
from spectra.plots.report import Cell
from tests.plots.compared_cases import EIGHT, compared

MIXED = compared(
    offsets=[0.1, 0, 0.09, 0.11, 0.12, 0.095, 1.9, 0.1], noise=0.004, not_drawn=("edm", "heun")
)
ONE = [("heun", 9)]


def section(made, anchor):
    return next(part for part in compared_sections(made) if part.anchor == anchor)


def test_the_facts_count_every_difference_once_and_losses_as_wins():
    facts = {fact.label: fact.value for fact in compared_facts(MIXED)}
    found = [row.verdict for *_, row in MIXED.contrasts()]
    counts = {word: facts[f"derived: {word}"] for word in ("better", "tied", "undecided", "worse")}
    assert counts == {word: f"{found.count(word)} of {len(found)}" for word in counts}
    assert sum(int(value.split()[0]) for value in counts.values()) == len(found)
    assert facts["lowest bound"] == "refined"


def test_steps_to_the_best_copied_bound_are_told_as_they_are():
    facts = compared_facts(MIXED)
    assert facts[-1].value == "not reached"
    assert facts[-1].note == "by 3 of 3 seeds"
    ahead = compared(["derived", "edm", "sd3"], noise=0.001)
    reach = ahead.reach("derived", "edm")
    assert reach.mean < 0.9
    fact = compared_facts(ahead)[-1]
    assert "edm" in fact.label
    assert fact.value == f"{reach.mean:.2f}×"
    assert f"{reach.low:.2f} – {reach.high:.2f}" in fact.note


def test_every_loss_is_named_in_the_text():
    text = section(MIXED, "verdict").text
    lost = {(row.measure, other) for _, other, row in MIXED.contrasts() if row.verdict == "worse"}
    assert lost
    named = text.partition("Where derived is worse: ")[2].partition("\n")[0]
    for measure, other in lost:
        kind = "bits/dim" if measure.startswith("bits") else measure.partition(",")[0]
        said = f"“{other}”" if "," in other else other
        assert f"{kind} against {said} (" in named
    ahead = section(compared(["derived", "edm"], noise=0.001, spread=0.0, samplers=()), "verdict")
    assert "Nowhere is derived worse" in ahead.text


def test_the_margin_of_a_tie_is_the_one_that_was_used():
    from dataclasses import replace

    text = section(replace(MIXED, bits_margin=0.5, distance_margin=0.25), "verdict").text
    assert "+0.5 bits/dim, or +25\N{NO-BREAK SPACE}% of a distance" in text


def test_the_table_marks_the_best_and_says_whose_verdict_it_is():
    table = section(MIXED, "verdict").table
    rows = {row[0]: row for row in table.rows}
    assert [row[0] for row in table.rows] == list(EIGHT)
    assert [name for name, row in rows.items() if row[1].best] == ["refined"]
    assert (rows["refined"][2].verdict, rows["refined"][2].said) == ("worse", "derived worse")
    assert rows["derived"][2] == "–"
    counted = rows["equal-snr"][-4:]
    found = [row.verdict for _, other, row in MIXED.contrasts() if other == "equal-snr"]
    assert counted == [found[1:].count(w) for w in ("better", "tied", "undecided", "worse")]


@pytest.mark.parametrize("measure", ["spectral", "frechet"])
def test_the_distances_stand_by_solver_and_evaluations(measure):
    table = section(MIXED, f"{measure}-evaluations").table
    assert list(table.columns[1:4]) == ["Euler, 5", "Euler, 9", "Euler, 19"]
    row = next(row for row in table.rows if row[0] == "edm")
    assert row[4:] == ["not drawn"] * 3
    values = MIXED.distances("edm", measure, 9, "euler")
    assert isinstance(row[2], Cell)
    assert float(row[2].value) == pytest.approx(np.exp(np.log(values).mean()), abs=0.006)
    for column in range(1, 7):
        assert sum(getattr(row[column], "best", False) for row in table.rows) == 1


def test_one_arm_alone_is_not_called_best():
    made = compared(["derived"], samplers=ONE)
    assert compared_facts(made) == []
    table = section(made, "verdict").table
    assert list(table.columns) == ["arm", "bits/dim"]
    assert not table.rows[0][1].best


def test_an_arm_that_came_to_nothing_is_named():
    made = compared(["derived", "edm"], offsets=[np.nan, 0.0], samplers=())
    assert "Not finite at the end of the training, with some seed: derived." in (
        section(made, "verdict").text
    )


def test_arms_that_failed_are_told_first():
    from dataclasses import replace

    made = replace(MIXED, settings={"failed": {"gone": "its loss is not finite"}, "batch": 2})
    assert section(made, "verdict").text.startswith("Left out, because training failed: gone (its")
    assert [row[0] for row in section(made, "equal").table.rows] == ["batch", "seeds"]


@pytest.mark.parametrize(
    ("made", "absent"),
    [
        (compared(["derived"], seeds=1, samplers=ONE), {"contrasts", "frechet-contrasts"}),
        (compared(["derived", "edm"], seeds=1, samplers=ONE), set()),
        (compared(["a", "b"], seeds=2, samplers=()), {"spectral-evaluations", "frechet-contrasts"}),
        (compared(["derived", "refined"], samplers=ONE), set()),
        (compared(["derived", "edm"], offsets=[0.0, np.nan], samplers=ONE), {"frechet-contrasts"}),
        (compared(["derived", "edm"], offsets=[np.nan, 0.0], samplers=ONE), {"frechet-contrasts"}),
    ],
    ids=["one arm", "one seed", "not sampled", "none copied", "one failed", "the first failed"],
)
def test_a_page_of_any_comparison(made, absent, tmp_path):
    sections = compared_sections(made)
    anchors = {part.anchor for part in sections}
    assert not absent & anchors
    assert {"verdict", "training", "arms", "equal"} <= anchors
    page = write_report(
        tmp_path / "report.html",
        title="t",
        intro=compared_intro(made),
        sections=sections,
        numbers=made.to_dict(),
        settings=made.settings,
        facts=compared_facts(made),
    ).read_text()
    text = re.sub(r"<(script|style|svg).*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|inf|None)\b", text)


def test_samples_of_arms_stand_beside_data(tmp_path):
    made = compared(["derived", "$edm$"], samplers=())
    drawn = {name: np.zeros((4, 1, 8, 8)) for name in made.names}
    part = next(
        p
        for p in compared_sections(made, samples=drawn, data=np.zeros((4, 1, 8, 8)))
        if p.anchor == "samples"
    )
    figure = part.figure(layout="wide")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles[:3] == ["derived", r"\$edm\$", "data"]


def test_the_words_are_coloured_on_the_page(tmp_path):
    page = write_report(
        tmp_path / "report.html",
        title="t",
        intro="",
        sections=[section(MIXED, "verdict")],
        numbers={},
        settings={},
    ).read_text()
    assert '<span class="said worse">derived worse</span>' in page
    assert '<span class="said tied">tied</span>' in page
    assert re.search(r"<strong>3\.5\d\d · best</strong>", page)


def test_a_comparison_on_disk_is_a_page(tmp_path):
    from spectra.plots.pages import sections_of

    compared(["derived", "edm"]).save(tmp_path / "compare.json")
    for path in (tmp_path, tmp_path / "compare.json"):
        sections, title = sections_of(path)
        assert title.startswith("Which schedule pays")
        assert {"contrasts", "training"} <= {section.anchor for section in sections}
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(InputError, match="is no comparison"):
        sections_of(tmp_path / "other.json")
