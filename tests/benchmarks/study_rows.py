"""The study's figures, asked beside measured."""

from collections.abc import Iterator

import numpy as np

from spectra.comparison import Comparison
from spectra.evaluation import Difference
from tests.benchmarks.study_plan import BASELINES, COMPONENT, GRIDS, MAIN, PARTS, STUDY, TUNED
from tests.benchmarks.table import Row

__all__ = ["judged"]

# Asked.
TIE_BITS, TIE_DISTANCE = 0.02, 5.0  # bits/dim; per cent
SHARE_OF_STEPS = 0.7  # to the best baseline's final bound, on sound and radar
SHARE_OF_EDM = 0.7  # spectral distance at 9 evaluations
UNDER_EDM, UNDER_ENTROPIC = 30.0, 10.0  # per cent, of our grid at 5 to 13 evaluations
MINUTES = 25.0


def judged(name: str, found: Comparison) -> list[Row]:
    """Asked beside measured."""
    settings = found.settings
    head = [
        Row(
            f"{name}: {found.source}, {settings['steps']:,} steps, {len(found.seeds)} seeds",
            f"within {MINUTES:g} minutes",
            f"{settings['minutes']:g} minutes",
            settings["minutes"] <= MINUTES,
        )
    ]
    head += [Row(f"  {arm}", "", f"FAILED: {why}") for arm, why in settings["failed"].items()]
    arms = STUDY[name].arms
    if arms == GRIDS:
        return [*head, *_grid_rows(found)]
    table = [Row(f"  {arm}", "", _summary(found, arm)) for arm in found.names]
    if arms == PARTS:
        return [*head, *table, *_part_rows(found)]
    return [*head, *table, *_main_rows(found, STUDY[name].data)]


def _main_rows(found: Comparison, data: str) -> Iterator[Row]:
    """The derived schedule against the four baselines; then the refined one against it."""
    there = [name for name in BASELINES if name in found.names]
    for base in there:
        bits = found.bits_difference("derived", base)
        yield _against(f"  derived - {base}", bits, TIE_BITS)
        for evaluations in (5, 9, 19):
            gap = found.distance_difference("derived", base, "spectral", evaluations, "heun")
            if gap is not None:
                yield _against(f"  derived - {base}", gap, TIE_DISTANCE)
    best = min(there, key=lambda name: float(found.bits(name).mean()), default=None)
    if best is not None:
        for name in ("derived", "refined"):
            yield _reached(
                found, name, best, data in ("spoken-digits", "radar") and name == "derived"
            )
    if "edm" in there:
        gap = found.distance_difference("derived", "edm", "spectral", 9, "heun")
        if gap is not None:
            share = 1 + gap.mean / 100
            yield Row(
                "  derived, spectral distance at 9 evaluations, of EDM's",
                f"at most {SHARE_OF_EDM}",
                f"{share:.2f} ({1 + gap.low / 100:.2f} to {1 + gap.high / 100:.2f})",
                share <= SHARE_OF_EDM,
            )
    if "refined" in found.names:
        yield _against("  refined - derived", found.bits_difference("refined", "derived"), None)
        yield _reached(found, "refined", "derived", False)
        gap = found.distance_difference("refined", "derived", "spectral", 9, "heun")
        if gap is not None:
            yield _against("  refined - derived", gap, None)
    if "modes" in found.names:
        yield _against("  modes - derived", found.bits_difference("modes", "derived"), None)
    yield from _photo_rows(found)


def _photo_rows(found: Comparison) -> Iterator[Row]:
    """Which part won: the preconditioning under every schedule, and EDM's training noise tuned."""
    both = [name for name in MAIN if name + COMPONENT in found.names and name in found.names]
    for name in both:
        bits = found.bits_difference(name + COMPONENT, name)
        yield _against(f"  {name}: component - scalar", bits, None)
    for base in both:
        if base in BASELINES and "derived" in both:
            bits = found.bits_difference("derived" + COMPONENT, base + COMPONENT)
            yield _against(f"  derived - {base}, both component", bits, TIE_BITS)
    tuned = [name for name in found.names if name == "edm" or name.startswith(TUNED)]
    if len(tuned) > 1 and "derived" in found.names:
        best = min(tuned, key=lambda name: float(found.bits(name).mean()))
        bits = found.bits_difference("derived", best)
        yield _against(f"  derived - EDM tuned ({best})", bits, TIE_BITS)


def _part_rows(found: Comparison) -> Iterator[Row]:
    """Each part of ours less the copied schedule."""
    for name in found.names:
        if name == "copied":
            continue
        yield _against(f"  {name} - copied", found.bits_difference(name, "copied"), None)
        for evaluations in (5, 9, 19):
            gap = found.distance_difference(name, "copied", "spectral", evaluations, "heun")
            if gap is not None:
                yield _against(f"  {name} - copied", gap, None)


def _grid_rows(found: Comparison) -> Iterator[Row]:
    """Our grid against the others on one trained network."""
    asked = {"edm grid": UNDER_EDM, "rescaled-entropic": UNDER_ENTROPIC}
    for other in found.names[1:]:
        for measure in ("spectral", "frechet"):
            for solver, evaluations in found.samplers:
                gap = found.distance_difference(found.names[0], other, measure, evaluations, solver)
                if gap is None:
                    continue
                least = asked.get(other) if evaluations <= 13 else None
                yield Row(
                    f"  ours - {other}: {gap.measure}",
                    "" if least is None else f"at most -{least:g} %",
                    _told(gap),
                    None if least is None else gap.mean <= -least,
                )


def _against(what: str, gap: Difference, tie: float | None) -> Row:
    """A difference, and whether it is better or a tie."""
    return Row(
        f"{what}: {gap.measure}",
        "" if tie is None else f"interval under +{tie:g} {gap.unit}",
        _told(gap),
        None if tie is None else gap.high < tie,
    )


def _told(gap: Difference) -> str:
    digits = 4 if gap.unit != "%" else 1
    low, high = (f"{end:+.{digits}f}" for end in (gap.low, gap.high))
    return f"{gap.mean:+.{digits}f} ({low} to {high}) {gap.unit}, {gap.verdict}"


def _reached(found: Comparison, name: str, other: str, is_asked: bool) -> Row:
    """Steps to another arm's final bound, as a share of its steps."""
    reach = found.reach(name, other)
    each = ", ".join("not" if np.isinf(share) else f"{share:.2f}" for share in reach.shares)
    whole = "not in every seed" if np.isnan(reach.mean) else f"{reach.mean:.2f}"
    return Row(
        f"  {name}: steps to the final bound of {other}, share of its",
        f"at most {SHARE_OF_STEPS}" if is_asked else "",
        f"{whole} (by seed {each})",
        bool(reach.mean <= SHARE_OF_STEPS) if is_asked else None,
    )


def _summary(found: Comparison, arm: str) -> str:
    """Means over seeds: bits/dim, and the distances by the first solver it was drawn with."""
    words = [f"{found.bits(arm).mean():.4f} bits/dim"]
    for solver, evaluations in found.samplers:
        distance = found.distances(arm, "spectral", evaluations, solver).mean()
        if np.isfinite(distance):
            words.append(f"{distance:.2f} dB at {evaluations} ({solver})")
    return ", ".join(words)
