"""The page that plays an animation, in a real browser: by keyboard, and only when it may."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from spectra import plots
from tests.browser.axe import axe_script
from tests.browser.chromium import Chromium, Tab, chromium_path
from tests.browser.findings import LOOKS, page_findings, paper_findings
from tests.plots.test_animation import FRAMES, moving_bar

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium_path() is None, reason="no chromium on the PATH"),
]
AT = "Number(document.getElementById('at').value)"
WORD = "document.getElementById('play').textContent"
WAIT = "new Promise((done) => setTimeout(done, 400))"
PICTURE = "frames.indexOf(document.getElementById('frame').src)"


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with Chromium() as browser:
        yield browser.open_tab()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("animation") / "bar.html"
    return plots.save_animation(moving_bar(layout="wide"), path, alt="A bar moves <right> " * 6)


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_the_page_is_in_order(tab: Tab, page: Path, width: int, dark: bool) -> None:
    axe = axe_script()  # None where it was never fetched: make bench BENCH=pages fetches it
    assert page_findings(tab, page, width=width, dark=dark, axe=axe) == []


def test_it_prints_the_frame_on_white(tab: Tab, page: Path) -> None:
    assert paper_findings(tab, page) == []


def test_it_stands_still_where_reduced_motion_is_asked_for(tab: Tab, page: Path) -> None:
    tab.look(800)  # which asks for it
    tab.open(page)
    tab.evaluate(WAIT)
    assert (tab.evaluate(AT), tab.evaluate(WORD)) == (0, "Play")


def test_else_it_plays_until_it_is_paused(tab: Tab, page: Path) -> None:
    tab.look(800)
    tab.call("Emulation.setEmulatedMedia", media="", features=[])
    tab.open(page)
    tab.evaluate(WAIT)
    assert tab.evaluate(WORD) == "Pause"
    assert tab.evaluate(AT) > 0
    tab.evaluate("document.getElementById('play').click()")
    before = tab.evaluate(AT)
    tab.evaluate(WAIT)
    assert (tab.evaluate(AT), tab.evaluate(WORD)) == (before, "Play")


def test_it_is_worked_by_keyboard(tab: Tab, page: Path) -> None:
    tab.look(800)
    tab.open(page)
    tab.evaluate("document.getElementById('at').focus()")
    for _ in range(2):
        _press(tab, "ArrowRight", 39)
    assert (tab.evaluate(AT), tab.evaluate(PICTURE)) == (2, 2)
    told = tab.evaluate("document.getElementById('at').getAttribute('aria-valuetext')")
    assert told == f"frame 3 of {FRAMES}"
    tab.evaluate("document.getElementById('play').focus()")
    tab.call("Input.dispatchKeyEvent", type="keyDown", key=" ", code="Space", text=" ")
    tab.call("Input.dispatchKeyEvent", type="keyUp", key=" ", code="Space")
    assert tab.evaluate(WORD) == "Pause"
    tab.evaluate(WAIT)
    assert tab.evaluate(PICTURE) != 2


def test_it_starts_again_after_its_last_frame(tab: Tab, page: Path) -> None:
    tab.look(800)
    tab.open(page)
    tab.evaluate(f"show({FRAMES - 1}); step()")
    assert tab.evaluate(AT) == 0


def _press(tab: Tab, key: str, code: int) -> None:
    pressed = {"key": key, "code": key, "windowsVirtualKeyCode": code}
    tab.call("Input.dispatchKeyEvent", type="rawKeyDown", **pressed)
    tab.call("Input.dispatchKeyEvent", type="keyUp", **pressed)
