"""Files made by hand to do harm: absurd headers, bombs, NaN, and what a folder may hold."""

import contextlib
import gzip
import io
import json
import os
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from tests.hostile import good_picture, saved, sound, tensors, zipped

__all__ = ["crafted", "npy", "plant_traps", "png", "wav", "zeros"]

SIDES = ((60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1), (0, 0))


def crafted(seed: int) -> dict[str, bytes]:
    """Content by name, a hundred files or so."""
    rng = np.random.default_rng(seed)
    return {
        **_empty(),
        **{f"huge{i}{name}": data for i in range(4) for name, data in _pictures(*SIDES[i]).items()},
        **_sounds(rng),
        **_arrays(rng),
        **_zips(rng),
        **_texts(),
    }


def _empty() -> dict[str, bytes]:
    suffixes = "jpg png gif bmp tif webp wav flac ogg mp3 aiff npy npz safetensors idx zip toml"
    files = {f"empty.{suffix}": b"" for suffix in suffixes.split()}
    return files | {f"one.{suffix}": b"\x89" for suffix in suffixes.split()}


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(height: int, width: int, body: bytes, *more: bytes) -> bytes:
    """A PNG of these pixels, or of too few of them."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), *more, _chunk(b"IDAT", body), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def zeros(count: int) -> bytes:
    """So many zeros, packed by zlib."""
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    parts = [packer.compress(block[: min(2**20, count - at)]) for at in range(0, count, 2**20)]
    return b"".join(parts) + packer.flush()


def _pictures(height: int, width: int) -> dict[str, bytes]:
    """Small files that state a size."""
    w, h = min(width, 65535), min(height, 65535)
    bmp = struct.pack("<2sIHHIIiiHHIIiiII", b"BM", 90, 0, 0, 54, 40, width, height, 1, 24, *[0] * 6)
    gif = b"GIF89a" + struct.pack("<HHBBB", w, h, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    gif += b"\x2c" + struct.pack("<HHHHB", 0, 0, w, h, 0) + b"\x02\x02\x44\x01\0;"
    frame = b"\xff\xd8\xff\xc0\0\x0b\x08" + struct.pack(">HHBBBB", h, w, 1, 1, 0x11, 0)
    scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0" + bytes(20) + b"\xff\xd9"
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1)]
    tags += [(262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, 64)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    tiff = struct.pack("<2sHIH", b"II", 42, 8, len(tags)) + entries + bytes(68)
    vp8x = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (w - 1 & 0xFFFFFF).to_bytes(3, "little") * 2
    webp = b"RIFF" + struct.pack("<I", 4 + len(vp8x)) + b"WEBP" + vp8x
    return {
        ".png": png(height, width, zlib.compress(bytes(100))),
        ".bmp": bmp + bytes(36),
        ".gif": gif,
        ".jpg": frame + scan,
        ".tif": tiff,
        ".webp": webp,
    }


def wav(frames: bytes, stated: int, rate: int = 8000, channels: int = 1, kind: int = 1) -> bytes:
    """A WAV of 16 bits (kind 1) or of floats (kind 3) that states some size."""
    width = 2 if kind == 1 else 4
    layout = (kind, channels, rate, rate * channels * width % 2**32, channels * width % 65536)
    head = b"fmt " + struct.pack("<IHHIIHH", 16, *layout, 8 * width)
    body = head + b"data" + struct.pack("<I", stated) + frames
    return b"RIFF" + struct.pack("<I", min(2**32 - 1, stated + 36)) + b"WAVE" + body


def _sounds(rng: np.random.Generator) -> dict[str, bytes]:
    noise = rng.normal(size=4000).astype("<f4")
    files = {}
    for name, value in (("nan", np.nan), ("infinite", np.inf), ("large", 1e38)):
        broken = noise.copy()
        broken[2000] = value
        files[f"{name}.wav"] = wav(broken.tobytes(), broken.nbytes, kind=3)
    samples = (1000 * noise).astype("<i2").tobytes()
    flac = sound(rng, "FLAC", "PCM_16", 1)
    return files | {
        "nothing.wav": wav(b"", 0),
        "nothing.flac": sound(rng, "FLAC", "PCM_16", 1, 0),
        "nothing.aiff": sound(rng, "AIFF", "PCM_16", 1, 0),
        "sample.wav": wav(samples[:2], 2),
        "long.wav": wav(samples, 2**32 - 1),
        "longer.wav": wav(samples, 2**32 - 40),
        "rate0.wav": wav(samples, len(samples), rate=0),
        "rate1.wav": wav(samples, len(samples), rate=1),
        "fast.wav": wav(samples, len(samples), rate=2**31 - 1),
        "wide.wav": wav(samples, len(samples), channels=65535),
        "channels0.wav": wav(samples, len(samples), channels=0),
        "many.wav": wav(samples, len(samples), channels=1000),
        # 2^36 - 1 samples in the 36 bits that FLAC has for them.
        "long.flac": flac[:21] + bytes([flac[21] | 15]) + b"\xff" * 4 + flac[26:],
        "silent.wav": wav(bytes(8000), 8000),
        "bomb.mp3": b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(1000),
    }


def npy(header: str, body: bytes = b"", version: int = 1) -> bytes:
    """A .npy file of any header at all."""
    text = header.encode()
    length = struct.pack("<H" if version == 1 else "<I", len(text) % 65536)
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + body


def _arrays(rng: np.random.Generator) -> dict[str, bytes]:
    values = rng.normal(size=(8, 16, 16))
    files = {}
    for name, value in (("nan", np.nan), ("infinite", -np.inf), ("large", 1e300)):
        broken = values.copy()
        broken[3, 4, 5] = value
        files[f"{name}.npy"] = saved(np.save, broken)
        files[f"{name}.npz"] = saved(np.savez_compressed, broken)
    shapes = ("(1000000, 1000, 1000)", "(-1, 16, 16)", "(0, 16, 16)", "(8, 0, 16)", "()", "(8,)")
    shapes += (f"({2**31}, {2**31}, {2**31})", "(8.0, 16, 16)", "(True, 16, 16)", "16")
    for number, shape in enumerate(shapes):
        text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n"
        files[f"shape{number}.npy"] = npy(text, bytes(8192))
    kinds = ("|O", "<U4", "<c16", "<M8[s]", "<f2", "|V8", "<f16", "no", "|b1", "<i8", "<u4")
    for number, kind in enumerate(kinds):
        text = f"{{'descr': '{kind}', 'fortran_order': True, 'shape': (2, 16, 16), }}\n"
        files[f"kind{number}.npy"] = npy(text, b"\x01" * 16384)
    files["nested.npy"] = npy("(" * 60000)
    files["code.npy"] = npy("__import__('os').abort()")
    files["bytes.npy"] = npy("{'descr': '<f4'\0\xff", version=3)
    entries = {
        "beyond": {"dtype": "F32", "shape": [8, 16, 16], "data_offsets": [10**15, 10**15 + 8192]},
        "back": {"dtype": "F32", "shape": [8, 16, 16], "data_offsets": [8192, 0]},
        "below": {"dtype": "F32", "shape": [8, 16, 16], "data_offsets": [-8192, 0]},
        "huge": {"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 8192]},
        "none": {"dtype": "F32", "shape": [0, 16, 16], "data_offsets": [0, 0]},
        "kind": {"dtype": "F8_E4M3", "shape": [32, 16, 16], "data_offsets": [0, 8192]},
        "text": "tensor",
    }
    for name, entry in entries.items():
        files[f"{name}.safetensors"] = tensors({"x": entry}, bytes(8192))
    files["nan.safetensors"] = tensors(
        {"x": {"dtype": "F32", "shape": [8, 16, 16], "data_offsets": [0, 8192]}}, b"\xff" * 8192
    )
    files["half.safetensors"] = tensors(
        {"x": {"dtype": "BF16", "shape": [16, 16, 16], "data_offsets": [0, 8192]}}, b"\x7f" * 8192
    )
    files["length.safetensors"] = struct.pack("<Q", 2**63) + b"{" + bytes(100)
    files["deep.safetensors"] = struct.pack("<Q", 200_000) + b'{"x":' + b"[" * 199_995
    for number, sides in enumerate(((2**32 - 1,) * 3, (0, 16, 16), (10**6, 1000, 1000))):
        head = struct.pack(">4B3I", 0, 0, 8, 3, *sides)
        files[f"sides{number}.idx"] = head + bytes(100)
        files[f"sides{number}-idx3-ubyte.gz"] = gzip.compress(head + bytes(100), mtime=0)
    files["rank.idx"] = bytes([0, 0, 8, 255]) + bytes(2000)
    return files


def _zips(rng: np.random.Generator) -> dict[str, bytes]:
    good = good_picture(rng)
    bomb = zipped({"zeros.png": png(16, 16, b"") + bytes(50_000_000), "good.png": good})
    names = ("../out.png", "/absolute.png", "C:\\drive.png", "a/../../b.png", "a//b.png", "\n.png")
    packed_npy = zipped({"x.npy": npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}")})
    return {
        "zeros.png": png(20_000, 50_000, zeros(10**7)),
        # The text of a chunk is unpacked too.
        "text.png": png(
            16, 16, zlib.compress(bytes(272)), _chunk(b"zTXt", b"a\0\0" + zeros(10**8))
        ),
        "profile.png": png(
            16, 16, zlib.compress(bytes(272)), _chunk(b"iCCP", b"a\0\0" + zeros(10**8))
        ),
        "bomb.zip": bomb,
        "nested.zip": zipped({"inner.zip": bomb, "inner.png": bomb}),
        "names.zip": zipped(dict.fromkeys(names, good)),
        "twice.zip": zipped({"a.png": good, "b.png": good}) + zipped({"a.png": good}),
        "overlapping.zip": _overlapping(good),
        "lying.zip": _lying(good),
        "zeros.npz": zipped(
            {
                "arr_0.npy": npy(
                    "{'descr': '|u1', 'fortran_order': False, 'shape': (1000, 1000, 1000)}\n",
                    bytes(10**7),
                )
            }
        ),
        "short.npz": packed_npy,
        "none.npz": zipped({}),
        "none.zip": zipped({}),
        "folder.zip": zipped({"folder/": b""}),
        "encrypted.zip": _encrypted(good),
        "links.zip": _links(),
        "zeros-idx3-ubyte.gz": gzip.compress(
            struct.pack(">4B3I", 0, 0, 8, 3, 10**4, 10**3, 10**2) + bytes(10**7), mtime=0
        ),
    }


def _overlapping(good: bytes) -> bytes:
    """A thousand names for the same bytes."""
    packed = zipped({"0.png": good})
    at = packed.index(b"PK\x01\x02")
    end = packed.index(b"PK\x05\x06")
    entries = b"".join(
        packed[at:end].replace(b"0.png", f"{chr(48 + i % 10)}.png".encode()) for i in range(1000)
    )
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1000, 1000, len(entries), at, 0)
    return packed[:at] + entries + tail


def _lying(good: bytes) -> bytes:
    """A directory that says members are small, or of another size."""
    packed = bytearray(zipped({"a.png": good + bytes(10**6), "b.png": good}))
    at = packed.index(b"PK\x01\x02")
    packed[at + 24 : at + 28] = struct.pack("<I", 100)
    return bytes(packed)


def _encrypted(good: bytes) -> bytes:
    packed = bytearray(zipped({"a.png": good}))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def _links() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return file.getvalue()


def _texts() -> dict[str, bytes]:
    places = {
        "gone": 'folder = "nowhere"',
        "none": "",
        "both": 'folder = "."\nurl = "https://example.invalid/a.zip"',
        "file": 'url = "file:///etc/passwd"',
        "number": "folder = 3",
        "nul": 'folder = "\\u0000"',
        "package": 'package = "os"\nfiles = ["../../etc/passwd"]',
        "module": 'package = "no.such.module"\nfiles = ["x.csv"]',
        "list": 'folder = "."\nfiles = ["/etc/passwd", "../x", ""]',
    }
    files = {
        f"{name}.toml": f'name = "{name}"\nkind = "images"\n[location]\n{place}\n'.encode()
        for name, place in places.items()
    }
    return files | {
        "deep.toml": b"a = " + b"[" * 50_000,
        "bytes.toml": b"\xff\xfe" + bytes(range(256)),
        "table.toml": b"[[location]]\n[[location]]\n",
        "json.toml": json.dumps({"name": 1}).encode(),
        "empty.txt": b"",
    }


def plant_traps(folder: Path, content: bytes) -> list[str]:
    """Make what is no plain file, and files whose names are hard to take: names of the files."""
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    os.symlink("itself.png", folder / "itself.png")
    os.symlink(folder, folder / "again")
    os.symlink("nowhere", folder / "gone.png")
    os.symlink("/dev/zero", folder / "endless.png")
    deep = folder
    for _ in range(60):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "deep.png").write_bytes(content)
    names = ["two\nlines.png", "\x1b[31mred.png", "x" * 251 + ".png", "söüß 图 \u202e.png", " .png"]
    names += [
        "-rf.png",
        "<b>&.png",
        "'\"`$(x).png",
        "%s{0}.png",
        os.fsdecode(b"not \xff utf-8.png"),
    ]
    made = ["deep.png"]
    for name in names:
        with contextlib.suppress(OSError):  # a file system may refuse names
            (folder / name).write_bytes(content)
            made.append(name)
    return made
