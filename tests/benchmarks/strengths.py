"""One network over ordering strengths 1/4 to 2 beside one trained at each alone, on photographs.

What Gerdes, Welling, Cheng, "GUD: Generation with Unified Diffusion", arXiv 2410.02667, show in
figures 2 and 3: CIFAR-10, here in grey at 16 x 16. All networks are alike, told the noise state,
and see as many images; they are scored on the same held-out images with the same noise. One over
the whole range is also given twice as many. At a = 1 it is compared with one told the time only,
too: what `spectra train` makes unasked. Then the end of the range: octaves of frequency that are
denoised strictly one after another, beside standard diffusion.

It takes about 100 minutes of one core. SPECTRA_BENCH_OUT=FOLDER keeps the runs, and the same
command goes on where it stopped; SPECTRA_BENCH_QUICK=1 tries all of it in two minutes.
"""

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

import spectra
from spectra.data import Source
from spectra.diffusion import Run
from spectra.diffusion.checkpoint import schedule_digest
from spectra.diffusion.guide import along
from spectra.diffusion.solvers import evaluations
from spectra.evaluation import paired_difference, spectral_distance
from spectra.evaluation.bound import score_bound
from spectra.plots.strengths import StrengthCurve, plot_strengths
from spectra.plots.style import save_figure
from spectra.schedule import Schedule
from spectra.spectrum import Spectrum
from tests.benchmarks.table import Row
from tests.shared import CIFAR10

__all__ = ["strengths"]

BASES = {"pca": "PCA", "fourier": "Fourier", "wavelet-haar": "Haar"}
STRENGTHS = (0.25, 0.5, 1.0, 1.5, 2.0)
STANDARD = STRENGTHS.index(1.0)
# States are drawn between neighbours too; closer ones are drawn more often, as those at the ends
# are, whose neighbours are on one side only.
FAMILY = (0.25, 0.27, 0.33, 0.5, 1.0, 1.5, 1.8, 1.95, 2.0)
ASKED = 0.03  # bits/dim
STEPS = 18  # of Heun, for the spectral distance
# A band is over when so little of it is left: nats of an example.
LEFT = 0.002
ALONE = "trained at each a alone"
# One network over the range by its budget, in units of that of one alone.
RANGES = {1: "one over the range", 2: "the same, twice the budget"}
BITS, GAP, DECIBEL = "bits/dim", "above alone (bits/dim)", "spectral distance (dB)"


@dataclass(frozen=True)
class Settings:
    """Size of all of it."""

    images: int = 20_000
    steps: int = 1000
    batch: int = 64
    width: int = 32
    examples: int = 512
    levels: int = 16
    samples: int = 256


QUICK = Settings(images=1000, steps=20, width=8, examples=32, levels=4, samples=16)


@dataclass(frozen=True)
class Scored:
    """Scores of a network on the path of one strength."""

    bits: np.ndarray  # of each held-out image
    gaussian: float  # of the Wiener filter
    spectral: tuple[float, float, float]  # dB, with its interval


@dataclass(frozen=True)
class Bench:
    """The data, and a folder for the runs."""

    settings: Settings
    out: Path

    @cached_property
    def sources(self) -> tuple[Source, Source]:
        """Training images and held-out ones, grey, every 2 x 2 pixels averaged to 8 bits."""
        whole = spectra.open_source(str(CIFAR10), channels="grey", size=32)
        train = np.array([name.startswith("train/") for name in whole.files])[whole.file_index]
        x = (whole.examples(np.arange(len(whole))) + 1) * 127.5
        x = x.reshape(len(x), 1, 16, 2, 16, 2).mean(axis=(3, 5)).round().astype(np.uint8)
        return (
            spectra.open_source(x[train][: self.settings.images]),
            spectra.open_source(x[~train]),
        )

    @cached_property
    def spectrum(self) -> Spectrum:
        return spectra.analyze(self.sources[0], bases=tuple(BASES))

    def schedule(self, basis: str, strength: float) -> Schedule:
        return spectra.derive_schedule(self.spectrum, basis=basis, ordering_strength=strength)

    def trained(
        self, name: str, schedules: Schedule | Sequence[Schedule], budget: int = 1, **options: Any
    ) -> Run:
        """A network trained on one path or over a family, `budget` times as long."""
        settings = self.settings
        return spectra.train(
            self.sources[0],
            schedules,
            out=self.out / name,
            steps=budget * settings.steps,
            batch=settings.batch,
            network={"name": "unet", "width": settings.width, "multipliers": [1, 2, 4]},
            precision="float32",
            device="cpu",
            held_out=0.0,
            checkpoint_every=500,
            keep=1,
            **{"loss": "bound", **options},
        )

    def scored(self, run: Run, schedule: Schedule, steps: int = STEPS) -> Scored:
        """Scores along a path, kept beside the run."""
        settings = self.settings
        words = f"{schedule_digest(schedule)[:8]}-{settings.examples}-{run.step}-{steps}"
        kept = run.path / f"scores-{words}.json"
        if not kept.exists():
            held_out = self.sources[1]
            own = schedule_digest(schedule) == schedule_digest(run.schedule)
            seen = run if own else along(run, schedule)
            bound = score_bound(seen, held_out, 0, settings.examples, settings.levels, "cpu")
            drawn = spectra.sample(seen, n=settings.samples, steps=steps, device="cpu")
            np.save(run.path / f"samples-{words}.npy", drawn)
            found = spectral_distance(drawn, held_out.examples(np.arange(len(held_out))))
            record = {
                "bits": bound.by_file.tolist(),
                "gaussian": bound.gaussian,
                "spectral": [found.value, found.low, found.high],
            }
            kept.write_text(json.dumps(record))
        record = json.loads(kept.read_text())
        return Scored(np.array(record["bits"]), record["gaussian"], tuple(record["spectral"]))


def strengths() -> list[Row]:
    if not CIFAR10.exists():
        return [Row("CIFAR-10 in grey at 16x16", "-", "not at ../shared/data/cifar10: skipped")]
    settings = QUICK if os.environ.get("SPECTRA_BENCH_QUICK") else Settings()
    kept = os.environ.get("SPECTRA_BENCH_OUT")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(settings, Path(kept or folder))
        rows = range_rows(bench, Path(kept or tempfile.mkdtemp()))
        return [*rows, *disjoint_rows(bench)]


def alone(bench: Bench, basis: str, strength: float, told: str = "state") -> Run:
    name = f"{basis}-{strength:g}-{told}"
    return bench.trained(name, bench.schedule(basis, strength), condition=told)


def over_range(bench: Bench, basis: str, budget: int = 1) -> Run:
    family = [bench.schedule(basis, a) for a in FAMILY]
    return bench.trained(f"{basis}-range-{budget}", family, budget)


def range_rows(bench: Bench, pictures: Path) -> list[Row]:
    """One network over the range beside those trained at each strength, and the plot."""
    rows = []
    found: dict[tuple[str, str], list[Scored]] = {}
    for basis, title in BASES.items():
        paths = [bench.schedule(basis, a) for a in STRENGTHS]
        each = [
            bench.scored(alone(bench, basis, a), p) for a, p in zip(STRENGTHS, paths, strict=True)
        ]
        found[title, ALONE] = each
        for budget, name in RANGES.items():
            run = over_range(bench, basis, budget)
            found[title, name] = [bench.scored(run, path) for path in paths]
            for a, mine, its in zip(STRENGTHS, found[title, name], each, strict=True):
                rows.append(gap_row(f"{title}, a = {a:g}: {name}, above alone", mine, its))
        standard = [found[title, name][STANDARD] for name in (ALONE, RANGES[1])]
        rows += beside_time(bench, basis, title, standard)
    for title in BASES.values():
        for name in (ALONE, *RANGES.values()):
            decibels = " ".join(f"{one.spectral[0]:.2f}" for one in found[title, name])
            rows.append(Row(f"{title}, {name}: spectral distance at each a", "-", f"{decibels} dB"))
    for layout in ("wide", "narrow"):
        path = pictures / f"strengths-{layout}.png"
        save_figure(plot_strengths(curves(found), aims={GAP: ASKED}, layout=layout), path)
        rows.append(Row(f"the plot, {layout}", "-", str(path)))
    return rows


def beside_time(bench: Bench, basis: str, title: str, told_state: list[Scored]) -> list[Row]:
    """At a = 1: one alone and one over the range, told the state, beside one told the time."""
    its = bench.scored(alone(bench, basis, 1.0, "time"), bench.schedule(basis, 1.0))
    rows = []
    for name, mine in zip(("one alone", RANGES[1]), told_state, strict=True):
        row = gap_row(f"{title}, a = 1: {name}, above one told the time", mine, its)
        distances = f"; {mine.spectral[0]:.2f} and {its.spectral[0]:.2f} dB"
        rows.append(replace(row, measured=row.measured + distances))
    return rows


def gap_row(what: str, mine: Scored, its: Scored) -> Row:
    """Bits/dim over another network's, by image."""
    gap = paired_difference(mine.bits, its.bits, measure=what, unit="bits/dim")
    interval = f"{gap.low:+.3f} to {gap.high:+.3f}"
    values = f"{mine.bits.mean():.3f} and {its.bits.mean():.3f}"
    filters = f"Wiener filter {its.gaussian:.3f}"
    return Row(
        what,
        f"within {ASKED} bits/dim",
        f"{gap.mean:+.3f} ({interval}); {values}, {filters}",
        gap.mean <= ASKED,
    )


def curves(
    found: dict[tuple[str, str], list[Scored]],
) -> dict[str, dict[str, list[StrengthCurve]]]:
    """Scores as the plot takes them."""
    a = np.array(STRENGTHS)
    scores: dict[str, dict[str, list[StrengthCurve]]] = {BITS: {}, GAP: {}, DECIBEL: {}}
    for title in BASES.values():
        each = np.array([one.bits for one in found[title, ALONE]])  # [K, N]
        for name in (ALONE, *RANGES.values()):
            joined = name != ALONE
            here = found[title, name]
            bits = np.array([one.bits for one in here])
            value = bits.mean(axis=1)
            scores[BITS].setdefault(title, []).append(StrengthCurve(name, a, value, joined=joined))
            low, high = np.array([one.spectral[1:] for one in here]).T
            distance = np.array([one.spectral[0] for one in here])
            scores[DECIBEL].setdefault(title, []).append(
                StrengthCurve(name, a, distance, low, high, joined)
            )
            if joined:
                gaps = [
                    paired_difference(mine, its, measure=name, unit="")
                    for mine, its in zip(bits, each, strict=True)
                ]
                mean, low, high = np.array([(gap.mean, gap.low, gap.high) for gap in gaps]).T
                scores[GAP].setdefault(title, []).append(StrengthCurve(name, a, mean, low, high))
    return scores


def disjoint_schedule(spectrum: Spectrum) -> Schedule:
    """Octaves of frequency one after another, each by itself standard diffusion.

    Labels l_i = -ln lambda_i less the windows of all finer bands: a band drowns once they are
    over. A window is as wide in ln SNR as it takes from noise below rounding to `LEFT` nats.
    """
    standard = spectra.derive_schedule(spectrum, basis="fourier", ordering_strength=1.0)
    variance, octave = standard.variance, octaves(standard)
    labels = -np.log(variance)
    clean = standard.pace[0]  # -ln(alpha^2 / sigma^2) at which the noise is under rounding
    shift = 0.0
    for band in reversed(range(int(octave.max()) + 1)):  # the finest drowns first
        inside = octave == band
        labels[inside] -= shift
        # 1/2 sum ln(1 + SNR) <= 1/2 sum SNR
        over = np.log(0.5 * variance[inside].sum() / LEFT)
        shift += over - clean
    return spectra.derive_schedule(
        spectrum, basis="fourier", ordering=labels, ordering_strength=1.0
    )


def octaves(schedule: Schedule) -> np.ndarray:
    """Number of the octave of each component, 0 at the lowest; the mean with the lowest waves."""
    frequency = np.maximum(schedule.frequency, schedule.frequency[schedule.frequency > 0].min())
    octave = np.floor(np.log2(0.5 / frequency) + 1e-9).clip(min=0).astype(int)
    return octave.max() - octave


def overlap(schedule: Schedule) -> float:
    """Most nats that a band still holds when a coarser one has begun to drown."""
    octave, worst = octaves(schedule), 0.0
    t = np.linspace(0, 1, 2001)
    log_snr = schedule.log_snr(t)
    held = [
        0.5 * np.logaddexp(0, log_snr[:, octave == band]).sum(axis=1)
        for band in range(int(octave.max()) + 1)
    ]
    begun = [
        # Its noise is above the clean end's, a quarter of the rounding noise.
        (schedule.variance / (1 + np.exp(log_snr)))[:, octave == band].mean(axis=1)
        > 0.26 * schedule.quantum**2 / 12
        for band in range(len(held))
    ]
    for coarse in range(len(held) - 1):
        for fine in range(coarse + 1, len(held)):
            if begun[coarse].any():
                worst = max(worst, float(held[fine][begun[coarse]].max()))
    return worst


def disjoint_rows(bench: Bench) -> list[Row]:
    """Exact spectral autoregression beside standard diffusion, same network and budget."""
    schedule, standard = disjoint_schedule(bench.spectrum), bench.schedule("fourier", 1.0)
    run = bench.trained("fourier-disjoint", schedule)
    beside = alone(bench, "fourier", 1.0, "time")
    bands = int(octaves(schedule).max()) + 1
    left = overlap(schedule)
    rows = [
        Row(
            f"{bands} octaves one after another: nats left of a finer band where one begins",
            f"<= {2 * LEFT:g}",
            f"{left:.4f}",
            left <= 2 * LEFT,
        )
    ]
    for steps in (STEPS, 4 * STEPS):
        mine, its = bench.scored(run, schedule, steps), bench.scored(beside, standard, steps)
        if steps == STEPS:
            row = gap_row("octaves one after another, above a = 1", mine, its)
            rows.append(replace(row, asked="-", met=None))
        value, low, high = mine.spectral
        rows.append(
            Row(
                f"octaves one after another, {evaluations(steps, 'heun')} evaluations",
                "-",
                f"{value:.2f} dB ({low:.2f} to {high:.2f}); a = 1 {its.spectral[0]:.2f} dB "
                f"({its.spectral[1]:.2f} to {its.spectral[2]:.2f})",
            )
        )
    return rows
