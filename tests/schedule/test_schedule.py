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
from tests.schedule.known import bumped, known_spectrum, pca_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.2), quantum=2 / 255)
T = np.linspace(0, 1, 65)
ENDS = np.array([0.0, 1.0])


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
        spectra.preset("columns", SPECTRUM),
        spectra.preset("blurring", SPECTRUM),
        by_principal_components(),
        dataclasses.replace(
            spectra.derive_schedule(SPECTRUM, pace="linear", density="pace"), density=ENDS
        ),
    ]


def by_principal_components() -> Schedule:
    return spectra.derive_schedule(pca_spectrum(), basis="pca", ordering_strength=0.5)


@pytest.mark.parametrize("number", range(7))
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
    with pytest.raises(InputError, match="is a folder; a spectrum file is expected"):
        spectra.load_spectrum(tmp_path)
    SPECTRUM.save(tmp_path / "spectrum.safetensors")
    with pytest.raises(InputError, match=r"is a folder; give .*spectrum\.safetensors"):
        spectra.load_spectrum(tmp_path)


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


@pytest.mark.parametrize("number", range(7))
def test_grid_falls_from_one_to_zero(number: int) -> None:
    for steps in (1, 5):
        grid = several()[number].grid(steps)
        assert grid.shape == (steps + 1,)
        assert grid[0] == 1
        assert grid[-1] == 0
        assert (np.diff(grid) < 0).all()


def test_training_times_are_stratified_and_follow_the_density() -> None:
    import torch

    for schedule in several()[:3]:
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
    if chosen["g_noise"] is not None:  # one end, one wish
        chosen = {**chosen, "information_left": None}
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


# Not separable: blur, limits, both, and a table of each that bends.
def changed(**changes: Any) -> Schedule:
    base = spectra.derive_schedule(SPECTRUM, ordering_strength=0.7, prior="data")
    rate = (2 * np.pi * base.frequency) ** 2
    radial = (2 * np.pi * base.radial_frequency) ** 2
    blurred = {"blur_rate": rate, "radial_blur_rate": radial, "blur": 3 * base.t**2}
    changes = {**(blurred if changes.pop("blurs", False) else {}), **changes}
    return dataclasses.replace(base, **changes)


@cache
def curved() -> dict[str, Schedule]:
    return {
        "blur": changed(blurs=True),
        "blur with a floor": changed(blurs=True, blur_floor=0.01),
        "limits": changed(limits=(-6.0, 5.0)),
        "both": changed(blurs=True, blur_floor=0.1, limits=(-9.0, 4.0)),
        "columns": spectra.preset("columns", SPECTRUM, tau_max=0.9),
        "blurring": spectra.preset("blurring", SPECTRUM, blur_max=4.0),
        "heat": spectra.preset("heat-dissipation", SPECTRUM, blur_max=4.0),
    }


def test_blur_and_limits_are_as_written() -> None:
    """offset - pace + 2 ln d, then ln(alpha^2 / sigma^2) clipped."""
    schedule = curved()["both"]
    t = np.array([0.0, 0.2, 0.7, 1.0])
    for time in t:
        blur = np.interp(time, schedule.t, 3 * schedule.t**2)
        rate = (2 * np.pi * schedule.frequency) ** 2
        d = 0.1 + 0.9 * np.exp(-rate * blur)
        log_snr = schedule.offset - np.interp(time, schedule.t, schedule.pace) + 2 * np.log(d)
        ratio = log_snr - np.log(schedule.variance) + np.log(schedule.scale**2)
        expected = np.clip(ratio, -9, 4)
        np.testing.assert_allclose(schedule.log_ratio(np.array([time]))[0], expected, atol=1e-12)
        alpha, sigma = (f(np.array([time]))[0] for f in (schedule.alpha, schedule.sigma))
        np.testing.assert_allclose(2 * np.log(alpha / sigma), expected, atol=1e-12)


@pytest.mark.parametrize("name", list(curved()))
def test_the_slope_is_what_log_snr_falls_by(name: str) -> None:
    """Its integral between knots is the fall; never above 0; right-hand on a knot."""
    schedule = curved()[name]
    t = np.unique(np.r_[np.linspace(0.003, 0.997, 40)])
    step = 1e-7
    difference = (schedule.log_snr(t + step) - schedule.log_snr(t)) / step
    slope = schedule.log_snr_slope(t)
    assert (slope <= 0).all()
    scale = 1 + np.abs(slope)
    wrong = np.abs(difference - slope) / scale > 1e-4
    assert wrong.mean() < 1e-3  # a component may meet its limit within a step
    knot = schedule.t[(len(schedule.t) - 1) // 2]
    right = schedule.log_snr_slope(np.array([knot]))
    np.testing.assert_allclose(right, schedule.log_snr_slope(np.array([knot + 1e-9])), rtol=1e-5)


def test_slope_of_a_separable_schedule_is_the_paces() -> None:
    schedule = several()[1]
    middle = (schedule.t[1:] + schedule.t[:-1])[::97] / 2
    expected = -np.diff(schedule.pace)[::97] / np.diff(schedule.t)[::97]
    slope = schedule.log_snr_slope(middle)
    np.testing.assert_allclose(
        slope, np.broadcast_to(expected[:, None, None, None], slope.shape), rtol=1e-9
    )


@pytest.mark.parametrize("name", list(curved()))
def test_curved_schedules_are_whole(name: str, tmp_path: Path) -> None:
    """Information, ends, f_max and file where every component has its own curve."""
    schedule = curved()[name]
    assert not schedule.separable
    log_snr = schedule.log_snr(T)
    assert (np.diff(log_snr, axis=0) <= 1e-12).all()
    exact = 0.5 * np.logaddexp(0, log_snr).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(schedule.information(T), exact, rtol=1e-12)
    assert schedule.g_denoise == -log_snr[0].min()
    assert schedule.g_noise == -log_snr[-1].max()
    np.testing.assert_array_equal(schedule.quantiles[0][[0, -1]], ENDS)
    schedule.save(tmp_path / "x")
    again = spectra.load_schedule(tmp_path / "x")
    same_bits_or_none(again, schedule)
    assert again.log_snr(T).tobytes() == log_snr.tobytes()


def same_bits_or_none(ours: Schedule, theirs: Schedule) -> None:
    same_bits(ours, theirs)
    assert (ours.limits, ours.blur_floor) == (theirs.limits, theirs.blur_floor)


def test_f_max_knows_blur_and_limits() -> None:
    """Of white noise on an exact law: f_max is where R(f) alpha^2 d(f)^2 = sigma^2."""
    schedule = spectra.preset("blurring", SPECTRUM, blur_max=4.0)
    first, last = np.arctan(np.exp([-5.0, 5.0]))
    for t in (0.3, 0.4, 0.5):
        ratio = -2 * np.log(np.tan(first + t * (last - first)))
        tau = (4 * np.sin(np.pi * t / 2) ** 2) ** 2 / 2
        f = np.geomspace(SPECTRUM.frequency[0], SPECTRUM.frequency[-1], 100_001)
        d = np.exp(-((2 * np.pi * f) ** 2) * tau) * 0.999 + 0.001
        power = np.exp(np.interp(np.log(f), np.log(SPECTRUM.frequency), schedule.radial_log_power))
        seen = f[np.log(power) + ratio + 2 * np.log(d) > 0]
        found = schedule.f_max(np.array([t]))[0]
        # Between rings the blurred curve is joined by straight lines.
        assert found == pytest.approx(seen.max() if len(seen) else 0, rel=0.02)
    limited = dataclasses.replace(several()[1], limits=(-1e3, 1e3))
    np.testing.assert_allclose(limited.f_max(T), several()[1].f_max(T), atol=1e-12)
    # Never drowned: the limit keeps every ratio above 1 / SNR of the weakest ring.
    kept = dataclasses.replace(several()[1], limits=(40.0, 50.0))
    np.testing.assert_array_equal(kept.f_max(T), SPECTRUM.frequency[-1])


def test_f_max_without_a_curve_is_that_of_the_components() -> None:
    derived = spectra.derive_schedule(SPECTRUM)
    schedule = dataclasses.replace(
        derived, radial_offset=np.full_like(derived.radial_offset, np.nan), threshold=2.0
    )
    f_max = schedule.f_max(T)
    for k in (0, 20, 40, 64):
        above = schedule.frequency[schedule.log_snr(T[[k]])[0] > np.log(2)]
        assert f_max[k] == (above.max() if above.size else 0)
    assert (np.diff(f_max) <= 0).all()
    assert np.isnan(spectra.preset("columns", SPECTRUM).f_max(T)).all()


def test_information_in_parts_is_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = curved()["both"].information(T)
    monkeypatch.setattr("spectra.schedule.schedule.CHUNK", 1)
    np.testing.assert_allclose(curved()["both"].information(T), whole, rtol=1e-14)


def test_principal_components_are_the_basis() -> None:
    spectrum = pca_spectrum()
    schedule = by_principal_components()
    basis = schedule.make_basis()
    matrix = basis.forward(np.eye(64).reshape(64, 1, 8, 8)).reshape(64, 64)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(64), atol=1e-12)
    assert spectrum.scatter is not None
    covariance = spectrum.scatter.covariance()
    np.testing.assert_allclose(
        np.diagonal(matrix.T @ covariance @ matrix),
        spectrum.component_variance("pca").ravel(),
        rtol=1e-9,
        atol=1e-12,
    )
    assert schedule.frequency.shape == (1, 8, 8)
    assert np.isfinite(schedule.frequency).all()


def test_a_file_of_format_1_0_still_loads(tmp_path: Path) -> None:
    """As it was written: without what 1.1 added."""
    path, schedule = tmp_path / "x", several()[1]
    schedule.save(path)
    tables, header = read_tables(path, "schedule", major=1)
    for later in ("limits", "blur_rate", "blur", "blur_floor", "components", "density"):
        tables.pop(later, None)
        header.pop(later, None)
    write_tables(path, "schedule", "1.0", tables, header)
    same_bits(spectra.load_schedule(path), schedule)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"limits": (3.0, 1.0)}, "limits"),
        ({"limits": (np.nan, 1.0)}, "limits"),
        ({"blur_rate": np.ones((1, 16, 16))}, "come together"),
        ({"blur": np.array([0.0, 1.0])}, "come together"),
        ({"blur_rate": np.ones((1, 4, 4)), "blur": None}, "come together"),
        ({"blur_floor": 1.0}, "blur_floor"),
        ({"blur_floor": np.nan}, "blur_floor"),
        ({"components": np.eye(256)}, "pca"),
        ({"basis": "pca"}, "pca"),
        ({"basis": "pca", "components": np.eye(3)}, "components"),
        ({"basis": "pca", "components": 2 * np.eye(256)}, "components"),
        ({"variance": np.zeros((1, 16, 16))}, "variance"),
        ({"variance": np.full((1, 16, 16), np.nan)}, "variance"),
        ({"offset": np.full((1, 16, 16), np.inf)}, "offset"),
        ({"density": np.array([0.0, 0.5])}, "density"),
    ],
)
def test_additions_that_do_not_fit_are_refused(change: dict[str, Any], names: str) -> None:
    with pytest.raises(InputError, match=names) as refusal:
        dataclasses.replace(several()[0], **change)
    assert "\n" not in str(refusal.value)


def test_blur_that_falls_is_refused() -> None:
    base = several()[0]
    for blur in (-base.t, 1 - base.t, base.t * np.nan, base.t[:-1]):
        with pytest.raises(InputError, match="blur"):
            dataclasses.replace(base, blur_rate=np.ones(base.shape), blur=blur)
    for rate in (-np.ones(base.shape), np.full(base.shape, np.nan), np.ones((2, 2))):
        with pytest.raises(InputError, match="blur_rate"):
            dataclasses.replace(base, blur_rate=rate, blur=base.t)
