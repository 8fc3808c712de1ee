"""A thousand small pictures, seen 256 times each: what mirror images and dropout win on others.

Four trainings of about six minutes of one core.
"""

import tempfile
from pathlib import Path
from typing import Any

import torch

import spectra
from spectra.evaluation.bound import score_bound
from tests.benchmarks.table import Row

__all__ = ["overfitting"]

SHARED = Path(__file__).parents[3] / "shared" / "data" / "cifar10" / "cifar10_20k+5k.zip"
KEPT = 0.96  # of the pictures, for scoring; 1,000 are left to train on
STAGES = (2000, 4000, 8000)
COMMON: dict[str, Any] = {"batch": 32, "loss": "bound", "held_out": 0.0, "device": "cpu"}
NETWORK = {"name": "unet", "width": 32, "multipliers": [1, 2, 2]}
WAYS: dict[str, dict[str, Any]] = {
    "neither": {"network": NETWORK},
    "random flips": {"network": NETWORK, "random_flip": True},
    "dropout 0.1": {"network": {**NETWORK, "dropout": 0.1}},
    "both": {"network": {**NETWORK, "dropout": 0.1}, "random_flip": True},
}


def overfitting() -> list[Row]:
    if not SHARED.exists():
        return [Row("small data sets", "", f"no {SHARED.name} beside the checkout")]
    torch.set_num_threads(1)
    source = spectra.open_source(SHARED, channels="grey", size=16, crop="resize")
    few, others = source.split(KEPT)
    schedule = spectra.derive_schedule(spectra.analyze(few, bases=("dct",)), basis="dct")
    rows, plain = [], float("inf")
    with tempfile.TemporaryDirectory() as folder:
        for name, options in WAYS.items():
            found = []
            for steps in STAGES:
                run = spectra.train(
                    few, schedule, out=Path(folder) / name, steps=steps, **COMMON, **options
                )
                found.append(score_bound(run, others, 0, 512, 8, "cpu").value)
            learnt = score_bound(run, few, 0, 512, 8, "cpu").value
            last = found[-1]
            if name == "neither":
                plain = last
            rows.append(
                Row(
                    f"{name}: bits/dim of other pictures after {', '.join(map(str, STAGES))} steps",
                    "" if name == "neither" else "less than with neither",
                    f"{', '.join(f'{value:.3f}' for value in found)}; of its own {learnt:.3f}",
                    None if name == "neither" else last < plain,
                )
            )
    return rows
