"""Factors that components share: the joint Wiener filter, and how they are measured and kept."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

import spectra
from spectra.data import Source, open_source
from spectra.diffusion import load_run, sample, train
from spectra.diffusion.checkpoint import latest, write_checkpoint
from spectra.diffusion.factors import DOUBT, measure_loadings
from spectra.diffusion.precondition import Denoiser
from spectra.diffusion.run import write_config
from spectra.diffusion.settings import settle
from spectra.errors import InputError
from spectra.schedule import Schedule
from tests.diffusion.conftest import TINY
from tests.diffusion.silent import Silent
from tests.spectrum.fields import power_law_fields

SHAPE = (1, 8, 8)
ROUNDING = 1e-5


def loud_images(count: int = 3000, seed: int = 0) -> np.ndarray:
    """White noise times 0.3 with a brightness of its own for each image, [N, 1, 8, 8]."""
    rng = np.random.default_rng(seed)
    return 0.3 * rng.normal(size=(count, *SHAPE)) + rng.normal(size=(count, 1, 1, 1))


def pixels_of(images: np.ndarray) -> tuple[Source, Schedule]:
    source = open_source(images)
    spectrum = spectra.analyze(source, bases=("pixel",))
    return source, spectra.derive_schedule(spectrum, basis="pixel", ordering_strength=0.0)


@pytest.fixture(scope="module")
def loud() -> tuple[Source, Schedule]:
    return pixels_of(loud_images())


def drawn_loadings(schedule: Schedule, count: int = 3) -> torch.Tensor:
    """Loadings of which a quarter to three quarters of each variance comes."""
    drawn = torch.randn(count, *schedule.shape, generator=torch.Generator().manual_seed(3))
    share = torch.rand(schedule.shape, generator=torch.Generator().manual_seed(4)) / 2 + 0.25
    return drawn * (share / (drawn**2).sum(0)).sqrt()


@pytest.mark.parametrize("kind", ["component", "skip"])
def test_a_network_that_says_nothing_is_the_joint_wiener_filter(
    loud: tuple[Source, Schedule], kind: Literal["component", "skip"]
) -> None:
    """E[z | z(t)] of z ~ N(0, S (L L^T + R) S), by the dense formula in float64."""
    schedule = loud[1]
    loadings = drawn_loadings(schedule)
    denoiser = Denoiser(Silent(), schedule, kind, condition="state", loadings=loadings)
    flat = loadings.double().flatten(1).T.numpy()
    root = np.sqrt(schedule.variance.ravel())
    model = (flat @ flat.T + np.diag(1 - (flat**2).sum(1))) * root[:, None] * root
    rng = torch.Generator().manual_seed(5)
    log_snr = torch.rand(6, *SHAPE, generator=rng) * 12 - 12 - float(np.log(DOUBT))
    state = denoiser.process.state_at(log_snr, torch.zeros(6))
    noised = torch.randn(6, *SHAPE, generator=rng)
    said = denoiser.at(noised, state)
    for i in range(6):
        alpha, sigma = state.alpha[i].double().numpy().ravel(), state.sigma[i].double().numpy()
        total = alpha[:, None] * model * alpha + np.diag(sigma.ravel() ** 2)
        expected = model * alpha @ np.linalg.solve(total, noised[i].double().numpy().ravel())
        np.testing.assert_allclose(said[i].numpy().ravel(), expected, rtol=2e-3, atol=2e-4)


def rough_fields(count: int, seed: int) -> np.ndarray:
    """Corners of periodic fields of power 1/f^2, [N, 1, 16, 16]."""
    fields = power_law_fields(np.random.default_rng(seed), count, (32, 32), alpha=2.0)
    return fields[:, None, :16, :16].astype(np.float32)


@pytest.mark.slow
def test_no_component_is_worse_off_for_what_others_say() -> None:
    """Where they share more than factors tell, at any noise."""
    source, basis = open_source(rough_fields(4000, seed=0)), "wavelet-haar-3"
    schedule = spectra.derive_schedule(spectra.analyze(source, bases=(basis,)), basis=basis)
    loadings = torch.from_numpy(measure_loadings(source, schedule))
    assert len(loadings) == 64
    alone, joint = (
        Denoiser(Silent(), schedule, "component", condition="state", loadings=told)
        for told in (None, loadings)
    )
    z = joint.process.components(torch.from_numpy(rough_fields(2000, seed=1)))
    gains = []
    for level in range(-4, 8, 2):
        noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(level + 8))
        state = joint.process.state_at(torch.full(z.shape, float(level)), torch.zeros(len(z)))
        noised = state.noised(z, noise)
        own, its = (((one.at(noised, state) - z) ** 2).mean(0) for one in (alone, joint))
        assert (its / own).max() < 1.05
        gains.append(float((its / own).mean()))
    assert min(gains) < 0.95


def test_it_is_finite_at_both_ends_and_leaves_what_is_known(loud: tuple[Source, Schedule]) -> None:
    schedule = loud[1]
    denoiser = Denoiser(Silent(), schedule, "component", "cpu", "state", drawn_loadings(schedule))
    z = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(6))
    z *= denoiser.process.variance.sqrt()
    for level in (-60.0, 60.0):
        state = denoiser.process.state_at(torch.full((4, *SHAPE), level), torch.zeros(4))
        said = denoiser.at(state.noised(z, z.flip(0)), state)
        assert said.isfinite().all()
        torch.testing.assert_close(said, z if level > 0 else 0 * z, rtol=1e-4, atol=1e-4)
    mask = torch.zeros(1, *SHAPE, dtype=torch.bool)
    mask[..., :4] = True
    state = denoiser.process.state_at(torch.full((4, *SHAPE), -20.0), torch.zeros(4))
    state = state.with_known(mask.expand(4, *SHAPE))
    said = denoiser.at(state.noised(z, z.flip(0)), state)
    torch.testing.assert_close(said[..., :4], z[..., :4])
    assert (said[..., 4:].abs() > 1e-3).any()  # the known ones say something of the others


@pytest.mark.slow
def test_brightness_is_found_and_nothing_is_found_in_noise(loud: tuple[Source, Schedule]) -> None:
    source, schedule = loud
    loadings = measure_loadings(source, schedule)
    assert loadings.shape == (1, *SHAPE)
    expected = np.sqrt(1 / (1 + 0.3**2))
    np.testing.assert_allclose(np.abs(loadings), expected, rtol=0.02)
    np.testing.assert_array_equal(measure_loadings(source, schedule), loadings)
    white = pixels_of(np.random.default_rng(1).normal(size=(3000, *SHAPE)))
    assert len(measure_loadings(*white)) == 0
    # In 12,288 components that three of them are one is little, and is found all the same.
    brightness = np.random.default_rng(2).normal(size=(400, 1, 1, 1))
    large = 0.3 * np.random.default_rng(3).normal(size=(400, 3, 64, 64)) + brightness
    basis = "wavelet-haar"
    opened = open_source(large.astype(np.float32))
    schedule = spectra.derive_schedule(spectra.analyze(opened, bases=(basis,)), basis=basis)
    loadings = np.abs(measure_loadings(opened, schedule))
    assert len(loadings) == 1
    assert (loadings[0, :, 0, 0] > 0.9).all()
    assert (loadings > 0).mean() < 0.01
    few = pixels_of(loud_images(20))
    assert len(measure_loadings(*few)) == 0


def test_any_memory_gives_the_same(
    loud: tuple[Source, Schedule], monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = loud[1]
    denoiser = Denoiser(Silent(), schedule, "component", "cpu", "state", drawn_loadings(schedule))
    state = denoiser.process.state(torch.linspace(0, 1, 5).double())
    noised = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(7))
    whole = denoiser.at(noised, state)
    monkeypatch.setattr("spectra.diffusion.factors.BLOCK", 1)
    torch.testing.assert_close(denoiser.at(noised, state), whole, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.slow
def test_samples_are_as_bright_as_the_data_before_anything_is_learnt(
    tmp_path: Path, loud: tuple[Source, Schedule]
) -> None:
    """Each pixel has the data's variance either way; what all share, with the factors alone."""
    options = {"steps": 0, "condition": "state", "network": TINY, "device": "cpu"}
    spread = {}
    for kind in ("component", "scalar"):
        run = train(*loud, out=tmp_path / kind, preconditioning=kind, **options)
        drawn = sample(run, 500, 20, device="cpu", batch=500)
        assert float(drawn.var()) == pytest.approx(float(loud[1].variance.mean()), rel=0.2)
        spread[kind] = drawn.mean(axis=(1, 2, 3)).var() / loud[1].variance.mean()
    expected = (1 + 0.3**2 / 64) / (1 + 0.3**2)
    assert spread["component"] == pytest.approx(expected, rel=0.2)
    assert spread["scalar"] < 0.1 * expected


@pytest.mark.slow
def test_they_are_kept_with_the_run(tmp_path: Path, loud: tuple[Source, Schedule]) -> None:
    options: dict[str, Any] = {"batch": 4, "network": TINY, "condition": "state", "device": "cpu"}
    options |= {"preconditioning": "component", "checkpoint_every": 3}
    whole = train(*loud, out=tmp_path / "whole", steps=6, **options)
    held = latest(tmp_path / "whole")
    assert held is not None
    assert held.loadings is not None
    np.testing.assert_array_equal(held.loadings, measure_loadings(loud[0].split(0.2)[0], loud[1]))
    parted = tmp_path / "parted"
    train(*loud, out=parted, steps=3, **options)
    train(*loud, out=parted, steps=6, **options)
    name = "checkpoint-00000006.safetensors"
    assert (parted / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    drawn = sample(load_run(parted), 2, 4, device="cpu")
    np.testing.assert_array_equal(sample(whole, 2, 4, device="cpu"), drawn)
    write_checkpoint(parted, replace(held, loadings=held.loadings[:, :, :5]))
    with pytest.raises(InputError, match=r"loadings are of another shape .* choose another --out"):
        load_run(parted)
    write_checkpoint(parted, replace(held, loadings=None))
    with pytest.raises(InputError, match=r"disagree on whether .* choose another --out"):
        load_run(parted)


def test_a_run_from_before_there_were_any_goes_on_without(
    tmp_path: Path, loud: tuple[Source, Schedule], monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"batch": 4, "network": TINY, "condition": "state", "device": "cpu"}
    options |= {"preconditioning": "component", "out": tmp_path}

    def before(*given: Any, **named: Any) -> dict[str, Any]:
        record = settle(*given, **named)
        del record["shares"]
        write_config(tmp_path, record)
        return {**record, "shares": False}

    with monkeypatch.context() as patch:
        patch.setattr(importlib.import_module("spectra.diffusion.train"), "settle", before)
        train(*loud, steps=2, **options)
    assert train(*loud, steps=4, **options).step == 4
    held = latest(tmp_path)
    assert held is not None
    assert held.loadings is None
    assert sample(load_run(tmp_path), 2, 4, device="cpu").shape == (2, *SHAPE)


def test_networks_that_do_without_have_none(tmp_path: Path, loud: tuple[Source, Schedule]) -> None:
    for number, (kind, condition) in enumerate([("scalar", "state"), ("component", "time")]):
        folder = tmp_path / str(number)
        options: dict[str, Any] = {"preconditioning": kind, "condition": condition}
        train(*loud, out=folder, steps=0, network=TINY, device="cpu", **options)
        held = latest(folder)
        assert held is not None
        assert held.loadings is None
