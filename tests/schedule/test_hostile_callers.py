"""Python callers with tensors, lists, numbers of other kinds, and things that are none."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import spectra
from spectra.errors import InputError
from spectra.schedule.steps.gaussian import predict_sigmas
from spectra.schedule.steps.grids import optimal_sigmas
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.0))
SCHEDULE = spectra.derive_schedule(SPECTRUM)
T = np.linspace(0, 1, 6)
METHODS = (
    *("log_snr", "alpha", "sigma", "log_ratio", "log_snr_slope"),
    *("f_max", "information", "pace_at"),
)


@pytest.mark.parametrize("method", METHODS)
def test_times_of_any_kind(method: str) -> None:
    function = getattr(SCHEDULE, method)
    wanted = function(T)
    same = (T.tolist(), tuple(T), torch.from_numpy(T), torch.tensor(T, requires_grad=True))
    for times in (*same, T[::-1][::-1]):
        np.testing.assert_array_equal(function(times), wanted)
    single = function(torch.tensor(T, dtype=torch.float32))
    np.testing.assert_allclose(single, function(T.astype(np.float32)))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("t", [-0.1, 1.1, float("nan"), "x", 1j, np.zeros((2, 2)), None], ids=repr)
def test_times_that_are_none(method: str, t: Any) -> None:
    with pytest.raises(InputError, match="t"):
        getattr(SCHEDULE, method)(t)


@pytest.mark.parametrize("n", [-1, 2.5, "x", None, True])
def test_a_number_of_times_that_is_none(n: Any) -> None:
    with pytest.raises(InputError, match="n "):
        SCHEDULE.sample_times(n, torch.Generator())


@pytest.mark.parametrize(
    "generator", [np.random.default_rng(0), 0, "cpu"], ids=["numpy", "0", "cpu"]
)
def test_a_generator_that_is_not_torchs(generator: Any) -> None:
    with pytest.raises(InputError, match="Generator is needed, or None") as caught:
        SCHEDULE.sample_times(4, generator)
    assert "\n" not in str(caught.value)


def test_without_a_generator_torchs_own_draws() -> None:
    torch.manual_seed(3)
    first = SCHEDULE.sample_times(4, None)
    torch.manual_seed(3)
    assert torch.equal(first, SCHEDULE.sample_times(4, None))


@pytest.mark.parametrize(
    "given",
    [
        {"penalty": "x"},
        {"penalty": [1]},
        {"penalty": lambda a: "x"},
        {"penalty": lambda a: float("nan")},
        {"penalty": lambda a: -1},
        {"pace": np.array([0.0, 1.0])},
        {"pace": lambda t: "x"},
        {"pace": lambda t: 1 - t},
        {"pace": lambda t: t * np.nan},
        {"ordering": None},
        {"ordering": 3},
        {"ordering": np.zeros((1, 16, 16), complex)},
        {"ordering": np.array([["a"]])},
        {"basis": None},
        {"basis": ["dct"]},
        {"threshold": "1"},
        {"threshold": True},
        {"prior": torch.ones(1, 16, 16)},
        {"information_left": "x"},
        {"g_noise": "x"},
        {"form": []},
    ],
)
def test_choices_of_another_kind_are_refused_in_one_line(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(given))) as refusal:
        spectra.derive_schedule(SPECTRUM, **given)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("what", [None, "spectrum.safetensors", 3, np.ones(3), SCHEDULE], ids=type)
def test_a_spectrum_is_needed(what: Any) -> None:
    with pytest.raises(InputError, match="spectrum"):
        spectra.derive_schedule(what)


@pytest.mark.parametrize("number", [1, np.float32(1), np.float64(1), np.int64(1)], ids=type)
def test_numbers_of_any_kind(number: Any) -> None:
    made = spectra.derive_schedule(SPECTRUM, ordering_strength=1.0, threshold=number)
    np.testing.assert_array_equal(made.offset, SCHEDULE.offset)
    charged = spectra.derive_schedule(SPECTRUM, penalty=number)
    assert charged.explanation == spectra.derive_schedule(SPECTRUM, penalty=1.0).explanation


def test_tables_of_other_precision_order_and_direction(tmp_path: Path) -> None:
    single = replace(
        SPECTRUM,
        variances={k: v.astype(np.float32) for k, v in SPECTRUM.variances.items()},
        mean=SPECTRUM.mean.astype(np.float32),
        quantum=np.float32(1 / 255),
    )
    turned = replace(
        SPECTRUM,
        variances={k: np.asfortranarray(v) for k, v in SPECTRUM.variances.items()},
        mean=np.flip(np.flip(SPECTRUM.mean).copy()),
    )
    spectra.derive_schedule(single).save(tmp_path / "single")
    again = spectra.load_schedule(tmp_path / "single")
    whole = replace(SPECTRUM, quantum=1 / 255)
    np.testing.assert_allclose(
        again.log_snr(T), spectra.derive_schedule(whole).log_snr(T), atol=1e-3
    )
    spectra.derive_schedule(turned).save(tmp_path / "turned")
    again = spectra.load_schedule(tmp_path / "turned")
    np.testing.assert_array_equal(again.log_snr(T), SCHEDULE.log_snr(T))
    np.testing.assert_array_equal(again.mean, SCHEDULE.mean)


BAD = (0, -1, float("nan"), float("inf"))


@pytest.mark.parametrize("bad", BAD)
def test_noise_levels_and_variances_that_are_none(bad: float) -> None:
    ends: dict[str, Any] = {"sigma_max": 10.0, "sigma_min": 0.1}
    for variance, sigmas in (([1.0, bad], [3.0, 1.0]), ([1.0], [3.0, bad]), ([], [3.0])):
        with pytest.raises(InputError):
            predict_sigmas(np.array(variance), np.array(sigmas))
    with pytest.raises(InputError):
        optimal_sigmas(np.array([1.0, bad]), 3, **ends)
    for name in ends:
        with pytest.raises(InputError, match="sigma"):
            optimal_sigmas(np.array([1.0]), 3, **{**ends, name: bad})
    with pytest.raises(InputError, match="count"):
        optimal_sigmas(np.array([1.0, 2.0]), 3, count=np.array([1.0]), **ends)


def test_tensors_and_lists_of_variances() -> None:
    ends: dict[str, Any] = {"sigma_max": torch.tensor(10.0), "sigma_min": 0.5}
    wanted = optimal_sigmas(np.array([1.0, 2.0]), 3, sigma_max=10.0, sigma_min=0.5)
    found: Any = [torch.tensor([1.0, 2.0]), [1, 2], np.array([1, 2], np.float32)]
    for variance in found:
        np.testing.assert_array_equal(optimal_sigmas(variance, 3, **ends), wanted)
