"""What `spectra data` does: list, show, fetch and verify the data sets of manifests.

Every function returns (numbers for --json, text for people).
"""

import sys
from pathlib import Path
from typing import Any

from spectra.data.fetch import fetch as bring
from spectra.data.manifests import (
    Manifest,
    is_fetched,
    list_manifests,
    load_manifest,
    locate,
)
from spectra.data.receipts import data_folder, find_receipt
from spectra.data.verify import verify as check
from spectra.errors import InputError

__all__ = ["run"]

SHOWN = 5  # problems named in text

Result = tuple[dict[str, Any], str]


def run(action: str, name: str | None, out: Path | None, folder: Path | None) -> Result:
    """Do one action of `spectra data`.

    Parameters
    ----------
    action
        "list", "show", "fetch" or "verify".
    name
        A manifest's name, or a .toml file; for all actions but "list".
    out, folder
        Of "fetch": where to put the files, and where to take them from.

    Raises
    ------
    InputError
        A name is missing or too much, or as the action itself raises.
    """
    if action != "fetch" and (out is not None or folder is not None):
        raise InputError("--out and --from are for spectra data fetch")
    if action == "list":
        if name is not None:
            raise InputError(f"data list takes no name; spectra data show {name} shows one")
        return _list()
    if name is None:
        raise InputError(f"data {action} needs a name; choose from {', '.join(list_manifests())}")
    manifest = load_manifest(name)
    if action == "show":
        return _show(manifest)
    if action == "verify":
        return _verify(manifest)
    return _fetch(manifest, out, folder)


def _list() -> Result:
    rows = [_row(load_manifest(name)) for name in list_manifests()]
    wide = max(len(row["name"]) for row in rows)
    lines = []
    for row in rows:
        state = f"{row['where']:8}  {_amount(row):>9}"
        lines.append(f"{row['name']:{wide}}  {row['kind']:7}  {state}  {row['title']}")
    return {"data": rows, "folder": str(data_folder())}, "\n".join(lines)


def _row(manifest: Manifest) -> dict[str, Any]:
    """One line of the list."""
    receipt = find_receipt(manifest) if is_fetched(manifest) else None
    if not is_fetched(manifest):
        where, files = "embedded", sum(len(place.files) for place in manifest.locations)
    elif receipt is not None:
        where, files = "here", len(receipt.files)
    else:
        where, files = "to fetch", None
    return {
        "name": manifest.name,
        "kind": manifest.kind,
        "title": manifest.title,
        "where": where,
        "files": files,
        "bytes": sum(place.bytes for place in manifest.locations) or None,
    }


def _amount(row: dict[str, Any]) -> str:
    """Files where they are here, bytes where they are to be fetched."""
    if row["files"] is None:
        return f"{row['bytes'] / 1e6:,.0f} MB" if row["bytes"] else ""
    return _count(row["files"], "file")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _show(manifest: Manifest) -> Result:
    row = _row(manifest)
    receipt = find_receipt(manifest) if is_fetched(manifest) else None
    numbers = row | {
        "licence": manifest.licence,
        "citation": manifest.citation,
        "value_range": manifest.options.get("value_range"),
        "options": dict(manifest.options),
        "example_shape": list(manifest.example_shape) or None,
        "label": manifest.label or None,
        "label_bytes": manifest.label_bytes,
        "splits": {part: list(patterns) for part, patterns in manifest.splits.items()},
        "group": manifest.group,
        "manifest": str(manifest.path),
        "place": receipt.place if receipt else None,
        "origin": receipt.origin if receipt else None,
        "locations": [
            {
                "package": place.package or None,
                "folder": place.folder or None,
                "url": place.url or None,
                "hash": place.hash or None,
                "bytes": place.bytes or None,
                "files": [vars(file) for file in place.files],
            }
            for place in manifest.locations
        ],
    }
    lines = [f"{manifest.name}: {manifest.title}"]
    lines += [
        f"  {label:9} {text}"
        for label, text in (
            ("kind", manifest.kind),
            ("licence", manifest.licence),
            ("citation", manifest.citation),
            ("range", _range(manifest)),
            ("label", manifest.label and f"the {manifest.label} value of a row"),
            ("parts", ", ".join(f"{manifest.whole}:{part}" for part in manifest.splits)),
            ("where", f"{row['where']}{f', {receipt.place}' if receipt else ''}"),
        )
        if text
    ]
    lines += [f"  {'from':9} {_origin(place)}" for place in manifest.locations]
    for place in manifest.locations:
        lines += [
            f"    {file.path}: {file.licence}{f' ({file.credit})' if file.credit else ''}"
            for file in place.files
            if file.licence
        ]
    return numbers, "\n".join(lines)


def _range(manifest: Manifest) -> str:
    stated = manifest.options.get("value_range")
    return f"{stated[0]:g} to {stated[1]:g}" if stated else ""


def _origin(place: Any) -> str:
    if place.url:
        size = f", {place.bytes / 1e6:,.1f} MB" if place.bytes else ""
        return f"{place.url}{size}, {place.hash or 'no hash published'}"
    if place.package:
        return (
            f"the package {place.distribution or place.package}, {_count(len(place.files), 'file')}"
        )
    return f"the folder {place.folder}"


def _fetch(manifest: Manifest, out: Path | None, folder: Path | None) -> Result:
    if not is_fetched(manifest):
        if out is not None or folder is not None:
            raise InputError(
                f"{manifest.name}: comes with a package; leave --out and --from out, nothing is to "
                "be fetched"
            )
        files = locate(manifest)[0]
        numbers = {"name": manifest.name, "files": len(files.paths), "origin": "embedded"}
        return (
            numbers,
            f"{manifest.name}: nothing to fetch, {_count(len(files.paths), 'file')} here",
        )
    receipt = bring(manifest, out, folder, progress=sys.stderr.isatty())
    size = sum(size for size, _ in receipt.files.values())
    numbers = {
        "name": manifest.whole,
        "files": len(receipt.files),
        "bytes": size,
        "place": receipt.place,
        "origin": receipt.origin,
    }
    checked = (
        "as its publisher's hash says"
        if receipt.origin == "publisher"
        else "as they are there, not compared with the publisher's"
    )
    count = _count(len(receipt.files), "file")
    return numbers, (
        f"{manifest.whole}: {count}, {size / 1e6:,.1f} MB in {receipt.place}, {checked}\n"
        f"licence: {manifest.licence}"
    )


def _verify(manifest: Manifest) -> Result:
    found = check(manifest)
    if found.problems:
        first = "; ".join(f"{one.name} {one.reason}" for one in found.problems[:SHOWN])
        more = len(found.problems) - SHOWN
        packed = any(place.package for place in manifest.locations)
        mend = "install its package again" if packed else "mend the files or take them away"
        mend = "fetch it again" if is_fetched(manifest) else mend
        raise InputError(
            f"{manifest.name}: {len(found.problems)} of {_count(found.files, 'file')} not right "
            f"({first}{f'; and {more} more' if more > 0 else ''}); {mend}"
        )
    numbers = {
        "name": manifest.name,
        "files": found.files,
        "examples": found.examples,
        "hashed": found.hashed,
        "problems": [],
    }
    hashes = "of the hash they were fetched with" if found.hashed else "no hashes to compare"
    return numbers, (
        f"{manifest.name}: {_count(found.files, 'file')} there, {hashes}; "
        f"{_count(found.examples, 'example')} decoded"
    )
