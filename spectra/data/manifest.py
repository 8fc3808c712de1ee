"""What a data manifest says: where a data set lies, and whose it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

__all__ = ["Location", "Manifest", "ManifestFile", "matches"]


@dataclass(frozen=True)
class ManifestFile:
    """One file of a data set.

    Attributes
    ----------
    path
        Relative to the package or folder it lies in; of a download, a pattern such as
        ``train/*.jpg``, which fits at any depth.
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
    """A place that holds files: an installed package, a folder beside the manifest, or a URL.

    Attributes
    ----------
    files
        Those meant; none means all the images of a folder, all files of a download.
    package, distribution
        An importable package, and what pip calls it.
    folder
        Relative to the manifest.
    url
        An http or https address of one file or archive (.zip, .tar, .tar.gz, .tgz, ...).
    hash, bytes
        The publisher's "sha256:..." or "md5:..." of what the URL holds, and its size; "" and 0
        where none is published.
    content
        The "sha256:..." of a .gz file unpacked, which other copies of it share.
    """

    files: tuple[ManifestFile, ...] = ()
    package: str = ""
    distribution: str = ""
    folder: str = ""
    url: str = ""
    hash: str = ""
    bytes: int = 0
    content: str = ""


@dataclass(frozen=True)
class Manifest:
    """What a manifest file says.

    Attributes
    ----------
    name, title, licence, citation
        Text. The name of a part is that of the whole and of the part, "cifar10:test".
    kind
        "images" or "sound" (files or whole folders), "array" or "fields" (one array file),
        "table" (one file of comma-separated values, an example of shape `example_shape` in each
        row), "idx" (idx files of one shape) or "records" (binary files of `label_bytes` and an
        example of bytes of shape `example_shape`, again and again).
    example_shape, label_bytes, label
        Of tables and records; a table's label is the "first" value of a row, the "last", or "".
    locations
        Where the files are.
    options
        Defaults for the options of `open_source`, and the value range where one is stated.
    path
        The manifest file itself.
    splits
        The publisher's parts, as patterns of file names each; the whole is all of them.
    group
        A pattern of file names whose first bracket names the group, such as the speaker.
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
    label_bytes: int = 0
    label: str = ""
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    group: str = ""

    @property
    def whole(self) -> str:
        """The name without that of a part."""
        return self.name.partition(":")[0]

    @property
    def part(self) -> str:
        """The publisher's part that is meant, or "" for the whole."""
        return self.name.partition(":")[2]

    @property
    def patterns(self) -> tuple[str, ...]:
        """Patterns of the names of the files meant; none means all of them."""
        if self.part:
            return self.splits[self.part]
        return tuple(pattern for patterns in self.splits.values() for pattern in patterns)


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Whether a name with forward slashes fits one of the patterns, at any depth; none fits all."""
    return not patterns or any(PurePosixPath(name).match(pattern) for pattern in patterns)
