"""`spectra demo`, timed as a whole on two cores, with what it shows."""

import tempfile
import time
from pathlib import Path

from spectra.demo import run_demo
from tests.benchmarks.table import Row

__all__ = ["demo"]

ASKED = 300  # seconds


def demo() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        numbers, _ = run_demo(Path(folder), seeds=3, seed=0, device="cpu")
        seconds = time.perf_counter() - start
    rows = [Row("the whole demo", f"under {ASKED} s", f"{seconds:.0f} s", seconds < ASKED)]
    for row in numbers["differences"]:
        interval = f"{row['low']:+.3f} to {row['high']:+.3f}"
        rows.append(
            Row(
                f"{row['arm']} less {row['other']}, {row['measure']}",
                "",
                f"{row['mean']:+.3f} {row['unit']} ({interval}): {row['verdict']}",
            )
        )
    for row in numbers["reach"]:
        shares = ", ".join(f"{share:.2f}" for share in row["shares"])  # inf: never
        rows.append(Row(f"{row['arm']}: share of the steps to {row['other']}'s end", "", shares))
    trained = {run["run"]: run for run in numbers["runs"]}.values()  # two arms share theirs
    lower = sum(run["bits"][-1] < run["gaussian"] for run in trained)
    rows.append(Row("runs below the untrained closed form", "", f"{lower} of {len(trained)}"))
    return rows
