"""Families of schedules: states on and between their paths, and the loss they are drawn for."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import spectra
from spectra.diffusion.likelihood import variational_bound
from spectra.diffusion.loss import Objective
from spectra.diffusion.networks import Inputs, UNetConfig, make_network
from spectra.diffusion.precondition import Denoiser, Preconditioning, view_maps
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.randomness import CHOICES, FAMILY, Draws, training_draws
from spectra.diffusion.sample import sample_components
from spectra.diffusion.state import StateEncoder
from spectra.diffusion.states import StateSampler, TrainingState, check_family
from spectra.errors import InputError
from spectra.schedule import Schedule, preset
from tests.diffusion.gaussians import exact_denoiser, paired_draws
from tests.diffusion.silent import Silent
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, pca_spectrum, power_law

STRENGTHS = (0.25, 1.0, 2.0)
SMALL = known_spectrum(power_law(2.0, 1e-2), (1, 8, 8), quantum=2 / 255)


def colour_spectrum() -> spectra.Spectrum:
    """Of three channels, not square."""
    fields = np.random.default_rng(1).normal(size=(80, 3, 8, 10)).cumsum(2).cumsum(3)
    return spectra.analyze(spectra.open_source((0.1 * fields).astype(np.float32)), workers=1)


def series_spectrum() -> spectra.Spectrum:
    walks = np.random.default_rng(1).normal(size=(80, 1, 16)).cumsum(2)
    source = spectra.open_source((0.1 * walks).astype(np.float32), view="series")
    return spectra.analyze(source, bases=("dct", "wavelet-haar"), workers=1)


def family(kind: str) -> list[Schedule]:
    """Schedules in order of strength, or windows of columns in order of how late they open."""
    if kind == "windows":
        return [preset("columns", SMALL, tau_max=tau) for tau in (0.0, 0.4, 0.8)]
    made = {
        "dct": (SMALL, "dct"),
        "fourier": (SMALL, "fourier"),
        "pca": (pca_spectrum(), "pca"),
        "colour": (colour_spectrum, "dct"),
        "series": (series_spectrum, "dct"),
        "series of wavelets": (series_spectrum, "wavelet-haar"),
    }
    spectrum, basis = made[kind]
    if not isinstance(spectrum, spectra.Spectrum):
        spectrum = spectrum()
    return [spectra.derive_schedule(spectrum, basis=basis, ordering_strength=a) for a in STRENGTHS]


KINDS = then_slow(["dct", "windows", "colour"], ["fourier", "pca", "series", "series of wavelets"])


def drawn(processes: list[DiffusionProcess], place: float, quantile: torch.Tensor) -> TrainingState:
    """States at one place in [0, 1) of a family."""
    choice = torch.rand(len(quantile), CHOICES)
    choice[:, FAMILY] = place
    noise = torch.zeros(len(quantile), *processes[0].shape)
    return StateSampler(processes).draw(Draws(noise, noise, quantile.double(), choice))


@pytest.mark.parametrize("kind", KINDS)
def test_on_the_path_of_a_member_the_state_is_its_own(kind: str) -> None:
    processes = [DiffusionProcess(one) for one in family(kind)]
    quantile = torch.linspace(0.0, 0.999, 23, dtype=torch.float64)
    for place, process in zip((0.0, 0.5, 1 - 2**-24), processes, strict=True):
        found, own = drawn(processes, place, quantile), drawn([process], 0.3, quantile)
        # The last place is 2^-24 short of its member.
        torch.testing.assert_close(found.state.log_snr, own.state.log_snr, rtol=1e-6, atol=2e-5)
        torch.testing.assert_close(found.state.alpha, own.state.alpha, rtol=2e-5, atol=2e-6)
        torch.testing.assert_close(found.state.sigma, own.state.sigma, rtol=2e-5, atol=2e-6)
        torch.testing.assert_close(found.state.level, own.state.level, rtol=1e-5, atol=1e-6)
        speed = own.speed.expand_as(found.speed)
        torch.testing.assert_close(found.speed, speed, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_between_two_members_the_noise_lies_between_theirs(kind: str) -> None:
    processes = [DiffusionProcess(one) for one in family(kind)]
    quantile = torch.rand(40, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    members = [drawn([process], 0.0, quantile).state for process in processes]
    for place, (one, other) in ((0.1, members[:2]), (0.4, members[:2]), (0.75, members[1:])):
        state = drawn(processes, place, quantile).state
        low = torch.minimum(one.log_snr, other.log_snr)
        high = torch.maximum(one.log_snr, other.log_snr)
        assert (state.log_snr >= low - 1e-4).all()
        assert (state.log_snr <= high + 1e-4).all()
        share = 2 * place % 1
        mixed = (1 - share) * one.log_snr + share * other.log_snr
        torch.testing.assert_close(state.log_snr, mixed, rtol=1e-5, atol=1e-4)
        # What is told by alpha and sigma is this noise, not a mix of the members' own.
        variance, ratio = processes[0].variance, state.alpha / state.sigma
        torch.testing.assert_close((variance * ratio**2).log(), state.log_snr, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_the_same_where_all_examples_take_part_on_all_paths(kind: str) -> None:
    """As on a GPU, which is not to be waited for."""
    sampler = StateSampler([DiffusionProcess(one) for one in family(kind)])
    draws = training_draws(0, 0, range(24), 24, sampler.processes[0].shape)
    assert sampler.selects
    one = sampler.draw(draws)
    sampler.selects = False
    other = sampler.draw(draws)
    for name in ("log_snr", "alpha", "sigma", "level"):
        assert torch.equal(getattr(one.state, name), getattr(other.state, name)), name
    assert torch.equal(one.speed, other.speed)


@pytest.mark.parametrize("place", [0.0, 0.2, 0.8])
@pytest.mark.parametrize("kind", KINDS)
def test_the_speed_is_the_fall_of_log_snr_per_quantile(kind: str, place: float) -> None:
    processes = [DiffusionProcess(one) for one in family(kind)]
    bins, inside = 32, 256
    fine = (torch.arange(bins * inside) + 0.5) / (bins * inside)
    speed = drawn(processes, place, fine).speed
    speed = speed.expand(-1, *processes[0].shape).double()
    log_snr = drawn(processes, place, torch.arange(bins + 1) / bins).state.log_snr.double()
    fall = log_snr[:-1] - log_snr[1:]  # [bins, ...]
    mean = speed.reshape(bins, inside, *processes[0].shape).mean(1)
    torch.testing.assert_close(mean / bins, fall, rtol=0.01, atol=0.01)
    assert float(fall.abs().max()) > 0.5


@pytest.mark.parametrize("kind", ["dct", "windows"])
def test_the_bound_through_a_family_is_that_of_the_path(kind: str) -> None:
    """Gaussian data, Wiener filter: on a member its own bound, between two the closed form."""
    schedules = family(kind)
    processes = [DiffusionProcess(one) for one in schedules]
    denoiser = Denoiser(Silent(), schedules[0], "component", condition="state")
    objective = Objective(denoiser, StateSampler(processes), "bound")
    x, noise, _ = paired_draws(processes[0], 1, 1024)

    def diffusion(place: float) -> float:
        """Nats/dim over all quantiles; every one has both signs of its noise."""
        levels = len(noise) - 1
        quantile = ((torch.arange(levels, dtype=torch.float64) + 0.5) / levels).repeat(2)
        drawn_noise = noise[:levels].transpose(0, 1).flatten(0, 1)
        choice = torch.zeros(2 * levels, CHOICES)
        choice[:, FAMILY] = place
        draws = Draws(drawn_noise, torch.zeros_like(drawn_noise), quantile, choice)
        return float(objective(x[:1].expand(2 * levels, *x.shape[1:]), draws).mean())

    def closed(place: float) -> float:
        ends = drawn(processes, place, torch.tensor([0.0, 1.0])).state.log_snr.double()
        told = torch.nn.functional.softplus(ends).flatten(1).mean(1)
        return 0.5 * float(told[0] - told[1])

    for place in (0.0, 0.3, 0.5, 0.9):
        assert diffusion(place) == pytest.approx(closed(place), rel=2e-3)

    middle = processes[1]
    quantile = ((torch.arange(64) + 0.5) / 64)[:, None].repeat(1, 2)
    bound = variational_bound(exact_denoiser(middle), middle, x, noise[:65], quantile)
    own = float(bound.diffusion.mean()) / x[0].numel()
    assert diffusion(0.5) == pytest.approx(own, rel=2e-3)


def test_a_draw_belongs_to_its_example_whatever_the_batch() -> None:
    processes = [DiffusionProcess(one) for one in family("dct")]
    generator = torch.Generator().manual_seed(3)
    quantile = torch.rand(12, dtype=torch.float64, generator=generator)
    choice = torch.rand(12, CHOICES, generator=generator)
    noise = torch.zeros(12, *processes[0].shape)
    sampler = StateSampler(processes)
    whole = sampler.draw(Draws(noise, noise, quantile, choice))
    for i in range(12):
        one = slice(i, i + 1)
        alone = sampler.draw(Draws(noise[one], noise[one], quantile[one], choice[one]))
        torch.testing.assert_close(alone.state.log_snr, whole.state.log_snr[one])
        torch.testing.assert_close(alone.speed, whole.speed[one])
        torch.testing.assert_close(alone.state.level, whole.state.level[one])


def test_every_part_of_the_range_is_drawn_alike() -> None:
    """The strength drawn, read off the slope of log SNR over ln variance, is uniform."""
    spectrum = SMALL
    processes = [
        DiffusionProcess(spectra.derive_schedule(spectrum, ordering_strength=a))
        for a in np.linspace(0.25, 2.0, 8)
    ]
    n = 400
    choice = torch.rand(n, CHOICES, generator=torch.Generator().manual_seed(0))
    choice[:, FAMILY] = (torch.arange(n) + 0.5) / n
    noise = torch.zeros(n, *processes[0].shape)
    state = StateSampler(processes).draw(Draws(noise, noise, torch.full((n,), 0.4), choice)).state
    x = processes[0].variance.log().flatten()
    x = x - x.mean()
    strength = (state.log_snr.flatten(1) @ x) / (x @ x)
    expected = 0.25 + 1.75 * choice[:, FAMILY]
    torch.testing.assert_close(strength, expected, rtol=0, atol=2e-3)


@pytest.mark.parametrize("strength", [0.0, 0.1, 4.0, 12.0])
@pytest.mark.parametrize("basis", ["dct", "pixel"])
def test_far_beyond_the_range_a_network_stays_finite(basis: str, strength: float) -> None:
    """Weights drawn at random: nothing that was learned holds it back."""
    own = spectra.derive_schedule(SMALL, basis=basis, ordering_strength=1.0)
    path = spectra.derive_schedule(SMALL, basis=basis, ordering_strength=strength)
    encoder = StateEncoder(own)
    maps = encoder.map_count + view_maps(own)
    inputs = Inputs(vector=encoder.vector_size, maps=maps)
    torch.manual_seed(0)
    network = make_network(UNetConfig(width=8, multipliers=(1, 2)), own.shape, inputs)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.1)
    denoiser = Denoiser(network, own, condition="state").eval()
    process = DiffusionProcess(path)

    def along(noised: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return denoiser.at(noised, process.state(t))

    grid = np.linspace(1, 0, 8)
    z = sample_components(along, process, grid, np.arange(4), "heun", 0, "cpu")
    assert torch.isfinite(z).all()


def test_a_family_is_of_one_kind() -> None:
    first, *_, last = family("dct")
    assert check_family(first) == (first,)
    assert check_family([first, last]) == (first, last)
    louder = replace(last, variance=2 * last.variance)
    other = spectra.derive_schedule(SMALL, basis="fourier", ordering_strength=2.0)
    for wrong, word in (
        ([], "schedule"),
        ([first, "a"], "schedule"),
        ([first, last, other], "schedule 3 .* another basis"),
        ([first, louder], "schedule 2 .* another variance"),
        ([first, replace(last, form="ve")], "schedule 2 .* another form"),
    ):
        with pytest.raises(InputError, match=word) as caught:
            check_family(wrong)  # pyright: ignore[reportArgumentType]
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["scalar", "skip", "component"])
@pytest.mark.parametrize("path", ["dct", "colour", "windows"])
def test_a_network_told_the_state_sees_what_each_variance_says(
    path: str, kind: Preconditioning
) -> None:
    """Filtered, white and as it is, whichever its input is; the known stands there as it is."""
    own = family(path)[1]
    process, encoder = DiffusionProcess(own), StateEncoder(own)
    shown: list[torch.Tensor] = []

    class Network(torch.nn.Module):
        def forward(self, image, level, vector, maps, label):
            shown.extend((image, maps))
            return torch.zeros_like(image)

    denoiser = Denoiser(Network(), own, kind, condition="state")
    generator = torch.Generator().manual_seed(0)
    z, noise = torch.randn(2, 4, *own.shape, generator=generator)
    z = z * process.variance.sqrt()
    known = torch.zeros(4, *own.shape, dtype=torch.bool)
    known[:2, :, :2] = True
    state = process.state(torch.tensor([0.2, 0.8, 0.2, 0.8])).with_known(known)
    noised = state.alpha * z + state.sigma * noise
    denoiser.at(noised, state)
    told = encoder.encode(state)[1]
    states = 0 if told is None else told.shape[1]
    assert states == encoder.map_count
    channels = own.shape[0]
    assert view_maps(own) == 2 * channels
    image, maps = shown
    estimate, other = maps[:, states:].split(channels, 1)
    white, whole = (image, other) if kind == "component" else (other, image)
    estimate = process.basis.forward(estimate) * process.sigma_data
    wiener = torch.sigmoid(state.log_snr) / state.alpha * noised
    torch.testing.assert_close(estimate, wiener, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(estimate[known], z[known], rtol=1e-4, atol=1e-5)
    spread = process.basis.forward(white) / noised
    torch.testing.assert_close(
        spread**-2, state.alpha**2 * process.variance + state.sigma**2, rtol=1e-3, atol=1e-6
    )
    gain = process.basis.forward(whole) / noised
    seen = gain[known] * process.sigma_data
    torch.testing.assert_close(seen, torch.ones_like(seen), rtol=1e-3, atol=0)
    unknown = gain[2:].flatten(1)  # one number for all of an example's
    torch.testing.assert_close(unknown, unknown[:, :1].expand_as(unknown), rtol=1e-3, atol=1e-6)
