"""The API reference builds, whole and without a warning."""

import importlib
import re
import warnings
from pathlib import Path

import pytest

from tests.reference import PACKAGES, build

KNOWN_TAGS = {
    *("a", "p", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "code"),
    *("pre", "div", "span", "table", "thead", "tbody", "tr", "th", "td", "blockquote", "hr", "br"),
}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        build(folder)
    assert not [str(one.message) for one in said if issubclass(one.category, UserWarning)]
    return folder


@pytest.mark.slow
def test_every_package_has_a_page_with_all_its_names(pages: Path) -> None:
    for package in PACKAGES:
        page = (pages / package.replace(".", "/")).with_suffix(".html").read_text()
        names = importlib.import_module(package).__all__
        assert not [name for name in names if f'<section id="{name}"' not in page]


@pytest.mark.slow
def test_docstrings_leave_no_unknown_tag(pages: Path) -> None:
    """Of "<ln x>" a page shows nothing."""
    for path in pages.rglob("*.html"):
        for text in re.findall(r'<div class="docstring">(.*?)</div>', path.read_text(), re.DOTALL):
            tags = set(re.findall(r"<([a-zA-Z][a-zA-Z0-9]*)", text))
            assert tags <= KNOWN_TAGS, (path.name, tags - KNOWN_TAGS)
