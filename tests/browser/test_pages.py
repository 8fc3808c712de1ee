"""Reports in a real browser: wide and narrow, light and dark, by keyboard, without a network."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from spectra import plots
from spectra.plots import Fact, Section, Table, write_report
from tests.browser.axe import axe_script
from tests.browser.chromium import Chromium, Tab, chromium_path
from tests.browser.findings import LOOKS, page_findings, paper_findings
from tests.plots.conftest import nouns_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium_path() is None, reason="no chromium on the PATH"),
]
AXE = axe_script()
NO_AXE = "axe-core is not here; make bench BENCH=pages fetches it"
NAME = "/a/long/path/without/a/single/blank/" + "deep/" * 12 + "report.safetensors"


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    with Chromium() as browser:
        yield browser.open_tab()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that a page can hold: both kinds of figure, wide tables, long names."""
    small = nouns_of((1, 16, 16))
    columns = [f"a column {i}" for i in range(7)]
    sections = [
        Section(
            "rapsd",
            "A power law",
            "The mean is nearly straight.",
            partial(plots.plot_rapsd, small.spectrum, small.fit),
            "Power against frequency",
            Table(["law", "value", "verdict"], [["exponent", 2.0, "better"]], "The fit"),
            {"window": "hann", "file": NAME},
        ),
        Section(
            "fixed",
            "A figure of one width",
            "It scrolls where the page is narrow.",
            plots.plot_rapsd(small.spectrum, small.fit),
            "The same",
            Table(columns, [["one of several words" for _ in columns]]),
        ),
    ]
    return write_report(
        tmp_path_factory.mktemp("browser") / "report.html",
        title=f"Report on {NAME}",
        intro=NAME,
        sections=sections,
        numbers={"alpha": 2.0},
        settings={"file": NAME, "seed": 0},
        facts=[Fact("Exponent", "2.00", "a power law"), Fact("Verdict", "undecided")],
        skipped=[(NAME, "truncated")],
        credits=[("photo", "CC0, https://example.org/photo")],
    )


@pytest.mark.parametrize(("width", "dark"), LOOKS)
def test_a_report_is_in_order(tab: Tab, page: Path, width: int, dark: bool) -> None:
    assert page_findings(tab, page, width=width, dark=dark) == []


@pytest.mark.skipif(AXE is None, reason=NO_AXE)
@pytest.mark.parametrize(("width", "dark"), [LOOKS[0], LOOKS[-1]])
def test_axe_finds_nothing_grave(tab: Tab, page: Path, width: int, dark: bool) -> None:
    assert page_findings(tab, page, width=width, dark=dark, axe=AXE) == []


@pytest.mark.skipif(AXE is None, reason=NO_AXE)
def test_axe_can_find_something(tab: Tab, tmp_path: Path) -> None:
    path = planted(tmp_path, '<p style="color:#999;background:#aaa">pale</p>')
    found = page_findings(tab, path, width=1280, axe=AXE)
    assert any("color-contrast (serious)" in line for line in found)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ('<p style="width:1400px">wide</p>', "sticks out"),
        ("<script>console.error('no')</script>", "console"),
        ("<script>nonsense()</script>", "exception"),
        ('<img alt="" src="http://127.0.0.1:9/x.png">', "asked for http://127.0.0.1:9/x.png"),
        ('<button tabindex="-1">skipped</button>', "Tab does not reach button “skipped”"),
        ('<a href="#x" style="outline:none">dim</a>', "focus is not to be seen on a “dim”"),
        (
            '<div style="overflow:auto;width:90px"><p style="width:900px">box</p></div>',
            "no tabindex: box",
        ),
    ],
)
def test_what_is_wrong_is_found(tab: Tab, tmp_path: Path, fault: str, said: str) -> None:
    path = planted(tmp_path, '<style>:focus{outline:3px solid}</style><a href="#a">a</a>' + fault)
    found = page_findings(tab, path, width=1280)
    assert any(said in line for line in found), found


def planted(folder: Path, body: str) -> Path:
    """A small page that is in order but for what is put into it."""
    path = folder / "page.html"
    path.write_text(
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>t</title></head>'
        f"<body><main><h1>t</h1>{body}</main></body></html>",
        encoding="utf-8",
    )
    return path


def test_a_page_in_order_has_no_findings(tab: Tab, tmp_path: Path) -> None:
    path = planted(tmp_path, '<style>:focus{outline:3px solid}</style><a href="#a">a</a>')
    assert page_findings(tab, path, width=1280, axe=AXE) == []


def test_a_report_prints_whole_and_on_white(tab: Tab, page: Path) -> None:
    assert paper_findings(tab, page) == []


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ('<p style="width:800px">wide</p>', "sticks out"),
        ("<style>body {background: #111}</style>", "its background is printed"),
        ("<style>nav {display: none}</style><nav>contents</nav>", "nav is not printed"),
        ("<details><table><tr><td>1</td></tr></table></details>", "details table is not printed"),
    ],
)
def test_what_does_not_print_is_found(tab: Tab, tmp_path: Path, fault: str, said: str) -> None:
    path = planted(tmp_path, "<style>body {background: #fff}</style>" + fault)
    found = paper_findings(tab, path)
    assert any(said in line for line in found), found
