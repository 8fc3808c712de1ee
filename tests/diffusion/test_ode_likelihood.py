"""-log p along the probability flow where data are not Gaussian, and of networks."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.likelihood import bits_per_dim, variational_bound
from spectra.diffusion.ode_likelihood import OdeLikelihood, ode_likelihood, ode_times
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.process import DiffusionProcess
from spectra.errors import InputError
from tests.diffusion.gaussians import exact_denoiser
from tests.diffusion.mixture_fields import mixture_schedule, shapes
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

SMALL = known_spectrum(power_law(2.0, 1e-2), (1, 8, 8), quantum=2 / 255)


class Curved(torch.nn.Module):
    """A smooth network that mixes neighbours and looks at the noise level."""

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        level = t.reshape(-1, *[1] * (x.ndim - 1)).to(x.dtype)
        return 0.3 * torch.tanh(x + 0.5 * x.roll(1, -1) + level) - 0.1 * x


@pytest.mark.parametrize("name", then_slow(["joint"], ["columns", "bands"]))
def test_density_of_a_mixture(name: str) -> None:
    """Each example's own: of the data with the schedule's noise at t = 0, in closed form."""
    toy, process = shapes(), DiffusionProcess(mixture_schedule(name))
    x = toy.draw(4, seed=1).float()
    # Between two shapes, where the density is no Gaussian's.
    x[0] = (toy.means[0] + toy.means[1]).float() / 2
    steps = {"joint": 128, "columns": 768, "bands": 512}[name]
    found = ode_likelihood(toy.denoiser(process), process, x, steps=steps, rows=256)
    expected = toy.nats(process, x, clean=False)
    np.testing.assert_allclose(found.total / 64, expected / 64, atol=0.005 * np.log(2))
    assert (found.standard_error == 0).all()
    # With hardly any noise at t = 0 it is the data's.
    clean = toy.nats(process, x, clean=True)
    np.testing.assert_allclose(expected / 64, clean / 64, atol=0.005 * np.log(2))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bands", "joint", "columns"])
def test_bound_of_a_mixture_is_its_density(name: str) -> None:
    """The exact denoiser leaves no gap, Gaussian or not, but at the ends: there is none to see.

    Mean over 200 examples, each with noise of either sign, of the bound less -log p.
    """
    toy, process = shapes(), DiffusionProcess(mixture_schedule(name))
    x, levels = toy.draw(200, seed=2).float().repeat(2, 1, 1, 1), 1024
    generator = torch.Generator().manual_seed(3)
    half = torch.randn(levels + 1, 200, *x.shape[1:], generator=generator)
    noise = torch.cat([half, -half], dim=1)
    quantile = ((torch.arange(levels) + 0.5) / levels)[:, None].repeat(1, len(x))
    bound = variational_bound(toy.denoiser(process), process, x, noise, quantile)
    gap = (bound.total - toy.nats(process, x, clean=True)) / (64 * np.log(2))
    error = float(gap.reshape(2, -1).mean(0).std()) / 200**0.5
    assert error < 0.002
    assert float(gap.mean()) == pytest.approx(0, abs=0.005)


def drawn(process: DiffusionProcess, denoise: Callable, probes: int, n: int = 8) -> OdeLikelihood:
    x = process.examples(
        process.variance.sqrt() * torch.randn(n, *process.shape, generator=torch.manual_seed(0))
    )
    return ode_likelihood(denoise, process, x, steps=24, probes=probes, seed=5)


@pytest.mark.slow
def test_drawn_divergence_is_the_exact_one_within_its_error() -> None:
    schedule = spectra.derive_schedule(SMALL, ordering_strength=0.5)
    denoiser = Denoiser(Curved(), schedule, "component")
    exact = drawn(denoiser.process, denoiser, 0)
    found = drawn(denoiser.process, denoiser, 6)
    assert (found.standard_error > 0).all()
    off = (found.total - exact.total) / found.standard_error
    assert off.abs().max() < 6  # Student's t with 5 degrees of freedom, 8 draws
    assert off.abs().mean() > 0.1
    np.testing.assert_array_equal(found.prior, exact.prior)
    more = drawn(denoiser.process, denoiser, 54)
    assert float(more.standard_error.mean() / found.standard_error.mean()) == pytest.approx(
        1 / 3, rel=0.3
    )
    assert torch.isnan(drawn(denoiser.process, denoiser, 1).standard_error).all()


def test_probes_depend_on_the_example_alone() -> None:
    schedule = spectra.derive_schedule(SMALL, ordering_strength=1.0)
    denoiser = Denoiser(Curved(), schedule, "component")
    x = torch.randn(5, 1, 8, 8, generator=torch.manual_seed(1)) * 0.3
    options = {"steps": 4, "probes": 2, "seed": 3}
    whole = ode_likelihood(denoiser, denoiser.process, x, **options).total
    part = ode_likelihood(
        denoiser, denoiser.process, x[3:], indices=np.array([3, 4]), **options
    ).total
    np.testing.assert_allclose(part, whole[3:], rtol=1e-6)
    other = ode_likelihood(denoiser, denoiser.process, x[3:], **options).total
    assert (other != whole[3:]).all()


def test_a_wiener_filter_needs_one_step() -> None:
    """Nothing is integrated: the closed form of N(0, lambda + s^2) at any number of steps."""
    for form in ("vp", "flow", "ve"):
        schedule = spectra.derive_schedule(SMALL, ordering_strength=2.0, form=form)
        process = DiffusionProcess(schedule)
        x = torch.randn(3, 1, 8, 8, generator=torch.manual_seed(2)) * 0.2 + process.mean
        found = ode_likelihood(exact_denoiser(process), process, x, steps=1)
        z = process.components(x).double()
        first = process.log_snr(torch.zeros(1, dtype=torch.float64)).double()
        total = process.variance.double() * (1 + torch.exp(-first))
        closed = 0.5 * (torch.log(2 * torch.pi * total) + z**2 / total).flatten(1).sum(1)
        np.testing.assert_allclose(found.total, closed, rtol=1e-5)
        np.testing.assert_allclose(found.volume, 0, atol=1e-3)
        # As bits/dim it stands beside the bound: 8 bits of white noise are 8 bits.
        assert bits_per_dim(found.total.numpy(), 64, schedule.quantum).shape == (3,)


def test_the_density_integrates_to_one() -> None:
    """Examples of one number, summed over all its values: a wrong denoiser has a density too."""
    schedule = one_number_schedule()
    denoiser = Denoiser(Wave(), schedule, "component")
    grid = torch.linspace(-8, 8, 801)
    x = grid.reshape(-1, 1, 1) + denoiser.process.mean
    found = ode_likelihood(denoiser, denoiser.process, x, steps=200)
    assert float(torch.exp(-found.total).sum() * 0.02) == pytest.approx(1, abs=1e-3)
    normal = torch.exp(-0.5 * grid.double() ** 2) / (2 * torch.pi) ** 0.5
    assert float((torch.exp(-found.total) - normal).abs().max()) > 0.02  # and it is another one


class Wave(torch.nn.Module):
    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return 0.5 * torch.sin(2 * x)


def one_number_schedule() -> spectra.Schedule:
    one = np.ones((1, 1))
    return spectra.Schedule(
        name="one", basis="pixel", shape=(1, 1), variance=one, mean=0.3 * one, offset=0 * one,
        t=np.array([0.0, 1.0]), pace=np.array([-8.0, 12.0]), scale=one, form="vp",
        radial_frequency=np.array([0.25]), radial_log_power=np.zeros(1), radial_offset=np.zeros(1),
    )  # fmt: skip


def test_odd_shapes() -> None:
    """Three channels, not square, and series of two."""
    generator = np.random.default_rng(0)
    for shape, view in (((3, 8, 12), "pixels"), ((2, 64), "series")):
        x = generator.normal(size=(40, *shape)).cumsum(-1).astype(np.float32)
        spectrum = spectra.analyze(spectra.open_source(x, view=view), window="none")
        schedule = spectra.derive_schedule(spectrum, ordering_strength=0.5)
        denoiser = Denoiser(Curved(), schedule, "component")
        found = ode_likelihood(denoiser, denoiser.process, torch.from_numpy(x[:2]), steps=2)
        assert found.total.shape == (2,)
        assert torch.isfinite(found.total).all()


def test_times_rise_from_0_to_1() -> None:
    for name in ("joint", "columns", "bands"):
        for steps in (1, 2, 300):
            times = ode_times(mixture_schedule(name), steps)
            assert (times[0], times[-1], len(times)) == (0.0, 1.0, steps + 1)
            assert (np.diff(times) > 0).all()


def test_a_denoiser_without_gradients_is_refused() -> None:
    process = DiffusionProcess(mixture_schedule("joint"))
    x = torch.zeros(1, 1, 8, 8)
    denoise = torch.no_grad()(shapes().denoiser(process))
    with pytest.raises(InputError, match="carries no gradient"):
        ode_likelihood(denoise, process, x, steps=2)
    for wrong in ({"steps": 0}, {"probes": -1}, {"rows": 0}, {"steps": float("nan")}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            ode_likelihood(exact_denoiser(process), process, x, **wrong)


def test_parameters_keep_no_gradient() -> None:
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    schedule = spectra.derive_schedule(SMALL, ordering_strength=1.0)
    denoiser = Denoiser(Timeless(network), schedule, "component")
    found = ode_likelihood(denoiser, denoiser.process, torch.zeros(2, 1, 8, 8), steps=2)
    assert not found.total.requires_grad
    assert all(parameter.grad is None for parameter in denoiser.parameters())


class Timeless(torch.nn.Module):
    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.network(x)
