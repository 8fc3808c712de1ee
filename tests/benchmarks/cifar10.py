"""CIFAR-10 in colour: analyze, derive, train in four stages; the bound falls, speed is told.

On a GPU the whole training at the best settings known; without one the same command on a network
that a CPU can train, to see that it runs.
"""

import itertools
import tempfile
from typing import Any

import torch

import spectra
from spectra.evaluation.bound import score_bound
from tests.benchmarks.table import Row
from tests.shared import CIFAR10

__all__ = ["cifar10"]

STAGES = 4  # each twice as long as the one before
LARGE: dict[str, Any] = {
    "steps": 16_000,
    "batch": 1024,
    "network": {"name": "unet", "width": 128, "multipliers": [1, 2, 2], "blocks": 3,
                "attention": [1]},
    "precision": "bfloat16",
    "compile": True,
    "random_flip": True,
    "learning_rate": 1e-3,
    "ema_half_life": 500_000.0,
}  # fmt: skip
SMALL: dict[str, Any] = {
    "steps": 240,
    "batch": 32,
    "network": {"name": "unet", "width": 24, "multipliers": [1, 2, 2]},
}
COMMON: dict[str, Any] = {"loss": "bound", "held_out": 0.2, "log_every": 20}


def cifar10() -> list[Row]:
    if not CIFAR10.exists():
        return [Row("CIFAR-10", "a falling bound", f"no {CIFAR10.name} beside the checkout")]
    gpu = torch.cuda.is_available()
    options = {**COMMON, **(LARGE if gpu else SMALL)}
    source = spectra.open_source(CIFAR10)
    with tempfile.TemporaryDirectory() as folder:
        spectrum = spectra.analyze(source, bases=("dct",))
        schedule = spectra.derive_schedule(spectrum, basis="dct", ordering_strength=1.0)
        bounds, seen = [], []
        run = None
        for stage in reversed(range(STAGES)):
            steps = options["steps"] >> stage
            run = spectra.train(source, schedule, out=folder, **{**options, "steps": steps})
            examples, device = (4096, "cuda") if gpu else (256, "cpu")
            held_out = source.split(COMMON["held_out"])[1]
            bounds.append(score_bound(run, held_out, 0, examples, 8, device).value)
            seen.append(steps * options["batch"])
        assert run is not None
        last = run.log[-1]
    name = torch.cuda.get_device_name() if gpu else "the CPU, a small network: GPU figures owed"
    falling = all(b < a for a, b in itertools.pairwise(bounds))
    path = ", ".join(
        f"{bound:.3f} after {images:,}" for bound, images in zip(bounds, seen, strict=True)
    )
    return [
        Row("bits/dim of held-out pictures, by images seen", "falling", path, falling),
        Row("images/s", "", f"{last['images_per_second']:,.0f} on {name}"),
        Row("share of the machine's matrix product", "", f"{last.get('utilisation', 0):.0%}"),
        Row("most memory", "", f"{last['memory'] / 2**30:.2f} GiB"),
    ]
