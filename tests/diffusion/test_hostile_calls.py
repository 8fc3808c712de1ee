"""Arguments of the wrong kind from Python: one line that names them, and nothing is trained on."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import spectra
from spectra.data import Source
from spectra.diffusion import Run, sample, train
from spectra.errors import InputError
from spectra.schedule import Schedule

Options = dict[str, Any]


@pytest.fixture(scope="module")
def pixel_run(tiny_source: Source, tiny_options: Options, tmp_path_factory: Any) -> Run:
    """A run in the pixel basis that was trained with known parts."""
    spectrum = spectra.analyze(tiny_source, bases=("pixel",))
    schedule = spectra.derive_schedule(spectrum, basis="pixel")
    out = tmp_path_factory.mktemp("pixel")
    options = {**tiny_options, "steps": 1, "known": 0.5}
    return train(tiny_source, schedule, out=out, **options)


def one_line(match: str, call: Any) -> None:
    with pytest.raises(InputError, match=match) as caught:
        call()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"n": 1.5}, r"n 1\.5: a whole number"),
        ({"batch": 0}, "batch"),
        ({"batch": 1.5}, "batch"),
        ({"seed": None}, "seed None"),
        ({"seed": 1.5}, "seed"),
        ({"device": "tpu"}, "device 'tpu' is unknown"),
        ({"grid": "x"}, "grid"),
        ({"error": 3}, "a DenoisingError is needed"),
        ({"schedule": "x"}, "a Schedule is needed"),
        ({"known": "x", "mask": np.ones((8, 8))}, "known: real numbers"),
        ({"known": [[1], [1, 2]], "mask": np.ones((8, 8))}, "known: cannot be read"),
        ({"known": np.ones((1, 8, 8)) * 1j, "mask": np.ones((8, 8))}, "known: real numbers"),
        ({"known": np.ones((1, 8, 8)), "mask": [[1], [1, 0]]}, "mask: cannot be read"),
    ],
)
def test_wrong_arguments_of_sample(pixel_run: Run, options: Options, match: str) -> None:
    one_line(match, lambda: sample(pixel_run, **{"n": 2, "steps": 1, **options}))


def test_one_known_example_with_a_mask_for_each(pixel_run: Run) -> None:
    known = torch.rand(1, 8, 8, requires_grad=True)
    masks = torch.zeros(2, 1, 8, 8, dtype=torch.bool)
    masks[0, ..., :4] = masks[1, ..., 4:] = True
    drawn = sample(pixel_run, 2, 1, known=known, mask=masks)  # pyright: ignore[reportArgumentType]
    kept = np.broadcast_to(known.detach().numpy(), drawn.shape)
    np.testing.assert_allclose(drawn[masks.numpy()], kept[masks.numpy()], atol=1e-6)
    assert np.isfinite(drawn).all()


def test_guidance_needs_a_class(tmp_path: Path, tiny_options: Options) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for k in range(4):
            picture = Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8))
            picture.save(tmp_path / "set" / name / f"{k}.png")
    source = spectra.open_source(tmp_path / "set")
    schedule = spectra.derive_schedule(spectra.analyze(source), basis="dct")
    run = train(source, schedule, out=tmp_path / "run", **{**tiny_options, "labels": True})
    one_line("give labels too", lambda: sample(run, 2, 1, guidance=3.0))
    assert np.isfinite(sample(run, 2, 1, labels=[0, 1], guidance=3.0)).all()


@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": "x"},
        {"learning_rate": None},
        {"held_out": "x"},
        {"known": None},
        {"ema_half_life": "x"},
        {"labels": "yes"},
        {"compile": "on"},
    ],
    ids=str,
)
def test_wrong_options_of_training(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    options: Options,
) -> None:
    ((name, value),) = options.items()
    call = {**tiny_options, **options}
    one_line(
        f"{name} {value!r} is wrong",
        lambda: train(tiny_source, tiny_schedule, out=tmp_path / "run", **call),
    )
    assert not (tmp_path / "run").exists()


def test_no_schedule(tmp_path: Path, tiny_source: Source, tiny_options: Options) -> None:
    for wrong in (None, 3, [], "x"):
        one_line("give one", lambda wrong=wrong: train(tiny_source, wrong, out=tmp_path))


class Frozen(nn.Conv2d):
    def __init__(self) -> None:
        super().__init__(1, 1, 1)
        self.requires_grad_(False)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:  # pyright: ignore
        return super().forward(x)


class Detached(nn.Conv2d):
    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:  # pyright: ignore
        return super().forward(x).detach()


class Complex(nn.Conv2d):
    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:  # pyright: ignore
        return super().forward(x) * 1j


class Lazy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.LazyConv2d(1, 1)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        return self.mix(x)


@pytest.mark.parametrize(
    ("module", "match"),
    [
        (nn.Conv2d(1, 1, 1), r"cannot be called as f\(x, t\)"),
        (Frozen(), "none of its weights is to be trained"),
        (Detached(1, 1, 1), "does not depend on its weights"),
        (Complex(1, 1, 1), "a real tensor"),
        (Lazy(), "lazy layers"),
    ],
    ids=["one argument", "frozen", "detached", "complex", "lazy"],
)
def test_odd_modules(
    tmp_path: Path,
    tiny_source: Source,
    tiny_schedule: Schedule,
    tiny_options: Options,
    module: nn.Module,
    match: str,
) -> None:
    options = {**tiny_options, "network": module}
    one_line(match, lambda: train(tiny_source, tiny_schedule, out=tmp_path, **options))
