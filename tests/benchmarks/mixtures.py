"""Grids and covariance-aware DDIM on mixtures: endpoint errors against the fine ODE."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from spectra.schedule.steps.grids import optimal_sigmas
from spectra.schedule.steps.rules import named_sigmas
from tests.benchmarks.table import Row
from tests.mixtures import (
    Mixture,
    endpoint_error,
    field_mixture,
    line_mixture,
    starts,
    true_endpoints,
)

__all__ = ["mixtures"]

TOYS: dict[str, Callable[[float, int], Mixture]] = {"line": line_mixture, "field": field_mixture}
BETWEEN = (0.2, 0.8)
# Other modes than the regulariser's strengths were chosen on, but of the same two spectra, on
# which alone a grid depends: no test of those strengths on new data.
SEEDS = (10, 11, 12)
# Spectra on which nothing was chosen: lambda ~ k^-1 and k^-3.
HELD_OUT: dict[str, Callable[[float, int], Mixture]] = {
    f"{name} k^-{alpha:g}": partial(toy, alpha=alpha)
    for name, toy in (("line", line_mixture), ("field", field_mixture))
    for alpha in (1.0, 3.0)
}
HELD_OUT_BETWEEN = (0.2, 0.5, 0.8)
HELD_OUT_EVALUATIONS = {"euler": (5, 13), "heun": (9, 19, 35), "2m": (5, 9, 13, 19, 35)}
EVALUATIONS = (5, 9, 13, 19, 35)
RULES = ("edm", "log-linear", "tangent")
# The same where they end at our grid's own last knot: what remains is the spacing's merit.
MOVED = tuple(f"{rule}, our end" for rule in RULES)
EXAMPLES = 300
SIGMA_MAX, SIGMA_MIN = 80.0, 0.002
ASKED = 3.0


@dataclass(frozen=True, eq=False)
class Held:
    """A toy, its starts and where the ODE carries them."""

    toy: Mixture
    start: torch.Tensor
    truth: torch.Tensor


def held(
    make: Callable[[float, int], Mixture], between: float, seeds: tuple[int, ...] = SEEDS
) -> list[Held]:
    found = []
    for seed in seeds:
        toy = make(between, seed)
        start = starts(toy, EXAMPLES, SIGMA_MAX, seed)
        found.append(Held(toy, start, true_endpoints(toy, start, SIGMA_MAX)))
    return found


def steps_of(solver: str, evaluations: int) -> int:
    return (evaluations + 1) // 2 if solver == "heun" else evaluations


def mean_error(cases: list[Held], sigmas: np.ndarray, solver: str) -> float:
    return float(
        np.mean(
            [endpoint_error(case.toy, case.start, case.truth, sigmas, solver) for case in cases]
        )
    )


def grids(variance: np.ndarray, steps: int, solver: str) -> dict[str, np.ndarray]:
    """The published grids, to sigma_min and to our last knot; ours with that knot free, or not."""
    ends = {"sigma_max": SIGMA_MAX, "sigma_min": SIGMA_MIN}
    found = {rule: named_sigmas(rule, variance, steps, **ends) for rule in RULES}
    found["ours"] = optimal_sigmas(variance, steps, solver, last="free", **ends)
    found["ours, fixed end"] = optimal_sigmas(variance, steps, solver, last="fixed", **ends)
    ends["sigma_min"] = float(found["ours"][-1])
    for rule, name in zip(RULES, MOVED, strict=True):
        found[name] = named_sigmas(rule, variance, steps, **ends)
    return found


def mixtures() -> list[Row]:
    rows, errors = [], {}
    for kind in TOYS:
        variance = TOYS[kind](0.2, 0).variance.numpy()
        cases = {between: held(TOYS[kind], between) for between in BETWEEN}
        for solver in ("euler", "heun", "2m"):
            for count in EVALUATIONS:
                levels = grids(variance, steps_of(solver, count), solver)
                for between in BETWEEN:
                    error = {
                        rule: mean_error(cases[between], sigmas, solver)
                        for rule, sigmas in levels.items()
                    }
                    errors.setdefault((solver, between), []).append(error)
                    what = f"{kind}, {between:.0%} between modes, {solver}, {count} evaluations"
                    rows.append(Row(what, "", told(error)))
        rows += covariance_rows(kind, cases)
    for (solver, between), some in errors.items():
        rows += summary(f"{solver}, {between:.0%} between modes", some)
    return [
        *rows,
        *summary("all", [error for some in errors.values() for error in some]),
        *held_out_rows(),
    ]


def held_out_rows() -> list[Row]:
    """Ours, last knot free, against the best of the published rules on spectra not chosen on."""
    ratios: dict[str, list[float]] = {solver: [] for solver in HELD_OUT_EVALUATIONS}
    for make in HELD_OUT.values():
        variance = make(0.2, 0).variance.numpy()
        for between in HELD_OUT_BETWEEN:
            cases = held(make, between, SEEDS[:1])
            for solver, counts in HELD_OUT_EVALUATIONS.items():
                for count in counts:
                    steps, ends = steps_of(solver, count), {"sigma_max": SIGMA_MAX}
                    ends["sigma_min"] = SIGMA_MIN
                    ours = optimal_sigmas(variance, steps, solver, last="free", **ends)
                    best = min(
                        mean_error(cases, named_sigmas(rule, variance, steps, **ends), solver)
                        for rule in RULES
                    )
                    ratios[solver].append(mean_error(cases, ours, solver) / best)
    ratios["all"] = [ratio for some in ratios.values() for ratio in some]
    return [
        Row(
            f"spectra not chosen on, {solver}: ours over the best of three, geometric mean",
            "",
            f"{_mean(np.array(some)):.2f} ({sum(r < 1 for r in some)} won, "
            f"{sum(r >= 1 for r in some)} lost, worst {max(some):.2f})",
        )
        for solver, some in ratios.items()
    ]


def told(error: dict[str, float]) -> str:
    """Every grid's error, and which of the published ones were better than ours."""
    lost = [rule for rule in (*RULES, *MOVED) if error["ours"] >= error[rule]]
    values = "; ".join(f"{rule} {value:.3f}" for rule, value in error.items())
    return values + (f" <- ours loses to {'; '.join(lost)}" if lost else "")


def summary(what: str, errors: list[dict[str, float]]) -> list[Row]:
    """Geometric mean of our error over each published grid's, wins and losses."""
    rows = []
    for ours, rules in (("ours", RULES), ("ours", MOVED), ("ours, fixed end", RULES)):
        parts = []
        for rule in rules:
            ratio = np.array([error[ours] / error[rule] for error in errors])
            won = int((ratio < 1).sum())
            parts.append(f"{rule} {_mean(ratio):.2f} ({won} won, {len(ratio) - won} lost)")
        rows.append(Row(f"{what}: {ours} over others, geometric mean", "", "; ".join(parts)))
    return rows


def covariance_rows(kind: str, cases: dict[float, list[Held]]) -> list[Row]:
    """DDIM's endpoint error over that of covariance-aware DDIM, on the same published grids."""
    rows = []
    for between, some in cases.items():
        for steps in (5, 10, 20):
            told, least = [], np.inf
            for rule in ("edm", "log-linear"):
                variance = some[0].toy.variance.numpy()
                sigmas = named_sigmas(
                    rule, variance, steps, sigma_max=SIGMA_MAX, sigma_min=SIGMA_MIN
                )
                plain, aware = (mean_error(some, sigmas, name) for name in ("ddim", "covariance"))
                told.append(f"{rule} {plain:.3f} -> {aware:.3f} ({plain / aware:.1f} times)")
                least = min(least, plain / aware)
            asked = between == 0.2 and steps == 5
            rows.append(
                Row(
                    f"{kind}, {between:.0%} between modes: DDIM -> covariance-aware, {steps} steps",
                    f"at least {ASKED:g} times" if asked else "",
                    ", ".join(told),
                    bool(least >= ASKED) if asked else None,
                )
            )
    return rows


def _mean(values: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(values))))
