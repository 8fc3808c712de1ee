"""The whole main job on the embedded photographs, from the spectrum to the verdict."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from spectra.comparison import Comparison, compare
from spectra.comparison.experiment import say
from spectra.comparison.runs import shown_samples
from spectra.data import Source, open_source
from spectra.diffusion.chosen import Device
from spectra.errors import InputError
from spectra.evaluation import Difference
from spectra.files import check_writable, write_json
from spectra.findings import Findings
from spectra.fit import PowerLaw, fit_power_law
from spectra.schedule import Schedule, load_schedule
from spectra.schedule_commands import schedule_numbers
from spectra.spectrum import Spectrum, load_spectrum

if TYPE_CHECKING:  # pages are drawn last
    from spectra.plots import Section

__all__ = ["run_demo"]

DERIVED, STANDARD = "derived", "rectified-flow"
# The standard's own training, stepped through as the derived one is: what is left is the training.
STEPPED = f"{STANDARD} on optimised steps"
ARMS = (DERIVED, STANDARD, f"{STEPPED}={STANDARD}:rule=optimal")


@dataclass(frozen=True)
class Budget:
    """How much the demo does; small enough for minutes on two cores."""

    source: str = "photos"
    size: int = 32
    held_out: float = 0.4  # of 11 photographs: 4 files to score on
    steps: int = 400
    batch: int = 32
    samples: int = 128
    solver: str = "heun"
    evaluations: int = 17
    examples: int = 64  # scored for bits/dim, each time along a training


def run_demo(
    out: Path, seeds: int, seed: int, device: Device, budget: Budget = Budget()
) -> tuple[dict[str, Any], str]:
    """Analyze, derive, train, sample, compare, and write DIR/report.html.

    The same command again takes up where it was interrupted: runs resume from their checkpoints.

    Raises
    ------
    InputError
        Fewer than 2 seeds, an output that cannot be written, or a training that failed.
    """
    if seeds < 2:
        raise InputError(f"--seeds {seeds}: a paired interval needs at least 2")
    check_writable(out)
    started = time.perf_counter()
    found = compare(
        budget.source,
        ARMS,
        out=out,
        steps=budget.steps,
        batch=budget.batch,
        seeds=seeds,
        seed=seed,
        held_out=budget.held_out,
        solvers=(budget.solver,),
        evaluations=(budget.evaluations,),
        samples=budget.samples,
        examples=budget.examples,
        device=device,
        view={"size": budget.size},
        progress=say,
    )
    for name, reason in found.settings["failed"].items():
        raise InputError(f"{name}: {reason}")
    spectrum = load_spectrum(out / "spectrum.safetensors")
    fit = fit_power_law(spectrum)
    derived, standard = (
        load_schedule(out / "schedules" / f"{name}.safetensors") for name in (DERIVED, STANDARD)
    )
    numbers = found.to_dict() | {
        "spectrum": Findings(spectrum, fit).numbers(),
        "schedule": schedule_numbers(derived),
    }
    source = open_source(budget.source, size=budget.size)
    report = _report(out, budget, source, found, (spectrum, fit), (derived, standard), numbers)
    seconds = time.perf_counter() - started
    write_json(out / "demo.json", numbers)
    text = [_sentence(other, row) for other, row in _differences(found)]
    text += [f"done in {seconds:.0f} s", str(report)]
    return numbers | {"report": str(report), "seconds": seconds}, "\n".join(text)


def _differences(found: Comparison) -> list[tuple[str, Difference]]:
    """The derived arm less each of the others, but one training's bound only once."""
    every = [(other, row) for _, other, row in found.contrasts()]
    return [(other, row) for other, row in every if other == STANDARD or row.unit == "%"]


def _sentence(other: str, row: Difference) -> str:
    from spectra.plots.compared_text import said

    digits = 1 if row.unit == "%" else 3
    mean, low, high = (f"{value:+.{digits}f}" for value in (row.mean, row.low, row.high))
    return (
        f"{row.measure}: derived is {said(row.verdict)} {other} "
        f"({mean} {row.unit}, 95 % interval {low} to {high}, {row.pairs} paired seeds)"
    )


def _report(
    out: Path,
    budget: Budget,
    source: Source,
    found: Comparison,
    measured: tuple[Spectrum, PowerLaw],
    schedules: tuple[Schedule, Schedule],
    numbers: dict[str, Any],
) -> Path:
    """The page."""
    from spectra.plots import Fact, pages, write_report
    from spectra.plots.compared_tables import reach_text

    (spectrum, fit), (derived, standard) = measured, schedules
    examples = open_source(budget.source, size=256, crop="center").some(12)
    held_out = source.split(budget.held_out)[1]
    unseen = held_out.examples(np.random.default_rng(0).permutation(len(held_out))[:64])
    sampling = {"solver": budget.solver, "evaluations": budget.evaluations}
    sampling |= {"samples": budget.samples}
    sampling |= {f"steps of {arm.name}": arm.sampling["rule"] for arm in found.arms}
    settings = {
        "patches": f"{budget.size}x{budget.size}",
        "steps": budget.steps,
        "batch": budget.batch,
        "loss": found.settings["loss"],
        "paired seeds": len(found.seeds),
        "held out": ", ".join(held_out.files),
    }
    sections = [
        *pages.data_sections(examples, "photographs inside scikit-image and scikit-learn"),
        *pages.spectrum_sections(spectrum, fit, source.some(12)),
        *pages.schedule_sections(derived, standard),
        _training_section(found),
    ]
    samples = shown_samples(out, found)
    if samples:
        sections += pages.sample_sections(samples, unseen, spectrum, sampling)
    sections.append(_comparison_section(found, settings | sampling))
    low, high = fit.interval()
    reach, note = reach_text(found.reach(DERIVED, STANDARD))
    note = f"95 % interval {note}" if "–" in note else note
    return write_report(
        out / "report.html",
        title="Diffusion that looks at the data first",
        intro="A diffusion model hides data under noise and learns to uncover them. Which detail "
        "drowns at which noise level is written in the power spectrum of the data. Here it is "
        "measured, a noise schedule is derived from it, and the schedule is tried against the "
        "one that is usually copied.",
        sections=sections,
        numbers=numbers,
        settings={"source": budget.source, "view": source.settings} | settings | sampling,
        facts=[
            Fact("exponent", f"{fit.alpha:.2f}", f"95 % interval {low:.2f} to {high:.2f}"),
            *(
                Fact(row.measure, row.verdict, f"{row.mean:+.3g} {row.unit} against {other}")
                for other, row in _differences(found)[:2]
            ),
            Fact(f"steps of derived to the final bound of {STANDARD}", reach, note),
        ],
        skipped=[(item.name, item.reason) for item in source.skipped],
        credits=[(budget.source, text) for text in (source.licence, source.citation) if text],
    )


def _training_section(found: Comparison) -> "Section":
    """Bits/dim along the trainings; two of the arms share theirs."""
    from spectra.plots.compared import training_section

    section = training_section(found.select(DERIVED, STANDARD))
    wiener = float(np.mean([found.run(DERIVED, seed).gaussian for seed in found.seeds]))
    under = wiener - found.bits(DERIVED).mean()
    text = (
        f" After training the derived schedule's runs are {abs(under):.2f} bits/dim "
        f"{'under' if under > 0 else 'above'} the Wiener filter, which needs no training."
    )
    return replace(section, text=section.text + text)


def _comparison_section(found: Comparison, settings: Mapping[str, Any]) -> "Section":
    """What may be said of the derived schedule, in one figure and one table."""
    from spectra.plots import Section, Table, plot_contrasts
    from spectra.plots.compared_tables import distance_table, verdict_table
    from spectra.plots.compared_text import verdict_text

    bits, spectral, frechet = (
        verdict_table(found),
        distance_table(found, "spectral", "dB"),
        distance_table(found, "frechet", "of PCA features"),
    )
    # Of the first, without its counts of distances: the distances themselves stand beside it.
    rows = zip(bits.rows, spectral.rows, frechet.rows, strict=True)
    table = Table(
        [*bits.columns[:4], "spectral distance (dB)", "Frechet distance"],
        [[*of_bits[:4], *dB[1:], *of_pca[1:]] for of_bits, dB, of_pca in rows],
        "Means over seeds, of distances geometric ones, with 95 % intervals. Coloured words are "
        "said of derived against the arm of the row.",
    )
    text = (
        "Same network, preconditioning, loss, data order, noise, steps and seeds; only the "
        "schedule differs: where it starts and ends, how often each noise level is trained, and "
        "where the sampler's steps lie: optimised for this spectrum, or even in time as the "
        f"copied one is usually stepped through. “{STEPPED}” is the copied one's own training "
        "with its steps optimised too: its bits/dim are the same, and what is left of a "
        "difference between samples is the training's merit.\n\n"
        f"{verdict_text(found)}\n\n"
        "These are short runs of a small network on a few photographs: they show that the chain "
        "works and who is ahead early, not who wins in the end."
    )
    return Section(
        "comparison",
        "Does it pay?",
        text,
        partial(plot_contrasts, found),
        alt="Paired differences of the derived arm less every other one with their intervals",
        table=table,
        settings=settings,
    )
