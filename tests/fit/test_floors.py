"""Floors: found where they were put, by name, and not where there are none."""

import io
from dataclasses import replace

import numpy as np
import pytest

import spectra
from spectra import InputError, Spectrum
from spectra.fit import Floor, find_floors
from spectra.fit.blocks import block_excess
from tests.fit.curves import spectrum_of_series
from tests.fit.test_goodness import clips
from tests.shared import AUDIO, KODAK
from tests.spectrum.fields import power_law_fields, spectrum_of_rings, white_noise

pytestmark = pytest.mark.slow

SIZE = (128, 128)


def spectrum_of(fields: np.ndarray, window: str = "hann") -> Spectrum:
    power, _ = spectra.rapsd(fields, window=window)  # pyright: ignore[reportArgumentType]
    return spectrum_of_rings(power, fields.shape[1:], window)  # pyright: ignore[reportArgumentType]


def names(floors: tuple[Floor, ...]) -> list[str]:
    return [floor.name for floor in floors]


@pytest.mark.parametrize("window", ["none", "hann"])
@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.0, 3.0])
def test_pure_laws_have_no_floor(window: str, alpha: float) -> None:
    """Single images and sets of eight, 25 of each: one false alarm of any kind is allowed."""
    rng = np.random.default_rng(int(alpha))
    found = []
    for files in (1, 8):
        for _ in range(25):
            fields = power_law_fields(rng, files, (64, 64), alpha)
            found += find_floors(spectrum_of(fields, window), fields[:, None])
    assert len(found) <= 1, found


@pytest.mark.parametrize("files", [1, 8])
def test_white_noise_under_a_law_is_found_with_level_and_place(files: int) -> None:
    rng = np.random.default_rng(files)
    found = []
    for _ in range(20):
        fields = power_law_fields(rng, files, SIZE, 2.0) + 8 * white_noise(rng, files, SIZE)
        found += find_floors(spectrum_of(fields))
    assert len(found) >= (12 if files == 1 else 18)
    assert set(names(tuple(found))) == {"sensor noise"}
    assert np.mean([floor.level for floor in found]) == pytest.approx(64, rel=0.05)
    assert np.mean([floor.frequency for floor in found]) == pytest.approx(0.125, rel=0.1)


def test_rounding_is_found_where_the_spectrum_meets_it() -> None:
    """Values on a grid: its noise is quantum^2 / 12, and half of the power where they meet."""
    fields = power_law_fields(np.random.default_rng(0), 12, SIZE, 3.0)
    quantum = np.sqrt(12 * 0.3**-3.0)
    spectrum = spectrum_of(quantum * np.round(fields / quantum), "none")
    found = find_floors(replace(spectrum, quantum=float(quantum)))[0]
    assert found.name == "quantisation"
    assert found.level == pytest.approx(0.3**-3.0)
    assert found.frequency == pytest.approx(0.3, abs=0.03)
    fine = replace(spectrum_of(fields, "none"), quantum=float(quantum) / 10)
    assert find_floors(fine) == ()


def test_a_low_pass_is_a_cliff_and_a_steep_law_is_none() -> None:
    rng = np.random.default_rng(1)
    samples, segment, cut = 65_536, 4096, 0.36
    frequency = np.fft.rfftfreq(samples)
    frequency[0] = np.inf
    modes = np.fft.rfft(rng.standard_normal((6, samples))) * frequency**-1.0
    from spectra.spectrum.periodogram import welch

    for gain, expected in ((1e-3, ["codec cliff"]), (1.0, [])):
        sound = np.fft.irfft(modes * np.where(frequency > cut, gain, 1.0))
        found = find_floors(
            spectrum_of_series(welch(sound, segment)[0], np.arange(6), samples, segment)
        )
        assert names(found) == expected
        if found:
            assert found[0].frequency == pytest.approx(cut, rel=0.01)
    steep = power_law_fields(rng, 4, SIZE, 5.0)
    assert find_floors(spectrum_of(steep), steep[:, None]) == ()


def test_blocks_show_in_the_steps_and_other_grids_do_not() -> None:
    """Offsets added to blocks of 8 pixels; to blocks of 4, of 7 and to none."""
    rng = np.random.default_rng(2)
    fields = power_law_fields(rng, 20, SIZE, 2.0)
    fields /= fields.std()
    for side, expected in ((8, ["8-pixel blocks"]), (4, []), (7, [])):
        cells = rng.standard_normal((20, 20 + 128 // side, 20 + 128 // side))
        blocks = cells.repeat(side, axis=1).repeat(side, axis=2)[:, 3:131, 2:130]
        pictures = fields + 0.3 * blocks
        assert names(find_floors(spectrum_of(pictures), pictures[:, None])) == expected
    assert find_floors(spectrum_of(fields), fields[:, None]) == ()
    assert np.isnan(block_excess(np.zeros((3, 64, 64)))[1])
    assert find_floors(spectrum_of(fields), np.zeros((3, 1, 64, 64))) == ()
    assert find_floors(spectrum_of(fields), np.zeros((3, 1, 32, 32))) == ()
    with pytest.raises(InputError, match=r"\[3, 3\]"):
        find_floors(spectrum_of(fields), np.zeros((3, 3)))


@pytest.mark.parametrize(("quality", "expected"), [(None, False), (90, True), (30, True)])
def test_jpeg_in_photographs(quality: int | None, expected: bool) -> None:
    """Kodak's photographs, which never were JPEG, saved as such."""
    from PIL import Image

    if not KODAK.is_dir():
        pytest.skip("the Kodak photographs are not at ../shared/data/photos/kodak")
    pictures = []
    for path in sorted(KODAK.glob("*.png")):
        picture = Image.open(path).convert("L")
        if quality is not None:
            kept = io.BytesIO()
            picture.save(kept, "JPEG", quality=quality)
            picture = Image.open(kept)
        pictures.append(np.asarray(picture, np.float32)[101:357, 102:358] / 127.5 - 1)
    pictures = np.stack(pictures)
    spectrum = replace(spectrum_of(pictures), quantum=2 / 255)
    assert names(find_floors(spectrum, pictures[:, None])) == ["8-pixel blocks"] * expected


def test_ogg_music_falls_off_a_cliff_and_flac_speech_does_not() -> None:
    from spectra.spectrum.periodogram import welch

    for name, pattern, expected in (
        ("music", "*.ogg", ["codec cliff"]),
        ("librispeech", "*.flac", []),
    ):
        sounds, _ = clips(AUDIO / name, pattern)
        power, units, rates = [], [], set()
        for unit, (sound, rate) in enumerate(sounds):
            tiles = sound[: len(sound) // 65_536 * 65_536].reshape(-1, 65_536)[:10]
            tiles = tiles[tiles.std(axis=1) > 1e-4]
            if len(tiles):
                power.append(welch(tiles, 4096)[0])
                units += [unit] * len(tiles)
            rates.add(rate)
        (rate,) = rates
        spectrum = spectrum_of_series(np.concatenate(power), np.array(units), 65_536, 4096)
        found = find_floors(spectrum)
        assert names(found) == expected
        if found:
            assert 15_000 < found[0].frequency * rate < 19_000
