"""The sections of a measured source: what it is, its spectrum, and what follows from it."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np

from spectra.fit import PowerLaw, fit_power_law
from spectra.fit.floors import Floor
from spectra.plots.curves import example_power
from spectra.plots.extent import channel_section, directions_section, worth_section
from spectra.plots.fields import plot_fields
from spectra.plots.frequency import failings, frequency_scale
from spectra.plots.hinge import plot_hinge
from spectra.plots.images import plot_examples, plot_log_spectra
from spectra.plots.report import Section, Table
from spectra.plots.schedule import plot_cutoff
from spectra.plots.signals import plot_spectrograms, plot_waveforms
from spectra.plots.spectrum import plot_rapsd
from spectra.schedule import FrequencyCutoff, frequency_cutoff, process
from spectra.spectrum import Spectrum

__all__ = [
    "Measured",
    "cutoff_table",
    "data_sections",
    "example_sections",
    "measured_sections",
    "spectrum_sections",
]

HINGE_TIMES = (0.1, 0.3, 0.5, 0.8)
CUTOFF_TIMES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
SECOND_THRESHOLD = 10.0


class Measured(Protocol):
    """What a Source and its Spectrum both know of an example."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def spacing(self) -> tuple[float, ...]: ...
    @property
    def axis_units(self) -> tuple[str, ...]: ...


def data_sections(images: np.ndarray, title: str) -> list[Section]:
    """Pictures [N, C, H, W] in [-1, 1], and their 2-D spectra."""
    return [
        Section(
            "data",
            "The data",
            "What was measured: one example from each of several files.",
            partial(plot_examples, images, title),
            alt=f"Examples of {title}",
            settings={"example": "×".join(map(str, images.shape[1:]))},
        ),
        Section(
            "spectra-2d",
            "Their spectra, all directions",
            "Each example above its power over horizontal and vertical frequency, with frequency "
            "0 in the middle. Bright centres: most of the power is in the coarse structure. "
            "Streaks at right angles to edges say that a direction carries more than others.",
            partial(plot_log_spectra, images[:4]),
            alt="Examples with their two-dimensional log power spectra",
            settings={"window": "hann"},
        ),
    ]


def example_sections(
    examples: np.ndarray, of: Measured, value_range: Sequence[float] | None = None
) -> list[Section]:
    """Examples [N, C, *spatial] as their field draws them; none where there are none."""
    examples = np.asarray(examples)
    if not len(examples):
        return []
    shape = {"example": "×".join(map(str, examples.shape[1:]))}
    spacing = of.spacing or (1.0,) * (examples.ndim - 2)
    units = of.axis_units or ("sample" if examples.ndim == 3 else "pixel",) * len(spacing)
    if examples.ndim == 3:
        noun = "Waveforms" if of.kind == "sound" else "Series"
        text = f"{noun} of several files, all to one scale. Of long ones the outline is drawn: "
        text += "from the least to the largest value at each place."
        figure: Any = partial(plot_waveforms, examples, spacing[0], units[0])
    elif units == ("mel", "s"):
        noun = "Log-mel spectrograms"
        text = "Clips of several files as pictures: time to the right, mel bands upwards, and "
        text += "colour for the power of a band in decibels. Each is one example."
        rate = getattr(of, "data", None) or getattr(of, "settings", {})
        figure = partial(plot_spectrograms, examples, spacing[1], rate.get("rate"))
    elif of.kind == "fields" or np.abs(examples).max() > 1 + 1e-6 or examples.shape[1] == 2:
        noun = "Fields"
        if value_range is not None:
            least, most = value_range
            examples = least + (examples + 1) * (most - least) / 2
        text = "One field from each of several files, in the data's own range."
        figure = partial(plot_fields, examples, spacing, units)
    else:
        return data_sections(examples, of.name)
    alt = f"{noun} of {of.name}"
    return [Section("data", "The data", text, figure, alt=alt, settings=shape)]


def measured_sections(
    spectrum: Spectrum,
    fit: PowerLaw,
    examples: np.ndarray | None,
    floors: Sequence[Floor] = (),
    process_name: str = "rectified-flow",
    threshold: float = 1.0,
) -> list[Section]:
    """All that a spectrum holds: its curve, directions, channels, bases, and what drowns when."""
    curve, hinge, cutoff = spectrum_sections(
        spectrum, fit, examples, process_name, threshold, floors
    )
    sections = [
        curve,
        _floor_section(spectrum, floors),
        directions_section(spectrum),
        channel_section(spectrum),
        worth_section(spectrum),
        hinge,
        cutoff,
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
    """The spectrum with its fit (and `examples` [n, C, *spatial]), the hinge, and f_max(t)."""
    singles = None
    if examples is not None and len(examples):
        singles = example_power(spectrum, examples)
    scale = frequency_scale(spectrum)
    cutoffs = [
        frequency_cutoff(spectrum, process=process_name, threshold=tau)
        for tau in (threshold, SECOND_THRESHOLD * threshold)
    ]
    holes = bool(cutoffs[0].has_holes(np.linspace(0, 1, 513)).any())
    # A spectrum without its noise: this would be no news, but it would look as if it were.
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
            partial(plot_hinge, spectrum, process(process_name), HINGE_TIMES),
            alt="Spectra of data, noise and noisy data at several times, with the elbow marked",
            settings={"process": process_name, "t": ", ".join(map(str, HINGE_TIMES))},
        ),
        Section(
            "cutoff",
            "f_max(t): which frequency drowns when",
            "The highest frequency still above the noise at time t, with its interval over files. "
            "The cut is soft: between SNR 0.1 and 10, shaded, a frequency is neither clean nor "
            "lost."
            + (
                " Hatched: the spectrum is not monotone there, and some lower frequencies have "
                "drowned already."
                if holes
                else ""
            ),
            partial(plot_cutoff, cutoffs),
            alt="Largest detectable frequency against time for two thresholds, with intervals",
            table=cutoff_table(cutoffs),
            settings={"process": process_name, "SNR thresholds": [c.threshold for c in cutoffs]},
        ),
    ]


def cutoff_table(cutoffs: Sequence[FrequencyCutoff]) -> Table:
    """f_max at a few times, for the thresholds of some cutoffs."""
    times = np.array(CUTOFF_TIMES)
    scale = frequency_scale(cutoffs[0].spectrum)
    columns, cells = ["t"], [[f"{t:g}" for t in times]]
    for cutoff in cutoffs:
        low, high = cutoff.interval(times)
        columns += [f"f_max at SNR {cutoff.threshold:g} ({scale.unit})", "95 % interval"]
        cells.append([scale.number(f) for f in cutoff.f_max(times)])
        pairs = zip(low, high, strict=True)
        cells.append([f"{scale.number(a)} – {scale.number(b)}" for a, b in pairs])
    return Table(columns, list(zip(*cells, strict=True)))


def _law_text(spectrum: Spectrum, fit: PowerLaw) -> str:
    """What the fit says, and whether it may be believed."""
    scale = frequency_scale(spectrum)
    low, high = fit.interval()
    law = f"f to the power −{fit.alpha:.2f} (95 % interval {low:.2f} to {high:.2f})"
    if fit.is_power_law:
        text = f"A power law: the mean falls as {law}, and the curve stays within "
        text += f"{fit.residual_db:.1f} dB (rms) of it."
    else:
        text = f"Not a power law: the curve {_listed(failings(fit, scale))}. The nearest law, "
        text += f"{law}, is drawn to show it."
    if fit.floor > 0:
        text += f" The fit holds a white floor of power {fit.floor:.3g} ± {fit.floor_se:.1g}."
    if fit.knee > 0:
        text += f" Below the knee at {scale.say(fit.knee)} the law is flat."
    if spectrum.unit == "Hz":
        text += " The mean of logs, unlike the mean, is not led by the loudest clips."
    if spectrum.blank:
        text += f" {spectrum.blank} blank examples have no logarithm and are in the mean alone."
    return text


def _listed(phrases: Sequence[str]) -> str:
    """Phrases of `failings` as the end of a sentence."""
    return "; it ".join(f"is {text}" if text[:1].isdigit() else text for text in phrases)


def _settings(spectrum: Spectrum) -> dict[str, Any]:
    units = "pixel = mel band × frame" if spectrum.axis_units == ("mel", "s") else ""
    found: dict[str, Any] = {
        "window": spectrum.window,
        "measured on": f"{spectrum.n} examples of {spectrum.n_files} files",
    }
    if spectrum.segment is not None:
        found["Welch segments"] = f"{spectrum.segment} samples, half overlapping"
    if spectrum.detrend != "mean":
        found["taken off"] = spectrum.detrend
    return found | ({"unit": units} if units else {})


def _fit_table(spectrum: Spectrum, fit: PowerLaw) -> Table:
    scale = frequency_scale(spectrum)
    post = fit_power_law(spectrum, method="log-resampled")
    unit = scale.unit
    rows = []
    for name, one in (
        (f"{fit.method}, {_average(fit)}", fit),
        (f"log-resampled, {_average(post)}", post),
    ):
        low, high = one.interval()
        rows.append(
            [
                name,
                f"{one.alpha:.3f} ± {one.alpha_se:.3f}",
                f"{low:.2f} – {high:.2f}",
                f"{scale.number(one.f_range[0])} – {scale.number(one.f_range[1])}",
                f"{one.residual_db:.2f}",
                "yes" if one.is_power_law else "no",
            ]
        )
    return Table(
        ["fit", "exponent", "95 % interval", f"range ({unit})", "residual (dB)", "a power law"],
        rows,
        "The fit drawn, and the one of the post this work starts from. A power law is within 3 dB "
        "of its fit and falls in every octave.",
    )


def _average(fit: PowerLaw) -> str:
    return "arithmetic mean" if fit.average == "arithmetic" else "mean of logs"


def _floor_section(spectrum: Spectrum, floors: Sequence[Floor]) -> Section | None:
    """What ends the spectrum, and how that is known."""
    if not floors:
        return None
    scale = frequency_scale(spectrum)
    rows = [
        [
            floor.name,
            scale.say(floor.frequency),
            float(floor.level),
            floor.evidence,
        ]
        for floor in floors
    ]
    return Section(
        "floors",
        "What ends the spectrum",
        "From these frequencies on the curve above is not the scene's or the sound's, but that of "
        "how it was recorded or stored. What lies beyond should not be read as a law.",
        table=Table(["found", "from", "power", "evidence"], rows),
    )
