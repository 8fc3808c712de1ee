"""Several arms trained and scored alike: what is equal, what is kept, and what is refused."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectra
from spectra.comparison import Arm, Comparison, compare, load_comparison, runs
from spectra.comparison.arms import check_error, parse_arm
from spectra.comparison.plan import file_name, steps_for
from spectra.comparison.results import ArmRecord
from spectra.comparison.runs import MARKS, shown_samples
from spectra.comparison.scores import Drawn, RunScores
from spectra.diffusion import train
from spectra.diffusion.solvers import evaluations as cost_of
from spectra.diffusion.throughput import Throughput
from spectra.errors import InputError

pytestmark = pytest.mark.slow

STEPS = 20
TOLD = (0.1, 0.35, 1.0)  # where the bound is taken here
SETTINGS: dict[str, Any] = {
    "steps": STEPS,
    "batch": 4,
    "seeds": 2,
    "network": {"name": "unet", "width": 8, "multipliers": [1, 2]},
    "evaluations": (3, 5),
    "samples": 8,
    "examples": 8,
    "held_out": 0.25,
    "device": "cpu",
}
EXAMPLES = 40


def walks(seed: int = 0, shape: tuple[int, ...] = (8, 8), count: int = EXAMPLES) -> np.ndarray:
    """Fields with most power at low frequencies."""
    values = np.random.default_rng(seed).normal(size=(count, *shape))
    for axis in range(-2, 0):
        values = values.cumsum(axis)
    return (values / values.std()).astype(np.float32)


def compared(out: Path, *schedules: str | Arm, data: Any = None, **settings: Any) -> Comparison:
    given = schedules or ("derived", "edm")
    return compare(walks() if data is None else data, given, out=out, **{**SETTINGS, **settings})


def state(out: Path) -> dict[str, tuple[int, int]]:
    """Every file of the runs, and when it was written."""
    return {
        str(path.relative_to(out)): (path.stat().st_mtime_ns, path.stat().st_size)
        for path in (out / "runs").rglob("*")
        if path.is_file()
    }


def trainings(out: Path) -> set[str]:
    return {path.name for path in (out / "runs").iterdir()}


@pytest.fixture(scope="module", autouse=True)
def _brief() -> Iterator[None]:
    """Fewer scores along the way, and none of what a step costs: half of the time goes there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "MARKS", TOLD)
        patch.setattr(Throughput, "of", lambda *given: None)
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Comparison]:
    """A finished comparison, which no test changes."""
    out = tmp_path_factory.mktemp("kept")
    return out, compared(out)


def test_every_arm_has_every_seed_mark_and_sampler(kept) -> None:
    out, found = kept
    assert found.names == ("derived", "edm")
    assert found.seeds == (0, 1)
    assert [(run.arm, run.seed) for run in found.runs] == [
        (arm, seed) for arm in found.names for seed in (0, 1)
    ]
    assert found.samplers == (("heun", 3), ("heun", 5))
    for run in found.runs:
        assert run.steps == (2, 7, STEPS)
        assert np.isfinite(run.bits).all()
        assert np.isfinite([(one.spectral, one.frechet) for one in run.drawn]).all()
        assert all(cost_of(one.steps, "heun") == one.evaluations for one in run.drawn)
        assert (out / run.run / "training" / "config.json").exists()
    assert len({run.run for run in found.runs}) == 4
    assert [arm.copied for arm in found.arms] == [False, True]
    assert found.settings["failed"] == {}
    assert found.settings["held_out_files"] == 10


def test_the_wiener_filter_is_the_same_for_arms_on_the_same_examples(kept) -> None:
    _, found = kept
    again = found.run("derived", 0)
    assert again.gaussian == pytest.approx(found.run("derived", 1).gaussian, rel=1e-3)


def test_its_file_is_what_it_gave(kept) -> None:
    out, found = kept
    held = load_comparison(out / "compare.json")
    assert held.runs == found.runs
    assert held.arms == found.arms
    assert json.dumps(held.to_dict()) == json.dumps(found.to_dict())


def test_the_same_call_again_trains_and_scores_nothing(kept) -> None:
    out, found = kept
    before, text = state(out), (out / "compare.json").read_text()
    again = compared(out)
    assert again == found
    assert state(out) == before
    assert (out / "compare.json").read_text() == text


def test_what_is_added_is_all_that_is_done(tmp_path) -> None:
    first = compared(tmp_path, seeds=1)
    one = state(tmp_path)
    more = compared(tmp_path, "derived", "edm", "sd3", seeds=1)
    assert more.runs[:2] == first.runs
    assert {name: state(tmp_path)[name] for name in one} == one
    assert len(trainings(tmp_path)) == 3

    two = state(tmp_path)
    seeds = compared(tmp_path, "derived", "edm", "sd3", seeds=2)
    assert [seeds.run(arm, 0) for arm in seeds.names] == list(more.runs)
    assert {name: state(tmp_path)[name] for name in two} == two
    assert len(trainings(tmp_path)) == 6

    three = state(tmp_path)
    longer = compared(
        tmp_path, "derived", "edm", seeds=1, evaluations=(3, 5, 7), solvers=("euler",)
    )
    changed = {name for name, when in state(tmp_path).items() if three.get(name) != when}
    euler = {f"samples-euler-{k}-{rule}.npy" for k in (3, 5, 7) for rule in ("edm", "optimal")}
    assert {Path(name).name for name in changed} <= {"scores.json"} | euler
    assert longer.samplers == (("euler", 3), ("euler", 5), ("euler", 7))
    assert [run.bits for run in longer.runs] == [run.bits for run in first.runs]


def test_its_order_and_company_change_no_score(tmp_path, kept) -> None:
    _, found = kept
    other = compared(tmp_path, "edm", "vp-cosine", "ours=derived", seed=1, seeds=1)
    assert other.run("edm", 1).bits == found.run("edm", 1).bits
    assert other.run("edm", 1).drawn == found.run("edm", 1).drawn
    assert other.run("ours", 1).bits == found.run("derived", 1).bits


def test_arms_that_differ_in_sampling_share_a_training(tmp_path) -> None:
    names = (
        "derived",
        "t=derived:rule=time",
        "e=derived:rule=edm,solver=euler",
        "m=derived:error=measured",
    )
    found = compared(tmp_path, *names, seeds=1)
    assert len(trainings(tmp_path)) == 1
    assert len({run.bits for run in found.runs}) == 1
    assert len({run.drawn for run in found.runs}) == 4
    assert [one.solver for one in found.run("e", 0).drawn] == ["euler"] * 2
    assert found.bits_difference("derived", "t").mean == 0


def test_edm_tangent_and_rescaled_entropic_are_one_network(tmp_path) -> None:
    compared(tmp_path, "edm", "tangent", "rescaled-entropic", seeds=1)
    assert len(trainings(tmp_path)) == 1


def test_an_arm_and_its_double_differ_by_exactly_nothing(tmp_path) -> None:
    found = compared(tmp_path, "a=derived", "b=derived")
    assert len(trainings(tmp_path)) == 2
    for difference in found.differences("a", "b"):
        assert (difference.mean, difference.low, difference.high) == (0, 0, 0)
        assert difference.verdict == "tied"


def test_another_seed_is_another_network_scored_alike(tmp_path) -> None:
    found = compared(tmp_path, "derived", "other=derived:seed=1", seeds=2)
    # Its first network is the other arm's second, but its scores are paired with the first.
    assert len(trainings(tmp_path)) == 4
    assert (found.bits("derived") != found.bits("other")).all()
    assert (
        found.run("derived", 0).gaussian == found.run("other", 0).gaussian
    )  # the same examples, rounded alike


def test_fewer_steps_end_earlier(tmp_path) -> None:
    found = compared(tmp_path, "derived", "short=derived:steps=7", seeds=1)
    whole, short = (dict(zip(run.steps, run.bits, strict=True)) for run in found.runs)
    assert list(whole) == [2, 7, STEPS]
    assert list(short) == [1, 2, 7]
    assert (short[2], short[7]) == (whole[2], whole[7])


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_hardly_any_steps_are_enough_to_be_scored(tmp_path, steps) -> None:
    found = compared(tmp_path, "derived", "refined", steps=steps, seeds=1, evaluations=(1,))
    assert found.run("derived", 0).steps[-1] == steps
    assert found.run("refined", 0).steps[-1] == steps


def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """(folder, steps) of every training that is begun or gone on with."""
    asked: list[tuple[str, int]] = []

    def noting(*given: Any, **options: Any) -> Any:
        asked.append((Path(options["out"]).name, options["steps"]))
        return train(*given, **options)

    monkeypatch.setattr(runs, "train", noting)
    return asked


def test_refined_counts_its_probe_among_the_steps(tmp_path, monkeypatch) -> None:
    asked = counted(monkeypatch)
    found = compared(tmp_path, "refined", seeds=1, probe=6)
    run = found.run("refined", 0)
    assert max(steps for name, steps in asked if name == "probe") == 6
    assert max(steps for name, steps in asked if name == "training") == STEPS - 6
    assert run.steps == (7, STEPS)
    folder = tmp_path / run.run
    made = spectra.load_schedule(folder / "training" / "schedule.safetensors")
    refined = spectra.load_schedule(folder / "refined.safetensors")
    np.testing.assert_array_equal(made.pace, refined.pace)
    before = state(tmp_path)
    assert compared(tmp_path, "refined", seeds=1, probe=6) == found
    assert state(tmp_path) == before


def test_held_out_files_are_neither_measured_nor_trained_on(tmp_path) -> None:
    source = spectra.open_source(walks())
    out = source.split(0.25)[1].files
    chosen = [k for k, name in enumerate(source.files) if name in out]
    changed = walks()
    changed[chosen] = walks(1)[chosen] * 3
    plain = compared(tmp_path / "a", seeds=1)
    other = compared(tmp_path / "b", seeds=1, data=changed)
    schedules = [
        spectra.load_schedule(tmp_path / k / "schedules" / "derived.safetensors") for k in "ab"
    ]
    np.testing.assert_array_equal(schedules[0].variance, schedules[1].variance)
    weights = [
        spectra.load_run(tmp_path / k / found.runs[0].run / "training")
        for k, found in (("a", plain), ("b", other))
    ]
    drawn = [spectra.sample(run, n=2, steps=2, seed=0) for run in weights]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert plain.runs[0].bits != other.runs[0].bits


def test_scored_on_what_was_held_out(tmp_path) -> None:
    """All the same but the files held out: theirs are the bits."""
    loud = walks()
    out = spectra.open_source(loud).split(0.25)[1].files
    names = spectra.open_source(loud).files
    chosen = [k for k, name in enumerate(names) if name in out]
    loud[chosen] *= 10
    quiet = compared(tmp_path / "a", "derived", seeds=1)
    other = compared(tmp_path / "b", "derived", seeds=1, data=loud)
    assert other.bits("derived")[0] > quiet.bits("derived")[0] + 1


def failing(monkeypatch: pytest.MonkeyPatch, *steps: int) -> None:
    """Trainings of so many steps cease to be finite."""

    def refusing(*given: Any, **options: Any) -> Any:
        if options["steps"] in steps:
            raise InputError("the loss ceased to be finite; lower learning_rate")
        return train(*given, **options)

    monkeypatch.setattr(runs, "train", refusing)


def test_an_arm_that_fails_is_left_out_with_its_reason(tmp_path, monkeypatch) -> None:
    failing(monkeypatch, 13)
    told: list[str] = []
    names = ("derived", "bad=derived:steps=13", "edm")
    found = compared(tmp_path, *names, progress=told.append)
    assert found.names == ("derived", "edm")
    assert set(found.settings["failed"]) == {"bad"}
    assert "ceased to be finite" in found.settings["failed"]["bad"]
    assert load_comparison(tmp_path / "compare.json").names == found.names
    assert any("bad" in line and "ceased to be finite" in line for line in told)
    monkeypatch.undo()
    assert compared(tmp_path, *names).names == ("derived", "bad", "edm")


def test_the_first_arms_failure_is_raised_once_the_others_are_done(tmp_path, monkeypatch) -> None:
    failing(monkeypatch, 13)
    with pytest.raises(InputError, match="schedules bad: the loss ceased"):
        compared(tmp_path, "bad=derived:steps=13", "edm", seeds=1)
    assert not (tmp_path / "compare.json").exists()
    (done,) = (tmp_path / "runs").glob("edm-*/scores.json")
    assert str(STEPS) in json.loads(done.read_text())["bits"]


def test_failing_among_others_the_first_arm_is_named(tmp_path, monkeypatch) -> None:
    """Whichever fails first, the message is of the arm that all are compared with."""
    failing(monkeypatch, 13, 11)
    first = ("ours=derived:steps=13", "theirs=edm:steps=11", "edm")
    with pytest.raises(InputError, match="schedules ours: "):
        compared(tmp_path, *first, seeds=1)


def test_a_loss_that_overflows_is_one_line(tmp_path) -> None:
    with pytest.raises(InputError) as refusal:
        compared(tmp_path, "derived", seeds=1, data=walks() * 1e30)
    assert "\n" not in str(refusal.value)


NUMBERS: Mapping[str, tuple[Any, ...]] = {
    "steps": (0, -1, 2.5, True, None),
    "batch": (0, 1.0),
    "seeds": (0, "2", 2**31),
    "seed": (0.5, None, -1),
    "samples": (0, 2, 8.0),
    "examples": (0, 1.5),
    "held_out": (-0.1, 1.0, np.nan, "half"),
    "probe": (0, STEPS, STEPS + 1, 2.5),
    "solvers": ((), ("rk4",), (3,)),
    "evaluations": ((), (0,), (2.5,), (-3,)),
    "bits_margin": (-0.1, np.nan, "0"),
    "distance_margin": (-1, np.inf),
    "workers": (0, -1, 1.5),
    "device": ("gpu",),
    "loss": ("l2", None),
    "preconditioning": ("none",),
    "learning_rate": (0, -1, np.nan),
    "random_flip": (1, None),
    "network": ("unets", {"name": "unet", "width": 3}, 3),
    "copied_sigma_data": (0, -1, np.nan, np.inf),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in NUMBERS.items() for value in values]
)
def test_what_is_out_of_range_is_refused_before_anything_is_trained(tmp_path, name, value) -> None:
    with pytest.raises(InputError) as refusal:
        compared(tmp_path / "out", **{name: value})
    line = str(refusal.value)
    assert "\n" not in line
    assert name.rstrip("s") in line or name == "copied_sigma_data" or name == "network"
    assert not (tmp_path / "out" / "runs").exists()
    if name != "copied_sigma_data":  # a schedule's own refusal needs the spectrum
        assert not (tmp_path / "out" / "spectrum.safetensors").exists()


def test_mirror_images_are_trained_on_where_there_are_any(tmp_path) -> None:
    compared(tmp_path / "out", "derived", seeds=1, steps=2, random_flip=True)
    (config,) = (tmp_path / "out" / "runs").glob("*/training/config.json")
    assert json.loads(config.read_text())["random_flip"] is True
    series = spectra.open_source(walks(shape=(64,)), view="series")
    with pytest.raises(InputError, match=r"random_flip: .* has no left and right"):
        compared(tmp_path / "series", data=series, random_flip=True)
    assert not (tmp_path / "series" / "spectrum.safetensors").exists()


def test_a_wrong_arm_is_refused_before_anything_is_measured(tmp_path) -> None:
    for wrong in ("derived:loss=l2", "derive", "a/b=edm", "m=/none/here.safetensors"):
        with pytest.raises(InputError, match="schedules"):
            compared(tmp_path / "out", "derived", wrong)
        assert not (tmp_path / "out" / "runs").exists()


@pytest.mark.parametrize(
    ("arm", "solvers"),
    [
        ("edm:error=measured", ("heun",)),
        ("edm:error=measured", ("covariance", "2m")),
        ("edm:error=measured,solver=heun", ("covariance",)),
        ("refined:rule=time", ("heun",)),
    ],
)
def test_an_error_that_nothing_looks_at_is_refused_before_training(tmp_path, arm, solvers) -> None:
    with pytest.raises(InputError, match=f"schedules {arm}: error measured: solver .* no use"):
        compared(tmp_path / "out", "derived", arm, solvers=solvers)
    assert not (tmp_path / "out" / "spectrum.safetensors").exists()
    check_error(parse_arm(f"{arm.partition(':')[0]}:rule=edm,error=wiener"), ("heun",))
    check_error(parse_arm("edm:error=measured"), ("covariance",))


def test_a_schedule_of_another_shape_is_left_out(tmp_path) -> None:
    other = spectra.derive_schedule(spectra.analyze(walks(shape=(16, 16)), bases=("dct",)))
    found = compared(tmp_path, "derived", Arm("mine", other), seeds=1)
    assert found.names == ("derived",)
    assert "shape" in found.settings["failed"]["mine"]


@pytest.mark.parametrize("solver", ["euler", "ddim", "heun", "2m", "ancestral", "covariance"])
@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 9, 10, 19])
def test_steps_are_the_most_within_the_evaluations(solver, most) -> None:
    steps = steps_for(solver, most)
    assert cost_of(steps, solver) <= most
    assert cost_of(steps + 1, solver) > most


def test_two_arms_never_share_a_file() -> None:
    names = ["a b", "a_b", "a/b", "ä", "a:b", "x" * 300, "x" * 301, "", ".", "..", "a\nb", "a\0b"]
    files = [file_name(name) for name in names]
    assert len(set(files)) == len(names)
    assert all(len(name) < 80 for name in files)
    assert file_name("derived:ordering_strength=0.5") != file_name("derived_ordering_strength=0.5")
    assert file_name("edm") == "edm"


@pytest.mark.slow
def test_odd_labels_are_trained_and_come_back(tmp_path) -> None:
    names = ("two words=derived", "größer ∞=derived:rule=time", "x" * 300 + "=edm", "..=sd3")
    found = compared(tmp_path, *names, seeds=1, steps=2, evaluations=(1,))
    assert found.names == tuple(parse_arm(name).name for name in names)
    assert load_comparison(tmp_path / "compare.json").names == found.names


SHAPES: dict[str, Callable[[], np.ndarray]] = {
    "colour": lambda: walks(shape=(3, 8, 8)),
    "oblong": lambda: walks(shape=(8, 16)),
    "three": lambda: walks(count=3),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHAPES)
def test_other_shapes(tmp_path, kind) -> None:
    settings = {"seeds": 1, "steps": 4, "evaluations": (3,)}
    found = compared(tmp_path, "derived", "refined", "edm", data=SHAPES[kind](), **settings)
    assert np.isfinite([run.bits[-1] for run in found.runs]).all()
    assert found.settings["failed"] == {}


def test_one_example_is_refused_in_one_line(tmp_path) -> None:
    for share in (0.0, 0.25):
        with pytest.raises(InputError) as refusal:
            compared(tmp_path, "derived", data=walks(count=1), held_out=share, seeds=1, steps=2)
        assert "\n" not in str(refusal.value)


def test_two_examples_of_which_one_is_held_out_are_told_so(tmp_path) -> None:
    with pytest.raises(InputError, match=r"holds 2 examples, of which 1 is left .*held_out 0"):
        compared(tmp_path, "derived", data=walks(count=2), seeds=1, steps=2)
    compared(tmp_path, "derived", data=walks(count=2), held_out=0.0, seeds=1, steps=2)


def test_an_analysis_in_the_folder_is_not_replaced(tmp_path) -> None:
    whole = spectra.analyze(spectra.open_source(walks()), bases=("dct",))
    whole.save(tmp_path / "spectrum.safetensors")
    before = (tmp_path / "spectrum.safetensors").read_bytes()
    with pytest.raises(InputError, match=r"spectrum\.safetensors: holds a spectrum of other data"):
        compared(tmp_path, "derived", seeds=1, steps=2)
    assert (tmp_path / "spectrum.safetensors").read_bytes() == before
    (tmp_path / "spectrum.safetensors").unlink()
    compared(tmp_path, "derived", seeds=1, steps=2)
    compared(tmp_path, "derived", seeds=1, steps=2, held_out=0.4)  # its own it may


def test_nothing_held_out_is_scored_on_everything(tmp_path) -> None:
    found = compared(tmp_path, "derived", "rescaled-entropic", held_out=0.0, seeds=1, steps=2)
    assert found.settings["held_out_files"] == 0
    assert np.isfinite([run.bits[-1] for run in found.runs]).all()


@pytest.mark.slow
def test_every_solver_with_one_evaluation_and_two(tmp_path) -> None:
    solvers = ("euler", "heun", "2m", "ancestral", "covariance")
    found = compared(
        tmp_path,
        "derived",
        "m=derived:solver=covariance,error=measured",
        solvers=solvers,
        evaluations=(1, 2),
        seeds=1,
        steps=2,
    )
    assert {name for name, _ in found.samplers} == set(solvers)
    # Heun's first step is one evaluation, its second two more: two buy no more than one.
    assert [count for name, count in found.samplers if name == "heun"] == [1]
    assert [one.solver for one in found.run("m", 0).drawn] == ["covariance"] * 2


def test_other_data_in_the_same_folder_are_measured_anew(tmp_path) -> None:
    first = compared(tmp_path, seeds=1)
    other = compared(tmp_path, seeds=1, data=walks(1))
    alone = compared(tmp_path / "alone", seeds=1, data=walks(1))
    assert other.runs[0].bits == alone.runs[0].bits
    assert other.runs[0].bits != first.runs[0].bits


@pytest.mark.slow
def test_other_settings_in_the_same_folder_are_other_trainings(tmp_path) -> None:
    first = compared(tmp_path, seeds=1)
    compared(tmp_path, seeds=1, batch=5)
    compared(tmp_path, seeds=1, learning_rate=1e-3)
    compared(tmp_path, seeds=1, examples=6)
    compared(tmp_path, seeds=1, random_flip=True)
    assert compared(tmp_path, seeds=1) == first


def test_another_share_held_out_is_another_training(tmp_path) -> None:
    first = compared(tmp_path, "derived", seeds=1)
    other = compared(tmp_path, "derived", seeds=1, held_out=0.5)
    assert other.runs[0].run != first.runs[0].run
    assert compared(tmp_path, "derived", seeds=1) == first


DAMAGE = (b"", b"nonsense", b"[]", b"null", b"3", b'{"bits": 3}')


@pytest.mark.slow
@pytest.mark.parametrize("content", DAMAGE)
def test_damaged_scores_are_taken_anew(tmp_path, kept, content) -> None:
    found = compared(tmp_path, "derived", seeds=1)
    path = tmp_path / found.runs[0].run / "scores.json"
    path.write_bytes(content)
    again = compared(tmp_path, "derived", seeds=1)
    assert again.runs == found.runs


def test_a_damaged_comparison_is_written_anew(tmp_path) -> None:
    found = compared(tmp_path, "derived", seeds=1)
    (tmp_path / "compare.json").write_bytes(b"nonsense")
    assert compared(tmp_path, "derived", seeds=1) == found
    assert load_comparison(tmp_path / "compare.json").runs == found.runs


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["spectrum.safetensors", "denoising.safetensors", "refined.safetensors"],
)
@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_damaged_measurement_is_named_and_taken_anew_without_it(tmp_path, name, content) -> None:
    settings = {"seeds": 1, "steps": 4, "evaluations": (3,)}
    found = compared(tmp_path, "refined", **settings)
    (path,) = (found for found in tmp_path.rglob(name) if found.parent.name != "schedules")
    path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        compared(tmp_path, "refined", **{**settings, "evaluations": (3, 5)})
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    path.unlink()
    assert compared(tmp_path, "refined", **settings).runs == found.runs


def test_a_damaged_checkpoint_is_trained_anew(tmp_path) -> None:
    found = compared(tmp_path, "derived", seeds=1)
    (path,) = tmp_path.rglob("checkpoint-*.safetensors")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.warns(UserWarning, match="passed over"):
        again = compared(tmp_path, "derived", seeds=1)
    assert again == found
    (path,) = tmp_path.rglob("checkpoint-*.safetensors")
    assert path.read_bytes() == whole


def test_a_spectrum_measured_otherwise_is_not_relied_on(tmp_path) -> None:
    """One that `spectra analyze` left in the folder may lack a basis."""
    spectra.analyze(walks(), bases=("wavelet",)).save(tmp_path / "spectrum.safetensors")
    found = compared(tmp_path, "derived", "edm", held_out=0.0, seeds=1, steps=2)
    assert found.names == ("derived", "edm")


def test_an_open_source_is_compared_in_this_process(tmp_path, kept) -> None:
    _, found = kept
    other = compared(tmp_path, data=spectra.open_source(walks()))
    assert [run.bits for run in other.runs] == [run.bits for run in found.runs]


@pytest.mark.slow
def test_in_processes_of_their_own_the_numbers_are_the_same(tmp_path, monkeypatch) -> None:
    import torch

    monkeypatch.setattr(runs, "MARKS", MARKS)  # another process knows of no patch
    path, settings = tmp_path / "walks.npy", {"seeds": 1, "evaluations": (3,)}
    np.save(path, walks())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # the last bits depend on it
    try:
        inside = compared(tmp_path / "a", data=spectra.open_source(path), **settings)
    finally:
        torch.set_num_threads(threads)
    outside = compared(tmp_path / "b", data=path, workers=2, **settings)
    assert outside.runs == inside.runs
    assert outside.settings["source"] == str(path)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"words"])
def test_damaged_samples_are_not_shown(tmp_path, damage) -> None:
    drawn = (Drawn("heun", 3, 5, 1.0, 1.0),)
    scores = RunScores("edm", 0, (1,), (1.0,), 1.0, drawn, run="a")
    arm = ArmRecord("edm", "edm", True, {}, {"rule": "edm"}, {})
    found = Comparison("data", (arm,), (0,), (scores,))
    kept = tmp_path / "a" / "samples-heun-3-edm.npy"
    kept.parent.mkdir()
    np.save(kept, np.ones(3))
    assert list(shown_samples(tmp_path, found)) == ["edm"]
    kept.write_bytes(damage)
    assert shown_samples(tmp_path, found) == {}
