"""Which of the files met in a folder or zip are read, and why the others are not."""

import os
from collections import Counter
from dataclasses import dataclass, field

from spectra.data.image_bytes import is_image
from spectra.data.options import SOUND_VIEWS
from spectra.errors import InputError

__all__ = ["Listing", "Skipped", "is_sound", "printable"]

AUDIO = (
    *(".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff", ".opus", ".m4a"),
    *(".au", ".snd", ".caf", ".w64"),
)
IMAGE = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
# A camera's raw file begins like a TIFF, and its first picture is a thumbnail.
RAW = (".dng", ".nef", ".cr2", ".arw", ".orf", ".pef", ".rw2", ".srw")
OTHER_IMAGE = (
    *(".heic", ".heif", ".avif", ".jp2", ".jxl", ".psd", ".exr", ".cr3", ".raf"),
    *(".pgm", ".ppm", ".pnm", ".pbm", ".tga"),
)
OTHER_SOUND = (".aac", ".wma", ".amr", ".ape", ".wv")


@dataclass(frozen=True)
class Skipped:
    """A file that was left out of a source, and why.

    Attributes
    ----------
    name, reason : str
    unfit : bool
        It is whole, but not what is asked for: of another size, rate or kind.
    """

    name: str
    reason: str
    unfit: bool = False


def is_sound(head: bytes, suffix: str) -> bool:
    """Whether a file of these first bytes is sound; of bare MPEG frames the name must say so."""
    return (
        # AU, CAF and W64 have their last three
        head.startswith((b"fLaC", b"OggS", b"ID3", b".snd", b"caff\0\1", b"riff\x2e\x91\xcf\x11"))
        or (head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE")
        or (head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"))
        or (suffix == ".mp3" and head[:1] == b"\xff" and len(head) > 1 and head[1] >= 0xE0)
    )


@dataclass
class Listing:
    """What was met while looking for images and sounds: taken, skipped, and for the error."""

    label: str
    skipped: list[Skipped] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    sounds: list[str] = field(default_factory=list)
    suffixes: Counter[str] = field(default_factory=Counter)

    def meet(self, name: str, head: bytes) -> None:
        """Sort a file by its first bytes; one of either kind by its name only is skipped."""
        suffix = _suffix(name)
        self.suffixes[suffix or "no suffix"] += 1
        if suffix in RAW + OTHER_IMAGE:
            reason = f"{suffix[1:].upper()} is not read; convert it to PNG, TIFF or JPEG"
            self.skipped.append(Skipped(name, reason))
        elif suffix in OTHER_SOUND:
            reason = f"{suffix[1:].upper()} is not read; convert it to WAV or FLAC"
            self.skipped.append(Skipped(name, reason))
        elif is_image(head):
            self.images.append(name)
        elif is_sound(head, suffix):
            self.sounds.append(name)
        elif suffix in IMAGE + AUDIO:
            kind = "image" if suffix in IMAGE else "sound that is read"
            reason = f"is no {kind}, whatever its name says" if head else "is empty"
            self.skipped.append(Skipped(name, reason))

    def unreadable(self, name: str, reason: str) -> None:
        """A file that cannot be opened; a loss where its name says it is of either kind."""
        if _suffix(name) in IMAGE + AUDIO:
            self.skipped.append(Skipped(name, reason))

    def chosen(self, view: str) -> tuple[str, list[str]]:
        """The kind that is read, and the files of it; those of the other kind are skipped."""
        sound = view in SOUND_VIEWS or (view == "auto" and not self.images and bool(self.sounds))
        taken, left = (self.sounds, self.images) if sound else (self.images, self.sounds)
        if not taken:
            raise InputError(f"{self.label}: {self._nothing(sound, left)}")
        if sound:
            reason = f"is an image, not sound (view {'waveform' if view == 'auto' else view})"
        else:
            reason = "is sound, not an image (view pixels)"
        self.skipped += [Skipped(name, reason, unfit=True) for name in left]
        self.skipped.sort(key=lambda entry: entry.name)
        return ("sound" if sound else "images"), taken

    def _nothing(self, sound: bool, others: list[str]) -> str:
        if others and sound:
            return f"holds images ({len(others)} files) and no sound; use --view pixels"
        if others:
            return (
                f"holds sound ({len(others)} files) and no images; use --view waveform or log-mel"
            )
        if self.skipped:
            first = self.skipped[0]
            return (
                f"none of its {len(self.skipped)} image or sound files can be read "
                f"(first: {first.name}: {first.reason}); save them again as PNG or JPEG, WAV or "
                "FLAC"
            )
        if not self.suffixes:
            return "is empty; give a folder or zip that holds images or sound"
        common = ", ".join(f"{count} {suffix}" for suffix, count in self.suffixes.most_common(4))
        return (
            f"holds no images and no sound (found {common}); give a folder or zip of JPEG, PNG, "
            "WebP, TIFF, BMP or GIF files, or WAV, FLAC, Ogg or MP3, or an array file by its own "
            "name"
        )


def printable(name: str) -> str:
    """A name on one line that any encoding takes; what cannot be shown is written as its code."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()
