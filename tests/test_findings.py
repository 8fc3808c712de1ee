"""What the terminal and the page say of f_max(t), beside the numbers for programs."""

import numpy as np
import pytest

import spectra
from spectra.findings import TABLE_TIMES, Findings
from spectra.frequencies import cutoff_cells, number
from spectra.plots.measured import cutoff_table
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (1, 32, 32))
CUTOFF = spectra.frequency_cutoff(SPECTRUM)
LOWEST, HIGHEST = SPECTRUM.frequency[[0, -1]]
BEYOND = np.array([1e-4, 0.9999])


def test_beyond_the_rings_nothing_is_said_to_be_measured():
    np.testing.assert_allclose(CUTOFF.f_max(BEYOND), [HIGHEST, 0])
    assert cutoff_cells(CUTOFF, BEYOND) == [
        ("all", f"over {HIGHEST:.3g}"),
        ("none", f"under {LOWEST:.4f}"),
    ]


def test_an_interval_may_end_beyond_the_rings():
    times = np.linspace(0.01, 0.99, 400)
    low, high = CUTOFF.interval(times)
    for half, words in (
        ((low < HIGHEST) & (low > 0) & (high == HIGHEST), f" to over {HIGHEST:.3g}"),
        ((low == 0) & (high > 0), f"under {LOWEST:.4f} to "),
    ):
        assert half.any()
        assert all(words in interval for _, interval in cutoff_cells(CUTOFF, times[half]))


def test_terminal_and_page_say_the_same_and_programs_keep_the_numbers():
    findings = Findings(SPECTRUM, spectra.fit_power_law(SPECTRUM), cutoff=CUTOFF)
    shown = [line.split(maxsplit=2) for line in findings.lines()[-len(TABLE_TIMES) :]]
    assert [tuple(row[1:]) for row in shown] == cutoff_cells(CUTOFF, np.array(TABLE_TIMES))
    assert shown[0][1:] == ["all", f"over {HIGHEST:.3g}"]
    first = findings.numbers()["f_max"][0]
    assert first["f_max"] == first["low"] == first["high"] == pytest.approx(HIGHEST)
    table = cutoff_table([CUTOFF])
    assert list(table.rows[0][1:]) == ["all", f"over {HIGHEST:.3g}"]
    assert all("–" in row[2] or "over" in row[2] or "under" in row[2] for row in table.rows)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
def test_of_values_far_from_unit_scale_the_tables_tell_when_they_drown(scale):
    """At the usual times every row would say none, or all."""
    spectrum = known_spectrum(power_law(2.0, 1e-3 * scale), (1, 32, 32))
    cutoff = spectra.frequency_cutoff(spectrum)
    assert set(cutoff.f_max(np.array(TABLE_TIMES))) <= {0, HIGHEST}
    rows = Findings(spectrum, spectra.fit_power_law(spectrum), cutoff=cutoff).numbers()["f_max"]
    f_max = [row["f_max"] for row in rows]
    assert sorted(set(f_max), reverse=True) == f_max
    assert sum(0 < f < HIGHEST for f in f_max) >= 5
    told = [row[1] for row in cutoff_table([cutoff]).rows]
    assert sum(cell not in ("none", "all") for cell in told) >= 5
    assert len({row[0] for row in cutoff_table([cutoff]).rows}) == len(told)


def test_large_frequencies_are_told_to_what_is_known():
    assert [number(f) for f in (123456.0, 79_670_889.0)] == ["123,456", "7.97e7"]
