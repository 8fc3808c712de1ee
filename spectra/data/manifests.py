"""Data manifests: small TOML files that say where a data set lies and whose it is."""

import os
import re
from collections import Counter
from pathlib import Path

from spectra.data.folders import DiskFiles, Skipped, list_folder
from spectra.data.manifest import Location, Manifest, ManifestFile, matches
from spectra.data.manifest_files import parse_manifest
from spectra.data.options import unknown_name
from spectra.data.receipts import find_receipt
from spectra.errors import InputError
from spectra.files import user_path

__all__ = [
    "Location",
    "Manifest",
    "ManifestFile",
    "is_fetched",
    "is_manifest",
    "list_manifests",
    "load_manifest",
    "locate",
    "manifest_folder",
]

Entry = tuple[str, str, Path, ManifestFile]  # short name, long name, path, what is said of it


def manifest_folder() -> Path:
    """The folder of the manifests that come with the package.

    An installed package holds it; in a checkout it lies beside the package.
    """
    package = Path(__file__).resolve().parents[1]
    inside = package / "data_manifests"
    return inside if inside.is_dir() else package.parent / "data_manifests"


def list_manifests() -> list[str]:
    """Names of the manifests that come with the package, in order.

    Returns
    -------
    list of str

    Examples
    --------
    >>> from spectra.data import list_manifests
    >>> "photos" in list_manifests()
    True
    """
    return sorted(path.stem for path in manifest_folder().glob("*.toml"))


def is_manifest(text: str) -> bool:
    """Whether this names a manifest of the package or a part of one, or a .toml file's part."""
    return text.partition(":")[0] in list_manifests() or _own_file(text) is not None


def load_manifest(name: str | Path) -> Manifest:
    """Read a manifest by its name, or from a .toml file of one's own.

    Parameters
    ----------
    name
        Such as "cifar10", or "cifar10:test" for the publisher's part of that name; or the path
        of a .toml file, with such an ending or without.

    Returns
    -------
    Manifest

    Raises
    ------
    InputError
        There is none of this name, or the file is not as a manifest must be.

    Examples
    --------
    >>> from spectra.data import load_manifest
    >>> load_manifest("digits").kind
    'table'
    """
    own = _own_file(str(name))
    if own is not None:
        return parse_manifest(*own)
    whole, _, part = str(name).partition(":")
    if whole not in list_manifests():
        raise InputError(unknown_name("data manifest", whole, list_manifests()))
    return parse_manifest(manifest_folder() / f"{whole}.toml", part)


def is_fetched(manifest: Manifest) -> bool:
    """Whether files of this manifest come from the network."""
    return any(location.url for location in manifest.locations)


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
        A package or folder is missing, the files are still to be fetched, or none is there.
    """
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    if is_fetched(manifest):
        entries += _fetched(manifest)
    for location in manifest.locations:
        if not location.url:
            entries += _listed(location, manifest, skipped)
    repeated = Counter(short for short, *_ in entries)
    paths: dict[str, Path] = {}
    groups: dict[str, str] = {}
    licences: list[str] = []
    for short, long, path, file in entries:
        name = short if repeated[short] == 1 else long
        if not os.path.isfile(path):
            skipped.append(Skipped(name, f"is missing ({path})"))
            continue
        paths[name] = path
        group = file.group or _group_of(path.name, manifest.group)
        if group:
            groups[name] = group
        if file.licence:
            credit = f" ({file.credit})" if file.credit else ""
            licences.append(f"{name}: {file.licence}{credit}")
    if not paths:
        raise InputError(_nothing(manifest, skipped))
    return DiskFiles(manifest.name, paths), skipped, groups, "; ".join(licences) or manifest.licence


def _own_file(text: str) -> tuple[Path, str] | None:
    """The .toml file and the part that a text names, if it does."""
    found = re.fullmatch(r"(.*\.toml)(?::([\w.-]+))?", text, re.IGNORECASE | re.DOTALL)
    return (Path(found[1]), found[2] or "") if found else None


def _listed(location: Location, manifest: Manifest, skipped: list[Skipped]) -> list[Entry]:
    """The files of a package or a folder, whether or not they are there."""
    base = _base(location, manifest)
    where = location.package or location.folder
    entries: list[Entry] = []
    if location.files:
        for file in location.files:
            path = base / file.path
            entries.append((path.name, f"{where}/{file.path}", path, file))
    else:
        kinds = {"sound": "waveform", "images": "pixels"}
        listed, left_out = list_folder(base, kinds.get(manifest.kind, "auto"))
        skipped += left_out
        for name, path in listed.paths.items():
            entries.append((name, f"{where}/{name}", path, ManifestFile(name)))
    if not manifest.part:
        return entries
    inside = [path.relative_to(base).as_posix() for _, _, path, _ in entries]
    pairs = zip(entries, inside, strict=True)
    return [entry for entry, name in pairs if matches(name, manifest.patterns)]


def _fetched(manifest: Manifest) -> list[Entry]:
    """The files of a download, in the order of their patterns and names."""
    receipt = find_receipt(manifest)
    if receipt is None:
        size = sum(location.bytes for location in manifest.locations)
        much = f" ({size / 1e6:,.0f} MB)" if size else ""
        raise InputError(
            f"{manifest.whole} is not here; spectra data fetch {_asked(manifest)}{much}, or with "
            "--from FOLDER where you have it"
        )
    names = receipt.names
    if manifest.part:
        names = [name for name in names if matches(name, manifest.patterns)]
    base = Path(receipt.place)
    return [(Path(name).name, name, base / name, ManifestFile(name)) for name in names]


def _asked(manifest: Manifest) -> str:
    """How a user names this manifest."""
    own = manifest.path.parent != manifest_folder()
    return str(manifest.path) if own else manifest.whole


def _group_of(name: str, pattern: str) -> str:
    found = re.search(pattern, name) if pattern else None
    return (found[1] or "") if found else ""


def _nothing(manifest: Manifest, skipped: list[Skipped]) -> str:
    if not skipped:
        return f"{manifest.path}: no file fits the part {manifest.part}; correct splits there"
    first = f"first: {skipped[0].name} {skipped[0].reason}"
    if is_fetched(manifest):
        mend = f"spectra data fetch {_asked(manifest)} brings them back"
        return f"{manifest.name}: none of its files is here ({first}); {mend}"
    mend = "correct the paths, or install another version of the package"
    return f"{manifest.path}: none of its files is here ({first}); {mend}"


def _base(location: Location, manifest: Manifest) -> Path:
    from importlib.util import find_spec

    if location.folder:
        folder = manifest.path.parent / user_path(location.folder)
        if not os.path.isdir(folder):  # of a name too long, Path raises
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
