"""The study's data sets, as `open_source` takes them; what has to be made first is made once."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import spectra
from spectra.data import load_manifest
from spectra.data.receipts import find_receipt
from tests.shared import SHARED

__all__ = ["DATA", "Absent", "Data", "fashion_mnist", "rain_tiles"]

SIDE = 16  # pixels of every example
# Debian's dataset-fashion-mnist puts it here.
FASHION = Path("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")
# All of the middle 320 x 320 km is within the radars' reach; the rest is a third missing.
REACH = 320
WET = 0.25  # a tile is kept where at least so much of it rains: two thirds are dry throughout
HEAVIEST = 128.0  # mm/h: log(1 + R) from 0 to log 128 becomes 0 to 255


class Absent(Exception):
    """A data set is not on this machine; the line says what would bring it."""


@dataclass(frozen=True)
class Data:
    """A data set of the study.

    Attributes
    ----------
    title : str
    place : callable
        Given a folder for what has to be made, gives what `open_source` takes; raises `Absent`.
    view : dict
        Keywords of `open_source`.
    """

    title: str
    place: Callable[[Path], str]
    view: dict[str, Any] = field(default_factory=dict)


def _shared(path: str) -> Callable[[Path], str]:
    """A file or folder of the shared data."""

    def place(_: Path) -> str:
        if not (SHARED / path).exists():
            raise Absent(f"not at ../shared/data/{path}")
        return str(SHARED / path)

    return place


def fashion_mnist(folder: Path) -> str:
    """Fashion-MNIST as 8-bit .npy [60000, 1, 16, 16]: two pixels of edge added, 2 x 2 averaged.

    Raises
    ------
    Absent
        Neither fetched nor installed.
    """
    path = folder / "fashion-mnist-16.npy"
    if not path.exists():
        fetched = find_receipt(load_manifest("fashion-mnist")) is not None
        if not fetched and not FASHION.exists():
            raise Absent(
                "not here: apt-get install dataset-fashion-mnist, or spectra data fetch "
                "fashion-mnist"
            )
        source = spectra.open_source("fashion-mnist:train" if fetched else FASHION)
        pixels = np.concatenate([(x + 1) * 127.5 for x in source.batches(4096)])  # [N, 1, 28, 28]
        pixels = np.pad(pixels, [(0, 0), (0, 0), (2, 2), (2, 2)])
        small = pixels.reshape(-1, 1, SIDE, 2, SIDE, 2).mean(axis=(3, 5))
        folder.mkdir(parents=True, exist_ok=True)
        np.save(path, small.round().astype(np.uint8))
    return str(path)


def rain_tiles(folder: Path) -> str:
    """Tiles of 16 x 16 km in which it rains, log(1 + R) in 8 bits, and a manifest of them.

    Composites come every five minutes: those of an hour are one unit, by the names of the files.

    Raises
    ------
    Absent
        The composites are not there.
    """
    from PIL import Image

    manifest = folder / "radar-rain-16.toml"
    if manifest.exists():
        return str(manifest)
    composites = _shared("fields/radar_mch")(folder)
    source = spectra.open_source(composites, view="log-radar", size=REACH, crop="center")
    tiles = folder / "radar-rain-16"
    shutil.rmtree(tiles, ignore_errors=True)
    tiles.mkdir(parents=True)
    count = REACH // SIDE
    for number, unit in enumerate(source.file_index):
        whole = source.examples([number])[0, 0]  # [320, 320], log(1 + R)
        cut = whole.reshape(count, SIDE, count, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
        for place, tile in enumerate(cut):
            if (tile > 0).mean() >= WET:
                levels = np.rint(tile * (255 / np.log(HEAVIEST))).clip(0, 255).astype(np.uint8)
                name = f"{source.files[unit]}_{number:02}_{place:03}.png"
                Image.fromarray(levels).save(tiles / name)
    lines = {
        "name": "radar-rain-16",
        "title": "Rain within reach of MeteoSwiss radars, tiles of 16x16 km, log(1 + R) in 8 bits",
        "kind": "images",
        "licence": "not stated",
        "citation": "MeteoSwiss weather radar composites",
        "group": r"^([A-Z]+\d+)_",
    }
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in lines.items())
    manifest.write_text(f"{text}\n[[location]]\nfolder = {json.dumps(tiles.name)}\n")
    return str(manifest)


DATA: dict[str, Data] = {
    "photos": Data(
        "eleven photographs, 16x16 windows at full resolution",
        lambda _: "photos",
        {"size": SIDE},
    ),
    "cifar10": Data(
        "CIFAR-10 in colour, averaged to 16x16",
        _shared("cifar10/cifar10_20k+5k.zip"),
        {"size": SIDE, "crop": "resize"},
    ),
    "fashion-mnist": Data("Fashion-MNIST, averaged to 16x16", fashion_mnist),
    # A window of 32 frames is longer than two thirds of the clips.
    "spoken-digits": Data(
        "spoken digits, log-mel windows of 16 bands and 16 frames of 16 ms",
        _shared("audio/fsdd_8k_flac.zip"),
        {"size": SIDE, "view": "log-mel"},
    ),
    "radar": Data("radar rain, 16x16 km where it rains, log(1 + R)", rain_tiles),
}
