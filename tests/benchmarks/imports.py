"""Seconds until the package, and the command's help, are there: the best of five."""

import subprocess
import sys
import time

from tests.benchmarks.table import Row

__all__ = ["imports"]

RUNS = 5
HELP = "import sys; sys.argv = ['spectra', '--help']; from spectra.cli import main; main()"


def best(code: str) -> float:
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def imports() -> list[Row]:
    rows = []
    for what, code, asked in (
        ("import spectra", "import spectra", 0.5),
        ("spectra --help", HELP, 1.0),
    ):
        measured = best(code)
        rows.append(Row(what, f"< {asked} s", f"{measured:.3f} s", measured < asked))
    return rows
