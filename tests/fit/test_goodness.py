"""Whether a curve is a power law: the test, what it says where it fails, and real sound."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import spectra
from spectra.spectrum.rings import ring_plan
from tests.fit.coverage import SIZE
from tests.fit.curves import exact_spectrum, spectrum_of_series
from tests.repeats import then_slow
from tests.shared import AUDIO
from tests.spectrum.fields import power_law_fields, spectrum_of_rings, white_noise


def fitted(power: np.ndarray, **options) -> spectra.PowerLaw:
    return spectra.fit_power_law(spectrum_of_rings(power, SIZE, "none"), **options)


def test_an_exact_law_passes_and_explains_everything() -> None:
    fit = spectra.fit_power_law(exact_spectrum(2.0))
    assert fit.is_power_law
    assert fit.failings == ()
    assert fit.r_squared > 0.99
    assert all(octave.slope == pytest.approx(-2, abs=0.2) for octave in fit.octaves)
    assert fit.octaves[0].low == fit.f_range[0]
    assert fit.octaves[-1].high == fit.f_range[1]
    for octave, after in pairwise(fit.octaves):
        assert octave.high == after.low
    assert fit.chi_squared == pytest.approx(fit.dispersion**2 * (fit.n_rings - 2))


def test_fields_of_a_law_pass_and_white_noise_and_bumps_do_not() -> None:
    rng = np.random.default_rng(3)
    white, _ = spectra.rapsd(white_noise(rng, 50, SIZE))
    flat = fitted(white)
    assert not flat.is_power_law
    assert flat.failings == ("the exponent's interval reaches 0",)
    fields, _ = spectra.rapsd(power_law_fields(rng, 50, SIZE, 2.0))
    assert "the exponent is below 0" in fitted(1 / fields).failings
    bump = 1 + 20 * np.exp(-(((ring_plan(SIZE).frequency - 0.12) / 0.02) ** 2))
    law, bent = fitted(fields), fitted(fields * bump)
    assert law.is_power_law
    assert law.dispersion == pytest.approx(1, abs=0.5)
    assert not bent.is_power_law
    assert bent.dispersion > 5
    assert any("dB rms" in reason for reason in bent.failings)


@pytest.mark.parametrize("alpha", [1.0, 2.0])
def test_single_images_of_a_law_seldom_fail_by_chance(alpha: float) -> None:
    power, _ = spectra.rapsd(power_law_fields(np.random.default_rng(4), 200, SIZE, alpha))
    passed = [fitted(row[None]).is_power_law for row in power]
    assert np.mean(passed) > 0.93


def test_one_rising_octave_is_named() -> None:
    """Within 3 dB everywhere, and yet no power law: it has a peak."""
    frequency = ring_plan(SIZE).frequency
    power = frequency**-1.0 * np.exp(0.6 * np.tanh(60 * (frequency - 0.09)))
    fit = fitted(np.stack([power] * 50))
    assert fit.residual_db < 3
    assert fit.departure_db < 3
    rising = [octave for octave in fit.octaves if octave.rises]
    assert len(rising) == 1
    assert rising[0].low < 0.09 < rising[0].high
    assert fit.failings == (f"rises between {rising[0].low:.3g} and {rising[0].high:.3g}",)


def test_the_lowest_octaves_count_though_they_hold_few_rings() -> None:
    """A series flat up to a hundredth of its range is a law by the ring, and is none."""
    segment, samples = 4096, 65_536
    frequency = np.arange(1, segment // 2) / segment
    flat_below = np.where(frequency < 0.005, 0.005**-3.0, frequency**-3.0)[None].repeat(3, 0)
    fit = spectra.fit_power_law(spectrum_of_series(flat_below, np.arange(3), samples, segment))
    assert fit.residual_db < 3
    assert fit.departure_db > 4
    assert not fit.is_power_law
    law = np.stack([frequency**-3.0] * 3)
    law = spectra.fit_power_law(spectrum_of_series(law, np.arange(3), samples, segment))
    assert law.is_power_law
    assert law.alpha == pytest.approx(3, abs=0.01)
    assert len(law.octaves) == 10


def clips(folder: Path, pattern: str) -> tuple[list[tuple[np.ndarray, int]], list[str]]:
    """Mono clips with their rates, and the files' names."""
    soundfile = pytest.importorskip("soundfile")
    if not folder.is_dir():
        pytest.skip(f"the sounds are not at ../shared/data/audio/{folder.name}")
    paths = sorted(folder.rglob(pattern))
    read = [soundfile.read(path, dtype="float32", always_2d=True) for path in paths]
    return [(samples.mean(axis=1), rate) for samples, rate in read], [p.name for p in paths]


@pytest.mark.parametrize(
    ("name", "pattern"), then_slow([("librispeech", "*.flac")], [("music", "*.ogg")])
)
def test_waveforms_fail_by_far_and_their_log_mel_images_pass(name: str, pattern: str) -> None:
    from spectra.data.spectrogram import log_mel
    from spectra.spectrum.periodogram import welch

    sounds, _ = clips(AUDIO / name, pattern)
    samples, power, units, images = 65_536, [], [], []
    for unit, (sound, rate) in enumerate(sounds):
        sound = sound[: 20 * samples]
        tiles = sound[: len(sound) // samples * samples].reshape(-1, samples)
        tiles = tiles[tiles.std(axis=1) > 1e-4]
        if len(tiles):
            power.append(welch(tiles, 4096)[0])
            units += [unit] * len(tiles)
        n_fft = 2048 if rate > 20_000 else 1024
        mel = log_mel(sound, rate, n_fft=n_fft, hop=n_fft // 4)
        images += [mel[:, i : i + 128] for i in range(0, mel.shape[1] - 127, 128)]

    waves = spectrum_of_series(np.concatenate(power), np.array(units), samples, 4096)
    for average in ("arithmetic", "log"):
        fit = spectra.fit_power_law(waves, average=average)
        assert not fit.is_power_law
        assert fit.departure_db > 4.5
        assert sum(octave.rises for octave in fit.octaves) >= 2
    power, _ = spectra.rapsd(np.stack(images), window="hann")
    mels = spectrum_of_rings(power[(power > 0).all(axis=1)], (128, 128), "hann")
    for average in ("arithmetic", "log"):
        fit = spectra.fit_power_law(mels, average=average)
        assert fit.is_power_law, fit.failings
        assert fit.interval()[0] > 1
