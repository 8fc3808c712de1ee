"""What two data sets differ by, against closed forms and against simulation."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import spectra
from spectra.fit import exponent_difference, power_ratio
from tests.plots.conftest import power_law_images


@pytest.fixture(scope="module")
def pair() -> tuple[spectra.Spectrum, spectra.Spectrum]:
    images = power_law_images(40, (1, 16, 16))
    return spectra.analyze(images[:20], bases=()), spectra.analyze(2 * images[20:], bases=())


def test_the_interval_of_a_difference_of_exponents_is_welchs(pair):
    law = spectra.fit_power_law(pair[0])
    one = replace(law, alpha=2.5, alpha_se=0.1, degrees=9.0)
    two = replace(law, alpha=2.0, alpha_se=0.2, degrees=19.0)
    found = exponent_difference(one, two)
    # Samples of 10 and 20 with these means and standard errors, for scipy's own Welch test.
    rng = np.random.default_rng(0)
    samples = []
    for mean, error, n in ((2.5, 0.1, 10), (2.0, 0.2, 20)):
        values = stats.zscore(rng.standard_normal(n), ddof=1)
        samples.append(mean + error * n**0.5 * values)
    interval = stats.ttest_ind(*samples, equal_var=False).confidence_interval(0.95)
    np.testing.assert_allclose(found, (0.5, interval.low, interval.high), rtol=1e-9)
    assert exponent_difference(two, one)[1] == pytest.approx(-found[2])


def test_exponents_from_mode_counts_have_a_normal_interval(pair):
    law = spectra.fit_power_law(pair[0])
    exact = replace(law, alpha=1.0, alpha_se=0.3, degrees=np.inf)
    difference, low, high = exponent_difference(exact, replace(exact, alpha_se=0.4))
    assert (difference, low) == (0.0, -high)
    assert high == pytest.approx(stats.norm.ppf(0.975) * 0.5)


def test_twice_the_values_are_six_decibel(pair):
    first = pair[0]
    louder = spectra.analyze(2 * power_law_images(40, (1, 16, 16))[:20], bases=())
    ratio = power_ratio(louder, first)
    np.testing.assert_allclose(10 / np.log(10) * ratio.log_ratio, 20 * np.log10(2), atol=1e-4)
    assert (ratio.low < ratio.log_ratio).all()
    assert (ratio.log_ratio < ratio.high).all()
    assert ratio.unit == "cycles/pixel"
    same = power_ratio(first, first)
    np.testing.assert_allclose(same.log_ratio, 0, atol=1e-12)


def test_a_ratio_turned_over_is_its_mirror_image(pair):
    ratio, other = power_ratio(*pair), power_ratio(*pair[::-1])
    np.testing.assert_allclose(ratio.log_ratio, -other.log_ratio)
    np.testing.assert_allclose(ratio.low, -other.high)


def test_the_ratios_interval_covers():
    """95 % intervals of the ratio of two sets of one law hold 0 about 19 times in 20."""
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        sets = rng.standard_normal((2, 12, 1, 16, 16))
        ratio = power_ratio(*(spectra.analyze(one, bases=()) for one in sets))
        held.append((ratio.low < 0) & (ratio.high > 0))
    assert 0.92 < np.mean(held) < 0.98


def test_other_sizes_meet_at_the_rings_of_the_coarser():
    large = spectra.analyze(power_law_images(8, (1, 64, 64)), bases=())
    small = spectra.analyze(power_law_images(8, (3, 17, 23)), bases=())
    ratio = power_ratio(large, small)
    assert set(ratio.frequency) <= set(small.frequency)
    assert np.isfinite([ratio.log_ratio, ratio.low, ratio.high]).all()


def test_other_units_are_compared_by_the_sample(pair):
    first = pair[0]
    other = replace(first, spacing=(2.0, 2.0), axis_units=("km", "km"))
    assert power_ratio(first, other).unit == "cycles/sample"
    assert power_ratio(other, other).unit == other.unit == "cycles/km"


def test_no_frequency_in_common_is_said(pair):
    near, far = (
        replace(pair[0], spacing=(step, step), axis_units=("km", "km")) for step in (1.0, 1e4)
    )
    with pytest.raises(spectra.InputError, match="no range of frequencies in common"):
        power_ratio(near, far)
