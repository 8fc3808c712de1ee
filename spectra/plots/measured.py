"""The sections of a measured spectrum: its law, what ends it, and what follows from it."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from spectra.fit import PowerLaw, fit_power_law
from spectra.fit.floors import Floor
from spectra.frequencies import (
    cutoff_cells,
    failings,
    frequency_scale,
    heard_peak,
    signed,
    told_times,
)
from spectra.plots.cutoff import plot_cutoff
from spectra.plots.directions import is_spectrogram
from spectra.plots.examples import are_pictures
from spectra.plots.extent import channel_section, directions_section, worth_section
from spectra.plots.hinge import plot_hinge
from spectra.plots.lowpass import plot_lowpass
from spectra.plots.report import Section, Table
from spectra.plots.spectrum import plot_rapsd
from spectra.schedule import FrequencyCutoff, frequency_cutoff, process
from spectra.spectrum import Spectrum
from spectra.spectrum.engine import ring_power

__all__ = [
    "cutoff_table",
    "measured_sections",
    "spectrum_sections",
]

HINGE_TIMES = (0.1, 0.3, 0.5, 0.8)
HINGE_SHARES = (0.3, 0.6, 0.9, 1.1)  # of the way from the least to the greatest ln power
CUTOFF_TIMES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
CUTOFF_SHARES = (-0.1, 0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 1.05)
SECOND_THRESHOLD = 10.0
FEWEST_SPREAD = 8  # examples that have a middle 80 %


def measured_sections(
    spectrum: Spectrum,
    fit: PowerLaw,
    examples: np.ndarray | None,
    floors: Sequence[Floor] = (),
    process_name: str = "rectified-flow",
    threshold: float = 1.0,
) -> list[Section]:
    """All that a spectrum holds: its curve, directions, channels, bases, and what drowns when."""
    curve, *drowning = spectrum_sections(spectrum, fit, examples, process_name, threshold, floors)
    sections = [
        curve,
        _floor_section(spectrum, floors),
        directions_section(spectrum),
        channel_section(spectrum),
        worth_section(spectrum),
        *drowning,
    ]
    return [section for section in sections if section is not None]


def spectrum_sections(
    spectrum: Spectrum,
    fit: PowerLaw,
    examples: np.ndarray | None,
    process_name: str = "rectified-flow",
    threshold: float = 1.0,
    floors: Sequence[Floor] = (),
) -> list[Section]:
    """The spectrum with its fit (and `examples` [n, C, *spatial]), the hinge, and f_max(t).

    Where the examples are pictures, one of them follows: under noise, and low-pass filtered.
    """
    singles = None
    if examples is not None and len(examples):
        singles = ring_power(np.asarray(examples), spectrum.estimator)  # [n, C, F]
    scale = frequency_scale(spectrum)
    cutoffs = [
        frequency_cutoff(spectrum, process=process_name, threshold=tau)
        for tau in (threshold, SECOND_THRESHOLD * threshold)
    ]
    t = np.linspace(0, 1, 801)
    holes, other_holes = (bool(cutoff.has_holes(t).any()) for cutoff in cutoffs)
    times = hinge_times(spectrum, process_name)
    spread = singles if singles is not None and len(singles) >= FEWEST_SPREAD else None
    return [
        Section(
            "rapsd",
            "The spectrum of this data set",
            _law_text(spectrum, fit)
            + (
                " Thin lines are single examples: each strays far from the mean."
                if singles is not None
                else ""
            ),
            partial(plot_rapsd, spectrum, fit, singles, floors),
            alt=f"Power against {scale.label}, with the power-law fit and residuals",
            table=_fit_table(spectrum, fit),
            settings=_settings(spectrum),
        ),
        Section(
            "hinge",
            "Noise drowns it from the top" if not holes else "Noise drowns it",
            "Noise has the same power at every frequency: a flat line that rises with t. Noisy "
            "data follow the data where they stand above the line and the noise elsewhere. "
            + (
                "This spectrum rises and falls, so that there may be several elbows, where the "
                "two are equal."
                if holes
                else "The elbow, where the two are equal, moves to lower and lower frequencies."
            ),
            partial(plot_hinge, spectrum, process(process_name), times),
            alt="Spectra of data, noise and noisy data at several times, with the elbow marked",
            settings={"process": process_name, "t": ", ".join(f"{t:.9g}" for t in times)},
        ),
        Section(
            "cutoff",
            "f_max(t): which frequency drowns when",
            "The highest frequency still above the noise at time t, with its interval over files. "
            "The cut is soft: between SNR 0.1 and 10, shaded, a frequency is neither clean nor "
            "lost."
            + (
                " Dotted: the middle 80 % of single examples by their own spectra; the curve is "
                "the average's, from which single examples stray."
                if spread is not None
                else ""
            )
            + (
                " Hatched: the spectrum is not monotone there, and some lower frequencies have "
                "drowned already."
                if holes or other_holes
                else ""
            ),
            partial(plot_cutoff, cutoffs, spread),
            alt="Largest detectable frequency against time for two thresholds, with intervals",
            table=cutoff_table(cutoffs),
            settings={"process": process_name, "SNR thresholds": [c.threshold for c in cutoffs]},
        ),
        *_lowpass_sections(spectrum, examples, cutoffs[0], times, holes),
    ]


def _lowpass_sections(
    spectrum: Spectrum,
    examples: np.ndarray | None,
    cutoff: FrequencyCutoff,
    times: Sequence[float],
    holes: bool,
) -> list[Section]:
    """One picture under noise and low-pass filtered; none where there is no picture."""
    if examples is None or not len(examples) or not are_pictures(examples, spectrum):
        return []
    most_varied = int(np.argmax(np.var(examples, axis=(1, 2, 3))))  # a blank one shows nothing
    return [
        Section(
            "lowpass",
            "Noise acts as a low-pass filter",
            "One example without its frequencies over f_max(t); the same under the noise of that "
            "time; and what the best linear filter makes of the noisy one, which keeps each "
            "frequency by its signal-to-noise ratio. "
            + (
                "This spectrum rises and falls, so that the low-pass is only a rough likeness."
                if holes
                else "The first and the last agree in what they keep: that is why denoising goes "
                "from coarse to fine."
            ),
            partial(plot_lowpass, examples[most_varied], cutoff, times),
            alt="An example low-pass filtered at f_max(t), under noise, and estimated from it",
            settings={"process": cutoff.process.name, "SNR threshold": cutoff.threshold},
        )
    ]


def hinge_times(spectrum: Spectrum, process_name: str) -> tuple[float, ...]:
    """Four times at which to show noisy data: the usual ones, where noise meets them there."""
    return told_times(process(process_name), spectrum.power, HINGE_TIMES, HINGE_SHARES)


def cutoff_table(cutoffs: Sequence[FrequencyCutoff]) -> Table:
    """f_max at a few times, for the thresholds of some cutoffs."""
    first = cutoffs[0]
    times = np.array(
        told_times(
            first.process, first.spectrum.power, CUTOFF_TIMES, CUTOFF_SHARES, first.threshold
        )
    )
    scale = frequency_scale(first.spectrum)
    columns, cells = ["t"], [[f"{t:.9g}" for t in times]]
    for cutoff in cutoffs:
        columns += [f"f_max at SNR {cutoff.threshold:g} ({scale.unit})", "95 % interval"]
        cells += map(list, zip(*cutoff_cells(cutoff, times, " – "), strict=True))
    return Table(columns, list(zip(*cells, strict=True)))


def _law_text(spectrum: Spectrum, fit: PowerLaw) -> str:
    """What the fit says, and whether it may be believed."""
    scale = frequency_scale(spectrum)
    low, high = (signed(end) for end in fit.interval())
    law = f"f to the power {signed(-fit.alpha)} (exponent {signed(fit.alpha)}, 95 % interval {low} "
    law += f"to {high})"
    if fit.is_power_law:
        reach = f"{scale.number(fit.f_range[0])} to {scale.say(fit.f_range[1])}"
        text = f"A power law: the {_average(fit)} falls as {law}, and from {reach} the curve stays "
        text += f"within {fit.residual_db:.1f} dB (rms) of it."
    else:
        text = f"Not a power law: {'; '.join(failings(fit, scale))}. The nearest law, {law}, is "
        text += "drawn beside it for comparison."
    if fit.floor > 0:
        text += f" The fit holds a white floor of power {fit.floor:.3g} ± {fit.floor_se:.1g}."
    if fit.knee > 0:
        text += f" Below the knee at {scale.say(fit.knee)} the law is flat."
    if spectrum.unit == "Hz" and (peak := heard_peak(spectrum)) is not None:
        at = scale.say(spectrum.frequency[peak])
        text += f" The mean of logs, which the loudest files do not lead, is largest at {at}."
    if spectrum.blank and len(spectrum.shape) == 3:
        many = "examples have" if spectrum.blank > 1 else "example has"
        text += f" {spectrum.blank} blank {many} no logarithm and count in the mean of powers only."
    return text


def _settings(spectrum: Spectrum) -> dict[str, Any]:
    found: dict[str, Any] = {
        "window": spectrum.window,
        "measured on": f"{spectrum.n} examples of {spectrum.n_files} files",
    }
    if spectrum.segment is not None:
        found["Welch segments"] = f"{spectrum.segment} samples, half overlapping"
    if spectrum.detrend != "mean":
        found["taken off"] = spectrum.detrend
    if is_spectrogram(spectrum):
        found["a pixel is"] = "one mel band by one frame"
    return found


def _fit_table(spectrum: Spectrum, fit: PowerLaw) -> Table:
    scale = frequency_scale(spectrum)
    unit = scale.unit
    rows, fits = [], [fit]
    if fit.method != "log-resampled" and np.isfinite(spectrum.log_power).all():
        fits.append(fit_power_law(spectrum, method="log-resampled"))
    for one in fits:
        low, high = one.interval()
        rows.append(
            [
                f"{one.method}, {_average(one)}",
                f"{signed(one.alpha, 3)} ± {one.alpha_se:.3f}",
                f"{signed(low)} to {signed(high)}",
                f"{scale.number(one.f_range[0])} – {scale.number(one.f_range[1])}",
                f"{one.residual_db:.2f}",
                "yes" if one.is_power_law else "no",
            ]
        )
    return Table(
        ["fit", "exponent", "95 % interval", f"range ({unit})", "residual (dB)", "a power law"],
        rows,
        "The fit drawn, and the one of the post this work starts from. A power law stays within "
        "3 dB (rms) of its fit and falls in every octave.",
    )


def _average(fit: PowerLaw) -> str:
    return "arithmetic mean" if fit.average == "arithmetic" else "mean of logs"


def _floor_section(spectrum: Spectrum, floors: Sequence[Floor]) -> Section | None:
    """What ends the spectrum, and how that is known."""
    if not floors:
        return None
    scale = frequency_scale(spectrum)
    rows = [
        [floor.name, scale.say(floor.frequency), float(floor.level), floor.evidence]
        for floor in floors
    ]
    return Section(
        "floors",
        "What ends the spectrum",
        "Marked in the figure above. From these frequencies on the curve says how the data were "
        "recorded or stored, and no longer what they show.",
        table=Table(["found", "from", "power", "evidence"], rows),
    )
