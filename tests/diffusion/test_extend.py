"""Longer than the window: what is finished stays, and the law goes on across every edge."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra import InputError
from spectra.diffusion import sample, train
from spectra.diffusion.extend import extend, moving_times
from spectra.diffusion.guide import known_part
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.state import CLEAN, NoiseState
from tests.diffusion.conftest import TINY, rough_images
from tests.repeats import then_slow

WIDTH, DECAY = 16, 0.8
EVEN = np.linspace(1, 0, 41)


class Markov:
    """The exact denoiser of a Gaussian Markov chain along a series, in any noise state."""

    encoder = object()  # it knows the state

    def __init__(self, schedule: spectra.Schedule) -> None:
        self.process = DiffusionProcess(schedule)
        place = torch.arange(WIDTH)
        self.covariance = DECAY ** (place[:, None] - place).abs().double()

    def at(self, noised: torch.Tensor, state: NoiseState, label: Any = None) -> torch.Tensor:
        alpha, sigma = state.alpha[0, 0].double(), state.sigma[0, 0].double()  # alike for all
        across = self.covariance * alpha  # E z z'^T
        total = alpha[:, None] * across + torch.diag(sigma**2 + 1e-12)
        gain = torch.linalg.solve(total, across.T).T
        return (noised.double() @ gain.T).to(noised.dtype)


def markov_run(preset: dict[str, Any]) -> Any:
    measured = spectra.analyze(
        spectra.open_source(np.random.default_rng(0).normal(size=(40, WIDTH)), view="series"),
        bases=("pixel",),
    )
    ones = np.ones((1, WIDTH))
    spectrum = replace(measured, variances={"pixel": ones}, mean=0 * ones)
    schedule = spectra.preset("columns", spectrum, basis="pixel", **preset)
    # Told that finished places are clean; or, one after another, at the schedule's own clean end.
    config = {"condition": "state", "known": 0.0 if "reverse" in preset else 0.5}
    made = Markov(schedule)
    return SimpleNamespace(
        path="markov", schedule=schedule, config=config, denoiser=lambda device: made
    )


JOINT = {"tau_max": 0.0, "gamma_min": -12.0, "gamma_max": 8.0}
APART = {**JOINT, "tau_max": (WIDTH - 1) / WIDTH, "reverse": True}  # one place after another


@pytest.mark.parametrize(
    ("preset", "reverse"),
    then_slow([(JOINT, True)], [(JOINT, False), (APART, False), (APART, True)]),
)
def test_a_markov_chain_goes_on_as_itself(preset: dict[str, Any], reverse: bool) -> None:
    """Half a window says all of the rest: the long series has the chain's covariance throughout."""
    run = markov_run(preset)
    grid = np.linspace(1, 0, 1 + (40 if preset is JOINT else 24 * WIDTH))
    x = extend(
        run, 3000, 3, grid=grid, reverse=reverse, batch=3000, device="cpu", overlap=0.5
    ).astype(float)[:, 0]
    assert x.shape == (3000, 3 * WIDTH)
    place = np.arange(3 * WIDTH)
    truth = DECAY ** np.abs(place[:, None] - place)
    found = x.T @ x / len(x)
    scatter = np.sqrt((1 + truth**2) / len(x))  # of a Gaussian's sample covariance
    assert (np.abs(found - truth) / scatter).max() < 5.0
    # Without the finished part the edge between two windows would be seen at once.
    assert 1.0 / scatter.max() * DECAY > 25


def test_a_network_trained_on_whole_examples_is_told_the_clean_end() -> None:
    """It has never met a component without noise: finished ones are as its schedule leaves them."""
    for preset, known in ((JOINT, CLEAN), (APART, 12.0)):
        run = markov_run(preset)
        process = DiffusionProcess(run.schedule)
        mask = np.arange(WIDTH)[None] < 4
        part = known_part(run, process, 1, np.ones((1, WIDTH)), mask, None)
        assert part is not None
        state = part.in_place(process.state(torch.ones(1)), process)
        told = state.log_snr[0, 0].numpy()
        np.testing.assert_allclose(told[:4], known, rtol=1e-5)
        np.testing.assert_allclose(told[4:], -8, rtol=1e-5)


def test_a_given_series_is_continued_by_the_law_of_the_chain() -> None:
    run = markov_run(JOINT)
    given = np.full((1, 3), 2.0, np.float32)
    x = extend(
        run, known=np.repeat(given[None], 4000, 0), times=1.0, grid=EVEN, batch=4000, device="cpu"
    )
    np.testing.assert_array_equal(x[..., :3], 2.0)
    expected = 2.0 * DECAY ** np.arange(1, WIDTH - 2)
    variance = 1 - DECAY ** (2 * np.arange(1, WIDTH - 2))
    error = (x[:, 0, 3:].mean(0) - expected) / np.sqrt(variance / 4000)
    assert np.abs(error).max() < 5
    np.testing.assert_allclose(x[:, 0, 3:].var(0), variance, rtol=0.12)


def test_a_window_begins_where_its_finished_part_is_clean() -> None:
    schedule = markov_run(APART).schedule
    mask = np.arange(WIDTH)[None] < WIDTH // 2
    times = np.linspace(1, 0, 1 + 20 * WIDTH)
    part = moving_times(schedule, times, mask)
    log_snr = schedule.log_snr(part[:1])[0, 0]
    assert (log_snr[: WIDTH // 2] > 11.9).all()
    assert (log_snr[WIDTH // 2 :] < -7.9).all()
    assert len(part) == 1 + 10 * WIDTH
    # The places that are drawn first are left as soon as they are clean.
    other = moving_times(schedule, times, ~mask)
    assert other[0] == 1.0
    assert len(other) == 1 + 10 * WIDTH
    np.testing.assert_array_equal(moving_times(markov_run(JOINT).schedule, times, mask), times)


@pytest.fixture(scope="module", params=["pixel", "wavelet-haar-1", "wavelet-haar-2"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> spectra.Run:
    source = spectra.open_source(rough_images(size=12, channels=3)[..., :8])
    assert source.shape == (3, 12, 8)
    spectrum = spectra.analyze(source, bases=(request.param,))
    schedule = spectra.derive_schedule(spectrum, basis=request.param)
    out = tmp_path_factory.mktemp("extend") / "run"
    return train(source, schedule, out=out, steps=3, batch=4, network=TINY, known=0.5, device="cpu")


SHORT: dict[str, Any] = {"grid": np.linspace(1, 0, 4), "solver": "euler", "device": "cpu"}


def test_the_first_window_is_a_sample_and_windows_do_not_look_ahead(run: spectra.Run) -> None:
    *_, height, width = run.schedule.shape
    x = extend(run, 3, 3.0, **SHORT)
    assert x.shape == (3, 3, height, 3 * width)
    assert x.dtype == np.float32
    np.testing.assert_array_equal(x[..., :width], sample(run, 3, **SHORT))
    np.testing.assert_array_equal(x[..., : 2 * width], extend(run, 3, 2.0, **SHORT))
    np.testing.assert_allclose(x[:2], extend(run, 2, 3.0, batch=1, **SHORT), atol=1e-5)
    other = extend(run, 3, 3.0, seed=1, **SHORT)
    assert not np.isclose(x[..., width:], other[..., width:]).any(axis=(0, 1, 2)).all()
    # No two windows share their noise.
    assert np.abs(x[..., width:-width] - x[..., 2 * width :]).min(axis=(0, 1, 2)).max() > 0


@pytest.mark.parametrize(
    ("axis", "reverse"), then_slow([(-1, True), (-2, False)], [(-1, False), (-2, True)])
)
def test_given_examples_stay_where_they_are(run: spectra.Run, axis: int, reverse: bool) -> None:
    shape = list(run.schedule.shape)
    width = shape[axis]
    shape[axis] = width + 4
    given = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    # A tensor that gradients flow through is read as a caller's any other.
    tensor = torch.tensor(given, requires_grad=True)
    x = extend(run, known=tensor, times=3, axis=axis, reverse=reverse, **SHORT)
    assert x.shape[axis] == 3 * width
    kept = np.arange(width + 4) + (2 * width - 4 if reverse else 0)
    np.testing.assert_array_equal(np.take(x, kept, axis=axis), given)
    assert np.isfinite(x).all()
    new = np.delete(x, kept, axis=axis)
    again = extend(run, known=given + 0.1, times=3, axis=axis, reverse=reverse, **SHORT)
    assert not np.isclose(new, np.delete(again, kept, axis=axis)).all()  # it looks at them


@pytest.mark.parametrize("times", [1.0, 1.3, 2.49])
@pytest.mark.parametrize("overlap", [0.01, 0.3, 0.99])
def test_any_length_and_overlap(run: spectra.Run, times: float, overlap: float) -> None:
    x = extend(run, 1, times, overlap=overlap, **SHORT)
    assert x.shape[-1] == round(times * run.schedule.shape[-1])
    assert np.isfinite(x).all()


def test_what_cannot_be_is_refused(run: spectra.Run) -> None:
    height, width = run.schedule.shape[1:]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"times": 0.5}, "times"),
        ({"times": np.nan}, "times"),
        ({"times": 1e9}, "times"),
        ({"overlap": 0.0}, "overlap"),
        ({"overlap": 1.5}, "overlap"),
        ({"axis": 0}, "axis"),
        ({"axis": -3}, "axis"),
        ({"known": np.zeros((1, height, width))}, "known of shape"),
        ({"known": np.zeros((3, height + 1, width))}, "known of shape"),
        ({"known": np.zeros((3, height, 0))}, "known of shape"),
        ({"known": np.zeros((3, height, 4 * width))}, "long already"),
        ({"known": np.full((3, height, width), np.nan)}, "not finite"),
        ({"grid": np.array([1.0, 0.5])}, "grid"),
        ({"rule": "edm"}, "rule 'edm': grid gives"),
        ({"labels": 1}, "labels"),
        ({"n": 0}, "n 0"),
        ({"seed": 1.5, "known": np.zeros((1, height, width))}, "seed 1.5: a whole number"),
    ]
    for wrong, message in cases:
        with pytest.raises(InputError, match=message):
            extend(run, **{**SHORT, **wrong})


@pytest.mark.parametrize("basis", ["dct", "wavelet-db2", "wavelet-haar"])
def test_components_that_reach_over_the_edge_are_refused(tmp_path, tiny_source, basis) -> None:
    schedule = spectra.derive_schedule(spectra.analyze(tiny_source, bases=(basis,)), basis=basis)
    run = train(
        tiny_source, schedule, out=tmp_path, steps=0, batch=4, network=TINY, known=0.5, device="cpu"
    )
    with pytest.raises(InputError, match="wavelet-haar-3"):
        extend(run, 2, **SHORT)


def test_a_run_that_knows_no_known_parts_is_refused(tmp_path, tiny_source) -> None:
    spectrum = spectra.analyze(tiny_source, bases=("pixel",))
    schedule = spectra.derive_schedule(spectrum, basis="pixel")
    run = train(tiny_source, schedule, out=tmp_path, steps=0, batch=4, network=TINY, device="cpu")
    with pytest.raises(InputError, match="whole examples only"):
        extend(run, 2, **SHORT)
