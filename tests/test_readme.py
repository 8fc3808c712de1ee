"""What the README says can be typed: commands, flags, names, targets, files."""

import ast
import functools
import inspect
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import spectra
import spectra.grammar
from spectra.cli import main
from tests.benchmarks.__main__ import BENCHMARKS
from tests.benchmarks.study_data import DATA
from tests.picture import draw

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", README, re.DOTALL)
PROSE = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
# In a block of commands, and those in a line of prose that name what they take.
COMMANDS = [
    line.removeprefix("$ ").removeprefix(".venv/bin/")
    for language, block in BLOCKS
    if not language
    for line in block.splitlines()
    if re.match(r"(\$ |\.venv/bin/)?spectra [a-z]", line)
] + re.findall(r"`(spectra (?!data)[a-z]+ [^`]+)`", re.sub(r"\s+", " ", PROSE))


class Understood(Exception):
    """The command line was read to its end."""


def stopped(command: Callable[..., Any]) -> Callable[..., Any]:
    """In place of a command, with its grammar."""

    @functools.wraps(command)
    def call(*positional: Any, **named: Any) -> Any:
        raise Understood

    return call


@pytest.fixture
def grammar(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = {name: stopped(command) for name, command in spectra.grammar.COMMANDS.items()}
    monkeypatch.setattr(spectra.grammar, "COMMANDS", commands)


def test_there_are_commands_to_look_at() -> None:
    assert len(COMMANDS) > 15
    assert {line.split()[1] for line in COMMANDS} == set(spectra.grammar.COMMANDS) - {
        "demo",
        "data",
    }


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_is_understood(grammar: None, line: str) -> None:
    with pytest.raises(Understood):
        main(shlex.split(line, comments=True)[1:])


def test_a_command_that_is_wrong_is_not_understood(grammar: None) -> None:
    for line in ("analyze photos --out m --crop middle", "sample runs/a --out x --stpes 18"):
        with pytest.raises(SystemExit):
            main(line.split())


def test_a_flag_in_the_text_is_one_of_some_command(capsys: pytest.CaptureFixture[str]) -> None:
    known = set()
    for command in spectra.grammar.COMMANDS:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        known |= set(re.findall(r"--[a-z][a-z0-9-]*", capsys.readouterr().out))
    shown = " ".join(re.findall(r"`([^`]+)`", PROSE))
    told = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", shown))
    assert len(told) > 20
    assert told - known <= {"--to", "--nproc-per-node"}


def test_a_target_is_in_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]+)(?=[ `\n])", "\n".join(typed()))) <= targets
    assert set(re.findall(r"BENCH=([a-z]+)", README)) <= set(BENCHMARKS)
    named = re.search(r"DATA=photos`, (.*?);", README, re.DOTALL)
    assert named is not None
    assert set(re.findall(r"`([a-z0-9-]+)`", named[1])) <= set(DATA)


def typed() -> list[str]:
    """What stands as code, in blocks and in lines."""
    return [block for _, block in BLOCKS] + [f"{one}`" for one in re.findall(r"`([^`]+)`", PROSE)]


def test_a_file_that_is_linked_is_there() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target.startswith("http") or (ROOT / target).exists(), target


def test_every_notebook_is_listed() -> None:
    notebooks = {
        f"analysis_notebooks/{path.name}"
        for path in (ROOT / "analysis_notebooks").glob("[0-9]_*.ipynb")
    }
    assert notebooks == set(re.findall(r"\]\(([^)]+\.ipynb)\)", README))


def from_python() -> str:
    return next(code for language, code in BLOCKS if language == "python" and "spectra." in code)


def test_calls_from_python_have_these_names() -> None:
    calls = [node for node in ast.walk(ast.parse(from_python())) if isinstance(node, ast.Call)]
    seen = 0
    for call in calls:
        name = ast.unparse(call.func).removeprefix("spectra.")
        if hasattr(spectra, name):
            named = {str(keyword.arg): None for keyword in call.keywords}
            inspect.signature(getattr(spectra, name)).bind(*call.args, **named)
            seen += 1
    assert seen > 8
    for name in re.findall(r"`spectra\.(\w+)\b", PROSE):
        assert hasattr(spectra, name) or (ROOT / "spectra" / name).is_dir(), name


@pytest.mark.slow
def test_the_calls_before_training_run() -> None:
    before, _, after = from_python().partition("run = spectra.train")
    assert after
    scope: dict[str, Any] = {}
    exec(before.replace("size=64)", 'size=64, crop="center")'), scope)
    assert scope["schedule"].explanation
    assert scope["larger"].shape == (1, 128, 128)


@pytest.mark.slow
def test_the_picture_is_what_is_drawn(tmp_path: Path) -> None:
    draw(tmp_path / "drawn.png")
    kept = ROOT / "analysis_notebooks/figures/photograph_under_noise.png"
    assert kept.stat().st_size < 200_000
    drawn, kept = (
        np.asarray(Image.open(path).convert("L"), float) for path in (tmp_path / "drawn.png", kept)
    )
    assert drawn.shape == kept.shape
    assert np.abs(drawn - kept).mean() < 2.0  # of 255
