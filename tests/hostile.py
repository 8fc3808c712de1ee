"""Files made to do harm: whole ones of every kind, seeded mutations of them."""

import gzip
import io
import json
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "good_picture",
    "good_sound",
    "mutations",
    "picture",
    "saved",
    "sound",
    "tensors",
    "whole_files",
    "zipped",
]

SIDE = 32
RATE = 8000
NUMBERS = (0, 1, 60_000, 2**31 - 1, 2**31, 2**32 - 1)
SUFFIXES = (".jpg", ".png", ".gif", ".bmp", ".tif", ".webp", ".wav", ".flac", ".ogg", ".mp3")
OTHER_SUFFIXES = (".aiff", ".npy", ".npz", ".safetensors", ".idx", ".zip", ".toml", "", ".txt")


def _values(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """uint8 with more power at low frequencies."""
    smooth = rng.normal(size=shape).cumsum(0).cumsum(1)
    return ((smooth - smooth.min()) / np.ptp(smooth) * 255).astype(np.uint8)


def good_picture(rng: np.random.Generator) -> bytes:
    """A PNG that no one could object to."""
    return picture(rng, "L", "PNG")


def good_sound(rng: np.random.Generator) -> bytes:
    """Half a second of WAV that no one could object to."""
    return sound(rng, "WAV", "PCM_16", 1)


def picture(rng: np.random.Generator, mode: str, kind: str, **options: Any) -> bytes:
    """A picture of a Pillow mode in a format."""
    from PIL import Image

    if mode == "I;16":
        image = Image.fromarray(_values(rng, SIDE, SIDE).astype(np.uint16) * 257)
    elif mode in ("1", "L", "P", "LA"):
        image = Image.fromarray(_values(rng, SIDE, SIDE)).convert(mode)
    else:
        image = Image.fromarray(_values(rng, SIDE, SIDE, 3)).convert(mode)
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _animation(rng: np.random.Generator) -> bytes:
    from PIL import Image

    first, second = (Image.fromarray(_values(rng, SIDE, SIDE)) for _ in range(2))
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=[second])
    return file.getvalue()


def _rotated(rng: np.random.Generator, kind: str) -> bytes:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    return picture(rng, "RGB", kind, exif=exif)


def sound(
    rng: np.random.Generator, kind: str, subtype: str, channels: int, length: int = RATE // 2
) -> bytes:
    """Noise in a format of libsndfile."""
    import soundfile

    samples = 0.02 * rng.normal(size=(length, channels)).cumsum(0)
    file = io.BytesIO()
    soundfile.write(file, samples.clip(-0.9, 0.9), RATE, subtype, format=kind)
    return file.getvalue()


def saved(save: Callable[..., Any], *arguments: Any, **named: Any) -> bytes:
    """What a function writes to a file."""
    file = io.BytesIO()
    save(file, *arguments, **named)
    return file.getvalue()


def zipped(files: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these files."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def tensors(header: Any, body: bytes = b"") -> bytes:
    """A .safetensors file of any header at all."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def _measured(rng: np.random.Generator) -> dict[str, bytes]:
    """A spectrum and a schedule, which are no data."""
    import tempfile

    import spectra

    spectrum = spectra.analyze(rng.normal(size=(20, 8, 8)), bases=("dct",))
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder) / "spectrum", Path(folder) / "schedule"
        spectrum.save(first)
        spectra.derive_schedule(spectrum).save(second)
        return {
            "spectrum.safetensors": first.read_bytes(),
            "schedule.safetensors": second.read_bytes(),
        }


MANIFEST = """name = "mine"
title = "Mine"
kind = "images"
licence = "CC0-1.0"
citation = "none"

[options]
size = 16

[location]
folder = "good"
"""


def whole_files(seed: int) -> dict[str, bytes]:
    """Undamaged files of every kind that is read, and of some that are not, by name."""
    from safetensors.numpy import save

    rng = np.random.default_rng(seed)
    files = {
        "grey.jpg": picture(rng, "L", "JPEG"),
        "rgb.jpg": picture(rng, "RGB", "JPEG"),
        "progressive.jpg": picture(rng, "RGB", "JPEG", progressive=True),
        "cmyk.jpg": picture(rng, "CMYK", "JPEG"),
        "rotated.jpg": _rotated(rng, "JPEG"),
        "rotated.png": _rotated(rng, "PNG"),
        **{f"{mode}.png": picture(rng, mode, "PNG") for mode in ("1", "L", "LA", "P", "RGB")},
        "rgba.png": picture(rng, "RGBA", "PNG"),
        "deep.png": picture(rng, "I;16", "PNG"),
        "palette.gif": picture(rng, "P", "GIF"),
        "moving.gif": _animation(rng),
        **{f"{mode}.bmp": picture(rng, mode, "BMP") for mode in ("1", "L", "P", "RGB")},
        **{f"{mode}.tif": picture(rng, mode, "TIFF") for mode in ("1", "L", "RGB", "CMYK")},
        "deep.tif": picture(rng, "I;16", "TIFF"),
        **{
            f"{packing}.tiff": picture(rng, "RGB", "TIFF", compression=packing)
            for packing in ("tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")
        },
        "lossy.webp": picture(rng, "RGB", "WEBP"),
        "lossless.webp": picture(rng, "RGBA", "WEBP", lossless=True),
        **{
            f"{subtype}.wav": sound(rng, "WAV", subtype, 1)
            for subtype in ("PCM_U8", "PCM_16", "PCM_24", "FLOAT", "DOUBLE", "ULAW", "IMA_ADPCM")
        },
        "stereo.wav": sound(rng, "WAV", "PCM_16", 2),
        "extensible.wav": sound(rng, "WAVEX", "PCM_16", 2),
        "large.wav": sound(rng, "RF64", "PCM_16", 1),
        "mono.flac": sound(rng, "FLAC", "PCM_16", 1),
        "stereo.flac": sound(rng, "FLAC", "PCM_24", 2),
        "vorbis.ogg": sound(rng, "OGG", "VORBIS", 1),
        "opus.ogg": sound(rng, "OGG", "OPUS", 1),
        "layer3.mp3": sound(rng, "MP3", "MPEG_LAYER_III", 1),
        "mono.aiff": sound(rng, "AIFF", "PCM_16", 1),
        "float.npy": saved(np.save, rng.normal(size=(8, 16, 16)).astype(np.float32)),
        "colour.npy": saved(np.save, _values(rng, 24, 16, 16, 3).reshape(24, 16, 16, 3)),
        "double.npy": saved(np.save, rng.normal(size=(6, 2, 16, 16))),
        "plain.npz": saved(np.savez, images=_values(rng, 8, 16, 16)),
        "packed.npz": saved(np.savez_compressed, _values(rng, 8, 16, 16)),
        "float.safetensors": save({"x": rng.normal(size=(8, 16, 16)).astype(np.float32)}),
        "bfloat.safetensors": tensors(
            {"x": {"dtype": "BF16", "shape": [8, 16, 16], "data_offsets": [0, 4096]}},
            rng.normal(size=2048).astype(">f4").view(">u2")[::2].astype("<u2").tobytes(),
        ),
        "bytes.idx": struct.pack(">4B3I", 0, 0, 8, 3, 8, 16, 16) + _values(rng, 128, 16).tobytes(),
        "pictures.zip": zipped({f"{i}.png": good_picture(rng) for i in range(3)}),
        "stored.zip": zipped({f"{i}.wav": good_sound(rng) for i in range(3)}, zipfile.ZIP_STORED),
        "manifest.toml": MANIFEST.encode(),
        "notes.txt": b"Nothing to see here.\n" * 20,
        **_measured(rng),
    }
    files["packed-idx3-ubyte.gz"] = gzip.compress(files["bytes.idx"], mtime=0)
    return files


def mutations(
    seed: int, count: int, files: dict[str, bytes] | None = None
) -> Iterator[tuple[str, bytes]]:
    """Damaged copies of whole files: name and content, the same for the same seed."""
    rng = np.random.default_rng(seed)
    files = whole_files(seed) if files is None else files
    names = list(files)
    ways = (_cut, _flipped, _flipped_head, _stuffed, _thinned, _blanked, _numbered, _joined, _moved)
    for number in range(count):
        name = names[number % len(names)]
        data = bytearray(files[name])
        way = ways[int(rng.integers(len(ways)))]
        other = files[names[int(rng.integers(len(names)))]]
        data, suffix = way(rng, data, other), os.path.splitext(name)[1]
        if way is _moved:
            choice = SUFFIXES if suffix in SUFFIXES else SUFFIXES + OTHER_SUFFIXES
            suffix = choice[int(rng.integers(len(choice)))]
        yield f"{number:05d}-{os.path.splitext(name)[0]}-{way.__name__[1:]}{suffix}", bytes(data)


def _cut(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    short = rng.random() < 0.3
    return bytes(data[: int(rng.integers(0, min(len(data), 64) if short else len(data)))])


def _flipped(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    for at in rng.integers(0, len(data), 1 + int(rng.integers(8))):
        data[at] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _flipped_head(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    for at in rng.integers(0, min(len(data), 128), 1 + int(rng.integers(4))):
        data[at] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _stuffed(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    at = int(rng.integers(0, min(len(data), 256) + 1))
    data[at:at] = rng.integers(0, 256, int(rng.integers(1, 64)), np.uint8).tobytes()
    return bytes(data)


def _thinned(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    at = int(rng.integers(0, len(data)))
    del data[at : at + int(rng.integers(1, 64))]
    return bytes(data)


def _blanked(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    at, length = int(rng.integers(0, len(data))), int(rng.integers(1, 512))
    data[at : at + length] = bytes([int(rng.choice([0, 255]))]) * len(data[at : at + length])
    return bytes(data)


def _numbered(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    """An absurd number somewhere in the header."""
    size = int(rng.choice([2, 4, 8]))
    number = int(rng.choice(NUMBERS)) % 256**size
    at = int(rng.integers(0, min(len(data), 128)))
    data[at : at + size] = number.to_bytes(size, "little" if rng.random() < 0.5 else "big")
    return bytes(data)


def _joined(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    """The beginning of one file and the end of another."""
    return (
        bytes(data[: int(rng.integers(1, len(data) + 1))])
        + other[int(rng.integers(0, len(other) + 1)) :]
    )


def _moved(rng: np.random.Generator, data: bytearray, other: bytes) -> bytes:
    """As it is, under another name."""
    return bytes(data)
