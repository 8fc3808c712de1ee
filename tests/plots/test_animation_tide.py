"""The rising tide: what each frame says is what the spectrum and the process say."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import spectra
from spectra import InputError, plots
from spectra.plots.style import house_style
from spectra.schedule import process, standard_beside
from tests.plots.legible import LAYOUTS, assert_legible

PROCESSES = ("rectified-flow", "vp-cosine", "vp-linear", "ve", "edm")


def figure_at(animation, frame) -> Figure:
    """The animation's figure after it has drawn a frame."""
    return animation._func(frame)[0].get_figure(root=True)


def frames(animation) -> int:
    return animation._save_count


def said(figure) -> list[str]:
    axes = figure.axes[0]
    return [axes.get_title(loc=side) for side in ("left", "right")]


def lines(figure) -> dict:
    return {str(line.get_label()): line for line in figure.axes[0].get_lines()}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["sound", "stereo", "log-mel", "series", "fields", "latents"])
def test_every_kind_is_legible_in_every_frame_and_without_a_warning(cases, kind, layout):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        animation = plots.animate_tide(cases[kind].spectrum, layout=layout)
        assert 24 <= frames(animation) <= 48
        for frame in (0, 12, 24, frames(animation) - 1):
            with house_style():
                assert_legible(figure_at(animation, frame), f"{kind} {frame}")


def test_f_max_is_that_of_the_cutoff(small):
    cutoff = spectra.frequency_cutoff(small.spectrum)
    times = [0.2, 0.3, 0.45]
    animation = plots.animate_tide(small.spectrum, times=times)
    for frame, t in enumerate(times):
        found = said(figure_at(animation, frame))
        assert found[0] == f"t = {t:.2f}"
        assert found[1].startswith(f"f_max = {float(cutoff.f_max(np.array([t]))[0]):#.3g} cycles")


@pytest.mark.parametrize("name", PROCESSES)
def test_the_tide_starts_under_the_data_rises_evenly_and_ends_over_them(small, name):
    scheme = process(name)
    animation = plots.animate_tide(small.spectrum, name)
    levels = []
    for frame in range(frames(animation)):
        shown = lines(figure_at(animation, frame))
        noise = float(np.mean(shown["noise  σ²"].get_ydata()))
        alpha = float(scheme.alpha(np.array(float(scheme.time(-np.log(1.0))))))
        assert alpha > 0
        t = float(said(animation._fig)[0].removeprefix("t = "))
        levels.append(np.log(noise / float(scheme.alpha(np.array(t))) ** 2))
    power = np.log(small.spectrum.power)
    assert levels[0] < power.min()
    assert levels[-1] > power.max()
    steps = np.diff(levels)
    # t is read off the figure, with its two digits.
    assert steps == pytest.approx(np.full(len(steps), steps.mean()), abs=0.2)
    assert "under" in said(animation._fig)[1]


def test_the_noisy_curve_is_the_sum_and_marks_twice_the_noise(small):
    animation = plots.animate_tide(small.spectrum, times=[0.3])
    shown = lines(figure_at(animation, 0))
    noise = 0.3**2
    noisy = np.asarray(shown["noisy data  α²R(f) + σ²"].get_ydata())
    np.testing.assert_allclose(noisy, 0.7**2 * small.spectrum.power + noise)
    elbow = shown["elbow: signal = noise"]
    assert np.asarray(elbow.get_ydata()) == pytest.approx([2 * noise])
    data = np.asarray(shown["data  α²R(f)"].get_ydata(), float)
    assert np.nanmin(data) > noise  # where it is drowned it is pale
    assert np.isnan(data).any()


def test_sound_drowns_out_of_order_and_its_peak_last(cases):
    spectrum = cases["sound"].spectrum  # a tone of 1 kHz over a low end that is cut off
    animation = plots.animate_tide(spectrum)
    (label,) = [label for label in lines(animation._fig) if label.startswith("peak")]
    assert "peak at 1,0" in label or "peak at 99" in label
    drowns = float(label.partition("t = ")[2].rstrip(")"))
    last = int(np.argmax(spectrum.power))
    expected = spectra.frequency_cutoff(spectrum).t_detect(spectrum.frequency[last : last + 1])
    assert drowns == pytest.approx(float(expected[0]), abs=0.005)
    many = [said(figure_at(animation, frame))[1] for frame in range(frames(animation))]
    assert any("2 elbows" in text for text in many)  # drowned on both sides of the peak


def test_images_have_no_peak_to_mark(small):
    assert not [
        label for label in lines(plots.animate_tide(small.spectrum)._fig) if "peak" in label
    ]


def test_the_strip_is_blue_exactly_where_the_data_stand_above_the_noise(cases):
    spectrum = cases["sound"].spectrum
    t = 0.6
    animation = plots.animate_tide(spectrum, times=[t])
    strip = figure_at(animation, 0).axes[0].collections[-1]
    paths = strip.get_paths()
    x = spectrum.physical_frequency
    seen = (1 - t) ** 2 * spectrum.power > t**2
    inside = np.zeros(len(x), bool)
    for path in paths:
        inside |= (x >= path.vertices[:, 0].min()) & (x <= path.vertices[:, 0].max())
    assert seen.any()
    assert not seen.all()
    np.testing.assert_array_equal(inside, seen)


def test_the_mean_of_logs_is_a_typical_example(cases):
    spectrum = cases["sound"].spectrum
    shown = lines(figure_at(plots.animate_tide(spectrum, times=[0.0], average="log"), 0))
    drawn = np.asarray(shown["noisy data  α²R(f) + σ²"].get_ydata(), float)
    assert drawn.max() == pytest.approx(np.exp(spectrum.log_power.max()), rel=1e-9)
    assert drawn.max() < spectrum.power.max()


def test_it_is_drawn_where_it_is_told(small):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    animation = plots.animate_tide(small.spectrum, axes=right)
    assert figure_at(animation, 3) is figure
    assert right.get_xlabel() == "frequency (cycles/pixel)"
    assert not left.get_lines()


def test_what_makes_no_tide_is_refused_in_one_line(small):
    spectrum = small.spectrum
    for times in ([], [1.5], [-0.1], [float("nan")], [[0.1]]):
        with pytest.raises(InputError, match="times"):
            plots.animate_tide(spectrum, times=times)
    with pytest.raises(InputError, match="process"):
        plots.animate_tide(spectrum, "linear")
    with pytest.raises(InputError, match="average"):
        plots.animate_tide(spectrum, average="median")
    moments = replace(spectrum.log_moments, total=np.full_like(spectrum.log_power, np.nan))
    blank = replace(spectrum, log_moments=moments)
    with pytest.raises(InputError, match="arithmetic"):
        plots.animate_tide(blank, average="log")


def with_power(spectrum, power) -> spectra.Spectrum:
    return replace(
        spectrum, power_moments=replace(spectrum.power_moments, total=spectrum.n * power)
    )


def test_rings_without_power_and_ends_of_time_are_drawn(small):
    power = small.spectrum.power.copy()
    power[-2:] = 0.0
    holed = with_power(small.spectrum, power)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        animation = plots.animate_tide(holed, times=[0.0, 0.3, 1.0])
        texts = [said(figure_at(animation, frame))[1] for frame in range(3)]
    assert texts[0] == "all above the noise"  # of what there is
    assert texts[1].startswith("f_max = 0.1")
    assert texts[2] == "all under the noise"
    with pytest.raises(InputError, match="no power"):
        plots.animate_tide(with_power(small.spectrum, np.zeros_like(power)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_schedule_raises_its_own_noise(small, layout):
    standard = standard_beside(small.derived)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        animation = plots.animate_schedule(small.derived, standard, layout=layout)
        drowned = []
        for frame in range(frames(animation)):
            figure = figure_at(animation, frame)
            drowned.append(float(said(figure)[1].split(" ")[0]))
            if frame % 12 == 0:
                with house_style():
                    assert_legible(figure)
    assert drowned[0] == 0
    assert drowned[-1] == 100
    assert (np.diff(drowned) >= 0).all()


def test_noise_of_standard_diffusion_is_flat_and_that_of_a_joint_schedule_follows_the_data(small):
    joint = spectra.derive_schedule(small.spectrum, ordering_strength=0.0)
    animation = plots.animate_schedule(joint, standard_beside(joint))
    shown = lines(figure_at(animation, 20))
    noise = np.asarray(shown["noise of this schedule"].get_ydata(), float)
    variance = np.asarray(shown["data: variance"].get_ydata(), float)
    (label,) = [name for name in shown if name.startswith("noise of rectified")]
    flat = np.asarray(shown[label].get_ydata(), float)
    assert np.ptp(np.log(flat)) < 1e-6
    assert np.ptp(np.log(noise / variance)) < 1e-6


def test_components_without_a_frequency_are_ranked(small):
    schedule = spectra.derive_schedule(small.spectrum, basis="pixel")
    animation = plots.animate_schedule(schedule, standard_beside(schedule))
    assert figure_at(animation, 0).axes[0].get_xlabel() == "component, by falling variance (rank)"
