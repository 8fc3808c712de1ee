"""The page holds all it shows, reads back as data, and is safe with any name in it."""

import base64
import io
import json
import re
from functools import partial
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

import spectra
from spectra import plots
from spectra.plots import Cell, Fact, Section, Table, pages, write_report
from spectra.plots.compared import compared_sections
from spectra.plots.rasters import shrink_rasters
from spectra.plots.style import DARK, DATA
from spectra.plots.svg import inline_svg
from tests.plots.compared_cases import compared

NASTY = '<img src=x onerror="alert(1)"> & </script>'


class Page(HTMLParser):
    """Every element with its attributes, and the text of the JSON script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self.scripts: list[str] = []
        self._script = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._script = tag == "script"

    def handle_endtag(self, tag):
        self._script = self._script and tag != "script"

    def handle_data(self, data):
        if self._script:
            self.scripts.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def page(small, tmp_path_factory):
    spectrum = small.spectrum
    sections = [
        Section(
            "data",
            "This is the data",
            "First paragraph.\n\nSecond paragraph.",
            partial(plots.plot_examples, small.images),
            "Grid of random fields.",
            settings={"size": [16, 16], "thresholds": [1.0, 10.0]},
        ),
        Section(
            "rapsd",
            "A power law",
            "The mean is nearly straight.",
            partial(plots.plot_rapsd, spectrum, small.fit, small.singles),
            f"Power against frequency {NASTY}",
            Table(["law", "value", "verdict"], [["exponent", 2.0, "better"]], "The fit"),
        ),
        Section(
            "schedule",
            "The schedule",
            "Blue is signal.",
            plots.plot_schedule(small.derived, small.standard),
            "Two pictures.",
        ),
        Section("words", "Words only", "No figure here."),
    ]
    path = write_report(
        tmp_path_factory.mktemp("report") / "deep" / "report.html",
        title=f"Report on {NASTY}",
        intro="What this is.",
        sections=sections,
        numbers={
            "alpha": np.float64(2.5),
            "curve": np.array([1.0, np.nan]),
            "name": NASTY,
            "inf": float("inf"),
        },
        settings={"data": {"size": (16, 16)}, "seed": 0},
        facts=[Fact("Exponent", "2.50", "a power law"), Fact("Verdict", "undecided")],
        skipped=[(NASTY, "truncated")],
        credits=[("photo", "CC0, https://example.org/photo")],
    )
    return path.read_text(encoding="utf-8")


def test_page_needs_no_network(page):
    parsed = Page(page)
    assert not parsed.all("link")
    assert all("src" not in script for script in parsed.all("script"))
    for _, attributes in parsed.elements:
        for name in ("src", "href", "srcset", "xlink:href", "poster", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:image/")), value
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert len(page.encode()) < 5e6


def test_numbers_and_settings_read_back(page):
    (text,) = Page(page).scripts
    data = json.loads(text)
    assert data["numbers"] == {"alpha": 2.5, "curve": [1.0, None], "name": NASTY, "inf": None}
    assert data["settings"] == {"data": {"size": [16, 16]}, "seed": 0}


def test_json_has_every_section_with_its_table(page):
    (text,) = Page(page).scripts
    data, rapsd, schedule, words = json.loads(text)["sections"]
    assert [one["anchor"] for one in (data, rapsd, schedule, words)] == [
        "data",
        "rapsd",
        "schedule",
        "words",
    ]
    assert data["call"] == "spectra.plots.plot_examples"
    assert data["settings"] == {"size": [16, 16], "thresholds": [1.0, 10.0]}
    assert rapsd["table"]["rows"] == [["exponent", 2.0, "better"]]
    assert schedule["call"] == words["call"] == words["figure"] == ""


def test_one_table_has_the_settings_of_every_figure(page):
    table = page[page.index('id="settings"') :]
    rows = re.findall(r'<th scope="row"><a href="#(.*?)">.*?</th><td>(.*?)</td>(.*?)</tr>', table)
    assert [(anchor, call) for anchor, call, _ in rows] == [
        ("data", "<code>spectra.plots.plot_examples</code>"),
        ("rapsd", "<code>spectra.plots.plot_rapsd</code>"),
        ("schedule", "–"),
    ]
    assert "size 16 × 16; thresholds 1, 10" in rows[0][2]


def test_every_figure_of_every_page_says_what_it_was_made_with(cases, small):
    logs = {"run a": [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}]}
    sections = [
        *(section for case in cases.values() for section in case.sections()),
        *pages.schedule_sections(small.derived, small.standard),
        *pages.training_sections(logs, "Loss."),
        *compared_sections(compared(), samples={"derived": small.images}, data=small.images),
    ]
    bare = [one.title for one in sections if one.figure is not None and not one.settings]
    assert not bare
    uncalled = [one.title for one in sections if one.figure is not None and not one.call]
    assert not uncalled


def test_a_cell_with_its_verdict_reads_back_from_the_json(tmp_path):
    table = Table(["arm", "bits/dim"], [["a", Cell(3.5, "3.4 to 3.6", "better", best=True)]])
    path = write_report(
        tmp_path / "report.html",
        title="t",
        intro="",
        sections=[Section("a", "A", "text", table=table)],
        numbers={},
        settings={},
    )
    (text,) = Page(path.read_text(encoding="utf-8")).scripts
    (section,) = json.loads(text)["sections"]
    cell = section["table"]["rows"][0][1]
    assert (cell["value"], cell["note"], cell["verdict"]) == (3.5, "3.4 to 3.6", "better")


def test_names_cannot_become_markup(page):
    parsed = Page(page)
    assert not parsed.all("img")
    assert len(parsed.all("script")) == 1
    assert page.count("</script>") == 1


def test_every_figure_says_what_it_shows_and_every_id_is_unique(page):
    parsed = Page(page)
    figures = parsed.all("svg")
    assert len(figures) == 2 + 2 + 1
    assert all(figure["role"] == "img" and figure["aria-label"] for figure in figures)
    assert all("width" not in figure and figure["viewbox"] for figure in figures)
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = {a["href"][1:] for tag, a in parsed.elements if a.get("href", "").startswith("#")}
    assert links <= set(ids)


def test_page_is_semantic_and_reachable_by_keyboard(page):
    parsed = Page(page)
    assert parsed.all("html")[0]["lang"] == "en"
    assert len(parsed.all("h1")) == len(parsed.all("main")) == len(parsed.all("nav")) == 1
    assert any(meta.get("name") == "viewport" for meta in parsed.all("meta"))
    scrolling = [a for _, a in parsed.elements if "scroll" in a.get("class", "").split()]
    assert scrolling
    assert all(a["tabindex"] == "0" and a["aria-label"] for a in scrolling)
    assert all(heading["scope"] in ("col", "row") for heading in parsed.all("th"))


def test_text_tables_and_captions_are_there(page):
    assert "<p>First paragraph.</p>" in page
    assert "<p>Second paragraph.</p>" in page
    assert "size 16 × 16; thresholds 1, 10." in page
    assert '<td class="better">better</td>' in page
    assert "1 file was not used" in page
    assert "CC0, https://example.org/photo" in page


def test_figures_follow_the_page_in_light_and_dark(page, small):
    svg = inline_svg(plots.plot_rapsd(small.spectrum, small.fit), "x", "A curve")
    assert f"var(--c{DATA[1:]}," in svg
    assert f"--c{DATA[1:]}:{DATA};" in page
    assert f"--c{DATA[1:]}:{DARK[DATA]};" in page


def luminance(colour: str) -> float:
    parts = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_text_and_lines_pass_contrast_on_both_pages():
    from spectra.plots import style

    for swap in (lambda colour: colour, DARK.__getitem__):
        card = swap(style.PAPER)
        for text in (style.INK, style.MUTED):
            assert contrast(swap(text), card) >= 4.5
        for line in (*style.SERIES, style.DATA, style.NOISE, style.FIT):
            assert contrast(swap(line), card) >= 3.0


def written(path, figures):
    return write_report(
        path,
        title="t",
        intro="",
        sections=[
            Section(f"s{i}", "S", "text", figure, "noise", settings={"n": 1})
            for i, figure in enumerate(figures)
        ],
        numbers={},
        settings={},
    ).read_text(encoding="utf-8")


def sides(page: str) -> list[tuple[int, int]]:
    """Width and height of every picture in a page."""
    found = re.findall(r"data:image/png;base64,([^\"]*)", page)
    return [Image.open(io.BytesIO(base64.b64decode(text))).size for text in found]


def test_large_pictures_never_make_a_page_too_large(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.uniform(-1, 1, (12, 3, 400, 300)).astype(np.float32)  # nothing compresses worse
    small = partial(plots.plot_examples, noise[:, :, :40, :40])
    page = written(tmp_path / "large.html", [partial(plots.plot_examples, noise)] * 2 + [small])
    assert len(page.encode()) < 5e6
    largest, *_, smallest = sorted(sides(page))[::-1]
    assert max(largest) > 500  # made smaller, and still to be seen
    assert min(smallest) >= 40


def test_a_picture_is_made_smaller_in_its_place():
    svg = inline_svg(plots.plot_examples(np.zeros((1, 1, 64, 32)) + 0.5), "x", "grey")
    assert shrink_rasters(svg, np.inf) == svg
    smaller = shrink_rasters(svg, 0.01)
    ((width, height),) = sides(smaller)
    assert (width, height) < sides(svg)[0]
    for part in ("transform", "width", "height"):
        assert re.findall(rf'<image[^>]*? {part}="([^"]*)"', smaller) == re.findall(
            rf'<image[^>]*? {part}="([^"]*)"', svg
        )


def test_a_figure_without_alt_and_uneven_tables_are_refused(small):
    figure = partial(plots.plot_examples, small.images)
    with pytest.raises(ValueError, match="alt"):
        Section("a", "A", "text", figure)
    with pytest.raises(ValueError, match="2 cells"):
        Table(["a", "b"], [["only one"]])
    section = Section("a", "A", "text")
    with pytest.raises(ValueError, match="anchors"):
        write_report(
            "never.html", title="", intro="", sections=[section] * 2, numbers={}, settings={}
        )


def test_an_unwritable_page_is_the_users_to_mend(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(spectra.InputError, match="cannot be written"):
        write_report(
            tmp_path / "file" / "report.html",
            title="t",
            intro="",
            sections=[],
            numbers={},
            settings={},
        )
