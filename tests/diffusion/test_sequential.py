"""Far from standard diffusion: components that come one after another stay finite and true."""

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.likelihood import gaussian_bits_per_dim, variational_bound
from spectra.diffusion.loss import training_loss
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.sample import noise_levels, sample_components
from spectra.diffusion.solvers import integrate
from tests.diffusion.gaussians import exact_denoiser, paired_draws


class Silent(torch.nn.Module):
    """A network that says nothing."""

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x)


@pytest.fixture(scope="module")
def photographs() -> spectra.Spectrum:
    return spectra.analyze(spectra.open_source("photos", size=32))


@pytest.mark.parametrize("strength", [3.0, 5.0, 10.0])
@pytest.mark.parametrize("form", ["vp", "flow", "ve"])
def test_loss_samples_and_bound_are_finite(photographs, strength: float, form) -> None:
    schedule = spectra.derive_schedule(photographs, ordering_strength=strength, form=form)
    torch.manual_seed(0)
    x = torch.randn(8, *schedule.shape) * 0.3
    for kind in ("component", "skip", "scalar"):
        denoiser = Denoiser(Silent(), schedule, kind)
        for loss in ("edm", "bound"):
            value = training_loss(denoiser, x, torch.rand(8), torch.randn_like(x), loss)
            assert torch.isfinite(value).all()
        z = sample_components(
            denoiser, denoiser.process, schedule.grid(9), np.arange(4), "2m", 0, "cpu"
        )
        assert torch.isfinite(z).all()


@pytest.mark.parametrize("strength", [3.0, 5.0, 10.0])
def test_bound_of_the_exact_denoiser_is_the_closed_form(photographs, strength: float) -> None:
    schedule = spectra.derive_schedule(photographs, ordering_strength=strength)
    process = DiffusionProcess(schedule)
    x, noise, quantile = paired_draws(process, 16, 8)
    bound = variational_bound(exact_denoiser(process), process, x, noise, quantile)
    moments = (process.components(x).double() ** 2).mean(0).numpy()
    closed = gaussian_bits_per_dim(schedule, moments, 0.0)
    drawn = bound.total.mean().item() / (x[0].numel() * np.log(2))
    assert drawn == pytest.approx(float(closed), abs=0.02)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0, 2.0, 3.0])
def test_eighteen_heun_steps_give_every_component_its_variance(photographs, strength) -> None:
    """Exact denoiser, Gaussian data: no part of the spectrum is lost on the schedule's grid."""
    schedule = spectra.derive_schedule(photographs, ordering_strength=strength)
    process = DiffusionProcess(schedule)
    levels, _ = noise_levels(process, schedule.grid(18))
    variance = process.variance

    def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
        return variance / (variance + levels[k] ** 2) * y

    start = (variance + levels[0] ** 2).sqrt()[None]
    ratio = (integrate(estimate, levels, start, "heun")[0] ** 2 / variance).numpy()
    assert ratio.min() > 0.5
    assert ratio.max() < 4.0


def test_2m_stands_a_pace_that_stands_still(photographs) -> None:
    wished = spectra.schedule_from_cutoff(photographs, np.array([0.45, 0.3, 0.3, 0.1]))
    denoiser = Denoiser(Silent(), wished, "component")
    times = np.linspace(1, 0, 11)
    z = sample_components(denoiser, denoiser.process, times, np.arange(2), "2m", 0, "cpu")
    assert torch.isfinite(z).all()
