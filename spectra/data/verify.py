"""Checking that a data set is whole: every file there, of its hash, and decodable."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spectra.data.fetch import digest_file
from spectra.data.folders import DiskFiles, Skipped
from spectra.data.manifest import Manifest
from spectra.data.manifests import is_fetched, locate
from spectra.data.openers import open_source
from spectra.data.receipts import find_receipt
from spectra.data.sound_store import opened_file
from spectra.data.sounds import UnreadableSound

__all__ = ["Verified", "verify"]

# The smallest crop of the middle decodes a picture whole, and keeps next to nothing of it; sound
# is decoded only where it is read, so all of it is.
PICTURE: dict[str, Any] = {"size": 4, "crop": "center"}
SOUND: dict[str, Any] = {"view": "waveform", "size": 256, "crop": "patches"}
BATCH = 256


@dataclass(frozen=True)
class Verified:
    """What a check found.

    Attributes
    ----------
    files
        Files looked at.
    examples
        Files or examples decoded.
    hashed
        Whether there were hashes to compare with.
    problems
        What is missing, changed or damaged, with reasons.
    """

    files: int
    examples: int
    hashed: bool
    problems: tuple[Skipped, ...]


def verify(manifest: Manifest) -> Verified:
    """Look at every file of a data set: is it there, is it as it was fetched, can it be decoded.

    Raises
    ------
    InputError
        Nothing of it is here.
    """
    files, missing, _, _ = locate(manifest)
    problems = [item for item in missing if not item.unfit]
    receipt = find_receipt(manifest) if is_fetched(manifest) else None
    if receipt is not None:
        base = Path(receipt.place)
        known = {base / name: digest for name, digest in receipt.files.items()}
        for name, path in files.paths.items():
            if path in known and digest_file(path) != known[path]:
                problems.append(Skipped(name, "has changed since it was fetched"))
    source = open_source(manifest, **(SOUND if manifest.kind == "sound" else PICTURE))
    found = {problem.name for problem in problems}
    # Of another rate or length than most is whole all the same.
    whole = [item for item in source.skipped if item.unfit]
    problems += _undecodable(files, whole) if manifest.kind == "sound" else []
    problems += [item for item in source.skipped if not item.unfit and item.name not in found]
    decoded = sum(len(batch) for batch in source.batches(BATCH))
    problems += [Skipped(name, reason) for name, reason in source.damage.items()]
    count = len(files.paths) + len(missing)
    return Verified(count, decoded, receipt is not None, tuple(problems))


def _undecodable(files: DiskFiles, left_out: list[Skipped]) -> list[Skipped]:
    """Sounds that cannot be decoded, of those that no view reads together with the others."""
    damaged = []
    for item in left_out:
        if item.name not in files.paths:  # of another kind
            continue
        try:
            with opened_file(files, item.name) as opened:
                for _ in opened.blocks(0, opened.header.frames):
                    pass
        except UnreadableSound as error:
            damaged.append(Skipped(item.name, str(error)))
    return damaged
