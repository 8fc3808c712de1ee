"""Noise states: what a network is told of them, and states with known parts."""

from itertools import product

import numpy as np
import pytest
import torch

import spectra
from spectra.bases import WaveletBasis
from spectra.diffusion.known import KnownParts, component_mask, component_places
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.randomness import training_draws
from spectra.diffusion.state import StateEncoder
from spectra.diffusion.states import StateSampler
from spectra.errors import InputError
from tests.diffusion.silent import Silent
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, pca_spectrum, power_law

SHAPE = (1, 16, 16)
rng = np.random.default_rng(0)


@pytest.fixture(scope="module")
def spectrum() -> spectra.Spectrum:
    fields = rng.normal(size=(60, 2, 16, 16)).cumsum(2).cumsum(3)
    return spectra.analyze(
        spectra.open_source(fields.astype(np.float32)),
        bases=("dct", "fourier", "pixel", "wavelet-haar", "wavelet"),
    )


def schedules(spectrum: spectra.Spectrum, basis: str) -> dict[float, spectra.Schedule]:
    return {
        a: spectra.derive_schedule(spectrum, basis=basis, ordering_strength=a) for a in (0.5, 1, 2)
    }


BASES = ("dct", "fourier", "pixel", "wavelet-haar", "wavelet")


@pytest.mark.parametrize("basis", then_slow(["fourier", "wavelet"], BASES))
def test_what_is_told_tells_time_and_strength_apart(spectrum, basis: str) -> None:
    told = []
    t = torch.linspace(0.05, 0.95, 7)
    for schedule in schedules(spectrum, basis).values():
        encoder = StateEncoder(schedule)
        vector, maps = encoder.encode(DiffusionProcess(schedule).state(t))
        flat = torch.cat([one.flatten(1) for one in (vector, maps) if one is not None], 1)
        assert (vector is None) == (encoder.vector_size == 0)
        assert maps is None or maps.shape == (7, encoder.map_count, *schedule.shape[1:])
        assert (flat.abs() <= 1).all()
        assert (flat[1:] <= flat[:-1]).all()
        assert (flat[1:] < flat[:-1]).any(1).all()
        told.append(flat)
    all_told = torch.cat(told)
    apart = torch.cdist(all_told, all_told, p=torch.inf) + torch.eye(len(all_told))
    assert apart.min() > 1e-3 or basis == "pixel"  # pixels of stationary data have one law


def test_bands_hold_every_component_and_follow_the_frequency(spectrum) -> None:
    schedule = schedules(spectrum, "dct")[1]
    encoder, process = StateEncoder(schedule), DiffusionProcess(schedule)
    state = process.state(torch.tensor([0.5]))
    high = torch.from_numpy(schedule.frequency > 0.45)[None]
    before, _ = encoder.encode(state)
    after, _ = encoder.encode(state.with_known(high))
    assert before is not None
    assert after is not None
    changed = (after - before)[0].abs() > 1e-6
    assert changed[-1]
    assert not changed[: encoder.vector_size // 2].any()


def test_pca_is_told_by_rank() -> None:
    schedule = spectra.derive_schedule(pca_spectrum(), basis="pca")
    encoder = StateEncoder(schedule)
    vector, maps = encoder.encode(DiffusionProcess(schedule).state(torch.tensor([0.3])))
    assert vector is not None
    assert maps is None
    assert encoder.vector_size > 4
    # Bands of falling variance: at strength 1 the SNR falls with them.
    assert (vector[0, 1:] <= vector[0, :-1]).all()


@pytest.mark.parametrize("level", [0, 1, 3])
def test_a_wavelet_coefficient_is_told_where_it_lies(level: int) -> None:
    basis = WaveletBasis(SHAPE, "wavelet-haar")
    spectrum = spectra.analyze(
        spectra.open_source(rng.normal(size=(30, *SHAPE)).astype(np.float32)),
        bases=("wavelet-haar",),
    )
    schedule = spectra.derive_schedule(spectrum, basis="wavelet-haar", ordering_strength=1.0)
    encoder = StateEncoder(schedule)
    state = DiffusionProcess(schedule).state(torch.tensor([0.5]))
    one = np.argwhere(basis.level == level)[1]
    mask = np.zeros(SHAPE, bool)
    mask[tuple(one)] = True
    before = encoder.encode(state)[1]
    after = encoder.encode(state.with_known(torch.from_numpy(mask)[None]))[1]
    assert before is not None
    assert after is not None
    changed = (after - before)[0].abs().numpy() > 1e-6  # [M, H, W]
    atom = np.zeros(SHAPE)
    atom[tuple(one)] = 1
    support = np.abs(basis.inverse(atom))[0] > 1e-9
    np.testing.assert_array_equal(changed[level], support)
    assert not np.delete(changed, level, axis=0).any()


@pytest.mark.parametrize("basis", then_slow(["fourier", "wavelet"], BASES))
def test_drawn_parts_are_parts_and_each_examples_own(spectrum, basis: str) -> None:
    schedule = schedules(spectrum, basis)[1]
    parts = KnownParts(schedule)
    u = torch.rand(200, 5, generator=torch.manual_seed(0))
    masks = parts.draw(u)
    assert masks.dtype == torch.bool
    assert masks.shape == (200, *schedule.shape)
    share = masks.float().flatten(1).mean(1)
    assert ((share > 0) & (share < 1)).float().mean() > 0.8
    assert 0.2 < share.mean() < 0.8
    torch.testing.assert_close(parts.draw(u[7:9]), masks[7:9])
    if basis in ("dct", "fourier"):
        frequency = torch.from_numpy(schedule.frequency)
        for mask in masks[:20]:
            known, rest = frequency[mask], frequency[~mask]
            assert len(known) == 0 or len(rest) == 0 or known.max() < rest.min() + 1e-9
    if basis == "pixel":
        assert (masks == masks[:, :1]).all()  # all channels alike


@pytest.mark.parametrize("basis", then_slow(["fourier", "wavelet"], BASES))
def test_parts_for_one_purpose_are_those_that_any_draws(spectrum, basis: str) -> None:
    schedule = schedules(spectrum, basis)[1]
    u = torch.rand(300, 5, generator=torch.manual_seed(0))
    kinds = {"dct": ["coarse"], "fourier": ["coarse"], "pixel": ["ends", "boxes"]}
    own = kinds.get(basis, ["ends", "boxes", "coarse"])
    mixed = KnownParts(schedule).draw(u)
    drawn = torch.stack([KnownParts(schedule, kind).draw(u) for kind in own])
    same = (drawn == mixed).flatten(2).all(2)  # [kinds, 300]
    assert same.any(0).all()
    assert (same.float().mean(1) > 0.8 / len(own)).all()
    missing = {"ends", "boxes", "coarse"} - set(own)
    assert ("coarse" in missing) == (basis == "pixel")
    for kind in missing:
        reason = (
            "pixels are all equally fine; train with a schedule in another basis"
            if kind == "coarse"
            else f"the components of basis {schedule.basis} have no place; train with a schedule "
            "in basis pixel or wavelet"
        )
        with pytest.raises(InputError) as refused:
            KnownParts(schedule, kind)
        assert str(refused.value) == f"known_parts {kind!r}: {reason}"


@pytest.mark.parametrize("basis", ["pixel", "wavelet-haar"])
def test_beginnings_are_the_first_columns_up_to_a_cut(spectrum, basis: str) -> None:
    schedule = schedules(spectrum, basis)[1]
    places, _ = component_places(schedule)
    assert places is not None
    column = torch.from_numpy(places[-1])
    masks = KnownParts(schedule, "beginnings").draw(torch.rand(300, 5))
    for mask in masks:
        known, rest = column[mask], column[~mask]
        assert len(known) == 0 or len(rest) == 0 or known.max() < rest.min()
    share = masks.float().flatten(1).mean(1)
    assert 0.4 < share.mean() < 0.6
    assert share.std() > 0.2  # of a uniform cut: 0.29


def test_places_as_components(spectrum) -> None:
    left = np.zeros((16, 16), bool)
    left[:, :8] = True
    pixel = schedules(spectrum, "pixel")[1]
    np.testing.assert_array_equal(component_mask(pixel, left), np.stack([left, left]))
    haar = schedules(spectrum, "wavelet-haar")[1]
    known = component_mask(haar, left)
    basis = haar.make_basis()
    x = rng.normal(size=haar.shape)
    other = np.where(left, x, rng.normal(size=haar.shape))
    same = np.abs(basis.forward(x) - basis.forward(other)) < 1e-12
    np.testing.assert_array_equal(known, same)
    # The four coarsest coefficients of a channel lie across the edge.
    assert known.sum() == 2 * (left.sum() - 2)
    for bad, word in ((np.ones((3, 3)), "shape"), (np.full((16, 16), 0.5), "mask")):
        with pytest.raises(InputError, match=word):
            component_mask(pixel, bad)
    with pytest.raises(InputError, match="have no place"):
        component_mask(schedules(spectrum, "dct")[1], left)


def test_known_parts_have_no_noise_and_stay_finite(spectrum) -> None:
    for form in ("vp", "flow", "ve"):
        schedule = spectra.derive_schedule(spectrum, basis="dct", form=form)
        process = DiffusionProcess(schedule)
        mask = torch.from_numpy(schedule.frequency < 0.2)[None]
        state = process.state(torch.tensor([0.0, 0.5, 1.0])).with_known(mask)
        z = torch.randn(3, *schedule.shape)
        noised = state.noised(z, torch.randn(3, *schedule.shape))
        assert torch.equal(noised[:, mask[0]], z[:, mask[0]])
        for kind in ("scalar", "component", "skip"):
            denoiser = Denoiser(Silent(), schedule, kind)
            found = denoiser.at(noised, state)
            assert torch.isfinite(found).all()
            torch.testing.assert_close(found[:, mask[0]], z[:, mask[0]])


def test_quantum_spectrum_of_pixels_has_one_map() -> None:
    schedule = spectra.derive_schedule(known_spectrum(power_law(2.0)), basis="pixel")
    assert StateEncoder(schedule).map_count == 1


def test_a_step_is_judged_by_the_components_that_it_changes() -> None:
    """Far apart, the clean and the drowned ones say nothing of the network."""
    spectrum = known_spectrum(power_law(2.0))
    for strength, share in ((1.0, 1.0), (40.0, 0.3)):
        schedule = spectra.derive_schedule(spectrum, basis="dct", ordering_strength=strength)
        states = StateSampler([DiffusionProcess(schedule)])
        assert states.stands == (share < 1)
        drawn = states.draw(training_draws(0, 0, range(64), 64, schedule.shape))
        moves = drawn.moves.expand(64, *schedule.shape).float()
        if share == 1:
            assert (drawn.speed > 0).all()
        else:
            assert 0 < moves.mean() < share
            far = drawn.state.log_snr.abs() > 15
            assert not (drawn.moves & far).any()


@pytest.mark.parametrize(
    ("form", "kind"),
    then_slow(
        [("flow", "scalar"), ("ve", "skip")], product(("vp", "flow", "ve"), ("scalar", "skip"))
    ),
)
def test_known_parts_are_seen_at_their_own_size_beside_any_noise(spectrum, form, kind) -> None:
    """What a network is given has unit variance on both sides, and so has what it is to say."""
    schedule = spectra.derive_schedule(spectrum, basis="pixel", form=form)
    denoiser = Denoiser(Silent(), schedule, kind)
    mask = torch.zeros(1, *schedule.shape, dtype=torch.bool)
    mask[..., :12] = True
    for t in (0.1, 0.6, 1.0):
        plain = denoiser.process.state(torch.tensor([t]))
        state = plain.with_known(mask)
        alone, beside = denoiser.coefficients(plain), denoiser.coefficients(state)
        torch.testing.assert_close(beside.out[~mask], alone.out[~mask], rtol=0.5, atol=0)
        torch.testing.assert_close(beside.input[~mask], alone.input[~mask], rtol=0.5, atol=0)
        known = beside.input * state.alpha * denoiser.process.variance.sqrt()
        assert 0.5 < known[mask].mean() < 2
    whole = denoiser.coefficients(plain.with_known(torch.ones_like(mask)))
    assert torch.isfinite(whole.input).all()
    assert torch.isfinite(whole.out).all()
