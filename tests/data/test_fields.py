"""Fields with gaps in one and two dimensions, and weather radar."""

import os
import pickle
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra.data import arrays, open_source
from spectra.errors import InputError
from tests.shared import RADAR

RNG = np.random.default_rng(0)
FIELDS = RNG.normal(3, 1, (6, 2, 12, 16)).astype(np.float32)


def everything(source) -> np.ndarray:
    return np.concatenate(list(source.batches(4)))


def refusal(source: object, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        everything(open_source(source, **options))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def with_gaps() -> np.ndarray:
    """One field with a gap in one channel, one with a channel missing, one mostly missing."""
    fields = FIELDS.copy()
    fields[1, 0, 2:5, 3:9] = np.nan
    fields[2, 1] = np.nan
    fields[4, :, :8] = np.nan
    return fields


def test_gaps_are_filled_with_the_means_of_their_channel() -> None:
    source = open_source(with_gaps(), nan="fill")
    values = everything(source)
    assert len(values) == 5
    assert source.damage == {"4": "misses 67% of its values"}
    assert source.settings["nan"] == "fill"
    np.testing.assert_array_equal(values[[0, 3, 4]], FIELDS[[0, 3, 5]])
    kept = ~np.isnan(with_gaps()[1, 0])
    mean = FIELDS[1, 0][kept].mean(dtype=np.float64)
    np.testing.assert_array_equal(values[1, 0][kept], FIELDS[1, 0][kept])
    np.testing.assert_allclose(values[1, 0][~kept], mean, rtol=1e-6)
    np.testing.assert_array_equal(values[1, 1], FIELDS[1, 1])
    np.testing.assert_allclose(values[2, 1], FIELDS[2, 0].mean(dtype=np.float64), rtol=1e-6)
    share = (18 / (2 * 192) + 1 / 2) / 5
    assert source.store.missing == pytest.approx(share)
    np.testing.assert_array_equal(source.examples([1, 2]), values[[1, 2]])
    with pytest.raises(InputError, match="4 misses 67%"):
        source.examples([4])


def test_half_is_filled_and_more_is_not() -> None:
    fields = FIELDS[:2, :1].copy()
    fields[0, 0, :6] = np.nan
    fields[1, 0, :6] = fields[1, 0, 6, 0] = np.nan
    source = open_source(fields, nan="fill")
    assert len(everything(source)) == 1
    assert list(source.damage) == ["1"]


def test_tiles_are_filled_from_the_whole_field() -> None:
    """Wherever a tile lies, and in whatever order tiles are read."""
    whole = open_source(with_gaps(), nan="fill")
    tiles = open_source(with_gaps(), nan="fill", size=4)
    values = everything(tiles)
    assert len(values) == 5 * 3 * 4
    for number, field in enumerate(everything(whole)):
        mine = values[number * 12 : number * 12 + 12].reshape(3, 4, 2, 4, 4)
        np.testing.assert_array_equal(mine.transpose(2, 0, 3, 1, 4).reshape(2, 12, 16), field)
    fresh = open_source(with_gaps(), nan="fill", size=4)
    np.testing.assert_array_equal(fresh.examples([30, 14, 15]), tiles.examples([30, 14, 15]))
    drawn = fresh.draw(0, 0, range(40))
    assert np.isfinite(drawn).all()
    sent = pickle.loads(pickle.dumps(fresh))
    np.testing.assert_array_equal(everything(sent), values)


@pytest.mark.parametrize("scanned", [True, False])
def test_gaps_are_refused_unless_asked(scanned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not scanned:
        monkeypatch.setattr(arrays, "SCANNED", 0)
    message = refusal(with_gaps())
    assert "NaN" in message
    assert "--nan fill" in message
    assert ("3 of 6 examples" if scanned else "example 1 misses 5%") in message
    infinite = FIELDS.copy()
    infinite[3, 0, 0, 0] = np.inf
    assert "infinity" in refusal(infinite)
    assert "infinity" in refusal(infinite, nan="fill")
    np.testing.assert_array_equal(everything(open_source(FIELDS)), FIELDS)


def test_a_large_array_is_not_looked_through_when_opened(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(arrays, "SCANNED", 0)

    def never(*_: object) -> None:
        raise AssertionError("was looked through")

    monkeypatch.setattr(arrays, "_check_values", never)
    np.save(tmp_path / "a.npy", with_gaps())
    source = open_source(tmp_path / "a.npy")
    np.testing.assert_array_equal(source.examples([0, 3]), FIELDS[[0, 3]])
    with pytest.raises(InputError, match="example 2 misses 50%"):
        source.examples([0, 2])
    sent = pickle.dumps(source)
    assert len(sent) < 4000
    np.testing.assert_array_equal(pickle.loads(sent).examples([0]), FIELDS[[0]])


@pytest.mark.parametrize("scanned", [True, False])
def test_values_outside_the_range(scanned: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not scanned:
        monkeypatch.setattr(arrays, "SCANNED", 0)
    assert "outside value_range" in refusal(FIELDS, value_range=(0, 1))
    assert "outside value_range" in refusal(with_gaps(), nan="fill", value_range=(0, 1))
    counts = RNG.integers(0, 9, (3, 4, 4))
    assert "outside value_range" in refusal(counts, value_range=(0, 4))
    np.testing.assert_allclose(
        everything(open_source(counts, value_range=(0, 8)))[:, 0], counts / 4 - 1
    )


@given(st.integers(0, 2**32 - 1), st.floats(0, 0.45), st.sampled_from([np.float32, np.float64]))
def test_filling_keeps_the_mean(seed: int, share: float, dtype: type) -> None:
    rng = np.random.default_rng(seed)
    fields = rng.normal(5, 2, (3, 8, 8)).astype(dtype)
    fields[rng.random(fields.shape) < share] = np.nan
    usable = np.isnan(fields).reshape(3, -1).mean(1) <= 0.5
    source = open_source(fields, nan="fill")
    values = list(source.batches(2))
    assert sum(map(len, values)) == usable.sum()
    if usable.any():
        means = np.concatenate(values).reshape(usable.sum(), -1).mean(1, dtype=np.float64)
        expected = np.nanmean(fields[usable].reshape(usable.sum(), -1), axis=1, dtype=np.float64)
        np.testing.assert_allclose(means, expected, rtol=1e-5)


def test_series_with_gaps_and_spacing() -> None:
    series = RNG.normal(0, 1, (5, 64)).astype(np.float32)
    series[2, 10:20] = np.nan
    source = open_source(series, view="series", nan="fill", spacing=0.5)
    assert source.shape == (1, 64)
    assert source.spacing == (0.5,)
    values = everything(source)
    np.testing.assert_allclose(values[2, 0, 10:20], np.nanmean(series[2]), rtol=1e-5)
    many = open_source(series[:, None].repeat(3, 1), view="series", nan="fill")
    assert many.shape == (3, 64)
    waves = open_source(series[:2], view="waveform", spacing=1 / 8000)
    assert waves.axis_units == ("s",)
    assert open_source(FIELDS, spacing=(2, 3)).spacing == (2, 3)
    assert "rank 4" in refusal(FIELDS, view="series")
    assert "no view log-mel" in refusal(FIELDS, view="log-mel")
    assert "--view series" in refusal(series)
    assert "--spacing" in refusal(series, view="waveform", rate=8000)


@pytest.fixture
def composites() -> Path:
    if not RADAR.is_dir():
        pytest.skip("the radar composites are not at ../shared/data/fields/radar_mch")
    return RADAR


def composite(folder: Path) -> Path:
    return sorted(folder.glob("*.gif"))[0]


def test_radar_is_what_pysteps_reads(composites: Path) -> None:
    from pysteps.io.importers import import_mch_gif

    source = open_source(composites, view="radar", nan="fill")
    assert source.kind == "fields"
    assert source.shape == (1, 640, 710)
    assert len(source) == 60
    assert list(source.files) == [
        *("AQC1513515", "AQC1513516", "AQC1513517", "AQC1513518", "AQC1513519"),
        *("AQC1619320", "AQC1619321", "AQC1619322"),
    ]
    assert np.bincount(source.file_index).tolist() == [3, 12, 12, 12, 1, 3, 12, 5]
    assert source.spacing == (1.0, 1.0)
    assert source.axis_units == ("km", "km")
    amount, _, _ = import_mch_gif(str(composite(composites)), "AQC", "mm", 5.0)
    rate = amount * 12  # mm in 5 minutes -> mm/h
    values = source.examples([0])[0, 0]
    reached = np.isfinite(rate)
    np.testing.assert_allclose(values[reached], rate[reached], rtol=1e-6)
    np.testing.assert_allclose(values[~reached], rate[reached].mean(), rtol=1e-5)
    assert source.store.missing == pytest.approx((~reached).mean())
    logs = open_source(composites, view="log-radar", nan="fill").examples([0])[0, 0]
    np.testing.assert_allclose(logs[reached], np.log1p(rate[reached]), rtol=1e-6)


def test_radar_gaps_are_refused_unless_asked(composites: Path) -> None:
    message = refusal(composites, view="radar")
    assert "AQC151351545F_00005.801.gif misses 31% of its values" in message
    assert "--nan fill" in message
    assert "rate is for sound" in refusal(composites, view="radar", rate=8000)


def test_composites_read_as_pictures_are_told(composites: Path) -> None:
    with pytest.warns(UserWarning, match="radar composites.*--view log-radar"):
        assert open_source(composites, size=64).kind == "images"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        meant = open_source(composites, size=64, view="pixels")
        assert open_source(composites, **meant.settings).shape == meant.shape
        open_source(composites, view="log-radar", size=64)


def test_composites_among_a_few_pictures_are_told(
    composites: Path, tmp_path: Path, picture, write
) -> None:
    for name in sorted(composites.iterdir())[:3]:
        shutil.copy(name, tmp_path)
    write("preview.png", picture(640, 710))
    with pytest.warns(UserWarning, match="radar composites") as told:
        open_source(tmp_path, size=64)
    assert told[0].filename == __file__
    for name in ("one.png", "two.png", "three.png"):
        write(name, picture(640, 710))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        open_source(tmp_path, size=64)


def test_radar_of_one_file_and_in_tiles(composites: Path) -> None:
    one = open_source(composite(composites), view="log-radar", nan="fill")
    assert len(one) == 1
    tiles = open_source(composites, view="log-radar", nan="fill", size=128)
    assert tiles.shape == (1, 128, 128)
    assert len(tiles) == 60 * 25
    assert len(tiles.files) == 8
    assert np.isfinite(tiles.draw(0, 0, range(4))).all()


def test_radar_that_is_none(composites: Path, tmp_path: Path, picture, write) -> None:
    good = composite(composites)
    folder = write("AQC000.png", picture(640, 710))
    shutil.copy(good, folder / "AQC1.gif")
    (folder / "AQC2.gif").write_bytes(good.read_bytes()[:20_000])
    (folder / "AQC3.gif").write_bytes(good.read_bytes()[:8])
    write("AQC4.gif", picture(20, 30))
    write("other.gif", picture(20, 30))
    shutil.copy(good, folder / "XYZ.gif")
    source = open_source(folder, view="radar", nan="fill")
    reasons = {one.name: one.reason for one in source.skipped}
    assert "not 640x710" in reasons["AQC4.gif"]
    assert "no radar product" in reasons["XYZ.gif"]
    assert {one.name for one in source.skipped if not one.unfit} == {"AQC3.gif"}
    assert "other.gif" in reasons
    everything(source)
    assert "AQC2.gif" in source.damage
    assert "AQC1.gif" not in source.damage
    only = tmp_path / "only"
    only.mkdir()
    shutil.copy(good, only / "rain.gif")
    assert "no radar composites" in refusal(only, view="radar")


@pytest.mark.slow
def test_pysteps_prints_nothing(composites: Path) -> None:
    code = (
        "import sys; from spectra.data import open_source\n"
        "open_source(sys.argv[1], view='radar', nan='fill').examples([0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(composite(composites))],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.stdout == ""
