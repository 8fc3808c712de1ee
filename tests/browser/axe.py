"""axe-core, which finds what keeps people out of a page; npm fetches it when it is asked for."""

import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["VERSION", "axe_script", "fetch_axe"]

VERSION = "4.14.1"
FOLDER = Path(sys.prefix) / "axe-core"  # beside what pip installed; goes with it


def axe_script() -> str | None:
    """The source of axe-core, or None where it was never fetched."""
    path = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
    return path.read_text(encoding="utf-8") if path.is_file() else None


def fetch_axe() -> str | None:
    """The source of axe-core, fetched where it is not here; None where npm cannot."""
    if axe_script() is None and (npm := shutil.which("npm")) is not None:
        command = [npm, "install", "--no-save", "--prefix", str(FOLDER), f"axe-core@{VERSION}"]
        FOLDER.mkdir(parents=True, exist_ok=True)
        subprocess.run(command, capture_output=True, timeout=120, check=False)
    return axe_script()
