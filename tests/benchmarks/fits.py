"""Time of power-law fits, one thread: every example of a set at once, and one spectrum."""

import time
from collections.abc import Callable

import numpy as np

import spectra
from tests.benchmarks.table import Row
from tests.fit.curves import ring_draws
from tests.spectrum.fields import spectrum_of_rings

__all__ = ["fits"]

EXAMPLES = 10_000
REPEATS = 9
ASKED_US = 2.0  # an example


def fits() -> list[Row]:
    rows = []
    rng = np.random.default_rng(0)
    for size in (64, 256):
        shape = (size, size)
        empty = spectrum_of_rings(np.ones((2, (size - 1) // 2)), shape, "hann")
        power = ring_draws(rng, empty.law_power(2.0), EXAMPLES, size).astype(np.float32)
        each = _best(lambda: spectra.fit_examples(power, empty)) / EXAMPLES * 1e6  # noqa: B023
        rows.append(
            Row(
                f"fit_examples, {EXAMPLES} of {size}x{size}, an example",
                f"< {ASKED_US:g} us",
                f"{each:.2f} us",
                each < ASKED_US,
            )
        )
        single = spectrum_of_rings(power[:8].astype(float), shape, "hann")
        methods: tuple[spectra.fit.FitMethod, ...] = ("weighted", "whittle", "theil-sen")
        for method in methods:
            once = _best(lambda: spectra.fit_power_law(single, method=method))  # noqa: B023
            rows.append(Row(f"fit_power_law, {size}x{size}, {method}", "", f"{1e3 * once:.2f} ms"))
    return rows


def _best(call: Callable[[], object]) -> float:
    """The least CPU time of several calls, seconds."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)
