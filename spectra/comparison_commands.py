"""What `spectra compare` does between its arguments and its printed result."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from spectra.data import open_source, parted
from spectra.evaluation.score import reach as interval_text
from spectra.files import check_writable

__all__ = ["compare"]

SHOWN = 64  # examples of the data beside those of the arms


def compare(
    name: str, schedules: Sequence[str], out: Path, options: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """Train, score and compare; write compare.json and report.html."""
    from spectra.comparison import Comparison
    from spectra.comparison import compare as run
    from spectra.comparison.experiment import say
    from spectra.comparison.runs import shown_samples
    from spectra.plots import write_report
    from spectra.plots.compared import compared_facts, compared_intro, compared_sections

    check_writable(out)
    found: Comparison = run(name, schedules, out=out, progress=say, **options)
    source = open_source(name, **found.settings["view"])
    _, unseen = parted(source, options["held_out"])
    data = unseen.examples(np.random.default_rng(0).permutation(len(unseen))[:SHOWN])
    report = write_report(
        out / "report.html",
        title=f"Which schedule pays on {found.source}?",
        intro=compared_intro(found),
        sections=compared_sections(found, samples=shown_samples(out, found), data=data, of=unseen),
        numbers=found.to_dict(),
        settings=dict(found.settings),
        facts=compared_facts(found),
        skipped=[(item.name, item.reason) for item in source.skipped],
        credits=[(source.name, text) for text in (source.licence, source.citation) if text],
    )
    lines = [*comparison_lines(found), f"wrote {out / 'compare.json'} and {report}"]
    return found.to_dict() | {"report": str(report)}, "\n".join(lines)


def comparison_lines(found: Any) -> list[str]:
    """Every arm's scores, and the first less each of the others, as the lines of a table."""
    heads = ["bits/dim", *(f"{solver} {count}" for solver, count in found.samplers)]
    width = max(len(arm) for arm in found.names) + 2
    lines = [
        f"{'':<{width}}" + "".join(f"{head:>12}" for head in heads),
        f"{'':<{width}}" + f"{'':>12}" + "".join(f"{'dB':>12}" for _ in heads[1:]),
    ]
    for arm in found.names:
        values = [found.bits(arm).mean()]
        values += [
            found.mean_distance(arm, "spectral", count, solver) for solver, count in found.samplers
        ]
        cells = ["" if np.isnan(value) else f"{value:.3f}" for value in values]
        lines.append(f"{arm:<{width}}" + "".join(f"{cell:>12}" for cell in cells))
    other = None
    for first, second, difference in found.contrasts():
        if second != other:
            lines.append(f"{first} less {second}:")
            other = second
        lines.append(
            f"  {difference.measure:<46}{difference.mean:>+9.3f} {difference.unit:<9}"
            f"{interval_text(difference.low, difference.high, '+.3f')}  {difference.verdict}"
        )
    best = found.best_copied
    if best is not None:
        lines.append(f"steps to the final bound of {best}, as a share of its own:")
        for arm in found.names:
            reach = found.reach(arm, best)
            known = f"{reach.mean:.2f}   {interval_text(reach.low, reach.high, '.2f')}"
            missed = sum(not np.isfinite(share) for share in reach.shares)
            lines.append(
                f"  {arm:<{width}}"
                + (known if not missed else f"not reached by {missed} of {len(reach.shares)} seeds")
            )
    for arm, reason in found.settings["failed"].items():
        lines.append(f"{arm} is left out: {reason}")
    return lines
