"""The study's arms are ones that are known; its rows tell a win from a loss; its tiles are wet."""

from pathlib import Path

import numpy as np
import pytest

import spectra
from spectra.comparison import ArmRecord, Comparison, Drawn, RunScores
from spectra.comparison.arms import parse_arms
from tests.benchmarks.study_data import DATA, Absent, rain_tiles
from tests.benchmarks.study_plan import BASELINES, MAIN, STUDY
from tests.benchmarks.study_rows import judged
from tests.shared import RADAR


@pytest.mark.parametrize("name", STUDY)
def test_arms_are_known(name: str) -> None:
    arms = parse_arms(STUDY[name].arms)
    assert len(arms) == len(STUDY[name].arms)
    assert STUDY[name].data in DATA


def comparison(bits: float, decibel: float) -> Comparison:
    """Baselines end at 4 bits/dim and 2 dB, ours at these."""
    runs = []
    for arm in MAIN:
        own, near = (4.0, 2.0) if arm in BASELINES else (bits, decibel)
        for seed in range(3):
            drawn = tuple(Drawn("heun", n, 2 * n - 1, near + 0.01 * seed, 1.0) for n in (3, 5, 10))
            curve = (own + 1.0 + 0.01 * seed, own + 0.01 * seed)
            runs.append(RunScores(arm, seed, (100, 1000), curve, 6.0, drawn, "run"))
    arms = tuple(ArmRecord(arm, arm, arm in BASELINES, {}, {}, {}) for arm in MAIN)
    settings = {"steps": 1000, "minutes": 30.0, "failed": {}}
    return Comparison("data", arms, (0, 1, 2), tuple(runs), settings)


def test_a_win_and_a_loss() -> None:
    won = {row.what: row.met for row in judged("radar", comparison(3.0, 1.0))}
    lost = {row.what: row.met for row in judged("radar", comparison(4.1, 2.4))}
    assert list(won.values()).count(False) == 1  # the time
    asked = [what for what, met in won.items() if met]
    assert len(asked) == 4 * 4 + 2
    assert [what for what in asked if lost[what]] == []


def test_half_a_hundredth_is_a_tie() -> None:
    rows = [row for row in judged("radar", comparison(4.005, 2.0)) if "bits/dim after" in row.what]
    assert [row.met for row in rows] == [True] * 4 + [None]


@pytest.mark.slow
def test_rain_tiles(tmp_path: Path) -> None:
    try:
        place = rain_tiles(tmp_path)
    except Absent as reason:
        pytest.skip(f"radar composites: {reason}")
    source = spectra.open_source(place)
    assert source.shape == (1, 16, 16)
    assert source.files[0] == "AQC1513515"
    train, away = source.split(0.2)
    assert (len(train.files), len(away.files)) == (6, 2)
    x = source.examples(range(0, len(source), 100))
    assert ((x > -1).mean(axis=(1, 2, 3)) >= 0.2).all()
    assert rain_tiles(tmp_path) == place  # made once
    # The first tile is the composite's own, to half a level.
    whole = spectra.open_source(RADAR, view="log-radar", size=320, crop="center")
    tile = int(sorted((tmp_path / "radar-rain-16").iterdir())[0].stem.split("_")[2])
    row, column = divmod(tile, 20)
    own = whole.examples([0])[0, 0, 16 * row : 16 * row + 16, 16 * column : 16 * column + 16]
    found = (source.examples([0])[0, 0] + 1) / 2 * np.log(128)
    np.testing.assert_allclose(found, own, atol=np.log(128) / 510 + 1e-6)
