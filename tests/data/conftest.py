"""Pictures written to disk for the tests of the data folder."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.shared import SHARED


def noise(height: int, width: int, *channels: int, seed: int = 0) -> np.ndarray:
    """uint8 [height, width, *channels]."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, *channels), np.uint8)


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared real data are not beside this checkout")
    return SHARED


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write pixels as an image under the test's folder `pictures`, and return that folder."""
    from PIL import Image

    folder = tmp_path / "pictures"
    folder.mkdir()

    def write_one(name: str, pixels: np.ndarray, **options: object) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, **options)
        return folder

    return write_one


@pytest.fixture
def picture() -> Callable[..., np.ndarray]:
    return noise
