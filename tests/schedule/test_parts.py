"""Each part of a schedule can be copied or derived, and a switch changes its own part only."""

from typing import get_args

import numpy as np
import pytest
import torch

import spectra
from spectra import InputError, Schedule
from spectra.schedule import mixed_schedule, processes
from spectra.schedule.pace import Pace
from tests.repeats import then_slow
from tests.schedule.known import bumped, known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (1, 16, 16), quantum=2 / 255)
SCALAR = ("rectified-flow", "vp-cosine", "vp-linear", "ve", "edm")
T = np.linspace(0, 1, 257)
SAME = {"rtol": 0, "atol": 1e-9}


def times(schedule: Schedule) -> np.ndarray:
    return schedule.sample_times(512, torch.Generator().manual_seed(3)).numpy()


def ends_of(schedule: Schedule) -> np.ndarray:
    return schedule.log_snr(np.array([0.0, 1.0]))


@pytest.mark.parametrize("process", SCALAR)
def test_all_copied_is_the_standard_schedule(process: str) -> None:
    """Also shifted, and on values as if rescaled."""
    for shift, sigma_data in ((None, None), (3.0, None), (1.5, 0.5)):
        ours = mixed_schedule(SPECTRUM, process=process, shift=shift, sigma_data=sigma_data)
        theirs = spectra.preset(process, SPECTRUM, shift=shift, sigma_data=sigma_data)
        np.testing.assert_allclose(ours.log_snr(T), theirs.log_snr(T), **SAME)
        np.testing.assert_array_equal(times(ours), times(theirs))
        assert ours.form == theirs.form
    parts = ("ordering", "clean end", "noise end", "pace", "training density")
    assert all(ours.explanation[part].startswith("copied: ") for part in parts)


@pytest.mark.parametrize("law", then_slow([bumped], [power_law(2.0), power_law(0.8, 1e-2)]))
def test_all_derived_is_the_derived_schedule(law) -> None:
    spectrum = known_spectrum(law, (3, 8, 12))
    for density in ("pace", "modes", "information"):
        ours = mixed_schedule(
            spectrum,
            ends="derived",
            pace="information",
            ordering_strength="auto",
            density=density,
            basis="auto",
        )
        theirs = spectra.derive_schedule(spectrum, density=density, form="flow")
        np.testing.assert_allclose(ours.log_snr(T), theirs.log_snr(T), **SAME)
        np.testing.assert_allclose(ours.alpha(T), theirs.alpha(T), **SAME)
        np.testing.assert_array_equal(times(ours), times(theirs))
    parts = ("ordering", "clean end", "noise end", "pace", "training density")
    assert all(ours.explanation[part].startswith("derived: ") for part in parts)


@pytest.mark.parametrize("pace", get_args(Pace))
def test_every_pace_fits_copied_and_derived_ends(pace: str) -> None:
    copied, derived = mixed_schedule(SPECTRUM), mixed_schedule(SPECTRUM, ends="derived")
    for made, like in (
        (mixed_schedule(SPECTRUM, pace=pace), copied),
        (mixed_schedule(SPECTRUM, pace=pace, ends="derived"), derived),
    ):
        first, last = ends_of(made) - ends_of(like)
        if pace in ("frequency", "octave", "modes", "frequency-power"):  # may move the ends out
            assert first.min() >= -1e-9
            assert last.max() <= 1e-9
        else:
            np.testing.assert_allclose(ends_of(made), ends_of(like), **SAME)
        assert made.explanation["pace"].startswith("derived: ")


@pytest.mark.parametrize("process", SCALAR)
def test_a_copied_pace_between_derived_ends_is_the_process(process: str) -> None:
    """The process's own formula at times evenly between those of the ends; ends are derive's."""
    ours = mixed_schedule(SPECTRUM, process=process, ends="derived")
    theirs = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0)
    np.testing.assert_allclose(ends_of(ours), ends_of(theirs), **SAME)
    level = -ours.log_ratio(T)[:, 0, 0, 0] / 2  # ln sigma / alpha
    own = {
        "rectified-flow": lambda x: np.exp(x) / (1 + np.exp(x)),
        "vp-cosine": lambda x: np.arctan(np.exp(x)),
        "vp-linear": lambda x: -0.1 + np.sqrt(0.01 + 2 * 19.9 * np.log(1 + np.exp(2 * x))),
        "ve": lambda x: x,
        "edm": lambda x: np.exp(x / 7),
    }[process](level)
    share = (own - own[0]) / (own[-1] - own[0])
    np.testing.assert_allclose(share, T, atol=2e-5)
    np.testing.assert_array_equal(times(ours), times(mixed_schedule(SPECTRUM)))


@pytest.mark.parametrize("process", ["rectified-flow", "vp-cosine"])
def test_strength_0_of_a_copied_schedule_is_equal_snr(process: str) -> None:
    ours = mixed_schedule(SPECTRUM, process=process, ordering_strength=0.0)
    theirs = spectra.preset("equal-snr", SPECTRUM, process=process)
    np.testing.assert_allclose(ours.log_snr(T), theirs.log_snr(T), **SAME)
    np.testing.assert_array_equal(times(ours), times(theirs))


def test_each_switch_changes_its_own_part_only() -> None:
    """Ends, pace, strength, density: the other parts of the schedule, and of what it says, stay."""
    copied = mixed_schedule(SPECTRUM)
    switched = {
        ("clean end", "noise end"): mixed_schedule(SPECTRUM, ends="derived"),
        ("pace",): mixed_schedule(SPECTRUM, pace="information"),
        ("ordering",): mixed_schedule(SPECTRUM, ordering_strength=0.5),
        ("training density",): mixed_schedule(SPECTRUM, density="modes"),
    }
    for parts, made in switched.items():
        told = {part for part, said in made.explanation.items() if said != copied.explanation[part]}
        assert told - {"pace"} == set(parts) - {"pace"}
        assert ("pace" in told) == (parts in (("pace",), ("clean end", "noise end")))
        spread = made.offset - copied.offset
        assert (np.ptp(spread) > 1e-9) == (parts == ("ordering",))
        moved = np.abs(ends_of(made) - ends_of(copied)).max() > 1e-9
        assert moved == (parts in (("clean end", "noise end"), ("ordering",)))
        even = np.abs(times(made) - times(copied)).max() < 1e-12
        assert even == (parts != ("training density",))
    # The mean SNR is what a strength leaves alone.
    mean = [np.exp(s.log_snr(T)).mean(axis=(1, 2, 3)) for s in (copied, switched[("ordering",)])]
    np.testing.assert_allclose(mean[0], mean[1], rtol=1e-9)
    density = switched[("training density",)]
    np.testing.assert_allclose(density.log_snr(T), copied.log_snr(T), **SAME)


def test_a_derived_part_does_not_see_the_copied_scale() -> None:
    """Derived ends and pace are the data's own, whatever shift or sigma_data say."""
    plain = mixed_schedule(SPECTRUM, ends="derived", pace="information")
    moved = mixed_schedule(SPECTRUM, ends="derived", pace="information", shift=3.0, sigma_data=0.5)
    np.testing.assert_array_equal(plain.log_snr(T), moved.log_snr(T))
    # A copied pace between derived ends does: it is cut elsewhere.
    plain, moved = (mixed_schedule(SPECTRUM, ends="derived", shift=k) for k in (1.0, 3.0))
    np.testing.assert_allclose(ends_of(plain), ends_of(moved), **SAME)
    assert np.abs(plain.log_snr(T) - moved.log_snr(T)).max() > 0.5


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("process", SCALAR)
def test_values_out_of_all_proportion(process: str, scale: float) -> None:
    """Every mix stays finite and falls, however far the data are from what the process suits."""
    spectrum = known_spectrum(power_law(2.0, 1e-3 * scale), (1, 8, 8))
    for ends in ("copied", "derived"):
        for strength in (1.0, 0.0):
            made = mixed_schedule(spectrum, process=process, ends=ends, ordering_strength=strength)
            log_snr = made.log_snr(T)
            assert np.isfinite(log_snr).all()
            assert (np.diff(log_snr, axis=0) <= 1e-9).all()


@pytest.mark.parametrize("shape", [(1, 32), (3, 8, 8), (1, 9, 14), (1, 1)])
def test_other_shapes(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(1).normal(size=(24, *shape)).cumsum(-1)
    view = "series" if len(shape) == 2 else "pixels"
    if shape == (1, 1):
        spectrum = known_spectrum(power_law(1.0), (1, 2, 2))
    else:
        source = spectra.open_source(noise, view=view)
        spectrum = spectra.analyze(source, bases=("dct",), window="none")
    for ends in ("copied", "derived"):
        for pace in ("copied", "information"):
            for density in ("time", "pace", "modes"):
                made = mixed_schedule(spectrum, ends=ends, pace=pace, density=density)
                assert np.isfinite(made.log_snr(T)).all()
                assert (np.diff(made.quantiles[0]) >= 0).all()


def test_a_flow_between_derived_ends_needs_few_knots(tmp_path) -> None:
    made = mixed_schedule(SPECTRUM, ends="derived")
    assert len(made.t) < 10_000
    made.save(tmp_path / "s")
    assert spectra.load_schedule(tmp_path / "s").explanation == made.explanation


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ends": "mine"}, "ends"),
        ({"pace": "quick"}, "pace"),
        ({"density": "even"}, "density"),
        ({"process": "ddpm"}, "process"),
        ({"basis": "sine"}, "sine"),
        ({"ordering_strength": -1.0}, "ordering_strength"),
        ({"ordering_strength": "some"}, "ordering_strength"),
        ({"shift": 0.0}, "shift"),
        ({"sigma_data": np.nan}, "sigma_data"),
        ({"ordering_strength": 0.0, "pace": "frequency"}, "pace"),
    ],
)
def test_nonsense_is_refused_in_one_line(options: dict, says: str) -> None:
    with pytest.raises(InputError, match=says) as refusal:
        mixed_schedule(SPECTRUM, **options)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("name", SCALAR)
def test_a_process_goes_on_past_its_ends(name: str) -> None:
    """`inverse` undoes log SNR where `time` stops: noise past ve's, edm's and vp-linear's end."""
    scalar = processes.process(name)
    beyond = np.array([-12.0, -11.0])
    np.testing.assert_allclose(scalar.log_snr(scalar.inverse(beyond)), beyond, rtol=1e-9)
    assert (scalar.time(beyond) <= 1).all()
