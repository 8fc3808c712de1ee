"""Does a schedule derived from the data pay? Five data sets, three paired seeds, one command each.

`make study DATA=photos` trains and scores for 10 to 35 minutes of two cores, goes on where it was
stopped (runs/study), and keeps the result in analysis_notebooks/results. `make bench BENCH=study`
prints what is kept, asked beside measured, and trains nothing. SPECTRA_BENCH_QUICK=1 tries a
study in a minute and keeps nothing.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import spectra
from spectra.comparison import Comparison, compare, load_comparison
from tests.benchmarks.study_data import DATA, Absent
from tests.benchmarks.study_plan import STUDY, Study
from tests.benchmarks.study_rows import judged
from tests.benchmarks.table import Row, rendered

__all__ = ["RESULTS", "STUDY", "run_study", "study"]

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "analysis_notebooks" / "results"
QUICK = "SPECTRA_BENCH_QUICK"


def quick(asked: Study) -> Study:
    """The same, to see that it runs."""
    return replace(
        asked, steps=20, seeds=2, samples=16, examples=8, evaluations=asked.evaluations[:2]
    )


def run_study(name: str, out: Path | None = None) -> Comparison:
    """Train and score one study, or go on with it.

    Raises
    ------
    Absent
        Its data are not on this machine.
    """
    asked = STUDY[name]
    trial = bool(os.environ.get(QUICK))
    asked = quick(asked) if trial else asked
    folder = out or ROOT / "runs" / ("study-quick" if trial else "study")
    data = DATA[asked.data]
    place = data.place(folder / "data")
    with _clock(folder / f"{name}-seconds.json") as seconds:
        found = compare(
            place,
            asked.arms,
            out=folder / asked.data,
            steps=asked.steps,
            batch=asked.batch,
            seeds=asked.seeds,
            solvers=asked.solvers,
            evaluations=asked.evaluations,
            samples=asked.samples,
            examples=asked.examples,
            device="cpu",
            workers=2,
            view=data.view,
            progress=lambda line: print(f"  {line}", file=sys.stderr, flush=True),
        )
    kept = replace(
        found,
        source=data.title,
        # Of the machine's paths nothing is kept.
        settings={
            **found.settings,
            "source": f"make study DATA={name}",
            "minutes": round(seconds() / 60, 1),
        },
    )
    kept.save((folder if trial else RESULTS) / f"{name}.json")
    return kept


@contextmanager
def _clock(path: Path) -> Iterator[Callable[[], float]]:
    """Seconds of all calls that kept their time at `path`, this one and those stopped included."""
    before = json.loads(path.read_text()) if path.exists() else 0.0
    begun = time.perf_counter()

    def seconds() -> float:
        return before + time.perf_counter() - begun

    try:
        yield seconds
    finally:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(seconds()))


def study() -> list[Row]:
    """Rows of every study that is kept."""
    rows = []
    for name in STUDY:
        path = RESULTS / f"{name}.json"
        if path.exists():
            rows += judged(name, load_comparison(path))
        else:
            rows.append(Row(name, "", f"not measured yet: make study DATA={name}"))
    return rows


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in STUDY]
    if unknown or not names:
        print(f"no study {', '.join(unknown)}; there are {', '.join(STUDY)}", file=sys.stderr)
        return 2
    for name in names:
        try:
            found = run_study(name)
        except Absent as reason:
            print(f"{name}: skipped, {reason}")
            continue
        except spectra.InputError as refusal:
            print(f"{name}: {refusal}", file=sys.stderr)
            return 2
        print(rendered(judged(name, found)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
