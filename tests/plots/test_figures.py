"""Every figure in both layouts: labelled with units, nothing clipped, nothing overlapping."""

from functools import partial

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

import spectra
from spectra import plots
from spectra.plots.schedule import component_order
from spectra.plots.training import running_mean
from spectra.schedule import process
from tests.plots.legible import LAYOUTS, NARROWEST, assert_legible

pytestmark = pytest.mark.slow

UNITS = (
    "cycles/pixel",
    "dB",
    "decades",
    "power",
    "pixels",
    "radians",
    "time t",
    "step",
    "loss",
    "rank",
    "SNR",
)


def logs(steps: int = 50) -> dict:
    rng = np.random.default_rng(1)
    return {
        f"{name}, seed {seed}": [
            {"step": 10 * i, "loss": 3.0 / (1 + i) + 0.3 + 0.05 * rng.random()}
            for i in range(steps)
        ]
        for name in ("derived", "standard")
        for seed in range(2)
    }


def drawings(nouns) -> dict:
    spectrum = nouns.spectrum
    curve = (spectrum.frequency, *(spectrum.log_power + shift for shift in (0.3, 0.2, 0.4)))
    cutoffs = [spectra.frequency_cutoff(spectrum, threshold=snr) for snr in (1.0, 5.0)]
    pixel = spectra.derive_schedule(spectrum, basis="pixel", ordering_strength=0.0)
    return {
        "examples": partial(plots.plot_examples, nouns.images, "Patches"),
        "image spectra": partial(plots.plot_image_spectra, nouns.images),
        "rapsd": partial(plots.plot_rapsd, spectrum, nouns.fit, nouns.singles),
        "hinge": partial(
            plots.plot_hinge, spectrum, process("rectified-flow"), [0.1, 0.3, 0.5, 0.8]
        ),
        "cutoff": partial(plots.plot_cutoff, cutoffs),
        "schedule": partial(plots.plot_schedule, nouns.derived, nouns.standard),
        "pixel schedule": partial(plots.plot_schedule, pixel, nouns.standard),
        "training": partial(plots.plot_training, logs()),
        "samples": partial(plots.plot_samples_beside_data, nouns.images, nouns.images),
        "sample spectrum": partial(
            plots.plot_sample_spectrum, {"derived": curve, "standard": curve}, spectrum
        ),
    }


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_figure_is_labelled_legible_and_free_of_overlap(nouns, layout):
    for name, draw in drawings(nouns).items():
        figure = draw(layout=layout)
        assert isinstance(figure, Figure), name
        sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
        shown = min(sizes) / 72 * NARROWEST[layout] / figure.get_figwidth()
        assert shown >= 9.5, f"{name} ({layout}): {shown:.1f} CSS pixels"
        boxes = assert_legible(figure, f"{name} ({layout})")
        labels = " ".join(text for text, _ in boxes)
        assert any(unit in labels for unit in UNITS) or name == "comparison", (name, labels)


def test_axes_carry_their_units(small):
    panels = plots.plot_rapsd(small.spectrum, small.fit, small.singles).axes
    assert panels[1].get_xlabel() == "frequency (cycles/pixel)"
    assert "dB" in panels[1].get_ylabel()
    assert "power" in panels[0].get_ylabel()
    cutoff = spectra.frequency_cutoff(small.spectrum)
    axes = plots.plot_cutoff([cutoff]).axes[0]
    assert axes.get_ylabel() == "frequency (cycles/pixel)"
    assert "rectified-flow" in axes.get_xlabel()


def test_nothing_drawn_is_nan_and_single_images_need_not_be_given(small):
    figure = plots.plot_rapsd(small.spectrum, small.fit)
    for line in figure.axes[0].get_lines()[:2]:
        assert np.isfinite(np.asarray(line.get_ydata(), float)).all()


def test_hinge_marks_the_elbow_where_signal_equals_noise(small):
    t = 0.3
    figure = plots.plot_hinge(small.spectrum, process("rectified-flow"), [t])
    marks = [line for line in figure.axes[0].get_lines() if line.get_marker() == "o"]
    (elbow,) = np.asarray(marks[0].get_xdata(), float)
    curve = np.interp(np.log(elbow), np.log(small.spectrum.frequency), np.log(small.spectrum.power))
    np.testing.assert_allclose(curve + 2 * np.log(1 - t), 2 * np.log(t), atol=1e-9)
    assert f"f = {elbow:.3g}" in figure.axes[0].get_title(loc="left")


def test_hinge_at_the_ends_has_no_elbow(small):
    figure = plots.plot_hinge(small.spectrum, process("rectified-flow"), [0.0, 1.0])
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["t = 0:  all above the noise", "t = 1:  all under the noise"]
    assert plots.plot_hinge(small.spectrum, process("rectified-flow"), [1.0]).axes


def test_times_when_lower_frequencies_drown_first_are_hatched(small):
    def hatched(frequency_power):
        bumpy = _with_power(small.spectrum, frequency_power)
        axes = plots.plot_cutoff([spectra.frequency_cutoff(bumpy)]).axes[0]
        return any(part.get_hatch() for part in axes.collections)

    falling = small.spectrum.frequency**-2.0
    bump = falling.copy()
    bump[3] *= 20
    assert not hatched(falling)
    assert hatched(bump)


def _with_power(spectrum, power):
    from dataclasses import replace

    moments = spectrum.power_moments
    ratio = power / spectrum.power
    return replace(
        spectrum,
        power_moments=replace(
            moments,
            total=moments.total * ratio,
            sized_total=moments.sized_total * ratio,
            outer=moments.outer * np.outer(ratio, ratio),
        ),
    )


def test_schedule_picture_sorts_by_frequency_or_by_variance(small):
    order = component_order(small.derived)
    assert (np.diff(small.derived.frequency.ravel()[order]) >= 0).all()
    pixel = spectra.derive_schedule(small.spectrum, basis="pixel")
    order = component_order(pixel)
    assert (np.diff(pixel.variance.ravel()[order]) <= 0).all()


def test_both_schedules_share_one_scale_with_snr_one_in_the_middle(small):
    figure = plots.plot_schedule(small.derived, small.standard)
    left, right = (axes.images[0].get_clim() for axes in figure.axes[:2])
    assert left == right
    assert left[0] == -left[1]


@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (1, 3, 17, 9), (1, 2, 8, 8), (5, 1, 300, 200)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_pictures_take_one_image_any_channels_and_odd_sizes(shape, layout):
    images = np.random.default_rng(0).uniform(-1, 1, shape)
    for figure in (
        plots.plot_examples(images, layout=layout),
        plots.plot_image_spectra(images, layout=layout),
        plots.plot_samples_beside_data({"a": images, "b": images}, images, layout=layout),
    ):
        assert figure.get_figheight() < 20


def test_a_blank_image_has_a_finite_log_spectrum():
    figure = plots.plot_image_spectra(np.zeros((1, 1, 16, 16)))
    assert np.isfinite(figure.axes[4].images[0].get_array()).all()


def test_log_spectrum_of_a_wave_peaks_at_its_frequency():
    wave = np.cos(2 * np.pi * 0.25 * np.arange(32))[None, None, None] * np.ones((1, 1, 32, 1))
    axes = plots.plot_image_spectra(wave).axes[4]
    power = np.asarray(axes.images[0].get_array())
    row, column = np.unravel_index(power.argmax(), power.shape)
    assert abs(np.fft.fftshift(np.fft.fftfreq(32))[column]) == 0.25
    assert row == 16


def test_samples_that_are_the_data_lie_on_its_spectrum(nouns):
    figure = plots.plot_sample_spectrum({"copy": nouns.images}, nouns.spectrum)
    ratio = figure.axes[1].get_lines()[1].get_ydata()
    np.testing.assert_allclose(np.asarray(ratio, float), 0, atol=1e-3)


def test_running_mean_keeps_a_constant_and_a_line_inside():
    np.testing.assert_allclose(running_mean(np.full(9, 2.0), 3), 2.0)
    line = np.arange(20.0)
    np.testing.assert_allclose(running_mean(line, 4)[4:-4], line[4:-4])


def test_single_record_and_single_run_are_drawn():
    assert plots.plot_training({"derived": [{"step": 1, "loss": 0.5}]}).axes


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.plot_examples(np.zeros((0, 1, 8, 8))),
        lambda: plots.plot_examples(np.full((1, 1, 8, 8), np.nan)),
        lambda: plots.plot_examples(np.zeros((1, 1, 8, 8)), layout="huge"),
        lambda: plots.plot_training({}),
        lambda: plots.plot_training({"derived": [{"step": 1}]}),
        lambda: plots.plot_cutoff([]),
    ],
)
def test_bad_input_is_named_in_one_line(draw):
    with pytest.raises(spectra.InputError) as caught:
        draw()
    assert "\n" not in str(caught.value)


def test_no_global_state_changes_and_the_same_figure_gives_the_same_file(small, tmp_path):
    before = dict(matplotlib.rcParams)
    for name in ("a.svg", "b.svg"):
        figure = plots.plot_rapsd(small.spectrum, small.fit, small.singles)
        plots.save_figure(figure, tmp_path / name)
    assert dict(matplotlib.rcParams) == before
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_an_unwritable_figure_is_the_users_to_mend(small, tmp_path):
    (tmp_path / "file").write_text("")
    figure = plots.plot_training({"derived": [{"step": 1, "loss": 0.5}]})
    with pytest.raises(spectra.InputError, match="cannot be written"):
        plots.save_figure(figure, tmp_path / "file" / "a.png")
