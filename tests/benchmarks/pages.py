"""Reports in headless Chromium, at 1280 and 400 px, light and dark, with axe-core from npm.

Asked of every page: nothing sticks out, a silent console, no request, all of it reached by Tab
with the focus in sight, no serious finding of axe-core, and under 5 MB.
"""

import contextlib
import io
import tempfile
from pathlib import Path

import numpy as np

from spectra import open_source
from spectra.cli import main
from spectra.plots import write_report
from spectra.plots.compared import compared_facts, compared_intro, compared_sections
from tests.benchmarks.table import Row
from tests.browser.axe import fetch_axe
from tests.browser.chromium import Chromium, chromium_path
from tests.browser.findings import LOOKS, page_findings, paper_findings
from tests.plots.compared_cases import compared

__all__ = ["pages", "written_pages"]

ANALYSES = {
    "photos": "photos --size 64",
    "waveform": "sounds --view waveform",
    "log-mel": "sounds --view log-mel",
}


def pages() -> list[Row]:
    if chromium_path() is None:
        return [Row("no chromium on the PATH", "", "nothing was looked at", False)]
    axe = fetch_axe()
    rows = []
    if axe is None:
        rows.append(Row("npm could not fetch axe-core", "", "accessibility not looked at", False))
    with tempfile.TemporaryDirectory() as folder, Chromium() as browser:
        tab = browser.open_tab()
        for name, path in written_pages(Path(folder)).items():
            for width, dark in LOOKS:
                found = page_findings(tab, path, width=width, dark=dark, axe=axe)
                what = f"{name}, {width} px, {'dark' if dark else 'light'}"
                rows.append(Row(what, "0 findings", "; ".join(found) or "0", not found))
            found = paper_findings(tab, path)
            rows.append(Row(f"{name}, on paper", "0 findings", "; ".join(found) or "0", not found))
            size = path.stat().st_size / 1e6
            rows.append(Row(f"{name}, size", "under 5 MB", f"{size:.2f} MB", size < 5))
    return rows


def written_pages(folder: Path) -> dict[str, Path]:
    """A report of every kind, by name."""
    for name, source in ANALYSES.items():
        _spectra("analyze", *source.split(), "--out", folder / name)
    spectrum, schedule = folder / "photos" / "spectrum.safetensors", folder / "s.safetensors"
    _spectra("schedule", spectrum, "--out", schedule)
    _spectra("plot", schedule, "--out", folder / "schedule")
    figures = folder / "figures"
    _spectra("plot", spectrum, "--out", figures, "--animate", "html")
    _write_comparison(folder / "compare" / "report.html")
    _spectra("report", folder / "photos", folder / "log-mel", "--out", folder / "two spectra")
    copied = folder / "copied.safetensors"
    _spectra("schedule", spectrum, "--preset", "edm", "--out", copied)
    _spectra("report", schedule, copied, "--out", folder / "two schedules")
    runs = [folder / "derived", folder / "edm"]
    for run, path in zip(runs, (schedule, copied), strict=True):
        _spectra("train", "photos", "--schedule", path, "--out", run, "--steps", 3, "--batch", 4)
        _spectra("evaluate", run, "photos", "--n", 8, "--steps", 2, "--examples", 16)
    _spectra("report", *runs, "--out", folder / "two runs")
    names = [*ANALYSES, "schedule", "compare", "two spectra", "two schedules", "two runs"]
    found = {name: folder / name / "report.html" for name in names}
    return found | {f"animation {path.stem}": path for path in _animations(figures)}


def _animations(folder: Path) -> list[Path]:
    """The players among what was drawn."""
    return sorted(path for path in folder.glob("*.html") if path.name != "report.html")


def _spectra(*words: object) -> None:
    """A command, as a user types it, its words put away."""
    with contextlib.redirect_stdout(io.StringIO()):
        main([str(word) for word in words])


def _write_comparison(path: Path) -> None:
    """The page of `compare`, of runs that were made up."""
    found = compared()
    data = open_source("photos", size=32).examples(np.arange(0, 2000, 250))
    write_report(
        path,
        title=f"Which schedule pays on {found.source}?",
        intro=compared_intro(found),
        sections=compared_sections(found, samples={found.names[0]: data}, data=data),
        numbers=found.to_dict(),
        settings=dict(found.settings),
        facts=compared_facts(found),
    )
