"""What a benchmark gives back: rows of a table."""

from dataclasses import dataclass

__all__ = ["Row", "rendered"]


@dataclass(frozen=True)
class Row:
    """One figure: what it is of, what is asked of it, what was measured, and whether that is met.

    `met` is None where nothing is asked.
    """

    what: str
    asked: str
    measured: str
    met: bool | None = None


def rendered(rows: list[Row]) -> str:
    """A table in text: asked | measured."""
    marks = {True: "", False: "  <- not met", None: ""}
    header = Row("", "asked", "measured")
    what = max(len(row.what) for row in rows)
    asked = max(len(row.asked) for row in [header, *rows])
    return "\n".join(
        f"  {row.what:<{what}} | {row.asked:>{asked}} | {row.measured}{marks[row.met]}"
        for row in [header, *rows]
    )
