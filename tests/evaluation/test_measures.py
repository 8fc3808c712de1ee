"""Scores asked for by name: with floors, of series as of images, and told why where they cannot."""

import json
from typing import Any

import numpy as np
import pytest

import spectra
from spectra.data import Source
from spectra.errors import InputError
from spectra.evaluation.examples import real_data
from spectra.evaluation.measures import CHEAP, NAMES, chosen_names, measure
from tests.repeats import then_slow

QUICK = ("wasserstein", "patches", "classifier", "pca")


def white(n: int, shape: tuple[int, ...], seed: int = 0) -> Source:
    values = np.random.default_rng(seed).standard_normal((n, *shape)).astype(np.float32) / 4
    return spectra.open_source(values)


@pytest.mark.parametrize("shape", then_slow([(1, 16, 16)], [((3, 8, 12),)]))
def test_samples_like_data_lie_within_the_floor_and_others_do_not(shape: tuple[int, ...]) -> None:
    source = white(300, shape)
    real = real_data(source, 90, 200)
    like = white(90, shape, 1).examples(range(90))
    found, left_out = measure(QUICK, like, real, None)
    assert not left_out
    assert not any(score.apart for score in found)
    louder, _ = measure(QUICK, 1.4 * like, real, None)
    assert all(score.apart for score in louder if not score.name.startswith("kernel"))
    assert [score.name for score in louder] == [score.name for score in found]
    for score in found:
        assert (score.n, score.against) == (90, len(real.reference))
        json.dumps(score.to_dict(), allow_nan=False)
        assert max(map(len, score.lines())) < 100


def test_halves_share_no_file() -> None:
    source = spectra.open_source("photos", size=32)
    real = real_data(source, 64, 256)
    assert real.by_file
    left, right = source.split(0.5)
    assert not set(left.files) & set(right.files)
    assert (len(real.held), len(real.reference)) <= (64, 256)
    assert len(np.unique(real.held_files)) == len(left.files)


def test_a_single_file_is_halved_by_example() -> None:
    photo, _ = spectra.open_source("photos", size=32).split(0.99)
    assert len(photo.files) == 1
    real = real_data(photo, 8, 30)
    assert not real.by_file
    assert len(np.unique(real.held_files)) == len(real.held) == 8
    assert not (real.held[:, None] == real.reference[None]).all(axis=(2, 3, 4)).any()
    one, _ = white(20, (1, 8, 8)).split(0.95)
    with pytest.raises(InputError, match="one example"):
        real_data(one, 4, 4)


def test_names_stand_for_several_and_wrong_ones_are_refused() -> None:
    assert chosen_names("all") == NAMES
    assert chosen_names(("pca", "cheap")) == ("pca", *CHEAP[:-1])
    assert chosen_names("none") == ()
    with pytest.raises(InputError, match="wasserstein"):
        chosen_names("fid")
    with pytest.raises(InputError, match="scores none: stands alone"):
        chosen_names(("pca", "none"))


def test_what_cannot_be_taken_is_told_or_raised() -> None:
    source = white(12, (2, 8, 8))
    real = real_data(source, 6, 6)
    drawn = white(6, (2, 8, 8), 1).examples(range(6))
    names = ("pca", "nearest", "efficientnet-lite0")
    found, left_out = measure(names, drawn, real, None, required=("pca",))
    assert [score.name for score in found] == ["Frechet, pca", "kernel, pca"]
    assert set(left_out) == {"nearest", "efficientnet-lite0"}
    with pytest.raises(InputError, match="held out"):
        measure(names, drawn, real, None)
    with pytest.raises(InputError, match="features mine"):
        measure((), drawn, real, None, features={"mine": lambda x: x})


def test_copies_of_the_training_files_are_named() -> None:
    source = white(60, (1, 8, 8))
    trained = source.split(0.4)
    samples = white(8, (1, 8, 8), 1).examples(range(8))
    samples[3] = trained[0].examples([7])[0]
    (score,), _ = measure(("nearest",), samples, real_data(source, 8, 30), trained)
    assert score.details["copies"] == [3]
    assert score.details["originals"] == [trained[0].files[7]]
    assert "1 of 8" in score.lines()[-1]


def test_copies_of_mirror_images_are_named_where_they_were_trained_on() -> None:
    source = white(60, (1, 8, 8))
    trained = source.split(0.4)
    samples = white(8, (1, 8, 8), 1).examples(range(8))
    samples[3] = trained[0].examples([7])[0, ..., ::-1]
    real = real_data(source, 8, 30)
    (unseen,), _ = measure(("nearest",), samples, real, trained)
    assert unseen.details["copies"] == []
    assert unseen.against == len(trained[0])
    (score,), _ = measure(("nearest",), samples, real, trained, mirrored=True)
    assert score.details["copies"] == [3]
    assert score.against == 2 * len(trained[0])
    verdict = score.lines()[-1]
    assert "1 of 8 samples are copies of training examples and their mirror images" in verdict
    assert score.details["originals"] == [trained[0].files[7]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Any:
    """Runs of no steps on images and on series, with their sources."""

    def run(name: str, values: np.ndarray, view: str = "pixels") -> tuple[spectra.Run, Source]:
        source = spectra.open_source(values, view=view)
        schedule = spectra.derive_schedule(spectra.analyze(source))
        out = tmp_path_factory.mktemp("runs") / name
        options: dict[str, Any] = {"steps": 0, "held_out": 0.3, "device": "cpu"}
        return spectra.train(source, schedule, out=out, **options), source

    return run


SMALL: dict[str, Any] = {"n": 12, "steps": 2, "examples": 6, "levels": 1, "device": "cpu"}


@pytest.mark.slow
def test_every_score_of_a_run_is_in_its_record(trained) -> None:
    run, source = trained("images", np.random.default_rng(0).random((60, 1, 8, 8)) - 0.5)
    scores = spectra.evaluate(
        run,
        source,
        scores=(*QUICK, "nearest"),
        features={"moments": lambda x: np.stack([x.mean((1, 2, 3)), x.std((1, 2, 3))], 1)},
        likelihood="both",
        ode_examples=3,
        ode_steps=4,
        **SMALL,
    )
    numbers = json.loads(json.dumps(scores.to_dict(), allow_nan=False))
    assert "nearer to training data" in numbers["scores"]
    assert numbers["scores"]["Frechet, moments"]["floor"]["value"] >= 0
    assert numbers["octaves"][0]["highest"] == 0.5
    assert numbers["spectral_distance_of_data"]["value"] >= 0
    assert numbers["ode"]["examples"] == 3
    assert numbers["ode"]["interval"][0] <= numbers["ode"]["bits_per_dim"]
    text = "\n".join(scores.lines())
    for said in ("sliced Wasserstein", "of real data", "AUC", "of the flow", "no copy"):
        assert said in text
    plain = spectra.evaluate(run, source, scores="none", **SMALL)
    assert (plain.measures, plain.ode, plain.spectral_floor) == ((), None, None)
    assert plain.spectral.value == scores.spectral.value
    with pytest.raises(InputError, match="likelihood"):
        spectra.evaluate(run, source, likelihood="flow", **SMALL)  # pyright: ignore


def test_series_have_every_score_that_needs_no_image(trained) -> None:
    run, source = trained(
        "series", np.random.default_rng(0).standard_normal((60, 64)) / 4, "series"
    )
    assert len(source.shape) == 2
    scores = spectra.evaluate(run, source, scores=QUICK, **SMALL)
    assert len(scores.measures) == 5
    assert scores.samples.shape == (12, *source.shape)
