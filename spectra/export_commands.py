"""What `spectra export` does between its arguments and its printed result."""

from pathlib import Path
from typing import Any

from spectra.errors import InputError
from spectra.files import is_same_file
from spectra.interop import export_schedule
from spectra.schedule import load_schedule

__all__ = ["run"]


def run(path: Path, to: str, out: Path, choices: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Write a schedule file in another library's format; (numbers for --json, text)."""
    made = load_schedule(path)
    if is_same_file(out, path):
        raise InputError(f"{out}: is the schedule itself; choose another --out")
    export = export_schedule(made, to, out, **choices)
    lines = [f"{made.name} schedule for {to}, {'x'.join(map(str, made.shape))}"]
    return export.to_dict(), "\n".join([*lines, *(f"  {line}" for line in export.lines())])
