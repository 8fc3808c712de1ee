"""Comparisons of every shape, made up."""

from collections.abc import Sequence

import numpy as np

from spectra.comparison import ArmRecord, Comparison, Drawn, RunScores

__all__ = ["EIGHT", "compared"]

EIGHT = (
    "derived",
    "refined",
    "rectified-flow",
    "sd3",
    "vp-cosine",
    "edm",
    "equal-snr",
    "rectified-flow, preconditioned per component",
)
STEPS = (25, 50, 100, 200, 400, 800)


def compared(
    names: Sequence[str] = EIGHT,
    seeds: int = 3,
    *,
    samplers: Sequence[tuple[str, int]] = tuple(
        (solver, count) for solver in ("euler", "heun") for count in (5, 9, 19)
    ),
    offsets: Sequence[float] | None = None,
    noise: float = 0.01,
    spread: float = 0.1,
    not_drawn: tuple[str, str] | None = None,
) -> Comparison:
    """Arms that end `offsets` bits/dim above the first, with noise over seeds.

    `spread`: of distances over seeds, as a share. `not_drawn`: (arm, solver) without samples.
    """
    rng = np.random.default_rng(0)
    places = np.linspace(0, 0.3, len(names)) if offsets is None else np.array(offsets)
    runs = []
    for name, offset in zip(names, places, strict=True):
        for seed in range(seeds):
            shift = offset + noise * rng.standard_normal()
            bits = [3.4 + shift + (1.5 + 2 * offset) * (25 / step) ** 0.7 for step in STEPS]
            drawn = tuple(
                Drawn(
                    solver,
                    count,
                    count,
                    float(np.exp(spread * rng.standard_normal() + offset) * 20 / count),
                    float(np.exp(spread * rng.standard_normal() - offset) * 90 / count**1.5),
                )
                for solver, count in samplers
                if (name, solver) != not_drawn
            )
            runs.append(RunScores(name, seed, STEPS, tuple(bits), 3.9, drawn))
    arms = tuple(
        ArmRecord(
            name,
            name.partition(",")[0],
            copied=name not in ("derived", "refined"),
            training={"loss": "bound", "preconditioning": "wiener"},
            sampling={"rule": "optimal"},
            explanation={"ends": "sigma from 0.002 to 80", "pace": "as published"},
        )
        for name in names
    )
    settings = {"network": "unet, 0.4 M", "batch": 32, "steps": STEPS[-1], "held out": 0.2}
    return Comparison("photos", arms, tuple(range(seeds)), tuple(runs), settings)
