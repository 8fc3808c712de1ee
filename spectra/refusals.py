"""Why a command line is not understood, in one line with the mend."""

import contextlib
import difflib
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence

from spectra.errors import InputError, is_number

__all__ = ["check_words", "refusal"]

CHOICES = re.compile(r"Expected one of \([^)]*\)")
TOO_MUCH = "Unrecognized options:"
NO_NUMBER = re.compile(r"Error parsing (--[a-z0-9-]+): (.*)")
LIKE_AN_OPTION = re.compile(r"--[A-Za-z]|-[A-Za-z]{2}")
# At the head of its line, in a box or not; others stand in descriptions.
OPTION = re.compile(r"^\W{1,3}(?:-h, )?(--[a-z][a-z0-9-]*)", re.MULTILINE)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
COLUMNS = 80  # of the help that options are read from: its lines have one option each


def check_words(arguments: Sequence[str]) -> None:
    """Refuse an empty word, that of an unset shell variable say: as a path it is this folder."""
    before = ""
    for word in arguments:
        option, equals, value = word.partition("=")
        if not word or (equals and not value and LIKE_AN_OPTION.match(option)):
            name = option or (before if LIKE_AN_OPTION.match(before) else f"{before} ''".strip())
            raise InputError(f"{name}: an empty word; give a value, or leave it out")
        before = word


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
        One line.
    """
    name = arguments[0] if arguments else ""
    if name not in commands:
        return (
            f"{_no_command(name, commands)}give one of {', '.join(commands)} (see spectra --help)"
        )
    see = f"(see spectra {name} --help)"
    known = _options(name, call)
    for option in _given(arguments[1:]):
        if option.replace("_", "-") not in known:
            near = difflib.get_close_matches(option.lower(), known, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            return f"{name} has no option {option}{hint} {see}"
    reason = _reason(COLOUR.sub("", box))
    if reason.startswith(TOO_MUCH):
        return f"{name} has no place for {reason.removeprefix(TOO_MUCH).strip()!r} {see}"
    if number := NO_NUMBER.match(reason):
        return f"{_no_number(number[1], number[2], arguments)} {see}"
    return f"{reason} {see}"


def _no_command(name: str, commands: Sequence[str]) -> str:
    """What is wrong with a first word that is no command."""
    if not name:
        return ""
    if name.startswith("-"):
        return f"{name} stands where a command should; "
    near = difflib.get_close_matches(name.lower(), commands, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    return f"there is no command {name}{hint}; "


def _given(words: Sequence[str]) -> Iterator[str]:
    """What was meant as options: not numbers (-inf), nor what follows --."""
    for word in words:
        if word == "--":
            return
        option = word.partition("=")[0]
        if LIKE_AN_OPTION.match(option) and not is_number(word):
            yield option


def _no_number(option: str, told: str, words: Sequence[str]) -> str:
    """What was given where numbers belong: the parser tells of its own types instead."""
    if "FLOAT FLOAT" in told:
        most, needed = 2, "two numbers are needed"
    elif "valid parse" in told:  # one after another
        most, needed = len(words), "numbers are needed"
    else:
        most = 1
        needed = "a whole number is needed" if "int" in told else "a number is needed"
    given: list[str] = []
    inside = False
    for word in words:
        own, equals, value = word.partition("=")
        if own.replace("_", "-") == option:
            given = [value] if equals else []
            inside = True
        elif not is_number(word) and LIKE_AN_OPTION.match(word):
            inside = False
        elif inside and len(given) < most:
            given.append(word)
    return f"{option} {' '.join(given)}: {needed}"


def _options(name: str, call: Callable[[list[str]], object]) -> list[str]:
    """The options that a command's help shows."""
    shown, before = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(COLUMNS)
    try:
        with contextlib.redirect_stdout(shown), contextlib.suppress(SystemExit):
            call([name, "--help"])
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
    return sorted(set(OPTION.findall(COLOUR.sub("", shown.getvalue()))))


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
