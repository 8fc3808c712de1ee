"""Frequencies as a reader of the field knows them: their unit, their ticks, and how to say one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spectra.fit import PowerLaw
from spectra.schedule import FrequencyCutoff, ScalarProcess
from spectra.spectrum import Spectrum

__all__ = [
    "LOWEST_HEARD_HZ",
    "FrequencyScale",
    "compact",
    "cutoff_cells",
    "failings",
    "frequency_scale",
    "heard_peak",
    "number",
    "octave_ticks",
    "signed",
    "tick_label",
    "told_times",
]

# Octaves about 20 Hz in the preferred numbers of ISO 266, as on every audio spectrum.
AUDIO_HZ = (5, 10, 20, 40, 80, 160, 315, 630, 1250, 2500, 5000, 10_000, 20_000)
LEAST_AUDIO_HZ = 500.0  # an axis that ends lower is of slower things than sound
MOST_AUDIO_HZ = 100_000.0
LOWEST_HEARD_HZ = 20.0
OF_THE_GRID = ("cycles/pixel", "cycles/sample")
FAR = (1e-2, 1e4)  # ends of an axis between which powers of 2 are short


@dataclass(frozen=True)
class FrequencyScale:
    """What turns cycles/sample into the frequency that is shown.

    Attributes
    ----------
    factor : float
        1 over the spacing of the samples.
    unit : str
    """

    factor: float = 1.0
    unit: str = "cycles/pixel"

    @property
    def label(self) -> str:
        """Of an axis."""
        return f"frequency ({self.unit})"

    def say(self, frequency: float) -> str:
        """A frequency given in cycles/sample, in words."""
        return f"{self.number(frequency)} {self.unit}"

    def number(self, frequency: float) -> str:
        """The same without its unit."""
        return number(frequency * self.factor)


def frequency_scale(spectrum: Spectrum) -> FrequencyScale:
    """How this spectrum's frequencies are shown; cycles/sample where the axes differ."""
    factor = float(spectrum.physical_frequency[0] / spectrum.frequency[0])
    return FrequencyScale(factor, spectrum.unit)


def cutoff_cells(
    cutoff: FrequencyCutoff, times: np.ndarray, between: str = " to "
) -> list[tuple[str, str]]:
    """f_max and its 95 % interval at times, for people: beyond the rings nothing is measured."""
    scale, rings = frequency_scale(cutoff.spectrum), cutoff.spectrum.frequency
    beyond = {rings[-1]: f"over {scale.number(rings[-1])}", 0.0: f"under {scale.number(rings[0])}"}
    words = {rings[-1]: "all", 0.0: "none"}
    cells = []
    for f, *ends in zip(cutoff.f_max(times), *cutoff.interval(times), strict=True):
        told = [beyond.get(end) or scale.number(end) for end in ends]
        interval = told[0] if ends[0] == ends[1] else between.join(told)
        cells.append((words.get(f) or scale.number(f), interval))
    return cells


def told_times(
    process: ScalarProcess,
    power: np.ndarray,
    usual: tuple[float, ...],
    shares: tuple[float, ...],
    threshold: float = 1.0,
) -> tuple[float, ...]:
    """Times at which to tell of noise over data: the usual ones, where it drowns some at two.

    Else, as of values far from unit scale, those at which it has drowned `shares` of the way from
    the least to the greatest ln power [F], to two digits of the way from the nearer end.
    """
    logs = np.log(power[power > 0])
    low, high = float(logs.min()), float(logs.max())
    drowned = np.log(threshold) - process.log_snr(np.array(usual))  # ln power, at usual times
    if np.count_nonzero((drowned > low) & (drowned < high)) >= 2:
        return usual
    levels = low + (high - low) * np.array(shares)
    found = process.time(np.log(threshold) - levels)
    times = [float(f"{t:.2g}") if t < 0.5 else 1 - float(f"{1 - t:.2g}") for t in found]
    return tuple(times) if len(set(times)) == len(times) else usual


def octave_ticks(low: float, high: float, unit: str) -> list[float]:
    """Octaves within an axis, falling: powers of 2, or in the range of hearing those of audio.

    Of a physical unit far from 1 no one knows powers of 2: round numbers, or their decades.
    """
    if unit == "Hz" and LEAST_AUDIO_HZ < high < MOST_AUDIO_HZ:
        return [float(hertz) for hertz in AUDIO_HZ[::-1] if low <= hertz <= high]
    if unit not in OF_THE_GRID and not FAR[0] < high < FAR[1]:
        powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.floor(np.log10(high)) + 1)
        round_ones = np.outer(powers, (1, 2, 5) if high < 100 * low else (1,)).ravel()
        return [float(f) for f in round_ones[::-1] if low <= f <= high]
    last, first = int(np.floor(np.log2(high))), int(np.ceil(np.log2(low)))
    return [2.0**k for k in range(last, first - 1, -1)]


def tick_label(frequency: float) -> str:
    """Short: 0.125, 16, 1.25k, 5e7."""
    return f"{frequency / 1000:g}k" if 1000 <= frequency < 1e6 else compact(frequency)


def compact(value: float) -> str:
    """Three digits, and a power of ten without plus sign or leading noughts: 0.02, 5e7, 2e−6."""
    digits, _, power = f"{value:.3g}".partition("e")
    return (f"{digits}e{int(power)}" if power else digits).replace("-", "−")


def heard_peak(spectrum: Spectrum) -> int | None:
    """The ring above 20 Hz with the largest mean of logs; None where there are no logarithms."""
    heard = spectrum.physical_frequency > LOWEST_HEARD_HZ
    if not (np.isfinite(spectrum.log_power).all() and heard.any()):
        return None
    return int(np.argmax(np.where(heard, spectrum.log_power, -np.inf)))


def failings(fit: PowerLaw, scale: FrequencyScale) -> Sequence[str]:
    """Why the curve is no power law, its frequencies as they are shown."""
    told = [phrase for phrase in fit.failings if not phrase.startswith("rises")]
    runs: list[list[float]] = []  # neighbouring octaves that rise are one
    for octave in fit.octaves:
        if not octave.rises:
            continue
        if runs and octave.low <= runs[-1][1] * 1.001:
            runs[-1][1] = octave.high
        else:
            runs.append([octave.low, octave.high])
    spans = [f"from {scale.number(low)} to {scale.say(high)}" for low, high in runs]
    return [*told, f"rises {' and '.join(spans)}"] if spans else told


def number(value: float) -> str:
    """Three digits, or all before the point of up to six; 0 where there is none."""
    if value == 0:
        return "0"
    if value >= 1e6:
        return compact(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:#.3g}"


def signed(value: float, digits: int = 2, plus: bool = False) -> str:
    """A number with a true minus sign, and 0 without one."""
    text = f"{value:{'+' if plus else ''}.{digits}f}"
    nought = not text.strip("+-0.")
    return text.strip("+-") if nought else text.replace("-", "−")
