"""Every public name says what it is, what it takes and what it gives; its examples are run."""

import ast
import dataclasses
import doctest
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectra
from tests.reference import PACKAGES

PACKAGE = Path(spectra.__file__).parent
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)


def sections(docstring: str) -> dict[str, str]:
    """The text of each section of a numpydoc docstring."""
    head, *rest = HEADING.split(inspect.cleandoc(docstring))
    return {"": head, **dict(zip(rest[::2], rest[1::2], strict=True))}


def described(text: str) -> set[str]:
    """Names that a Parameters or Attributes section has an entry for."""
    entries = [line for line in text.splitlines() if line and not line[0].isspace()]
    names = [name for entry in entries for name in entry.partition(" : ")[0].split(",")]
    return {name.strip().lstrip("*") for name in names if name.strip()}


def parameters(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self", "cls"}


def faults_of_function(function: Callable[..., Any]) -> list[str]:
    """What a function's docstring leaves out, or tells of what is not there."""
    if not function.__doc__:
        return ["has no docstring"]
    found = sections(function.__doc__)
    told, taken = described(found.get("Parameters", "")), parameters(function)
    faults = [f"does not say what {name} is" for name in sorted(taken - told)]
    faults += [f"tells of {name}, which it does not take" for name in sorted(told - taken)]
    gives = inspect.signature(function).return_annotation not in (None, "None", inspect._empty)
    if gives and not {"Returns", "Yields"} & set(found):
        faults.append("does not say what it returns")
    return faults


def faults_of_member(member: Callable[..., Any]) -> list[str]:
    """Of a method: a line will do; where parameters are listed, they are its own."""
    if not member.__doc__:
        return ["has no docstring"]
    told = described(sections(member.__doc__).get("Parameters", ""))
    other = told - parameters(member)
    return [f"tells of {name}, which it does not take" for name in sorted(other)]


def members(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public methods and properties of a class's own."""
    for name, held in vars(cls).items():
        if name.startswith("_"):
            continue
        if isinstance(held, property) and held.fget is not None:
            yield name, held.fget
        elif isinstance(held, cached_property):
            yield name, held.func
        elif isinstance(held, classmethod | staticmethod):
            yield name, held.__func__
        elif inspect.isfunction(held):
            yield name, held


def faults_of_class(cls: type) -> list[str]:
    docstring = cls.__dict__.get("__doc__") or ""
    if not docstring or docstring.startswith(f"{cls.__name__}("):  # what dataclass makes up
        return ["has no docstring"]
    found = sections(docstring)
    told = described(found.get("Attributes", "")) | described(found.get("Parameters", ""))
    fields = dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()
    names = [field.name for field in fields if not field.name.startswith("_")]
    faults = [f"does not say what {name} is" for name in names if name not in told]
    for name, member in members(cls):
        faults += [f".{name} {fault}" for fault in faults_of_member(member)]
    return faults


@cache
def described_constants() -> set[str]:
    """Names assigned at the top of a module with a docstring under them."""
    names = set()
    for path in PACKAGE.rglob("*.py"):
        body = ast.parse(path.read_text()).body
        for assigned, text in pairwise(body):
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
                targets = assigned.targets if isinstance(assigned, ast.Assign) else ()
                targets = (assigned.target,) if isinstance(assigned, ast.AnnAssign) else targets
                names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names


def faults(name: str, value: Any) -> list[str]:
    value = inspect.unwrap(value) if callable(value) else value
    if inspect.isclass(value):
        return faults_of_class(value)
    if inspect.isfunction(value):
        return faults_of_function(value)
    return [] if name.rpartition(".")[2] in described_constants() else ["has no docstring"]


def public_names() -> dict[str, Any]:
    """Every public object once, under the first package that has it."""
    found: dict[int, tuple[str, Any]] = {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            if name != "__version__":
                value = getattr(module, name)
                found.setdefault(id(value), (f"{package}.{name}", value))
    return dict(found.values())


@pytest.fixture(scope="module")
def public() -> dict[str, Any]:
    return public_names()


def test_every_public_name_is_described(public: dict[str, Any]) -> None:
    found = [f"{name} {fault}" for name, value in public.items() for fault in faults(name, value)]
    assert not found, "\n".join(found)


def test_every_package_with_public_names_is_looked_at() -> None:
    listed = {PACKAGE.joinpath(*name.split(".")[1:]) for name in PACKAGES}
    parts = ("auditing", "densities", "moving", "steps", "weights")
    inner = {PACKAGE / "schedule" / name for name in parts}
    assert {path.parent for path in PACKAGE.rglob("__init__.py")} <= listed | inner


def test_every_module_says_what_it_holds() -> None:
    silent = [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def silent(a: int) -> None: ...


def undescribed(a: int, b: int) -> int:
    """Add.

    Parameters
    ----------
    a, c : int
    """
    return a + b


@dataclasses.dataclass
class Bare:
    value: int


@dataclasses.dataclass
class Half:
    """Known in part.

    Attributes
    ----------
    value : int
    """

    value: int
    other: int

    def twice(self) -> int:
        return 2 * self.value


def test_what_is_missing_is_found() -> None:
    assert faults_of_function(silent) == ["has no docstring"]
    assert faults_of_function(undescribed) == [
        "does not say what b is",
        "tells of c, which it does not take",
        "does not say what it returns",
    ]
    assert faults_of_class(Bare) == ["has no docstring"]
    assert faults_of_class(Half) == ["does not say what other is", ".twice has no docstring"]
    assert faults("tests.UNHEARD_OF", 1) == ["has no docstring"]


def examples(name: str, value: Any) -> list[doctest.DocTest]:
    """What the docstring of a name, and those of its methods, show at the prompt."""
    value = inspect.unwrap(value) if callable(value) else value
    documented = {name: value}
    if inspect.isclass(value):
        documented |= {f"{name}.{member}": held for member, held in members(value)}
    known = {"np": np, "spectra": spectra}
    parse = doctest.DocTestParser().get_doctest
    shown = [parse(of.__doc__ or "", known, what, None, 0) for what, of in documented.items()]
    return [test for test in shown if test.examples]


def failures(test: doctest.DocTest) -> str:
    """What went otherwise than shown; "" where nothing did."""
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=OPTIONS, verbose=False)
    runner.run(test, out=said.append)
    return "".join(said)


def test_every_function_at_the_top_shows_how_it_is_called(public: dict[str, Any]) -> None:
    silent = [
        name
        for name in spectra.__all__
        if inspect.isfunction(getattr(spectra, name))
        and not examples(f"spectra.{name}", getattr(spectra, name))
    ]
    assert not silent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: an example that trains what another one has trained finds it done."""
    return tmp_path_factory.mktemp("examples")


# Others are shown in the example of what makes them.
SHOWN = [
    name
    for name in spectra.__all__
    if any(test.examples for test in examples(f"spectra.{name}", getattr(spectra, name)))
]


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_examples_show_what_happens(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    for test in examples(f"spectra.{name}", getattr(spectra, name)):
        assert not failures(test)


@pytest.mark.slow
def test_examples_elsewhere_show_what_happens(
    public: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    elsewhere = [name for name in public if name.removeprefix("spectra.") not in spectra.__all__]
    tests = [test for name in elsewhere for test in examples(name, public[name])]
    found = [failures(test) for test in tests]
    assert not any(found), "".join(found)
    # What is imported here already a reader would have to import first.
    inner = re.compile(r"\bspectra\.(" + "|".join(subpackages()) + r")\.")
    assert not [test.name for test in tests if inner.search(test.docstring or "")]


def subpackages() -> list[str]:
    return [name.partition(".")[2] for name in PACKAGES if name != "spectra"]


def wrong() -> None:
    """Add.

    Examples
    --------
    >>> 1 + 1
    3
    """


def test_a_wrong_example_fails() -> None:
    (test,) = examples("wrong", wrong)
    assert "Expected:\n    3\nGot:\n    2" in failures(test)
