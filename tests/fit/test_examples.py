"""Every example fitted by itself: the same numbers as one at a time, and the population's mean."""

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.fit import ExponentAccumulator, fit_examples, measure_exponents
from tests.fit.coverage import (
    SCATTER,
    SET_COVERAGE,
    SIZE,
    coverage_of_scattered_sets,
    scattered_fields,
)
from tests.repeats import then_slow
from tests.spectrum.fields import power_law_fields, spectrum_of_rings


@pytest.mark.parametrize("window", ["none", "hann"])
@pytest.mark.parametrize("f_range", [None, (0.03, 0.4)])
def test_all_at_once_is_one_at_a_time(window: str, f_range: tuple[float, float] | None) -> None:
    rng = np.random.default_rng(0)
    fields = np.concatenate([power_law_fields(rng, 10, SIZE, a) for a in (0.3, 1.0, 2.0, 4.5)])
    power, _ = spectra.rapsd(fields, window=window)  # pyright: ignore[reportArgumentType]
    spectrum = spectrum_of_rings(power, SIZE, window)
    alpha, se, amplitude = fit_examples(power, spectrum, f_range=f_range)
    for i, row in enumerate(power):
        alone = spectrum_of_rings(row[None], SIZE, window)
        fit = spectra.fit_power_law(alone, f_range=f_range)
        assert alpha[i] == pytest.approx(fit.alpha, abs=1e-5)
        assert se[i] == pytest.approx(fit.alpha_se, rel=1e-4)
        assert amplitude[i] == pytest.approx(fit.amplitude, rel=1e-4)
    single = fit_examples(power.astype(np.float32), spectrum, f_range=f_range)
    np.testing.assert_allclose(single.alpha, alpha, atol=1e-4)


def test_more_examples_than_a_chunk_and_none_at_all() -> None:
    power, _ = spectra.rapsd(power_law_fields(np.random.default_rng(1), 50, SIZE, 2.0))
    spectrum = spectrum_of_rings(power, SIZE, "none")
    many = fit_examples(np.tile(power, (60, 1)), spectrum)
    few = fit_examples(power, spectrum)
    np.testing.assert_allclose(many.alpha, np.tile(few.alpha, 60), rtol=1e-12)
    assert [part.shape for part in fit_examples(power[:0], spectrum)] == [(0,)] * 3


def test_blank_and_damaged_examples_are_nan_and_counted() -> None:
    power, _ = spectra.rapsd(power_law_fields(np.random.default_rng(2), 6, SIZE, 2.0))
    spectrum = spectrum_of_rings(power, SIZE, "none")
    power[1] = 0
    power[2, 4] = 0
    power[3, 5] = np.nan
    power[4, 6] = np.inf
    fits = fit_examples(power, spectrum)
    for part in fits:
        np.testing.assert_array_equal(np.isnan(part), [False, True, True, True, True, False])
    found = ExponentAccumulator()
    found.add(fits, np.arange(6))
    exponents = found.result()
    assert (exponents.n, exponents.n_files, exponents.blank) == (2, 2, 4)
    assert exponents.mean == pytest.approx(fits.alpha[[0, 5]].mean())


def test_powers_of_other_rings_are_refused() -> None:
    spectrum = spectrum_of_rings(np.ones((2, 31)), SIZE, "none")
    with pytest.raises(InputError, match="rows of 31 rings"):
        fit_examples(np.ones((4, 30)), spectrum)
    with pytest.raises(InputError, match="rows of 31 rings"):
        fit_examples(np.ones(31), spectrum)


@pytest.mark.parametrize(("files", "draws"), then_slow([(8, 200)], [(8, 400), (50, 400)]))
def test_the_interval_of_the_mean_exponent_covers(files: int, draws: int) -> None:
    """Of examples and of the mean of logs; the mean power's exponent is another one."""
    scores = coverage_of_scattered_sets(files, draws)
    for name in ("examples", "log"):
        assert abs(scores[name].bias) < 0.02
        assert SET_COVERAGE[0] <= scores[name].coverage <= SET_COVERAGE[1]
    assert scores["arithmetic"].bias < -0.02


def test_the_summary_is_the_sample_and_adds_up() -> None:
    """Mean, spread, quantiles as numpy has them; parts add up; tiles of a file are one."""
    rng = np.random.default_rng(5)
    power, _ = spectra.rapsd(scattered_fields(rng, 300, 2.0))
    spectrum = spectrum_of_rings(power, SIZE, "none")
    fits = fit_examples(power, spectrum)

    def summary(part: slice, units: np.ndarray) -> spectra.fit.Exponents:
        found = ExponentAccumulator()
        for start in range(0, 300, 70):
            here = slice(start, start + 70)
            batch = [values[part][here] for values in fits]
            if len(batch[0]):
                found.add(spectra.fit.ExampleFits(*batch), units[part][here])
        return found.result()

    files = np.arange(300)
    whole = summary(slice(None), files)
    assert whole.mean == pytest.approx(fits.alpha.mean())
    assert whole.spread == pytest.approx(fits.alpha.std(ddof=1))
    assert whole.mean_se == pytest.approx(fits.alpha.std(ddof=1) / np.sqrt(300))
    assert whole.scatter == pytest.approx(
        np.sqrt(fits.alpha.var(ddof=1) - np.mean(fits.se**2)), rel=1e-6
    )
    assert whole.scatter == pytest.approx(SCATTER, abs=0.06)
    for share in (0.0, 0.05, 0.5, 0.95, 1.0):
        assert whole.quantile(share) == pytest.approx(
            np.quantile(fits.alpha, share, method="inverted_cdf"), abs=0.001
        )
    parts = summary(slice(0, 120), files) + summary(slice(120, None), files)
    assert parts.interval() == pytest.approx(whole.interval(), abs=1e-12)
    np.testing.assert_array_equal(parts.histogram, whole.histogram)

    tiled = summary(slice(None), files // 10)
    means = fits.alpha.reshape(30, 10).mean(axis=1)
    assert tiled.n_files == 30
    assert tiled.mean_se == pytest.approx(means.std(ddof=1) / np.sqrt(30))
    one = summary(slice(None), 0 * files)
    assert one.mean_se == pytest.approx(np.sqrt(np.sum(fits.se**2)) / 300)
    assert np.isnan(one.spread)


def test_a_source_is_read_as_its_spectrum_was() -> None:
    images = scattered_fields(np.random.default_rng(6), 40, 2.0).astype(np.float32)
    source = spectra.open_source(np.stack([images, images], axis=1))
    spectrum = spectra.analyze(source, window="hann", bases=())
    exponents = measure_exponents(source, spectrum)
    power, _ = spectra.rapsd(images, window="hann")
    assert exponents.n == 40
    assert exponents.mean == pytest.approx(fit_examples(power, spectrum).alpha.mean(), abs=1e-4)
