"""Far from standard diffusion: components that come one after another stay finite and true."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.checkpoint import schedule_digest
from spectra.diffusion.likelihood import gaussian_bits_per_dim, variational_bound
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.sample import noise_levels, sample_components
from spectra.diffusion.solvers import integrate
from tests.diffusion.gaussians import exact_denoiser, paired_draws
from tests.diffusion.losses import training_loss
from tests.diffusion.silent import Silent
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, pca_spectrum, power_law

SMALL = known_spectrum(power_law(2.0, 1e-2), (1, 8, 8), quantum=2 / 255)


@pytest.fixture(scope="module")
def photographs() -> spectra.Spectrum:
    return spectra.analyze(spectra.open_source("photos", size=16))


@pytest.mark.parametrize(
    "strength",
    [pytest.param(3.0, marks=pytest.mark.slow), pytest.param(5.0, marks=pytest.mark.slow), 10.0],
)
@pytest.mark.parametrize("form", then_slow(["flow"], ["vp", "ve"]))
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


@pytest.mark.parametrize(
    "strength",
    [
        pytest.param(0.0, marks=pytest.mark.slow),
        0.5,
        pytest.param(1.0, marks=pytest.mark.slow),
        pytest.param(2.0, marks=pytest.mark.slow),
        3.0,
    ],
)
def test_eighteen_heun_steps_give_every_component_its_variance(photographs, strength) -> None:
    """Exact denoiser, Gaussian data: no part of the spectrum is lost on the grid for KL.

    W2, the default criterion, gives weak components up where many come one after another.
    """
    schedule = spectra.derive_schedule(photographs, ordering_strength=strength)
    process = DiffusionProcess(schedule)
    levels, _ = noise_levels(process, schedule.grid(18, criterion="kl"))
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


CURVED = {
    "columns": {},
    "rows": {"tau_max": 7 / 8, "reverse": True},
    "blurring": {},
    "heat-dissipation": {"blur_max": 3.0},
    "equal-snr": {},
    "power-law-noise": {"noise_exponent": -1.0},
}


def schedule_of(name: str) -> spectra.Schedule:
    if name == "pca":
        return spectra.derive_schedule(pca_spectrum(), basis="pca", ordering_strength=0.5)
    return spectra.preset(name, SMALL, **CURVED[name])


@pytest.mark.parametrize("name", [*CURVED, "pca"])
def test_presets_are_trained_on_and_sampled(name: str) -> None:
    schedule = schedule_of(name)
    x = torch.randn(8, *schedule.shape, generator=torch.manual_seed(0)) * 0.3
    times = np.linspace(1, 0, 10)
    for kind in ("component", "skip", "scalar"):
        denoiser = Denoiser(Silent(), schedule, kind)
        for loss in ("edm", "bound"):
            value = training_loss(denoiser, x, torch.rand(8), torch.randn_like(x), loss)
            assert torch.isfinite(value).all()
        for solver in ("euler", "heun", "2m", "ancestral"):
            z = sample_components(denoiser, denoiser.process, times, np.arange(4), solver, 0, "cpu")
            assert torch.isfinite(z).all()


@pytest.mark.parametrize("name", [*CURVED, "pca"])
def test_many_steps_of_any_preset_give_every_component_its_variance(name: str) -> None:
    schedule = schedule_of(name)
    process = DiffusionProcess(schedule)
    clock = np.linspace(schedule.clock[-1], schedule.clock[0], 801)
    levels, _ = noise_levels(process, np.interp(clock, schedule.clock, schedule.t))
    variance = process.variance

    def estimate(y: torch.Tensor, k: int) -> torch.Tensor:
        return variance / (variance + levels[k] ** 2) * y

    start = (variance + levels[0] ** 2).sqrt()[None]
    ratio = (integrate(estimate, levels, start, "heun")[0] ** 2 / variance).numpy()
    assert np.abs(ratio - 1).max() < 0.05


@pytest.mark.parametrize("loss_of", [*CURVED, "pca"])
def test_bound_loss_of_the_zero_network_is_the_information_lost(loss_of: str) -> None:
    """On Gaussian data its mean is (I(0) - I(1)) / d, whatever curve each component has."""
    schedule = schedule_of(loss_of)
    denoiser = Denoiser(Silent(), schedule, "component")
    process, n = denoiser.process, 8192
    generator = torch.manual_seed(1)
    z = torch.randn(n, *schedule.shape, generator=generator)
    x = process.examples(z / z.square().mean(dim=0).sqrt() * process.variance.sqrt())
    noise = torch.randn(n, *schedule.shape, generator=generator)
    order = torch.randperm(n, generator=generator)
    quantile = ((torch.arange(n) + 0.5) / n)[order]
    loss = training_loss(denoiser, x, quantile, noise, loss="bound")
    left = schedule.information(np.array([0.0, 1.0]))
    lost = (left[0] - left[1]) / np.prod(schedule.shape)
    assert float(loss.mean()) == pytest.approx(lost, rel=0.03)


@pytest.mark.parametrize("name", then_slow(["columns"], ["blurring", "pca"]))
def test_a_run_resumes_and_samples(tmp_path, tiny_source, tiny_options, name: str) -> None:
    """Stopped and gone on with, by the files alone: the run that was not stopped, to the bit."""
    spectrum = spectra.analyze(tiny_source, bases=("dct", "pixel", "pca"))
    made = (
        spectra.derive_schedule(spectrum, basis="pca")
        if name == "pca"
        else spectra.preset(name, spectrum)
    )
    options = {**tiny_options, "steps": 6}
    whole = spectra.train(tiny_source, made, out=tmp_path / "whole", **options)
    spectra.train(tiny_source, made, out=tmp_path / "part", **{**options, "steps": 3})
    again = spectra.load_run(tmp_path / "part")
    spectra.train(tiny_source, again.schedule, out=tmp_path / "part", **options)
    run = spectra.load_run(tmp_path / "part")
    times = np.linspace(1, 0, 6)
    ours, theirs = (spectra.sample(r, n=3, solver="euler", grid=times) for r in (run, whole))
    assert ours.tobytes() == theirs.tobytes()
    assert np.isfinite(ours).all()


@pytest.mark.parametrize(
    "change", [{"limits": (-4.0, 4.0)}, {"blur": 2.0}, {"blur_floor": 0.5}, {"density": 2.0}]
)
def test_what_bends_a_schedule_makes_it_another_one(change: dict) -> None:
    """A checkpoint belongs to one schedule: its hash knows every table that training sees."""
    base = spectra.preset("blurring", SMALL)
    other = {"blur": base.blur * 2, "density": base.t**2}  # pyright: ignore[reportOptionalOperand]
    change = {key: other.get(key, value) for key, value in change.items()}
    assert schedule_digest(replace(base, **change)) != schedule_digest(base)
    assert schedule_digest(replace(base, name="other")) == schedule_digest(base)
