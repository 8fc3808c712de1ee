"""The ways to draw a line: the peers' numbers, robustness, and standard errors that are true."""

from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

import spectra
from spectra.fit.rings import Bend, read_rings
from spectra.spectrum.rings import ring_plan
from tests.fit.coverage import BIAS, COVERAGE, ROBUST_COVERAGE, SIZE, coverage_with_outliers
from tests.fit.curves import exact_spectrum, ring_draws
from tests.repeats import then_slow
from tests.spectrum.fields import power_law_fields, spectrum_of_rings


@pytest.mark.parametrize("shape", [(64, 64), (48, 200), (512, 512)])
@pytest.mark.parametrize("window", ["none", "hann"])
def test_the_bend_is_that_of_the_law(shape: tuple[int, int], window: str) -> None:
    """Polynomials in alpha give what f^-alpha gives in each ring, and their slope its slope."""
    rings = len(ring_plan(shape).ring)
    spectrum = spectrum_of_rings(np.ones((2, rings)), shape, window)
    bend = Bend.of(spectrum, np.arange(rings))
    for alpha in (-1.5, 0.0, 0.77, 2.0, 3.3, 4.4):
        exact = np.log(spectrum.law_power(alpha)) + alpha * np.log(spectrum.frequency)
        np.testing.assert_allclose(bend.at(alpha), exact, atol=1e-3 if shape[0] == 48 else 1e-6)
        rise = (bend.at(alpha + 1e-5) - bend.at(alpha - 1e-5)) / 2e-5
        np.testing.assert_allclose(bend.rise(alpha), rise, atol=1e-8)


def test_whittle_is_the_maximum_of_the_gamma_likelihood() -> None:
    """scipy, told the likelihood alone, finds the same exponent and level."""
    rng = np.random.default_rng(0)
    single = exact_spectrum(2.0)
    law = single.law_power(2.0)
    spectrum = spectrum_of_rings(ring_draws(rng, 3 * law, 1, 64), SIZE, "none")
    fit = spectra.fit_power_law(spectrum, method="whittle", f_range=(0.0, 0.5))

    def cost(theta: np.ndarray) -> float:
        expected = np.exp(theta[0]) * spectrum.law_power(theta[1])
        return float(-stats.gamma.logpdf(spectrum.power, half, scale=expected / half).sum())

    half = spectrum.count / 2
    best = optimize.minimize(cost, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-7})
    assert fit.alpha == pytest.approx(best.x[1], abs=1e-5)
    assert np.log(fit.amplitude) == pytest.approx(best.x[0], abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["whittle", "theil-sen"])
def test_other_methods_agree_with_the_default_and_cover(method: spectra.fit.FitMethod) -> None:
    """On Gaussian fields: no bias, intervals that cover, hardly wider than least squares'."""
    rng = np.random.default_rng(1)
    law = exact_spectrum(2.0, 64).law_power(2.0)
    fits, errors, default = [], [], []
    for power in ring_draws(rng, law, 600, 64):
        spectrum = spectrum_of_rings(power[None], SIZE, "none")
        fit = spectra.fit_power_law(spectrum, method=method, f_range=(0.0, 0.5))
        fits.append((fit.alpha, fit.interval()))
        errors.append(fit.alpha_se)
        default.append(spectra.fit_power_law(spectrum, f_range=(0.0, 0.5)).alpha)
    alpha = np.array([alpha for alpha, _ in fits])
    covered = np.mean([low <= 2 <= high for _, (low, high) in fits])
    assert abs(alpha.mean() - 2) < BIAS["none"]
    assert COVERAGE["none"][0] <= covered <= COVERAGE["none"][1]
    assert np.median(errors) == pytest.approx(alpha.std(), rel=0.15)
    assert alpha.std() < 1.15 * np.std(default)


def test_theil_sen_of_equal_rings_is_scipys() -> None:
    """Where all rings are alike the weighted median is that of scipy, less the bend."""
    rng = np.random.default_rng(2)
    spectrum = exact_spectrum(2.0)
    rings, _ = read_rings(spectrum, "arithmetic", (0.0, 0.5), 3)
    noisy = rings.log_power + rng.standard_normal(len(rings.log_f))
    from dataclasses import replace

    from spectra.fit.methods import theil_sen

    alike = replace(
        rings,
        log_power=noisy,
        variance=np.ones_like(noisy),
        log_f=np.arange(len(noisy)) / 10,  # equal distances: pairs of one distance count alike
        bend=replace(rings.bend, coefficients=0 * rings.bend.coefficients),
    )
    first, second = np.triu_indices(len(noisy), 1)
    slopes = (noisy[first] - noisy[second]) / (alike.log_f[second] - alike.log_f[first])
    order = np.argsort(slopes)
    weight = np.cumsum((alike.log_f[second] - alike.log_f[first])[order])
    median = slopes[order][np.searchsorted(weight, weight[-1] / 2)]
    assert theil_sen(alike).theta[1] == pytest.approx(median, abs=0.02)
    low, high = -np.array(stats.theilslopes(noisy, alike.log_f)[2:4])[::-1]
    assert low < theil_sen(alike).theta[1] < high


@pytest.mark.slow
def test_a_few_outlying_rings_leave_the_robust_fit_where_it_is() -> None:
    robust = coverage_with_outliers("theil-sen", 400)
    assert robust.coverage > ROBUST_COVERAGE
    assert abs(robust.bias) < 0.02
    spectrum = exact_spectrum(2.0)
    struck = spectrum.power.copy()
    struck[[3, 20]] *= 100
    hit = spectrum_of_rings(np.stack([struck, struck]), SIZE, "none")
    moved = {}
    for method in ("theil-sen", "weighted", "whittle"):
        before = spectra.fit_power_law(spectrum, method=method, f_range=(0.0, 0.5)).alpha
        moved[method] = abs(
            spectra.fit_power_law(hit, method=method, f_range=(0.0, 0.5)).alpha - before
        )
    assert moved["theil-sen"] < 0.01 < 0.1 < min(moved["weighted"], moved["whittle"])


def test_a_great_many_rings_take_pairs_of_evenly_spaced_distances() -> None:
    from spectra.fit.methods import MOST_PAIRS, _pairs

    for rings in (3, 100, 3000):
        first, second = _pairs(rings)
        assert (first < second).all()
        assert second.max() == rings - 1
        assert len(first) <= 2 * MOST_PAIRS
    assert len(_pairs(100)[0]) == 100 * 99 // 2


@pytest.mark.parametrize("each", [1, 4, 64])
@pytest.mark.parametrize("method", ["weighted", "plain", "theil-sen"])
def test_the_logarithm_of_a_series_is_that_of_its_whole_file(method: Any, each: int) -> None:
    noise = np.random.default_rng(each).standard_normal((200, 1, 256 * each)).astype(np.float32)
    source = spectra.open_source(noise, view="series", size=256, crop="patches")
    spectrum = spectra.analyze(source, window="none", bases=())
    fit = spectra.fit_power_law(spectrum, method=method, average="log", f_range=(0, 0.5))
    assert fit.amplitude == pytest.approx(1, abs=0.03)  # psi(1) alone would leave it at 1.78
    assert 0.75 < fit.dispersion < 1.3


@pytest.mark.parametrize(
    ("shape", "alpha", "window"),
    then_slow(
        [((32, 48), 3.0, "none"), ((32, 48), 2.0, "hann")],
        [
            ((size, size), alpha, window)
            for size in (32, 64)
            for alpha in (0.0, 1.0, 3.0)
            for window in ("none", "hann")
        ],
    ),
)
def test_a_plane_taken_off_is_no_bias(shape: tuple[int, int], alpha: float, window: str) -> None:
    """It takes a third of the first ring where the exponent is 3; the law knows by how much."""
    fields = power_law_fields(np.random.default_rng(3), 3000, shape, alpha).astype(np.float32)
    spectrum = spectra.analyze(fields, window=window, detrend="plane", bases=())
    ratio = spectrum.power / spectrum.law_power(alpha)
    error = np.sqrt(np.diagonal(spectrum.mode_covariance()) / len(fields))
    assert np.abs((ratio - 1) / error).max() < 4.5
    fit = spectra.fit_power_law(spectrum)
    assert abs(fit.alpha - alpha) < 4 * fit.alpha_se < 0.05
