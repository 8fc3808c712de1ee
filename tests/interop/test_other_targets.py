"""k-diffusion, EDM, flow matching, fine-tuning scripts: each by its published protocol."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra import InputError
from spectra.interop import (
    best_shift,
    edm_kwargs,
    export_schedule,
    flow_sigmas,
    k_diffusion_sigmas,
    sample_density,
    sample_sigma,
    scalar_view,
    time_warp,
    training_flags,
)
from spectra.schedule.steps.gaussian import predict_sigmas
from tests.interop.conftest import COMPONENTWISE, SCALAR, dct, schedules
from tests.repeats import then_slow

ALL = (*SCALAR, *COMPONENTWISE)
# Bounded to 1e-6 where tables meet float32.
Model = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def sample_2m(model: Model, x: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """What k-diffusion's loops promise: model(x, sigma [B]), sigmas falling to 0 at the end."""
    every = x.new_ones([len(x)])
    before = None
    for k in range(len(sigmas) - 1):
        now, then = sigmas[k], sigmas[k + 1]
        clean = model(x, now * every)
        if then == 0:
            return clean
        step = torch.log(now / then)
        guess = clean
        if before is not None:
            share = torch.log(sigmas[k - 1] / now) / step
            guess = clean + (clean - before) / (2 * share)
        x = then / now * x + (1 - then / now) * guess
        before = clean
    return x


@pytest.mark.parametrize("steps", [1, 6])
@pytest.mark.parametrize("kind", then_slow(["standard", "edm", "sequential", "blurring"], ALL))
def test_sigmas_by_k_diffusions_protocol(kind: str, steps: int) -> None:
    sigmas = k_diffusion_sigmas(schedules()[kind], steps)
    assert sigmas.dtype == np.float32
    assert sigmas.shape == (steps + 1,)
    assert (np.diff(sigmas) < 0).all()
    assert sigmas[-1] == 0
    last = scalar_view(schedules()[kind]).sigma(np.ones(1))[0]
    assert sigmas[0] == pytest.approx(last, rel=1e-6)


def test_its_loop_gives_the_spectrum_that_was_predicted(tmp_path: Path) -> None:
    schedule = schedules()["standard"]
    path = tmp_path / "k.json"
    export_schedule(schedule, "k-diffusion", path, steps=8)
    sigmas = torch.tensor(json.loads(path.read_text())["sigmas"])
    variance = torch.from_numpy(schedule.variance.ravel())
    sigmas = sigmas.double()
    start = (variance + sigmas[0] ** 2).sqrt()[None]

    def wiener(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return variance / (variance + sigma[:, None] ** 2) * x

    ratio = (sample_2m(wiener, start, sigmas) ** 2)[0] / variance
    predicted = predict_sigmas(variance.numpy(), sigmas[:-1].numpy(), "2m")
    assert np.abs(ratio.numpy() - predicted.ratio).max() < 1e-5


@pytest.mark.parametrize("kind", ["standard", "edm", "half"])
def test_training_noise_is_the_schedules(kind: str, tmp_path: Path) -> None:
    """k-diffusion's callable, EDM's draw, EDM's table and the flow's warp: one density."""
    schedule = schedules()[kind]
    density = scalar_view(schedule).density
    quantile = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    wanted = density.quantile(quantile)
    generator = torch.Generator().manual_seed(0)
    drawn = sample_density(schedule)([40_000], generator=generator)
    assert drawn.shape == (40_000,)
    assert drawn.dtype == torch.float32
    assert np.abs(np.quantile(drawn.log().numpy(), quantile) - wanted).max() < 0.15
    drawn = sample_sigma(schedule, 4000, generator)
    assert np.abs(np.quantile(drawn.log().numpy(), quantile) - wanted).max() < 0.02
    export_schedule(schedule, "edm", tmp_path / "edm.json")
    table = np.load(tmp_path / "edm-log-sigma.npy")
    read = np.interp(quantile, np.linspace(0, 1, len(table)), table)
    assert np.abs(read - wanted).max() < 0.01
    t = time_warp(schedule)(quantile)
    assert np.abs(np.log(t / (1 - t)) - wanted).max() < 0.02


def test_a_log_normal_density_gives_edms_constants_back() -> None:
    """Training at ln sigma ~ N(-1.2, 1.2^2) exports as P_mean -1.2, P_std 1.2, distance 0."""
    from dataclasses import replace

    from scipy.special import ndtr

    edm = schedules()["edm"]
    log_sigma = np.linspace(np.log(0.002), np.log(80), 4097)
    share = ndtr((log_sigma + 1.2) / 1.2)
    share = (share - share[0]) / (share[-1] - share[0])
    t = np.linspace(0, 1, 4097)
    plain = replace(
        edm, t=t, pace=2 * log_sigma, density=np.maximum(share, 1e-9 * t) / max(share[-1], 1.0)
    )
    found = edm_kwargs(plain)
    assert found.p_mean == pytest.approx(-1.2, abs=2e-3)
    assert found.p_std == pytest.approx(1.2, abs=2e-3)
    assert found.distance < 2e-3
    assert found.sigma_min == pytest.approx(0.002)
    assert found.sigma_max == pytest.approx(80)
    flags = training_flags(plain)
    assert flags["kohya"].endswith(
        f"--discrete_flow_shift {np.exp(flags['logit_mean']):.6g} "
        f"--sigmoid_scale {flags['logit_std']:.6g}"
    )
    assert flags["logit_mean"] == pytest.approx(-1.2, abs=2e-3)
    assert flags["onetrainer"]["noising_weight"] == pytest.approx(0.2, abs=2e-3)
    assert f"--logit_mean={-flags['logit_mean']:.6g} " in flags["diffusers"]


def test_a_shifted_flow_gives_its_shift_back() -> None:
    from dataclasses import replace

    flow = schedules()["rectified-flow"]
    for shift in (0.2, 1.0, 3.0, 12.0):
        moved = replace(flow, pace=flow.pace + 2 * np.log(shift))
        found, residual = best_shift(scalar_view(moved))
        assert found == pytest.approx(shift, rel=0.02)
        assert residual < 0.02


@pytest.mark.parametrize("kind", ALL)
def test_the_warp_rises_and_its_slope_is_its_derivative(kind: str) -> None:
    warp = time_warp(schedules()[kind])
    u = np.linspace(0, 1, 2001)
    t = warp(u)
    assert (np.diff(t) >= 0).all()
    assert t[0] >= 0
    assert t[-1] <= 1
    inside, little = u[1:-1] + 1e-5, 1e-7
    slope = (warp(inside + little) - warp(inside - little)) / (2 * little)
    assert np.abs(warp.slope(inside) - slope).max() < 1e-4 * max(1.0, float(slope.max()))
    with pytest.raises(InputError):
        warp(np.array([1.5]))


@pytest.mark.parametrize("kind", then_slow(["standard", "half", "blurring"], ALL))
def test_flow_match_euler_keeps_the_sigmas(diffusers: Any, kind: str, tmp_path: Path) -> None:
    export_schedule(schedules()[kind], "flow", tmp_path, steps=9)
    given = json.loads((tmp_path / "flow.json").read_text())
    wanted = flow_sigmas(schedules()[kind], 9)
    assert np.array_equal(np.float32(given["sigmas"]), wanted)
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler.from_pretrained(tmp_path)
    scheduler.set_timesteps(sigmas=given["sigmas"])
    assert np.array_equal(scheduler.sigmas.numpy(), np.append(wanted, np.float32(0)))
    shifted = diffusers.FlowMatchEulerDiscreteScheduler.from_pretrained(tmp_path / "shifted")
    assert shifted.shift == pytest.approx(given["shift"])


@pytest.mark.parametrize("to", ["diffusers", "k-diffusion", "edm", "flow", "kohya"])
@pytest.mark.parametrize("kind", then_slow(["standard", "half"], ALL))
def test_every_export_says_what_it_wrote_and_lost(kind: str, to: str, tmp_path: Path) -> None:
    out = tmp_path / ("folder" if to in ("diffusers", "flow") else "file.json")
    export = export_schedule(schedules()[kind], to, out)
    assert export.target == to
    assert export.files
    assert all(path.is_file() for path in export.files)
    text = "\n".join(export.lines())
    assert ("cannot carry" in text) != ("carries the whole schedule" in text)
    json.dumps(export.to_dict(), allow_nan=False)
    if kind in COMPONENTWISE and to != "diffusers":
        assert "per component" in text


@pytest.mark.parametrize("to", ["diffusers", "k-diffusion", "edm", "flow", "kohya"])
@pytest.mark.parametrize("kind", then_slow(["modes"], ["information"]))
@pytest.mark.parametrize("pace", then_slow(["linear"], ["octave", "frequency", "modes"]))
def test_a_density_of_its_own_is_exported(pace: str, kind: Any, to: str, tmp_path: Path) -> None:
    """Its knots lie a rounding error from even times."""
    schedule = spectra.schedule_with_density(dct(ordering_strength=1.0, pace=pace), kind)
    assert export_schedule(schedule, to, tmp_path / "out").files
    share, t = schedule.quantiles
    density = scalar_view(schedule).density
    levels = np.log(scalar_view(schedule).sigma(t))
    found = np.interp(levels, density.log_sigma, density.cumulative)
    assert np.abs(found - share).max() < 2e-3


@pytest.mark.parametrize("to", ["edm", "k-diffusion"])
def test_a_mean_that_is_not_subtracted_is_mentioned(to: str, tmp_path: Path) -> None:
    from dataclasses import replace

    standard = schedules()["standard"]
    bright = replace(
        standard, mean=np.full_like(standard.mean, 2 * standard.variance.mean() ** 0.5)
    )
    whole = np.sqrt(5 * standard.variance.mean())
    notes = " ".join(export_schedule(bright, to, tmp_path / "file.json").notes)
    assert f"the root mean square of a value is {whole:.4g}" in notes
    plain = export_schedule(replace(standard, mean=0 * standard.mean), to, tmp_path / "file.json")
    assert "mean example" not in " ".join(plain.notes)


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    schedule = schedules()["standard"]
    with pytest.raises(InputError, match="to 'sdxl' is unknown"):
        export_schedule(schedule, "sdxl", tmp_path)
    with pytest.raises(InputError, match="solver"):
        export_schedule(schedule, "k-diffusion", tmp_path / "x.json", solver="dpm")
    with pytest.raises(InputError, match="steps"):
        k_diffusion_sigmas(schedule, 0)
    with pytest.raises(InputError):
        export_schedule(schedule, "edm", tmp_path)  # a folder
    with pytest.raises(InputError, match="knots"):
        time_warp(schedule, 1)
