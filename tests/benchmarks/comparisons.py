"""Does `compare` find what is there, and nothing else?

Twenty repeats on photographs at 16 x 16: the derived schedule beside itself under another name,
trained with other seeds, and beside itself with half the steps. Each repeat is 4 paired seeds of
60 steps. About 16 minutes of two cores; SPECTRA_BENCH_OUT=FOLDER keeps the runs, and the same
command goes on where it stopped.
"""

import contextlib
import os
import tempfile
from collections import Counter
from pathlib import Path

import spectra
from tests.benchmarks.table import Row

__all__ = ["comparisons"]

REPEATS, ASKED = 20, 18
STEPS, SEEDS = 60, 4
NOTHING = ("undecided", "tied")
SAME, HALF = "itself", "half"


def comparisons() -> list[Row]:
    """How often a difference is found where there is none, and where there is one."""
    kept = os.environ.get("SPECTRA_BENCH_OUT")
    found: Counter[tuple[str, str]] = Counter()
    measures: dict[str, None] = {}
    with contextlib.nullcontext(kept) if kept else tempfile.TemporaryDirectory() as folder:
        for repeat in range(REPEATS):
            comparison = spectra.compare(
                "photos",
                ["derived", f"{SAME}=derived:seed=500", f"{HALF}=derived:steps={STEPS // 2}"],
                out=Path(folder) / f"repeat-{repeat:02d}",
                steps=STEPS,
                seeds=SEEDS,
                seed=SEEDS * repeat,
                evaluations=(9,),
                samples=128,
                examples=64,
                view={"size": 16},
            )
            for _, other, difference in comparison.contrasts():
                measure = difference.measure.split(",")[0].split(" after")[0]
                measures[measure] = None
                quiet = difference.verdict in NOTHING
                found[other, measure] += quiet if other == SAME else difference.verdict == "better"
    first = next(iter(measures))
    rows = []
    for measure in measures:
        asked = measure == first
        null, planted = found[SAME, measure], found[HALF, measure]
        rows.append(
            Row(
                f"{measure}: nothing found beside itself, other seeds",
                f">= {ASKED} of {REPEATS}" if asked else "",
                f"{null} of {REPEATS}",
                null >= ASKED if asked else None,
            )
        )
        rows.append(
            Row(
                f"{measure}: half the steps found",
                f"{REPEATS} of {REPEATS}" if asked else "",
                f"{planted} of {REPEATS}",
                planted == REPEATS if asked else None,
            )
        )
    return rows
