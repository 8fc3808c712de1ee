"""Figures of sound: clips, their spectra, log-mel pictures, cepstra, and what drowns when."""

import warnings
from functools import partial

import numpy as np
import pytest

import spectra
from spectra import plots
from spectra.plots.drowning import _cells, _time_ticks
from tests.plots.cases import RATE
from tests.plots.conftest import power_law_images
from tests.plots.legible import LAYOUTS, assert_legible

FRAME = 0.016
NAMES = ("speech", "a$x_{$ b", "tabla", "guitar")


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    """Four clips of half a second: noise, a tone, clicks, silence but for a click."""
    rng = np.random.default_rng(0)
    t = np.arange(RATE // 2) / RATE
    rows = np.zeros((4, len(t)))
    rows[0] = 0.1 * rng.standard_normal(len(t))
    rows[1] = 0.5 * np.sin(2 * np.pi * 1000 * t)
    rows[2, ::1000] = 0.9
    rows[3, 4000] = 0.5
    return rows


def drawings(clips, cases) -> dict:
    mel = power_law_images(6, (1, 32, 40))
    cutoffs = {
        name: spectra.frequency_cutoff(cases[name].spectrum)
        for name in ("sound", "log-mel", "grey")
    }
    return {
        "clips": partial(plots.plot_clips, clips, RATE, NAMES),
        "periodograms": partial(plots.plot_periodograms, clips, RATE, NAMES),
        "sound spectrum": partial(plots.plot_sound_spectrum, cases["sound"].spectrum),
        "log-mel spectra": partial(plots.plot_log_mel_spectra, mel, FRAME, RATE, NAMES),
        "log-mel unnamed": partial(plots.plot_log_mel_spectra, mel, FRAME),
        "mfcc": partial(plots.plot_mfcc, spectra.mfcc(clips, RATE), 512 / RATE, NAMES),
        "drowning": partial(plots.plot_drowning, cutoffs),
        "one drowning": partial(plots.plot_drowning, {"a$b": cutoffs["sound"]}),
        "plane": partial(plots.plot_drowning_plane, cutoffs["log-mel"]),
        "plane of images": partial(
            plots.plot_drowning_plane, spectra.frequency_cutoff(cases["colour"].spectrum)
        ),
    }


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_figure_is_legible(clips, cases, layout):
    for name, draw in drawings(clips, cases).items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = draw(layout=layout)
        labels = " ".join(text for text, _ in assert_legible(figure, f"{name} ({layout})"))
        for unit in {"clips": ("kHz", "dB", "(s)"), "periodograms": ("Hz", "power")}.get(name, ()):
            assert unit in labels, (name, unit)


def test_a_full_scale_sine_is_0_db_at_its_frequency():
    t = np.arange(8000) / 8000
    figure = plots.plot_clips(np.sin(2 * np.pi * 1000 * t)[None], 8000)
    picture = figure.axes[1].images[0]
    power = np.asarray(picture.get_array())
    assert power.max() == pytest.approx(0, abs=0.2)
    row = np.unravel_index(power.argmax(), power.shape)[0]
    top = picture.get_extent()[3]
    assert row * top / (len(power) - 1) == pytest.approx(1.0, abs=0.03)  # kHz
    left, right = picture.get_extent()[:2]
    assert 0 < left < right < 1  # frames lie within the clip


def test_a_cut_clip_does_not_click_at_its_ends(clips):
    """Zeros put about a clip would make a burst over all frequencies there."""
    power = np.asarray(plots.plot_clips(clips[1:2], RATE).axes[1].images[0].get_array())
    far = power[-len(power) // 4 :]  # kHz away from the tone
    assert far[:, [0, -1]].max() < far.max() + 1e-9
    assert np.ptp(power.max(axis=0)) < 1


def test_periodogram_is_that_of_the_whole_clip_and_keeps_its_peak(clips):
    axes = plots.plot_periodograms(clips[1:2], RATE).axes[0]
    raw = axes.get_lines()[0]
    f, power = (np.asarray(v, float) for v in raw.get_data())
    assert f[np.nanargmax(power)] == pytest.approx(1000, rel=0.01)
    assert np.nanmax(power) == pytest.approx(spectra.welch(clips[1], None, window="none")[0].max())


def test_sound_spectrum_marks_the_peak_and_its_interval(cases):
    spectrum = cases["sound"].spectrum
    figure = plots.plot_sound_spectrum(spectrum)
    (mark,) = [line for line in figure.axes[0].get_lines() if line.get_marker() == "o"]
    assert float(np.asarray(mark.get_xdata())[0]) == pytest.approx(1000, rel=0.01)
    said = " ".join(text.get_text() for text in figure.legends[0].get_texts())
    assert "peak at" in said
    assert "95 %" in said


def test_a_panel_may_be_drawn_on_given_axes(cases):
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots(1, 2)
    assert plots.plot_sound_spectrum(cases["sound"].spectrum, axes=axes[1]) is figure
    assert not axes[0].get_lines()
    assert axes[1].get_lines()


def test_what_drowns_before_something_finer_is_shaded(cases):
    def shaded(name):
        axes = plots.plot_drowning({name: spectra.frequency_cutoff(cases[name].spectrum)}).axes[0]
        part = axes.collections[1]
        return sum(np.size(path.vertices) for path in part.get_paths()), axes.get_title(loc="left")

    assert shaded("sound")[0] > shaded("grey")[0]
    assert shaded("grey")[1] == "grey: 0 % of pairs out of order"
    assert not shaded("sound")[1].startswith("sound: 0 %")


def test_the_curve_is_when_the_cutoff_says_each_frequency_drowns(cases):
    cutoff = spectra.frequency_cutoff(cases["grey"].spectrum, process="vp-cosine", threshold=2.0)
    axes = plots.plot_drowning({"grey": cutoff}).axes[0]
    f, t = (np.asarray(v, float) for v in axes.get_lines()[1].get_data())
    np.testing.assert_allclose(t, cutoff.t_detect(f), rtol=1e-6)
    assert "vp-cosine" in axes.get_ylabel()


def test_plane_has_the_components_times_in_cells(cases):
    cutoff = spectra.frequency_cutoff(cases["log-mel"].spectrum)
    figure = plots.plot_drowning_plane(cutoff)
    (mesh,) = [c for c in figure.axes[0].collections if hasattr(c, "get_coordinates")]
    t = np.asarray(mesh.get_array())
    variance = cutoff.spectrum.component_variance("dct")[0]
    # Indices 0 and 1 of either axis have cells of their own.
    np.testing.assert_allclose(t[:2, :2], cutoff.process.time(-np.log(variance[:2, :2])))
    along = figure.axes[1].get_lines()[0]
    want = cutoff.process.time(-np.log(variance.mean(axis=1)[1:3]))
    np.testing.assert_allclose(np.asarray(along.get_ydata(), float)[:2], want)


def test_cells_part_all_indices():
    for size in (8, 9, 16, 33, 64, 100):
        starts = _cells(size)
        assert starts[0] == 0
        assert starts[1] == 1
        assert (np.diff(starts) > 0).all()
        assert starts[-1] < size


def test_a_narrow_range_of_times_still_has_a_tick():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    axes.set_yscale("logit")
    axes.set_ylim(0.2, 0.6)
    _time_ticks(axes, 0.05)
    assert list(axes.get_yticks()) == [0.3, 0.5]


def test_mean_of_logs_is_of_all_pictures_and_blank_ones_are_left_out():
    images = power_law_images(6, (1, 16, 24))
    images[5] = -1.0
    axes = [a for a in plots.plot_log_mel_spectra(images, FRAME).axes if a.get_lines()][-1]
    mean = axes.get_lines()[-1]
    assert mean.get_label() == "mean of logs of 5"
    power, _ = spectra.rapsd(images[:5, 0].astype(float), window="hann")
    np.testing.assert_allclose(
        np.asarray(mean.get_ydata(), float), np.exp(np.log(power).mean(axis=0))
    )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 9])
def test_few_many_silent_and_short_clips_are_drawn(count, layout):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert plots.plot_clips(np.zeros((count, 2, 64)), 2.0, layout=layout).axes
        assert plots.plot_periodograms(np.zeros((count, 64)), 192_000, layout=layout).axes
        assert plots.plot_mfcc(np.zeros((count, 1, 1)), FRAME, layout=layout).axes
        assert plots.plot_log_mel_spectra(np.zeros((count, 1, 8, 9)), FRAME, layout=layout).axes


def test_huge_values_are_drawn():
    assert plots.plot_clips(1e6 * np.ones((1, 500)), 100).axes
    assert plots.plot_mfcc(1e12 * np.ones((1, 3, 4)), FRAME).axes


@pytest.mark.parametrize(
    "draw",
    [
        lambda c: plots.plot_clips(np.zeros((0, 100)), 8000),
        lambda c: plots.plot_clips(np.zeros(100), 8000),
        lambda c: plots.plot_clips(np.zeros((1, 63)), 8000),
        lambda c: plots.plot_clips(np.full((1, 100), np.nan), 8000),
        lambda c: plots.plot_clips(np.zeros((1, 100)), 0),
        lambda c: plots.plot_clips(np.zeros((2, 100)), 8000, ["one"]),
        lambda c: plots.plot_clips(np.zeros((2, 100)), 8000, "two"),
        lambda c: plots.plot_periodograms(np.full((1, 100), np.inf), 8000),
        lambda c: plots.plot_mfcc(np.zeros(3), FRAME),
        lambda c: plots.plot_mfcc(np.full((1, 2, 3), np.nan), FRAME),
        lambda c: plots.plot_mfcc(np.zeros((1, 2, 3)), -1.0),
        lambda c: plots.plot_log_mel_spectra(np.zeros((0, 1, 8, 8)), FRAME),
        lambda c: plots.plot_log_mel_spectra(np.zeros((1, 1, 8, 8)), 0.0),
        lambda c: plots.plot_drowning({}),
        lambda c: plots.plot_sound_spectrum(c["grey"].spectrum),
        lambda c: plots.plot_drowning_plane(spectra.frequency_cutoff(c["sound"].spectrum)),
        lambda c: plots.plot_drowning_plane(spectra.frequency_cutoff(c["bare"].spectrum)),
    ],
)
def test_bad_input_is_named_in_one_line(cases, draw):
    with pytest.raises(spectra.InputError) as caught:
        draw(cases)
    assert "\n" not in str(caught.value)
