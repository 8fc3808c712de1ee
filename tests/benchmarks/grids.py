"""Our grids against the published ones on four measured spectra, before any training.

All start from white noise N(0, sigma_max^2) and end at the same sigma_min.
"""

import itertools
import time
from typing import Any

import numpy as np

import spectra
from spectra.schedule.coordinates import coordinates
from spectra.schedule.ends import INFORMATION_LEFT, noisy_end
from spectra.schedule.steps.gaussian import predict_sigmas
from spectra.schedule.steps.grids import optimal_sigmas
from spectra.schedule.steps.rules import PUBLISHED, named_sigmas
from tests.benchmarks.table import Row
from tests.shared import SHARED

__all__ = ["grids", "measured_variances"]

SOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "BSDS500 32x32": ("photos/bsds500/train", {"size": 32, "crop": "patches", "channels": "grey"}),
    "CIFAR-10": ("cifar10/cifar10_20k+5k.zip", {}),
    "log-mel speech": ("audio/librispeech", {"view": "log-mel", "size": 64}),
    "radar rain": ("fields/radar_mch", {"size": 64, "crop": "patches"}),
}
SOLVERS = ("euler", "heun", "2m")
EVALUATIONS = (5, 9, 13, 19, 35)
SIGMA_MIN, SIGMA_MAX = 0.002, 80.0
MEDIAN, SECONDS, ROUNDING = 0.5, 5.0, 1 + 1e-9


def measured_variances() -> dict[str, np.ndarray]:
    """lambda of every DCT component of each data set; what is absent is left out."""
    found = {}
    for name, (path, view) in SOURCES.items():
        if (SHARED / path).exists():
            source = spectra.open_source(str(SHARED / path), **view)
            spectrum = spectra.analyze(source, bases=("dct",), workers=1)
            found[name] = coordinates(spectrum, "dct").variance.ravel()
    return found


def grids() -> list[Row]:
    rows, seconds = [], 0.0
    ratios: dict[str, list[float]] = {"sigma_max 80": [], "the data's sigma_max": []}
    worst = dict.fromkeys(ratios, 0.0)
    for name, variance in measured_variances().items():
        own = noisy_end((np.log(variance), np.ones_like(variance)), INFORMATION_LEFT)
        for table, sigma_max in zip(ratios, (SIGMA_MAX, float(np.exp(own / 2))), strict=True):
            ends = {"sigma_max": sigma_max, "sigma_min": SIGMA_MIN}
            for solver, evaluations in itertools.product(SOLVERS, EVALUATIONS):
                steps = (evaluations + 1) // 2 if solver == "heun" else evaluations
                levels = {r: named_sigmas(r, variance, steps, **ends) for r in PUBLISHED}
                begun = time.process_time()
                best = optimal_sigmas(variance, steps, solver, **ends, start="white")
                if len(variance) == 1024 and steps <= 10:
                    seconds = max(seconds, time.process_time() - begun)
                w2 = {r: _w2(variance, knots, solver) for r, knots in levels.items()}
                ours, rival = _w2(variance, best, solver), min(w2, key=w2.__getitem__)
                ratios[table].append(ours / w2["edm"])
                worst[table] = max(worst[table], ours / w2[rival])
                rows.append(
                    Row(
                        f"{name}, {table}, {solver}, {evaluations} evaluations",
                        "at most the best published",
                        f"W2^2 {ours:.2e}: {ours / w2[rival]:.3f} of {rival}'s, "
                        f"{ours / w2['edm']:.3f} of edm's",
                        ours <= w2[rival] * ROUNDING,
                    )
                )
    for table, found in ratios.items():
        median = float(np.median(found))
        rows += [
            Row(
                f"W2^2 over the best published grid's, the worst, {table}",
                "at most 1",
                f"{worst[table]:.3f}",
                worst[table] <= ROUNDING,
            ),
            Row(
                f"W2^2 over EDM's, median, {table}",
                f"at most {MEDIAN}",
                f"{median:.3f} (of W2 {median**0.5:.3f})",
                median <= MEDIAN,
            ),
        ]
    asked = f"at most {SECONDS} s"
    rows.append(
        Row("32x32, up to 10 steps: the longest", asked, f"{seconds:.1f} s", seconds <= SECONDS)
    )
    return rows


def _w2(variance: np.ndarray, levels: np.ndarray, solver: str) -> float:
    return predict_sigmas(variance, levels, solver, start="white").w2
