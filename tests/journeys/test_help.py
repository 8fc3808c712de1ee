"""What --help says: no "None", no type names for what has a name, and every name that there is."""

import errno
import json
import os
import re
import subprocess
import sys
from inspect import signature
from typing import get_args

import pytest
import torch

import spectra
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
    # One way to say a default, and titles that tell what is in the box.
    said = " ".join(text.replace("│", " ").split())
    assert not re.search(r"the default\b|\s\([\d.,]+\)|choices options|numbers options", said)


def test_training_is_grouped(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = capsys.readouterr().out
    boxes = re.split(r"^\W*(\w[\w ]* options)\W*$", text, flags=re.MULTILINE)
    pairs = zip(boxes[1::2], boxes[2::2], strict=True)
    told = {title: set(re.findall(r"--[a-z][a-z-]+", box)) for title, box in pairs}
    assert set(told) == {f"{n} options" for n in ("network", "optimiser", "known part", "machine")}
    assert {"--loss", "--condition"} <= told["network options"]
    assert {"--ema-width", "--cooldown"} <= told["optimiser options"]
    assert told["known part options"] == {"--known", "--known-parts"}
    assert {"--device", "--compile"} <= told["machine options"]


# What Python alone takes: objects, and what a terminal gives unasked.
OF_PYTHON = {
    "train": (spectra.train, {"source", "progress", "on_start", "on_record"}),
    "sample": (spectra.sample, {"run", "grid", "progress"}),
    "extend": (spectra.extend, {"run", "grid", "progress"}),
    "evaluate": (spectra.evaluate, {"run", "source", "features", "progress"}),
}


@pytest.mark.parametrize("command", OF_PYTHON)
def test_what_python_takes_is_a_flag(capsys, command: str) -> None:
    function, alone = OF_PYTHON[command]
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = set(re.findall(r"--([a-z][a-z-]*)", capsys.readouterr().out))
    taken = {name.replace("_", "-") for name in set(signature(function).parameters) - alone}
    assert taken <= told


def test_help_is_the_commands_whatever_stands_before_it(capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["data", "list", "--help"])
    assert stop.value.code == 0
    assert "{list,show,fetch,verify} [NAME]" in capsys.readouterr().out


def test_an_audits_names_are_told(capsys) -> None:
    from spectra.schedule import PRESETS
    from spectra.schedule.auditing.foreign import NAMES

    with pytest.raises(SystemExit):
        main(["schedule", "--help"])
    text = capsys.readouterr().out.replace("\n", " ")
    for name in (*NAMES, *PRESETS):
        assert name.partition(" ")[0] in text, name
    with pytest.raises(SystemExit):
        main(["plot", "--help"])
    assert "compare.json" in capsys.readouterr().out


def test_the_names_are_those_of_python() -> None:
    from spectra.schedule.steps.grids import RULES
    from spectra.schedule.steps.optimise import Criterion

    assert get_args(RuleChoice) == RULES
    assert get_args(CriterionChoice) == get_args(Criterion)


def test_the_names_of_training_are_those_of_python() -> None:
    from spectra import train_arguments
    from spectra.diffusion import known, loss, precondition, settings

    for mine, its in (
        (train_arguments.PartKind, known.PartKind),
        (train_arguments.Loss, loss.Loss),
        (train_arguments.Preconditioning, precondition.Preconditioning),
        (train_arguments.Averaging, settings.Averaging),
    ):
        assert get_args(mine) == get_args(its)


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_a_refusal_is_its_message_on_any_terminal(locale: str) -> None:
    """Boxes are drawn with other characters where there are no others."""
    environment = {**os.environ, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    flags = ["--schedule", "s", "--out", "r", "--steps", "x"]
    command = [sys.executable, "-m", "spectra.cli", "train", "photos", *flags]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    line = done.stderr.strip()
    assert "\n" not in line
    assert "--steps" in line
    assert "---" not in line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("analyse photos --out x", "no command analyse (did you mean analyze?)"),
        ("", "give one of demo, analyze"),
        ("--json analyze nope --out y", "--json stands where a command should; give one of demo"),
        ("train photos --schedul s --out x", "train has no option --schedul (did you mean --sch"),
        ("train photos --held_ot=1 --schedule s --out x", "no option --held_ot (did you mean --he"),
        ("train photos -steps 3 --schedule s --out x", "no option -steps (did you mean --steps?)"),
        ("evaluate r photos --out x", "evaluate has no option --out (see spectra evaluate --help)"),
        ("data show digits --outt x", "data has no option --outt (did you mean --out?)"),
        ("sample r --n 3 4 --out x", "sample has no place for '4' (see spectra sample --help)"),
        ("schedule s --p-men -2 --out x", "schedule has no option --p-men (did you mean --p-mean"),
        ("train x --schedule s --out y --n 3", "train has no option --n "),
        ("probe r x --out y --error z", "probe has no option --error (see"),  # in a description
        ("analyze x --out y --WINDOW hann", "no option --WINDOW (did you mean --window?)"),
        ("schedule s --g-noise -inf --solver bad", "invalid choice 'bad' for argument '--solver'"),
        ("analyze --out -- -nope", "Missing"),
        ("train photos --held_out a --schedule s --out x", "--held-out a: a number is needed"),
        (
            "sample r --n=2.5 --out x",
            "--n 2.5: a whole number is needed (see spectra sample --help)",
        ),
        ("analyze --rate nope x --out y", "--rate nope: a whole number is needed"),
        ("analyze x --out y --fit-range 0.1 --json", "--fit-range 0.1: two numbers are needed"),
        ("analyze x --out y --value-range a -1", "--value-range a -1: two numbers are needed"),
        ("probe r x --sigmas 0.1 nope --n 3", "--sigmas 0.1 nope: numbers are needed"),
        ("compare x --schedules a --out y --evaluations b", "--evaluations b: numbers are needed"),
        ("analyze photos", "Missing from spectra analyze: --out PATH"),
    ],
)
def test_a_word_that_is_none_of_ours_is_named(capsys, words: str, said: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words.split())
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("columns", ["20", "60", "400"])
def test_options_are_known_at_any_width(capsys, monkeypatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    words = (
        "compare x --schedules edm --out y --distance-margin 0.1 --copied-sigma-data 1 --lss bad"
    )
    with pytest.raises(SystemExit):
        main(words.split())
    assert "no option --lss (did you mean --loss?)" in capsys.readouterr().err
    assert os.environ["COLUMNS"] == columns


def test_the_version(capsys) -> None:
    main(["--version"])
    assert capsys.readouterr().out == f"spectra {spectra.__version__}\n"
    main(["--version", "--json"])
    assert json.loads(capsys.readouterr().out) == {"version": spectra.__version__}


def test_a_wrong_choice_names_the_right_ones(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["schedule", "s", "--basis", "foo", "--out", "x"])
    line = capsys.readouterr().err
    assert "auto, dct, fourier, pca, pixel, wavelet" in line
    assert "None" not in line


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["analyze", "photos", "--out", ""], "--out: "),
        (["analyze", "photos", "--out="], "--out: "),
        (["analyze", "", "--out", "x"], "analyze '': "),
        (["train", "x", "--schedule", "s", "--out", "y", "--device="], "--device: "),
    ],
)
def test_an_empty_word_is_no_path_to_this_folder(
    capsys, tmp_path, monkeypatch, words: list[str], named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith(f"spectra: {named}an empty word; give a value")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("command", "error", "said"),
    [
        ("sample", torch.OutOfMemoryError("CUDA out of memory. Tried"), "smaller --n or --device"),
        ("analyze", MemoryError(), "more memory is needed than there is; give a smaller --size"),
        (
            "evaluate",
            RuntimeError("DefaultCPUAllocator: can't allocate memory"),
            "more memory is needed than there is; give a smaller --n, --examples",
        ),
        ("analyze", OSError(errno.ENOSPC, "No space left on device"), "No space left on device; "),
        ("analyze", OSError("cannot serialise"), "spectra: cannot serialise; check the disk"),
        ("analyze", PermissionError(13, "Permission denied", "a/b"), "a/b: Permission denied; "),
    ],
)
def test_what_the_machine_refuses_is_one_line(
    capsys, monkeypatch, command: str, error: Exception, said: str
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr("spectra.cli._parse_and_run", failing)
    with pytest.raises(SystemExit) as stop:
        main([command])
    assert stop.value.code == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err


def test_an_error_of_ours_keeps_its_traceback(monkeypatch) -> None:
    def failing(*_: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr("spectra.cli._parse_and_run", failing)
    with pytest.raises(RuntimeError, match="shapes"):
        main(["analyze"])
