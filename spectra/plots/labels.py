"""Names as they may stand on a figure."""

import textwrap

__all__ = ["as_label"]


def as_label(name: str, most: int | None = None) -> str:
    """A name as it stands: no formula, shown whatever its first letter.

    Parameters
    ----------
    name
        Of a run, a data set, a file: anything that a user may type.
    most
        Letters of a line, where it is to be folded.

    Returns
    -------
    str
        For a title, a label or a legend, which leaves out what begins with an underscore.
    """
    if most is not None:
        name = textwrap.fill(name, most, break_on_hyphens=False)
    return (" " if name.startswith("_") else "") + name.replace("$", r"\$")
