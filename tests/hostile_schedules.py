"""Spectrum and schedule files, and files of other tools, made to do harm."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["FOREIGN", "HEADERS", "damaged_bytes", "damaged_parts", "parts", "rewrite"]

Parts = tuple[dict[str, np.ndarray], dict[str, Any]]

SETTINGS = (None, "x", [], {}, -1, 1e308, [0], [1, 8, 8, 8], "nan", True)
TABLES = {
    "nan": lambda table: np.full_like(table, np.nan, dtype=float),
    "inf": lambda table: np.full_like(table, np.inf, dtype=float),
    "negative": lambda table: -table.astype(float) - 1,
    "zero": lambda table: np.zeros_like(table, dtype=float),
    "huge": lambda table: np.full_like(table, 1e308, dtype=float),
    "tiny": lambda table: np.full_like(table, 1e-308, dtype=float),
    "whole": lambda table: np.nan_to_num(table).astype(np.int64),
    "boolean": lambda table: table.astype(bool),
    "scalar": lambda table: np.float64(1),
    "one": lambda table: table.ravel()[:1],
    "none": lambda table: np.zeros(0),
    "twice": lambda table: np.r_[table.ravel(), table.ravel()],
}
HEADERS = (
    "",
    "{",
    "[]",
    "3",
    "null",
    '"x"',
    "{}",
    "[" * 100_000,
    '{"kind": 1, "format": 2, "settings": 3}',
    '{"kind": "KIND", "format": "1.0", "settings": []}',
    '{"kind": "KIND", "format": null, "settings": {}}',
    '{"kind": ["a"], "format": "1.0", "settings": {}}',
)

# What `--audit` may be given, by name and content; none can be looked at.
FOREIGN = {
    "empty.json": "",
    "list.json": "[]",
    "one.json": "[1]",
    "text.json": '"hello"',
    "null.json": "null",
    "deep.json": "[" * 200_000,
    "object.json": "{}",
    "words.json": '["a", "b"]',
    "nan.json": "[NaN, 1]",
    "infinite.json": "[Infinity, 1, 0]",
    "square.json": "[[1, 2], [3, 4]]",
    "extreme.json": "[1e308, 1e-308]",
    "digits.json": "[" + "9" * 5000 + ", 1]",
    "long.json": json.dumps(list(range(300_000, 0, -1))),
    "letters.json": json.dumps({"a": "x" * 10_000_000}),
    "times.json": '{"sigmas": [10, 1, 0.1], "shift": 3}',
    "density.json": '{"sigmas": [9, 1], "sigma_sample_density": {"type": "lognormal"}}',
    "still.json": '{"sigmas": [9, 1], "sigma_sample_density": '
    '{"type": "lognormal", "mean": 1e308, "std": 0}}',
    "levels.json": '{"sigmas": [9, 1], "sample_density_table": '
    '{"log_sigma": [[0, 1]], "cumulative": [[0, 1]]}}',
    "edm-mean.json": '{"P_mean": 1e308, "sigma_max": 80}',
    "edm-ends.json": '{"sigma_min": 80, "sigma_max": 0.01}',
    "edm-std.json": '{"P_std": 1e308, "sigma_min": 1e-300, "sigma_max": 1e300}',
    "edm-rho.json": '{"sigma_max": 80, "rho": 1e-9}',
    "edm-null.json": '{"sigma_max": 80, "sigma_min": null}',
    "edm-digits.json": '{"sigma_max": ' + "9" * 400 + "}",
    "no-betas.json": '{"_class_name": "DDIMScheduler", "trained_betas": []}',
    "one-beta.json": '{"_class_name": "DDIMScheduler", "trained_betas": [0.5]}',
    "zero-betas.json": '{"_class_name": "DDIMScheduler", "trained_betas": [0, 0, 0]}',
    "zero-snr.json": '{"trained_betas": [0, 0], "rescale_betas_zero_snr": true}',
    "offset.json": '{"_class_name": "DDIMScheduler", "steps_offset": "x"}',
    "spacing.json": '{"_class_name": "DDIMScheduler", "timestep_spacing": 3}',
    "root.json": '{"beta_schedule": "scaled_linear", "beta_start": -1}',
    "millions.json": '{"beta_schedule": "linear", "num_train_timesteps": 1e9}',
    "few.json": '{"beta_schedule": "linear", "num_train_timesteps": 10}',
    "edm-class.json": '{"_class_name": "EDMEulerScheduler", "sigma_min": -1}',
    "edm-turned.json": '{"_class_name": "EDMEulerScheduler", "sigma_min": 99, "sigma_max": 1}',
    "flow.json": '{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 1e308}',
    "flow-null.json": '{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 1e-30}',
    "negative.txt": "-3 -4",
    "words.txt": "hello",
    "naïve – 日本.json": "{",
    "two\nlines.json": "{",
}


def parts(path: Path) -> Parts:
    """Tables and header of a file of ours."""
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        tables = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tables, json.loads((file.metadata() or {})["spectra"])


def rewrite(path: Path, tables: dict[str, np.ndarray], header: Any) -> Path:
    """A file of any tables under any header (text as it is)."""
    from safetensors.numpy import save

    text = header if isinstance(header, str) else json.dumps(header)
    arrays = {name: np.ascontiguousarray(table) for name, table in tables.items()}
    path.write_bytes(save(arrays, {"spectra": text}))
    return path


def damaged_bytes(whole: bytes) -> Iterator[tuple[str, bytes]]:
    """A whole file's bytes, cut and overwritten."""
    yield "empty", b""
    yield "one byte", whole[:1]
    yield "length alone", whole[:8]
    yield "half", whole[: len(whole) // 2]
    yield "short by one", whole[:-1]
    yield "zeros", bytes(len(whole))
    yield "endless header", b"\xff" * 8 + whole[8:]
    yield "more behind", whole + b"abc"


def damaged_parts(path: Path) -> Iterator[tuple[str, dict[str, np.ndarray], Any]]:
    """Every table and every setting of a file, replaced in turn: (what, tables, header)."""
    tables, header = parts(path)
    for name, table in tables.items():
        yield f"no {name}", {key: tables[key] for key in tables if key != name}, header
        for what, change in TABLES.items():
            yield f"{name} {what}", {**tables, name: change(table)}, header
    for name in header["settings"]:
        for value in SETTINGS:
            changed = {**header["settings"], name: value}
            yield f"{name} = {value}", tables, {**header, "settings": changed}
        left = {key: value for key, value in header["settings"].items() if key != name}
        yield f"no {name}", tables, {**header, "settings": left}
    for text in HEADERS:
        yield f"header {text[:40]}", tables, text.replace("KIND", header["kind"])
    yield "another kind", tables, {**header, "kind": "checkpoint"}
    yield "future", tables, {**header, "format": "2.0"}
