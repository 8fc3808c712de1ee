"""Names and powers of ten as they may stand on a figure."""

import textwrap

import numpy as np

__all__ = ["as_label", "power_of_ten", "solver_title"]

SOLVERS = {"euler": "Euler", "ddim": "Euler (DDIM)", "heun": "Heun", "2m": "DPM-Solver++(2M)"}


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


def solver_title(solver: str) -> str:
    """A solver as it is known."""
    return SOLVERS.get(solver, solver)


def power_of_ten(value: float, _: object = None) -> str:
    """A whole power, of a tick: 1, or 10 with its exponent."""
    exponent = round(float(np.log10(value)))
    return "1" if exponent == 0 else f"$10^{{{exponent}}}$"
