"""Runs that were trained with classes are scored as they were trained: told them."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import spectra
from spectra.evaluation.bound import score_bound, score_ode
from spectra.evaluation.classes import classes_of, spread_classes, told
from tests.diffusion.conftest import rough_images

Made = Callable[[list[float]], spectra.Run]


class Named(torch.nn.Module):
    """f(x, t, y), which says no more than a number for each class, and for none."""

    def __init__(self, numbers: list[float]) -> None:
        super().__init__()
        self.numbers = torch.nn.Parameter(torch.tensor(numbers))

    def forward(self, x: torch.Tensor, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return 0 * x + self.numbers[y][:, None, None, None]


def in_folders(path: Path, *names: str) -> spectra.Source:
    """Image k in the folder of names[k mod their number]."""
    for number, image in enumerate(rough_images()[:, 0]):
        file = path / names[number % len(names)] / f"{number:02d}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    return spectra.open_source(path)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> spectra.Source:
    """Two classes, one of them three times as frequent."""
    return in_folders(tmp_path_factory.mktemp("classes"), "b", "b", "a", "b")


@pytest.fixture
def made(tmp_path: Path, source: spectra.Source) -> Made:
    """A run of no steps whose network says these numbers."""
    schedule = spectra.derive_schedule(spectra.analyze(source))
    options: dict[str, Any] = {"steps": 0, "labels": True, "held_out": 0.0, "device": "cpu"}

    def run(numbers: list[float]) -> spectra.Run:
        network = spectra.custom_network(Named(numbers), labels="y")
        out = tmp_path / f"run{numbers}"
        return spectra.train(source, schedule, out=out, network=network, **options)

    return run


def test_each_example_is_told_its_own_class(made: Made, source: spectra.Source) -> None:
    run = made([1.0, -1.0, 0.0])
    own = classes_of(run, source, np.arange(len(source)))
    assert own is not None
    assert own.tolist() == ["/b/" in f"/{source.files[k]}" for k in source.file_index]
    denoiser = run.denoiser()
    z, t = torch.randn(6, *source.shape), torch.full((6,), 0.5)
    label = torch.tensor([0, 1, 1])
    both = torch.cat([label, label])
    assert torch.equal(told(denoiser, label.numpy())(z, t), denoiser(z, t, both))
    assert told(denoiser, None) is denoiser


def test_likelihoods_are_given_the_class(made: Made, tmp_path: Path) -> None:
    """What a network says of one class, another says of none."""
    known, other = in_folders(tmp_path / "1", "a"), in_folders(tmp_path / "2", "else")
    first, second = made([0.5, -1.0, 0.0]), made([7.0, 7.0, 0.5])
    for score, numbers in ((score_bound, (4, 2)), (score_ode, (4, 2, 1))):
        found, same, none = (
            score(run, data, 0, *numbers, "cpu").value
            for run, data in ((first, known), (second, other), (first, other))
        )
        assert found == same != none


def test_classes_are_drawn_as_often_as_the_data_have_them() -> None:
    classes = np.array([0, 1, 1, 1] * 5)
    drawn = spread_classes(classes, 100)
    assert drawn is not None
    assert Counter(drawn) == {0: 25, 1: 75}
    assert drawn[:7] == spread_classes(classes, 7)
    assert spread_classes(None, 7) is None


def test_an_evaluation_says_what_was_told(
    made: Made, source: spectra.Source, tmp_path: Path
) -> None:
    run = made([1.0, -1.0, 0.0])
    small: dict[str, Any] = {"n": 4, "steps": 1, "examples": 4, "levels": 1, "scores": "none"}
    for data, classes, words in (
        (source, "own", "told each example's class"),
        (in_folders(tmp_path / "other", "a", "else"), "none", "without classes"),
    ):
        scores = spectra.evaluate(run, data, **small)
        assert json.loads(json.dumps(scores.to_dict()))["classes"] == classes
        assert words in "\n".join(scores.lines())
    # One step from noise ends in what the network says of each class.
    labels = np.array(spread_classes(classes_of(run, source, np.arange(len(source))), 4))
    drawn = spectra.evaluate(run, source, **small).samples.mean((1, 2, 3))
    assert drawn[labels == 0].min() > drawn[labels == 1].max()
