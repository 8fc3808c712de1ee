"""What `spectra export` does between its arguments and its printed result."""

import json
from pathlib import Path
from typing import Any

from spectra.errors import InputError
from spectra.interop import export_schedule
from spectra.schedule import load_schedule

__all__ = ["run"]


def run(path: Path, to: str, out: Path, choices: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Write a schedule file in another library's format; (numbers for --json, text)."""
    made = load_schedule(path)
    _check_replaceable(out)
    export = export_schedule(made, to, out, **choices)
    lines = [f"{made.name} schedule for {to}, {'x'.join(map(str, made.shape))}"]
    return export.to_dict(), "\n".join([*lines, *(f"  {line}" for line in export.lines())])


def _check_replaceable(out: Path) -> None:
    """Refuse to write over a file that no export wrote; folders have files of fixed names."""
    if not out.is_file() or not out.stat().st_size:
        return
    try:
        ours = "cannot_carry" in json.loads(out.read_bytes())
    except (OSError, ValueError, TypeError, RecursionError):
        ours = False
    if not ours:
        raise InputError(f"{out}: is there, and no spectra export; choose another --out")
