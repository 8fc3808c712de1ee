"""An output folder: one process in it at a time, and nothing half-written left by a killed one."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from spectra.errors import InputError

__all__ = ["remove_parts", "sole_user"]

LOCK = ".lock"
PART = re.compile(r"\.(.+?)(\.\d+)+\.part")  # the name, the process and perhaps the thread


@contextmanager
def sole_user(folder: Path, mend: str = "choose another --out") -> Iterator[None]:
    """Keep a second process from working in the same folder; a killed one keeps no one out.

    Where the file system, or the operating system, knows no locks, nobody is kept out.

    Raises
    ------
    InputError
        Another process is at it, or the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(folder / LOCK)
    except BlockingIOError:
        raise InputError(f"{folder}: another process works here; wait for it, or {mend}") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null in it
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{folder}: cannot be written ({reason}); {mend}") from error
    try:
        yield
    finally:
        if os.name == "posix":  # elsewhere an open file stays
            with suppress(OSError):
                (folder / LOCK).unlink()
        os.close(lock)


def remove_parts(folder: Path, *names: str) -> None:
    """Remove what killed processes left of writes in a folder that only the caller writes to.

    Parameters
    ----------
    folder
    *names
        Of the files that were to be written; all of them where none is given.
    """
    for path in folder.glob(".*.part"):
        found = PART.fullmatch(path.name)
        if found and (not names or found[1] in names):
            with suppress(OSError):
                path.unlink()


def _locked(path: Path) -> int:
    """Descriptor of the lock file, held until it is closed.

    The one before removes its file as it ends: what was opened before that locks nothing.
    """
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if not _hold(lock) or os.path.samestat(os.fstat(lock), path.stat()):
                return lock
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)


def _hold(lock: int) -> bool:
    """Lock an open file, or say that no lock is to be had; BlockingIOError where another has it."""
    if os.name != "posix":
        return False
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise
    except OSError:  # a file system without locks
        return False
    return True
