"""Pictures of one long side: nothing of them is lost, and their figures can be read."""

import json

import numpy as np
import pytest

import spectra
from spectra import plots
from spectra.cli import main
from spectra.plots.images import block_mean, tile_steps
from tests.plots.conftest import power_law_images
from tests.plots.legible import LAYOUTS, assert_legible

STRIPS = [(1, 8, 2048), (3, 2048, 8), (1, 8, 1100)]


@pytest.mark.parametrize("shape", STRIPS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_strips_are_drawn_whole_and_legible(shape, layout):
    images = power_law_images(4, shape)
    spectrum = spectra.analyze(images, bases=("dct",))
    cutoff = spectra.frequency_cutoff(spectrum)
    drawn = {
        "examples": plots.plot_examples(images, layout=layout),
        "image spectra": plots.plot_image_spectra(images, layout=layout),
        "directions": plots.plot_directions(spectrum, layout=layout),
        "low pass": plots.plot_lowpass(images[0], cutoff, [0.1, 0.3, 0.8], layout=layout),
        "fields": plots.plot_fields(images, layout=layout),
        "beside": plots.plot_samples_beside_data(images, images, layout=layout),
        "slices": plots.plot_slices(images[0], layout=layout),
    }
    for name, figure in drawn.items():
        assert_legible(figure, name)
        assert all(np.size(one.get_array()) for axes in figure.axes for one in axes.images)
    for name in ("directions", "slices"):
        left, right, bottom, top = drawn[name].axes[0].images[0].get_extent()
        assert right - left == pytest.approx(1, abs=0.02)
        assert bottom - top == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("shape", STRIPS)
def test_a_strip_keeps_its_long_side_and_its_mean(shape):
    images = power_law_images(2, shape)
    tiles = block_mean(images, tile_steps(images))
    assert 64 < max(tiles.shape[-2:]) <= 128
    assert min(tiles.shape[-2:]) == 1
    if 2048 in shape:  # of 1100, what is left over of the last block is cut off
        np.testing.assert_allclose(tiles.mean((-2, -1)), images.mean((-2, -1)), atol=1e-6)


def test_a_strip_is_analysed_with_its_page(tmp_path, capsys):
    np.save(tmp_path / "wide.npy", power_law_images(12, (1, 8, 2048)))
    main(["analyze", str(tmp_path / "wide.npy"), "--out", str(tmp_path / "out"), "--json"])
    assert json.loads(capsys.readouterr().out)["shape"] == [1, 8, 2048]
    main(["plot", str(tmp_path / "wide.npy"), "--out", str(tmp_path / "plots")])
    assert list((tmp_path / "plots").glob("*.png"))
