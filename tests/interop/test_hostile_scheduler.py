"""`SpectralScheduler` in careless hands: refused in one line, or right."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

import spectra
from spectra.errors import InputError
from spectra.interop.spectral_scheduler import SpectralScheduler
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

SHAPE = (3, 8, 8)
X = torch.randn(2, *SHAPE, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def schedule() -> spectra.Schedule:
    return spectra.derive_schedule(known_spectrum(power_law(2.0), SHAPE), basis="dct")


@pytest.fixture
def scheduler(schedule: spectra.Schedule) -> SpectralScheduler:
    made = SpectralScheduler(schedule)
    made.set_timesteps(4)
    return made


@pytest.mark.parametrize("count", [0, -1, 2.5, "x", None, True, float("nan"), 10**9])
def test_training_timesteps_are_a_number_that_fits_in_memory(schedule, count: Any) -> None:
    with pytest.raises(InputError, match="num_train_timesteps"):
        SpectralScheduler(schedule, num_train_timesteps=count)


@pytest.mark.parametrize("what", [None, "schedule.safetensors", 3])
def test_a_schedule_is_needed(what: Any) -> None:
    with pytest.raises(InputError, match="schedule"):
        SpectralScheduler(what)


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros(2, 3, 9, 9),
        torch.zeros(2, 1, 8, 8),
        torch.zeros(3, 8, 8),
        torch.zeros(1, 2, 3, 8, 8),
        torch.ones(2, 3, 8, 8, dtype=torch.uint8),
        torch.ones(2, 3, 8, 8, dtype=torch.complex64),
        np.zeros((2, 3, 8, 8)),
        [1.0],
    ],
    ids=lambda images: str(getattr(images, "shape", "list")) + str(getattr(images, "dtype", "")),
)
def test_images_that_do_not_fit_are_refused_everywhere(scheduler, images: Any) -> None:
    for first, second in ((images, images), (images, X), (X, images)):
        with pytest.raises(InputError):
            scheduler.add_noise(first, second, torch.tensor([5, 6]))
        with pytest.raises(InputError):
            scheduler.get_velocity(first, second, torch.tensor([5, 6]))
        with pytest.raises(InputError):
            scheduler.step(first, scheduler.timesteps[0], second)
    scheduler.step(X, scheduler.timesteps[0], X)  # nothing was begun


def test_batches_of_different_sizes_are_refused(scheduler) -> None:
    with pytest.raises(InputError, match="batches of 2 and 3"):
        scheduler.add_noise(X, torch.zeros(3, *SHAPE), 5)


@pytest.mark.parametrize("timesteps", [[1, 2, 3], [], "x", None, -2, 1000, float("nan")])
def test_timesteps_of_noise_are_one_or_one_each(scheduler, timesteps: Any) -> None:
    with pytest.raises(InputError, match="timesteps"):
        scheduler.add_noise(X, X, timesteps)


@pytest.mark.parametrize("timesteps", [[0, 999], [5, 5], [], [1e9], [float("nan")], "x", [-5]])
def test_timesteps_of_sampling_fall_within_range(scheduler, timesteps: Any) -> None:
    with pytest.raises(InputError, match="timesteps"):
        scheduler.set_timesteps(timesteps=timesteps)


@pytest.mark.parametrize("timestep", [12345, float("nan"), None, torch.tensor([1.0, 2.0]), "x"])
def test_a_timestep_that_is_none(scheduler, timestep: Any) -> None:
    with pytest.raises(InputError, match="timestep"):
        scheduler.step(X, timestep, X)


@pytest.mark.parametrize("solver", ["euler", "heun", "2m"])
def test_a_step_out_of_turn_is_refused_not_taken_for_the_next(schedule, solver: Any) -> None:
    scheduler: Any = SpectralScheduler(schedule, solver=solver)
    scheduler.set_timesteps(4)
    first, last = scheduler.timesteps[0], scheduler.timesteps[-1]
    after = scheduler.step(X, first, X).prev_sample
    for wrong in (first, last):
        with pytest.raises(InputError, match="not the next"):
            scheduler.step(X, wrong, after)
    scheduler.step(X, scheduler.timesteps[1], after)


@pytest.mark.parametrize("index", [-1, 4, 99])
def test_a_beginning_outside_the_timesteps_is_refused(scheduler, index: int) -> None:
    with pytest.raises(InputError, match="begin_index"):
        scheduler.set_begin_index(index)


@pytest.mark.parametrize("dtype", then_slow([torch.float16], [torch.float64, torch.bfloat16]))
@pytest.mark.parametrize("batch", [0, 1])
def test_any_floating_dtype_and_no_examples_at_all(schedule, dtype: Any, batch: int) -> None:
    for solver in ("euler", "heun", "2m", "ancestral"):
        scheduler: Any = SpectralScheduler(schedule, solver=solver)
        scheduler.set_timesteps(5)
        scheduler.set_timesteps(3)
        x = X[:batch].to(dtype)
        for timestep in scheduler.timesteps:
            x = scheduler.step(0.1 * x, timestep, x).prev_sample
        assert x.dtype == dtype
        assert x.shape == (batch, *SHAPE)
        assert torch.isfinite(x).all()


@pytest.mark.slow
def test_more_steps_than_were_trained(scheduler) -> None:
    scheduler.set_timesteps(1500)
    assert len(scheduler.timesteps) == 1500
    assert (scheduler.timesteps.diff() < 0).all()


def test_damaged_folders(schedule, tmp_path: Path) -> None:
    SpectralScheduler(schedule).save_pretrained(tmp_path)
    config = tmp_path / "scheduler_config.json"
    whole = json.loads(config.read_text())
    for name, value in (("solver", "x"), ("num_train_timesteps", "a"), ("prediction_type", 3)):
        config.write_text(json.dumps({**whole, name: value}))
        with pytest.raises(InputError, match=name):
            SpectralScheduler.from_pretrained(tmp_path)
    config.write_text(json.dumps(whole))
    (tmp_path / "schedule.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match=r"schedule\.safetensors"):
        SpectralScheduler.from_pretrained(tmp_path)
