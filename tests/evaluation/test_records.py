"""Scores read back from a run's folder, damaged ones refused, and two runs' compared."""

import json
from pathlib import Path

import pytest

import spectra
from spectra.evaluation.records import bits_difference, read_scores

GOOD = {
    "bits_per_dim": 3.5,
    "bits_per_dim_interval": [None, None],
    "bits_per_dim_by_file": {"a": 3.0, "b": 4.0, "c": 3.5},
    "octaves": [{"lowest": 0.25, "highest": 0.5, "low": -1, "high": 1, "difference_db": 0.1}],
    "scores": {"kernel": {"found": {"value": 1.0, "low": None, "high": None}, "floor": None}},
    "fingerprint": "f",
    "seed": 0,
}


def test_scores_read_back(tmp_path: Path) -> None:
    assert read_scores(tmp_path) is None
    (tmp_path / "scores.json").write_text(json.dumps(GOOD))
    assert read_scores(tmp_path) == GOOD


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "[]",
        "{",
        "[" * 100_000,
        json.dumps(GOOD | {"bits_per_dim": "low"}),
        json.dumps(GOOD | {"bits_per_dim": True}),
        json.dumps(GOOD | {"bits_per_dim_interval": 3}),
        json.dumps(GOOD | {"bits_per_dim_interval": [1]}),
        json.dumps(GOOD | {"bits_per_dim_by_file": [1, 2]}),
        json.dumps(GOOD | {"octaves": [{"lowest": 1}]}),
        json.dumps(GOOD | {"scores": {"kernel": {"found": 1}}}),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, damaged: str) -> None:
    (tmp_path / "scores.json").write_text(damaged)
    with pytest.raises(spectra.InputError, match=r"scores\.json: holds no scores") as refusal:
        read_scores(tmp_path)
    assert "\n" not in str(refusal.value)


def test_bits_are_paired_by_file() -> None:
    other = GOOD | {"bits_per_dim_by_file": {"c": 4.5, "b": 5.0, "d": 0.0, "a": 4.0}}
    found = bits_difference(other, GOOD)
    assert found is not None
    assert (found.pairs, found.mean, found.low, found.high) == (3, 1.0, 1.0, 1.0)
    assert found.verdict == "worse"


@pytest.mark.parametrize(
    "other",
    [{"fingerprint": "g"}, {"seed": 1}, {"bits_per_dim_by_file": {"a": 1.0, "b": None}}],
)
def test_what_cannot_be_paired_is_not(other: dict) -> None:
    assert bits_difference(GOOD, GOOD | other) is None
