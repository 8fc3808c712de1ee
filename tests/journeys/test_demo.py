"""The main job, small: every figure on one self-contained page, and it resumes."""

import json
from pathlib import Path

import pytest

from spectra.demo import Budget, run_demo

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


@pytest.mark.slow
def test_demo_ends_with_a_page_of_every_figure(tmp_path: Path) -> None:
    small = Budget(size=16, steps=4, batch=8, samples=8, sample_steps=2, examples=8)
    numbers, text = run_demo(tmp_path, seeds=3, seed=0, device="cpu", budget=small)
    assert text.splitlines()[-1] == str(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    for anchor in FIGURES:
        assert f'id="{anchor}"' in page
    assert page.count("<svg") >= 2 * len(FIGURES)
    assert "<script src" not in page
    assert len(page) < 5_000_000

    assert {row["verdict"] for row in numbers["differences"]} <= {"better", "worse", "undecided"}
    assert all(row["pairs"] == 3 for row in numbers["differences"])
    rules = {name: run["rule"] for name, run in numbers["runs"].items()}
    assert rules["derived-0"] == "optimal"
    assert rules["rectified-flow-0"] == "time"
    assert set(numbers["spectral_distance_on_optimised_steps"]) == set(rules)
    saved = json.loads((tmp_path / "demo.json").read_text())
    assert saved["differences"] == numbers["differences"]

    checkpoints = sorted(tmp_path.glob("runs/*/checkpoint-*.safetensors"))
    before = [path.read_bytes() for path in checkpoints]
    assert len({path.parent for path in checkpoints}) == 6
    again, _ = run_demo(tmp_path, seeds=3, seed=0, device="cpu", budget=small)
    assert [path.read_bytes() for path in checkpoints] == before
    assert again["differences"] == numbers["differences"]
