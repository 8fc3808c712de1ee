"""Figures inside a page: no id twice, nothing that refers to none."""

import re

import numpy as np
from matplotlib.figure import Figure

from spectra import plots
from spectra.plots.svg import inline_svg
from tests.plots.test_report_page import Page


def test_no_id_stands_twice_on_the_page_of_an_analysis(cases, tmp_path):
    sections = cases["grey"].sections()
    assert "lowpass" in [section.anchor for section in sections]  # may show a picture twice
    path = tmp_path / "report.html"
    plots.write_report(path, title="t", intro="", sections=sections, numbers={}, settings={})
    page = path.read_text(encoding="utf-8")
    ids = [attributes["id"] for _, attributes in Page(page).elements if "id" in attributes]
    assert sorted(ids) == sorted(set(ids))
    assert not re.search(r"<image[^>]* id=", page)
    assert set(re.findall(r'(?:href="|url\()#([^")]+)', page)) <= set(ids)


def test_a_picture_shown_twice_has_no_id():
    figure = Figure()
    for axes in figure.subplots(1, 2):
        axes.imshow(np.arange(4.0).reshape(2, 2))
    text = inline_svg(figure, "f", "twice")
    assert text.count("<image") == 2
    assert not re.search(r"<image[^>]* id=", text)
