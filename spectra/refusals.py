"""Why a command line is not understood, in one line with the mend."""

import contextlib
import difflib
import io
import re
from collections.abc import Callable, Sequence

__all__ = ["refusal"]

CHOICES = re.compile(r"Expected one of \([^)]*\)")
TOO_MUCH = "Unrecognized options:"
LIKE_AN_OPTION = re.compile(r"--?[A-Za-z]{2}")
OPTION = re.compile(r"--[a-z][a-z0-9-]*")


def refusal(
    arguments: Sequence[str],
    box: str,
    commands: Sequence[str],
    call: Callable[[list[str]], object],
) -> str:
    """What is wrong with a command line that the parser refused.

    Parameters
    ----------
    arguments
        The words.
    box
        What the parser printed: the reason in a box of text.
    commands
        Names of the commands.
    call
        Parses and runs; for a command's help, whose options are what the command has.

    Returns
    -------
    str
        One line, without a line break.
    """
    name = arguments[0] if arguments else ""
    if name not in commands:
        wrong = "" if name.startswith("-") or not name else f"there is no command {name}"
        near = difflib.get_close_matches(name, commands, n=1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        first = f"{wrong}{hint}; " if wrong else ""
        return f"{first}give one of {', '.join(commands)} (see spectra --help)"
    see = f"(see spectra {name} --help)"
    known = _options(name, call)
    for word in arguments[1:]:
        option = word.partition("=")[0]
        if LIKE_AN_OPTION.match(option) and option.replace("_", "-") not in known:
            near = difflib.get_close_matches(option, known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            return f"{name} has no option {option}{hint} {see}"
    reason = _reason(box)
    if reason.startswith(TOO_MUCH):
        return f"{name}: {reason.removeprefix(TOO_MUCH).strip()} is too much, leave it out {see}"
    return f"{reason} {see}"


def _options(name: str, call: Callable[[list[str]], object]) -> list[str]:
    """The options that a command's help shows."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
        call([name, "--help"])
    return sorted(set(OPTION.findall(shown.getvalue())))


def _reason(box: str) -> str:
    """The message inside a box of text, up to its first rule."""
    blocks: list[list[str]] = [[]]
    for line in box.splitlines():
        text = line.strip("│╭╮╰╯ ")
        if not text:
            continue
        if text.startswith("─") or not text.strip("-"):
            blocks.append([])
        else:
            blocks[-1].append(text)
    blocks = [block for block in blocks if block] or [[]]
    # On an ASCII terminal the title is a block of its own, else it is part of a rule.
    titled = "╭" not in box and len(blocks) > 1
    said = " ".join(" ".join(blocks[1 if titled else 0]).split())
    return CHOICES.sub(_sorted_choices, said)


def _sorted_choices(found: re.Match[str]) -> str:
    """Names in their order; "None" is the absence of the flag, which is no name."""
    names = sorted(set(re.findall(r"'([^']*)'", found[0])) - {"None"})
    return f"Expected one of {', '.join(names)}"
