"""Every notebook runs from top to bottom on what ships with the package."""

import ast
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

HOME = Path(__file__).parents[2] / "analysis_notebooks"
NOTEBOOKS = sorted(HOME.glob("*.ipynb"))
# What a cell may import: the package's public face, and what draws and plays its results.
MAY_IMPORT = ("spectra", "numpy", "matplotlib", "IPython", "torch", "diffusers")
MOST_BYTES = 1_500_000


def cells(path: Path, kind: str) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


def code_of(path: Path) -> str:
    """Its cells as one program, without the lines that only a notebook understands."""
    return "\n".join(
        re.sub(r"^%.*$", "", "".join(cell["source"]), flags=re.M) for cell in cells(path, "code")
    )


every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.mark.slow
@every_notebook
def test_notebook_runs(path: Path, tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    shutil.copytree(HOME / "results", tmp_path / "results")  # it lies beside the notebooks
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    ).execute()


def test_the_six_are_there() -> None:
    assert [path.stem[0] for path in NOTEBOOKS] == list("123456")


@every_notebook
def test_it_is_kept_with_its_outputs_and_small(path: Path) -> None:
    assert path.stat().st_size < MOST_BYTES
    drawn = 0
    for cell in cells(path, "code"):
        assert cell["execution_count"], "a cell was not run"
        kinds = [output["output_type"] for output in cell["outputs"]]
        assert "error" not in kinds
        streams = [output for output in cell["outputs"] if output["output_type"] == "stream"]
        assert all(stream["name"] == "stdout" for stream in streams), "a warning is kept"
        drawn += any("image/png" in output.get("data", {}) for output in cell["outputs"])
    assert drawn >= 3


@every_notebook
def test_nothing_is_hidden(path: Path) -> None:
    for cell in cells(path, "code"):
        told = json.dumps(cell["metadata"])
        assert "hide" not in told, told
        assert "hidden" not in told, told


@every_notebook
def test_it_uses_the_public_face_alone(path: Path) -> None:
    import importlib

    for node in ast.walk(ast.parse(code_of(path))):
        if isinstance(node, ast.Import):
            names = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(node.module or "", alias.name) for alias in node.names]
        else:
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_"), node.attr
            continue
        for module, name in names:
            assert module.split(".")[0] in (*MAY_IMPORT, "pathlib"), module
            if module.startswith("spectra") and name not in (None, "plots"):  # a part of it
                assert name in importlib.import_module(module).__all__, f"{module}.{name}"


@every_notebook
def test_it_reads_nothing_outside(path: Path) -> None:
    """No absolute path, none above the folder, no address: only names that ship, and results/."""
    for node in ast.walk(ast.parse(code_of(path))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
            assert not re.match(r"(/|~|\.\.|[a-z]+://)", text), text
