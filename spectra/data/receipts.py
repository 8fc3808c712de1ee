"""What has been fetched, and where it lies: one receipt for each data set."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from spectra.data.manifest import Manifest
from spectra.errors import InputError
from spectra.files import user_path, write_json

__all__ = ["Receipt", "data_folder", "find_receipt", "set_folder", "write_receipt"]

FOLDER_VARIABLE = "SPECTRA_DATA"
FORMAT = 1


@dataclass(frozen=True)
class Receipt:
    """A data set on this machine.

    Attributes
    ----------
    place
        The folder that its files lie in, absolute.
    origin
        "publisher" (downloaded, or packed as published, and of the published hash) or "user" (a
        folder that was named; its hashes are those it had then).
    sources
        Address and published hash of all that the files come from.
    files
        For each name, with forward slashes: size in bytes and sha256.
    """

    place: str
    origin: str
    sources: tuple[tuple[str, str], ...]
    files: Mapping[str, tuple[int, str]]

    @property
    def names(self) -> list[str]:
        """Names of the files, in order."""
        return list(self.files)


def data_folder() -> Path:
    """Where fetched data go: $SPECTRA_DATA, or the platform's cache folder for spectra."""
    own = os.environ.get(FOLDER_VARIABLE)
    if own:
        return user_path(own).absolute()
    import pooch

    return Path(pooch.os_cache("spectra"))


def set_folder(manifest: Manifest) -> Path:
    """The folder of one data set inside the data folder."""
    return data_folder() / manifest.whole


def find_receipt(manifest: Manifest) -> Receipt | None:
    """What was fetched for this manifest; None where nothing was, or another version of it.

    Raises
    ------
    InputError
        The receipt is damaged.
    """
    path = _path(manifest)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _damaged(manifest) from error
    try:
        receipt = Receipt(
            str(content["place"]),
            str(content["origin"]),
            tuple((str(url), str(hash_)) for url, hash_ in content["sources"]),
            {str(name): (int(size), str(sha)) for name, (size, sha) in content["files"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(manifest) from error
    if content.get("format") != FORMAT or receipt.sources != sources(manifest):
        return None
    return receipt


def write_receipt(manifest: Manifest, receipt: Receipt) -> None:
    """Put a receipt where `find_receipt` looks, whole or not at all."""
    write_json(_path(manifest), {"format": FORMAT, "name": manifest.whole} | asdict(receipt))


def sources(manifest: Manifest) -> tuple[tuple[str, str], ...]:
    """Address and published hash of every download of a manifest."""
    return tuple((place.url, place.hash) for place in manifest.locations if place.url)


def _path(manifest: Manifest) -> Path:
    return set_folder(manifest) / "receipt.json"


def _damaged(manifest: Manifest) -> InputError:
    return InputError(
        f"{_path(manifest)}: not a readable receipt; delete it and spectra data fetch "
        f"{manifest.whole}"
    )
