"""Ways to train: another network, in parts, with classes; and what the log tells."""

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from spectra.data import Source, open_source
from spectra.diffusion import custom_network, load_run, measure_denoiser, train
from spectra.errors import InputError
from spectra.evaluation import evaluate
from spectra.schedule import Schedule, derive_schedule
from spectra.spectrum import analyze
from tests.diffusion.brought import Brought
from tests.diffusion.conftest import rough_images
from tests.diffusion.test_train_refusals import refused

Options = dict[str, Any]


def test_a_module_brought_along_is_trained_sampled_and_opened_again(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    module = Brought()
    before = module.kernel.weight.clone()
    options = {**tiny_options, "network": module}
    run = train(tiny_source, tiny_schedule, out=tmp_path, **options)
    assert torch.equal(module.kernel.weight, before)  # a copy was trained
    z, t = torch.randn(3, 1, 8, 8), torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    made = run.denoiser()(z, t)
    again = load_run(tmp_path, Brought()).denoiser()(z, t)
    assert torch.equal(made, again)
    with pytest.raises(InputError, match="give it again"):
        load_run(tmp_path).denoiser()


def test_parts_of_a_batch_make_the_step_of_the_whole(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    options = {**tiny_options, "batch": 7, "precision": "float32", "log_every": 1}
    whole, parts = (
        train(tiny_source, tiny_schedule, out=tmp_path / str(n), accumulate=n, **options)
        for n in (1, 3)
    )
    for one, other in zip(whole.log, parts.log, strict=True):
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-6)
        assert one["grad_norm"] == pytest.approx(other["grad_norm"], rel=1e-4)


def test_what_a_network_draws_by_itself_differs_from_seed_to_seed(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    drawn: list[float] = []

    class Drawing(Brought):
        def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            if x.device.type == "cpu":  # not where its products are counted
                drawn.append(torch.rand(()).item())
            return super().forward(x, t)

    for seed in (0, 1, 0):
        options = {**tiny_options, "network": Drawing(), "steps": 3, "seed": seed}
        train(tiny_source, tiny_schedule, out=tmp_path / str(len(drawn)), **options)
    assert drawn[:3] == drawn[6:]
    assert len(set(drawn)) == 6


def test_the_log_tells_speed_and_time_left(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    log = train(tiny_source, tiny_schedule, out=tmp_path, **tiny_options).log
    flops = {round(r["flops_per_second"] / r["images_per_second"], -3) for r in log}
    assert max(flops) < 1.01 * min(flops)  # of an image, always the same
    for record in log:
        assert 0 < record["utilisation"] < 1
        assert 10**7 < record["memory"] < 10**11
    left = [record["seconds_left"] for record in log]
    assert left[-1] == 0
    assert left[0] >= 0


def test_a_network_that_cannot_be_counted_trains_all_the_same(
    tmp_path: Path, tiny_source: Source, tiny_schedule: Schedule, tiny_options: Options
) -> None:
    class Odd(Brought):
        def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
            return super().forward(x, t) * float(x.abs().max())  # which no hollow tensor has

    run = train(tiny_source, tiny_schedule, out=tmp_path, **{**tiny_options, "network": Odd()})
    assert "flops_per_second" not in run.log[-1]
    assert run.log[-1]["images_per_second"] > 0


def test_tensorboard(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {**tiny_options, "tensorboard": True}
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    message = refused(source=tiny_source, schedule=tiny_schedule, out=tmp_path / "run", **options)
    assert "pip install tensorboard" in message
    assert not (tmp_path / "run").exists()

    written: list[tuple[str, float, int]] = []

    class SummaryWriter:
        def __init__(self, path: Path) -> None:
            assert path == tmp_path / "run" / "tensorboard"

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def flush(self) -> None:
            pass

    fake = types.SimpleNamespace(SummaryWriter=SummaryWriter)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    run = train(tiny_source, tiny_schedule, out=tmp_path / "run", **options)
    assert [(v, s) for name, v, s in written if name == "loss"] == [
        (record["loss"], record["step"]) for record in run.log
    ]


@pytest.fixture
def in_classes(tmp_path: Path) -> Source:
    """Images in the folders even and odd."""
    for number, image in enumerate(rough_images()[:, 0]):
        folder = tmp_path / "data" / ("odd" if number % 2 else "even")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number}.png")
    return open_source(tmp_path / "data")


class Named(torch.nn.Module):
    """f(x, t, y), which is told a class in every call."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = torch.nn.Conv2d(1, 1, 3, padding=1)
        self.shift = torch.nn.Embedding(3, 1)

    def forward(self, x: torch.Tensor, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return self.kernel(x) + self.shift(y)[:, :, None, None] * t[:, None, None, None]


def test_a_module_of_classes_is_told_none_where_none_is_given(
    tmp_path: Path, in_classes: Source, tiny_options: Options
) -> None:
    network = custom_network(Named, labels="y")
    options = {**tiny_options, "network": network, "labels": True}
    schedule = derive_schedule(analyze(in_classes))
    train(in_classes, schedule, out=tmp_path / "run", **options)
    run = load_run(tmp_path / "run", network=network)
    denoiser = run.denoiser()
    z, t = torch.ones(3, 1, 8, 8), torch.full((3,), 0.5)
    assert torch.equal(denoiser(z, t), denoiser(z, t, torch.tensor([2, 2, 2])))
    scores = evaluate(run, in_classes, n=2, steps=1, examples=4, levels=1, scores="none")
    assert np.isfinite(scores.bound.value)
    assert np.isfinite(measure_denoiser(run, in_classes, n=4, sigmas=np.array([0.5])).error).all()


def test_classes_are_the_folders_of_the_files(
    tmp_path: Path, in_classes: Source, tiny_options: Options
) -> None:
    source = in_classes
    schedule = derive_schedule(analyze(source))
    run = train(source, schedule, out=tmp_path / "run", labels=True, **tiny_options)
    assert run.config["classes"] == ["even", "odd"]
    assert np.isfinite([record["loss"] for record in run.log]).all()
    denoiser = load_run(tmp_path / "run").denoiser()
    z, t = torch.ones(3, 1, 8, 8), torch.full((3,), 0.5)
    told = denoiser(z, t, torch.tensor([0, 1, 2]))
    assert not torch.equal(told[0], told[1])
    with pytest.raises(InputError, match="a run with labels True, not False"):
        train(source, schedule, out=tmp_path / "run", **tiny_options)
