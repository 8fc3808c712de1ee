"""Folders, zips and single files: what is found, what is skipped, what is refused."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spectra import analyze
from spectra.data import Skipped, open_source
from spectra.data.listing import is_sound
from spectra.errors import InputError

Write = Callable[..., Path]
Picture = Callable[..., np.ndarray]


def refusal(source: object, **options: object) -> str:
    """The one line a user sees."""
    with pytest.raises(InputError) as caught:
        open_source(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_nested_class_folders_by_content(write: Write, picture: Picture) -> None:
    folder = write("b/two.jpeg", picture(16, 16, 3))
    write("a/one.png", picture(16, 16, 3, seed=1))
    write("a/deep/er/three.bmp", picture(16, 16, 3, seed=2))
    (folder / "a/one.png").rename(folder / "a/without suffix")
    (folder / "b/two.jpeg").rename(folder / "b/two.png")  # a JPEG of the wrong name
    (folder / "labels.csv").write_text("a,b\n")
    (folder / "a/._one.png").write_bytes(b"\0\5\26\7resource fork")
    (folder / ".thumbnails").mkdir()
    write(".thumbnails/small.png", picture(16, 16))
    write("__MACOSX/x.png", picture(16, 16))
    source = open_source(folder)
    assert source.files == ["a/deep/er/three.bmp", "a/without suffix", "b/two.png"]
    assert source.skipped == []
    assert source.shape == (3, 16, 16)
    assert source.name == "pictures"
    assert source.kind == "images"


def test_damaged_and_foreign_files_are_skipped_and_listed(write: Write, picture: Picture) -> None:
    for number in range(5):
        folder = write(f"good{number}.jpg", picture(32, 32, 3, seed=number))
    whole = (folder / "good0.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").write_bytes(b"")
    (folder / "page.jpg").write_text("<html>404</html>")
    (folder / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "camera.nef").write_bytes(b"MM\0*" + bytes(100))
    write("dot.png", picture(1, 1))
    write("float.tif", picture(32, 32).astype(np.float32))
    source = open_source(folder)
    assert source.files == ["cut.jpg", *(f"good{number}.jpg" for number in range(5))]
    reasons = {skip.name: skip.reason for skip in source.skipped}
    assert sorted(reasons) == sorted(
        ["empty.png", "page.jpg", "phone.heic", "camera.nef", "dot.png", "float.tif"]
    )
    assert source.damage == {}  # nothing has been decoded yet
    assert sum(len(batch) for batch in source.batches(4)) == 5
    assert list(source.damage) == ["cut.jpg"]
    assert "truncated" in source.damage["cut.jpg"]
    assert reasons["empty.png"] == "is empty"
    assert "1x1" in reasons["dot.png"]
    assert "HEIC" in reasons["phone.heic"]
    assert "save as .npy" in reasons["float.tif"]
    assert isinstance(source.skipped[0], Skipped)


def test_none_readable(write: Write, picture: Picture) -> None:
    folder = write("a.png", picture(16, 16))
    (folder / "a.png").write_bytes((folder / "a.png").read_bytes()[:20])
    (folder / "b.png").write_bytes(b"")
    message = refusal(folder)
    assert str(folder) in message
    assert "none of its 2 image files" in message
    assert "a.png" in message
    (folder / "a.png").write_bytes(b"")
    message = refusal(folder)
    assert "none of its 2 image or sound files can be read (first: a.png: is empty)" in message


def test_only_tiny_images(write: Write, picture: Picture) -> None:
    assert "1x1" in refusal(write("a.png", picture(1, 1)))


def test_folders_without_images(tmp_path: Path) -> None:
    assert "is empty" in refusal(tmp_path)
    (tmp_path / "notes.txt").write_text("nothing to see")
    assert "no images and no sound (found 1 .txt)" in refusal(tmp_path)
    (tmp_path / "notes.txt").rename(tmp_path / "speech.flac")
    assert "speech.flac: is no sound that is read" in refusal(tmp_path)
    assert "no file of a kind that is read" in refusal(tmp_path / "speech.flac")


def test_what_does_not_exist(tmp_path: Path) -> None:
    assert "did you mean photos?" in refusal("fotos")
    assert "digits, " in refusal("fotos")
    assert str(tmp_path / "nowhere") in refusal(tmp_path / "nowhere")
    assert "cannot be a int" in refusal(3)


def test_file_of_no_known_kind(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(b"something else")
    assert "no file of a kind that is read" in refusal(path)


def test_single_image(write: Write, picture: Picture) -> None:
    folder = write("only.png", picture(20, 24))
    source = open_source(folder / "only.png")
    assert source.files == ["only.png"]
    assert source.shape == (1, 20, 24)
    assert len(source) == 1
    with pytest.raises(InputError, match="at least 2 files"):
        source.split()
    data = (folder / "only.png").read_bytes()
    (folder / "only.png").write_bytes(data[: len(data) // 2])
    assert "only.png " in refusal(folder / "only.png")


def test_links_are_followed_once(write: Write, picture: Picture) -> None:
    folder = write("real/a.png", picture(16, 16))
    os.symlink(folder / "real", folder / "real" / "loop")
    os.symlink(folder / "real/a.png", folder / "linked.png")
    assert open_source(folder).files == ["linked.png", "real/a.png"]


def pack(path: Path, folder: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


def test_zip_reads_as_its_folder(write: Write, picture: Picture, tmp_path: Path) -> None:
    for number in range(4):
        folder = write(f"class{number % 2}/{number}.png", picture(16, 20, 3, seed=number))
    write("__MACOSX/class0/._0.png", picture(16, 20))
    source = open_source(pack(tmp_path / "set.zip", folder))
    before = set(tmp_path.rglob("*"))
    plain = open_source(folder)
    assert source.files == plain.files
    assert source.name == "set"
    np.testing.assert_array_equal(source.examples(range(4)), plain.examples(range(4)))
    assert set(tmp_path.rglob("*")) == before  # nothing is unpacked
    elsewhere = (tmp_path / "set.zip").rename(tmp_path / "moved.zip")
    assert open_source(elsewhere).fingerprint == source.fingerprint


def test_zip_members_that_cannot_be_read(
    write: Write, picture: Picture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write("good.png", picture(16, 16))
    path = pack(tmp_path / "set.zip", folder)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("cut.png", (folder / "good.png").read_bytes()[:20])
        archive.writestr("huge.png", bytes(5000))
        archive.writestr("locked.png", (folder / "good.png").read_bytes())
    data = bytearray(path.read_bytes())
    # The encryption bit, in the member's own header and in the directory.
    data[data.index(b"locked.png") - 30 + 6] |= 1
    data[data.rindex(b"locked.png") - 46 + 8] |= 1
    path.write_bytes(data)
    monkeypatch.setattr("spectra.data.folders.MEMBER_LIMIT", 4000)
    source = open_source(path)
    assert source.files == ["good.png"]
    reasons = {skip.name: skip.reason for skip in source.skipped}
    assert "over the limit" in reasons["huge.png"]
    assert "encrypted" in reasons["locked.png"]
    assert set(reasons) == {"cut.png", "huge.png", "locked.png"}


def test_zip_members_of_odd_names(write: Write, picture: Picture, tmp_path: Path) -> None:
    """Nothing is unpacked, so no name is a danger; one with ".." was taken for a hidden file."""
    folder = write("a.png", picture(16, 16))
    names = ["../b.png", "/a.png", "c\\d.png", "x/../../y.png"]
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in [*names, ".hidden.png", "x/.hidden/a.png", "__MACOSX/a.png"]:
            archive.writestr(name, (folder / "a.png").read_bytes())
    assert open_source(path).files == names


def test_zip_with_damaged_member(picture: Picture, tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(picture(128, 128)).save(file, "PNG")
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", file.getvalue())
        archive.writestr("b.png", file.getvalue())
    data = bytearray(path.read_bytes())
    data[data.index(b"b.png", 500) + 300] ^= 255  # its checksum no longer fits
    path.write_bytes(data)
    source = open_source(path)
    assert [len(batch) for batch in source.batches(1)] == [1]
    assert "cannot be unpacked" in source.damage["b.png"]


def test_bomb_in_a_folder_is_skipped(write: Write, picture: Picture, monkeypatch) -> None:
    folder = write("a.png", picture(16, 16))
    write("bomb.png", picture(64, 64))
    monkeypatch.setattr("spectra.data.images.MOST_PIXELS", 500)
    source = open_source(folder)
    assert source.files == ["a.png"]
    assert "has 4,096 pixels, too many" in source.skipped[0].reason


def test_unreadable_zips(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(b"PK\3\4 and then nothing")
    assert "not a readable zip" in refusal(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "no pictures")
    assert "no images and no sound (found 1 .txt)" in refusal(path)
    with zipfile.ZipFile(path, "w"):
        pass
    assert "is empty" in refusal(path)


def test_many_files_show_a_bar_only_to_a_terminal(
    write: Write, picture: Picture, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    for number in range(3):
        folder = write(f"{number}.png", picture(8, 8, seed=number))
    monkeypatch.setattr("spectra.data.shown.SHOWN_FROM", 2)
    open_source(folder)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    open_source(folder)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "headers" in shown.err


def clip(path: Path, seconds: float = 1.0, rate: int = 8000) -> None:
    """A second of noise as WAV."""
    import wave

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = np.random.default_rng(0).integers(-9000, 9000, int(seconds * rate), np.int16)
        file.writeframes(samples.astype("<i2").tobytes())


@pytest.mark.parametrize("packed", [False, True])
def test_kind_follows_the_content_and_the_view(
    write: Write, picture: Picture, tmp_path: Path, packed: bool
) -> None:
    def place(folder: Path) -> Path:
        return pack(tmp_path / f"{folder.name}.zip", folder) if packed else folder

    sounds = tmp_path / "sounds"
    sounds.mkdir()
    for name in ("a.wav", "b.bin"):
        clip(sounds / name)
    source = open_source(place(sounds))
    assert (source.kind, source.files) == ("sound", ["a.wav", "b.bin"])
    assert source.settings["view"] == "waveform"
    assert source.spacing == (1 / 8000,)
    message = refusal(place(sounds), view="pixels")
    assert "holds sound (2 files) and no images; use --view waveform or log-mel" in message
    folder = write("a.png", picture(16, 16))
    assert "holds images (1 files) and no sound" in refusal(place(folder), view="waveform")
    clip(folder / "tune.wav")
    mixed = open_source(place(folder))
    assert (mixed.kind, mixed.files) == ("images", ["a.png"])
    assert mixed.skipped == [Skipped("tune.wav", "is sound, not an image (view pixels)", True)]
    heard = open_source(place(folder), view="waveform")
    assert (heard.kind, heard.files) == ("sound", ["tune.wav"])
    assert heard.skipped == [Skipped("a.png", "is an image, not sound (view waveform)", True)]
    assert open_source(folder / "tune.wav").kind == "sound"
    assert "has no view pixels" in refusal(folder / "tune.wav", view="pixels")
    assert "have no view log-mel" in refusal(folder / "a.png", view="log-mel")


@pytest.mark.parametrize(
    ("head", "name", "sound"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "x", True),
        (b"RF64\xff\xff\xff\xffWAVEds64", "x", True),
        (b"RIFF\0\0\0\0WEBPVP8 ", "x", False),
        (b"fLaC\0\0\0\x22", "x", True),
        (b"OggS\0\2", "x", True),
        (b"FORM\0\0\0\0AIFFCOMM", "x", True),
        (b"FORM\0\0\0\0ILBMBMHD", "x", False),
        (b"ID3\4\0", "x", True),
        (b"\xff\xfb\x90\x64", "x.mp3", True),
        (b"\xff\xfb\x90\x64", "x.dat", False),
        (b"\xff\xd8\xff\xe0", "x.mp3", False),
        (b"\xff", "x.mp3", False),
        (b"", "x.mp3", False),
    ],
)
def test_sounds_are_known_by_their_first_bytes(head: bytes, name: str, sound: bool) -> None:
    assert is_sound(head, Path(name).suffix) == sound


def test_a_file_of_sound_by_name_only_is_listed(tmp_path: Path) -> None:
    clip(tmp_path / "a.wav")
    (tmp_path / "b.flac").write_bytes(b"")
    (tmp_path / "c.mp3").write_text("<html>404</html>")
    source = open_source(tmp_path)
    reasons = {skip.name: skip.reason for skip in source.skipped}
    assert reasons == {
        "b.flac": "is empty",
        "c.mp3": "is no sound that is read, whatever its name says",
    }


def test_files_that_look_lost_are_listed(write: Write, picture: Picture) -> None:
    for number in range(6):
        folder = write(f"good{number}.png", picture(16, 16, seed=number))
    (folder / "gone.jpg").symlink_to("/nowhere/gone.jpg")
    (folder / "notes").symlink_to("/nowhere/notes")
    (folder / "old.pgm").write_bytes(b"P5 4 4 255\n" + bytes(16))
    (folder / "song.wma").write_bytes(b"\x30\x26\xb2\x75")
    source = open_source(folder)
    assert {item.name: item.reason for item in source.skipped} == {
        "gone.jpg": "is a link to what is not there",
        "old.pgm": "PGM is not read; convert it to PNG, TIFF or JPEG",
        "song.wma": "WMA is not read; convert it to WAV or FLAC",
    }
    for path in folder.glob("good*"):
        path.unlink()
    assert "none of its 3 image or sound files can be read (first: gone.jpg" in refusal(folder)


def test_names_that_look_alike_are_two_files(write: Write, picture: Picture) -> None:
    folder = write("a\nb.png", picture(16, 16))
    write("a\\nb.png", picture(16, 16, seed=1))
    source = open_source(folder)
    assert source.files == ["a\\nb (2).png", "a\\nb.png"] or len(set(source.files)) == 2
    assert len(np.unique(source.examples([0, 1]), axis=0)) == 2


def test_pictures_too_small_are_whole(write: Write, picture: Picture) -> None:
    for number in range(3):
        folder = write(f"good{number}.png", picture(16, 16, seed=number))
    for number in range(5):
        write(f"dot{number}.gif", picture(1, 1))
    source = open_source(folder)
    assert [item.unfit for item in source.skipped] == [True] * 5
    assert "under the least side" in source.skipped[0].reason
    assert analyze(source).n_files == 3


def test_a_name_in_the_style_of_idx_is_no_array(write: Write, picture: Picture) -> None:
    folder = write("scan_idx3.png", picture(16, 16))
    assert open_source(folder / "scan_idx3.png").kind == "images"
    with zipfile.ZipFile(folder / "train-idx1.zip", "w") as archive:
        archive.write(folder / "scan_idx3.png", "ims/a.png")
    assert open_source(folder / "train-idx1.zip").kind == "images"


def test_a_folder_named_with_a_tilde_is_that_folder(
    write: Write, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write("~pix/a.png", picture(16, 16))
    monkeypatch.chdir(folder)
    assert open_source("~pix").name == "~pix"
    assert "no such file or folder" in refusal("~nobody-of-this-name")
    monkeypatch.setenv("HOME", str(folder))
    assert open_source("~/~pix").name == "~pix"
