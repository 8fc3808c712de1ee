"""Data manifests: small TOML files that say where a data set lies and whose it is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spectra.data.folders import DiskFiles, Skipped, list_folder
from spectra.data.options import CHANNELS, CROPS, check_options, unknown_name
from spectra.errors import InputError

__all__ = [
    "Location",
    "Manifest",
    "ManifestFile",
    "list_manifests",
    "load_manifest",
    "locate",
    "manifest_folder",
]

KINDS = ("images", "array", "table")
KEYS = (
    "name",
    "title",
    "kind",
    "licence",
    "citation",
    "value_range",
    "example_shape",
    "options",
    "location",
)
OPTION_KEYS = ("channels", "size", "crop")
LOCATION_KEYS = ("package", "distribution", "folder", "files")
FILE_KEYS = ("path", "licence", "credit", "group")


@dataclass(frozen=True)
class ManifestFile:
    """One file of a data set.

    Attributes
    ----------
    path
        Relative to the package or folder it lies in.
    licence, credit
        As its source states them; "" where the manifest's own apply.
    group
        Files of one group show one scene, and count as one in splits and intervals.
    """

    path: str
    licence: str = ""
    credit: str = ""
    group: str = ""


@dataclass(frozen=True)
class Location:
    """A place that holds files: an installed package, or a folder beside the manifest."""

    files: tuple[ManifestFile, ...] = ()
    package: str = ""
    distribution: str = ""
    folder: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a manifest file says.

    Attributes
    ----------
    name, title, licence, citation
        Text.
    kind
        "images" (files or whole folders), "array" (one array file) or "table" (one file of
        comma-separated values, an example of shape `example_shape` in each row).
    locations
        Where the files are.
    options
        Defaults for channels, size and crop, and the value range where one is stated.
    path
        The manifest file itself.
    """

    name: str
    title: str
    kind: str
    licence: str
    citation: str
    locations: tuple[Location, ...]
    path: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    example_shape: tuple[int, ...] = ()


def manifest_folder() -> Path:
    """The folder of the manifests that come with the package.

    An installed package holds it; in a checkout it lies beside the package.
    """
    package = Path(__file__).resolve().parents[1]
    inside = package / "data_manifests"
    return inside if inside.is_dir() else package.parent / "data_manifests"


def list_manifests() -> list[str]:
    """Names of the manifests that come with the package, in order."""
    return sorted(path.stem for path in manifest_folder().glob("*.toml"))


def load_manifest(name: str | Path) -> Manifest:
    """Read a manifest by its name, or from a .toml file of one's own.

    Raises
    ------
    InputError
        There is none of this name, or the file is not as a manifest must be.
    """
    path = Path(name)
    if path.suffix.lower() != ".toml":
        if str(name) not in list_manifests():
            raise InputError(unknown_name("data manifest", str(name), list_manifests()))
        path = manifest_folder() / f"{name}.toml"
    return _parse(path)


def locate(manifest: Manifest) -> tuple[DiskFiles, list[Skipped], dict[str, str], str]:
    """Find a manifest's files on this machine; no package is imported for it.

    Returns
    -------
    files, skipped, groups, licence
        `groups` names the group of each file that is in one; `licence` is the files' own
        licences in one line, or the manifest's.

    Raises
    ------
    InputError
        A package or folder is missing, or none of the files is there.
    """
    entries: list[tuple[str, str, Path, ManifestFile]] = []
    skipped: list[Skipped] = []
    for location in manifest.locations:
        base = _base(location, manifest)
        where = location.package or location.folder
        if not location.files:
            listed, left_out = list_folder(base)
            skipped += left_out
            for name, path in listed.paths.items():
                entries.append((name, f"{where}/{name}", path, ManifestFile(name)))
        for file in location.files:
            path = base / file.path
            entries.append((path.name, f"{where}/{file.path}", path, file))
    repeated = Counter(short for short, *_ in entries)
    paths: dict[str, Path] = {}
    groups: dict[str, str] = {}
    licences: list[str] = []
    for short, long, path, file in entries:
        name = short if repeated[short] == 1 else long
        if not path.is_file():
            skipped.append(Skipped(name, f"is missing ({path})"))
            continue
        paths[name] = path
        if file.group:
            groups[name] = file.group
        if file.licence:
            credit = f" ({file.credit})" if file.credit else ""
            licences.append(f"{name}: {file.licence}{credit}")
    if not paths:
        raise InputError(
            f"{manifest.path}: none of its files is here (first: {skipped[0].name} "
            f"{skipped[0].reason}); correct the paths, or install another version of the package"
        )
    return DiskFiles(manifest.name, paths), skipped, groups, "; ".join(licences) or manifest.licence


def _base(location: Location, manifest: Manifest) -> Path:
    from importlib.util import find_spec

    if location.folder:
        folder = manifest.path.parent / Path(location.folder).expanduser()
        if not folder.is_dir():
            raise InputError(f"{manifest.path}: no folder {folder}; correct location.folder")
        return folder
    try:
        spec = find_spec(location.package)
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        wanted = location.distribution or location.package
        raise InputError(
            f"{manifest.name}: its files are inside the package {wanted}, which is not installed; "
            f"pip install {wanted}"
        )
    return Path(next(iter(spec.submodule_search_locations)))


def _parse(path: Path) -> Manifest:
    import tomllib

    try:
        with open(path, "rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); give a manifest's .toml file, or one of "
            f"{', '.join(list_manifests())}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not valid TOML ({error}); correct it there") from error
    _check_keys(content, KEYS, path, "")
    kind = content.get("kind", "images")
    if kind not in KINDS:
        raise InputError(f"{path}: {unknown_name('kind', kind, KINDS)}")
    locations = content.get("location")
    locations = [locations] if isinstance(locations, dict) else locations
    if not isinstance(locations, list) or not locations:
        raise InputError(f"{path}: location is missing; add a [location] with package or folder")
    return Manifest(
        name=_text(content, "name", path, path.stem),
        title=_text(content, "title", path, ""),
        kind=kind,
        licence=_text(content, "licence", path, ""),
        citation=_text(content, "citation", path, ""),
        locations=tuple(_location(entry, kind, path) for entry in locations),
        path=path,
        options=_options(content, path),
        example_shape=_example_shape(content, kind, path),
    )


def _options(content: dict[str, Any], path: Path) -> dict[str, Any]:
    given = content.get("options", {})
    _check_keys(given, OPTION_KEYS, path, "options.")
    try:
        checked = check_options(
            given.get("size"),
            given.get("channels", CHANNELS[0]),
            given.get("crop", CROPS[0]),
            "pixels",
            0,
            content.get("value_range"),
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    names = [*given, *(["value_range"] if "value_range" in content else [])]
    return {name: getattr(checked, name) for name in names}


def _example_shape(content: dict[str, Any], kind: str, path: Path) -> tuple[int, ...]:
    shape = content.get("example_shape", [])
    whole = isinstance(shape, list) and all(type(side) is int and side > 0 for side in shape)
    if not whole or (kind == "table") != (len(shape) in (2, 3)):
        raise InputError(
            f"{path}: example_shape {shape} is wrong; a table has [H, W] or [C, H, W], "
            "other kinds have none"
        )
    return tuple(shape)


def _location(entry: Any, kind: str, path: Path) -> Location:
    _check_keys(entry, LOCATION_KEYS, path, "location.")
    if ("package" in entry) == ("folder" in entry):
        raise InputError(f"{path}: location needs either package or folder; give just one of them")
    files = entry.get("files", [])
    if not isinstance(files, list):
        raise InputError(f"{path}: location.files is no list; write files = [...]")
    if not files and "package" in entry:
        raise InputError(f"{path}: location.files is missing; list the files in the package")
    if kind != "images" and len(files) != 1:
        raise InputError(f"{path}: kind {kind} has one file; location.files lists {len(files)}")
    return Location(
        tuple(_file(file, path) for file in files),
        *(_text(entry, key, path, "") for key in ("package", "distribution", "folder")),
    )


def _file(entry: Any, path: Path) -> ManifestFile:
    if isinstance(entry, str):
        return ManifestFile(entry)
    _check_keys(entry, FILE_KEYS, path, "location.files.")
    if "path" not in entry:
        raise InputError(f"{path}: a file in location.files has no path; add it")
    return ManifestFile(*(_text(entry, key, path, "") for key in FILE_KEYS))


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
