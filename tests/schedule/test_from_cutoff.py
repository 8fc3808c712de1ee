"""A wished f_max(t) in, a schedule whose own f_max(t) is the wish out, to 1e-6."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.schedule.drawn import read_pairs
from tests.schedule.known import bumped, known_spectrum, power_law

T = np.linspace(0, 1, 4001)
FALLING = known_spectrum(power_law(2.0), (1, 32, 32))
BUMPED = known_spectrum(bumped, (1, 32, 32))

WISHES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "straight to zero": lambda t: 0.5 * (1 - t),
    "octaves": lambda t: 0.5 * 2.0 ** (-8 * t),
    "cosine": lambda t: 0.25 * (1 + np.cos(np.pi * t)),
    "stops half way": lambda t: np.clip(0.4 - 0.6 * t, 0.1, None),
    "waits, then falls": lambda t: np.clip(0.9 - t, 0, 0.3),
    "steep": lambda t: 0.45 / (1 + np.exp(60 * (t - 0.4))),
    "square root": lambda t: 0.5 * np.sqrt(1 - t),
}


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("name", WISHES)
def test_a_wished_function_comes_back(name: str, strength: float) -> None:
    for ordering, spectrum in (
        ("variance", FALLING),
        ("frequency", FALLING),
        ("frequency", BUMPED),
    ):
        schedule = spectra.schedule_from_cutoff(
            spectrum, WISHES[name], ordering=ordering, ordering_strength=strength
        )
        np.testing.assert_allclose(schedule.f_max(T), WISHES[name](T), atol=1e-6)


@pytest.mark.parametrize("threshold", [0.1, 10.0])
@pytest.mark.parametrize("basis", ["dct", "fourier"])
def test_in_other_bases_and_at_other_thresholds(basis: str, threshold: float) -> None:
    wish = WISHES["cosine"]
    schedule = spectra.schedule_from_cutoff(FALLING, wish, basis=basis, threshold=threshold)
    np.testing.assert_allclose(schedule.f_max(T), wish(T), atol=1e-6)
    assert schedule.threshold == threshold


@pytest.mark.parametrize(("reach", "size"), [("corners", 16), ("nyquist", 20), ("nyquist", 28)])
@pytest.mark.parametrize("ordering", ["variance", "frequency"])
def test_where_the_last_ring_lies_above_the_nyquist_frequency(
    ordering: str, reach: Any, size: int
) -> None:
    """As the mean |f| of a ring at it does at some sizes."""
    rng = np.random.default_rng(0)
    basis = spectra.make_basis("fourier", (1, size, size))
    fields = rng.standard_normal((200, 1, size, size)) * (basis.frequency + 0.02) ** -1.5
    spectrum = spectra.analyze(
        0.05 * basis.inverse(fields), window="none", bases=("dct",), reach=reach
    )
    highest = spectrum.frequency[-1]
    assert highest > 0.5
    for top in (0.5, highest):
        values = [top, 0.3, 0.05]
        schedule = spectra.schedule_from_cutoff(spectrum, values, ordering=ordering)
        expected = np.interp(T, [0, 0.5, 1], values)
        np.testing.assert_allclose(schedule.f_max(T), expected, atol=1e-6)
    with pytest.raises(InputError, match=f"{highest:.4g}"):
        spectra.schedule_from_cutoff(spectrum, [highest + 0.01, 0.1])


@pytest.mark.parametrize(
    "values",
    [
        [0.5, 0.0],
        [0.5, 0.3, 0.3, 0.1, 0.0],
        [0.4, 0.02],
        0.5 * np.linspace(1, 0, 300) ** 2,
        (0.5, 0.25, 0.125, 0.0625),
    ],
)
@pytest.mark.parametrize("ordering", ["variance", "frequency"])
def test_a_wished_array_comes_back(values: Any, ordering: str) -> None:
    schedule = spectra.schedule_from_cutoff(FALLING, values, ordering=ordering)
    expected = np.interp(T, np.linspace(0, 1, len(values)), values)
    np.testing.assert_allclose(schedule.f_max(T), expected, atol=1e-6)


PAIRS = [(0.0, 0.5), (0.2, 0.45), (0.3, 0.1), (1.0, 0.0)]


def test_a_wish_drawn_by_hand_comes_back() -> None:
    times, values = np.transpose(PAIRS)
    for given in (PAIRS, np.array(PAIRS), [list(pair) for pair in PAIRS]):
        schedule = spectra.schedule_from_cutoff(FALLING, given)
        np.testing.assert_allclose(schedule.f_max(T), np.interp(T, times, values), atol=1e-6)


@pytest.mark.parametrize("threshold", [0.3, 1.0])
@pytest.mark.parametrize("process", ["rectified-flow", "vp-cosine", "edm"])
def test_the_wish_of_a_process_at_a_threshold_comes_back(process: str, threshold: float) -> None:
    cutoff = spectra.frequency_cutoff(FALLING, process=process, threshold=threshold)
    schedule = spectra.schedule_from_cutoff(FALLING, cutoff)
    np.testing.assert_allclose(schedule.f_max(T), cutoff.f_max(T), atol=1e-6)
    assert f"{process} at SNR {threshold:g}" in schedule.explanation["pace"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", "[[0, 0.5], [0.2, 0.45], [0.3, 0.1], [1, 0]]"),
        ("a.csv", "t,f_max\n0,0.5\n0.2,0.45\n\n0.3,0.1\n1,0\n"),
        ("a.csv", "0;0.5\n0.2;0.45\n0.3;0.1\n1;0"),
        ("a.CSV", "\ufeff0,0.5\r\n0.2,0.45\r\n0.3,0.1\r\n1,0\r\n"),
    ],
)
def test_pairs_are_read_from_files(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    np.testing.assert_array_equal(read_pairs(tmp_path / name), PAIRS)


def test_values_at_even_times_are_read_from_files(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("f_max\n0.5\n0.2\n0.1\n")
    (tmp_path / "a.json").write_text("[0.5, 0.2, 0.1]")
    for name in ("a.csv", "a.json"):
        np.testing.assert_array_equal(read_pairs(tmp_path / name), [0.5, 0.2, 0.1])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("missing.csv", None),
        ("a.json", b"{"),
        ("a.json", b'{"a": 1}'),
        ("a.json", b"[[0, 1], [2]]"),
        ("a.json", b"[" * 100000),
        ("a.json", b"[[0, 1], [1, 1" + b"0" * 400 + b"]]"),
        ("a.csv", b"0,0.5\n1,low\n"),
        ("a.csv", b"0,0.5\n1\n"),
        ("a.csv", b"\xff\x00\x01"),
        ("a.csv", b""),
    ],
)
def test_files_without_pairs_are_refused(tmp_path: Path, name: str, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=name) as caught:
        spectra.schedule_from_cutoff(FALLING, read_pairs(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_on_measured_photographs() -> None:
    source = spectra.open_source("photos", size=32)
    spectrum = spectra.analyze(source)
    wish = WISHES["straight to zero"]
    schedule = spectra.schedule_from_cutoff(spectrum, wish)
    np.testing.assert_allclose(schedule.f_max(T), wish(T), atol=1e-6)


def test_the_components_drown_when_the_wish_says() -> None:
    """Component-wise: a component of frequency f crosses the threshold where f_max(t) = f."""
    schedule = spectra.schedule_from_cutoff(FALLING, WISHES["straight to zero"])
    frequency = schedule.frequency[0]
    first, last = FALLING.frequency[[0, -1]]
    inside = (frequency > first) & (frequency < last)
    t = 1 - frequency[inside] / 0.5
    at = schedule.log_snr(t).reshape(len(t), *frequency.shape)[:, inside]
    np.testing.assert_allclose(np.diagonal(at), 0, atol=0.01)


def test_it_can_be_saved_and_still_returns_the_wish(tmp_path: Any) -> None:
    wish = WISHES["octaves"]
    spectra.schedule_from_cutoff(BUMPED, wish).save(tmp_path / "x")
    again = spectra.load_schedule(tmp_path / "x")
    np.testing.assert_allclose(again.f_max(T), wish(T), atol=1e-6)


def test_an_order_that_rises_cannot_stop_there() -> None:
    with pytest.raises(InputError, match="use ordering frequency"):
        spectra.schedule_from_cutoff(BUMPED, WISHES["cosine"], ordering="variance")


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        (lambda t: 0.5 * t, "rises"),
        ([0.1, 0.2], "rises"),
        (lambda t: 0.6 - 0.1 * t, "0.5"),
        (lambda t: 0.2 - 0.4 * t, "0.5"),
        (lambda t: np.where(t > 0.5, np.nan, 0.3), "0.5"),
        ([0.3, np.nan, 0.1], "0.5"),
        ([0.3], "at least 2"),
        ([(0.0, 0.5)], "at least 2"),
        ([(0.1, 0.5), (1.0, 0.0)], "rise from 0 to 1"),
        ([(0.0, 0.5), (0.9, 0.0)], "rise from 0 to 1"),
        ([(0.0, 0.5), (0.5, 0.3), (0.5, 0.2), (1.0, 0.0)], "rise from 0 to 1"),
        ([(0.0, 0.5), (1.0,)], "give a function"),
        ("half", "give a function"),
        (np.ones((3, 3)) / 4, "at least 2"),
        (lambda t: 0.3, "constant"),
    ],
)
def test_impossible_wishes_are_refused(wish: Any, names: str) -> None:
    with pytest.raises(InputError, match="f_max") as caught:
        spectra.schedule_from_cutoff(FALLING, wish)
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ordering", ["columns", np.zeros(FALLING.shape)])
def test_an_order_of_places_has_no_f_max(ordering: Any) -> None:
    with pytest.raises(InputError, match="order of frequencies"):
        spectra.schedule_from_cutoff(FALLING, [0.5, 0.0], basis="pixel", ordering=ordering)


@pytest.mark.parametrize("strength", [0.0, -1.0, np.nan])
def test_without_an_order_there_is_no_f_max(strength: float) -> None:
    with pytest.raises(InputError, match="ordering_strength"):
        spectra.schedule_from_cutoff(FALLING, WISHES["cosine"], ordering_strength=strength)
