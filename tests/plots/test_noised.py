"""An example on its way to noise: what is drawn, and what it is."""

import numpy as np
import pytest

import spectra
from spectra.errors import InputError
from spectra.plots.noised import animate_noised, noised_at, plot_noised
from tests.plots.legible import LAYOUTS, assert_legible
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0), (1, 8, 12))
EXAMPLE = 0.5 * np.random.default_rng(1).standard_normal((1, 8, 12))


def made(basis: str, strength: float, ordering: str = "variance") -> spectra.Schedule:
    return spectra.derive_schedule(
        SPECTRUM, basis=basis, ordering=ordering, ordering_strength=strength
    )


FAMILY = {
    "equal SNR in the DCT": made("dct", 0.0),
    "standard diffusion": made("dct", 1.0),
    "pixels, by columns": made("pixel", 8.0, "columns"),
    "flow": spectra.standard_schedule(SPECTRUM),
    "blurring": spectra.preset("blurring", SPECTRUM),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_legible(layout) -> None:
    figure = plot_noised(EXAMPLE, FAMILY, layout=layout)
    words = " ".join(text for text, _ in assert_legible(figure))
    for word in ("50% left", "10% left", "noised example", "best linear estimate"):
        assert word in words
    assert len(figure.axes) == len(FAMILY) * (6 if layout == "wide" else 4)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_moving_it_says_when_and_how_much_is_left(layout) -> None:
    two = {name: FAMILY[name] for name in ("standard diffusion", "pixels, by columns")}
    moving = animate_noised(EXAMPLE, two, frames=5, layout=layout)
    figure = moving._fig  # pyright: ignore
    seen = []
    for frame in (1, 4):
        moving._draw_frame(frame)  # pyright: ignore
        assert_legible(figure, f"frame {frame}")
        seen.append(figure.axes[0].get_title(loc="left"))
    assert seen[0].endswith("56% left")
    assert seen[1] == "standard diffusion\nt = 1.00, 0% left"


def test_colour_and_a_single_share_are_drawn() -> None:
    spectrum = known_spectrum(power_law(2.0), (3, 8, 8))
    schedule = spectra.derive_schedule(spectrum, basis="dct")
    x = np.zeros((3, 8, 8))
    assert len(plot_noised(x, {"one": schedule}, shares=(0.3,)).axes) == 2


def test_with_nearly_all_left_it_is_the_example() -> None:
    for schedule in FAMILY.values():
        noised, estimate = noised_at(EXAMPLE, schedule, 0.9999)
        np.testing.assert_allclose(estimate, EXAMPLE, atol=0.05)
        assert noised.shape == EXAMPLE.shape


def test_columns_are_lost_from_the_right() -> None:
    _, estimate = noised_at(EXAMPLE, made("pixel", 60.0, "columns"), 0.5)
    np.testing.assert_allclose(estimate[..., :3], EXAMPLE[..., :3], atol=0.1)
    np.testing.assert_allclose(estimate[..., -3:], SPECTRUM.mean[..., -3:], atol=0.1)


def test_the_estimate_is_the_best_linear_one() -> None:
    """Over many examples of the spectrum its error is what is said to be unknown."""
    schedule = made("dct", 1.0)
    rng = np.random.default_rng(2)
    basis, errors = schedule.make_basis(), []
    for k in range(60):
        z = rng.standard_normal(schedule.shape) * np.sqrt(schedule.variance)
        x = basis.inverse(z) + schedule.mean
        _, estimate = noised_at(x, schedule, 0.3, seed=k)
        errors.append(((estimate - x) ** 2).sum())
    t = np.linspace(0, 1, 4001)
    left = schedule.information(t)
    at = np.interp(-(left[-1] + 0.3 * (left[0] - left[-1])), -left, t)[None]
    expected = (schedule.variance / (1 + np.exp(schedule.log_snr(at)[0]))).sum()
    assert np.mean(errors) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: plot_noised(EXAMPLE, {}), "none given"),
        (lambda: plot_noised(EXAMPLE, FAMILY, shares=()), "between 0 and 1"),
        (lambda: plot_noised(EXAMPLE, FAMILY, shares=(1.0,)), "between 0 and 1"),
        (lambda: plot_noised(EXAMPLE[0], FAMILY), "a picture"),
        (lambda: animate_noised(EXAMPLE[0, 0], FAMILY), "a picture"),
        (lambda: plot_noised(EXAMPLE * np.nan, FAMILY), "finite"),
        (lambda: animate_noised(EXAMPLE, {}), "from 1 to 5"),
        (lambda: animate_noised(EXAMPLE, FAMILY, frames=1), "frames 1"),
        (lambda: animate_noised(EXAMPLE[:, :4], FAMILY), "example of shape"),
    ],
)
def test_bad_input_is_named(call, word: str) -> None:
    with pytest.raises(InputError, match=word):
        call()
