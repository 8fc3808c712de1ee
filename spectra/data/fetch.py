"""Fetching data sets: downloaded and checked, or taken from a folder where a user has them."""

import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from pathlib import Path

from spectra.data.archives import Digest, is_archive, unpack
from spectra.data.downloads import download, file_name
from spectra.data.manifest import Location, Manifest, matches
from spectra.data.receipts import Receipt, find_receipt, set_folder, sources, write_receipt
from spectra.errors import InputError
from spectra.files import user_path
from spectra.folders import sole_user

__all__ = ["digest_file", "fetch"]

BLOCK = 256 * 1024
CHOOSE = "choose another --out, or set SPECTRA_DATA"


def fetch(
    manifest: Manifest,
    out: Path | None = None,
    folder: Path | None = None,
    progress: bool = False,
) -> Receipt:
    """Bring a manifest's files to this machine and note where they lie.

    Nothing is left behind of a download that breaks off or is not what the publisher's hash says.

    Parameters
    ----------
    manifest
        One whose files have a URL.
    out
        Where to put them, in a folder of the set's name; by default the data folder
        ($SPECTRA_DATA, or the platform's cache).
    folder
        Take them from here instead of the network: the published archives, which are checked
        and unpacked, or the files themselves, which stay where they are.
    progress
        Show bytes on stderr.

    Raises
    ------
    InputError
        No hash is published, the transfer fails or is cut short, the content differs from the
        hash, an archive is refused, the folder does not hold the set, or nothing can be written.
    """
    places = [location for location in manifest.locations if location.url]
    if not places:
        raise InputError(f"{manifest.name}: has no URL, so there is nothing to fetch")
    if folder is not None:
        folder = user_path(folder).absolute()
        if not folder.is_dir():
            raise InputError(f"{folder}: no such folder; --from needs one that holds the files")
        if not _packed(places, folder):
            if out is not None:
                raise InputError("--out is for downloads; files that --from names stay there")
            receipt = _adopt(manifest, places, folder)
            write_receipt(manifest, receipt)
            return receipt
    else:
        receipt = find_receipt(manifest)
        if receipt is not None and out is None and _all_there(receipt):
            return receipt
        for place in places:
            if not place.hash:
                raise InputError(
                    f"{manifest.whole}: no hash is published for {place.url}, so it is not "
                    "fetched; get it yourself and give --from FOLDER"
                )
    base = set_folder(manifest) if out is None else user_path(out).absolute() / manifest.whole
    try:
        receipt = _install(manifest, places, base, folder, progress)
        write_receipt(manifest, receipt)
        return receipt
    except InputError:
        raise
    except OSError as error:
        raise InputError(
            f"{base}: cannot be written ({error.strerror or error}); {CHOOSE}"
        ) from error


def digest_file(path: Path) -> Digest:
    """Size and sha256 of a file."""
    with open(path, "rb") as file:
        sha = hashlib.file_digest(file, "sha256").hexdigest()
        return file.tell(), sha


def _install(
    manifest: Manifest, places: list[Location], base: Path, folder: Path | None, progress: bool
) -> Receipt:
    """Download (or take from a folder), check and unpack; all of it or nothing."""
    with sole_user(base, CHOOSE):
        for left in base.glob(".part-*"):  # of a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=base) as work:
            new = Path(work) / "files"
            new.mkdir()
            files: dict[str, Digest] = {}
            for place in places:
                name = file_name(place)
                if folder is None:
                    got = download(place, Path(work), manifest.whole, progress)
                else:
                    got = folder / name
                    _check_published(got, place)
                if is_archive(name):
                    files |= unpack(got, new, lambda inside: _wanted(inside, manifest))
                else:
                    os.replace(got, new / name)
                    os.chmod(new / name, 0o644)
                    files[name] = digest_file(new / name)
                if folder is None:
                    got.unlink(missing_ok=True)
            if not files:
                raise InputError(
                    f"{manifest.path}: nothing in the download fits its splits or files; mend them"
                )
            if (base / "files").exists():
                os.replace(base / "files", Path(work) / "old")
            os.replace(new, base / "files")
    return Receipt(str(base / "files"), "publisher", sources(manifest), _in_order(files, manifest))


def _packed(places: list[Location], folder: Path) -> bool:
    """Whether a folder holds all the published archives themselves."""
    names = [file_name(place) for place in places]
    return all(is_archive(name) and (folder / name).is_file() for name in names)


def _adopt(manifest: Manifest, places: list[Location], folder: Path) -> Receipt:
    """The files in a user's folder, which stay there."""
    found: dict[str, Path] = {}
    for root, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for path in (Path(root, name) for name in sorted(names)):
            inside = path.relative_to(folder).as_posix()
            if _wanted(inside, manifest) and path.is_file():
                found[inside] = path
    if not found:
        wanted = ", ".join(_patterns(manifest)) or "any file"
        names = ", ".join(file_name(place) for place in places)
        raise InputError(
            f"{folder}: holds nothing of {manifest.whole} (looked for {wanted}, and for {names})"
        )
    single = [place for place in places if not is_archive(file_name(place))]
    for place in single:
        name = file_name(place)
        copies = [path for path in found.values() if path.name in (name, name.removesuffix(".gz"))]
        if not copies:
            raise InputError(f"{folder}: has no {name}, which {manifest.whole} needs")
        for path in copies:
            _check_published(path, place)
    try:
        files = {name: digest_file(path) for name, path in found.items()}
    except OSError as error:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from error
    origin = "publisher" if len(single) == len(places) else "user"
    return Receipt(str(folder), origin, sources(manifest), _in_order(files, manifest))


def _check_published(path: Path, place: Location) -> None:
    """Refuse a file that is not the published one, nor (of a .gz) of the same content."""
    if not place.hash:
        return
    kind, _, wanted = place.hash.partition(":")
    try:
        with open(path, "rb") as file:
            if hashlib.file_digest(file, kind).hexdigest() == wanted:
                return
        if place.content and f"sha256:{_content(path)}" == place.content:
            return
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    raise InputError(
        f"{path}: is not what the publisher's hash says ({place.hash[:19]}...); it is damaged, or "
        "another version"
    )


def _content(path: Path) -> str:
    """The sha256 of a file's content, unpacked where it is a .gz."""
    digest = hashlib.sha256()
    with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _patterns(manifest: Manifest) -> tuple[str, ...]:
    """Patterns of the names of all files of a set, in the publisher's order."""
    splits = [pattern for patterns in manifest.splits.values() for pattern in patterns]
    listed = [file.path for place in manifest.locations if place.url for file in place.files]
    return (*splits, *listed)


def _wanted(name: str, manifest: Manifest) -> bool:
    """Whether a file belongs to the set; hidden ones never do."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    return not hidden and matches(name, _patterns(manifest))


def _in_order(files: dict[str, Digest], manifest: Manifest) -> dict[str, Digest]:
    """Part after part, and by name within each."""
    patterns = _patterns(manifest)

    def place(name: str) -> tuple[int, str]:
        fits = [number for number, one in enumerate(patterns) if matches(name, (one,))]
        return (fits[0] if fits else len(patterns), name)

    return {name: files[name] for name in sorted(files, key=place)}


def _all_there(receipt: Receipt) -> bool:
    """Whether every file of a receipt is there, as it was fetched; sizes go first, being quick."""
    base = Path(receipt.place)
    try:
        sizes = ((name, size) for name, (size, _) in receipt.files.items())
        return all((base / name).stat().st_size == size for name, size in sizes) and all(
            digest_file(base / name) == digest for name, digest in receipt.files.items()
        )
    except OSError:
        return False
