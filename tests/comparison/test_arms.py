"""Arms as they are written on a command line, and what each one means."""

from dataclasses import replace

import numpy as np
import pytest

import spectra
from spectra.comparison import Arm, parse_arms
from spectra.comparison.arms import NAMES, make_schedule, parse_arm
from spectra.errors import InputError

# As each was published: where the sampler's steps lie.
USUAL = {
    "derived": {"rule": "optimal"},
    "refined": {"rule": "optimal", "error": "measured"},
    "rectified-flow": {"rule": "time"},
    "sd3": {"rule": "time"},
    "vp-cosine": {"rule": "time"},
    "vp-linear": {"rule": "time"},
    "edm": {"rule": "edm"},
    "equal-snr": {"rule": "time"},
    "tangent": {"rule": "tangent"},
    "rescaled-entropic": {"rule": "rescaled-entropic", "error": "measured"},
    "ve": {"rule": "time"},
    "blurring": {"rule": "time"},
    "mine.safetensors": {"rule": "optimal"},
}
NO_SCHEDULE = "no schedule '{}' is known"


@pytest.fixture(scope="module")
def spectrum() -> spectra.Spectrum:
    walk = np.random.default_rng(0).normal(size=(60, 8, 8)).cumsum(1).cumsum(2)
    return spectra.analyze(walk, bases=("dct", "fourier", "pixel"))


def refused(*texts: str | Arm) -> str:
    """The one line that refuses them."""
    with pytest.raises(InputError) as refusal:
        parse_arms(texts)
    line = str(refusal.value)
    assert "\n" not in line
    assert line.startswith("schedules")
    return line


@pytest.mark.parametrize(("base", "sampling"), USUAL.items())
def test_each_base_is_stepped_through_as_it_was_published(base, sampling) -> None:
    assert parse_arm(base).sampling == sampling


def test_every_name_that_is_offered_has_its_usual_steps_here() -> None:
    assert set(NAMES) <= set(USUAL)


@pytest.mark.parametrize(
    ("text", "name", "base"),
    [
        ("derived", "derived", "derived"),
        ("ours=derived", "ours", "derived"),
        (" two words = derived ", "two words", "derived"),
        ("Größe=edm", "Größe", "edm"),
        ("edm:p_mean=-2", "edm:p_mean=-2", "edm"),
        ("low=edm:p_mean=-2", "low", "edm"),
        ("/a/b/mine.safetensors", "mine", "/a/b/mine.safetensors"),
        ("mine.v2.safetensors", "mine.v2", "mine.v2.safetensors"),
        ("/a:b/mine.safetensors", "mine", "/a:b/mine.safetensors"),
        ("m=/a=b/mine.safetensors", "m", "/a=b/mine.safetensors"),
        ("m=/a:b/mine.safetensors:steps=3", "m", "/a:b/mine.safetensors"),
        ("m=C:\\mine.safetensors:steps=3", "m", "C:\\mine.safetensors"),
        ("mine.safetensors:steps=30", "mine:steps=30", "mine.safetensors"),
    ],
)
def test_a_label_and_a_base(text, name, base) -> None:
    arm = parse_arm(text)
    assert (arm.name, arm.base, arm.text) == (name, base, text)


def test_keys_go_where_they_belong() -> None:
    text = (
        "x=derived:ordering_strength=0.5,pace=power,steps=20,seed=7,preconditioning=component,"
        "loss=bound,rule=edm,solver=euler,error=measured"
    )
    arm = parse_arm(text)
    assert arm.choices == {"ordering_strength": 0.5, "pace": "power"}
    assert arm.training == {"steps": 20, "seed": 7, "preconditioning": "component", "loss": "bound"}
    assert arm.sampling == {"rule": "edm", "solver": "euler", "error": "measured"}


@pytest.mark.parametrize(
    ("written", "value"),
    [("3", 3), ("-2", -2), ("0.5", 0.5), ("1e-3", 1e-3), ("yes", True), ("no", False)],
)
def test_numbers_and_answers(written, value) -> None:
    (found,) = parse_arm(f"columns:reverse={written}").choices.values()
    assert found == value
    assert type(found) is type(value)


def test_a_hyphen_in_a_key_is_an_underscore() -> None:
    assert parse_arm("edm:p-mean=-2").choices == {"p_mean": -2}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("derive", NO_SCHEDULE.format("derive")),
        ("", "'' cannot be the name of a folder; give a label"),
        ("x=", NO_SCHEDULE.format("")),
        ("x=y=edm", NO_SCHEDULE.format("y=edm")),
        ("mine.json", NO_SCHEDULE.format("mine.json")),
        ("derived:p_mean=1", "has no p_mean; it takes "),
        ("edm:pace=power", "has no pace; it takes "),
        ("edm:ends=derived", "has no ends; it takes "),
        ("mine.safetensors:shift=3", "has no shift; it takes "),
        ("rectified-flow:learning_rate=1", "has no learning_rate; it takes "),
        ("edm:p_mean=", "'p_mean=' is no key=value"),
        ("edm:steps=2,p_mean", "'p_mean' is no key=value"),
        ("derived:steps=20.5", "steps 20.5: a whole number is needed"),
        ("derived:steps=yes", "steps True: a whole number is needed"),
        ("derived:steps=many", "steps 'many': a whole number is needed"),
        ("derived:steps=0", "steps 0: at least 1 is needed"),
        ("derived:seed=1.0", "seed 1.0: a whole number is needed"),
        ("derived:rule=best", "rule 'best' is unknown; choose one of optimal"),
        ("derived:solver=rk4", "solver 'rk4' is unknown; choose one of euler"),
        ("derived:criterion=kl2", "criterion 'kl2' is unknown; choose one of w2"),
        ("edm:criterion=kl", "criterion 'kl': rule 'edm' has no use for it"),
        ("derived:error=mine", "error 'mine' is unknown; choose one of measured"),
        ("derived:loss=l2", "loss 'l2' is unknown; choose one of bound"),
        ("derived:preconditioning=none", "preconditioning 'none' is unknown; choose one of"),
        ("a/b=derived", "'a/b' cannot be the name of a folder; give a label"),
        ("a\\b=derived", "cannot be the name of a folder"),
        ("/a=b/mine.safetensors", "'/a' cannot be the name of a folder; give a label"),
        ("derived:pace=a/b", "cannot be the name of a folder; give a label"),
        ("edm:p2=3", "has no p2; it takes "),
        ("edm:p_mean", NO_SCHEDULE.format("edm:p_mean")),
    ],
)
def test_what_cannot_be_read_is_named(text, said) -> None:
    line = refused(text)
    assert said in line
    assert text in line


def test_none_and_two_of_one_name() -> None:
    assert "give at least one" in refused()
    assert "derived stands there twice; give it a label" in refused("derived", "edm", "derived")
    assert "x stands there twice" in refused("x=derived", "x=edm")
    assert [arm.name for arm in parse_arms(["derived", "again=derived"])] == ["derived", "again"]


def test_arms_from_python_are_read_as_strictly(spectrum) -> None:
    made = spectra.derive_schedule(spectrum)
    (arm,) = parse_arms([Arm("mine", made, training={"steps": 3})])
    assert arm.sampling == {"rule": "optimal"}
    assert arm.text == "mine"
    assert make_schedule(arm, spectrum, None) is made
    assert not arm.copied
    assert "has no p_mean" in refused(Arm("mine", made, choices={"p_mean": 1}))
    assert "steps 0" in refused(Arm("mine", made, training={"steps": 0}))
    assert "has no step;" in refused(Arm("mine", "derived", training={"step": 1}))
    assert "name of a folder" in refused(Arm("", "derived"))
    assert "rule '3' is unknown" in refused(Arm("mine", "derived", sampling={"rule": 3}))


@pytest.mark.parametrize("thing", [3, None, ("derived",)])
def test_what_is_no_arm_at_all_is_refused(thing) -> None:
    assert "schedules" in refused(thing)
    assert "schedules" in refused(Arm("x", thing))


def test_one_text_is_one_arm_not_its_letters() -> None:
    assert parse_arms("derived") == (parse_arm("derived"),)


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("derived", False),
        ("refined", False),
        ("edm", True),
        ("edm:p_mean=-2", True),
        ("equal-snr", True),
        ("rectified-flow:preconditioning=component", True),
        ("rectified-flow:ends=derived", False),
        ("vp-cosine:density=pace", False),
        ("mine.safetensors", False),
    ],
)
def test_copied_is_what_nobody_measured_for(text, copied) -> None:
    assert parse_arm(text).copied is copied


def test_each_base_makes_its_own_schedule(spectrum, tmp_path) -> None:
    def made(text: str, sigma_data: float | None = None) -> spectra.Schedule:
        return make_schedule(parse_arm(text), spectrum, sigma_data)

    alone = spectra.derive_schedule(spectrum)
    np.testing.assert_array_equal(made("derived").pace, alone.pace)
    np.testing.assert_array_equal(made("refined").pace, alone.pace)
    alone.save(tmp_path / "mine.safetensors")
    np.testing.assert_array_equal(made(f"{tmp_path}/mine.safetensors").pace, alone.pace)
    flow, shifted = made("rectified-flow"), made("sd3")
    assert np.max(np.abs(shifted.pace - flow.pace)) > 1
    # SD3 (Esser et al. 2024) moves log SNR by -2 ln 3, wherever a process begins.
    np.testing.assert_allclose(shifted.pace - flow.pace, 2 * np.log(3), atol=1e-6)
    np.testing.assert_array_equal(made("edm").pace, made("tangent").pace)
    scaled = made("rectified-flow", 0.5)
    level = 2 * np.log(0.5) - np.log(flow.variance.mean())  # of values divided by rms / 0.5
    np.testing.assert_allclose(scaled.offset - flow.offset, level, atol=1e-6)
    np.testing.assert_array_equal(made("equal-snr", 0.5).pace, made("equal-snr").pace)
    np.testing.assert_array_equal(made("rectified-flow:ends=copied").pace, flow.pace)
    assert made("rectified-flow:pace=information").name == "mixed"


def test_a_choice_that_a_schedule_refuses_names_the_arm(spectrum, tmp_path) -> None:
    for text in (
        "derived:ordering_strength=nan",
        "derived:pace=quick",
        "edm:p_std=-1",
        "rectified-flow:ends=mine",
        "equal-snr:process=walk",
        "derived:basis=wavelet",
        f"m={tmp_path}/none.safetensors",
    ):
        with pytest.raises(InputError) as refusal:
            make_schedule(parse_arm(text), spectrum, None)
        assert str(refusal.value).startswith(f"schedules {text}: ")
        assert "\n" not in str(refusal.value)


def test_an_arm_is_what_it_is_asked_twice() -> None:
    arm = parse_arm("derived:rule=edm")
    assert parse_arms([arm]) == (arm,)
    assert parse_arms([replace(arm, name="other")])[0].text == arm.text
