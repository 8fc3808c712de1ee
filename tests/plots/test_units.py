"""Figures of series count in cycles/sample, those of pictures in cycles/pixel."""

import numpy as np
import pytest
from matplotlib.text import Text

import spectra
from spectra import plots
from spectra.plots import pages
from spectra.plots.octaves import octave_axis
from spectra.plots.paths import plot_snr_paths
from spectra.plots.prediction import plot_prediction
from spectra.plots.scheduled import denoising_sections, schedule_sections
from spectra.schedule.auditing.account import octaves_of
from spectra.schedule.auditing.audit import audit
from spectra.schedule.steps.denoising import wiener_error
from tests.plots.cases import series
from tests.plots.legible import LAYOUTS, assert_legible

SPECTRUM = spectra.analyze(spectra.open_source(series(12, (1, 64)), view="series"))
SCHEDULE = spectra.derive_schedule(SPECTRUM, basis="dct")
ERROR = wiener_error(SCHEDULE, np.geomspace(1e-2, 10, 8))
AUDIT = audit("stable-diffusion", SPECTRUM, steps=3)


def figures(layout: str) -> dict:
    sections = schedule_sections(SCHEDULE, spectra.standard_schedule(SPECTRUM))
    sections += denoising_sections(ERROR)
    drawn = {one.anchor: one.figure(layout=layout) for one in sections if one.figure is not None}
    predicted = spectra.predict_error(SCHEDULE, SCHEDULE.grid(3, "heun"), "heun")
    return drawn | {
        "audit": plots.plot_audit(AUDIT, layout=layout),
        "prediction": plot_prediction(SCHEDULE, {"3 steps": predicted}, layout=layout),
        "paths": plot_snr_paths({"derived": SCHEDULE}, layout=layout),
        "tide": plots.animate_schedule(
            SCHEDULE, spectra.standard_schedule(SPECTRUM), layout=layout
        )._fig,
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_figure_of_a_series_speaks_of_pixels(layout):
    for name, figure in figures(layout).items():
        words = " ".join(text.get_text() for text in figure.findobj(Text))
        assert "pixel" not in words, name
        if name not in ("training-density", "steps"):  # they have no frequency
            assert "cycles/sample" in words, name
            assert_legible(figure, name)


def test_octaves_are_named_by_the_shape_of_what_they_are_of():
    frequency = np.array([0.0, 0.1, 0.2, 0.4])
    for shape, unit in (((1, 4), "cycles/sample"), ((1, 2, 2), "cycles/pixel")):
        _, octaves = octaves_of(frequency.reshape(shape), np.ones(shape))
        labels = [octave.label for octave in octaves]
        assert labels[-1] == f"0.25-0.5 {unit}"
        assert octave_axis(labels) == (unit, ["DC", "0.0625–0.125", "0.125–0.25", "0.25–0.5"])
    _, ranks = octaves_of(np.full((1, 4), np.nan), np.arange(4.0))
    assert octave_axis([one.label for one in ranks]) == ("", ["1–1", "2–3", "4–4"])


def test_the_audit_in_words_speaks_of_samples():
    assert "cycles/pixel" not in "\n".join(AUDIT.lines())
    assert "cycles/sample" in "\n".join(AUDIT.lines())


def test_a_page_of_a_series_schedule_has_its_sections(tmp_path):
    SCHEDULE.save(tmp_path / "schedule.safetensors")
    sections, _ = pages.sections_of(tmp_path / "schedule.safetensors")
    assert "weighting" in [section.anchor for section in sections]
