"""diffusers' own schedulers hold our curve."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra import InputError
from spectra.interop import export_diffusers, scalar_view, scheduler_config, trained_betas
from tests.interop.conftest import SCALAR, SPECTRUM, dct, schedules
from tests.repeats import then_slow

CLASSES = (
    "DDPMScheduler",
    "DDIMScheduler",
    "DPMSolverMultistepScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "UniPCMultistepScheduler",
    "DEISMultistepScheduler",
)
K = np.arange(1, 1001) / 1000


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("kind", then_slow(["standard", "edm", "half"], SCALAR))
def test_alpha_bar_and_sigma_are_ours(diffusers: Any, kind: str, name: str, tmp_path: Path) -> None:
    export_diffusers(schedules()[kind], tmp_path, noise="scalar")
    scheduler = getattr(diffusers, name).from_pretrained(tmp_path)
    held = scheduler.alphas_cumprod.double().numpy()
    ratio = scalar_view(schedules()[kind]).log_ratio(K)
    some = ratio <= 10
    assert np.abs(held - 1 / (1 + np.exp(-ratio)))[some].max() < 1e-5
    some &= ratio >= -16  # alpha-bar itself is not under 2^-24
    sigma = np.sqrt((1 - held) / held)
    assert np.abs(sigma / np.exp(-ratio / 2) - 1)[some].max() < 1e-3
    assert (np.diff(scheduler.alphas_cumprod.numpy()) < 0).all()
    # Written by one, read by another; only DEIS's own algorithm no other knows.
    if name == "DEISMultistepScheduler":
        return
    scheduler.save_pretrained(tmp_path / "again")
    other = diffusers.DPMSolverMultistepScheduler.from_pretrained(tmp_path / "again")
    assert torch.equal(other.alphas_cumprod, scheduler.alphas_cumprod)


@pytest.mark.parametrize("steps", [7, 10, 18, 50])
@pytest.mark.parametrize(
    "name", ["DDIMScheduler", "DPMSolverMultistepScheduler", "EulerDiscreteScheduler"]
)
def test_a_pipelines_steps_are_the_grids(diffusers: Any, name: str, steps: int) -> None:
    schedule = spectra.standard_schedule(SPECTRUM, process="edm")
    view = scalar_view(schedule)
    times = schedule.grid(steps, rule="log-linear")
    scheduler = getattr(diffusers, name).from_config(scheduler_config(view, knots=times))
    scheduler.set_timesteps(steps)
    held = scheduler.alphas_cumprod.double()[scheduler.timesteps.long()].numpy()
    wanted = view.sigma(times[:-1])
    some = wanted > 0.01
    assert len(held) == steps
    assert np.abs(np.log(((1 - held) / held) ** 0.5 / wanted))[some].max() < 1e-3


def test_the_grid_is_the_solvers_own(tmp_path: Path) -> None:
    schedule = schedules()["standard"]
    export_diffusers(schedule, tmp_path, steps=5, solver="2m")
    wanted = scheduler_config(scalar_view(schedule), knots=schedule.grid(5, "2m"))
    kept = json.loads((tmp_path / "scheduler_config.json").read_text())
    assert kept["trained_betas"] == wanted["trained_betas"]


@pytest.mark.parametrize(
    ("kind", "steps"),
    then_slow([("standard", 10), ("edm", 10)], [*((k, 10) for k in SCALAR), ("standard", 1000)]),
)
@pytest.mark.parametrize("name", CLASSES)
def test_every_sampler_stays_finite(
    diffusers: Any, kind: str, steps: int, name: str, tmp_path: Path
) -> None:
    export_diffusers(schedules()[kind], tmp_path)
    scheduler = getattr(diffusers, name).from_pretrained(tmp_path)
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 1, 4, 4, generator=generator) * scheduler.init_noise_sigma
    for t in scheduler.timesteps:
        said = scheduler.scale_model_input(x, t)  # white data: all of it may be noise
        x = scheduler.step(said, t, x).prev_sample
    assert torch.isfinite(x).all()


def test_ends_beyond_float32_are_named(tmp_path: Path) -> None:
    noisy = dct(ordering_strength=1.0, g_noise=30.0)
    export = export_diffusers(noisy, tmp_path)
    assert any("noise end" in line for line in export.cannot_carry)
    config = json.loads((tmp_path / "scheduler_config.json").read_text())
    bar = np.prod(1 - np.array(config["trained_betas"], np.float32).astype(float))
    assert bar == pytest.approx(2**-24, rel=0.1)
    clean = dct(ordering_strength=1.0, g_denoise=-25.0)
    assert any("clean end" in line for line in export_diffusers(clean, tmp_path).cannot_carry)


def test_a_component_wise_schedule_goes_to_its_own_scheduler(
    diffusers: Any, tmp_path: Path
) -> None:
    from spectra.interop import SpectralScheduler

    export = export_diffusers(schedules()["half"], tmp_path, prediction_type="v_prediction")
    assert {path.name for path in export.files} == {
        "scheduler_config.json",
        "schedule.safetensors",
    }
    assert not export.cannot_carry
    again = SpectralScheduler.from_pretrained(tmp_path)
    assert again.config["prediction_type"] == "v_prediction"
    scalar = export_diffusers(schedules()["half"], tmp_path / "scalar", noise="scalar")
    assert "per component" in scalar.cannot_carry[0]


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    view = scalar_view(schedules()["standard"])
    with pytest.raises(InputError, match="prediction_type"):
        scheduler_config(view, prediction_type="flow")  # pyright: ignore
    with pytest.raises(InputError, match="count"):
        trained_betas(view, 1)
    for knots in ([1.0, 0.5], [0.9, 0.0], [1.0, 0.2, 0.2, 0.0], [1.0, np.nan, 0.0]):
        with pytest.raises(InputError, match="knots"):
            trained_betas(view, 100, knots=np.array(knots))
    with pytest.raises(InputError, match="noise"):
        export_diffusers(schedules()["standard"], tmp_path, noise="both")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError):
        export_diffusers(schedules()["standard"], tmp_path / "file")
