"""The main job, small: every figure on one self-contained page, and it resumes."""

import json
from pathlib import Path

import numpy as np
import pytest

from spectra.comparison import load_comparison
from spectra.demo import Budget, run_demo
from spectra.errors import InputError

FIGURES = (
    "data",
    "spectra-2d",
    "rapsd",
    "hinge",
    "cutoff",
    "schedule",
    "steps",
    "weighting",
    "training",
    "samples",
    "sample-spectrum",
    "comparison",
)
STEPPED = "rectified-flow on optimised steps"
SMALL = Budget(size=16, steps=4, batch=8, samples=8, evaluations=3, examples=8)


@pytest.mark.slow
def test_demo_ends_with_a_page_of_every_figure(tmp_path: Path, capsys) -> None:
    numbers, text = run_demo(tmp_path, seeds=3, seed=0, device="cpu", budget=SMALL)
    lines = text.splitlines()
    assert lines[-1] == str(tmp_path / "report.html")
    assert lines[-2].startswith("done in ")
    # Against the copied schedule: the bound and two distances; on optimised steps: these two.
    assert [line.partition(",")[0].partition(" after")[0] for line in lines[:-2]] == [
        "bits/dim",
        *["spectral distance", "Frechet distance"] * 2,
    ]
    assert "rectified-flow (" in lines[0]
    assert all(f"{STEPPED} (" in line for line in lines[3:-2])
    assert "6/6" in capsys.readouterr().err

    page = (tmp_path / "report.html").read_text()
    places = [page.index(f'id="{anchor}"') for anchor in FIGURES]
    assert places == sorted(places)
    assert page.count("<svg") >= 2 * len(FIGURES)
    assert "<script src" not in page
    assert len(page) < 5_000_000
    headings = ("derived less it", "spectral distance (dB)", "Frechet distance</th>")
    assert all(heading in page for heading in headings)

    verdicts = {row["verdict"] for row in numbers["differences"]}
    assert verdicts <= {"better", "tied", "worse", "undecided"}
    assert all(row["pairs"] == 3 for row in numbers["differences"])
    assert {row["arm"] for row in numbers["differences"]} == {"derived"}
    saved = json.loads((tmp_path / "demo.json").read_text())
    assert saved["differences"] == numbers["differences"]

    found = load_comparison(tmp_path / "compare.json")
    rules = {arm.name: arm.sampling["rule"] for arm in found.arms}
    assert rules == {"derived": "optimal", "rectified-flow": "time", STEPPED: "optimal"}
    # One training, stepped through in two ways.
    np.testing.assert_array_equal(found.bits("rectified-flow"), found.bits(STEPPED))
    apart = [found.distances(name, "spectral", 3, "heun") for name in rules]
    assert np.all(apart[1] != apart[2])

    checkpoints = sorted(tmp_path.glob("runs/*/training/checkpoint-*.safetensors"))
    before = [path.read_bytes() for path in checkpoints]
    assert len({path.parent for path in checkpoints}) == 6
    again, _ = run_demo(tmp_path, seeds=3, seed=0, device="cpu", budget=SMALL)
    assert [path.read_bytes() for path in checkpoints] == before
    assert again["differences"] == numbers["differences"]


def test_one_seed_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--seeds 1: a paired interval needs at least 2"):
        run_demo(tmp_path / "x", seeds=1, seed=0, device="cpu", budget=SMALL)
    assert not (tmp_path / "x").exists()
