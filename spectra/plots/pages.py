"""The sections of a report, noun by noun: which figures fit it and what to see in them."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spectra.data import Source, open_source
from spectra.errors import InputError
from spectra.files import table_kind
from spectra.fit import PowerLaw, fit_power_law
from spectra.plots.comparison import plot_comparison
from spectra.plots.images import plot_examples, plot_log_spectra, plot_samples_beside_data
from spectra.plots.report import Section, Table
from spectra.plots.schedule import plot_cutoff, plot_schedule
from spectra.plots.spectrum import plot_hinge, plot_rapsd, plot_sample_spectrum
from spectra.plots.training import plot_training
from spectra.schedule import (
    Schedule,
    frequency_cutoff,
    load_schedule,
    process,
    standard_beside,
)
from spectra.spectrum import Spectrum, analyze, load_spectrum, rapsd

if TYPE_CHECKING:  # measuring a spectrum must not load torch
    from spectra.evaluation import Difference, Scores

__all__ = [
    "comparison_sections",
    "cutoff_table",
    "data_sections",
    "sample_sections",
    "schedule_sections",
    "score_table",
    "sections_of",
    "shown_examples",
    "spectrum_sections",
    "training_sections",
]

HINGE_TIMES = (0.1, 0.3, 0.5, 0.8)
CUTOFF_TIMES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
SECOND_THRESHOLD = 10.0


def shown_examples(source: Source, most: int = 12) -> np.ndarray:
    """A few examples of different files, the same ones each time, [N, C, H, W]."""
    return source.some(most)


def data_sections(images: np.ndarray, title: str) -> list[Section]:
    """The data, and their 2-D spectra."""
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


def spectrum_sections(
    spectrum: Spectrum,
    fit: PowerLaw,
    singles: np.ndarray | None,
    process_name: str = "rectified-flow",
    threshold: float = 1.0,
) -> list[Section]:
    """RAPSD with its fit (and the examples `singles`, [N, C, H, W]), the hinge, and f_max(t)."""
    curves = None if singles is None else rapsd(singles, window=spectrum.window)[0]  # [N, C, F]
    low, high = fit.interval()
    cutoffs = [
        frequency_cutoff(spectrum, process=process_name, threshold=tau)
        for tau in (threshold, SECOND_THRESHOLD * threshold)
    ]
    files = f"{spectrum.n} examples of {spectrum.n_files} files"
    holes = bool(cutoffs[0].has_holes(np.linspace(0, 1, 513)).any())
    law = (
        f"The mean falls as f to the power −{fit.alpha:.2f} (95 % interval {low:.2f} to "
        f"{high:.2f})"
        + ("." if fit.is_power_law else ", but the curve departs from a power law.")
        + f" The residual stays within {fit.residual_db:.1f} dB (rms) over the fitted range."
    )
    return [
        Section(
            "rapsd",
            "The spectrum of this data set",
            law + " Thin lines are single examples: each strays far from the mean, and the law "
            "holds only on average.",
            partial(plot_rapsd, spectrum, fit, curves),
            alt="Radially averaged power spectrum with its power-law fit and residuals",
            table=Table(
                ["fit", "exponent", "95 % interval", "range (cycles/pixel)", "residual (dB)"],
                [
                    _fit_row("weighted, arithmetic mean", fit),
                    _fit_row(
                        "log-resampled, mean of logs",
                        fit_power_law(spectrum, method="log-resampled"),
                    ),
                ],
                "The default fit, and the one of the post this work starts from.",
            ),
            settings={"window": spectrum.window, "measured on": files},
        ),
        Section(
            "hinge",
            "Noise drowns it from the top",
            "Noise has the same power at every frequency: a flat line that rises with t. Noisy "
            "data follow the data where they stand above the line and the noise elsewhere. The "
            "elbow, where the two are equal, moves to lower and lower frequencies.",
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


def cutoff_table(cutoffs: Sequence[Any]) -> Table:
    """f_max at a few times, for the thresholds of some cutoffs."""
    times = np.array(CUTOFF_TIMES)
    columns, cells = ["t"], [[f"{t:g}" for t in times]]
    for cutoff in cutoffs:
        low, high = cutoff.interval(times)
        columns += [f"f_max at SNR {cutoff.threshold:g} (cycles/pixel)", "95 % interval"]
        cells.append([f"{f:.3f}" for f in cutoff.f_max(times)])
        cells.append([f"{a:.3f} – {b:.3f}" for a, b in zip(low, high, strict=True)])
    return Table(columns, list(zip(*cells, strict=True)))


def schedule_sections(schedule: Schedule, standard: Schedule) -> list[Section]:
    """The schedule as a picture beside standard diffusion."""
    return [
        Section(
            "schedule",
            "The schedule that follows",
            "Log-SNR of every component over time, coarse components at the bottom. The line is "
            "SNR = 1: on its one side a component can be seen, on the other it is noise. First the "
            f"{schedule.name} schedule, then {standard.name}, which is usually copied.",
            partial(plot_schedule, schedule, standard),
            alt="Log-SNR over component and time of the derived and the standard schedule",
            table=Table(
                ["choice", "made, and why"],
                [[name, reason] for name, reason in schedule.explanation.items()],
            ),
            settings={"basis": schedule.basis, "beside it": standard.name},
        )
    ]


def training_sections(logs: Mapping[str, Sequence[Mapping[str, Any]]], text: str) -> list[Section]:
    """Training curves."""
    return [
        Section(
            "training",
            "Training",
            text,
            partial(plot_training, logs),
            alt="Training loss against step for each run",
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
            partial(plot_samples_beside_data, samples, data),
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


def comparison_sections(
    rows: "Sequence[Difference]", table: Table, text: str, settings: Any
) -> list[Section]:
    """Derived against standard, by the intervals of paired differences."""
    return [
        Section(
            "comparison",
            "Does it pay?",
            text,
            partial(plot_comparison, rows),
            alt="Paired differences of derived minus standard with their intervals",
            table=table,
            settings=settings,
        )
    ]


def score_table(scores: "Mapping[str, Scores]") -> Table:
    """Scores of some runs, a row each."""
    columns = ["run", "bits/dim", "95 % interval", "prior", "diffusion", "reconstruction"]
    columns += ["untrained (closed form)", "spectral distance (dB)", "95 % interval"]
    rows = []
    for name, score in scores.items():
        bound, spectral = score.bound, score.spectral
        rows.append(
            [
                name,
                f"{bound.value:.3f}",
                f"{bound.low:.2f} – {bound.high:.2f}",
                f"{bound.prior:.4f}",
                f"{bound.diffusion:.3f}",
                f"{bound.reconstruction + bound.grid_shift:.3f}",
                f"{bound.gaussian:.3f}",
                f"{spectral.value:.2f}",
                f"{spectral.low:.2f} – {spectral.high:.2f}",
            ]
        )
    return Table(columns, rows)


def sections_of(path: Path) -> tuple[list[Section], str]:
    """Every section that fits a file or run folder, and a title.

    Raises
    ------
    InputError
        It is none of spectrum.safetensors, schedule.safetensors, a run folder, samples .npy.
    """
    if path.is_dir():
        from spectra.diffusion import load_run

        run = load_run(path)
        text = f"Loss “{run.config['loss']}” over {run.step} steps."
        sections = schedule_sections(run.schedule, standard_beside(run.schedule))
        if run.log:
            sections += training_sections({path.name: run.log}, text)
        return sections, f"Run {path.name}"
    if path.suffix == ".npy" and path.is_file():
        images = open_source(path)
        return data_sections(shown_examples(images), path.name), f"Samples {path.name}"
    kind = table_kind(path)
    if kind == "spectrum":
        spectrum = load_spectrum(path)
        sections = spectrum_sections(spectrum, fit_power_law(spectrum), None)
        return sections, f"The spectrum of {spectrum.name}"
    if kind == "schedule":
        schedule = load_schedule(path)
        return schedule_sections(schedule, standard_beside(schedule)), f"Schedule {path.name}"
    raise InputError(
        f"{path}: holds a {kind}; give a spectrum, a schedule, a run folder or samples .npy"
    )


def _spectrum_of(images: np.ndarray, like: Spectrum) -> Spectrum:
    """The spectrum of some samples, measured as another one was."""
    return analyze(open_source(images), window=like.window, bases=())


def _curve(spectrum: Spectrum) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Frequency, ln of the arithmetic mean power, and its interval, [F] each."""
    low, high = spectrum.power_interval()
    return spectrum.frequency, np.log(spectrum.power), np.log(low), np.log(high)


def _fit_row(name: str, fit: PowerLaw) -> list[str]:
    low, high = fit.interval()
    return [
        name,
        f"{fit.alpha:.3f} ± {fit.alpha_se:.3f}",
        f"{low:.2f} – {high:.2f}",
        f"{fit.f_range[0]:.3f} – {fit.f_range[1]:.3f}",
        f"{fit.residual_db:.2f}",
    ]
