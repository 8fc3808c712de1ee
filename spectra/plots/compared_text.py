"""What a comparison says in words: verdicts, every loss, and what the words mean."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from spectra.plots.compared_tables import VERDICTS, many
from spectra.plots.contrasts import difference_text

if TYPE_CHECKING:  # scores need torch, a page of them does not
    from spectra.comparison.results import Comparison
    from spectra.evaluation import Difference

__all__ = ["margins", "said", "verdict_text"]


def verdict_text(comparison: "Comparison") -> str:
    """What the words mean, and every loss by its name."""
    first, *others = comparison.names
    parts = []
    failed = comparison.settings.get("failed") or {}
    if failed:
        told = "; ".join(f"{name} ({reason})" for name, reason in failed.items())
        parts.append(f"Left out, because training failed: {told}.")
    lost = [name for name in comparison.names if not np.isfinite(comparison.bits(name)).all()]
    if lost:
        told = ", ".join(_quoted(name) for name in lost)
        parts.append(f"Not finite at the end of the training, with some seed: {told}.")
    if not others:
        parts.append("There is one arm alone, and nothing to compare it with.")
        return "\n\n".join(parts)
    found = list(comparison.contrasts())
    parts += [_summary(comparison, found), _losses(first, found)]
    parts.append(
        f"Every difference is {first} less another arm, paired over "
        f"{many(found[0][2].pairs, 'seed')}: both learn from the same files in the same order with "
        "the same noise. Better: the whole 95 % interval lies below zero. Tied: it does not, "
        "but it lies wholly below the margin, "
        f"{margins(comparison)}; a tie rules out a loss of that size and claims no gain. Worse: "
        "it lies wholly above zero and reaches beyond the margin. Everything else is undecided, "
        "which is no tie: more seeds would tell."
    )
    if len(comparison.seeds) < 2:
        parts.append("A single seed gives no interval: everything is undecided.")
    else:
        parts.append(
            f"If no arm differed from another, some {0.025 * len(found):.1f} of these "
            f"{len(found)} intervals would still lie wholly below zero, and at most as many above "
            "zero and beyond the margin. They are not independent of each other: look for "
            "differences that several numbers of evaluations agree on."
        )
    return "\n\n".join(parts).replace(" %", "\N{NO-BREAK SPACE}%")


def _summary(comparison: "Comparison", found: "list[tuple[str, str, Difference]]") -> str:
    """The bound's verdicts, arm by arm."""
    first = comparison.names[0]
    groups: dict[str, list[str]] = {word: [] for word in VERDICTS}
    for other in comparison.names[1:]:
        groups[comparison.bits_difference(first, other).verdict].append(other)
    told = [
        f"{said(word)} {', '.join(_quoted(name) for name in names)}"
        for word, names in groups.items()
        if names
    ]
    count = Counter(d.verdict for *_, d in found if d.unit == "%")
    text = f"In bits/dim at the end of the training {first} is {'; '.join(told)}."
    if count:
        counts = ", ".join(f"{count[word]} {word}" for word in VERDICTS)
        text += f" Of its {sum(count.values())} distances: {counts}."
    return text


def said(verdict: str) -> str:
    """A verdict as it stands before the other's name."""
    after = {"better": "than", "tied": "with", "worse": "than"}
    return f"{verdict} {after.get(verdict, 'against')}"


def _losses(first: str, found: "list[tuple[str, str, Difference]]") -> str:
    """Where the first arm is worse, the largest losses first."""
    lost = [(other, d) for _, other, d in found if d.verdict == "worse"]
    if not lost:
        return f"Nowhere is {first} worse beyond doubt."
    told = []
    for kind, other in dict.fromkeys((_kind(d), other) for other, d in lost):
        here = [d for who, d in lost if (_kind(d), who) == (kind, other)]
        asked = [d for _, who, d in found if (_kind(d), who) == (kind, other)]
        sizes = sorted(here, key=lambda d: d.mean)
        size = " to ".join(dict.fromkeys(difference_text(d) for d in (sizes[0], sizes[-1])))
        count = f"{len(here)} of {len(asked)}, " if kind != "bits/dim" else ""
        told.append(f"{kind} against {_quoted(other)} ({count}{size})")
    return f"Where {first} is worse: {'; '.join(told)}."


def _kind(difference: "Difference") -> str:
    """Bits/dim, or which distance, at whatever solver and evaluations."""
    return difference.measure.partition(",")[0] if difference.unit == "%" else "bits/dim"


def _quoted(name: str) -> str:
    """So that a list of names can be told from a name with a comma."""
    return f"“{name}”" if "," in name else name


def margins(comparison: "Comparison") -> str:
    return (
        f"+{comparison.bits_margin:g} bits/dim, or +{100 * comparison.distance_margin:g} % of a "
        "distance"
    )
