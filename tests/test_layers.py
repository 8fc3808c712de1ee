"""Data flows one way: a folder imports only folders above it. Read from the code's own imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import spectra

PACKAGE = Path(spectra.__file__).parent
ORDER = (
    "data",
    "bases",
    "spectrum",
    "fit",
    "schedule",
    "diffusion",
    "evaluation",
    "comparison",
    "interop",
    "frequencies",
    "plots",
    "data_commands",
    "export_commands",
    "findings",
    "sample_commands",
    "extend_commands",
    "comparison_commands",
    "schedule_commands",
    "report_commands",
    "commands",
    "demo",
    "arguments",
    "schedule_arguments",
    "train_arguments",
    "run_grammar",
    "comparison_grammar",
    "grammar",
    "refusals",
    "cli",
)
# Modules that anyone may import, and what they may import themselves.
LEAVES: dict[str, set[str]] = {
    "errors": set(),
    "files": {"errors"},
    "folders": {"errors"},
    "compiled": set(),
    "machine": set(),
}
# Of the root itself, which finds every other name on first use.
ROOT_NAMES = {"__version__"}


def imported_modules(source: str, package: str) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of every import in a module, those inside functions too.

    `package` is the dotted name that relative imports start from.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            base = parts[: len(parts) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield node.lineno, f"{module}.{alias.name}"
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else None
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name in ("import_module", "__import__") and node.args:
                target = node.args[0]
                if isinstance(target, ast.Constant) and isinstance(target.value, str):
                    yield node.lineno, target.value


def layer_of(dotted: str) -> str | None:
    """The folder a dotted name lies in; "" for the root itself; None outside the package."""
    first, *rest = dotted.split(".")
    if first != "spectra":
        return None
    if not rest or rest[0] in ROOT_NAMES:
        return "" if not rest else None
    if rest[0] in ORDER or rest[0] in LEAVES:
        return rest[0]
    return layer_of(spectra._HOME[rest[0]]) if rest[0] in spectra._HOME else rest[0]


def offences(source: str, dotted: str, is_package: bool = False) -> list[str]:
    """Imports of a module "spectra.<layer>..." that point below its layer."""
    layer = dotted.split(".")[1]
    package = dotted if is_package else dotted.rpartition(".")[0]
    allowed = set(LEAVES)
    if layer in LEAVES:
        allowed = LEAVES[layer]
    elif layer in ORDER:
        allowed |= set(ORDER[: ORDER.index(layer) + 1])
    else:
        return [f"{dotted}: {layer} has no place in the order"]
    found = []
    for line, name in imported_modules(source, package):
        target = layer_of(name)
        if target is not None and target not in allowed:
            found.append(f"{dotted}:{line} imports {name}")
    return found


def modules() -> list[tuple[Path, str]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts == ("__init__",):
            continue  # the root finds each name where it is, on first use
        if parts[-1] == "__init__":
            parts = parts[:-1]
        found.append((path, ".".join(["spectra", *parts])))
    return found


def test_every_folder_has_a_place_in_the_order() -> None:
    layers = {dotted.split(".")[1] for _, dotted in modules()}
    assert layers <= {*ORDER, *LEAVES}
    assert {"data", "bases", "spectrum", "fit", "schedule", "diffusion"} <= layers


def test_no_folder_imports_one_below_it() -> None:
    found = []
    for path, dotted in modules():
        found += offences(path.read_text(), dotted, path.name == "__init__.py")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("dotted", "planted"),
    [
        ("spectra.data.views", "from spectra.spectrum import rapsd"),
        ("spectra.data.views", "import spectra.spectrum.rings as rings"),
        ("spectra.data.views", "from spectra import bases"),
        ("spectra.data.views", "from spectra import analyze"),
        ("spectra.data.views", "import spectra"),
        ("spectra.bases.dct", "def f():\n    from spectra.fit import fit_power_law"),
        ("spectra.bases.dct", "if TYPE_CHECKING:\n    from spectra.schedule import Schedule"),
        ("spectra.spectrum.rapsd", "from ..schedule import derive_schedule"),
        ("spectra.spectrum.rapsd", "from .. import fit"),
        ("spectra.schedule.pace", "import_module('spectra.diffusion')"),
        ("spectra.schedule.pace", "importlib.import_module('spectra.plots.style')"),
        ("spectra.diffusion.train", "class A:\n    import spectra.evaluation"),
        ("spectra.plots.style", "from spectra.cli import main"),
        ("spectra.errors", "from spectra.files import read_tables"),
        ("spectra.files", "from spectra.data import open_source"),
        ("spectra.novelty", "import os"),
    ],
)
def test_a_planted_offence_is_found(dotted: str, planted: str) -> None:
    assert offences(planted, dotted)


@pytest.mark.parametrize(
    ("dotted", "planted"),
    [
        ("spectra.spectrum.rapsd", "from spectra.data import Source"),
        ("spectra.spectrum.rapsd", "from .rings import ring_plan\nfrom . import windows"),
        ("spectra.spectrum.rapsd", "from ..errors import InputError\nfrom ..data import views"),
        ("spectra.spectrum.rapsd", "from spectra import InputError, __version__, open_source"),
        ("spectra.spectrum.rapsd", "import numpy.fft\nfrom spectra_other import schedule"),
        ("spectra.diffusion.networks.unet", "from ..loss import Objective"),
        ("spectra.cli", "from spectra import plots, commands\nimport spectra.demo"),
        ("spectra.files", "from spectra.errors import InputError"),
        ("spectra.data.views", "text = 'import spectra.plots'  # from spectra.fit import x"),
    ],
)
def test_an_import_upwards_is_none(dotted: str, planted: str) -> None:
    assert not offences(planted, dotted)
