"""A measured denoising error: the closed form where there is one, and what a bad denoiser shows."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra import InputError
from spectra.bases import make_basis, pca
from spectra.data import Source, spread_examples
from spectra.diffusion.measure import measure_denoiser
from spectra.diffusion.parameterisation import vp_denoiser
from spectra.diffusion.sample import sample
from spectra.schedule.steps.denoising import DenoisingError, wiener_error
from tests.diffusion.conftest import TINY, rough_images

SIGMA = np.geomspace(0.02, 5.0, 4)
DENSE = {"sigmas": SIGMA, "n": 400, "device": "cpu"}


def gaussian_source(
    variance: np.ndarray, n: int = 400, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Examples of N(0, lambda) in the DCT basis, [n, *shape], and their mean squares in it."""
    z = np.random.default_rng(seed).normal(size=(n, *variance.shape)) * np.sqrt(variance)
    x = make_basis("dct", variance.shape).inverse(z)
    return x.astype(np.float32), (z**2).mean(axis=0)


def wiener(variance: np.ndarray, dtype: torch.dtype = torch.float64) -> Callable:
    """The exact denoiser of N(0, lambda), in data space."""
    basis = make_basis("dct", variance.shape)
    table = torch.tensor(variance, dtype=dtype)

    def denoise(y: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        column = sigma.to(dtype).reshape(-1, *[1] * len(variance.shape))
        gain = table / (table + column**2)
        return basis.inverse(gain * basis.forward(y.to(dtype)))

    return denoise


def falling(shape: tuple[int, ...]) -> np.ndarray:
    """lambda ~ f^-2 in the DCT basis, flattened at DC."""
    frequency = make_basis("dct", shape).frequency
    lowest = frequency[frequency > 0].min()
    return 0.01 * np.maximum(frequency, lowest / 2) ** -2.0


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 4, 6), (1, 24)])
def test_the_wiener_filter_is_measured_as_its_law(shape: tuple[int, ...]) -> None:
    """Within its own standard errors: z-scores of mean 0 and root mean square 1."""
    variance = falling(shape)
    x, _ = gaussian_source(variance)
    source = spectra.open_source(x, **({"view": "series"} if len(shape) == 2 else {}))
    found = measure_denoiser(wiener(variance), source, **DENSE)
    level = SIGMA.reshape(-1, *[1] * len(shape))
    expected = variance * level**2 / (variance + level**2)
    score = (found.error - expected) / found.standard_error
    assert np.abs(score).max() < 5.5
    assert 0.8 < np.sqrt((score**2).mean()) < 1.2
    assert (found.n, found.files, found.basis) == (400, 400, "dct")
    np.testing.assert_allclose(found.error / expected, 1, atol=0.4)


def test_the_control_variate_takes_the_noise_out() -> None:
    """What remains of the scatter is the data's own: (1 - W)^2 z^2, known for a linear filter."""
    variance = falling((1, 8, 8))
    x, mean_square = gaussian_source(variance)
    found = measure_denoiser(wiener(variance), x, **DENSE)
    level = SIGMA.reshape(-1, 1, 1, 1)
    gain = variance / (variance + level**2)
    given_data = (1 - gain) ** 2 * mean_square + gain**2 * level**2
    plain = gain**2 * level**2 * np.sqrt(2 / 400)
    at = gain > 0.9  # where the noise is all there is
    left = np.abs(found.error - given_data)[at] / plain[at]
    assert np.sqrt((left**2).mean()) < 0.35
    assert (found.standard_error[at] < 0.6 * plain[at]).mean() > 0.9


def test_a_bad_band_shows_where_it_is() -> None:
    """A denoiser that wipes out 0.2 to 0.35 cycles/pixel leaves all of that variance, no other."""
    variance = falling((1, 12, 12))
    x, _ = gaussian_source(variance)
    basis, good = make_basis("dct", (1, 12, 12)), wiener(variance)
    band = (basis.frequency >= 0.2) & (basis.frequency < 0.35)
    keep = torch.tensor(~band)

    def bad(y: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        return basis.inverse(keep * basis.forward(good(y, sigma)))

    edges = np.array([0.0, 0.2, 0.35, 1.0])
    found = measure_denoiser(bad, x, **DENSE)
    rings, count = found.per_ring(edges)
    law, _ = wiener_like(found, variance).per_ring(edges)
    np.testing.assert_allclose(rings[:, [0, 2]] / law[:, [0, 2]], 1, atol=0.1)
    np.testing.assert_allclose(rings[:, 1], variance[band].sum(), rtol=0.1)
    assert rings[0, 1] > 50 * law[0, 1]
    assert count[1] == band.sum()


def wiener_like(found: DenoisingError, variance: np.ndarray) -> DenoisingError:
    return replace(found, variance=variance).wiener()


def test_errors_are_between_files_not_between_patches() -> None:
    """Ten copies of each example are no new data: the standard error must not shrink."""
    variance = falling((1, 8, 8))
    x, _ = gaussian_source(variance, n=24)
    rough = np.repeat(x, 10, axis=0)
    alone = measure_denoiser(wiener(variance), x, sigmas=SIGMA[-1:], device="cpu")
    apart = measure_denoiser(wiener(variance), rough, sigmas=SIGMA[-1:], device="cpu")
    grouped = regrouped(rough, 10)
    together = measure_denoiser(wiener(variance), grouped, sigmas=SIGMA[-1:], device="cpu")
    assert (together.n, together.files) == (240, 24)
    assert np.median(together.standard_error / alone.standard_error) == pytest.approx(1, abs=0.2)
    assert np.median(apart.standard_error / alone.standard_error) < 0.5


def regrouped(x: np.ndarray, each: int) -> Source:
    """The examples of an array as so many of each file."""
    return in_files(x, np.arange(len(x)) // each)


def in_files(x: np.ndarray, units: np.ndarray) -> Source:
    """The examples of an array, each of the file of its number."""
    source = spectra.open_source(x)
    return replace(source, units=units, files=[f"file {i}" for i in range(units[-1] + 1)])


def test_batches_change_nothing_but_the_last_bits() -> None:
    variance = falling((1, 6, 6))
    source = regrouped(gaussian_source(variance, n=60)[0], 3)
    one = measure_denoiser(wiener(variance), source, sigmas=SIGMA, batch=60, device="cpu")
    many = measure_denoiser(wiener(variance), source, sigmas=SIGMA, batch=7, device="cpu")
    np.testing.assert_allclose(many.error, one.error, rtol=1e-9)
    np.testing.assert_allclose(many.standard_error, one.standard_error, rtol=1e-6)


def test_every_basis_holds_the_same_whole() -> None:
    variance = falling((1, 8, 8))
    x, _ = gaussian_source(variance, n=100)
    spectrum = spectra.analyze(x, bases=("dct", "pca"))
    whole = []
    for basis in ("dct", "fourier", "pixel", "wavelet-haar", "pca"):
        found = measure_denoiser(
            wiener(variance), x, basis=basis, sigmas=SIGMA, device="cpu", spectrum=spectrum
        ) if basis in ("dct", "pca") else measure_denoiser(
            wiener(variance), x, basis=basis, sigmas=SIGMA, device="cpu"
        )  # fmt: skip
        assert found.basis == basis
        whole.append(found.per_level())
    np.testing.assert_allclose(np.array(whole) / whole[0], 1, atol=0.1)
    with pytest.raises(InputError, match="'pca' needs spectrum="):
        measure_denoiser(wiener(variance), x, basis="pca", device="cpu")


def test_default_levels_reach_from_all_kept_to_all_lost() -> None:
    variance = falling((1, 8, 8))
    x, _ = gaussian_source(variance, n=50)
    found = measure_denoiser(wiener(variance), x, n=20, device="cpu")
    gain = found.gain()
    assert len(found.sigma) == 16
    assert gain[-1].max() < 0.1
    assert np.median(gain[0]) > 0.9


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
def test_what_a_network_says_is_understood(kind: str) -> None:
    """The same Wiener filter, told as noise, velocity or example, is measured alike."""
    variance = falling((1, 8, 8))
    x, _ = gaussian_source(variance, n=50)
    kept = np.cumprod(1 - np.linspace(1e-3, 0.2, 100))
    sigma_of = torch.tensor(np.sqrt((1 - kept) / kept))
    exact = wiener(variance)
    seen = []

    def network(scaled: torch.Tensor, timestep: torch.Tensor) -> Any:
        assert timestep.dtype == torch.int64
        seen.append(int(timestep[0]))
        sigma = sigma_of[timestep]
        column, y = (
            sigma.reshape(-1, 1, 1, 1),
            scaled * (1 + sigma.reshape(-1, 1, 1, 1) ** 2) ** 0.5,
        )
        z = exact(y, sigma)
        noise, alpha = (y - z) / column, (1 + column**2) ** -0.5
        said = {"epsilon": noise, "sample": z, "v_prediction": alpha * noise - alpha * column * z}
        return type("Output", (), {"sample": said[kind]})()

    found = measure_denoiser(
        network, x, sigmas=np.array([0.1, 0.5, 3.0]), n=20, parameterisation=(kept, kind),
        device="cpu",
    )  # fmt: skip
    plain = measure_denoiser(exact, x, sigmas=found.sigma, n=20, device="cpu")
    np.testing.assert_allclose(found.error, plain.error, rtol=1e-3, atol=1e-6)
    assert set(found.sigma) <= set(vp_denoiser(network, (kept, kind)).sigmas)
    assert len(set(seen)) == 3


def test_between_timesteps_a_network_is_given_a_fraction() -> None:
    kept = np.cumprod(1 - np.linspace(1e-3, 0.2, 100))
    given = []

    def network(scaled: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        given.append(timestep)
        return scaled

    denoiser = vp_denoiser(network, (torch.tensor(kept), "epsilon"))
    middle = np.sqrt(denoiser.sigmas[40] * denoiser.sigmas[41])
    denoiser(torch.zeros(2, 1, 4, 4), torch.full((2,), middle))
    np.testing.assert_allclose(given[0], 40.5, atol=1e-4)


def test_a_diffusers_unet_is_measured() -> None:
    diffusers = pytest.importorskip("diffusers")
    torch.manual_seed(0)
    unet = diffusers.UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, norm_num_groups=4,
        block_out_channels=(8, 8), down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
    )  # fmt: skip
    x, _ = gaussian_source(falling((1, 8, 8)), n=8)
    for scheduler in (
        diffusers.DDPMScheduler(prediction_type="v_prediction"),
        diffusers.DDIMScheduler(),
    ):
        found = measure_denoiser(unet, x, parameterisation=scheduler, device="cpu")
        assert found.name == "UNet2DModel"
        assert np.isfinite(found.error).all()
        assert (found.per_level() > found.wiener().per_level()).all()


def test_a_diffusers_unet_that_says_nothing_leaves_what_it_must() -> None:
    """epsilon = 0: the estimate is the noised example, the error is the noise."""
    x, _ = gaussian_source(falling((1, 8, 8)), n=100)
    kept = np.cumprod(1 - np.linspace(1e-3, 0.2, 100))
    found = measure_denoiser(
        lambda y, _: 0 * y, x, parameterisation=(kept, "epsilon"), device="cpu"
    )
    np.testing.assert_allclose(found.per_level() / found.sigma**2 / 64, 1, atol=0.1)


@pytest.fixture(scope="module")
def source() -> Source:
    return spectra.open_source(rough_images())


@pytest.fixture(scope="module")
def white_run(source: Source, tmp_path_factory: pytest.TempPathFactory) -> spectra.Run:
    return trained(source, 1.0, tmp_path_factory)


@pytest.fixture(scope="module")
def tilted_run(source: Source, tmp_path_factory: pytest.TempPathFactory) -> spectra.Run:
    return trained(source, 0.4, tmp_path_factory)


def trained(source: Source, strength: float, place: pytest.TempPathFactory) -> spectra.Run:
    schedule = spectra.derive_schedule(spectra.analyze(source), ordering_strength=strength)
    return spectra.train(
        source, schedule, out=place.mktemp("runs") / "a", steps=2, batch=4, network=TINY,
        device="cpu", progress=False, preconditioning="component",
    )  # fmt: skip


def test_an_untrained_run_is_the_wiener_filter(white_run: spectra.Run, source: Source) -> None:
    """Zero-initialised: the Wiener filter of its own schedule, on the held-out files."""
    found = measure_denoiser(white_run, source, device="cpu")
    assert found.files == found.n == round(0.2 * len(source))
    assert (found.tilt == 1).all()
    np.testing.assert_allclose(
        found.sigma[[0, -1]], np.exp(white_run.schedule.pace[[0, -1]] / 2), rtol=1e-6
    )
    assert 0.3 < np.median(found.per_level() / found.wiener().per_level()) < 3
    other = measure_denoiser(white_run, source, basis="fourier", device="cpu")
    assert other.basis == "fourier"
    np.testing.assert_allclose(other.per_level(), found.per_level(), rtol=0.3)


def test_a_run_on_its_own_order_has_its_own_noise(tilted_run: spectra.Run, source: Source) -> None:
    found = measure_denoiser(tilted_run, source, device="cpu")
    schedule = tilted_run.schedule
    assert found.basis == "dct"
    for sigma in found.sigma:
        t = schedule.time_at(np.array([2 * np.log(sigma)]))
        expected = schedule.variance * np.exp(-schedule.log_snr(t)[0])
        np.testing.assert_allclose((sigma * found.tilt) ** 2, expected, rtol=1e-6)
    assert 0.3 < np.median(found.per_level() / found.wiener().per_level()) < 3


def test_a_run_is_measured_in_principal_components(white_run: spectra.Run, source: Source) -> None:
    spectrum = spectra.analyze(source, bases=("dct", "pca"))
    options = {"sigmas": np.array([0.03, 0.3]), "device": "cpu"}
    with pytest.raises(InputError, match="'pca' needs spectrum="):
        measure_denoiser(white_run, source, basis="pca", **options)
    found = measure_denoiser(white_run, source, basis="pca", spectrum=spectrum, **options)
    assert found.basis == "pca"
    np.testing.assert_allclose(found.variance, spectrum.component_variance("pca"))
    assert spectrum.scatter is not None
    assert found.components is not None
    np.testing.assert_allclose(found.components, pca(spectrum.scatter, source.shape).components)
    with pytest.raises(InputError, match=r"has its data.s variance from its schedule"):
        measure_denoiser(white_run, source, spectrum=spectrum, **options)
    plain = measure_denoiser(white_run, source, **options)
    np.testing.assert_allclose(found.per_level(), plain.per_level(), rtol=0.3)


@pytest.mark.slow
def test_measured_errors_serve_the_covariance_solver(
    tilted_run: spectra.Run, source: Source
) -> None:
    found = measure_denoiser(tilted_run, source, device="cpu")
    options = {"n": 3, "steps": 4, "solver": "covariance", "device": "cpu"}
    plain = sample(tilted_run, **options)
    exact = sample(tilted_run, **options, error=found.wiener())
    measured = sample(tilted_run, **options, error=found)
    np.testing.assert_allclose(exact, plain, atol=1e-3)
    assert np.isfinite(measured).all()
    assert np.abs(measured - plain).max() > 1e-3
    # The grid of rescaled entropy looks at it too, whatever the solver.
    times = tilted_run.schedule.grid(4, rule="rescaled-entropic", error=found)
    entropic = {"n": 2, "steps": 4, "solver": "heun", "device": "cpu"}
    ours = sample(tilted_run, **entropic, rule="rescaled-entropic", error=found)
    np.testing.assert_array_equal(ours, sample(tilted_run, **entropic, grid=times))
    assert np.abs(ours - sample(tilted_run, **entropic, rule="rescaled-entropic")).max() > 1e-4
    with pytest.raises(InputError, match="solver 'heun' on a grid of its own has no use for it"):
        sample(tilted_run, n=1, solver="heun", rule="edm", error=found, device="cpu")
    with pytest.raises(InputError, match="was measured in fourier"):
        sample(tilted_run, **options, error=replace(found, basis="fourier"))


def test_what_cannot_be_measured_is_refused(tilted_run: spectra.Run) -> None:
    variance = falling((1, 8, 8))
    x, _ = gaussian_source(variance, n=4)
    good: Any = wiener(variance)
    cases: list[tuple[str, Any, dict[str, Any]]] = [
        ("n 1: a finite number of at least 2", good, {"n": 1}),
        ("n 4.5: a whole number", good, {"n": 4.5}),
        ("batch 2.5: a whole number", good, {"batch": 2.5}),
        ("seed 'x': a whole number", good, {"seed": "x"}),
        ("sigmas: noise levels above 0 that rise", good, {"sigmas": ["a"]}),
        ("basis 'foo': the noise of", tilted_run, {"basis": "foo"}),
        ("basis 'fourier': the noise of", tilted_run, {"basis": "fourier"}),
        ("sigmas: noise levels above 0 that rise", good, {"sigmas": SIGMA[::-1]}),
        ("sigmas: noise levels above 0 that rise", good, {"sigmas": np.array([np.nan])}),
        ("sigmas: noise levels above 0 that rise", good, {"sigmas": np.array([0.0, 1.0])}),
        ("'fft' is unknown", good, {"basis": "fft"}),
        ("not finite", lambda y, s: y * np.nan, {}),
        ("an estimate of each example", lambda y, s: y[:, :, 1:], {}),
        ("a trained run, or a callable", "model", {}),
        ("give a scheduler", good, {"parameterisation": "vp"}),
        ("'x0' is unknown", good, {"parameterisation": (np.array([0.9, 0.5]), "x0")}),
        ("must fall", good, {"parameterisation": (np.array([0.5, 0.9]), "epsilon")}),
        ("between 0 and 1", good, {"parameterisation": (np.array([1.0, 0.5]), "epsilon")}),
        ("was trained from", tilted_run, {"sigmas": np.array([1e-9, 1.0])}),
    ]
    for match, model, options in cases:
        with pytest.raises(InputError, match=match):
            measure_denoiser(model, x, device="cpu", **options)
    with pytest.raises(InputError, match="examples of shape"):
        measure_denoiser(tilted_run, spectra.open_source(x[..., :4]), device="cpu")
    with pytest.raises(InputError, match="1 example is too few"):
        measure_denoiser(good, x[:1], device="cpu")
    reached = {"parameterisation": (np.array([0.9, 0.5]), "epsilon")}
    with pytest.raises(InputError, match="timesteps reach"):
        measure_denoiser(good, x, device="cpu", sigmas=np.array([0.5, 9.0]), **reached)


def test_examples_are_spread_over_files() -> None:
    source = regrouped(np.zeros((30, 1, 4, 4), np.float32) + np.arange(30)[:, None, None, None], 10)
    chosen = spread_examples(source, 6)
    assert (chosen // 10).tolist() == [0, 0, 1, 1, 2, 2]
    assert (np.diff(chosen)[::2] == 5).all()
    assert chosen.tolist() == spread_examples(source, 6).tolist()
    assert spread_examples(source, 100).tolist() == list(range(30))
    assert spread_examples(source, 2**64).tolist() == list(range(30))
    assert len(spread_examples(source, 2)) == 2
    assert np.bincount(spread_examples(source, 8) // 10).tolist() == [3, 2, 3]


def test_every_place_of_a_file_is_as_likely() -> None:
    # The first windows of sounds are silent, and those of pictures are their corners.
    source = regrouped(np.zeros((4000, 1, 4, 4), np.float32), 10)
    for most, each in ((400, 1), (800, 2), (1200, 3)):
        chosen = spread_examples(source, most)
        assert len(np.unique(chosen)) == most
        count = np.bincount(chosen % 10, minlength=10)
        spread = each * 40 * (1 - each / 10)  # its variance, of 400 files
        assert np.abs(count - 40 * each).max() < 4 * np.sqrt(spread)


def test_what_small_files_lack_the_others_give() -> None:
    units = np.repeat([0, 1, 2], [1, 50, 2])
    source = in_files(np.zeros((53, 1, 4, 4), np.float32), units)
    assert np.bincount(units[spread_examples(source, 20)]).tolist() == [1, 17, 2]


def test_a_law_and_a_measurement_are_one_type() -> None:
    """Callers treat both alike: the same levels, the same methods."""
    variance = falling((1, 8, 8))
    x, _ = gaussian_source(variance, n=100)
    spectrum = spectra.analyze(x)
    found = measure_denoiser(wiener(variance), x, spectrum=spectrum, **DENSE)
    law = wiener_error(spectrum, SIGMA)
    assert type(found) is type(law)
    np.testing.assert_allclose(law.per_level() / found.per_level(), 1, atol=0.1)
    assert law.components is None
