"""A schedule refined by a measured denoising error: what changes, by how much, and when not."""

import re
from dataclasses import replace

import numpy as np
import pytest

import spectra
from spectra import DenoisingError, InputError, refine_schedule, wiener_error
from spectra.schedule.densities.density import schedule_density
from tests.schedule.known import known_spectrum, pca_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (1, 12, 12), quantum=2 / 255)
LEVELS = np.geomspace(2e-3, 60, 16)
T = np.linspace(0, 1, 65)


def trained(by: float, *, at: float = 0.0, spectrum: spectra.Spectrum = SPECTRUM) -> DenoisingError:
    """What does without a share of the Wiener filter's error: everywhere, or about a level."""
    wiener = wiener_error(spectrum, LEVELS)
    share = 1 - by * (np.exp(-((np.log(LEVELS / at) / 3) ** 2)) if at else np.ones(len(LEVELS)))
    return replace(wiener, name="probe", error=wiener.error * share.reshape(-1, 1, 1, 1), n=64)


def numbers(schedule: spectra.Schedule) -> list[float]:
    """Mean and deviation of training ln sigma before and after."""
    said = schedule.explanation["refined"].split(": ", 1)[1]
    return [float(x) for x in re.findall(r"-?\d+\.?\d*", said.replace("->", " "))]


def test_the_wiener_filters_own_error_gives_the_surrogates_density() -> None:
    """No structure was found yet, which is no proof that there is none: the order is kept."""
    made = refine_schedule(SPECTRUM, wiener_error(SPECTRUM, LEVELS))
    plain = spectra.derive_schedule(SPECTRUM, basis="dct")
    assert made.name == "refined"
    np.testing.assert_array_equal(made.log_snr(T), plain.log_snr(T))
    surrogate = spectra.schedule_with_density(plain, "modes")
    np.testing.assert_allclose(made.quantiles[0], surrogate.quantiles[0], atol=2e-3)


def test_structure_keeps_the_order_and_moves_the_density() -> None:
    """Much structure: strength 1 stays, and times go where this denoiser's gain falls."""
    error = trained(0.95, at=0.02)
    made = refine_schedule(SPECTRUM, error)
    plain = spectra.derive_schedule(SPECTRUM, basis="dct")
    assert made.density is not None
    noise = numbers(made)
    assert made.explanation["ordering"].startswith(
        "variance, strength 1: at 0.75 W2 of 10 Heun steps"
    )
    for schedule, told in ((plain, noise[:2]), (made, noise[2:])):
        density = schedule_density(schedule)
        assert [density.mean, density.std] == pytest.approx(told, abs=0.006)
    # The fall of the measured gain over ln sigma, a tenth spread evenly.
    level = schedule_density(made).log_sigma
    ends = {"sigma_min": float(np.exp(level[0])), "sigma_max": float(np.exp(level[-1]))}
    own = spectra.training_density(made, "modes", error=error, **ends)
    assert noise[2] == pytest.approx(0.9 * own.mean + 0.1 * level.mean(), abs=0.02)
    surrogate = spectra.training_density(made, "modes", **ends)
    assert abs(own.mean - surrogate.mean) > 0.1


@pytest.mark.parametrize("density", ["modes", "information", "pace"])
def test_the_density_is_the_named_one(density) -> None:
    error = trained(0.4, at=0.3)
    made = refine_schedule(SPECTRUM, error, density=density)
    plain = spectra.derive_schedule(SPECTRUM, basis="dct", density="pace")
    if density != "pace":
        plain = spectra.schedule_with_density(plain, density, error=error)
    np.testing.assert_array_equal(made.quantiles[0], plain.quantiles[0])
    np.testing.assert_allclose(made.log_snr(T), plain.log_snr(T), rtol=0, atol=1e-12)


def test_a_probe_worse_than_the_wiener_filter_changes_nothing() -> None:
    made = refine_schedule(SPECTRUM, trained(-0.3))
    plain = spectra.derive_schedule(SPECTRUM, basis="dct")
    np.testing.assert_array_equal(made.log_snr(T), plain.log_snr(T))
    np.testing.assert_array_equal(made.quantiles[0], plain.quantiles[0])
    assert "probe denoises 30% worse than the Wiener filter" in made.explanation["refined"]


def test_what_the_network_fails_at_is_not_taken_for_data() -> None:
    """An error above the Wiener filter's at some levels counts as the filter's there."""
    good = trained(0.5)
    failed, healed = good.error.copy(), good.error.copy()
    failed[8:] = 3 * good.wiener().error[8:]
    healed[8:] = good.wiener().error[8:]
    probe = replace(good, error=failed)
    made = refine_schedule(SPECTRUM, probe)
    plain = spectra.derive_schedule(SPECTRUM, basis="dct")
    healthy, raw = (
        spectra.schedule_with_density(plain, "modes", error=replace(good, error=error))
        for error in (healed, failed)
    )
    np.testing.assert_allclose(made.quantiles[0], healthy.quantiles[0], atol=1e-9)
    assert np.abs(made.quantiles[0] - raw.quantiles[0]).max() > 0.005


def test_the_sampler_takes_the_error_for_its_grid() -> None:
    error = trained(0.5, at=0.3)
    made = refine_schedule(SPECTRUM, error)
    for rule in ("optimal", "rescaled-entropic"):
        grid = made.grid(5, "heun", rule=rule, error=error)
        assert (np.diff(grid) < 0).all()


def test_files_keep_it(tmp_path) -> None:
    made = refine_schedule(SPECTRUM, trained(0.2))
    made.save(tmp_path / "s")
    again = spectra.load_schedule(tmp_path / "s")
    np.testing.assert_array_equal(again.quantiles[0], made.quantiles[0])
    assert again.explanation == made.explanation


@pytest.mark.parametrize("shape", [(1, 32), (3, 8, 8), (1, 9, 14)])
def test_other_shapes(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(1).normal(size=(24, *shape)).cumsum(-1)
    source = spectra.open_source(noise, view="series" if len(shape) == 2 else "pixels")
    spectrum = spectra.analyze(source, bases=("dct",), window="none")
    error = wiener_error(spectrum, LEVELS)
    rough = np.random.default_rng(0).lognormal(-0.3, 0.5, size=error.error.shape)
    made = refine_schedule(spectrum, replace(error, error=error.error * rough))
    assert np.isfinite(made.log_snr(T)).all()
    assert (np.diff(made.quantiles[0]) > 0).all()


def test_nonsense_is_refused_in_one_line() -> None:
    error = trained(0.3)
    one = replace(
        error,
        sigma=error.sigma[:1],
        error=error.error[:1],
        standard_error=error.standard_error[:1],
    )
    principal = pca_spectrum()
    turned = wiener_error(principal, LEVELS, basis="pca")
    assert turned.components is not None
    cases = (
        (SPECTRUM, one, {}, "one noise level"),
        (SPECTRUM, "probe.safetensors", {}, "error: a str is none"),
        (error, error, {}, "spectrum: a DenoisingError is none"),
        (known_spectrum(power_law(2.0), (1, 8, 8)), error, {}, "shape"),
        (SPECTRUM, replace(error, basis="wavelet"), {}, "wavelet"),
        (SPECTRUM, error, {"density": "even"}, "density"),
        (SPECTRUM, error, {"pace": "quick"}, "pace"),
        (principal, replace(turned, components=turned.components[::-1]), {}, "other principal"),
    )
    for spectrum, given, options, says in cases:
        with pytest.raises(InputError, match=says) as refusal:
            refine_schedule(spectrum, given, **options)  # pyright: ignore
        assert "\n" not in str(refusal.value)
