"""The file of a data manifest: TOML, read and checked key by key."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from spectra.data.manifest import Location, Manifest, ManifestFile
from spectra.data.options import Options, check_options, unknown_name
from spectra.errors import InputError

__all__ = ["parse_manifest"]

ARRAY_KINDS = ("array", "table", "idx", "records", "fields")
KINDS = ("images", "sound", *ARRAY_KINDS)
ONE_FILE = ("array", "table", "fields")
SHAPED = ("table", "records")
KEYS = (
    "name",
    "title",
    "kind",
    "licence",
    "citation",
    "value_range",
    "example_shape",
    "label_bytes",
    "label",
    "group",
    "options",
    "splits",
    "location",
)
OPTION_KEYS = tuple(
    option.name for option in fields(Options) if option.name not in ("seed", "value_range", "nan")
)
LOCATION_KEYS = ("package", "distribution", "folder", "url", "hash", "bytes", "content", "files")
FILE_KEYS = ("path", "licence", "credit", "group")
LABELS = ("", "first", "last")
HASHES = {"sha256": 64, "md5": 32}


def parse_manifest(path: Path, part: str = "") -> Manifest:
    """Read a manifest file, or a part of its data set.

    Raises
    ------
    InputError
        It cannot be read, or is not as a manifest must be.
    """
    content = _content(path)
    _check_keys(content, KEYS, path, "")
    kind = content.get("kind", "images")
    if kind not in KINDS:
        raise InputError(f"{path}: {unknown_name('kind', kind, KINDS)}")
    locations = content.get("location")
    locations = [locations] if isinstance(locations, dict) else locations
    if not isinstance(locations, list) or not locations:
        raise InputError(
            f"{path}: location is missing; add a [location] with package, folder or url"
        )
    name = _text(content, "name", path, path.stem)
    splits = _splits(content, path)
    if part and part not in splits:
        hint = (
            unknown_name("part", part, list(splits)) if splits else f"has no parts such as {part}"
        )
        raise InputError(f"{name}: {hint}")
    read = tuple(_location(entry, kind, bool(splits), path) for entry in locations)
    # A download's name becomes that of a folder.
    if any(place.url for place in read) and not re.fullmatch(r"\w[\w.-]*", name):
        raise InputError(f"{path}: name {name!r} is no name; use letters, digits, dots and dashes")
    return Manifest(
        name=f"{name}:{part}" if part else name,
        title=_text(content, "title", path, ""),
        kind=kind,
        licence=_text(content, "licence", path, ""),
        citation=_text(content, "citation", path, ""),
        locations=read,
        path=path,
        options=_options(content, path),
        example_shape=_example_shape(content, kind, path),
        label_bytes=_whole_number(content, "label_bytes", path),
        label=_label(content, path),
        splits=splits,
        group=_group(content, path),
    )


def _content(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); give a manifest's .toml file, or a name "
            "that spectra data list shows"
        ) from error
    except RecursionError:
        raise InputError(f"{path}: not valid TOML (nested too deeply); correct it there") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML ({error}); correct it there") from error


def _options(content: dict[str, Any], path: Path) -> dict[str, Any]:
    given = content.get("options", {})
    _check_keys(given, OPTION_KEYS, path, "options.")
    if "value_range" in content:
        given = given | {"value_range": content["value_range"]}
    unasked = {option.name: option.default for option in fields(Options)}
    try:
        checked = check_options(**unasked | given)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return {name: getattr(checked, name) for name in given}


def _example_shape(content: dict[str, Any], kind: str, path: Path) -> tuple[int, ...]:
    shape = content.get("example_shape", [])
    whole = isinstance(shape, list) and all(type(side) is int and side > 0 for side in shape)
    if not whole or (kind in SHAPED) != (len(shape) in (2, 3)):
        raise InputError(
            f"{path}: example_shape {shape} is wrong; {' and '.join(SHAPED)} have [H, W] or "
            "[C, H, W], other kinds have none"
        )
    return tuple(shape)


def _label(content: dict[str, Any], path: Path) -> str:
    label = _text(content, "label", path, "")
    if label not in LABELS:
        raise InputError(f"{path}: {unknown_name('label', label, LABELS[1:])}")
    return label


def _splits(content: dict[str, Any], path: Path) -> dict[str, tuple[str, ...]]:
    splits = content.get("splits", {})
    if not isinstance(splits, dict):
        raise InputError(f"{path}: splits is no table; write [splits]")
    for name, patterns in splits.items():
        right = isinstance(patterns, list) and all(isinstance(entry, str) for entry in patterns)
        if not right or not patterns or not re.fullmatch(r"[\w.-]+", name):
            raise InputError(
                f'{path}: splits.{name} is no list of patterns; write {name} = ["{name}/*.jpg"]'
            )
    return {name: tuple(patterns) for name, patterns in splits.items()}


def _group(content: dict[str, Any], path: Path) -> str:
    text = _text(content, "group", path, "")
    try:
        right = not text or re.compile(text).groups >= 1
    except re.error:
        right = False
    if not right:
        raise InputError(
            f"{path}: group {text!r} is no regular expression with a bracket, such as ^([0-9]+)-"
        )
    return text


def _location(entry: Any, kind: str, has_splits: bool, path: Path) -> Location:
    _check_keys(entry, LOCATION_KEYS, path, "location.")
    if sum(entry.get(key, "") != "" for key in ("package", "folder", "url")) != 1:
        raise InputError(
            f"{path}: location needs either package or folder or url; give just one of them"
        )
    files = entry.get("files", [])
    if not isinstance(files, list):
        raise InputError(f"{path}: location.files is no list; write files = [...]")
    if not files and "package" in entry:
        raise InputError(f"{path}: location.files is missing; list the files in the package")
    if kind in ONE_FILE and len(files) != 1:
        raise InputError(f"{path}: kind {kind} has one file; location.files lists {len(files)}")
    if kind in ARRAY_KINDS and not files and not has_splits:
        raise InputError(f"{path}: location.files is missing; list the files of kind {kind}")
    location = Location(
        tuple(_file(file, path) for file in files),
        *(_text(entry, key, path, "") for key in ("package", "distribution", "folder", "url")),
        hash=_hash(entry, "hash", path),
        bytes=_whole_number(entry, "bytes", path),
        content=_hash(entry, "content", path),
    )
    if location.url and not _is_address(location.url):
        raise InputError(f"{path}: location.url {location.url!r} is no http or https address")
    return location


def _is_address(url: str) -> bool:
    try:
        port = urlsplit(url).port
    except ValueError:  # of a bracket left open, or of a port over 65535
        return False
    return port != 0 and re.fullmatch(r"https?://[^\s/]+/\S+", url) is not None


def _file(entry: Any, path: Path) -> ManifestFile:
    if isinstance(entry, str):
        return ManifestFile(entry)
    _check_keys(entry, FILE_KEYS, path, "location.files.")
    if "path" not in entry:
        raise InputError(f"{path}: a file in location.files has no path; add it")
    return ManifestFile(*(_text(entry, key, path, "") for key in FILE_KEYS))


def _hash(entry: dict[str, Any], key: str, path: Path) -> str:
    text = _text(entry, key, path, "").lower()
    kind, _, digits = text.partition(":")
    if text and not (kind in HASHES and re.fullmatch(rf"[0-9a-f]{{{HASHES[kind]}}}", digits)):
        raise InputError(
            f'{path}: location.{key} {text!r} is no hash; write "sha256:" or "md5:" and its digits'
        )
    return text


def _whole_number(entry: dict[str, Any], key: str, path: Path) -> int:
    value = entry.get(key, 0)
    if type(value) is not int or value < 0:
        raise InputError(f"{path}: {key} {value!r} is no whole number; write {key} = 1")
    return value


def _check_keys(table: Any, known: tuple[str, ...], path: Path, prefix: str) -> None:
    if not isinstance(table, dict):
        where = prefix.rstrip(".") or "the manifest"
        raise InputError(f"{path}: {where} is no table; write [{where}]")
    for key in table:
        if key not in known:
            raise InputError(f"{path}: {unknown_name('key', prefix + key, known)}")


def _text(table: dict[str, Any], key: str, path: Path, default: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise InputError(f'{path}: {key} is no text; write {key} = "..."')
    return value.strip()
