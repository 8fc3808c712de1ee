"""What many tests share: the peers, silenced, and the data that may be absent."""

import contextlib
import io
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.shared import BSDS500


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_arrives() -> None:
    """A shell's background job ignores Ctrl-C, and so would all that the tests interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def pysteps_rapsd() -> Callable[..., Any]:
    """pysteps.utils.spectral.rapsd, without the line that pysteps prints when imported."""
    with contextlib.redirect_stdout(io.StringIO()):
        from pysteps.utils import spectral
    return spectral.rapsd


@pytest.fixture(scope="session")
def bsds500() -> Path:
    """The folder of BSDS500's photographs; the test is skipped where it is absent."""
    if not BSDS500.is_dir():
        pytest.skip("the BSDS500 photographs are not at ../shared/data/photos/bsds500")
    return BSDS500
