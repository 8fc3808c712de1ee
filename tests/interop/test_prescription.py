"""The block to copy: it runs, it holds the numbers, and other tools draw what it says."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.interop import Prescription, export_schedule, prescription, scalar_view
from spectra.schedule.densities.density import training_density
from spectra.schedule.steps.gaussian import predict_sigmas
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.2), quantum=2 / 255)


def made(spectrum: spectra.Spectrum, **options: Any) -> Prescription:
    schedule = spectra.derive_schedule(spectrum, basis="dct", ordering_strength=1.0)
    return prescription(spectrum, schedule, **options)


def assigned(lines: list[str]) -> dict[str, Any]:
    """What the block assigns, up to the line that needs diffusers."""
    stop = next(i for i, line in enumerate(lines) if line.startswith("from diffusers"))
    rest = next(i for i, line in enumerate(lines) if line.startswith("# Flow matching"))
    found: dict[str, Any] = {}
    exec("\n".join(lines[:stop] + lines[rest:]), found)
    return found


@pytest.fixture(scope="module")
def photos() -> spectra.Spectrum:
    return spectra.analyze(spectra.open_source("photos", size=32), bases=("dct",))


@pytest.fixture(scope="module")
def sounds() -> spectra.Spectrum:
    source = spectra.open_source("sounds", view="log-mel")
    return spectra.analyze(source, bases=("dct",))


def test_the_block_is_python_and_holds_the_numbers() -> None:
    found = made(SPECTRUM)
    said = assigned(found.lines())
    for name, value in found.edm.to_dict().items():
        assert said[name] == pytest.approx(value, rel=1e-3), name
    assert said["sigmas"][-1] == 0
    np.testing.assert_allclose(said["sigmas"][:-1], found.sigmas, rtol=1e-3)
    assert said["shift"] == pytest.approx(np.exp(found.edm.p_mean), rel=1e-3)
    assert said["scale"] == pytest.approx(found.edm.p_std, rel=1e-3)
    assert all(len(line) <= 110 and "\n" not in line for line in found.lines())


def test_the_times_of_a_flow_say_its_noise_near_1_too() -> None:
    wide = replace(SPECTRUM, variances={n: 5e5 * v for n, v in SPECTRUM.variances.items()})
    found = made(wide)
    line = next(line for line in found.lines() if line.startswith("flow.set_timesteps"))
    said = np.array(json.loads(line[line.index("[") : line.index("]") + 1]))
    t = np.array(found.flow_sigmas)
    np.testing.assert_allclose(said / (1 - said), t / (1 - t), rtol=0.01)


def test_every_constant_has_its_reason() -> None:
    found = made(SPECTRUM)
    for name in found.edm.to_dict():
        (line,) = [line for line in found.lines() if line.startswith(f"{name} =")]
        assert line.split("#")[1].strip() == found.edm.reasons[name]
        assert len(found.edm.reasons[name]) > 10


def test_json_holds_everything_unrounded() -> None:
    found = made(SPECTRUM)
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert again == found.to_dict()
    assert again["edm"]["P_mean"] == found.edm.p_mean
    assert again["k_diffusion"]["sigmas"] == [*found.sigmas, 0.0]


@pytest.mark.parametrize("name", then_slow(["sounds"], ["photos"]))
def test_on_real_spectra(name: str, request: pytest.FixtureRequest) -> None:
    spectrum = request.getfixturevalue(name)
    found = made(spectrum)
    schedule = spectra.derive_schedule(spectrum, basis="dct", ordering_strength=1.0)
    variance = schedule.variance
    assert found.edm.sigma_data == pytest.approx(np.sqrt(variance.mean()))
    # The schedule's own ends: one noise level for all of its components.
    sigma = np.sqrt(variance / np.exp(schedule.log_snr(np.array([0.0, 1.0]))))
    for end, level in zip((found.edm.sigma_min, found.edm.sigma_max), sigma, strict=True):
        np.testing.assert_allclose(level, end, rtol=1e-9)
    assert (np.diff(found.sigmas) < 0).all()
    assert found.sigmas[0] == pytest.approx(found.edm.sigma_max)
    assert len(found.sigmas) == 10
    measured = predict_sigmas(variance.ravel(), np.array(found.sigmas), "heun").w2
    assert found.error == pytest.approx(measured / variance.mean(), rel=0.02)
    assert found.error < 0.5 * found.edm_error
    assert found.flow.training == pytest.approx(np.exp(scalar_view(schedule).density.mean))
    assert found.modes.mean == training_density(schedule).mean
    assert assigned(found.lines())["rho"] == found.edm.rho
    assert found.name in found.lines()[0]


KINDS: dict[str, Callable[[], spectra.Schedule]] = {
    "derived": lambda: spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0),
    "copied": lambda: spectra.preset("rectified-flow", SPECTRUM),
    "modes": lambda: spectra.derive_schedule(SPECTRUM, basis="dct", density="modes"),
    "other": lambda: spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=0.3),
    "blurring": lambda: spectra.preset("blurring", SPECTRUM),
}


@pytest.mark.parametrize("kind", then_slow(["derived", "copied", "other"], KINDS))
def test_the_block_says_what_export_writes(kind: str, tmp_path: Path) -> None:
    """One schedule has one set of numbers, whichever command is asked."""
    schedule = KINDS[kind]()
    found = prescription(SPECTRUM, schedule)
    told, block = found.to_dict(), found.lines()
    edm = export_schedule(schedule, "edm", tmp_path / "edm.json").values
    for name, value in told["edm"].items():
        assert value == pytest.approx(edm[name], rel=1e-6, abs=1e-9), name
    assert told["edm_distance"] == pytest.approx(edm["distance"], abs=1e-6)
    flags = export_schedule(schedule, "kohya", tmp_path / "kohya.json").values
    assert f"#   {flags['kohya']}" in block
    assert f"#   {flags['diffusers']}" in block
    levels = export_schedule(schedule, "k-diffusion", tmp_path / "k.json", solver="heun").values
    np.testing.assert_allclose(told["k_diffusion"]["sigmas"], levels["sigmas"], rtol=1e-4)
    flow = export_schedule(schedule, "flow", tmp_path / "flow").values
    np.testing.assert_allclose(told["flow"]["sigmas"], flow["sigmas"], rtol=1e-4)
    assert told["flow"]["shift_nearest"] == pytest.approx(flow["shift"], rel=1e-4)
    assert any("noise per component" in line for line in block) == bool(found.departure)


def test_where_modes_drown_is_told_as_no_part_of_the_schedule() -> None:
    found = made(SPECTRUM)
    (line,) = [line for line in found.lines() if "modes" in line]
    assert line.startswith("# not this schedule's, the data's: modes drown at ")
    assert f"{found.modes.mean:.4g}, deviation {found.modes.std:.4g}" in line
    assert found.modes.mean != pytest.approx(found.edm.p_mean, abs=0.1)


def test_series_have_a_prescription() -> None:
    series = np.random.default_rng(0).standard_normal((8, 1, 64)).cumsum(axis=-1)
    spectrum = spectra.analyze(spectra.open_source(series, view="series"), bases=("dct",))
    found = made(spectrum, steps=5, solver="2m")
    assert any("sample_dpmpp_2m: 5 steps, 5 evaluations" in line for line in found.lines())


def test_a_schedule_in_another_order_has_the_ends_of_its_one_curve() -> None:
    schedule = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=0.3)
    found, plain = prescription(SPECTRUM, schedule), made(SPECTRUM)
    assert found.edm.sigma_max == pytest.approx(plain.edm.sigma_max, rel=1e-3)
    assert found.modes == plain.modes
    assert found.edm.p_mean != plain.edm.p_mean
    assert found.departure > 1


def test_a_schedule_far_from_standard_has_finite_numbers() -> None:
    schedule = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=2000.0)
    json.dumps(prescription(SPECTRUM, schedule, steps=2).to_dict(), allow_nan=False)


def test_the_shift_of_rectified_flow_is_one() -> None:
    """A schedule that is rectified flow is at shift 1; shifted data shift with it."""
    flow = spectra.standard_schedule(SPECTRUM, process="rectified-flow")
    found = prescription(SPECTRUM, flow)
    assert found.flow.nearest == pytest.approx(1, rel=1e-3)
    assert found.flow.training == pytest.approx(1, rel=1e-3)
    assert "P_mean = 0 " in "\n".join(found.lines())  # not -4.8e-18
    louder = known_spectrum(power_law(2.2, 1e-1))
    quiet = known_spectrum(power_law(2.2, 1e-3))
    one, ten = made(quiet).flow, made(louder).flow
    assert ten.training / one.training == pytest.approx(10, rel=1e-6)
    assert ten.unit_variance == pytest.approx(one.unit_variance, rel=1e-6)


def test_kohyas_flags_draw_the_schedules_density() -> None:
    """t = shift s / (1 + (shift - 1) s), s = sigmoid(scale N): its own formula, its own draws."""
    found = made(SPECTRUM)
    normal = np.random.default_rng(0).standard_normal(200_000)
    s = 1 / (1 + np.exp(-found.flow.scale * normal))
    t = found.flow.training * s / (1 + (found.flow.training - 1) * s)
    log_sigma = np.log(t / (1 - t))
    assert log_sigma.mean() == pytest.approx(found.edm.p_mean, abs=0.01)
    assert log_sigma.std() == pytest.approx(found.edm.p_std, abs=0.01)
    schedule = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0)
    density = scalar_view(schedule).density
    shares = np.searchsorted(np.sort(log_sigma), density.log_sigma) / len(log_sigma)
    assert np.abs(shares - density.cumulative).max() < found.edm.distance + 0.01


@pytest.mark.slow
def test_the_whole_block_runs_where_diffusers_is() -> None:
    pytest.importorskip("diffusers")
    found = made(SPECTRUM)
    said: dict[str, Any] = {}
    exec("\n".join(found.lines()), said)
    np.testing.assert_allclose(
        said["flow"].sigmas.numpy(), [*found.flow_sigmas, 0.0], atol=1e-4, rtol=1e-3
    )
    assert said["edm"].config.sigma_data == pytest.approx(found.edm.sigma_data, rel=1e-3)
    said["edm"].set_timesteps(8)
    assert float(said["edm"].sigmas[0]) == pytest.approx(found.edm.sigma_max, rel=1e-3)


@pytest.mark.slow
def test_diffusers_training_scripts_draw_the_schedules_density() -> None:
    """As train_dreambooth_sd3 draws: u from the scheme, then the timestep at index u."""
    diffusers = pytest.importorskip("diffusers")
    import torch
    from diffusers.training_utils import compute_density_for_timestep_sampling

    found = made(SPECTRUM)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0)
    (line,) = [line for line in found.lines() if "--logit_mean" in line]
    flags = dict(flag.split("=") for flag in line.split() if "=" in flag)
    torch.manual_seed(0)
    u = compute_density_for_timestep_sampling(
        "logit_normal",
        100_000,
        logit_mean=float(flags["--logit_mean"]),
        logit_std=float(flags["--logit_std"]),
    )
    middle = np.median(scheduler.timesteps[(u * 1000).long()].double().numpy() / 1000)
    assert np.log(middle / (1 - middle)) == pytest.approx(found.edm.p_mean, abs=0.05)


def test_what_cannot_be_is_refused() -> None:
    for options, names in (({"solver": "rk4"}, "solver"), ({"steps": 0}, "steps")):
        with pytest.raises(InputError, match=names) as refusal:
            made(SPECTRUM, **options)
        assert "\n" not in str(refusal.value)
    assert len(made(SPECTRUM, steps=1).sigmas) == 1
