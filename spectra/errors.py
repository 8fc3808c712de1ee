"""The one error that is the user's to mend, and the checks that every noun shares."""

import math
from collections.abc import Sequence
from numbers import Integral, Real

__all__ = ["InputError", "check_name", "check_number", "check_share", "check_whole", "is_number"]


class InputError(ValueError):
    """The input is wrong; the message is one line that names the thing and the mend.

    The command line prints the message alone and exits with status 2; from Python it is
    an ordinary ``ValueError``.
    """


def check_name(what: str, name: object, known: Sequence[str]) -> None:
    """Refuse a name that is none of the known ones, and list those."""
    if not isinstance(name, str) or name not in known:
        shown = repr(name)
        shown = shown if len(shown) < 80 and shown.isprintable() else type(name).__name__
        raise InputError(f"{what} {shown} is unknown; choose one of {', '.join(known)}")


def check_number(
    name: str,
    value: float,
    low: float | None = None,
    strict: bool = False,
    high: float | None = None,
) -> None:
    """Refuse a number that is not finite, under `low` (or, if strict, at it), or over `high`."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name} {value!r}: a number is needed")
    if high is not None and value > high:
        raise InputError(f"{name} {value}: a number of at most {high:g} is needed")
    if not math.isfinite(value) or (low is not None and (value <= low if strict else value < low)):
        bound = "" if low is None else f" {'above' if strict else 'of at least'} {low:g}"
        raise InputError(f"{name} {value}: a finite number{bound} is needed")


def check_whole(name: str, value: object, low: int | None = None) -> None:
    """Refuse what is no whole number, or one under `low`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise InputError(f"{name} {value!r}: a whole number is needed")
    if low is not None:
        check_number(name, int(value), low=low)


def is_number(text: str) -> bool:
    """Whether a text is a number, such as 0.5 or -inf."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_share(name: str, value: float) -> None:
    """Refuse what is no number from 0 and under 1."""
    check_number(name, value)
    if not 0 <= value < 1:
        raise InputError(f"{name} {value} is no share; give one from 0 and under 1")
