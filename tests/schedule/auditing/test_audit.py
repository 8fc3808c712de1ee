"""Audits: each planted defect is found, under its name, and what fits has none."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError, Schedule
from spectra.schedule.auditing.account import Account
from spectra.schedule.auditing.audit import Audit, audit
from spectra.schedule.auditing.diffusers_config import config_levels
from spectra.schedule.auditing.foreign import named_levels, read_levels
from spectra.schedule.densities.levels import noise_ends
from spectra.schedule.steps.denoising import wiener_error
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

pytestmark = pytest.mark.slow

SPECTRUM = known_spectrum(power_law(2.2), (1, 16, 16), quantum=2 / 255)
PHOTO_SHAPED = known_spectrum(power_law(2.0, 2e-3), (3, 32, 32), quantum=2 / 255)


def kinds(found: Audit) -> set[str]:
    return {finding.kind for finding in found.findings}


def finding(found: Audit, kind: str) -> Any:
    return next(one for one in found.findings if one.kind == kind)


def written(path: Path, value: Any) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@cache
def constants() -> dict[str, float]:
    """EDM's constants that fit SPECTRUM."""
    clean, noisy = noise_ends(named("dct"), 2 / 255)
    level = np.log(named("dct")) / 2
    deviation = float(np.sqrt(level.var() + np.pi**2 / 12))
    return {
        "P_mean": float(level.mean()),
        "P_std": 1.3 * deviation,
        "sigma_data": float(np.sqrt(named("dct").mean() + np.mean(SPECTRUM.mean**2))),
        "sigma_min": clean,
        "sigma_max": noisy,
    }


@cache
def sound() -> Audit:
    """Of those constants with EDM's own grid."""
    with TemporaryDirectory() as folder:
        return audit(written(Path(folder) / "sound.json", constants()), SPECTRUM)


def named(basis: str) -> np.ndarray:
    return SPECTRUM.component_variance(basis) + SPECTRUM.quantisation_floor


# ---- what fits


@pytest.mark.parametrize(
    "options",
    then_slow(
        [{}, {"ordering": "frequency", "ordering_strength": 1.0, "form": "flow"}],
        [{"ordering_strength": 0.5}, {"ordering_strength": 1.0, "pace": "linear"}],
    ),
)
def test_a_derived_schedule_has_nothing_amiss(options: dict[str, Any]) -> None:
    for spectrum in (SPECTRUM, PHOTO_SHAPED):
        found = audit(spectra.derive_schedule(spectrum, **options), spectrum, steps=10)
        assert found.findings == ()
        assert found.w2 == pytest.approx(found.best_w2, rel=0.01)
        assert "nothing amiss" in "\n".join(found.lines())


def test_levels_that_fit_have_nothing_amiss(tmp_path: Path) -> None:
    """The optimal list of sigmas, and EDM's constants from the spectrum with that list."""
    best = audit("edm", SPECTRUM, steps=12).best_knots
    path = written(tmp_path / "sigmas.txt", "\n".join(f"{sigma:.9g}" for sigma in best))
    assert not kinds(audit(path, SPECTRUM, solver="heun")) - {"stops early"}
    path = written(tmp_path / "edm.json", constants())
    assert kinds(audit(path, SPECTRUM, grid=best)) == set()


# ---- planted defects


@pytest.mark.parametrize(
    ("change", "kind", "octave"),
    then_slow(
        [
            ({"sigma_max": 3.0}, "prior mismatch", "DC"),
            ({"sigma_min": 0.3}, "stops early", "0.25-0.5 cycles/pixel"),
            ({"sigma_max": 1e5}, "idle steps", "DC"),
            ({"P_mean": 8.0, "P_std": 1.0}, "idle training", "DC"),
            ({"P_mean": 1.5, "P_std": 0.3}, "untrained", "0.125-0.25 cycles/pixel"),
            ({"sigma_data": 5.0}, "sigma_data", "all"),
        ],
        [
            ({"sigma_min": 1e-7}, "idle steps", "0.25-0.5 cycles/pixel"),
            ({"P_mean": -12.0, "P_std": 1.0}, "idle training", "0.25-0.5 cycles/pixel"),
            ({"P_mean": -4.0, "P_std": 0.4}, "untrained", "DC"),
        ],
    ),
)
def test_each_planted_defect_is_found(
    change: dict[str, float], kind: str, octave: str, tmp_path: Path
) -> None:
    path = written(tmp_path / "edm.json", {**constants(), **change})
    found = audit(path, SPECTRUM)
    assert kind in kinds(found)
    assert octave in [one.octave for one in found.findings if one.kind == kind]
    assert kind not in kinds(sound())
    one = finding(found, kind)
    assert np.isfinite(one.number)
    assert one.severity in ("high", "medium", "low")
    text = "\n".join(found.lines())
    assert one.what in text
    assert one.mend in text


def test_wasted_compute(tmp_path: Path) -> None:
    """As many optimal steps as it says do as well, and one fewer does not."""
    path = written(tmp_path / "edm.json", {**constants(), "sigma_max": 1e5})
    found = audit(path, SPECTRUM)
    least = found.least_steps
    assert finding(found, "wasted compute").number == 1 - least / 18
    assert audit(path, SPECTRUM, steps=least).best_w2 <= found.w2
    assert audit(path, SPECTRUM, steps=least - 1).best_w2 > found.w2


def test_the_mend_is_right(tmp_path: Path) -> None:
    """What the audit says to set makes its finding go."""
    bad = {**constants(), "sigma_max": 3.0, "sigma_min": 0.3}
    found = audit(written(tmp_path / "edm.json", bad), SPECTRUM)
    clean, noisy = noise_ends(named("dct"), 2 / 255)
    assert f"{noisy:.3g}" in finding(found, "prior mismatch").mend
    assert f"{clean:.3g}" in finding(found, "stops early").mend
    mended = {**bad, "sigma_max": float(f"{noisy:.3g}"), "sigma_min": float(f"{clean:.3g}")}
    assert not {"prior mismatch", "stops early"} & kinds(
        audit(written(tmp_path / "edm.json", mended), SPECTRUM)
    )


def test_idle_steps_are_mended_by_a_later_start() -> None:
    """Also where the data's own noise end lies above the grid: white noise of variance 1."""
    white = replace(
        SPECTRUM, variances={"dct": np.ones(SPECTRUM.shape)}, mean=np.zeros(SPECTRUM.shape)
    )
    found = audit("edm", white)
    told = finding(found, "idle steps")
    assert f"{found.knots[0]:.3g}" not in told.mend
    start = found.knots[round(told.number * len(found.knots)) - 1]
    assert f"start at sigma {start:.3g};" in told.mend
    mended = audit("edm", white, grid=found.knots[found.knots <= start])
    assert not {"idle steps", "prior mismatch"} & kinds(mended)


def test_an_offset_is_taken_off_and_not_scaled_away() -> None:
    """Values as pressures are: no sigma_data and no start hide a mean far above the deviation."""
    offset = replace(SPECTRUM, mean=np.full(SPECTRUM.shape, 1e5))
    found = audit("edm", offset)
    about = f"{np.sqrt(named('dct').mean()):.3g}"
    for kind in ("prior mismatch", "sigma_data"):
        assert finding(found, kind).mend.startswith("take the mean example off the values")
    assert finding(found, "sigma_data").mend.endswith(about)
    assert "mean example" not in " ".join(each.mend for each in audit("edm", SPECTRUM).findings)


def test_an_octave_without_steps_is_named() -> None:
    """A grid that leaps over one octave's window; the others have plenty."""
    schedule = spectra.standard_schedule(SPECTRUM, process="edm")
    fine = Account.of(schedule)
    window = audit("edm", SPECTRUM, steps=10).octaves[-2]
    times = np.linspace(1, 0, 30)
    sigma = np.exp(fine.log_noise(times))
    leap = (sigma > 0.9 * window.sigma_low) & (sigma < 1.1 * window.sigma_high)
    found = audit(schedule, SPECTRUM, grid=times[~leap | (times == 0)])
    few = [one for one in found.findings if one.kind == "too few steps"]
    assert window.label in [one.octave for one in few]
    row = next(row for row in found.octaves if row.label == window.label)
    assert row.steps == 0 < row.best_steps
    assert row.times > 5


def test_a_flow_gets_its_shift() -> None:
    found = audit("flow shift 40", SPECTRUM, steps=10)
    better = finding(found, "shift").number
    assert 0.3 < better < 10
    again = audit(f"flow shift {better:g}", SPECTRUM, steps=10)
    assert "shift" not in kinds(again)
    assert again.w2 < found.w2 / 2


def test_prior_mismatch_is_the_divergence() -> None:
    """1/2 sum (w - 1 - ln w), w = 1 + SNR, and the mean that nobody takes off."""
    found = audit("ve", SPECTRUM, grid=[2.0, 0.1, 0.01])
    snr = named("dct") / 4
    mean = spectra.make_basis("dct", SPECTRUM.shape).forward(SPECTRUM.mean)
    kl = 0.5 * np.sum(snr - np.log1p(snr)) + 0.5 * np.sum(mean**2) / 4
    assert found.prior_kl == pytest.approx(kl, rel=1e-9)
    assert found.information_left == pytest.approx(0.5 * np.log1p(snr).sum(), rel=1e-9)
    assert audit("ve", SPECTRUM, grid=[2.0, 0.1, 0.01], start="data").prior_kl == 0


@pytest.mark.parametrize("strength", [0.0, 1.0, 2.0])
def test_the_account_adds_up(strength: float) -> None:
    """Octaves sum to the whole: nats to the schedule's own, error to the mean squared one."""
    spectrum = replace(SPECTRUM, quantum=0.0)
    schedule = spectra.derive_schedule(spectrum, ordering_strength=strength)
    account = Account.of(schedule)
    t = np.array([0.95, 0.7, 0.4])
    whole = schedule.log_snr(t).reshape(3, -1)
    error = (schedule.variance.ravel() / (1 + np.exp(whole))).sum(axis=1)
    np.testing.assert_allclose(account.left(t)[:-1].sum(axis=1), error, rtol=1e-3)
    # the floor's noise takes little off while there is much more noise
    np.testing.assert_allclose(
        account.learnt(t)[0].sum(), schedule.information(t)[0], rtol=2e-2, atol=1e-3
    )
    assert account.components.sum() == schedule.variance.size


def test_a_denoiser_that_is_wieners_changes_nothing() -> None:
    small = known_spectrum(power_law(2.2), (1, 4, 4), quantum=2 / 255)
    schedule = spectra.derive_schedule(small, basis="dct")
    grid = schedule.grid(4)
    error = wiener_error(schedule, np.geomspace(1e-3, 300, 60))
    one, other = (audit(schedule, small, grid=grid, error=each) for each in (None, error))
    assert kinds(one) == kinds(other) == set()
    np.testing.assert_allclose(one.information_rate, other.information_rate, rtol=0.02, atol=0.05)
    np.testing.assert_allclose(one.w2, other.w2, rtol=0.02)
    # One that learns less is heard.
    worse = replace(error, error=np.minimum(error.error * 50, schedule.variance))
    assert audit(schedule, small, grid=grid, error=worse).w2 != pytest.approx(other.w2, rel=0.1)


def test_another_data_set_keeps_the_noise() -> None:
    """A schedule beside other data is judged by its noise levels, not by the old SNR."""
    schedule = spectra.derive_schedule(SPECTRUM)
    louder = replace(SPECTRUM, variances={name: 1e4 * v for name, v in SPECTRUM.variances.items()})
    found = audit(schedule, louder, steps=8)
    assert "prior mismatch" in kinds(found)
    assert found.knots[0] == pytest.approx(audit(schedule, SPECTRUM, steps=8).knots[0], rel=1e-6)


@pytest.mark.parametrize("strength", [50.0, 2000.0])
def test_components_beyond_all_noise_stay_finite(strength: float) -> None:
    schedule = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=strength)
    found = audit(schedule, SPECTRUM, steps=3)
    for values in (found.knots, found.best_knots, found.sigma, found.information_rate):
        assert np.isfinite(values).all()
    json.dumps(found.to_dict(), allow_nan=False)


# ---- what is read


NAMED = (
    *("edm", "rectified-flow", "sd3 shift 3", "SD3", "flow shift 1.5", "vp-cosine", "vp-linear"),
    *("ve", "ddpm", "stable-diffusion", "equal-snr", "blurring", "heat-dissipation", "columns"),
)


@pytest.mark.parametrize("name", NAMED)
def test_names(name: str) -> None:
    found = audit(name, SPECTRUM, steps=3)
    assert found.steps == 3
    assert np.isfinite(found.w2)
    assert (np.diff(found.knots) < 0).all()
    assert len(found.sigma) == len(found.information_rate) == len(found.octave_rate)
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_scheduler_config_is_diffusers_own() -> None:
    """Against the library itself: alpha-bar and the sigmas of its sampler."""
    diffusers = pytest.importorskip("diffusers")
    cases = [
        ("DDPMScheduler", {"beta_schedule": "linear"}),
        ("DDIMScheduler", {"beta_schedule": "squaredcos_cap_v2", "timestep_spacing": "trailing"}),
        ("EulerDiscreteScheduler", {"beta_schedule": "scaled_linear", "beta_start": 0.00085,
                                    "beta_end": 0.012, "timestep_spacing": "leading",
                                    "steps_offset": 1}),
        ("EulerDiscreteScheduler", {"beta_schedule": "linear", "use_karras_sigmas": True}),
        ("HeunDiscreteScheduler", {"trained_betas": np.linspace(1e-4, 0.1, 50).tolist()}),
        ("DPMSolverMultistepScheduler", {"beta_schedule": "scaled_linear"}),
    ]  # fmt: skip
    for kind, config in cases:
        theirs = getattr(diffusers, kind)(**config)
        ours = config_levels(json.loads(theirs.to_json_string()), "x")
        abar = theirs.alphas_cumprod.numpy().astype(float)
        ends = np.sqrt((1 - abar) / abar)[[0, -1]]
        np.testing.assert_allclose([ours.clean, ours.noisy], ends, rtol=1e-3)
        if kind == "EulerDiscreteScheduler":
            theirs.set_timesteps(9)
            np.testing.assert_allclose(ours.grid(9), theirs.sigmas[:-1].numpy(), rtol=0.02)
        if kind in ("DDPMScheduler", "DDIMScheduler"):
            theirs.set_timesteps(9)
            at = theirs.timesteps.numpy()
            np.testing.assert_allclose(ours.grid(9), np.sqrt((1 - abar) / abar)[at], rtol=1e-3)


def test_a_zero_terminal_snr_has_no_mismatch(tmp_path: Path) -> None:
    config = {"_class_name": "DDIMScheduler", "beta_schedule": "scaled_linear",
              "beta_start": 0.00085, "beta_end": 0.012, "timestep_spacing": "trailing"}  # fmt: skip
    plain = audit(written(tmp_path / "scheduler_config.json", config), PHOTO_SHAPED)
    config["rescale_betas_zero_snr"] = True
    mended = audit(written(tmp_path / "scheduler_config.json", config), PHOTO_SHAPED)
    folder = audit(tmp_path, PHOTO_SHAPED)
    assert "prior mismatch" not in kinds(mended)
    assert plain.prior_kl > 0.1 > mended.prior_kl
    assert folder.knots.tolist() == mended.knots.tolist()


def test_our_own_file(tmp_path: Path) -> None:
    schedule: Schedule = spectra.derive_schedule(SPECTRUM)
    schedule.save(tmp_path / "schedule.safetensors")
    found = audit(tmp_path / "schedule.safetensors", SPECTRUM, steps=8)
    assert found.knots.tolist() == audit(schedule, SPECTRUM, steps=8).knots.tolist()


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "at least two"),
        ("hello", "neither JSON"),
        ("1 2 3", "fall"),
        ("3 2 nan", "finite"),
        ("[3, 2, -1]", "above 0"),
        ("[[3, 2], [1]]", "numbers"),
        ('["a", "b"]', "numbers"),
        ("{", "JSON"),
        ("{}", "nothing"),
        ('{"learning_rate": 1}', "learning_rate"),
        ('{"P_mean": "x"}', "p_mean"),
        ('{"P_mean": 0, "sigma_min": 80, "sigma_max": 1}', "below"),
        ('{"P_mean": 0, "P_std": -1}', "p_std"),
        ('{"P_mean": Infinity}', "p_mean"),
        ('{"beta_schedule": "laplace"}', "laplace"),
        ('{"beta_schedule": "linear", "beta_end": 3}', "betas"),
        ('{"beta_schedule": "linear", "beta_end": null, "num_train_timesteps": 2.5}', "whole"),
        ('{"_class_name": "DDIMScheduler", "timestep_spacing": "odd"}', "odd"),
        ('{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 0}', "above 0"),
        ('{"_class_name": "SpectralScheduler"}', "component-wise"),
        ('{"trained_betas": "x"}', "trained_betas"),
        ('{"sigmas": [0.9, 0.5], "shift": 2, "x": 1} trailing', "JSON"),
        ('{"sigmas": [9, 0.5], "shift": 2}', "times"),
        ('{"sigmas": [9, 0.5], "sample_density_table": {"log_sigma": [1, 2]}}', "density"),
        ("[" * 100_000, "JSON"),
    ],
)
def test_bad_files_are_one_clear_line(text: str, match: str, tmp_path: Path) -> None:
    path = written(tmp_path / "file.json", text)
    with pytest.raises(InputError, match=match) as caught:
        audit(path, SPECTRUM)
    assert "\n" not in str(caught.value)
    assert "file.json" in str(caught.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x9c" * 9)
    for subject, match in (
        ("no such thing", "neither a file nor a name"),
        ("sd3 shift 0", "above 0"),
        ("sd3 shift 1e400", "above 0"),
        (tmp_path / "none.json", "neither a file"),
        (tmp_path / "binary.json", "no text"),
        (tmp_path, "scheduler_config.json"),
    ):
        with pytest.raises(InputError, match=match):
            audit(subject, SPECTRUM)
    other = spectra.derive_schedule(PHOTO_SHAPED)
    with pytest.raises(InputError, match="shape"):
        audit(other, SPECTRUM)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": 2.5}, "steps"),
        ({"steps": 10_000}, "steps"),
        ({"solver": "rk45"}, "rk45"),
        ({"start": "pink"}, "pink"),
        ({"grid": [1.0, 2.0]}, "fall"),
        ({"grid": []}, "two"),
    ],
)
def test_nonsense_options(options: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        audit("edm", SPECTRUM, **options)


def test_levels_exported_for_other_tools_are_read(tmp_path: Path) -> None:
    sigmas = [80.0, 10.0, 1.0, 0.1, 0.0]
    value = {"sigmas": sigmas, "sigma_sample_density": {"type": "lognormal", "mean": -1, "std": 1}}
    levels = read_levels(written(tmp_path / "k.json", value))
    assert levels.grid(3).tolist() == sigmas[:-1]
    assert levels.density is not None
    assert levels.density.mean == pytest.approx(-1, abs=1e-6)
    assert levels.density.std == pytest.approx(1, abs=1e-3)
    flow = read_levels(written(tmp_path / "f.json", {"sigmas": [1.0, 0.5, 0.2], "shift": 2.0}))
    np.testing.assert_allclose(flow.grid(3), [999, 1, 0.25])
    assert flow.pure


@pytest.mark.parametrize("text", ["[80.0, 10.0, 1.0, 0.1]", "80, 10, 1, 0.1"])
def test_levels_saved_with_a_byte_order_mark_are_read(text: str, tmp_path: Path) -> None:
    path = tmp_path / "levels.txt"
    path.write_text(text, encoding="utf-8-sig")
    assert read_levels(path).grid(4).tolist() == [80.0, 10.0, 1.0, 0.1]


@pytest.mark.parametrize("solver", ["2m", "heun", "euler", "ancestral"])
def test_an_export_for_k_diffusion_is_audited_as_what_it_is(solver: str, tmp_path: Path) -> None:
    """With its solver, the process's own clean end, and its width."""
    schedule = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0)
    spectra.export_schedule(schedule, "k-diffusion", tmp_path / "k.json", solver=solver)
    found = audit(tmp_path / "k.json", SPECTRUM)
    ours = audit(schedule, SPECTRUM, steps=10, solver=solver)
    assert (found.solver, found.steps, found.notes) == (solver, 10, ())
    assert found.w2 == pytest.approx(ours.w2, rel=0.01)
    assert kinds(found) <= kinds(ours)
    levels = read_levels(tmp_path / "k.json")
    assert levels.sigma_data == pytest.approx(np.sqrt(schedule.variance.mean()))
    assert levels.clean == pytest.approx(np.exp(schedule.pace[0] / 2), rel=1e-6)


@pytest.mark.parametrize("steps", [10, 100])
def test_an_export_for_flows_is_audited_from_its_own_noise(steps: int, tmp_path: Path) -> None:
    """Its first time lies above 0.999 and below 1."""
    loud = replace(SPECTRUM, variances={name: 1e4 * v for name, v in SPECTRUM.variances.items()})
    schedule = spectra.derive_schedule(loud, basis="dct", ordering_strength=1.0)
    spectra.export_schedule(schedule, "flow", tmp_path, steps=steps)
    found = audit(tmp_path / "flow.json", loud)
    assert found.steps == steps
    assert found.knots[0] == pytest.approx(np.exp(schedule.pace[-1] / 2), rel=1e-3)
    assert found.knots[0] > 999
    assert found.findings == ()


def test_what_a_sampler_file_may_not_hold(tmp_path: Path) -> None:
    sigmas = [9.0, 0.5]
    for more, match in (
        ({"sigma_min": -1}, "sigma_min"),
        ({"sigma_data": "x"}, "sigma_data"),
        ({"sigmas": [0.9, 0.5], "shift": 0}, "shift"),
    ):
        with pytest.raises(InputError, match=match):
            read_levels(written(tmp_path / "k.json", {"sigmas": sigmas, **more}))
    path = written(tmp_path / "k.json", {"sigmas": sigmas, "sampler": "sample_lms"})
    assert "sample_lms" in read_levels(path).assumed


def test_named_shift_scales_noise() -> None:
    one, three = named_levels("flow shift 1"), named_levels("flow shift 3")
    assert one is not None
    assert three is not None
    np.testing.assert_allclose(three.grid(8)[1:], 3 * one.grid(8)[1:], rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 8, 12), (3, 16, 8), (1, 4, 4)])
def test_odd_shapes(shape: tuple[int, int, int]) -> None:
    spectrum = known_spectrum(power_law(1.5), shape)
    assert np.isfinite(audit("edm", spectrum, steps=4).w2)


def test_series() -> None:
    x = np.random.default_rng(0).standard_normal((40, 1, 64)).cumsum(2)
    spectrum = spectra.analyze(spectra.open_source(x, view="series"), segment=None)
    found = audit("edm", spectrum, steps=6)
    assert found.octaves[0].label == "DC"
    assert len(found.octaves) == 8
