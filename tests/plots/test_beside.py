"""Samples beside data: sound as sound, fields as fields, and the file that drawing leaves."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

import spectra
from spectra.plots import plot_samples_beside_data
from spectra.plots.compared import compared_sections
from spectra.plots.sheet import save_sheet
from tests.plots.compared_cases import compared
from tests.plots.legible import assert_legible

RNG = np.random.default_rng(0)


class Of:
    """What is known of data: their kind and axes."""

    name = "made"

    def __init__(self, kind: str, spacing: tuple[float, ...], units: tuple[str, ...]) -> None:
        self.kind, self.spacing, self.axis_units = kind, spacing, units


SOUND = Of("sound", (1 / 16000,), ("s",))
MEL = Of("sound", (1.0, 0.01), ("mel", "s"))
FIELDS = Of("fields", (1.0, 1.0), ("km", "km"))
CASES = {
    "sound": (SOUND, (12, 1, 512)),
    "long sound": (SOUND, (3, 2, 40_000)),
    "series": (Of("series", (), ()), (1, 1, 20)),
    "mel": (MEL, (20, 1, 64, 40)),
    "fields": (FIELDS, (9, 2, 17, 30)),
    "large field": (FIELDS, (1, 1, 300, 200)),
}


@pytest.mark.parametrize("layout", ["wide", "narrow"])
@pytest.mark.parametrize("arms", [1, 4])
@pytest.mark.parametrize("case", CASES)
def test_every_kind_is_legible(case, arms, layout):
    of, shape = CASES[case]
    named = {f"arm {number}": RNG.normal(size=shape) for number in range(arms)}
    figure = plot_samples_beside_data(named, 0.2 * RNG.normal(size=shape), of, layout=layout)
    assert_legible(figure, f"{case} ({layout})")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title for title in titles if title] == [*named, "data"]


def test_the_lowest_mel_band_is_below_and_the_data_have_all_colours():
    data = np.full((4, 1, 16, 16), -0.5)
    data[:, :, 0] = 0.5
    figure = plot_samples_beside_data(data, data, MEL)
    colours = mpl.colormaps["magma"]
    for axes in figure.axes:
        picture = np.asarray(axes.images[0].get_array())
        np.testing.assert_allclose(picture[15, 0], colours(1.0), atol=1e-6)
        np.testing.assert_allclose(picture[0, 0], colours(0.0), atol=1e-6)


def test_fields_have_one_scale_which_is_the_datas():
    data = np.linspace(-0.1, 0.1, 64).reshape(1, 1, 8, 8)
    wide, _ = plot_samples_beside_data(10 * data, data, FIELDS).axes
    picture = np.asarray(wide.images[0].get_array())
    black, white = mpl.colormaps["magma"](0.0), mpl.colormaps["magma"](1.0)
    np.testing.assert_allclose(picture[0, 0], black, atol=1e-6)
    np.testing.assert_allclose(picture[7, 7], white, atol=1e-6)


def test_series_are_curves_to_the_datas_scale():
    data = 0.1 * RNG.normal(size=(5, 1, 100))
    drawn = 7 * RNG.normal(size=(5, 1, 100))
    figure = plot_samples_beside_data({"a": drawn}, data, SOUND)
    curves = {line.axes: line.get_ydata() for axes in figure.axes for line in axes.get_lines()}
    assert len(curves) == 8
    np.testing.assert_array_equal(next(iter(curves.values())), drawn[0, 0])
    assert {axes.get_ylim() for axes in curves} == {figure.axes[0].get_ylim()}
    assert figure.axes[0].get_ylim()[1] == pytest.approx(1.2 * np.abs(data[:4]).max())


@pytest.mark.parametrize("view", ["waveform", "log-mel"])
def test_a_comparison_on_sound_shows_sound(view):
    source = spectra.open_source("sounds", view=view, size=32)
    data = source.some(4)
    made = compared(["derived", "edm"], samplers=())
    drawn = dict.fromkeys(made.names, data)
    (section,) = (
        part
        for part in compared_sections(made, samples=drawn, data=data, of=source)
        if part.anchor == "samples"
    )
    figure = section.figure(layout="wide")
    shown = sum(len(axes.images) + len(axes.get_lines()) for axes in figure.axes)
    assert shown == (12 if view == "waveform" else 3)


def test_a_sheet_has_the_lowest_mel_band_below(tmp_path: Path):
    data = np.full((1, 1, 16, 16), -1.0)
    data[:, :, 0] = 1.0
    for view, row in (("log-mel", -1), (None, 0)):
        save_sheet(data, tmp_path / "x.png", view)
        with Image.open(tmp_path / "x.png") as picture:
            pixels = np.asarray(picture)
        assert (pixels[row] == 255).all()
        assert (pixels[-1 - row] == 0).all()


def test_a_sheet_of_series_is_curves(tmp_path: Path):
    save_sheet(RNG.normal(size=(3, 1, 50)), tmp_path / "x.png", "waveform")
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.width > 500
