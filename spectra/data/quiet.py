"""Decoders that write to the terminal themselves, kept from it."""

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator

__all__ = ["quiet_decoders"]

STDERR = 2  # as C knows it


@contextlib.contextmanager
def quiet_decoders() -> Iterator[None]:
    """Keep what Pillow, libtiff and libmpg123 say of damaged files off stderr: they are listed.

    What Python itself writes there stays. For a whole program: it holds for all threads.
    """
    with warnings.catch_warnings(), _without_c_stderr():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


@contextlib.contextmanager
def _without_c_stderr() -> Iterator[None]:
    """The file that C writes errors to goes nowhere; `sys.stderr` goes where it went."""
    try:
        ours = sys.stderr.fileno() == STDERR
    except (AttributeError, OSError, ValueError):  # none, or no file: a notebook, a test
        ours = False
    if not ours:
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    encoding, errors = sys.stderr.encoding, sys.stderr.errors
    try:
        os.dup2(nowhere, STDERR)
        terminal = open(kept, "w", 1, encoding, errors, closefd=False)  # noqa: SIM115
        with terminal, contextlib.redirect_stderr(terminal):
            yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        os.close(nowhere)
