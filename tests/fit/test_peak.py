"""The interval of a spectrum's peak."""

import numpy as np
import pytest

import spectra
from spectra.fit import peak_interval


def toned(files: int, jitter: float = 0.0, tone: float = 0.125) -> spectra.Spectrum:
    """Clips of a tone [cycles/sample] in white noise; its pitch strays by `jitter` octaves."""
    rng = np.random.default_rng(0)
    pitch = tone * 2 ** (jitter * rng.standard_normal((files, 1)))
    clips = np.sin(2 * np.pi * pitch * np.arange(512)) + rng.standard_normal((files, 512))
    return measured(clips)


def measured(clips: np.ndarray) -> spectra.Spectrum:
    source = spectra.open_source(clips.astype(np.float32), view="series")
    return spectra.analyze(source, segment=128, bases=())


def test_a_tone_that_all_clips_share_is_found_to_a_few_bins():
    spectrum = toned(24)
    low, high = peak_interval(spectrum, int(np.argmax(spectrum.log_power)))
    assert low <= 0.125 <= high
    assert high - low <= 2.5 / 128


def test_the_less_files_agree_the_wider_it_is():
    widths = []
    for jitter in (0.0, 0.3, 1.0):
        spectrum = toned(24, jitter)
        low, high = peak_interval(spectrum, int(np.argmax(spectrum.log_power)))
        widths.append(np.log(high / low))
    assert widths[0] < widths[1] < widths[2]


def test_of_a_flat_spectrum_it_leaves_nearly_everything():
    """The peak of white noise is anywhere."""
    rng = np.random.default_rng(1)
    spectrum = measured(rng.standard_normal((12, 512)))
    low, high = peak_interval(spectrum, int(np.argmax(spectrum.log_power)))
    assert low < 0.05
    assert high > 0.45


def test_the_level_and_the_lowest_frequency_count():
    spectrum = toned(12, 0.5)
    peak = int(np.argmax(spectrum.log_power))
    wide, narrow = (peak_interval(spectrum, peak, level) for level in (0.99, 0.5))
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]
    assert wide != narrow
    assert peak_interval(spectrum, peak, lowest=0.1)[0] >= 0.1


@pytest.mark.parametrize("told", [{"peak": -1}, {"peak": 10**6}, {"peak": 3, "level": 1.0}])
def test_bad_input_is_named_in_one_line(told):
    with pytest.raises(spectra.InputError) as caught:
        peak_interval(toned(3), **told)
    assert "\n" not in str(caught.value)
