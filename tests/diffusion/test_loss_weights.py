"""Losses per octave and for the eye: the bound, component by component, with a weight."""

import numpy as np
import pytest
import torch

from spectra.diffusion.loss import Loss, Objective, component_weight
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.randomness import training_draws
from spectra.diffusion.states import StateSampler
from spectra.errors import InputError
from spectra.schedule import Schedule, derive_schedule
from spectra.spectrum import analyze
from tests.diffusion.conftest import rough_images
from tests.diffusion.silent import Silent


@pytest.fixture(scope="module")
def schedule() -> Schedule:
    return derive_schedule(analyze(rough_images(count=60, size=32)))


def objective(schedule: Schedule, loss: Loss) -> Objective:
    denoiser = Denoiser(Silent(), schedule)
    return Objective(denoiser, StateSampler([denoiser.process]), loss)


def value(objective: Objective, schedule: Schedule) -> torch.Tensor:
    draws = training_draws(0, 0, range(6), 6, schedule.shape)
    return objective(torch.from_numpy(rough_images(6, 32) / 128.0 - 1).float(), draws)


def test_every_octave_counts_alike(schedule: Schedule) -> None:
    weight = component_weight(schedule, "octave")
    assert weight is not None
    assert weight.mean() == pytest.approx(1)
    frequency = schedule.frequency
    sums = [
        weight[(frequency >= low) & (frequency < 2 * low)].sum() for low in (1 / 16, 1 / 8, 1 / 4)
    ]
    assert max(sums) < 1.25 * min(sums)


def test_the_eye_sees_neither_the_coarsest_nor_the_finest(schedule: Schedule) -> None:
    weight = component_weight(schedule, "perceptual")
    assert weight is not None
    best = schedule.frequency.flat[weight.argmax()]
    assert 0.15 < best < 0.35  # 8 cycles/degree of 33 pixels


@pytest.mark.parametrize("loss", ["octave", "perceptual"])
def test_they_are_the_bound_with_a_weight(schedule: Schedule, loss: Loss) -> None:
    bound, weighted = objective(schedule, "bound"), objective(schedule, loss)
    weight = weighted.weight
    assert weight is not None
    whole = value(weighted, schedule)
    # Linear in the weight: the parts of two halves of the components add up to it.
    rng = np.random.default_rng(0)
    half = torch.from_numpy(rng.random(schedule.shape) < 0.5)
    parts = []
    for mine in (half, ~half):
        part = objective(schedule, loss)
        part.__dict__["weight"] = weight * mine
        parts.append(value(part, schedule))
    assert torch.allclose(parts[0] + parts[1], whole, rtol=1e-5)
    weighted.__dict__["weight"] = torch.ones_like(weight)
    assert torch.allclose(value(weighted, schedule), value(bound, schedule), rtol=1e-5)
    assert not torch.allclose(whole, value(bound, schedule), rtol=0.05)


def test_components_without_a_frequency_are_refused() -> None:
    images = rough_images(size=8)
    schedule = derive_schedule(analyze(images, bases=("pixel",)), basis="pixel")
    assert component_weight(schedule, "bound") is None
    with pytest.raises(InputError, match="without a frequency"):
        component_weight(schedule, "octave")
