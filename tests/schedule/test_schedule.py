"""What every schedule is: monotone, saved exactly, drawn from evenly, sampled on a grid."""

import dataclasses
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spectra
from spectra import InputError, Schedule
from spectra.files import read_tables, write_tables
from tests.schedule.known import bumped, known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.2), quantum=2 / 255)
T = np.linspace(0, 1, 65)


def same_bits(ours: Schedule, theirs: Schedule) -> None:
    for field in dataclasses.fields(Schedule):
        one, other = getattr(ours, field.name), getattr(theirs, field.name)
        if isinstance(other, np.ndarray):
            assert one.dtype == other.dtype == np.float64, field.name
            assert one.shape == other.shape, field.name
            assert one.tobytes() == other.tobytes(), field.name
        else:
            assert one == other, field.name
            assert type(one) is type(other), field.name


@cache
def several() -> list[Schedule]:
    return [
        spectra.derive_schedule(SPECTRUM, ordering_strength=0.5, prior="data", form="flow"),
        spectra.standard_schedule(SPECTRUM, process="edm"),
        spectra.schedule_from_cutoff(SPECTRUM, lambda t: 0.5 * (1 - t)),
    ]


@pytest.mark.parametrize("number", range(3))
def test_a_saved_schedule_is_read_back_to_the_bit(number: int, tmp_path: Path) -> None:
    schedule = several()[number]
    path = tmp_path / "deep" / "schedule.safetensors"
    schedule.save(path)
    again = spectra.load_schedule(path)
    same_bits(again, schedule)
    assert again.log_snr(T).tobytes() == schedule.log_snr(T).tobytes()
    assert again.f_max(T).tobytes() == schedule.f_max(T).tobytes()


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    SPECTRUM.save(path)
    with pytest.raises(InputError, match="a schedule file is expected"):
        spectra.load_schedule(path)
    several()[0].save(path)
    with pytest.raises(InputError, match="a spectrum file is expected"):
        spectra.load_spectrum(path)


@pytest.mark.parametrize(
    ("kind", "load"), [("schedule", spectra.load_schedule), ("spectrum", spectra.load_spectrum)]
)
def test_versions(kind: str, load: Any, tmp_path: Path) -> None:
    """A later minor version may add tables and settings; a later major one is refused."""
    path = tmp_path / "x.safetensors"
    (several()[0] if kind == "schedule" else SPECTRUM).save(path)
    tables, header = read_tables(path, kind, major=1)
    tables["later"], header["later"] = np.ones(3), "more"
    write_tables(path, kind, "1.9", tables, header)
    load(path)
    write_tables(path, kind, "2.0", tables, header)
    with pytest.raises(InputError, match=r"2\.0 .*update"):
        load(path)


@pytest.mark.parametrize(
    ("kind", "load"), [("schedule", spectra.load_schedule), ("spectrum", spectra.load_spectrum)]
)
def test_a_file_that_lacks_a_table_is_refused(kind: str, load: Any, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    (several()[0] if kind == "schedule" else SPECTRUM).save(path)
    tables, header = read_tables(path, kind, major=1)
    for name in ("mean",):
        write_tables(path, kind, "1.0", {k: v for k, v in tables.items() if k != name}, header)
        with pytest.raises(InputError, match=name):
            load(path)
    write_tables(path, kind, "1.0", tables, {k: v for k, v in header.items() if k != "name"})
    with pytest.raises(InputError, match="name"):
        load(path)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"variance": np.ones((1, 8, 8))}, "variance"),
        ({"offset": np.ones((1, 8, 8))}, "offset"),
        ({"t": np.array([0.0, 0.5, 0.5, 1.0]), "pace": np.arange(4.0)}, "times"),
        ({"t": np.array([0.1, 1.0]), "pace": np.arange(2.0)}, "times"),
        ({"t": np.array([0.0, 1.0]), "pace": np.array([1.0, 0.0])}, "pace"),
        ({"t": np.array([0.0, 1.0]), "pace": np.array([0.0, np.inf])}, "pace"),
        ({"t": np.array([0.0, 1.0]), "pace": np.array([0.0, np.nan])}, "pace"),
    ],
)
def test_impossible_tables_are_refused(change: dict[str, Any], names: str) -> None:
    with pytest.raises(InputError, match=names):
        dataclasses.replace(several()[0], **change)


@pytest.mark.parametrize("t", [-0.01, 1.01, np.nan])
def test_times_outside_are_refused(t: float) -> None:
    schedule = several()[0]
    for function in (schedule.log_snr, schedule.alpha, schedule.f_max, schedule.information):
        with pytest.raises(InputError, match=r"\[0, 1\]"):
            function(np.array([t]))


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("steps", [1, 2, 18, 200])
def test_grid_falls_from_one_to_zero(number: int, steps: int) -> None:
    grid = several()[number].grid(steps)
    assert grid.shape == (steps + 1,)
    assert grid[0] == 1
    assert grid[-1] == 0
    assert (np.diff(grid) < 0).all()


def test_grid_of_edm_is_edms() -> None:
    """Karras et al., equation 5: even in sigma^(1/7), here between both ends of the schedule."""
    schedule = spectra.standard_schedule(SPECTRUM, process="edm")
    sigma = schedule.sigma(schedule.grid(18))[:, 0, 0, 0]
    roots = sigma ** (1 / 7)
    np.testing.assert_allclose(np.diff(roots), np.diff(roots)[0], rtol=1e-3)
    assert sigma[[0, -1]] == pytest.approx([80, 0.002], rel=1e-6)


@pytest.mark.parametrize("options", [{"steps": 0}, {"steps": -3}, {"steps": 8, "rho": 0.0}])
def test_impossible_grids_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^(steps|rho) "):
        several()[0].grid(**options)


def test_training_times_are_stratified_and_follow_the_density() -> None:
    import torch

    for schedule in several():
        generator = torch.Generator().manual_seed(0)
        times = schedule.sample_times(4096, generator)
        assert times.dtype == torch.float64
        t = times.numpy()
        assert ((t >= 0) & (t <= 1)).all()
        quantile = np.interp(np.sort(t), schedule.quantiles[1], schedule.quantiles[0])
        # One draw in each of 4,096 strata.
        np.testing.assert_allclose(quantile, (np.arange(4096) + 0.5) / 4096, atol=1.01 / 4096)


def test_half_of_the_times_follow_the_pace_and_half_are_even_in_log_noise() -> None:
    schedule = spectra.derive_schedule(SPECTRUM)
    quantile, t = schedule.quantiles
    even = (schedule.pace - schedule.pace[0]) / np.ptp(schedule.pace)
    np.testing.assert_allclose(quantile, 0.5 * t + 0.5 * even, atol=1e-12)
    standard = spectra.standard_schedule(SPECTRUM)
    np.testing.assert_allclose(standard.quantiles[0], standard.t, atol=1e-12)


options = st.fixed_dictionaries(
    {
        "basis": st.sampled_from(["dct", "fourier"]),
        "ordering": st.sampled_from(["variance", "frequency"]),
        "ordering_strength": st.floats(0.0, 20.0),
        "pace": st.sampled_from(["information", "frequency", "octave", "linear"]),
        "threshold": st.floats(0.01, 100.0),
        "prior": st.sampled_from(["white", "data"]),
        "information_left": st.floats(1e-4, 10.0),
        "g_denoise": st.none() | st.floats(-20.0, -2.0),
        "g_noise": st.none() | st.floats(-1.0, 20.0),
        "form": st.sampled_from(["vp", "flow", "ve"]),
    }
)
spectra_drawn = st.tuples(
    st.sampled_from([(1, 8, 8), (1, 16, 16), (3, 13, 20)]),
    st.floats(0.5, 4.0),
    st.floats(1e-6, 1e2),
    st.sampled_from([0.0, 2 / 255]),
    st.booleans(),
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(options, spectra_drawn)
def test_any_options_give_a_monotone_guaranteed_schedule_that_survives_a_file(
    chosen: dict[str, Any], drawn: tuple[Any, ...]
) -> None:
    shape, alpha, amplitude, quantum, is_bumped = drawn
    law = bumped if is_bumped else power_law(alpha, amplitude)
    spectrum = known_spectrum(law, shape, quantum=quantum)
    try:
        schedule = spectra.derive_schedule(spectrum, **chosen)
    except InputError as refusal:  # in one line, and for a reason that the options give
        message = str(refusal)
        assert "\n" not in message
        by_f_max = chosen["pace"] in ("frequency", "octave")
        assert (by_f_max and "pace" in message) or "g_denoise" in message
        return
    log_snr = schedule.log_snr(T).reshape(len(T), -1)
    assert np.isfinite(log_snr).all()
    assert (np.diff(log_snr, axis=0) <= 0).all()
    slack = 1e-9 * (1 + np.abs(log_snr).max())
    clean = schedule.g_denoise if chosen["g_denoise"] is None else chosen["g_denoise"]
    noisy = schedule.g_noise if chosen["g_noise"] is None else chosen["g_noise"]
    assert log_snr[0].min() >= -clean - slack
    assert log_snr[-1].max() <= -noisy + slack
    alpha_t, sigma_t = schedule.alpha(T), schedule.sigma(T)
    assert np.isfinite(alpha_t).all()
    assert np.isfinite(sigma_t).all()
    assert (sigma_t >= 0).all()
    assert (np.diff(schedule.f_max(T)) <= 0).all()
    assert (np.diff(schedule.information(T)) <= 0).all()
    with TemporaryDirectory() as folder:
        schedule.save(f"{folder}/x")
        same_bits(spectra.load_schedule(f"{folder}/x"), schedule)
