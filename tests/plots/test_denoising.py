"""The picture of a denoising error: legible, and true to the numbers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import plots
from spectra.plots import pages
from spectra.plots.denoising import octave_errors
from spectra.schedule.steps.denoising import DenoisingError, wiener_error
from tests.plots.legible import LAYOUTS, assert_legible
from tests.schedule.known import known_spectrum, power_law

SIGMA = np.geomspace(1e-3, 1e2, 11)


def law(shape: Any = (1, 16, 16), sigma: np.ndarray = SIGMA) -> DenoisingError:
    if len(shape) == 2:
        values = np.random.default_rng(0).standard_normal((8, *shape)).cumsum(axis=-1) / 99
        source = spectra.open_source(values.astype(np.float32), view="series")
        return wiener_error(spectra.analyze(source, bases=("dct",)), sigma)
    return wiener_error(known_spectrum(power_law(2.0), shape), sigma)


@pytest.fixture(scope="module")
def trained() -> DenoisingError:
    """Half the Wiener filter's error above 1/4 cycles/pixel, twice below."""
    known = law()
    high = known.make_basis().frequency > 0.25
    return replace(known, name="network", error=known.error * np.where(high, 0.5, 2.0))


def test_octaves_hold_every_component_once(trained: DenoisingError) -> None:
    found = octave_errors(trained)
    np.testing.assert_allclose(found.error.sum(axis=1), trained.per_level())
    np.testing.assert_allclose(found.wiener.sum(axis=1), trained.wiener().per_level())
    assert found.variance.sum() == pytest.approx(trained.variance.sum())
    expected = np.where(np.array([octave.low for octave in found.octaves]) >= 0.25, 0.5, 2.0)
    np.testing.assert_allclose(found.ratio, np.broadcast_to(expected, found.ratio.shape))


def test_bands_are_neighbouring_octaves(trained: DenoisingError) -> None:
    found = octave_errors(trained)
    few = found.merged(3)
    assert len(few.octaves) == 3
    assert few.octaves[0].label.startswith("up to")
    assert [a.high for a in few.octaves[:-1]] == [b.low for b in few.octaves[1:]]
    np.testing.assert_allclose(few.error.sum(axis=1), found.error.sum(axis=1))
    assert found.merged(50) is found


def test_curves_and_colours_are_the_numbers(trained: DenoisingError) -> None:
    figure = plots.plot_denoising(trained)
    left, right = figure.axes[:2]
    found = octave_errors(trained)
    bands = found.merged(4)
    curves = [line for line in left.lines if line.get_label() in legend_names(bands)]
    assert len(curves) == 4
    for k, line in enumerate(curves):
        share = bands.error[:, k] / bands.variance[k]
        np.testing.assert_allclose(np.asarray(line.get_ydata(), float), share)
    (mesh,) = [c for c in right.collections if c.get_array() is not None]
    shown = np.asarray(mesh.get_array()).reshape(len(found.octaves), len(SIGMA))
    np.testing.assert_allclose(shown, np.log2(found.ratio).T, atol=1e-9)


def legend_names(bands) -> list[str]:
    return [octave.label.replace("-", "\N{EN DASH}") for octave in bands.octaves]


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 33, 20), (1, 512)])
def test_nothing_overlaps_or_is_cut(layout, shape) -> None:
    figure = plots.plot_denoising(law(shape), layout=layout)
    boxes = assert_legible(figure)
    labels = " ".join(text for text, _ in boxes)
    unit = "cycles/sample" if len(shape) == 2 else "cycles/pixel"
    for name in ("Wiener", "noise level sigma", unit, "twice", "equal"):
        assert name in labels


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_what_is_odd_is_drawn_too() -> None:
    one = law(sigma=np.array([0.3]))
    silent = replace(law(), variance=np.zeros((1, 16, 16)), error=np.zeros((11, 1, 16, 16)))
    wild = replace(law(), error=law().error * 1e4)
    known = known_spectrum(power_law(2.0), (1, 16, 16))
    pixel = wiener_error(known, SIGMA, basis="pixel") if "pixel" in known.bases else None
    for case in filter(None, (one, silent, wild, pixel)):
        figure = plots.plot_denoising(case)
        assert np.isfinite(figure.axes[0].get_ylim()).all()


def test_its_file_has_a_page(tmp_path) -> None:
    path = tmp_path / "denoising.safetensors"
    law().save(path)
    sections, title = pages.sections_of(path)
    assert [section.anchor for section in sections] == ["denoising", "bits"]
    assert path.name in title
