"""A headless Chromium, told what to do over a pair of pipes: nothing to install beside it."""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

__all__ = ["BrowserError", "Chromium", "Tab", "chromium_path"]

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE = 60.0  # seconds that an answer may take on a busy machine
FLAGS = (
    "--headless",
    "--no-sandbox",  # root, as in a container, has none; the pages are our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


class BrowserError(RuntimeError):
    """The browser is gone, does not answer, or refused a command."""


def chromium_path() -> str | None:
    """Where a Chromium is, or None; $CHROMIUM names another."""
    named = os.environ.get("CHROMIUM")
    return next(
        (path for path in map(shutil.which, (named, *NAMES) if named else NAMES) if path), None
    )


class Chromium:
    """One browser process; `with Chromium() as browser: tab = browser.open_tab()`."""

    def __init__(self) -> None:
        path = chromium_path()
        if path is None:
            raise BrowserError("no chromium on the PATH")
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()

        def place() -> None:  # the protocol is spoken on descriptors 3 and 4
            low, high = os.dup(theirs_in), os.dup(theirs_out)
            spare = [os.dup2(end, 60 + i) for i, end in enumerate((low, high))]
            os.dup2(spare[0], 3)
            os.dup2(spare[1], 4)

        self._process = subprocess.Popen(
            [path, *FLAGS, f"--user-data-dir={self._profile.name}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(3, 4),
            preexec_fn=place,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._buffer = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process and everything it wrote."""
        os.close(self._out)
        os.close(self._in)
        try:
            self._process.wait(10)  # with its pipe it ends by itself
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; what else is said meanwhile is kept in `events`."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        left = memoryview(json.dumps(message).encode() + b"\0")
        try:
            while left:
                left = left[os.write(self._out, left) :]
        except OSError as error:
            raise BrowserError(f"{method}: the browser is gone") from error
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._read(end, method)
            if answer.get("id") != self._last:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            return answer["result"]

    def wait_for(self, event: str, session: str) -> dict[str, Any]:
        """Parameters of the next event of that name, those that came already included."""
        end = time.monotonic() + PATIENCE
        seen = 0
        while True:
            for said in self.events[seen:]:
                if said.get("method") == event and said.get("sessionId") == session:
                    return said["params"]
            seen = len(self.events)
            self.events.append(self._read(end, event))

    def open_tab(self) -> "Tab":
        """A blank page of its own."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Tab(self, session, target)

    def _read(self, end: float, waited_for: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self._in], [], [], left)[0]:
                raise BrowserError(f"{waited_for}: no answer in {PATIENCE:.0f} s")
            part = os.read(self._in, 1 << 20)
            if not part:
                raise BrowserError(f"{waited_for}: the browser is gone")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


class Tab:
    """One page of a browser."""

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self._browser, self._session, self._target = browser, session, target
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command to this page."""
        return self._browser.call(method, self._session, **parameters)

    def look(self, width: int, height: int = 900, *, dark: bool = False) -> None:
        """Set the window's size in CSS pixels, and the reader's preference."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme, still])

    def open(self, path: Path) -> None:
        """Load a file; what was said of earlier pages is forgotten."""
        self._browser.events.clear()
        self.call("Page.navigate", url=path.resolve().as_uri())
        self._browser.wait_for("Page.loadEventFired", self._session)

    def evaluate(self, script: str) -> Any:
        """Value of an expression on the page, or what its promise gives, as JSON."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def press_tab(self) -> None:
        """The Tab key, down and up."""
        key = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
        self.call("Input.dispatchKeyEvent", type="rawKeyDown", **key)
        self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def events(self, *methods: str) -> list[dict[str, Any]]:
        """Parameters of what this page said since it was opened."""
        self.evaluate("0")  # an answer comes after what was said before it
        return [
            said["params"]
            for said in self._browser.events
            if said.get("sessionId") == self._session and said.get("method") in methods
        ]

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """A PNG of the window, or of the whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        path.write_bytes(base64.b64decode(shot["data"]))

    def print_pdf(self, path: Path) -> None:
        """The page on A4 paper."""
        size = {"paperWidth": 8.27, "paperHeight": 11.69, "printBackground": True}
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", **size)["data"]))

    def close(self) -> None:
        """Close the page."""
        self._browser.call("Target.closeTarget", targetId=self._target)
