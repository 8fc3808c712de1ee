"""Power-law fits: known slopes recovered, honest intervals, and the post's recipe."""

from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import polygamma, psi

import spectra
from spectra import InputError
from spectra.spectrum.rings import ring_plan
from tests.fit.coverage import BIAS, COVERAGE, SIZE, coverage_of_fits
from tests.fit.curves import exact_spectrum
from tests.repeats import then_slow
from tests.spectrum.fields import power_law_fields, spectrum_of_rings, white_noise

DRAWS = 2000


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("window", ["none", "hann"])
def test_bias_and_coverage_on_single_synthetic_fields(window: str, alpha: float) -> None:
    """2,000 draws of one field: the interval comes from the mode counts."""
    score = coverage_of_fits(window, alpha, 1, DRAWS)
    assert abs(score.bias) < BIAS[window]
    assert COVERAGE[window][0] <= score.coverage <= COVERAGE[window][1]


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [2.0, 3.0])
@pytest.mark.parametrize("window", ["none", "hann"])
def test_bias_and_coverage_on_eight_synthetic_files(window: str, alpha: float) -> None:
    """2,000 draws of eight independent fields: the interval comes from their scatter."""
    score = coverage_of_fits(window, alpha, 8, DRAWS)
    assert abs(score.bias) < BIAS[window]
    assert COVERAGE[window][0] <= score.coverage <= COVERAGE[window][1]


@pytest.mark.parametrize(
    ("files", "scatter"), then_slow([(4, 2.0), (8, 1.0)], product((4, 8), (0.0, 1.0, 2.0)))
)
def test_interval_of_the_mean_power_covers_where_few_files_hold_most_of_it(
    files: int, scatter: float
) -> None:
    """A mean of powers is mostly that of the strongest files, which must not hide their noise."""
    rng = np.random.default_rng(0)
    plan = ring_plan(SIZE)
    hits = []
    for _ in range(300):
        level = np.exp(scatter * rng.standard_normal((files, 1)))
        noise = rng.chisquare(plan.count, (files, 31)) / plan.count
        spectrum = spectrum_of_rings(level * plan.frequency**-2.0 * noise, SIZE, "none")
        low, high = spectra.fit_power_law(spectrum).interval()
        hits.append(low <= 2 <= high)
    assert 0.92 <= np.mean(hits) <= 0.99


def test_interval_covers_where_files_differ_in_level_and_slope() -> None:
    """The scatter between files is in the interval: mode counts alone would not cover."""
    rng = np.random.default_rng(0)
    frequency = ring_plan(SIZE).frequency
    counts = ring_plan(SIZE).count
    hits, plain = [], []
    for _ in range(500):
        slope = 2 + 0.3 * rng.standard_normal((20, 1))
        level = np.exp(0.5 * rng.standard_normal((20, 1)))
        # Powers relative to a pivot, so that slopes average to 2 in the arithmetic mean too.
        power = level * (frequency / 0.1) ** -slope * rng.chisquare(counts, (20, 31)) / counts
        fit = spectra.fit_power_law(spectrum_of_rings(power, SIZE, "none"), average="log")
        low, high = fit.interval()
        hits.append(low <= 2 <= high)
        plain.append(abs(fit.alpha - 2) <= 2 * 0.119 / np.sqrt(20))
    assert 0.92 <= np.mean(hits) <= 0.98
    assert np.mean(plain) < 0.8


@pytest.mark.parametrize(
    ("method", "alpha"),
    then_slow([("weighted", 3.0)], product(("weighted", "plain"), (1.0, 2.0, 3.0))),
)
def test_amplitude_and_exponent_of_real_fields(method: Any, alpha: float) -> None:
    """2,000 fields of a known law: exponent and power at 0.1 cycles/pixel, both averages."""
    rng = np.random.default_rng(1)
    power, _ = spectra.rapsd(power_law_fields(rng, 2000, SIZE, alpha))
    spectrum = spectrum_of_rings(power, SIZE, "none")
    for average in ("arithmetic", "log"):
        fit = spectra.fit_power_law(spectrum, method=method, average=average)
        # "plain" labels ring 1 by its mean |f|, over which f^-alpha is convex: 3 % at most.
        tolerance = 0.004 if method == "weighted" else 0.04 * alpha
        assert fit.alpha == pytest.approx(alpha, abs=tolerance)
        share = 0.02 if method == "weighted" else 0.1
        assert fit.predict(np.array([0.1]))[0] == pytest.approx(0.1**-alpha, rel=share)
        assert fit.method == method
        assert fit.average == average


def test_integer_labels_bend_an_exact_law() -> None:
    """Why rings are labelled by mean |f|: k^-2 fitted, unweighted, on integer labels.

    -1.917, -1.950, -1.970, -1.982 at N = 32, 64, 128, 256 over the power of the modes.
    """
    for size, expected in ((32, -1.917), (64, -1.950), (128, -1.970), (256, -1.982)):
        radius = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)).ravel()
        plan = ring_plan((size, size))
        power = np.bincount(plan.slot, weights=plan.weight * radius[plan.mode] ** -2.0)
        slope = np.polyfit(np.log(plan.ring), np.log(power), 1)[0]
        assert slope == pytest.approx(expected, abs=2e-3)
        labelled = np.polyfit(np.log(plan.frequency), np.log(power), 1)[0]
        assert abs(labelled + 2) < abs(slope + 2) / 2


def test_moments_of_the_logarithm_of_a_ring() -> None:
    """E ln P_k = ln P + psi(n/2) - ln(n/2) and Var ln P_k = psi1(n/2), n = modes of the ring."""
    power, _ = spectra.rapsd(white_noise(np.random.default_rng(2), 20_000, (16, 16)))
    half = ring_plan((16, 16)).count / 2
    logs = np.log(power)
    error = logs.std(axis=0) / np.sqrt(len(logs))
    np.testing.assert_allclose(logs.mean(axis=0), psi(half) - np.log(half), atol=4 * error.max())
    np.testing.assert_allclose(logs.var(axis=0), polygamma(1, half), rtol=0.05)


def test_the_range_is_kept_and_reported() -> None:
    spectrum = exact_spectrum(2.0)
    fit = spectra.fit_power_law(spectrum, f_range=(0.1, 0.3))
    inside = (spectrum.frequency >= 0.1) & (spectrum.frequency <= 0.3)
    assert fit.n_rings == inside.sum()
    assert fit.f_range == (spectrum.frequency[inside][0], spectrum.frequency[inside][-1])
    assert spectra.fit_power_law(spectrum).f_range[1] <= 0.25


def test_small_examples_are_fitted_over_all_their_rings() -> None:
    """8 x 8 digits have one ring up to 0.25 cycles/pixel; unasked, all three are used."""
    digits = spectra.analyze("digits")
    assert digits.shape == (1, 8, 8)
    fit = spectra.fit_power_law(digits)
    assert fit.n_rings == 3
    assert fit.f_range == (digits.frequency[0], digits.frequency[-1])
    with pytest.raises(InputError, match="1 rings"):
        spectra.fit_power_law(digits, f_range=(0.0, 0.25))


def test_bad_requests_are_refused_by_name() -> None:
    spectrum = exact_spectrum(2.0)
    with pytest.raises(InputError, match="least-squares"):
        spectra.fit_power_law(spectrum, method="least-squares")  # pyright: ignore
    with pytest.raises(InputError, match=r"2 rings .* 3 are needed"):
        spectra.fit_power_law(spectrum, f_range=(0.0, 0.045))
    with pytest.raises(InputError, match="median"):
        spectra.fit_power_law(spectrum, average="median")  # pyright: ignore


def posts_exponent(images: np.ndarray, rapsd: Callable[..., Any]) -> float:
    """The post's recipe with pysteps and numpy alone: mean of ln RAPSD, resampled, polyfit."""
    log_power = np.mean([np.log(rapsd(image, fft_method=np.fft)) for image in images], axis=0)
    size = images.shape[-1]
    log_f = np.log(np.arange(1, len(log_power)) / size)
    points = np.linspace(log_f[0], log_f[-1], 100)
    return -float(np.polyfit(points, np.interp(points, log_f, log_power[1:]), 1)[0])


def test_posts_recipe_on_embedded_photos(pysteps_rapsd: Callable[..., Any]) -> None:
    for size in (64, 65):
        source = spectra.open_source("photos", size=size)
        spectrum = spectra.analyze(source, window="none", bases=())
        images = source.examples(range(len(source)))[:, 0].astype(np.float64)
        direct = posts_exponent(images[: 10**9 : max(1, len(images) // 400)], pysteps_rapsd)
        if len(images) > 400:
            spectrum = spectra.analyze(
                images[:: max(1, len(images) // 400)], window="none", bases=()
            )
        fit = spectra.fit_power_law(spectrum, method="log-resampled")
        assert fit.alpha == pytest.approx(direct, abs=1e-3)
        assert fit.average == "log"


def test_methods_and_averages_that_do_not_go_together_are_refused() -> None:
    spectrum = exact_spectrum(2.0)
    with pytest.raises(InputError, match="theil-sen"):
        spectra.fit_power_law(spectrum, method="theil-sen", floor="auto")
    with pytest.raises(InputError, match="whittle"):
        spectra.fit_power_law(spectrum, method="whittle", average="log")
    with pytest.raises(InputError, match="maybe"):
        spectra.fit_power_law(spectrum, knee="maybe")  # pyright: ignore


@pytest.mark.slow
def test_posts_recipe_on_bsds500(bsds500: Path, pysteps_rapsd: Callable[..., Any]) -> None:
    """256 x 256 centre crops, green channel, no window, each as pysteps and numpy have it."""
    from PIL import Image

    source = spectra.open_source(bsds500, size=256, crop="center", channels="green")
    spectrum = spectra.analyze(source, window="none", bases=())
    fit = spectra.fit_power_law(spectrum, method="log-resampled")

    images = []
    for path in sorted(bsds500.rglob("*.jpg")):
        green = np.asarray(Image.open(path).convert("RGB"))[..., 1].astype(np.float64)
        top, left = (green.shape[0] - 256) // 2, (green.shape[1] - 256) // 2
        images.append(green[top : top + 256, left : left + 256] / 127.5 - 1)
    assert spectrum.n == spectrum.n_files == len(images) == 500
    assert fit.alpha == pytest.approx(posts_exponent(np.stack(images), pysteps_rapsd), abs=1e-3)
