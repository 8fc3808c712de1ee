"""What may be said of one arm against another, and the file that holds it."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from spectra.comparison import ArmRecord, Comparison, Drawn, RunScores, load_comparison
from spectra.comparison_commands import comparison_lines
from spectra.errors import InputError

MARKS = (10, 20, 40)


def run(arm: str, seed: int, bits=(3.0, 2.0, 1.0), drawn=((1.0, 1.0),), **said) -> RunScores:
    """A run drawn with Heun in 5, 9 ... evaluations."""
    many = tuple(
        Drawn("heun", 3 + 2 * k, 5 + 4 * k, spectral, frechet)
        for k, (spectral, frechet) in enumerate(drawn)
    )
    return RunScores(arm, seed, MARKS, tuple(bits), 4.0, said.pop("many", many), **said)


def comparison(runs, copied=(), **margins) -> Comparison:
    names = dict.fromkeys(run.arm for run in runs)
    arms = tuple(
        ArmRecord(name, f"{name}=edm", name in copied, {"steps": 40}, {"rule": "edm"}, {"a": "b"})
        for name in names
    )
    seeds = tuple(sorted({run.seed for run in runs}))
    return Comparison("data", arms, seeds, tuple(runs), {"failed": {}}, **margins)


def with_finals(**finals: tuple[float, ...]) -> Comparison:
    """Arms that differ in their final bits/dim alone, by seed."""
    runs = [
        run(arm, seed, (9.0, 8.0, value))
        for arm, values in finals.items()
        for seed, value in enumerate(values)
    ]
    return comparison(runs, copied=set(finals) - {"ours"})


def with_distances(**distances: tuple[float, ...]) -> Comparison:
    """Arms that differ in their spectral distance alone, by seed."""
    runs = [
        run(arm, seed, drawn=((value, 1.0),))
        for arm, values in distances.items()
        for seed, value in enumerate(values)
    ]
    return comparison(runs)


@pytest.mark.parametrize(
    ("target", "step"),
    [
        (2.0, 20.0),
        (1.0, 40.0),
        (1.5, 20 * np.sqrt(2)),  # halfway: the geometric mean of the two steps
        (2.75, 10 * 2**0.25),
        (3.0, 10.0),
        (7.0, 10.0),  # below it at the first score: no earlier step is claimed
        (0.99, np.inf),
        (-np.inf, np.inf),
    ],
)
def test_reach_is_straight_in_the_logarithm_of_the_step(target, step) -> None:
    assert run("x", 0).reach(target) == pytest.approx(step, rel=1e-12)


def test_reach_takes_the_first_time() -> None:
    assert run("x", 0, (3.0, 1.0, 2.0)).reach(2.0) == pytest.approx(10 * np.sqrt(2))
    assert np.isnan(run("x", 0, (3.0, np.nan, 1.0)).reach(2.0))


def test_an_arm_reaches_its_own_end_at_its_end() -> None:
    found = with_finals(ours=(1.0, 1.2), edm=(1.5, 1.6))
    assert found.reach("edm", "edm").shares == (1.0, 1.0)
    assert (found.reach("edm", "edm").low, found.reach("edm", "edm").high) == (1.0, 1.0)


def test_reach_is_the_geometric_mean_over_seeds() -> None:
    ours = [run("ours", 0, (3.0, 1.0, 0.5)), run("ours", 1, (1.0, 0.9, 0.8))]
    found = comparison([*ours, run("edm", 0), run("edm", 1)], copied={"edm"})
    reach = found.reach("ours", "edm")
    assert reach.shares == pytest.approx((0.5, 0.25))
    assert reach.mean == pytest.approx(np.sqrt(0.5 * 0.25))
    logs = np.log([0.5, 0.25])
    low, high = stats.t.interval(0.95, 1, logs.mean(), stats.sem(logs))
    np.testing.assert_allclose((reach.low, reach.high), np.exp([low, high]))


def test_one_seed_that_never_gets_there_leaves_no_mean() -> None:
    found = with_finals(ours=(1.0, 2.0), edm=(1.5, 1.5))
    reach = found.reach("ours", "edm")
    assert np.isfinite(reach.shares[0])
    assert reach.shares[1] == np.inf
    assert np.isnan([reach.mean, reach.low, reach.high]).all()


def test_bits_are_paired_over_seeds() -> None:
    ours, theirs = (1.0, 5.0, 9.0), (1.1, 5.12, 9.11)
    found = with_finals(ours=ours, edm=theirs).bits_difference("ours", "edm")
    interval = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    np.testing.assert_allclose(
        (found.mean, found.low, found.high), (-0.11, interval.low, interval.high)
    )
    assert (found.unit, found.pairs, found.margin) == ("bits/dim", 3, 0.02)
    assert found.verdict == "better"
    assert "40 steps" in found.measure


@pytest.mark.parametrize(
    ("offsets", "verdict"),
    [
        ((-0.10, -0.11, -0.09), "better"),
        ((0.010, 0.011, 0.009), "tied"),  # worse for certain, and by less than counts
        ((-0.001, 0.001, 0.0), "tied"),
        ((0.0, 0.0, 0.0), "tied"),
        ((0.03, 0.031, 0.029), "worse"),
        ((-0.10, 0.11, 0.02), "undecided"),
        ((0.02, 0.0201, 0.0199), "worse"),
        ((0.0,), "undecided"),
        ((-5.0,), "undecided"),
    ],
)
def test_verdicts_come_from_the_interval_and_the_margin(offsets, verdict) -> None:
    base = np.arange(len(offsets), dtype=float)
    found = with_finals(ours=tuple(base + offsets), edm=tuple(base))
    assert found.bits_difference("ours", "edm").verdict == verdict


def test_margins_are_those_asked_for() -> None:
    found = with_finals(ours=(1.010, 2.011, 3.009), edm=(1.0, 2.0, 3.0))
    assert replace(found, bits_margin=0.0).bits_difference("ours", "edm").verdict == "worse"
    found = with_distances(ours=(1.02, 2.06, 3.06), edm=(1.0, 2.0, 3.0))

    def verdict(margin: float) -> str:
        one = replace(found, distance_margin=margin)
        difference = one.distance_difference("ours", "edm", "spectral", 5, "heun")
        assert difference is not None
        return difference.verdict

    assert verdict(0.10) == "tied"
    assert verdict(0.01) == "worse"


def test_distances_are_ratios_in_per_cent() -> None:
    found = with_distances(ours=(0.5, 1.0, 4.0), edm=(1.0, 2.0, 8.0))
    half = found.distance_difference("ours", "edm", "spectral", 5, "heun")
    double = found.distance_difference("edm", "ours", "spectral", 5, "heun")
    assert half is not None
    assert double is not None
    np.testing.assert_allclose((half.mean, half.low, half.high), -50)
    np.testing.assert_allclose((double.mean, double.low, double.high), 100)
    assert (half.unit, half.margin, half.verdict) == ("%", 5.0, "better")
    assert double.verdict == "worse"
    assert "5 evaluations of heun" in half.measure


def test_ratios_are_geometric_with_students_interval() -> None:
    ours, theirs = np.array([1.0, 2.0, 1.5]), np.array([1.2, 1.7, 2.0])
    found = with_distances(ours=tuple(ours), edm=tuple(theirs))
    difference = found.distance_difference("ours", "edm", "spectral", 5, "heun")
    logs = np.log(ours / theirs)
    low, high = stats.t.interval(0.95, 2, logs.mean(), stats.sem(logs))
    assert difference is not None
    np.testing.assert_allclose(
        (difference.mean, difference.low, difference.high),
        100 * np.expm1([logs.mean(), low, high]),
    )


def test_an_arm_with_a_solver_of_its_own_is_held_against_the_others_at_that() -> None:
    heun = (Drawn("heun", 3, 5, 4.0, 4.0), Drawn("heun", 5, 9, 3.0, 3.0))
    own = (Drawn("covariance", 5, 5, 1.0, 1.0), Drawn("covariance", 9, 9, 1.5, 1.0))
    runs = [run("ours", 0, many=heun), run("theirs", 0, many=own), run("third", 0, many=heun)]
    found = comparison(runs)
    arms = [
        replace(arm, sampling={"solver": "covariance"}) if arm.name == "theirs" else arm
        for arm in found.arms
    ]
    found = replace(found, arms=tuple(arms))
    assert found.samplers == (("heun", 5), ("heun", 9))
    np.testing.assert_array_equal(found.distances("theirs", "spectral", 9, "heun"), [1.5])
    difference = found.distance_difference("ours", "theirs", "spectral", 5, "heun")
    assert difference is not None
    assert difference.mean == pytest.approx(300)
    assert difference.measure.endswith("5 evaluations of heun against covariance")
    assert len(found.differences("ours", "theirs")) == len(found.differences("ours", "third"))
    alone = replace(found, arms=found.arms[1:2], runs=found.runs[1:2])
    assert alone.samplers == (("covariance", 5), ("covariance", 9))


def test_some_arms_in_another_order() -> None:
    found = with_finals(ours=(1.0, 2.0), edm=(1.5, 2.7), flow=(3.0, 3.0))
    some = found.select("flow", "ours")
    assert some.names == ("flow", "ours")
    assert [(a, b) for a, b, d in some.contrasts() if d.unit != "%"] == [("flow", "ours")]
    np.testing.assert_array_equal(some.bits("flow"), found.bits("flow"))
    assert len(some.to_dict()["runs"]) == 4
    for names, words in ((("ours", "sd3"), "arms sd3: not of this"), ((), "it has ours, edm")):
        with pytest.raises(InputError, match=words):
            found.select(*names)


@pytest.mark.parametrize("nothing", [0.0, 1e-9, -0.3])
def test_a_distance_of_nothing_is_no_infinite_win(nothing) -> None:
    """The noise's share is taken off a squared distance, which may leave 0."""
    found = with_distances(ours=(nothing, nothing, nothing), edm=(nothing, nothing, 0.0))
    difference = found.distance_difference("ours", "edm", "spectral", 5, "heun")
    assert difference is not None
    assert (difference.mean, difference.low, difference.high) == (0.0, 0.0, 0.0)


def test_the_mean_distance_is_geometric_and_of_nothing_not_nothing() -> None:
    found = with_distances(ours=(1.0, 4.0), exact=(0.0, 0.0))
    assert found.mean_distance("ours", "spectral", 5, "heun") == pytest.approx(2.0)
    assert 0 < found.mean_distance("exact", "spectral", 5, "heun") < 0.01


def test_one_seed_decides_no_distance_and_has_no_interval() -> None:
    found = with_distances(ours=(0.1,), edm=(1.0,))
    difference = found.distance_difference("ours", "edm", "spectral", 5, "heun")
    assert difference is not None
    assert difference.verdict == "undecided"
    assert difference.mean == pytest.approx(-90)
    assert (difference.low, difference.high) == (-np.inf, np.inf)
    lines = comparison_lines(found)
    assert sum("no interval" in line for line in lines) == 3  # bits/dim and two distances
    assert not any(" to +" in line for line in lines)


def test_an_arm_that_was_not_drawn_so_is_not_compared_so() -> None:
    euler = tuple(Drawn("euler", 5, 5, 2.0, 2.0) for _ in range(1))
    both = (Drawn("heun", 3, 5, 1.0, 1.0), *euler)
    found = comparison([run("ours", 0, many=both), run("edm", 0, many=euler)])
    assert found.samplers == (("euler", 5), ("heun", 5))
    assert np.isnan(found.distances("edm", "spectral", 5, "heun")).all()
    assert found.distance_difference("ours", "edm", "spectral", 5, "heun") is None
    said = [difference.measure for difference in found.differences("ours", "edm")]
    assert len(said) == 3
    assert all("heun" not in one for one in said)


def test_the_first_is_compared_with_every_other_in_order() -> None:
    found = with_finals(ours=(1.0, 1.0), edm=(2.0, 2.0), sd3=(0.5, 0.5))
    pairs = [(a, b) for a, b, difference in found.contrasts() if difference.unit == "bits/dim"]
    assert pairs == [("ours", "edm"), ("ours", "sd3")]
    assert len(list(found.contrasts())) == 2 * 3


def test_the_best_copied_arm_is_of_those_blind_to_the_data() -> None:
    found = with_finals(ours=(0.1, 0.1), edm=(2.0, 1.0), sd3=(1.4, 1.4))
    assert found.best_copied == "sd3"
    assert with_finals(ours=(0.1,), edm=(np.nan,), sd3=(1.4,)).best_copied == "sd3"
    assert replace(found, arms=found.arms[:1]).best_copied is None
    assert replace(found, arms=found.arms[:1]).to_dict()["reach"] == []


def round_trip(found: Comparison, path) -> Comparison:
    found.save(path)
    return load_comparison(path)


def test_saved_and_read_are_the_same(tmp_path) -> None:
    found = with_finals(ours=(1.0, 2.0), edm=(1.5, 1.5))
    assert found.reach("ours", "edm").shares[1] == np.inf
    held = round_trip(found, tmp_path / "compare.json")
    assert held == found
    assert held.reach("ours", "edm").shares == found.reach("ours", "edm").shares
    text = (tmp_path / "compare.json").read_text()
    assert json.loads(text)["reach"][0]["shares"][1] is None
    assert "Infinity" not in text
    assert "NaN" not in text
    held.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == text


def test_scores_that_are_no_numbers_come_back_as_such(tmp_path) -> None:
    odd = run("edm", 0, (3.0, np.nan, np.nan), drawn=((np.nan, np.inf),))
    held = round_trip(comparison([run("ours", 0), odd]), tmp_path / "compare.json")
    assert np.isnan(held.bits("edm")).all()
    assert np.isnan(held.distances("edm", "spectral", 5, "heun")).all()
    assert held.distance_difference("ours", "edm", "spectral", 5, "heun") is None
    assert held.bits_difference("ours", "edm").verdict == "undecided"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is no comparison"),
        (b"{}", "is no comparison"),
        (b"[]", "is no comparison"),
        (b"null", "is no comparison"),
        (b"3", "is no comparison"),
        (b'"text"', "is no comparison"),
        (b'{"format": 1}', "is no comparison"),
        (b'{"format": 1, "arms": 3}', "is no comparison"),
        (b"\xff\xfe\x00", "is no comparison"),
        (b"[" * 100_000, "is no comparison"),
        (b'{"format": 2}', "of a later version"),
        (b'{"format": 99, "arms": []}', "of a later version"),
    ],
)
def test_other_files_are_refused_in_one_line(tmp_path, content, said) -> None:
    path = tmp_path / "compare.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        load_comparison(path)
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "edit",
    [
        {"steps": [1]},
        {"steps": [0, 0, 0]},
        {"steps": [1, 2, 10**400]},
        {"drawn": {"evaluations": 10**400}},
        {"drawn": {"steps": 0}},
    ],
    ids=["fewer", "none", "endless", "evaluations", "no steps"],
)
def test_steps_that_cannot_be_are_refused_in_one_line(tmp_path, edit) -> None:
    path = tmp_path / "compare.json"
    with_finals(ours=(1.0, 2.0), edm=(1.5, 1.5)).save(path)
    held = json.loads(path.read_text())
    first = held["runs"][0]
    if "drawn" in edit:
        first["drawn"][0] |= edit["drawn"]
    else:
        first["steps"] = edit["steps"]
    assert len(first["bits"]) == 3
    path.write_text(json.dumps(held))
    with pytest.raises(InputError, match="is no comparison"):
        load_comparison(path)


@pytest.mark.parametrize("part", ["runs", "arms", "seeds", "margins", "settings"])
def test_a_part_of_another_kind_is_refused_in_one_line(tmp_path, part) -> None:
    path = tmp_path / "compare.json"
    with_finals(ours=(1.0, 2.0), edm=(1.5, 1.5)).save(path)
    held = json.loads(path.read_text())
    for wrong in (None, 3, [3], "text", [{"arm": 1}]):
        path.write_text(json.dumps({**held, part: wrong}))
        with pytest.raises(InputError, match="is no comparison"):
            load_comparison(path)
    del held[part]
    path.write_text(json.dumps(held))
    with pytest.raises(InputError, match="is no comparison"):
        load_comparison(path)


def test_a_run_that_is_missing_is_refused_in_one_line(tmp_path) -> None:
    path = tmp_path / "compare.json"
    with_finals(ours=(1.0, 2.0), edm=(1.5, 1.5)).save(path)
    held = json.loads(path.read_text())
    path.write_text(json.dumps({**held, "runs": held["runs"][1:]}))
    with pytest.raises(InputError, match="is no comparison"):
        load_comparison(path)


def test_what_is_missing_or_a_folder_is_refused(tmp_path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(InputError, match="cannot be read"):
            load_comparison(path)
