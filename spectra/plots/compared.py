"""The page of a comparison: what may be said of the first arm, its losses beside its wins."""

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from spectra.plots.arms import plot_bits_along_training
from spectra.plots.beside import plot_samples_beside_data
from spectra.plots.compared_tables import (
    VERDICTS,
    distance_table,
    lowest,
    many,
    reach_text,
    verdict_table,
)
from spectra.plots.compared_text import margins, verdict_text
from spectra.plots.contrasts import TITLES, Measure, plot_contrasts
from spectra.plots.evaluations import plot_against_evaluations
from spectra.plots.examples import Measured
from spectra.plots.labels import solver_title
from spectra.plots.report import Fact, Section, Table, flatten, format_cell

if TYPE_CHECKING:  # scores need torch, a page of them does not
    from spectra.comparison.results import Comparison

__all__ = ["compared_facts", "compared_intro", "compared_sections", "training_section"]

_SECTIONS: tuple[tuple[Literal["spectral", "frechet"], str, str, str], ...] = (
    (
        "spectral",
        "Samples at few evaluations: spectral distance",
        "dB",
        "How far the power of the samples is from that of the data, in decibels, over all "
        "frequencies: whether detail has the right strength, whatever it shows.",
    ),
    (
        "frechet",
        "Samples at few evaluations: Frechet distance",
        "of PCA features",
        "How far the samples are from the data as two clouds in the data's principal components. "
        "It sees the mean and the covariance, no more.",
    ),
)


def compared_intro(comparison: "Comparison") -> str:
    """The lead of the page."""
    first, *others = comparison.names
    count, seeds = len(comparison.names), len(comparison.seeds)
    text = (
        f"{many(count, 'arm')}, each trained on {comparison.source} with "
        f"{many(seeds, 'seed')}: the same network, files, order, noise and steps throughout. "
    )
    if others:
        text += f"What may be said of “{first}” against every other arm, losses beside wins."
    return text


def compared_facts(comparison: "Comparison") -> list[Fact]:
    """Counts of the verdicts, the lowest bound, and the steps to the best copied arm's."""
    first, *others = comparison.names
    facts = []
    if others:
        found = [difference.verdict for *_, difference in comparison.contrasts()]
        notes = {
            "better": "the whole interval is below zero",
            "tied": f"wholly below the margin: {margins(comparison)}",
            "undecided": "the interval allows both",
            "worse": "wholly above zero, and beyond the margin",
        }
        facts = [
            Fact(f"{first}: {word}", f"{found.count(word)} of {len(found)}", notes[word])
            for word in VERDICTS
        ]
    means = {name: float(np.mean(comparison.bits(name))) for name in comparison.names}
    best = lowest(means)
    if best is not None:
        note = f"{means[best]:.3f} bits/dim"
        if best != first:
            own = f"{means[first]:.3f}" if np.isfinite(means[first]) else "not finite"
            note += f"; {first}: {own}"
        facts.append(Fact("lowest bound", best, note))
    copied = comparison.best_copied
    if copied is not None and copied != first:
        reach = comparison.reach(first, copied)
        value, note = reach_text(reach)
        note = f"95 % interval {note}" if "–" in note else note
        label = f"steps of {first} to the final bound of {copied}, the best copied arm"
        facts.append(Fact(label, value, note))
    return facts


def compared_sections(
    comparison: "Comparison",
    *,
    samples: Mapping[str, Any] | None = None,
    data: Any = None,
    of: Measured | None = None,
) -> list[Section]:
    """Verdicts, figures and tables.

    Parameters
    ----------
    comparison
        What was found.
    samples
        Arm -> [N, C, *spatial], values in [-1, 1]; drawn alike.
    data
        [M, C, *spatial], shown beside the samples.
    of
        Their source: how its field draws them.
    """
    others = comparison.names[1:]
    sections = [
        Section(
            "verdict",
            "Does it pay?",
            verdict_text(comparison),
            table=verdict_table(comparison),
        )
    ]
    if others:
        spectral = _compared(comparison, "spectral")
        sections.append(_contrasts(comparison, ("bits", "spectral") if spectral else ("bits",)))
    sections.append(training_section(comparison))
    if comparison.samplers:
        for measure, title, unit, text in _SECTIONS:
            sections.append(
                Section(
                    f"{measure}-evaluations",
                    title,
                    f"{text} Lower is better. Lines are geometric means over seeds, upright bars "
                    f"go from the lowest seed to the highest.{_own_solvers(comparison)}",
                    partial(plot_against_evaluations, comparison, measure),
                    alt=f"{measure.capitalize()} distance against evaluations, a line an arm",
                    table=distance_table(comparison, measure, unit),
                    settings=_measured_on(comparison),
                )
            )
        if _compared(comparison, "frechet"):
            sections.append(_contrasts(comparison, ("frechet",)))
    if samples is not None and data is not None:
        sections.append(
            Section(
                "samples",
                "Samples",
                "Of one seed of each arm, chosen by position and not by looks, beside examples "
                "of the data.",
                partial(plot_samples_beside_data, samples, data, of),
                alt="Samples of every arm beside data",
                settings=_measured_on(comparison),
            )
        )
    return [*sections, _arms(comparison), _equal(comparison)]


def training_section(comparison: "Comparison") -> Section:
    """The bound along the training of every arm."""
    return Section(
        "training",
        "Along the training",
        "Bits/dim on held-out files while the networks learn; lower is better. Thick lines "
        "are means over seeds, thin ones the seeds. An arm that is below another early and "
        "meets it at the end has a head start and no more.",
        partial(plot_bits_along_training, comparison),
        alt="Bits per dimension on held-out files against the training step, a line an arm",
        settings=_measured_on(comparison),
    )


def _contrasts(comparison: "Comparison", measures: tuple[Measure, ...]) -> Section:
    """The figure of all differences in some measures."""
    first = comparison.names[0]
    shown = " and ".join(TITLES.get(measure, "bits/dim") for measure in measures)
    return Section(
        "contrasts" if "bits" in measures else f"{'-'.join(measures)}-contrasts",
        f"{first} against each arm: {shown}",
        f"Each dot is {first} less the arm of that row, paired over seeds, with its 95 % "
        "interval. Left of zero it is better. Distances are compared by their ratio, so that half "
        "and twice as far are as far from zero.",
        partial(plot_contrasts, comparison, measures),
        alt=f"Paired differences of {first} less every other arm with their intervals: {shown}",
        settings=_measured_on(comparison),
    )


def _measured_on(comparison: "Comparison") -> dict[str, Any]:
    """What every figure was made with."""
    made: dict[str, Any] = {"source": comparison.source, "seeds": len(comparison.seeds)}
    if "steps" in comparison.settings:
        made["training steps"] = comparison.settings["steps"]
    if comparison.samplers:
        samplers = [f"{solver} {count}" for solver, count in comparison.samplers]
        made["evaluations"] = ", ".join(samplers)
    return made


def _own_solvers(comparison: "Comparison") -> str:
    """Which arms are stepped by a solver of their own in every panel."""
    own = [
        (arm.name, arm.sampling["solver"]) for arm in comparison.arms if "solver" in arm.sampling
    ]
    return "".join(f" “{name}” is stepped by {solver_title(solver)}." for name, solver in own)


def _compared(comparison: "Comparison", measure: Measure) -> bool:
    """Whether any distance of the first arm's samples can be held against another's."""
    found = (d.measure for *_, d in comparison.contrasts() if d.unit == "%")
    return any(name.lower().startswith(measure) for name in found)


def _arms(comparison: "Comparison") -> Section:
    """What was asked, what its schedule says, and how it was trained and stepped through."""
    rows = [
        [
            arm.name,
            arm.text,
            "copied" if arm.copied else "from the data",
            _told(arm.training) or "as all",
            _told(arm.sampling) or "as all",
            _told(arm.explanation),
        ]
        for arm in comparison.arms
    ]
    columns = ["arm", "asked for as", "kind", "training", "sampling", "its schedule says"]
    return Section(
        "arms",
        "The arms",
        "A copied schedule is blind to the data. What stands here is all in which the arms differ.",
        table=Table(columns, rows),
    )


def _equal(comparison: "Comparison") -> Section:
    """All that was the same for every arm."""
    rows: list[list[Any]] = [
        [name, format_cell(value)]
        for name, value in flatten(comparison.settings)
        if not name.startswith("failed")
    ]
    rows.append(["seeds", ", ".join(str(seed) for seed in comparison.seeds)])
    return Section(
        "equal",
        "What was equal",
        "Network, files, their order, noise and steps are those of the seed, and the same for "
        "every arm that does not say otherwise above.",
        table=Table(["setting", "of every arm"], rows),
    )


def _told(held: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {format_cell(value)}" for name, value in flatten(held))
