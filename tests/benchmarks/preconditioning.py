"""Which preconditioning is the default: bits/dim on held-out photographs, paired over seeds."""

import tempfile
from pathlib import Path

import numpy as np
import torch

import spectra
from spectra.diffusion import TrainConfig
from spectra.diffusion.precondition import Preconditioning
from spectra.evaluation import paired_difference
from tests.benchmarks.table import Row

__all__ = ["preconditioning"]

SEEDS, SIZE, HELD_OUT = range(3), 16, 0.4
STEPS, BATCH = 600, 64


def preconditioning() -> list[Row]:
    torch.set_num_threads(1)
    source = spectra.open_source("photos", size=SIZE)
    schedule = spectra.derive_schedule(spectra.analyze(source.split(HELD_OUT)[0]))
    default = TrainConfig().preconditioning

    def bits(kind: Preconditioning, folder: Path) -> np.ndarray:
        runs = [
            spectra.train(
                source,
                schedule,
                out=folder / f"{kind}-{seed}",
                steps=STEPS,
                batch=BATCH,
                seed=seed,
                device="cpu",
                preconditioning=kind,
                held_out=HELD_OUT,
            )
            for seed in SEEDS
        ]
        return np.array([spectra.evaluate(run, source, n=2, steps=1).bound.value for run in runs])

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        ours = bits(default, Path(folder))
        rows.append(
            Row(f"{default} (the default), {STEPS} steps", "", f"{ours.mean():.3f} bits/dim")
        )
        kinds: tuple[Preconditioning, ...] = ("component", "skip", "scalar")
        for kind in kinds:
            if kind == default:
                continue
            theirs = bits(kind, Path(folder))
            found = paired_difference(ours, theirs, measure="bound", unit="bits/dim")
            rows.append(
                Row(
                    f"{default} less {kind}",
                    "not above 0",
                    f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f}): {found.verdict}",
                    found.verdict != "worse",
                )
            )
    return rows
