"""One file from the network, checked against its publisher's hash."""

from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from spectra.data.manifest import Location
from spectra.errors import InputError

__all__ = ["download", "file_name"]

BLOCK = 256 * 1024
TIMEOUT = 30  # seconds without a byte
UNKNOWN_LIMIT = 2**40  # bytes of a download whose size is not stated


def download(place: Location, work: Path, whose: str, progress: bool) -> Path:
    """Download one file into a folder, and keep it only if it has the published hash.

    Parameters
    ----------
    place
        With a hash.
    work
        The folder.
    whose
        The data set's name, for messages.
    progress
        Show bytes on stderr.

    Raises
    ------
    InputError
        The transfer fails, is cut short or too long, or the hash differs.
    """
    import logging

    import pooch
    import requests

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.ERROR)  # its messages are ours to give

    def transfer(fname: str, action: Any, pooch: Any, *, check_only: Any = None) -> None:
        try:
            _stream(fname, Path(action), place.bytes, f"{whose}: {fname}", progress)
        except (InputError, requests.exceptions.RequestException):
            raise
        except ValueError as error:  # of a host that can be none; pooch's own are of the hash
            raise requests.exceptions.InvalidURL(str(error)) from error

    try:
        return Path(
            pooch.retrieve(
                place.url,
                known_hash=place.hash,
                fname=file_name(place),
                path=work,
                downloader=transfer,
            )
        )
    except InputError:
        raise
    except requests.exceptions.RequestException as error:
        raise InputError(
            f"{whose}: {place.url} cannot be fetched ({_reason(error)}); try again later, "
            "or give --from FOLDER where you have it"
        ) from error
    except ValueError as error:
        raise InputError(
            f"{whose}: what {place.url} sent is not what the publisher's hash says "
            f"({place.hash[:19]}...); it was removed"
        ) from error
    finally:
        logger.setLevel(level)


def _stream(url: str, path: Path, size: int, what: str, progress: bool) -> None:
    """Write what a URL sends to a file, no more than its stated size, and all of it."""
    import requests
    from tqdm import tqdm

    # Without this header a server may unpack a .gz on the way, which changes its hash.
    headers = {"Accept-Encoding": "identity"}
    limit = size or UNKNOWN_LIMIT
    with (
        requests.get(url, stream=True, timeout=TIMEOUT, headers=headers) as response,
        open(path, "wb") as file,
    ):
        response.raise_for_status()
        packed = response.headers.get("Content-Encoding", "identity") != "identity"
        total = 0 if packed else int(response.headers.get("Content-Length") or 0)
        got = 0
        with tqdm(
            total=total or size or None,
            unit="B",
            unit_scale=True,
            desc=PurePosixPath(url).name,
            disable=not progress,
            leave=False,
        ) as bar:
            for block in response.iter_content(BLOCK):
                got += len(block)
                if got > limit:
                    raise InputError(f"{what} sends more than its {limit:,} bytes; it was removed")
                file.write(block)
                bar.update(len(block))
    if total and got != total:
        raise InputError(f"{what} broke off after {got:,} of {total:,} bytes; try again")


def _reason(error: Exception) -> str:
    """What went wrong with a transfer, without the inside of the libraries."""
    import requests

    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the transfer broke off"
    # A silence amid the body comes as a ConnectionError.
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
        return f"no byte for {TIMEOUT} seconds"
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return "it redirects without end"
    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    return " ".join(str(error).split())[:120] or type(error).__name__


def file_name(place: Location) -> str:
    """The name that a download has on disk."""
    name = PurePosixPath(unquote(urlsplit(place.url).path)).name
    return name if name and not name.startswith(".") else "download"
