"""Which spectra add: those of other files, seen and measured in the same way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import spectra
from spectra import InputError, Spectrum


def noise(seed: int, n: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, 1, 16, 16))


def measured(seed: int, **view: Any) -> Spectrum:
    return spectra.analyze(spectra.open_source(noise(seed), **view), bases=("pixel",))


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two of colour pictures."""
    rng = np.random.default_rng(0)
    made = [tmp_path / "first", tmp_path / "second"]
    for folder in made:
        folder.mkdir()
        for number in range(4):
            pixels = rng.integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return made


def test_a_part_of_a_sum_is_not_added_again() -> None:
    a, b, c = (measured(seed) for seed in range(3))
    assert (a + b + c).n == 18
    for sum_of_parts, other in ((a + b, a), (a, b + a), (a + b, b + a), (a + b, c + b)):
        with pytest.raises(InputError, match="same files"):
            sum_of_parts + other


def test_a_merged_spectrum_read_back_remembers_its_parts(tmp_path: Path) -> None:
    a, b = measured(0), measured(1)
    (a + b).save(tmp_path / "ab.safetensors")
    with pytest.raises(InputError, match="same files"):
        spectra.load_spectrum(tmp_path / "ab.safetensors") + b


def test_another_view_of_files_does_not_add(folders: list[Path]) -> None:
    def of(folder: Path, channels: str) -> Spectrum:
        return spectra.analyze(spectra.open_source(folder, channels=channels), bases=())

    assert (of(folders[0], "red") + of(folders[1], "red")).n == 8
    for channels in ("green", "grey"):
        with pytest.raises(InputError, match="channels"):
            of(folders[0], "red") + of(folders[1], channels)


def test_other_units_do_not_add() -> None:
    with pytest.raises(InputError, match="value_range"):
        measured(0, value_range=(-10, 10)) + measured(1, value_range=(-100, 100))
    with pytest.raises(InputError, match="spacing"):
        measured(0, spacing=2.0) + measured(1)


def test_what_is_no_spectrum_does_not_add() -> None:
    with pytest.raises(TypeError):
        measured(0) + 1  # pyright: ignore[reportOperatorIssue]
