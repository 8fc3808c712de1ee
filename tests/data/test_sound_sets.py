"""Sets of sound files: views, rates, lengths, channels, and files that cannot be used."""

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.data import load_manifest, sound_store
from spectra.data.spectrogram import log_mel
from spectra.data.verify import verify
from tests.repeats import then_slow
from tests.shared import AUDIO

soundfile = pytest.importorskip("soundfile")

RATE = 16_000


def noise(seed: int, frames: int, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, channels))


def write(path: Path, samples: np.ndarray, rate: int = RATE, subtype: str = "PCM_16") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=None if path.suffix == ".ogg" else subtype)


def stored(path: Path) -> np.ndarray:
    """Mono samples as the file holds them."""
    return soundfile.read(path, dtype="float32", always_2d=True)[0].mean(axis=1)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Five clips of 20,000 to 24,000 samples."""
    for i in range(5):
        write(tmp_path / f"clip{i}.wav", noise(i, 20_000 + 1000 * i))
    return tmp_path


def test_waveforms_are_tiles_in_time(clips: Path) -> None:
    source = spectra.open_source(clips)
    assert source.kind == "sound"
    assert source.shape == (1, 16_384)  # the largest power of two that nine tenths reach
    assert (source.spacing, source.axis_units) == ((1 / RATE,), ("s",))
    assert source.quantum == 2.0**-15
    assert source.files == [f"clip{i}.wav" for i in range(5)]
    small = spectra.open_source(clips, size=3000)
    assert len(small) == sum((20_000 + 1000 * i) // 3000 for i in range(5))
    whole = stored(clips / "clip0.wav")
    margin = (20_000 - 6 * 3000) // 2
    expected = whole[margin : margin + 6 * 3000].reshape(6, 1, 3000)
    np.testing.assert_array_equal(small.examples(range(6)), expected)
    np.testing.assert_array_equal(np.concatenate(list(small.batches(4)))[:6], expected)


def test_center_and_none(clips: Path) -> None:
    center = spectra.open_source(clips, size=1000, crop="center")
    assert len(center) == 5
    whole = stored(clips / "clip3.wav")
    np.testing.assert_array_equal(center.examples([3])[0, 0], whole[11_000:12_000])
    none = spectra.open_source(clips, size=22_000, crop="none")
    assert none.files == ["clip2.wav"]
    assert len(none.skipped) == 4


def test_a_log_mel_image_is_a_part_of_the_whole_spectrogram(clips: Path) -> None:
    """The columns of a tile are librosa's for the whole clip, on one fixed scale."""
    source = spectra.open_source(clips, view="log-mel", size=(64, 20))
    assert source.shape == (1, 64, 20)
    assert source.spacing == (1.0, 256 / RATE)
    assert source.axis_units == ("mel", "s")
    assert source.quantum == 0
    decibel = log_mel(stored(clips / "clip0.wav"), RATE, n_fft=1024, hop=256, n_mels=64)
    tiles = decibel.shape[1] // 20
    margin = (decibel.shape[1] - 20 * tiles) // 2
    for number in range(tiles):
        start = margin + 20 * number
        expected = (decibel[:, start : start + 20] + 30) / 70
        np.testing.assert_allclose(source.examples([number])[0, 0], expected, atol=1e-5)
    # The ends too, where frames reach over zeros.
    ends = spectra.open_source(clips, view="log-mel", size=(64, decibel.shape[1]), crop="none")
    np.testing.assert_allclose(ends.examples([0])[0, 0], (decibel + 30) / 70, atol=1e-5)


@pytest.mark.parametrize(
    ("rate", "n_fft", "bands"),
    [
        (8000, 512, 128),
        (16_000, 1024, 128),
        (22_050, 2048, 128),
        (48_000, 2048, 128),
        (1000, 64, 16),
    ],
)
def test_frames_scale_with_the_rate(tmp_path: Path, rate: int, n_fft: int, bands: int) -> None:
    write(tmp_path / "a.wav", noise(0, 3 * rate), rate)
    source = spectra.open_source(tmp_path / "a.wav", view="log-mel")
    assert source.shape[1] == bands
    assert source.spacing[1] == n_fft // 4 / rate
    values = source.examples([0])
    assert values.min() > -1  # no band is empty
    assert values.max() < 1


def test_silence_is_minus_one_and_full_scale_under_about_one(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", np.zeros(60_000), 44_100)
    write(tmp_path / "b.wav", np.sin(0.1 * np.arange(60_000)), 44_100)
    source = spectra.open_source(tmp_path, view="log-mel", size=64)
    silence, tone = source.examples([0, len(source) - 1])
    np.testing.assert_allclose(silence, -1, atol=1e-6)
    assert 0.5 < tone.max() < 1.2


def test_other_rates_are_skipped_with_the_mend_or_resampled(clips: Path) -> None:
    write(clips / "other.wav", noise(9, 60_000), 48_000)
    source = spectra.open_source(clips)
    assert [entry.name for entry in source.skipped] == ["other.wav"]
    assert "--rate 16000" in source.skipped[0].reason
    both = spectra.open_source(clips, rate=8000)
    assert not both.skipped
    assert both.spacing == (1 / 8000,)
    assert both.quantum == 0
    assert both.store.sizes[:, 0].tolist() == [10_000, 10_500, 11_000, 11_500, 12_000, 10_000]
    assert spectra.open_source(clips, **both.settings).fingerprint == both.fingerprint


@pytest.mark.parametrize("channels", ["auto", "mono", "left", "right", "stereo"])
def test_channels(tmp_path: Path, channels: str) -> None:
    samples = noise(1, 5000, 2)
    write(tmp_path / "a.wav", samples, subtype="FLOAT")
    source = spectra.open_source(tmp_path, channels=channels, crop="none")
    left, right = samples.T.astype(np.float32)
    expected = {
        "left": [left],
        "right": [right],
        "stereo": [left, right],
    }.get(channels, [(left + right) / 2])
    np.testing.assert_allclose(source.examples([0])[0], expected, atol=1e-7)
    image = spectra.open_source(tmp_path, channels=channels, view="log-mel")
    assert image.shape[0] == len(expected)


@pytest.mark.parametrize("view", ["waveform", "log-mel"])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
def test_every_way_of_reading_gives_the_same(tmp_path: Path, view: str, suffix: str) -> None:
    for i in range(4):
        write(tmp_path / f"{i}{suffix}", noise(i, 40_000 + i))
    size: Any = 5000 if view == "waveform" else (32, 16)
    source = spectra.open_source(tmp_path, view=view, size=size)
    every = source.examples(range(len(source)))
    for batch_size, workers in ((1, 1), (7, 1), (1000, 1), (7, 2)):
        parts = list(source.read(batch_size=batch_size, workers=workers))
        np.testing.assert_array_equal(np.concatenate([values for values, _ in parts]), every)
        units = np.concatenate([unit for _, unit in parts])
        np.testing.assert_array_equal(units, source.file_index)
    again = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(again.draw(1, 2, range(9)), source.draw(1, 2, range(9)))
    center = spectra.open_source(tmp_path, view=view, size=size, crop="center")
    placed = spectra.open_source(tmp_path, view=view, size=size, crop="center", rate=RATE)
    np.testing.assert_array_equal(center.examples(range(4)), placed.examples(range(4)))


def test_a_zip_is_as_its_folder(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("zip") / "clips.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(clips.iterdir()):
            archive.write(file, file.name)
    source, folder = spectra.open_source(path, size=4096), spectra.open_source(clips, size=4096)
    np.testing.assert_array_equal(source.examples(range(9)), folder.examples(range(9)))
    again = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(next(again.batches()), next(folder.batches()))


def damaged_flac(seed: int) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, noise(seed, 20_000), RATE, format="FLAC")
    data = bytearray(file.getvalue())
    at = 3 * len(data) // 4
    data[at : at + 60] = bytes(60)
    return bytes(data)


def test_a_damaged_file_is_left_out_whole_and_named(clips: Path) -> None:
    """Whichever of its tiles is read first, and however the batches fall."""
    (clips / "clip2b.flac").write_bytes(damaged_flac(7))
    source = spectra.open_source(clips, size=2000)
    good = sum((20_000 + 1000 * i) // 2000 for i in range(5))
    assert len(source) == good + 10
    for batch_size in (3, 64):
        again = spectra.open_source(clips, size=2000)
        assert sum(len(values) for values in again.batches(batch_size)) == good
        assert list(again.damage) == ["clip2b.flac"]
    first = int(np.flatnonzero(source.file_index == source.files.index("clip2b.flac"))[0])
    with pytest.raises(InputError, match="clip2b"):
        source.examples([first])  # its first tile, which by itself is sound
    drawn = source.draw(0, 0, range(200))
    fresh = spectra.open_source(clips, size=2000)
    np.testing.assert_array_equal(drawn[150:], fresh.draw(0, 0, range(150, 200)))


def test_a_long_file_is_read_by_stretches(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = spectra.open_source(clips, size=2000)
    expected = source.examples(range(len(source)))
    monkeypatch.setattr(sound_store, "WHOLE_LIMIT", 45_000)
    (clips / "long.flac").write_bytes(damaged_flac(8))
    long = spectra.open_source(clips, size=2000)
    assert not all(long.store.is_whole(file) for file in range(5))
    for workers in (1, 2):
        parts = [values for values, _ in long.read(batch_size=7, workers=workers)]
        np.testing.assert_array_equal(np.concatenate(parts), expected)
    drawn = long.draw(0, 0, range(50))
    np.testing.assert_array_equal(drawn[-9:], long.draw(0, 0, range(41, 50)))
    assert list(long.damage) == ["long.flac"]


def test_unreadable_files_are_listed_and_none_is_an_error(clips: Path) -> None:
    (clips / "empty.wav").write_bytes(b"")
    (clips / "text.wav").write_bytes(b"RIFF\0\0\0\0WAVE" + b"nonsense" * 9)
    write(clips / "nothing.wav", np.zeros((0, 1)))
    source = spectra.open_source(clips, size=1000)
    assert {entry.name for entry in source.skipped} == {"empty.wav", "text.wav", "nothing.wav"}
    assert all("\n" not in entry.reason for entry in source.skipped)
    for file in clips.glob("clip*"):
        file.unlink()
    with pytest.raises(InputError, match="none of its 3"):
        spectra.open_source(clips)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"view": "pixels"}, "waveform or log-mel"),
        ({"channels": "rgb"}, "mono"),
        ({"crop": "resize"}, "resize"),
        ({"value_range": (0, 1)}, "value_range"),
        ({"size": 30_000}, "--size 24000"),
        ({"size": (8, 8)}, "size 8x8"),
        ({"size": 5000, "crop": "none"}, "--crop"),
        ({"crop": "none"}, "--size"),
        ({"view": "log-mel", "size": (600, 8)}, "256"),
        ({"view": "log-mel", "size": (64, 5000)}, "--size 64x"),
        ({"view": "log-mel", "rate": 500}, "too low"),
    ],
)
def test_what_is_not_for_sound_is_refused_in_one_line(
    clips: Path, arguments: dict[str, Any], named: str
) -> None:
    with pytest.raises(InputError, match=named) as caught:
        spectra.open_source(clips, **arguments)
    assert "\n" not in str(caught.value)


def test_sound_beside_images_is_read_when_its_view_is_asked(clips: Path) -> None:
    from PIL import Image

    Image.new("L", (32, 32)).save(clips / "cover.png")
    assert spectra.open_source(clips).kind == "images"
    assert spectra.open_source(clips, view="log-mel", size=16).kind == "sound"


@pytest.mark.parametrize("name", then_slow(["librispeech"], ["fsdd_8k_flac.zip", "music", "esc10"]))
def test_real_sets_open(name: str) -> None:
    if not (AUDIO / name).exists():
        pytest.skip(f"no sound at ../shared/data/audio/{name}")
    for view in ("waveform", "log-mel"):
        source = spectra.open_source(AUDIO / name, view=view)
        values = source.some(4)
        assert np.isfinite(values).all()
        assert np.abs(values).max() <= 1.2


def test_the_sounds_in_the_package_are_small_and_licensed() -> None:
    source = spectra.open_source("sounds")
    assert source.kind == "sound"
    assert not source.skipped
    assert len(source.files) == 13  # five sentences of one reader are one
    assert source.licence.count("CC0") == 12
    assert source.licence.count("public domain") == 5
    folder = Path(sound_store.__file__).with_name("embedded_sounds")
    files = list(folder.iterdir())
    assert len(files) == 17
    assert sum(path.stat().st_size for path in files) <= 2.2e6
    assert sum(len(values) for values in source.batches()) == len(source)
    assert spectra.open_source("sounds", rate=44_100).shape == (1, 65_536)


@pytest.mark.parametrize("suffix", ["au", "caf", "w64"])
def test_other_containers_are_found_in_a_folder(tmp_path: Path, suffix: str) -> None:
    for number in range(3):
        kind = suffix.upper()
        soundfile.write(tmp_path / f"{number}.{suffix}", noise(number, 2000), RATE, format=kind)
    source = spectra.open_source(tmp_path)
    assert (source.kind, len(source.files), source.skipped) == ("sound", 3, [])


def test_a_sound_manifest_beside_a_picture(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / "album" / f"{number}.wav", noise(number, 2000))
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.zeros((16, 16), np.uint8)).save(tmp_path / "album" / "cover.jpg")
    write(tmp_path / "album" / "slow.wav", noise(9, 2000), RATE // 2)
    write(tmp_path / "album" / "short.wav", noise(9, 3))
    manifest = tmp_path / "mine.toml"
    manifest.write_text(
        'name = "mine"\nkind = "sound"\n'
        'licence = "CC0"\ncitation = "me"\n[location]\nfolder = "album"\n'
    )
    assert spectra.open_source(manifest).files == ["0.wav", "1.wav", "2.wav"]
    found = verify(load_manifest(manifest))
    assert found.problems == ()  # whole, if not of one rate and length
    data = bytearray((tmp_path / "album" / "slow.wav").read_bytes())
    (tmp_path / "album" / "slow.wav").write_bytes(bytes(data[: len(data) // 2]))
    assert [problem.name for problem in verify(load_manifest(manifest)).problems] == ["slow.wav"]
