"""Two priors with the same SNR paths are one process: samples, bound and density to rounding."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.likelihood import variational_bound
from spectra.diffusion.ode_likelihood import ode_likelihood
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.sample import sample_components
from tests.diffusion.losses import training_loss
from tests.diffusion.mixture_fields import mixture_schedule, shapes
from tests.repeats import then_slow


class Curved(torch.nn.Module):
    """A smooth network that mixes neighbours and looks at the noise level."""

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        level = t.reshape(-1, *[1] * (x.ndim - 1)).to(x.dtype)
        return 0.3 * torch.tanh(x + 0.5 * x.roll(1, -1) + level) - 0.1 * x


def of_prior(name: str, prior: str, form: str = "vp") -> spectra.Schedule:
    """White noise, the data's own colour, or one drawn at random."""
    schedule = mixture_schedule(name)
    scale = {
        "white": np.ones(schedule.shape),
        "data": np.sqrt(schedule.variance),
        "given": np.exp(np.random.default_rng(1).normal(size=schedule.shape)),
    }[prior]
    return replace(schedule, scale=scale, form=form)


def scores(schedule: spectra.Schedule, denoise: Callable) -> dict[str, torch.Tensor]:
    """Samples of every solver, the bound's terms and the ODE's density, with the same draws."""
    process = DiffusionProcess(schedule)
    generator = torch.Generator().manual_seed(0)
    x = shapes().draw(4, seed=3).float()
    noise = torch.randn(9, *x.shape, generator=generator)
    quantile = ((torch.arange(8) + 0.5) / 8)[:, None].repeat(1, 4)
    bound = variational_bound(denoise, process, x, noise, quantile)
    clock = np.linspace(schedule.clock[-1], schedule.clock[0], 33)
    times = np.interp(clock, schedule.clock, schedule.t)
    found = {
        solver: sample_components(denoise, process, times, np.arange(3), solver, 0, "cpu")
        for solver in ("ddim", "heun", "2m", "ancestral")
    }
    nats = ode_likelihood(denoise, process, x, steps=8).total
    return {**found, "prior": bound.prior, "diffusion": bound.diffusion, "bound": bound.total,
            "ode": nats}  # fmt: skip


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    """Samples to 1e-4 of their size; nats to 3e-4 a value, what float32 leaves of eps."""
    for key, value in first.items():
        atol = 64 * 3e-4 if value.ndim == 1 else 1e-4 * float(value.abs().max())
        np.testing.assert_allclose(
            second[key].detach(), value.detach(), rtol=1e-4, atol=atol, err_msg=key
        )


@pytest.mark.parametrize(
    ("name", "prior", "form"),
    then_slow(
        [("joint", "data", "vp"), ("bands", "given", "flow")],
        [(n, p, f) for n in ("joint", "bands") for p in ("data", "given") for f in ("vp", "ve")],
    ),
)
def test_one_denoiser_of_y_gives_the_same_samples_and_bound(name, prior, form) -> None:
    """The exact denoiser of a mixture, which knows no prior but through alpha and sigma."""
    white, other = of_prior(name, "white"), of_prior(name, prior, form)
    both = [scores(s, shapes().denoiser(DiffusionProcess(s))) for s in (white, other)]
    assert_same(*both)


@pytest.mark.parametrize("name", ["joint", "bands"])
def test_the_component_preconditioning_undoes_the_prior(name: str) -> None:
    """One and the same network: its input and what is made of its output are the same.

    Under the other preconditionings, which scale all components alike, the prior is seen.
    """
    white, data = (of_prior(name, prior) for prior in ("white", "data"))
    for kind, same in (("component", True), ("scalar", False), ("skip", False)):
        denoisers = [Denoiser(Curved(), schedule, kind) for schedule in (white, data)]
        x = shapes().draw(16, seed=4).float()
        noise = torch.randn(x.shape, generator=torch.manual_seed(5))
        quantile = (torch.arange(16) + 0.5) / 16
        for loss in ("edm", "bound"):
            ours, theirs = (training_loss(d, x, quantile, noise, loss) for d in denoisers)
            assert torch.allclose(ours, theirs, rtol=1e-3) is same
        if same:
            with torch.no_grad():
                noised = [d.process.components(x) for d in denoisers]
            np.testing.assert_array_equal(noised[0], noised[1])
            assert_same(*(scores(s, d) for s, d in zip((white, data), denoisers, strict=True)))


def test_other_paths_are_another_process() -> None:
    """The comparison can fail: at another strength the samples are not the same."""
    joint, bands = (
        scores(schedule, shapes().denoiser(DiffusionProcess(schedule)))
        for schedule in (mixture_schedule("joint"), mixture_schedule("bands"))
    )
    with pytest.raises(AssertionError):
        assert_same(joint, bands)
