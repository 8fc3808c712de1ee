"""SpectralScheduler in diffusers' own pipelines gives our sampler's images."""

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra import InputError
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.sample import noise_levels
from spectra.diffusion.solvers import integrate
from spectra.schedule import Schedule
from tests.diffusion.gaussians import exact_denoiser
from tests.interop.conftest import COMPONENTWISE, SCALAR, schedules
from tests.repeats import then_slow

PREDICTIONS = ("epsilon", "sample", "v_prediction", "flow_prediction")
KINDS = (*COMPONENTWISE, "standard", "edm", "pca")


def scheduler_of(kind: str, **options: Any) -> Any:
    from spectra.interop import SpectralScheduler

    return SpectralScheduler(schedules()[kind], **options)


def pipeline(diffusers: Any, scheduler: Any, folder: Path) -> Any:
    """DDPMPipeline with the exact denoiser, saved and loaded again."""
    from tests.interop.gaussian_models import ComponentWiener

    unet = ComponentWiener()
    diffusers.DDPMPipeline(unet, scheduler).save_pretrained(folder)
    found = diffusers.DDPMPipeline.from_pretrained(folder, unet=unet)
    found.set_progress_bar_config(disable=True)
    unet.scheduler = found.scheduler
    return found


def our_images(schedule: Schedule, steps: int, solver: str, seed: int, n: int) -> torch.Tensor:
    """What `spectra.sample` draws, with the pipeline's noise for a start."""
    process = DiffusionProcess(schedule)
    times = schedule.grid(steps, solver)
    levels, alpha = noise_levels(process, times)
    denoiser = exact_denoiser(process)
    generator = torch.Generator().manual_seed(seed)
    white = process.basis.forward(torch.randn(n, *schedule.shape, generator=generator))

    def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
        t = torch.full((len(y),), times[k], dtype=torch.float64)
        return denoiser(alpha[k] * y, t)

    start = (process.variance + levels[0] ** 2).sqrt() * white
    return process.examples(integrate(estimate, levels, start, solver))


# Not 2m through windows: where a component has just begun to move, 2m divides by the little way
# it went, and float32's last digit is seen in both.
@pytest.mark.parametrize(
    ("kind", "solver"),
    then_slow(
        [("half", "2m")],
        [pair for pair in product(KINDS, ("euler", "2m", "heun")) if pair != ("windows", "2m")],
    ),
)
def test_a_saved_pipeline_gives_our_samplers_images(
    diffusers: Any, kind: str, solver: str, tmp_path: Path
) -> None:
    scheduler = scheduler_of(kind, solver=solver)
    pipe = pipeline(diffusers, scheduler, tmp_path)
    assert pipe.scheduler is not scheduler
    assert type(pipe.scheduler) is type(scheduler)
    drawn = pipe(
        3, generator=torch.Generator().manual_seed(5), num_inference_steps=8, output_type="pt"
    ).images
    wanted = our_images(schedules()[kind], 8, solver, 5, 3)
    assert torch.isfinite(drawn).all()
    assert (drawn - (wanted / 2 + 0.5).clamp(0, 1)).abs().max() < 1e-4


@pytest.mark.parametrize("kind", ["half", "edm", "pca"])
def test_a_network_is_found_again_with_its_scheduler(
    diffusers: Any, kind: str, tmp_path: Path
) -> None:
    """Nothing is handed to from_pretrained; a network that is no Wiener filter is run."""
    torch.manual_seed(0)
    unet = diffusers.UNet2DModel(
        sample_size=16,
        in_channels=1,
        out_channels=1,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )
    # What an untrained network says of the noise would send samples far off.
    scheduler = scheduler_of(kind, solver="heun", prediction_type="sample")
    diffusers.DDPMPipeline(unet, scheduler).save_pretrained(tmp_path)
    pipe = diffusers.DDPMPipeline.from_pretrained(tmp_path)
    pipe.set_progress_bar_config(disable=True)
    drawn = pipe(
        2, generator=torch.Generator().manual_seed(4), num_inference_steps=5, output_type="pt"
    ).images
    schedule, scheduler = schedules()[kind], pipe.scheduler
    scales = scheduler._on(torch.device("cpu"))
    process, times = scales.process, schedule.grid(5, "heun")
    levels, _ = noise_levels(process, times)

    def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
        signal, _ = scales.scales(times[k])
        timestep = torch.tensor(1000 * times[k] - 1).float()  # a number would be cut to a whole one
        return process.components(pipe.unet(scales.back(signal * y), timestep).sample)

    white = torch.randn(2, *schedule.shape, generator=torch.Generator().manual_seed(4))
    start = (process.variance + levels[0] ** 2).sqrt() * process.basis.forward(white)
    with torch.no_grad():
        wanted = process.examples(integrate(estimate, levels, start, "heun"))
    assert wanted.std() > 0.01
    assert (drawn - (wanted / 2 + 0.5).clamp(0, 1)).abs().max() < 1e-4


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_every_prediction_type_says_the_same(
    diffusers: Any, prediction: str, tmp_path: Path
) -> None:
    pipe = pipeline(diffusers, scheduler_of("half", prediction_type=prediction), tmp_path)
    drawn = pipe(
        2, generator=torch.Generator().manual_seed(1), num_inference_steps=6, output_type="pt"
    ).images
    wanted = our_images(schedules()["half"], 6, "euler", 1, 2)
    assert (drawn - (wanted / 2 + 0.5).clamp(0, 1)).abs().max() < 1e-4


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("kind", COMPONENTWISE)
def test_a_model_that_says_the_truth_gets_the_example_back(
    diffusers: Any, kind: str, prediction: str
) -> None:
    """add_noise and step speak of the same thing, at any timestep."""
    scheduler = scheduler_of(kind, prediction_type=prediction)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 1, 16, 16, generator=generator)
    noise = torch.randn(2, 1, 16, 16, generator=generator)
    for k in (300.5, 120):
        noised = scheduler.add_noise(x, noise, torch.tensor([k, k]))
        truth = {
            "epsilon": noise,
            "sample": x,
            "v_prediction": scheduler.get_velocity(x, noise, torch.tensor([k, k])),
            "flow_prediction": noise - x,
        }[prediction]
        scheduler.set_timesteps(timesteps=[k, 5.0])
        found = scheduler.step(truth, k, noised)
        again = scheduler.add_noise(x, noise, 5.0)
        seen = schedules()[kind].log_snr(np.array([(k + 1) / 1000])) > -8
        off = schedules()[kind].make_basis().forward((found.pred_original_sample - x).numpy())
        assert np.abs(off[:, seen[0]]).max() < 2e-3
        if prediction == "sample":
            assert (found.prev_sample - again).abs().max() < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_noise_is_white_at_the_end_and_the_example_clear_at_the_start(
    diffusers: Any, kind: str
) -> None:
    scheduler = scheduler_of(kind)
    levels = scheduler._on(torch.device("cpu"))
    signal, spread = levels.scales(1.0)
    total = signal**2 * levels.process.variance + spread**2
    assert (total - 1).abs().max() < 1e-5
    snr = schedules()[kind].log_snr(np.array([0.3]))[0]
    signal, spread = levels.scales(0.3)
    ours = (levels.process.variance * (signal / spread) ** 2).log()[0].numpy()
    inside = np.abs(snr) < 50
    assert np.abs(ours - snr)[inside].max() < 1e-3


def test_standard_diffusion_keeps_its_usual_scales(diffusers: Any) -> None:
    levels = scheduler_of("edm")._on(torch.device("cpu"))
    t = np.linspace(0, 1, 9)
    signal, _ = levels.scales(torch.from_numpy(t))
    ratio = schedules()["edm"].log_snr(t) - np.log(schedules()["edm"].variance)
    assert np.abs(signal.numpy() - (1 / (1 + np.exp(-ratio))) ** 0.5).max() < 1e-3


def test_timesteps_whole_and_not_agree(diffusers: Any) -> None:
    scheduler = scheduler_of("half")
    x, noise = torch.randn(2, 3, 1, 16, 16, generator=torch.Generator().manual_seed(2))
    whole = scheduler.add_noise(x, noise, torch.tensor([10, 500, 999]))
    real = scheduler.add_noise(x, noise, torch.tensor([10.0, 500.0, 999.0]))
    assert torch.equal(whole, real)
    between = scheduler.add_noise(x, noise, torch.tensor([10.5, 500.5, 998.5]))
    assert not torch.equal(between, whole)
    assert scheduler.add_noise(x.half(), noise.half(), 3).dtype == torch.float16


def test_training_draws_follow_the_schedules_density(diffusers: Any) -> None:
    scheduler = scheduler_of("sequential")
    drawn = scheduler.sample_timesteps(4000, torch.Generator().manual_seed(0)).double().numpy()
    share = np.interp((np.sort(drawn) + 1) / 1000, *schedules()["sequential"].quantiles[::-1])
    assert np.abs(share - (np.arange(4000) + 0.5) / 4000).max() < 1e-3


def test_every_other_shape(diffusers: Any) -> None:
    """One dimension, three channels, not square."""
    from spectra.interop import SpectralScheduler

    rng = np.random.default_rng(0)
    for shape in ((1, 24), (3, 8, 11)):
        data = rng.standard_normal((64, *shape)).cumsum(axis=-1)
        source = spectra.open_source(data, view="series") if len(shape) == 2 else data
        schedule = spectra.derive_schedule(spectra.analyze(source), ordering_strength=0.5)
        scheduler = SpectralScheduler(schedule)
        scheduler.set_timesteps(4)
        state = torch.randn(2, *schedule.shape)
        for timestep in scheduler.timesteps:
            state = scheduler.step(torch.zeros_like(state), timestep, state).prev_sample
        assert state.shape == (2, *schedule.shape)
        assert torch.isfinite(state).all()


def test_a_step_is_repeatable_after_set_timesteps(diffusers: Any) -> None:
    scheduler = scheduler_of("half", solver="ancestral")
    results = []
    for _ in range(2):
        scheduler.set_timesteps(5)
        generator = torch.Generator().manual_seed(3)
        state = torch.randn(2, 1, 16, 16, generator=generator)
        for timestep in scheduler.timesteps:
            said = state / 2
            state = scheduler.step(said, timestep, state, generator=generator).prev_sample
        results.append(state)
    assert torch.equal(*results)
    with pytest.raises(InputError, match="sampling has ended"):
        scheduler.step(state, 0, state)


def test_image_to_image_starts_in_the_middle(diffusers: Any) -> None:
    scheduler = scheduler_of("half", solver="heun")
    scheduler.set_timesteps(6)
    start = scheduler.timesteps[3]
    x = torch.zeros(1, 1, 16, 16)
    noised = scheduler.add_noise(x, torch.randn(1, 1, 16, 16), start)
    scheduler.step(torch.zeros_like(x), start, noised)
    assert scheduler.step_index == 5  # of two visits to this time, the one that leaves
    scheduler.set_timesteps(6)
    scheduler.set_begin_index(4)
    scheduler.step(torch.zeros_like(x), scheduler.timesteps[4], noised)
    assert scheduler.step_index == 5


def test_no_other_scheduler_takes_its_place_in_silence(diffusers: Any) -> None:
    from tests.interop.gaussian_models import ComponentWiener

    with pytest.raises((TypeError, ValueError)):
        diffusers.DDIMPipeline(ComponentWiener(), scheduler_of("half"))


def test_what_is_wrong_is_one_line(diffusers: Any, tmp_path: Path) -> None:
    from spectra.interop import SpectralScheduler

    with pytest.raises(InputError, match="prediction_type"):
        scheduler_of("half", prediction_type="eps")
    with pytest.raises(InputError, match="solver"):
        scheduler_of("half", solver="dpm")
    scheduler = scheduler_of("half")
    for arguments in ({}, {"sigmas": [1.0]}, {"timesteps": [3, 7]}, {"timesteps": [1000, 3]}):
        with pytest.raises(InputError):
            scheduler.set_timesteps(**arguments)
    with pytest.raises(InputError):
        scheduler.set_timesteps(timesteps=[float("nan"), 3])
    scheduler.set_timesteps(4)
    with pytest.raises(InputError, match=r"none of scheduler\.timesteps"):
        scheduler.step(torch.zeros(1, 1, 16, 16), 1.5, torch.zeros(1, 1, 16, 16))
    with pytest.raises(InputError, match="schedule="):
        SpectralScheduler.from_config(dict(scheduler.config))
    scheduler.save_pretrained(tmp_path)
    (tmp_path / "schedule.safetensors").unlink()
    with pytest.raises(InputError, match="no such file"):
        SpectralScheduler.from_pretrained(tmp_path)


@pytest.mark.parametrize("kind", SCALAR)
def test_the_file_comes_back_to_the_bit(diffusers: Any, kind: str, tmp_path: Path) -> None:
    from spectra.interop import SpectralScheduler

    scheduler = scheduler_of(kind, solver="2m", prediction_type="sample", num_train_timesteps=77)
    scheduler.save_pretrained(tmp_path / "deep")
    again = SpectralScheduler.from_pretrained(tmp_path, subfolder="deep", solver="euler")
    t = np.linspace(0, 1, 33)
    assert again.schedule.log_snr(t).tobytes() == scheduler.schedule.log_snr(t).tobytes()
    assert len(again) == 77
    assert again.config["solver"] == "euler"
    assert again.config["prediction_type"] == "sample"
