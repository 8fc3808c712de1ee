"""Paths in two dimensions: still and moving."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from spectra.diffusion.mixture import GaussianMixture, mixture_paths, mixture_schedule
from spectra.errors import InputError
from spectra.plots.toy import animate_sample_paths, plot_sample_paths
from tests.plots.legible import LAYOUTS, assert_legible

TOY = GaussianMixture(np.array([[-1.0, -0.8], [0.6, 0.9]]), 0.03 * np.eye(2))
DATA = TOY.draw(50)
T, X = mixture_paths(TOY, mixture_schedule(TOY), 30, steps=12)
PATHS = {"standard diffusion": X, "soft conditioning": X * 0.9, "sequential": X, "pixels": X}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_still_and_moving_are_legible(layout) -> None:
    assert_legible(plot_sample_paths(PATHS, DATA, layout=layout), "still")
    moving = animate_sample_paths(PATHS, DATA, T, layout=layout, frames=5)
    moving._draw_frame(3)  # pyright: ignore
    assert_legible(figure_of(moving), "moving")


def figure_of(moving) -> Figure:
    return moving._fig  # pyright: ignore


def test_panels_lie_on_one_scale_and_show_where_paths_end() -> None:
    figure = plot_sample_paths(PATHS, DATA, columns=2)
    limits = {axes.get_xlim() for axes in figure.axes}
    assert len(limits) == 1
    ends = figure.axes[0].lines[-1]
    np.testing.assert_allclose(np.asarray(ends.get_xdata()), X[-1, :24, 0])


def test_the_last_frame_is_the_samples() -> None:
    moving = animate_sample_paths({"one": X}, DATA, T, frames=6)
    moving._draw_frame(5)  # pyright: ignore
    axes = figure_of(moving).axes[0]
    assert axes.get_title(loc="left") == "one\nt = 0.00"
    np.testing.assert_allclose(np.asarray(axes.lines[-1].get_xdata()), X[-1, :, 0])


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: plot_sample_paths({}, DATA), "none given"),
        (lambda: plot_sample_paths({"x": X[0]}, DATA), "x: finite paths"),
        (lambda: plot_sample_paths({"x": X * np.nan}, DATA), "x: finite paths"),
        (lambda: plot_sample_paths({"x": X}, DATA[:, :1]), "data of shape"),
        (lambda: animate_sample_paths({"x": X}, DATA, T[1:]), "t of shape"),
        (lambda: animate_sample_paths({"x": X}, DATA, T, frames=1), "frames 1"),
    ],
)
def test_bad_input_is_named(call, word: str) -> None:
    with pytest.raises(InputError, match=word):
        call()
