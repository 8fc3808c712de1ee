"""Verdicts come from the interval of the paired difference."""

import numpy as np
import pytest
from scipy import stats

from spectra.errors import InputError
from spectra.evaluation import paired_difference


def difference(a, b, level=0.95):
    return paired_difference(np.array(a), np.array(b), measure="m", unit="u", level=level)


def test_equals_scipy_paired_t_interval() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 12))
    ours = difference(a, b)
    theirs = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert ours.low == pytest.approx(theirs.low, rel=1e-12)
    assert ours.high == pytest.approx(theirs.high, rel=1e-12)


def test_pairing_finds_what_two_wide_intervals_hide() -> None:
    small = np.array([0.10, 0.11, 0.09])
    seeds = np.array([1.0, 5.0, 9.0])  # far apart, so that the two means' intervals overlap
    assert difference(seeds - small, seeds).verdict == "better"
    assert difference(seeds + small, seeds).verdict == "worse"
    assert difference(seeds + np.array([0.10, -0.11, 0.02]), seeds).verdict == "undecided"


def test_one_pair_decides_nothing() -> None:
    assert difference([1.0], [2.0]).verdict == "undecided"


def test_false_alarms_come_at_the_stated_rate() -> None:
    rng = np.random.default_rng(1)
    verdicts = [difference(*rng.normal(size=(2, 3))).verdict for _ in range(2000)]
    share = np.mean([verdict != "undecided" for verdict in verdicts])
    assert 0.035 < share < 0.065


def test_lists_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(InputError, match="paired"):
        difference([1.0, 2.0], [1.0])
