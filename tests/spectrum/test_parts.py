"""An analysis in parts: any number of workers, merges, interruptions and damaged files."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import spectra
from spectra import InputError, Spectrum
from spectra.spectrum import analysis
from spectra.spectrum import parts as parts_module
from spectra.spectrum.parts import plan_parts
from spectra.spectrum.progress import SavedProgress
from tests.hostile_schedules import parts as file_parts
from tests.hostile_schedules import rewrite
from tests.spectrum.fields import power_law_fields

BASES = ("pixel", "dct", "fourier", "pca")
EXACT = 1e-12  # relative, of merged against measured at once


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 16 examples, so that small sets have many."""
    monkeypatch.setattr(parts_module, "PART_BYTES", 1)


def fields(n: int, shape: tuple[int, int] = (16, 20), seed: int = 0) -> np.ndarray:
    return 0.3 + power_law_fields(np.random.default_rng(seed), n, shape, 2.0)[:, None] / 50


def tables(spectrum: Spectrum) -> dict[str, Any]:
    from spectra.spectrum.tables import spectrum_tables

    return spectrum_tables(spectrum)[0]


def assert_close(ours: Spectrum, theirs: Spectrum, tolerance: float) -> None:
    mine, other = tables(ours), tables(theirs)
    assert mine.keys() == other.keys()
    for name, table in other.items():
        scale = np.abs(table).max()
        np.testing.assert_allclose(
            mine[name], table, rtol=tolerance, atol=tolerance * scale, err_msg=name
        )
    assert (ours.n, ours.n_files, ours.blank) == (theirs.n, theirs.n_files, theirs.blank)


def assert_same(ours: Spectrum, theirs: Spectrum) -> None:
    mine, other = tables(ours), tables(theirs)
    assert mine.keys() == other.keys()
    for name, table in other.items():
        assert mine[name].tobytes() == table.tobytes(), name
    assert ours.skipped == theirs.skipped
    assert ours.fingerprint == theirs.fingerprint


@pytest.mark.parametrize("shape", [(16, 20), (15, 17)])
def test_ten_merged_parts_are_one_pass(shape: tuple[int, int]) -> None:
    images = np.repeat(fields(173, shape), 3, axis=1)
    images[:, 1] *= 0.5
    images[:, 2] += fields(173, shape, seed=1)[:, 0]
    pieces = [spectra.analyze(part, bases=BASES) for part in np.array_split(images, 10)]
    merged = pieces[0]
    for piece in pieces[1:]:
        merged = merged + piece
    assert_close(merged, spectra.analyze(images, bases=BASES), EXACT)


@pytest.mark.usefixtures("small_parts")
def test_the_result_does_not_depend_on_the_workers() -> None:
    images = fields(100)
    source = spectra.open_source(images)
    assert len(plan_parts(source)) >= 6
    alone = spectra.analyze(source, bases=BASES)
    for workers in (2, 5):
        assert_same(spectra.analyze(source, bases=BASES, workers=workers), alone)


@pytest.mark.usefixtures("small_parts")
def test_parts_end_where_units_end_and_cover_everything() -> None:
    source = spectra.open_source("photos", size=64)
    parts = plan_parts(source)
    assert len(parts) > 3
    assert [part.stop for part in parts[:-1]] == [part.start for part in parts[1:]]
    assert (parts[0].start, parts[-1].stop) == (0, len(source.units))
    assert sum(part.examples for part in parts) == len(source)
    seen = [set(source.units[part.start : part.stop]) for part in parts]
    assert sum(map(len, seen)) == len(set().union(*seen)) == len(source.files)


def interrupted_after(parts: int, data: Any, kept: Path, **options: Any) -> None:
    """Leave the progress of an analysis that Ctrl-C stopped once so many parts were measured."""
    real, calls = analysis.measure_part, []

    def interrupted(*arguments: Any) -> Any:
        if len(calls) == parts:
            raise KeyboardInterrupt
        calls.append(arguments)
        return real(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysis, "measure_part", interrupted)
        with pytest.raises(KeyboardInterrupt):
            spectra.analyze(data, resume=kept, **options)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("stop_after", [1, 4])
def test_interrupted_and_resumed_is_undisturbed(
    stop_after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = spectra.open_source(fields(100))
    whole = spectra.analyze(source, bases=BASES)
    kept = tmp_path / "progress.safetensors"
    interrupted_after(stop_after, source, kept, bases=BASES)
    assert kept.is_file()

    real, counted = analysis.measure_part, []
    monkeypatch.setattr(analysis, "measure_part", lambda *given: counted.append(1) or real(*given))
    assert_same(spectra.analyze(source, bases=BASES, resume=kept), whole)
    assert len(counted) == len(plan_parts(source)) - stop_after
    assert not kept.exists()


@pytest.mark.usefixtures("small_parts")
def test_gaps_filled_before_an_interruption_are_counted(tmp_path: Path) -> None:
    holed = fields(100)[:, 0]
    holed[::3, 2:6, 3:9] = np.nan

    def source() -> spectra.Source:
        return spectra.open_source(holed, nan="fill")

    kept = tmp_path / "progress.safetensors"
    interrupted_after(4, source(), kept)
    resumed = source()
    assert_same(spectra.analyze(resumed, resume=kept), spectra.analyze(source()))
    assert resumed.missing == pytest.approx(np.isnan(holed).mean())


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("damage", ["turned bit", "settings", "moments", "done"])
def test_damaged_progress_is_not_gone_on_from(damage: str, tmp_path: Path) -> None:
    source = spectra.open_source(fields(100))
    whole = spectra.analyze(source, bases=BASES)
    kept = tmp_path / "progress.safetensors"
    interrupted_after(2, source, kept, bases=BASES)
    tables, header = file_parts(kept)
    if damage == "turned bit":
        tables["moments.power.total"].view(np.uint64)[0] ^= 1 << 50
    elif damage == "settings":
        header["settings"] |= {"shape": 3, "skipped": [1], "spacing": 5}
    elif damage == "moments":
        tables["moments.log.outer"] = tables["moments.log.outer"][:1]
    else:
        header["settings"]["done"] = "1"
    rewrite(kept, tables, header)
    assert_same(spectra.analyze(source, bases=BASES, resume=kept), whole)


@pytest.mark.usefixtures("small_parts")
def test_progress_of_another_analysis_is_not_gone_on_from(tmp_path: Path) -> None:
    kept = tmp_path / "progress.safetensors"
    interrupted_after(2, fields(100), kept)
    other = fields(100, seed=5)
    assert_same(spectra.analyze(other, resume=kept), spectra.analyze(other))
    kept.write_bytes(b"damaged")
    assert_same(spectra.analyze(other, resume=kept), spectra.analyze(other))


def picture_folder(folder: Path, good: int, bad: int) -> Path:
    """Good PNGs, and PNGs cut short behind their header."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(good + bad):
        path = folder / f"{number:03d}.png"
        Image.fromarray(rng.integers(0, 256, (32, 32), np.uint8)).save(path)
        if number % (1 + good // max(bad, 1)) == 0 and bad:
            path.write_bytes(path.read_bytes()[:200])
            bad -= 1
    return folder


def test_damaged_files_are_listed_and_the_good_ones_counted(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "pictures", 40, 4)
    for workers in (1, 3):
        spectrum = spectra.analyze(str(folder), workers=workers)
        assert (spectrum.n, spectrum.n_files) == (40, 40)
        assert len(spectrum.skipped) == 4
        assert all(reason for _, reason in spectrum.skipped)


def test_too_many_damaged_files_are_refused(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "pictures", 10, 5)
    with pytest.raises(InputError, match=r"5 of 15 files cannot be read .*max-unreadable"):
        spectra.analyze(str(folder), max_unreadable=0.3)
    assert spectra.analyze(str(folder), max_unreadable=0.4).n == 10


def test_files_of_another_size_are_no_damage(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "pictures", 10, 0)
    for number in range(20):
        Image.new("L", (16, 16)).save(folder / f"small{number}.png")
    spectrum = spectra.analyze(spectra.open_source(folder, size=32), max_unreadable=0.0)
    assert (spectrum.n, len(spectrum.skipped)) == (10, 20)


def test_empty_files_are_damage(tmp_path: Path) -> None:
    folder = picture_folder(tmp_path / "pictures", 10, 0)
    for number in range(20):
        (folder / f"empty{number}.png").touch()
    with pytest.raises(InputError, match="20 of 30 files cannot be read"):
        spectra.analyze(str(folder))


@pytest.mark.parametrize("value", [0.0, 0.1, -3.3])
def test_blank_examples_have_no_logarithm_and_are_counted(value: float) -> None:
    images = fields(20)
    images[[3, 11]] = value
    spectrum = spectra.analyze(images)
    assert spectrum.blank == 2
    kept = np.delete(images, [3, 11], axis=0)
    alone = spectra.analyze(kept)
    np.testing.assert_allclose(spectrum.log_power, alone.log_power, rtol=EXACT)
    np.testing.assert_allclose(spectrum.power, alone.power * 18 / 20, rtol=1e-6)


def test_a_value_that_is_not_finite_is_named() -> None:
    images = fields(40)
    images[33, 0, 2, 2] = np.nan
    with pytest.raises(InputError, match="33"):
        spectra.analyze(images)


def test_cross_power_is_that_of_the_channels() -> None:
    rng = np.random.default_rng(0)
    first, second = fields(30)[:, 0], fields(30, seed=1)[:, 0]
    images = np.stack([first, 0.5 * first + second, rng.standard_normal(first.shape)], axis=1)
    images = images.astype(np.float32)
    spectrum = spectra.analyze(images, window="none")
    assert spectrum.cross_power is not None
    plan = spectrum.estimator.plan
    modes = np.fft.rfft2(images)
    modes[..., 0, 0] = 0
    product = np.einsum("nahw,nbhw->abhw", modes, modes.conj()).real / (30 * 16 * 20)
    rings = np.zeros((3, 3, len(plan.ring)))
    for a in range(3):
        for b in range(3):
            values = product[a, b].ravel()[plan.mode] * plan.weight
            rings[a, b] = np.bincount(plan.slot, values)
    np.testing.assert_allclose(spectrum.cross_power, rings, rtol=1e-4, atol=1e-7)
    channel = np.diagonal(spectrum.cross_power).mean(axis=1)
    np.testing.assert_allclose(channel, spectrum.power, rtol=1e-5)


def test_memory_of_a_part_is_not_kept_by_the_whole() -> None:
    """The state of an analysis is one spectrum, whatever the number of examples."""
    sizes = [
        sum(table.nbytes for table in tables(spectra.analyze(fields(n), bases=BASES)).values())
        for n in (20, 200)
    ]
    assert sizes[0] == sizes[1]


def test_analyze_settings_are_refused_by_name() -> None:
    images = fields(10)
    for given, names in (
        ({"workers": 0}, "workers"),
        ({"workers": None}, "workers"),
        ({"workers": 1.5}, "workers"),
        ({"max_unreadable": 2.0}, "max_unreadable"),
        ({"segment": 64}, "segment"),
        ({"segment": 16.5}, "segment"),
        ({"bases": "dct"}, "bases"),
        ({"detrend": "cubic"}, "cubic"),
        ({"reach": "beyond"}, "beyond"),
    ):
        with pytest.raises(InputError, match=names):
            spectra.analyze(images, **given)  # pyright: ignore[reportArgumentType]


def test_settings_are_in_the_file_and_keep_spectra_apart(tmp_path: Path) -> None:
    images = fields(30)
    plain = spectra.analyze(images[:15])
    for change in (
        {"detrend": "plane"},
        {"reach": "nyquist"},
        {"window": "periodic"},
    ):
        spectrum = spectra.analyze(images[15:], **change)  # pyright: ignore[reportArgumentType]
        spectrum.save(tmp_path / "s.safetensors")
        again = spectra.load_spectrum(tmp_path / "s.safetensors")
        for name in ("window", "detrend", "reach", "segment", "spacing", "axis_units", "blank"):
            assert getattr(again, name) == getattr(spectrum, name), name
        with pytest.raises(InputError, match=next(iter(change))):
            plain + spectrum
    assert dataclasses.replace(plain, segment=4).segment == 4


@pytest.mark.usefixtures("small_parts")
def test_torch_keeps_its_threads() -> None:
    """Also for threads begun later, and where a worker raises."""
    import torch

    def counts() -> list[int]:
        with ThreadPoolExecutor(1) as pool:
            return [torch.get_num_threads(), pool.submit(torch.get_num_threads).result()]

    images = np.random.default_rng(0).standard_normal((1600, 1, 48, 48)).astype(np.float32)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        spectra.analyze(images, workers=4)
        assert counts() == [3, 3]
        with pytest.raises(InputError, match="too large to square"):
            spectra.analyze(1e25 * images, workers=4)
        assert counts() == [3, 3]
    finally:
        torch.set_num_threads(before)


def test_a_constant_channel_and_a_mean_too_large_are_named() -> None:
    images = np.repeat(fields(20), 3, axis=1)
    images[:, 1] = 0.3
    with pytest.raises(InputError, match="channel 1 of 3 is constant"):
        spectra.analyze(images)
    silent = np.random.default_rng(0).standard_normal((20, 2, 500))
    silent[:, 1] = 0
    with pytest.raises(InputError, match="channel 1 of 2 is constant"):
        spectra.analyze(spectra.open_source(silent, view="series"))
    with pytest.raises(InputError, match=r"beside a mean of 1e\+08"):
        spectra.analyze(1e8 + fields(20))
    wave = np.cos(2 * np.pi * 4 * np.arange(32) / 32)
    tones = 0.2 + 0.1 * np.arange(1, 9)[:, None, None, None] * wave * np.ones((32, 1))
    with pytest.raises(InputError, match="14 of 15 frequencies have no power in any example"):
        spectra.analyze(tones, window="none")
    with pytest.raises(InputError, match="all examples are blank; there"):
        spectra.analyze(np.zeros((20, 1, 16, 16)))


@pytest.mark.usefixtures("small_parts")
def test_progress_of_parts_cut_elsewhere_is_not_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version may cut as many parts at other places, or keep other sums."""
    source = spectra.open_source(fields(100))
    request = parts_module.Request(spectra.analyze(source).estimator, ("dct",))
    parts = plan_parts(source)
    saved = SavedProgress.open(tmp_path / "kept", source, request, parts)
    saved.add(spectra.analyze(fields(16)), {})
    saved.save()
    assert SavedProgress.open(tmp_path / "kept", source, request, parts).done == 1
    moved = [dataclasses.replace(part, stop=part.stop - 1) for part in parts]
    assert SavedProgress.open(tmp_path / "kept", source, request, moved).done == 0
    monkeypatch.setattr("spectra.spectrum.progress.FORMAT", "1.99")
    assert SavedProgress.open(tmp_path / "kept", source, request, parts).done == 0
