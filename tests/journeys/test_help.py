"""What --help says: no "None", no type names for what has a name, and every name that there is."""

import re
from typing import get_args

import pytest

from spectra.arguments import CriterionChoice, RuleChoice
from spectra.cli import main
from spectra.grammar import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_help_reads_well_at_80_columns(capsys, monkeypatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert not re.search(r"None|\bSTR\b|default: False|\[--json \]", text)
    usage, _, rest = text.partition("-h, --help ")
    assert usage.startswith(f"usage: spectra {command} ")
    assert max(map(len, rest.splitlines())) <= 80


def test_the_names_are_those_of_python() -> None:
    from spectra.schedule.steps.grids import RULES
    from spectra.schedule.steps.optimise import Criterion

    assert get_args(RuleChoice) == RULES
    assert get_args(CriterionChoice) == get_args(Criterion)
