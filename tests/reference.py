"""Builds the API reference from the docstrings: `make reference`, or -m tests.reference FOLDER."""

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["PACKAGES", "build"]

PACKAGES = (
    "spectra",
    "spectra.data",
    "spectra.bases",
    "spectra.spectrum",
    "spectra.fit",
    "spectra.schedule",
    "spectra.diffusion",
    "spectra.diffusion.networks",
    "spectra.evaluation",
    "spectra.comparison",
    "spectra.interop",
    "spectra.plots",
)


def build(folder: Path, packages: Sequence[str] = PACKAGES) -> None:
    """Write a page for each package, with what its `__all__` names."""
    import pdoc

    left_out = []
    for package in packages:
        module = importlib.import_module(package)
        for name in module.__all__:
            value = getattr(module, name)
            vars(module)[name] = value  # pdoc looks only there; some are loaded on first use
            if (Path(str(module.__file__)).parent / f"{name}.py").exists():
                left_out.append(f"!{package}.{name}")  # the module that a function is named after
    pdoc.render.configure(docformat="numpy")
    pdoc.pdoc(*packages, *left_out, output_directory=folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
