"""Many image files as one set: what size and channels they share, and which can be read."""

import warnings

import numpy as np

from spectra.data.file_sets import FileSet
from spectra.data.folders import ImageFiles, Skipped
from spectra.data.image_store import ImageStore
from spectra.data.images import Header, UnreadableImage, read_header
from spectra.data.options import LEAST_SIDE, Options
from spectra.data.shown import shown
from spectra.data.views import (
    check_image_view,
    depth,
    image_quantum,
    image_spacing,
    resolve,
    unfit_files,
)
from spectra.errors import InputError

__all__ = ["open_images"]


def open_images(files: ImageFiles, skipped: list[Skipped], options: Options) -> FileSet:
    """Read the headers and settle the view. A file damaged behind its header is found on reading.

    Raises
    ------
    InputError
        No file can be used, or none has the size asked for; or a value range is given where not
        all of a file's bits are read.
    """
    check_image_view(options, files.label)
    headers, unreadable = _read_headers(files)
    tiny = {name: _tiny(header) for name, header in headers.items() if _tiny(header)}
    headers = {name: header for name, header in headers.items() if name not in tiny}
    if not headers:
        first = next(iter((unreadable | tiny).items()))
        count = len(unreadable) + len(tiny) + len(skipped)
        raise InputError(
            f"{files.label}: none of its {count} image files can be used "
            f"(first: {first[0]}: {first[1]}); give whole images of {LEAST_SIDE}x{LEAST_SIDE} or "
            "more"
        )
    remarks = _unread(headers, options, files.label)
    view = resolve(headers, options, files.label)
    unfit = tiny | unfit_files(headers, view)
    used = {name: header for name, header in headers.items() if name not in unfit}
    sizes = [(header.height, header.width) for header in used.values()]
    store = ImageStore(
        files,
        list(used),
        np.array(sizes, np.int64).reshape(-1, 2),
        np.array([depth(header) for header in used.values()], np.float32),
        view,
    )
    left_out = skipped + [Skipped(*entry) for entry in unreadable.items()]
    left_out += [Skipped(*entry, unfit=True) for entry in unfit.items()]
    left_out.sort(key=lambda entry: entry.name)
    quantum = image_quantum(list(used.values()), view)
    return FileSet("images", store, view, quantum, left_out, *image_spacing(view), remarks=remarks)


def _read_headers(files: ImageFiles) -> tuple[dict[str, Header], dict[str, str]]:
    """Headers of the files that have one, and why the others have not."""
    headers: dict[str, Header] = {}
    unreadable: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what cannot be read raises, what can needs no warning
        for name in shown(files.names, len(files.names), "headers"):
            try:
                with files.open(name) as file:
                    header = read_header(file)
            except UnreadableImage as error:
                unreadable[name] = str(error)
            except OSError as error:
                unreadable[name] = f"cannot be read ({error.strerror or error})"
            else:
                headers[name] = header
    return headers, unreadable


def _tiny(header: Header) -> str:
    """Why a picture is too small for any size; "" where it is not."""
    if min(header.height, header.width) >= LEAST_SIDE:
        return ""
    return f"is {header.height}x{header.width}, under the least side of {LEAST_SIDE} pixels"


def _unread(headers: dict[str, Header], options: Options, label: str) -> tuple[str, ...]:
    """What of the files is not read, a line each."""
    reduced = [name for name, header in headers.items() if header.reduced]
    if reduced and options.value_range is not None:
        raise InputError(
            f"{label}: {reduced[0]} stores 16 bits of each colour, of which the upper 8 are read, "
            "and value_range would be that of all 16; leave it out, or save the pictures as arrays "
            "(.npy)"
        )
    several = [name for name, header in headers.items() if header.several]
    kinds = (
        (reduced, "store 16 bits of each colour, of which the upper 8 are read"),
        (several, "hold several pictures (frames or pages), of which the first is read"),
    )
    return tuple(
        f"{label}: {len(found)} of {len(headers)} files {what} (first: {found[0]}); arrays (.npy) "
        "give all"
        for found, what in kinds
        if found
    )
