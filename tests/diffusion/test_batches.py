"""Batches: drawn ahead, held on a device or read from files, they are the same to the bit."""

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from spectra.data import Source, open_source
from spectra.diffusion.batches import (
    Batches,
    HeldExamples,
    class_names,
    prefetched,
)
from spectra.diffusion.device_draws import device_draws
from spectra.diffusion.randomness import training_draws
from spectra.errors import InputError
from tests.diffusion.conftest import rough_images

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def class_folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images of three classes, each of its own grey, and one file that is damaged."""
    folder = tmp_path_factory.mktemp("classes")
    for k, name in enumerate(["dark", "grey", "light"]):
        (folder / "train" / name).mkdir(parents=True)
        for number in range(4):
            pixels = np.full((8, 8), 40 + 80 * k + number, np.uint8)
            Image.fromarray(pixels).save(folder / "train" / name / f"{number}.png")
    bad = folder / "train" / "grey" / "1.png"
    bad.write_bytes(bad.read_bytes()[:45])
    return folder


def batches(source: Source, **options: object) -> Batches:
    named = {"seed": 3, "batch": 6, "indices": np.arange(6), "device": CPU, **options}
    return Batches(source, **named)  # pyright: ignore[reportArgumentType]


def test_a_batch_is_what_source_and_seed_say(tiny_source: Source) -> None:
    for step, batch in zip((4, 5), batches(tiny_source).over(range(4, 6)), strict=True):
        draws = training_draws(3, step, range(6), 6, tiny_source.shape)
        x = torch.from_numpy(tiny_source.draw(3, step, range(6)))
        assert torch.equal(batch.x, x + tiny_source.quantum * draws.rounding)
        assert torch.equal(batch.draws.noise, draws.noise)
        assert batch.label is None


def test_parts_of_processes_make_the_whole(tiny_source: Source) -> None:
    (whole,) = batches(tiny_source).over(range(1))
    for indices in ([0, 1, 2, 3], [4, 5]):
        (part,) = batches(tiny_source, indices=np.array(indices)).over(range(1))
        mine = whole.part(indices[0], indices[-1] + 1)
        assert torch.equal(part.x, mine.x)
        assert torch.equal(part.draws.choice, mine.draws.choice)


@pytest.mark.parametrize("on_gpu", [False, True])
def test_half_of_the_examples_are_mirrored_where_that_is_asked(
    tiny_source: Source, monkeypatch: pytest.MonkeyPatch, on_gpu: bool
) -> None:
    """The same ones whatever the process; rounding noise is drawn for what is seen."""
    monkeypatch.setattr(Batches, "_sendable", lambda self, tensor: tensor)
    count = 400

    def drawn(numbers: range, flip: bool) -> torch.Tensor:
        indices = np.array(numbers)
        made = batches(tiny_source, batch=count, indices=indices, random_flip=flip)
        made.on_gpu = on_gpu
        (batch,) = made.over(range(7, 8))
        return batch.x - tiny_source.quantum * batch.draws.rounding

    plain, found = drawn(range(count), False), drawn(range(count), True)
    flipped = (found - plain.flip(-1)).abs().amax(dim=(1, 2, 3)) < 1e-6
    kept = (found - plain).abs().amax(dim=(1, 2, 3)) < 1e-6
    assert (flipped | kept).all()
    assert 0.4 < flipped.float().mean() < 0.6
    assert torch.equal(drawn(range(100, 140), True), found[100:140])


def test_as_on_a_gpu_only_the_noise_is_another(
    tiny_source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = batches(tiny_source, indices=np.array([1, 4]))
    there.on_gpu, there.held = True, HeldExamples.of(tiny_source, "cpu", 10**6)
    monkeypatch.setattr(there, "_sendable", lambda tensor: tensor)
    for step, batch in zip((4, 5), there.over(range(4, 6)), strict=True):
        draws = device_draws(3, step, [1, 4], 6, tiny_source.shape, "cpu")
        x = torch.from_numpy(tiny_source.draw(3, step, [1, 4]))
        assert torch.equal(batch.x, x + tiny_source.quantum * draws.rounding)
        assert torch.equal(batch.draws.noise, draws.noise)
        assert torch.allclose(
            batch.draws.quantile, training_draws(3, step, [1, 4], 6, (1,)).quantile
        )


@pytest.mark.parametrize("channels", [1, 3])
def test_held_examples_are_those_drawn(channels: int) -> None:
    # Every level there is.
    levels = np.arange(12 * channels * 64).reshape(12, channels, 8, 8) % 256
    source = open_source(levels.astype(np.uint8)).split(0.25)[0]
    held = HeldExamples.of(source, "cpu", 10**6)
    assert held is not None
    assert held.values.dtype is torch.uint8
    drawn = held.examples(held.numbers(5, 2, range(3, 20))).numpy()
    assert drawn.tobytes() == source.draw(5, 2, range(3, 20)).tobytes()
    assert HeldExamples.of(source, "cpu", 100) is None  # no room


def test_what_is_no_whole_byte_is_not_held(class_folders: Path) -> None:
    images = rough_images()
    for source in (
        open_source(images.astype(np.float32) / 128 - 1),
        open_source(images.astype(np.uint16)),
        open_source(images, value_range=(0, 300)),
        open_source(images, crop="patches", size=4),
        open_source(class_folders),  # with a damaged file
    ):
        assert HeldExamples.of(source, "cpu", 10**9) is None


def test_image_files_are_held(class_folders: Path) -> None:
    source = open_source(class_folders)
    list(source.batches())
    whole = np.flatnonzero(source.readable(range(len(source))))
    assert len(whole) == 11
    dark = open_source(class_folders / "train" / "dark")
    held = HeldExamples.of(dark, "cpu", 10**6)
    assert held is not None
    numbers = held.numbers(0, 0, range(9))
    assert held.examples(numbers).numpy().tobytes() == dark.draw(0, 0, range(9)).tobytes()


@pytest.mark.parametrize("view", [{}, {"crop": "patches", "size": 4}])
def test_labels_are_the_folders_of_what_was_drawn(class_folders: Path, view: dict) -> None:
    source = open_source(class_folders, **view)
    names = class_names(source)
    assert names == ["dark", "grey", "light"]
    count = 200
    drawer = batches(source, batch=count, indices=np.arange(count), classes=names)
    (batch,) = drawer.over(range(1))
    shown = (batch.x.mean((1, 2, 3)) + 1) * 127.5
    true = ((shown - 40) / 80).round().long().clamp(0, 2)
    assert batch.label is not None
    left_out = batch.label == 3
    assert torch.equal(batch.label[~left_out], true[~left_out])
    assert 0.03 < left_out.float().mean() < 0.2
    assert source.damage  # one was drawn, and drawn again
    _, units = source.draw_with_units(3, 0, range(count))
    assert not {source.files[unit] for unit in units} & set(source.damage)
    assert torch.equal(torch.from_numpy(units) // 4, true)


def test_the_training_part_has_the_labels_of_the_whole(class_folders: Path) -> None:
    source = open_source(class_folders)
    part = source.split(0.5)[0]
    (batch,) = batches(part, classes=class_names(source)).over(range(1))
    assert batch.label is not None
    assert batch.label.max() <= 3


def test_held_examples_have_the_labels_of_those_drawn(
    class_folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = shutil.ignore_patterns("1.png")
    shutil.copytree(class_folders / "train", tmp_path / "whole", ignore=damaged)
    source = open_source(tmp_path / "whole").split(0.3)[0]
    options = {"indices": np.array([1, 4, 5]), "classes": class_names(source)}
    there = batches(source, **options)
    there.held = HeldExamples.of(source, "cpu", 10**6)
    assert there.held is not None
    monkeypatch.setattr(type(source.store), "windows", None)  # nothing is read again
    held = list(there.over(range(4, 8)))
    monkeypatch.undo()
    for one, drawn in zip(held, batches(source, **options).over(range(4, 8)), strict=True):
        assert one.label is not None
        assert drawn.label is not None
        assert torch.equal(one.label, drawn.label)
        assert torch.equal(one.x, drawn.x)


@pytest.mark.parametrize("kind", ["array", "flat"])
def test_without_folders_there_are_no_classes(
    tiny_source: Source, class_folders: Path, kind: str
) -> None:
    source = tiny_source if kind == "array" else open_source(class_folders / "train" / "dark")
    with pytest.raises(InputError, match="has no classes") as caught:
        class_names(source)
    assert "\n" not in str(caught.value)


def test_prefetching_keeps_the_order_tells_errors_and_ends() -> None:
    begun: list[int] = []

    def prepare(step: int) -> int:
        begun.append(step)
        if step == 7:
            raise InputError("file 7 is damaged")
        return 10 * step

    before = threading.active_count()
    assert list(prefetched(prepare, range(2, 6))) == [20, 30, 40, 50]
    assert list(prefetched(prepare, range(0))) == []
    taken = prefetched(prepare, range(100, 200))
    assert next(taken) == 1000
    taken.close()
    assert max(begun) < 110
    with pytest.raises(InputError, match="file 7"):
        list(prefetched(prepare, range(5, 10)))
    assert threading.active_count() == before
