"""The sections of a report, noun by noun: which figures fit it and what to see in them."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spectra.data import Source, open_source
from spectra.data.arrays import LEAST_SIDE
from spectra.errors import InputError
from spectra.files import table_kind
from spectra.fit import PowerLaw, fit_power_law
from spectra.fit.floors import Floor, find_floors
from spectra.frequencies import failings, frequency_scale, heard_peak, signed
from spectra.plots.beside import plot_samples_beside_data
from spectra.plots.examples import data_sections, example_sections
from spectra.plots.measured import cutoff_table, measured_sections, spectrum_sections
from spectra.plots.report import Fact, Section
from spectra.plots.scheduled import denoising_sections, schedule_sections
from spectra.plots.spectrum import plot_sample_spectrum
from spectra.plots.training import plot_training
from spectra.schedule import load_schedule, standard_beside
from spectra.schedule.steps.denoising import load_denoising_error
from spectra.spectrum import Spectrum, analyze, load_spectrum

__all__ = [
    "analysis_facts",
    "analysis_sections",
    "cutoff_table",
    "data_sections",
    "denoising_sections",
    "example_sections",
    "measured_sections",
    "open_samples",
    "sample_sections",
    "schedule_sections",
    "sections_of",
    "spectrum_sections",
    "training_sections",
]

COMPARED = "compare.json"
SHOWN = 16  # examples, at most


def analysis_sections(
    spectrum: Spectrum,
    fit: PowerLaw,
    floors: Sequence[Floor],
    examples: np.ndarray,
    process_name: str,
    threshold: float,
) -> list[Section]:
    """Everything there is to show of a measured source.

    Parameters
    ----------
    spectrum, fit, floors
        What was measured, its law, and what ends it.
    examples : [n, C, *spatial]
        A few, to be drawn.
    process_name, threshold
        Of f_max(t).
    """
    examples = np.asarray(examples)[:SHOWN]
    return [
        *example_sections(examples, spectrum, spectrum.data.get("value_range")),
        *measured_sections(spectrum, fit, examples, floors, process_name, threshold),
    ]


def analysis_facts(spectrum: Spectrum, fit: PowerLaw, floors: Sequence[Floor]) -> list[Fact]:
    """The summary of a measured source: its law, its peak or size, and what ends it."""
    scale = frequency_scale(spectrum)
    low, high = (signed(end) for end in fit.interval())
    between = f"95 % interval {low} to {high}"
    facts = [
        Fact("exponent", signed(fit.alpha), f"{between}, {fit.method} fit"),
        Fact(
            "a power law?",
            "yes" if fit.is_power_law else "no",
            "; ".join(failings(fit, scale)) or f"{fit.residual_db:.1f} dB (rms) from the fit",
        ),
    ]
    if spectrum.unit == "Hz" and (peak := heard_peak(spectrum)) is not None:
        at = scale.say(spectrum.frequency[peak])
        facts.append(Fact("peak", at, "of the mean of logs, above 20 Hz"))
    if floors:
        first = min(floors, key=lambda floor: floor.frequency)
        facts.append(Fact("what ends it", first.name, f"from {scale.say(first.frequency)}"))
    return facts


def training_sections(logs: Mapping[str, Sequence[Mapping[str, Any]]], text: str) -> list[Section]:
    """Training curves."""
    return [
        Section(
            "training",
            "Training",
            text,
            partial(plot_training, logs),
            alt="Training loss against step for each run",
            settings={"runs": ", ".join(logs)},
        )
    ]


def sample_sections(
    samples: Mapping[str, np.ndarray], data: np.ndarray, reference: Spectrum, settings: Any
) -> list[Section]:
    """Samples beside data, and their spectra over the data's (arithmetic means both)."""
    curves = {name: _curve(_spectrum_of(drawn, reference)) for name, drawn in samples.items()}
    return [
        Section(
            "samples",
            "Samples beside data",
            "Drawn from the first run of each schedule, next to examples that it has not seen.",
            partial(plot_samples_beside_data, samples, data, reference),
            alt="Generated samples beside examples of the data",
            settings=settings,
        ),
        Section(
            "sample-spectrum",
            "The spectrum of the samples over that of the data",
            "A faithful model puts the right power at every frequency. Below: how far each is "
            "off, in decibels; 3 dB is a factor of two.",
            partial(plot_sample_spectrum, curves, _curve(reference)),
            alt="Spectrum of the samples of each schedule over the spectrum of the data",
            settings=settings,
        ),
    ]


def sections_of(path: Path) -> tuple[list[Section], str]:
    """Every section that fits a file or run folder, and a title.

    Raises
    ------
    InputError
        It is no spectrum, schedule or denoising .safetensors, run folder, samples .npy or
        compare.json.
    """
    if path.suffix == ".json" or (path / COMPARED).is_file():
        from spectra.comparison import load_comparison
        from spectra.plots.compared import compared_sections

        found = load_comparison(path / COMPARED if path.is_dir() else path)
        return compared_sections(found), f"Which schedule pays on {found.source}?"
    if path.is_dir():
        from spectra.diffusion import load_run

        run = load_run(path)
        text = f"Loss “{run.config['loss']}” over {run.step} steps."
        sections = schedule_sections(run.schedule, standard_beside(run.schedule))
        if run.log:
            sections += training_sections({path.name: run.log}, text)
        return sections, f"Run {path.name}"
    if path.suffix == ".npy" and path.is_file():
        source = open_samples(path)
        sections = example_sections(source.some(12), source, source.settings["value_range"])
        return sections, f"Samples {path.name}"
    kind = table_kind(path)
    if kind == "spectrum":
        spectrum = load_spectrum(path)
        sections = measured_sections(spectrum, fit_power_law(spectrum), None, find_floors(spectrum))
        return sections, f"The spectrum of {spectrum.name}"
    if kind == "schedule":
        schedule = load_schedule(path)
        return schedule_sections(schedule, standard_beside(schedule)), f"Schedule {path.name}"
    if kind == "denoising":
        return denoising_sections(load_denoising_error(path)), f"Denoising error {path.name}"
    raise InputError(
        f"{path}: holds a {kind}; give a spectrum, a schedule, a denoising error, a run folder, "
        "samples .npy or compare.json"
    )


def open_samples(path: Path) -> Source:
    """Samples .npy as a source of pictures or of series."""
    return open_source(path, view="series" if _holds_series(path) else "auto")


def _holds_series(path: Path) -> bool:
    """Whether an array is [N, C, L]: no picture is as low as a few channels."""
    try:
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
    except (OSError, ValueError):
        return False  # the reader says what is wrong
    return len(shape) == 3 and shape[1] < LEAST_SIDE


def _spectrum_of(images: np.ndarray, like: Spectrum) -> Spectrum:
    """The spectrum of some samples, measured as another one was."""
    window: Any = like.window
    return analyze(open_source(images), window=window, bases=())


def _curve(spectrum: Spectrum) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Frequency, ln of the arithmetic mean power, and its interval, [F] each."""
    low, high = spectrum.power_interval()
    return spectrum.frequency, np.log(spectrum.power), np.log(low), np.log(high)
