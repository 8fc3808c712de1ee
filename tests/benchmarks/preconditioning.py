"""What the trainer's defaults are chosen by: photographs, paired over seeds."""

import tempfile
from pathlib import Path

import numpy as np
import torch

import spectra
from spectra.diffusion import TrainConfig
from spectra.evaluation import paired_difference
from tests.benchmarks.table import Row

__all__ = ["preconditioning"]

SEEDS, SIZE, HELD_OUT = range(3), 32, 0.4
STEPS, BATCH, SAMPLES, SAMPLE_STEPS = 400, 32, 128, 9
# Preconditioning, loss, and what the network is told.
DEFAULT = ("scalar", TrainConfig.loss, "time")
OTHERS = (
    ("component", "edm", "time"),
    ("skip", "edm", "time"),
    ("scalar", "bound", "time"),
    ("component", "bound", "time"),
    ("scalar", "edm", "state"),
    ("component", "edm", "state"),
    ("skip", "edm", "state"),
    ("component", "bound", "state"),
)


def preconditioning() -> list[Row]:
    torch.set_num_threads(1)
    source = spectra.open_source("photos", size=SIZE)
    schedule = spectra.derive_schedule(spectra.analyze(source.split(HELD_OUT)[0]))

    def scores(kind: str, loss: str, told: str, folder: Path) -> np.ndarray:
        """Bits/dim and spectral distance of each seed, [2, S]."""
        rows = []
        for seed in SEEDS:
            run = spectra.train(
                source,
                schedule,
                out=folder / f"{kind}-{loss}-{told}-{seed}",
                steps=STEPS,
                batch=BATCH,
                seed=seed,
                device="cpu",
                preconditioning=kind,
                loss=loss,
                condition=told,
                held_out=HELD_OUT,
            )
            found = spectra.evaluate(run, source, n=SAMPLES, steps=SAMPLE_STEPS, examples=256)
            rows.append((found.bound.value, found.spectral.value))
        return np.array(rows).T

    named = f"{DEFAULT[0]} preconditioning, loss {DEFAULT[1]}, told the {DEFAULT[2]} (the default)"
    table = []
    with tempfile.TemporaryDirectory() as folder:
        ours = scores(*DEFAULT, Path(folder))
        for unit, mine in zip(("bits/dim", "dB"), ours, strict=True):
            table.append(Row(named, "", f"{mine.mean():.3f} {unit}"))
        for other in OTHERS:
            theirs = scores(*other, Path(folder))
            for unit, mine, its in zip(("bits/dim", "dB"), ours, theirs, strict=True):
                found = paired_difference(mine, its, measure="", unit=unit)
                interval = f"{found.low:+.3f} to {found.high:+.3f}"
                table.append(
                    Row(
                        f"the default less {other[0]}, {other[1]}, told the {other[2]}",
                        "",
                        f"{found.mean:+.3f} {unit} ({interval}): {found.verdict}",
                    )
                )
    return table
