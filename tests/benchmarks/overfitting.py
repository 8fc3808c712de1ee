"""A thousand small pictures, seen 256 times each: what mirror images and dropout win on others.

Four trainings: about half an hour of one core.
"""

import tempfile
from pathlib import Path
from typing import Any

import torch

import spectra
from spectra.evaluation.bound import score_bound
from tests.benchmarks.table import Row
from tests.shared import CIFAR10

__all__ = ["overfitting"]

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
    if not CIFAR10.exists():
        return [Row("small data sets", "", f"no {CIFAR10.name} beside the checkout")]
    torch.set_num_threads(1)
    source = spectra.open_source(CIFAR10, channels="grey", size=16, crop="resize")
    few, others = source.split(KEPT)
    schedule = spectra.derive_schedule(spectra.analyze(few, bases=("dct",)), basis="dct")
    found: dict[str, list[float]] = {}
    learnt: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in WAYS.items():
            found[name] = []
            for steps in STAGES:
                run = spectra.train(
                    few, schedule, out=Path(folder) / name, steps=steps, **COMMON, **options
                )
                found[name].append(score_bound(run, others, 0, 512, 8, "cpu").value)
            learnt[name] = score_bound(run, few, 0, 512, 8, "cpu").value
    plain = found["neither"][-1]
    return [
        Row(
            f"{name}: bits/dim of other pictures after {', '.join(map(str, STAGES))} steps",
            "" if name == "neither" else "less than with neither",
            f"{', '.join(f'{value:.3f}' for value in values)}; of its own {learnt[name]:.3f}",
            None if name == "neither" else values[-1] < plain,
        )
        for name, values in found.items()
    ]
