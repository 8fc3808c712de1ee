"""Give cases to `spectra analyze`, one JSON list of arguments a line, and report what became of
each: apart from the tests, so that a hang or a crash ends this process and not theirs."""

import contextlib
import faulthandler
import io
import json
import sys
import time
import traceback
import warnings
from pathlib import Path

LONGEST, LONGEST_DRAWN = 10.0, 60.0  # seconds of one case, without and with its figures


def _peak() -> int:
    """Largest resident memory since the last call, kilobytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    Path("/proc/self/clear_refs").write_text("5")
    return peak


def _without_drawings() -> None:
    """Reports without figures, which take seconds each and have their own tests."""
    from spectra.plots import pages

    def no_sections(*measured: object) -> list:
        return []

    pages.analysis_sections = no_sections


def main() -> None:
    from spectra.cli import main as command

    warnings.simplefilter("always")
    drawings = "--drawings" in sys.argv
    if not drawings:
        _without_drawings()
    longest = LONGEST_DRAWN if drawings else LONGEST
    _peak()
    for line in sys.stdin:
        out, error = io.StringIO(), io.StringIO()
        faulthandler.dump_traceback_later(longest, exit=True)
        begun, status = time.monotonic(), 0
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
                command(json.loads(line))
        except SystemExit as stop:
            status = stop.code
        except BaseException:
            status = -1
            error.write(traceback.format_exc())
        seconds = time.monotonic() - begun
        faulthandler.cancel_dump_traceback_later()
        found = {"status": status, "out": out.getvalue(), "error": error.getvalue()}
        print(json.dumps(found | {"seconds": seconds, "kilobytes": _peak()}), flush=True)


if __name__ == "__main__":
    main()
