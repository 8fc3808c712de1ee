"""Samples around known parts, along other paths, of classes: exact where the law is known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra.data import Source
from spectra.diffusion.guide import Classes, Guide, KnownPart
from spectra.diffusion.known import component_mask
from spectra.diffusion.process import DiffusionProcess
from spectra.diffusion.sample import sample_components
from spectra.diffusion.state import NoiseState
from spectra.errors import InputError

SIZE = 8


@dataclass(frozen=True)
class GaussianDenoiser:
    """E[z | z(t)] in any noise state, for z ~ N(0, covariance [D, D]) in the components."""

    process: DiffusionProcess
    covariance: torch.Tensor
    encoder: Any = "state"

    def at(
        self, noised: torch.Tensor, state: NoiseState, label: torch.Tensor | None = None
    ) -> torch.Tensor:
        alpha, sigma = (one.flatten(1).double() for one in (state.alpha, state.sigma))
        found = []
        for row, a, s in zip(noised.flatten(1).double(), *_rows(alpha, sigma, noised), strict=True):
            cross = self.covariance * a  # Cov(z, z(t)) [D, D]
            total = a[:, None] * self.covariance * a + torch.diag(s**2)
            found.append(cross @ torch.linalg.solve(total, row))
        return torch.stack(found).reshape(noised.shape).to(noised.dtype)


def _rows(alpha: torch.Tensor, sigma: torch.Tensor, noised: torch.Tensor) -> Any:
    count = len(noised)
    return alpha.expand(count, -1), sigma.expand(count, -1)


def _fields(count: int = 1000) -> np.ndarray:
    """Correlated fields, float32 [N, 1, SIZE, SIZE]."""
    rng = np.random.default_rng(2)
    walk = rng.normal(size=(count, 1, SIZE, SIZE)).cumsum(-1).cumsum(-2)
    return (0.1 * walk).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("basis", "strength"), [("pixel", 0.5), ("pixel", 1.0), ("wavelet-haar", 2.0)]
)
def test_what_is_drawn_around_a_known_part_has_the_conditional_law(basis, strength) -> None:
    """Exact denoiser, Gaussian data: mean and covariance of p(rest | known), and known kept."""
    x = _fields()
    spectrum = spectra.analyze(spectra.open_source(x), bases=(basis,), window="none")
    schedule = spectra.derive_schedule(
        spectrum, basis=basis, ordering_strength=strength, g_denoise=-9.0, g_noise=9.0
    )
    process = DiffusionProcess(schedule)
    z = process.components(torch.from_numpy(x)).flatten(1).double()
    covariance = torch.cov(z.T)
    kept = np.zeros((SIZE, SIZE), bool)
    kept[:, : SIZE // 2] = True
    mask = torch.tensor(component_mask(schedule, kept))[None]
    part = KnownPart(z[:1].float().reshape(1, *schedule.shape), mask)
    guide = Guide(GaussianDenoiser(process, covariance), process, part)  # pyright: ignore
    n = 600
    times = schedule.grid(40)
    drawn = sample_components(guide, process, times, np.arange(n), "heun", 0, "cpu")
    drawn = torch.where(mask, part.z, drawn).flatten(1).double()

    known, rest = mask.flatten(), ~mask.flatten()
    cross = covariance[rest][:, known] @ torch.linalg.inv(covariance[known][:, known])
    mean = cross @ z[0, known]
    spread = covariance[rest][:, rest] - cross @ covariance[known][:, rest]
    scale = spread.diagonal().sqrt()
    assert torch.equal(drawn[:, known], z[:1, known].expand(n, -1).float().double())
    assert ((drawn[:, rest].mean(0) - mean).abs() < 5 * scale / n**0.5 + 0.02 * scale).all()
    ratio = torch.cov(drawn[:, rest].T) / (scale[:, None] * scale)
    torch.testing.assert_close(ratio, spread / (scale[:, None] * scale), atol=0.2, rtol=0)


@pytest.fixture(scope="module")
def state_run(tmp_path_factory: Any, tiny_source: Source, tiny_options: dict) -> spectra.Run:
    spectrum = spectra.analyze(tiny_source, bases=("pixel", "dct"))
    family = [
        spectra.derive_schedule(spectrum, basis="pixel", ordering_strength=a) for a in (0.5, 1.0)
    ]
    out = tmp_path_factory.mktemp("states")
    return spectra.train(tiny_source, family, out=out, known=0.5, **tiny_options)


def test_known_places_are_kept_to_the_bit_and_the_rest_is_each_samples_own(state_run) -> None:
    known = np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 8, 8)
    mask = np.zeros((8, 8), bool)
    mask[:, :3] = True
    hidden = np.where(mask, known, np.nan)
    drawn = spectra.sample(state_run, n=5, steps=3, known=hidden, mask=mask)
    np.testing.assert_allclose(drawn[:, 0][:, mask], np.tile(known[0][mask], (5, 1)), atol=1e-6)
    assert np.isfinite(drawn).all()
    assert (drawn[1:, 0][:, ~mask].std(axis=0) > 0).all()
    few = spectra.sample(state_run, n=2, steps=3, known=hidden, mask=mask, batch=1)
    np.testing.assert_allclose(few, drawn[:2], atol=1e-5)
    one_each = np.stack([known + k / 10 for k in range(5)])
    masks = np.stack([np.roll(mask, k, axis=1) for k in range(5)])[:, None]
    each = spectra.sample(state_run, n=5, steps=3, known=one_each, mask=masks)
    for k in range(5):
        np.testing.assert_allclose(each[k][masks[k]], one_each[k][masks[k]], atol=1e-6)


def test_a_run_told_the_state_takes_the_paths_of_its_family(state_run) -> None:
    other = spectra.load_schedule(state_run.path / "schedule-01.safetensors")
    own = spectra.sample(state_run, n=3, steps=3)
    along = spectra.sample(state_run, n=3, steps=3, schedule=other)
    assert np.isfinite(along).all()
    assert not np.allclose(own, along)
    again = spectra.sample(spectra.load_run(state_run.path), n=3, steps=3, schedule=other)
    np.testing.assert_array_equal(along, again)


def test_a_run_told_the_time_takes_another_pace_of_the_same_order(
    tmp_path: Path, tiny_source: Source, tiny_options: dict
) -> None:
    spectrum = spectra.analyze(tiny_source)

    def made(**options: Any) -> spectra.Schedule:
        return spectra.derive_schedule(spectrum, basis="dct", **options)

    plain = made(ordering_strength=1.0)
    run = spectra.train(tiny_source, plain, out=tmp_path, **tiny_options)
    slower = made(ordering_strength=1.0, pace="linear")
    clock = np.linspace(0, 1, 6)
    levels = plain.clock[0] + (plain.clock[-1] - plain.clock[0]) * clock[::-1]
    grids = [np.interp(levels, one.clock, one.t) for one in (plain, slower)]
    # The same noise at every knot: the same samples, whatever the two call its time.
    first, second = (
        spectra.sample(run, n=3, grid=grid, schedule=one)
        for one, grid in zip((plain, slower), grids, strict=True)
    )
    np.testing.assert_allclose(first, second, atol=2e-3)
    with pytest.raises(InputError, match="condition state"):
        spectra.sample(run, n=2, steps=2, schedule=made(ordering_strength=2.0))
    with pytest.raises(InputError, match="another basis"):
        spectra.sample(run, n=2, steps=2, schedule=spectra.load_schedule(_pixel(tmp_path)))
    with pytest.raises(InputError, match="known above 0"):
        spectra.sample(run, n=2, steps=2, known=np.zeros((1, 8, 8)), known_below=0.1)


def _pixel(folder: Path) -> Path:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 1, 8, 8)).astype(np.float32)
    schedule = spectra.derive_schedule(spectra.analyze(x, bases=("pixel",)), basis="pixel")
    schedule.save(folder / "pixel.safetensors")
    return folder / "pixel.safetensors"


def test_refining_keeps_what_is_below_the_frequency(
    tmp_path: Path, tiny_source: Source, tiny_options: dict
) -> None:
    schedule = spectra.derive_schedule(spectra.analyze(tiny_source), basis="dct")
    run = spectra.train(tiny_source, schedule, out=tmp_path, known=0.5, **tiny_options)
    assert run.config["condition"] == "state"
    known = tiny_source.examples(np.arange(4))
    drawn = spectra.sample(run, n=4, steps=3, known=known, known_below=0.2)
    basis, low = schedule.make_basis(), schedule.frequency <= 0.2
    np.testing.assert_allclose(
        basis.forward(drawn)[:, low], basis.forward(known)[:, low], atol=1e-5
    )
    with pytest.raises(InputError, match="have no place"):
        spectra.sample(run, n=4, steps=3, known=known, mask=np.ones((8, 8)))


def _told_known(folder: Path, basis: str, options: dict) -> spectra.Run:
    """A run of no steps that takes known parts."""
    schedule = spectra.derive_schedule(spectra.analyze(_fields(40), bases=(basis,)), basis=basis)
    options = {**options, "steps": 0, "known": 0.5}
    return spectra.train(_fields(40), schedule, out=folder / basis, **options)


def test_a_mask_keeps_its_places_or_says_that_it_does_not(
    tmp_path: Path, tiny_options: dict, recwarn: pytest.WarningsRecorder
) -> None:
    known = _fields(1)[0]
    left = np.arange(SIZE) < SIZE // 2
    left = np.broadcast_to(left, (SIZE, SIZE))
    fine = np.indices((SIZE, SIZE)).sum(0) % 2 == 0
    options: dict[str, Any] = {"n": 1, "steps": 1, "known": known}
    blocks = _told_known(tmp_path, "wavelet-haar-2", tiny_options)
    drawn = spectra.sample(blocks, mask=left, **options)
    np.testing.assert_allclose(drawn[0][:, left], known[:, left], atol=1e-5)
    spectra.sample(blocks, mask=np.zeros((SIZE, SIZE)), **options)
    assert not [one for one in recwarn if "mask" in str(one.message)]
    levels = _told_known(tmp_path, "wavelet-haar", tiny_options)
    with pytest.warns(UserWarning, match=r"mask: 0 of 32 known places .*wavelet-haar-3"):
        spectra.sample(levels, mask=left, **options)
    for run, mask in (
        (_told_known(tmp_path, "wavelet", tiny_options), left),
        (blocks, fine),
        (blocks, np.stack([left, fine])[:, None]),  # one of them is enough
    ):
        with pytest.raises(InputError, match=r"mask: .*nothing would be kept.*wavelet-haar-3") as e:
            spectra.sample(run, mask=mask, **{**options, "n": len(mask) if mask.ndim > 2 else 1})
        assert "\n" not in str(e.value)


BAD = [
    ({"known": np.zeros((1, 8, 8))}, "which part"),
    ({"mask": np.ones((8, 8))}, "give the examples"),
    ({"known": np.zeros((1, 8, 8)), "mask": np.ones((8, 8)), "known_below": 0.1}, "by mask or"),
    ({"known": np.zeros((8, 8)), "mask": np.ones((8, 8))}, "one example"),
    ({"known": np.zeros((3, 1, 8, 8)), "mask": np.ones((8, 8))}, "each of the 2"),
    ({"known": np.full((1, 8, 8), np.nan), "mask": np.ones((8, 8))}, "not finite"),
    ({"known": np.zeros((1, 8, 8)), "mask": np.ones((5, 1, 8, 8))}, "masks?|for 2"),
    ({"known": np.zeros((1, 8, 8)), "known_below": 0.1}, "no frequency"),
    ({"labels": 1}, "without classes"),
    ({"guidance": 2.0}, "without classes"),
]


@pytest.mark.parametrize(("options", "word"), BAD)
def test_wrong_conditions_are_one_line(state_run, options: dict, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        spectra.sample(state_run, n=2, steps=2, **options)
    assert "\n" not in str(caught.value)


def test_guidance_is_linear_in_its_weight() -> None:
    """w = 0 is without class, 1 with it, and beyond 1 the line goes on."""

    class Labelled:
        encoder = None

        def __init__(self, process: DiffusionProcess) -> None:
            self.process = process

        def at(self, noised: torch.Tensor, state: NoiseState, label: torch.Tensor) -> torch.Tensor:
            return noised * 0 + label.reshape(-1, 1, 1, 1).float()

    x = _fields(50)
    schedule = spectra.derive_schedule(spectra.analyze(x, window="none"), basis="dct")
    process = DiffusionProcess(schedule)
    z, t = torch.zeros(2, *schedule.shape), torch.full((2,), 0.5)
    for weight in (0.0, 1.0, 3.0):
        classes = Classes(np.array([1, 4]), 9, weight)
        found = Guide(Labelled(process), process, None, classes)(z, t)  # pyright: ignore
        expected = 9 + weight * (torch.tensor([1.0, 4.0]) - 9)
        torch.testing.assert_close(found[:, 0, 0, 0], expected)
