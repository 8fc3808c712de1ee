"""Gaussian fields with the exact denoiser: bound and ODE likelihood beside the closed form."""

from tests.benchmarks.table import Row
from tests.diffusion.exact_fields import BASES, FIELDS, STRENGTHS, measured

__all__ = ["exactness"]

ASKED = 0.005  # bits/dim


def exactness() -> list[Row]:
    """The worst over orderings: strengths 0, 0.5, 1, 2, one by one, position windows."""
    return [
        _row(name, basis, prior)
        for name in FIELDS
        if name != "colour 8 x 8"  # one by one it is 192 windows
        for basis in BASES
        for prior in ("white", "data")
    ]


def _row(name: str, basis: str, prior: str) -> Row:
    found = [measured(name, basis, prior, strength) for strength in STRENGTHS]
    bound = max((score.bound - score.entropy for score in found), key=abs)
    ode = max((score.ode - score.entropy for score in found), key=abs)
    theory = max(score.excess + score.spread for score in found)
    return Row(
        f"{name}, {basis}, {prior} prior",
        f"within {ASKED} bits/dim",
        f"bound {bound:+.5f}, ODE {ode:+.5f} (of which the ends at most {theory:.5f})",
        max(abs(bound), abs(ode)) <= ASKED,
    )
