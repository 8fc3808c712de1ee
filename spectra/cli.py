"""The `spectra` program: parses, calls, prints."""

import contextlib
import errno
import io
import json as json_module
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from spectra.errors import InputError

if TYPE_CHECKING:  # what takes time to import is imported where Ctrl-C ends in a line
    from spectra.grammar import Outcome

__all__ = ["main"]

# What makes a command need less memory.
SMALLER = {
    "train": "a smaller --batch, a larger --accumulate",
    "compare": "a smaller --batch, --samples",
    "sample": "a smaller --n",
    "extend": "a smaller --n, --times",
    "evaluate": "a smaller --n, --examples",
    "probe": "a smaller --n",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exit status 0 done, 2 wrong input, 130 interrupted."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by who started it
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    os.environ["MPLBACKEND"] = "agg"  # figures go to files; a wrong one would end matplotlib
    stdout = sys.stdout
    as_json = "--json" in arguments
    try:
        # Some libraries print when imported; with --json stdout is for the one object.
        told = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
        with told, _brief_warnings(), _ended_as_by_ctrl_c():
            asks_version = set(arguments) - {"--json"} == {"--version"}
            outcome = _version() if asks_version else _parse_and_run(arguments)
    except InputError as error:
        from spectra.data.listing import printable

        print(printable(f"spectra: {error}"), file=sys.stderr)  # names may hold line breaks
        sys.exit(2)
    except (MemoryError, RuntimeError, ImportError, OSError) as error:
        place = _full_memory(error)
        if place is not None:
            less = SMALLER.get(next(iter(arguments), ""), "a smaller --size")
            less += " or --device cpu" if place == "GPU memory" else ""
            print(f"spectra: more {place} is needed than there is; give {less}", file=sys.stderr)
            sys.exit(2)
        if not isinstance(error, OSError):
            raise
        from spectra.data.listing import printable

        print(printable(f"spectra: {_failed_call(error)}"), file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("spectra: interrupted; everything finished so far is kept", file=sys.stderr)
        sys.exit(130)
    text = _json(outcome.numbers) if as_json else outcome.text
    encoding = getattr(stdout, "encoding", None) or "utf-8"
    text = text.encode(encoding, "backslashreplace").decode(encoding)  # names, on an ASCII terminal
    with _printing(stdout):
        print(text, file=stdout, flush=True)


def _full_memory(error: Exception) -> str | None:
    """Which memory was too small; None for any other error.

    PyTorch has no class of its own for that of the CPU, and a library that finds none to be
    loaded into says so in words.
    """
    unloaded = isinstance(error, ImportError) and "failed to map segment" in str(error)
    refused = isinstance(error, OSError) and error.errno == errno.ENOMEM
    if isinstance(error, MemoryError) or unloaded or refused:
        return "memory"
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return "GPU memory"
    return "memory" if "DefaultCPUAllocator" in str(error) else None


def _failed_call(error: OSError) -> str:
    """What the operating system refused, and the mend; not every call names a file."""
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None:
        return f"{reason}; check the disk, its room and its permissions"
    return f"{os.fsdecode(error.filename)}: {reason}; check its name and permissions"


def _json(numbers: dict[str, Any]) -> str:
    from spectra.files import plain

    return json_module.dumps(plain(numbers), allow_nan=False)


def _version() -> "Outcome":
    from spectra import __version__
    from spectra.grammar import Outcome

    return Outcome({"version": __version__}, f"spectra {__version__}")


@contextlib.contextmanager
def _printing(stdout: TextIO) -> Iterator[None]:
    """Where printing fails: of no concern if the reader, `head` say, has seen enough."""
    try:
        yield
    except OSError as error:
        # What was not printed is not to be tried again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        if isinstance(error, BrokenPipeError):
            return
        print(
            f"spectra: cannot print the result, {error.strerror}; files written are whole",
            file=sys.stderr,
        )
        sys.exit(2)


def _parse_and_run(arguments: list[str]) -> "Outcome":
    """Let tyro read the command line; its refusals become one line."""
    import tyro

    from spectra.grammar import COMMANDS
    from spectra.refusals import check_words, refusal

    box = io.StringIO()
    called = False

    def marked(command: Callable[..., "Outcome"]) -> Callable[..., "Outcome"]:
        import functools

        @functools.wraps(command)
        def call(*positional: Any, **named: Any) -> "Outcome":
            nonlocal called
            called = True
            with contextlib.redirect_stderr(stderr):
                return command(*positional, **named)

        return call

    def parse(words: list[str]) -> "Outcome":
        return tyro.extras.subcommand_cli_from_dict(
            {name: marked(command) for name, command in COMMANDS.items()},
            prog="spectra",
            description="Measures a data set's spectrum and derives its noise schedule.",
            args=words,
            config=(tyro.conf.FlagCreatePairsOff,),
        )

    check_words(arguments)
    stderr = sys.stderr
    try:
        with contextlib.redirect_stderr(box):
            return parse(_asked(arguments, COMMANDS))
    except SystemExit as stop:
        if called:
            raise
        if stop.code not in (0, None):
            raise InputError(refusal(arguments, box.getvalue(), list(COMMANDS), parse)) from None
        with _printing(sys.stdout):
            print(end="", flush=True)
        raise
    except OSError:
        if called:
            raise
        with _printing(sys.stdout):  # the help
            raise
        sys.exit(0)


def _asked(arguments: list[str], commands: Collection[str]) -> list[str]:
    """Words before --help would be taken as read, and left out of its usage."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    help_wanted = {"-h", "--help"} & set(options)
    return [arguments[0], "--help"] if help_wanted and arguments[0] in commands else arguments


@contextlib.contextmanager
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """SIGTERM, which a batch system or `timeout` sends, ends as Ctrl-C does: saved, and told.

    Only the first: what ends a process often tells it twice, and ending takes seconds at most.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def hear(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, hear)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is hear:  # else it is ending
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextlib.contextmanager
def _brief_warnings() -> Iterator[None]:
    """Warnings as one line of ours: where in the code they arose helps no user."""
    before = warnings.formatwarning
    warnings.formatwarning = lambda message, *_: f"spectra: {message}\n"
    try:
        yield
    finally:
        warnings.formatwarning = before


def _run() -> None:
    """As a module: one of the processes that torchrun starts, perhaps."""
    status = 0
    try:
        main()
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        sys.exit(status)
    from spectra.diffusion.ranks import leave

    leave(status)


if __name__ == "__main__":
    _run()
