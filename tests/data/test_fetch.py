"""Fetching: what arrives is what was published, or nothing stays; archives stay in their folder."""

import contextlib
import gzip
import hashlib
import http.server
import io
import os
import shutil
import stat
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from spectra.data import open_source
from spectra.data.archives import unpack
from spectra.data.fetch import fetch
from spectra.data.manifests import list_manifests, load_manifest
from spectra.data.receipts import data_folder, find_receipt
from spectra.data.verify import verify
from spectra.errors import InputError

Serve = Callable[[str, bytes], str]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("SPECTRA_DATA", str(folder))
    return folder


class Answers(http.server.BaseHTTPRequestHandler):
    """Sends what is in `content`; /half/ breaks off, /stall/ hangs, /redirect/ sends on,
    /loop/ for ever."""

    content: dict[str, bytes]

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        how, _, name = self.path.strip("/").partition("/")
        if how in ("redirect", "loop"):
            self.send_response(302)
            self.send_header("Location", f"/whole/{name}" if how == "redirect" else self.path)
            self.end_headers()
            return
        body = self.content.get(name)
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        if how != "unsized":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if how in ("half", "stall") else body)
        if how == "stall":
            self.server.enough.wait(10)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    Answers.content = {}
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    running.asked = []  # type: ignore[attr-defined]
    running.enough = threading.Event()  # type: ignore[attr-defined]
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.enough.set()  # type: ignore[attr-defined]
    running.shutdown()
    running.server_close()
    thread.join()


@pytest.fixture
def serve(server: http.server.ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> Serve:
    """Put bytes behind a path such as "whole/a.zip"; gives the URL."""
    monkeypatch.setenv("NO_PROXY", "*")
    server.asked.clear()  # type: ignore[attr-defined]

    def put(path: str, body: bytes) -> str:
        Answers.content = {path.partition("/")[2]: body}
        return f"http://127.0.0.1:{server.server_address[1]}/{path}"

    return put


def png(seed: int) -> bytes:
    from PIL import Image

    pixels = np.random.default_rng(seed).integers(0, 256, (16, 16), np.uint8)
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "PNG")
    return target.getvalue()


def tarred(members: dict[str, bytes | tarfile.TarInfo], mode: str = "w:gz") -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for name, body in members.items():
            if isinstance(body, tarfile.TarInfo):
                archive.addfile(body)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return target.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return target.getvalue()


def sha256(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


PICTURES = {
    "set/images/train/1.png": png(1),
    "set/images/train/2.png": png(2),
    "set/images/test/1.png": png(3),
    "set/readme.txt": b"nothing to look at",
    "set/truth/train/1.mat": b"no picture",
    "set/images/train/.hidden.png": png(4),
}


@pytest.fixture
def manifest(tmp_path: Path) -> Callable[..., Path]:
    """A manifest of pictures in two parts, at a URL."""

    def write(url: str, body: bytes = b"", **more: object) -> Path:
        entries = {"hash": sha256(body), "bytes": len(body)} | more
        path = tmp_path / "mine.toml"
        lines = [f"{key} = {value!r}" for key, value in entries.items() if value is not None]
        path.write_text(
            'name = "mine"\nlicence = "CC0"\n'
            '[splits]\ntrain = ["train/*.png"]\ntest = ["test/*.png"]\n'
            f'[location]\nurl = "{url}"\n' + "\n".join(lines)
        )
        return path

    return write


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        act()
    message = str(caught.value)
    assert "\n" not in message
    return message


def nothing_left(cache: Path) -> bool:
    """Whether no file but the lock is in the cache."""
    return not [path for path in cache.rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.mark.parametrize(
    ("name", "pack"),
    [
        ("whole/set.zip", zipped),
        ("whole/set.tar.gz", tarred),
        ("whole/set.tgz", tarred),
        ("whole/set.tar", lambda members: tarred(members, "w")),
        ("whole/set.tar.xz", lambda members: tarred(members, "w:xz")),
        ("redirect/set.zip", zipped),
        ("unsized/set.zip", zipped),
    ],
)
def test_a_set_is_fetched_once_and_opened(
    name: str, pack: Callable, serve: Serve, manifest: Callable[..., Path], cache: Path, server
) -> None:
    body = pack(PICTURES)
    mine = load_manifest(manifest(serve(name, body), body))
    assert "spectra data fetch" in refusal(lambda: open_source(mine))
    receipt = fetch(mine)
    assert receipt.origin == "publisher"
    wanted = [key for key in PICTURES if key.endswith(".png") and ".hidden" not in key]
    assert receipt.names == wanted
    for key in wanted:
        assert (Path(receipt.place) / key).read_bytes() == PICTURES[key]
        assert receipt.files[key] == (len(PICTURES[key]), sha256(PICTURES[key])[7:])
    assert find_receipt(mine) == receipt
    assert data_folder() == cache
    times = len(server.asked)
    assert fetch(mine) == receipt
    assert len(server.asked) == times
    source = open_source(mine)
    assert len(source) == 3
    assert source.name == "mine"
    assert source.licence == "CC0"
    assert not list(cache.rglob(".part-*"))
    assert not list(cache.rglob("*.zip"))
    assert verify(mine).problems == ()


def test_what_has_changed_is_fetched_again(
    serve: Serve, manifest: Callable[..., Path], server
) -> None:
    """`verify` says to fetch it again, and a file of its old size was taken for whole."""
    body = zipped(PICTURES)
    mine = load_manifest(manifest(serve("whole/set.zip", body), body))
    receipt = fetch(mine)
    path = Path(receipt.place) / "set/images/train/2.png"
    path.write_bytes(bytes(path.stat().st_size))
    assert [one.name for one in verify(mine).problems][:1] == ["2.png"]
    assert fetch(mine) == receipt
    assert verify(mine).problems == ()
    times = len(server.asked)
    assert times == 2
    fetch(mine)
    assert len(server.asked) == times


def test_a_host_that_cannot_be(manifest: Callable[..., Path]) -> None:
    """What could not be asked for was said to be of another hash."""
    mine = load_manifest(manifest(f"http://{'a' * 300}.com/set.zip"))
    assert "cannot be fetched" in refusal(lambda: fetch(mine))


def test_a_part_of_a_set(serve: Serve, manifest: Callable[..., Path]) -> None:
    body = zipped(PICTURES)
    path = manifest(serve("whole/set.zip", body), body)
    fetch(load_manifest(f"{path}:test"))  # the whole comes along
    assert [
        len(open_source(load_manifest(f"{path}{part}"))) for part in (":train", ":test", "")
    ] == [
        2,
        1,
        3,
    ]
    assert open_source(load_manifest(f"{path}:test")).name == "mine:test"
    assert "did you mean train?" in refusal(lambda: load_manifest(f"{path}:trian"))
    assert "no parts" in refusal(lambda: load_manifest("digits:train"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("half/set.zip", "broke off"),
        ("whole/other.zip", "the server answers 404"),
        ("loop/set.zip", "redirects without end"),
    ],
)
def test_a_broken_transfer_leaves_nothing(
    name: str, words: str, serve: Serve, manifest: Callable[..., Path], cache: Path
) -> None:
    body = zipped(PICTURES)
    url = serve("whole/set.zip", body)
    mine = load_manifest(manifest(url.replace("whole/set.zip", name), body))
    message = refusal(lambda: fetch(mine))
    assert words in message
    assert "mine" in message
    assert nothing_left(cache)
    assert find_receipt(mine) is None


def test_a_transfer_that_hangs_is_given_up(
    serve: Serve, manifest: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spectra.data.downloads.TIMEOUT", 0.2)
    body = zipped(PICTURES)
    mine = load_manifest(manifest(serve("stall/set.zip", body), body))
    assert "no byte for" in refusal(lambda: fetch(mine))
    assert nothing_left(cache)


def test_a_broken_transfer_of_unknown_length_leaves_nothing(
    serve: Serve, manifest: Callable[..., Path], cache: Path
) -> None:
    body = zipped(PICTURES)
    mine = load_manifest(manifest(serve("unsized/set.zip", body[:-100]), body))
    assert "not what the publisher's hash says" in refusal(lambda: fetch(mine))
    assert nothing_left(cache)


def test_a_wrong_hash_leaves_nothing(
    serve: Serve, manifest: Callable[..., Path], cache: Path
) -> None:
    body = zipped(PICTURES)
    url = serve("whole/set.zip", body[:200] + b"!" + body[201:])
    for hash_ in (sha256(body), f"md5:{hashlib.md5(body).hexdigest()}"):
        mine = load_manifest(manifest(url, body, hash=hash_))
        message = refusal(lambda mine=mine: fetch(mine))
        assert "not what the publisher's hash says" in message
        assert "removed" in message
        assert nothing_left(cache)


def test_more_than_the_stated_size_is_cut_off(
    serve: Serve, manifest: Callable[..., Path], cache: Path
) -> None:
    body = zipped(PICTURES)
    mine = load_manifest(manifest(serve("whole/set.zip", body), body, bytes=len(body) - 1))
    assert "sends more than its" in refusal(lambda: fetch(mine))
    assert nothing_left(cache)


def test_no_server_and_no_hash(serve: Serve, manifest: Callable[..., Path], cache: Path) -> None:
    closed = load_manifest(manifest("http://127.0.0.1:9/set.zip", b"x"))
    assert "no connection" in refusal(lambda: fetch(closed))
    body = zipped(PICTURES)
    unknown = load_manifest(manifest(serve("whole/set.zip", body), body, hash=None))
    assert "no hash is published" in refusal(lambda: fetch(unknown))
    assert nothing_left(cache)


def test_a_later_failure_keeps_what_was_there(
    serve: Serve, manifest: Callable[..., Path], cache: Path
) -> None:
    body = zipped(PICTURES)
    url = serve("whole/set.zip", body)
    mine = load_manifest(manifest(url, body))
    receipt = fetch(mine)
    (Path(receipt.place) / receipt.names[0]).unlink()
    serve("whole/set.zip", body[:-1])
    refusal(lambda: fetch(mine))
    assert find_receipt(mine) == receipt
    assert len(open_source(mine)) == 2
    serve("whole/set.zip", body)
    fetch(mine)
    assert len(open_source(mine)) == 3
    # Another version of the set is not the one that is here.
    other = load_manifest(manifest(url, body, hash=f"md5:{hashlib.md5(body).hexdigest()}"))
    assert find_receipt(other) is None


def test_an_interrupt_and_a_killed_process_are_cleaned_up(
    serve: Serve, manifest: Callable[..., Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = zipped(PICTURES)
    mine = load_manifest(manifest(serve("whole/set.zip", body), body))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("spectra.data.fetch.unpack", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(mine)
    assert nothing_left(cache)
    (cache / "mine/.part-killed").mkdir()
    (cache / "mine/.part-killed/set.zip").write_bytes(body)
    fetch(mine)
    assert not (cache / "mine/.part-killed").exists()


def test_two_processes_do_not_fetch_the_same(
    serve: Serve, manifest: Callable[..., Path], cache: Path
) -> None:
    fcntl = pytest.importorskip("fcntl")
    body = zipped(PICTURES)
    mine = load_manifest(manifest(serve("whole/set.zip", body), body))
    (cache / "mine").mkdir(parents=True)
    with open(cache / "mine/.lock", "wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "another process" in refusal(lambda: fetch(mine))
    fetch(mine)


def test_another_place(serve: Serve, manifest: Callable[..., Path], tmp_path: Path) -> None:
    body = zipped(PICTURES)
    mine = load_manifest(manifest(serve("whole/set.zip", body), body))
    receipt = fetch(mine, out=tmp_path / "disk")
    assert receipt.place == str(tmp_path / "disk/mine/files")
    assert len(open_source(mine)) == 3
    shutil.rmtree(tmp_path / "disk")
    assert "brings them back" in refusal(lambda: open_source(mine))
    (tmp_path / "file").write_text("in the way")
    assert "cannot be written" in refusal(lambda: fetch(mine, out=tmp_path / "file"))


def test_a_users_own_copy(serve: Serve, manifest: Callable[..., Path], tmp_path: Path) -> None:
    body = zipped(PICTURES)
    mine = load_manifest(manifest("http://127.0.0.1:9/set.zip", body, hash=None))
    own = tmp_path / "own"
    for name in ("train/a.png", "test/b.png", "train/notes.txt"):
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_bytes(png(1))
    assert "--out is for downloads" in refusal(lambda: fetch(mine, tmp_path / "x", own))
    receipt = fetch(mine, folder=own)
    assert receipt.origin == "user"
    assert receipt.place == str(own)
    assert receipt.names == ["train/a.png", "test/b.png"]
    assert len(open_source(mine)) == 2
    (own / "test/b.png").write_bytes(png(2))
    assert [problem.name for problem in verify(mine).problems] == ["b.png"]
    (own / "test/b.png").write_bytes(b"")
    reasons = [problem.reason for problem in verify(mine).problems]
    assert any("changed" in reason for reason in reasons)
    (own / "test/b.png").unlink()
    assert "is missing" in verify(mine).problems[0].reason
    (tmp_path / "empty").mkdir()
    assert "holds nothing of mine" in refusal(lambda: fetch(mine, folder=tmp_path / "empty"))
    assert "no such folder" in refusal(lambda: fetch(mine, folder=tmp_path / "nowhere"))


def test_a_users_own_archive_is_checked(manifest: Callable[..., Path], tmp_path: Path) -> None:
    body = zipped(PICTURES)
    mine = load_manifest(manifest("http://127.0.0.1:9/set.zip", body))
    own = tmp_path / "own"
    own.mkdir()
    (own / "set.zip").write_bytes(body)
    receipt = fetch(mine, folder=own)
    assert receipt.origin == "publisher"
    assert (own / "set.zip").read_bytes() == body
    assert len(open_source(mine)) == 3
    (own / "set.zip").write_bytes(body[:-1])
    assert "publisher's hash" in refusal(lambda: fetch(mine, folder=own))


def test_the_same_content_packed_anew(tmp_path: Path) -> None:
    content = os.urandom(1000)
    published = gzip.compress(content, mtime=1)
    (tmp_path / "one.toml").write_text(
        'kind = "idx"\n[splits]\nall = ["x-idx3-ubyte*"]\n'
        '[location]\nurl = "http://127.0.0.1:9/x-idx3-ubyte.gz"\n'
        f'hash = "{sha256(published)}"\ncontent = "{sha256(content)}"'
    )
    one = load_manifest(tmp_path / "one.toml")
    own = tmp_path / "own"
    own.mkdir()
    for name, body in (
        ("x-idx3-ubyte.gz", published),
        ("x-idx3-ubyte.gz", gzip.compress(content, 1, mtime=2)),
        ("x-idx3-ubyte", content),
    ):
        shutil.rmtree(own)
        own.mkdir()
        (own / name).write_bytes(body)
        receipt = fetch(one, folder=own)
        assert receipt.origin == "publisher"
        assert receipt.names == [name]
    (own / name).write_bytes(content[::-1])
    assert "publisher's hash" in refusal(lambda: fetch(one, folder=own))
    (own / name).rename(own / "x-idx3-ubyte.gz")  # no gzip file
    assert "x-idx3-ubyte.gz" in refusal(lambda: fetch(one, folder=own))


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> dict[str, tarfile.TarInfo]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return {name: info}


def is_plain(body: object) -> bool:
    return isinstance(body, bytes)


DANGERS = {
    "absolute": ({"/tmp/spectra-danger.png": b"x"}, "outside its folder"),
    "up": ({"train/../../spectra-danger.png": b"x"}, "outside its folder"),
    "windows": ({"train\\..\\..\\spectra-danger.png": b"x"}, "outside its folder"),
    "drive": ({"C:/spectra-danger.png": b"x"}, "outside its folder"),
    "link": (link("train/a.png", "/etc/passwd"), "a link or a device"),
    "hard link": (link("train/a.png", "/etc/passwd", tarfile.LNKTYPE), "a link or a device"),
    "fifo": (link("train/a.png", "", tarfile.FIFOTYPE), "a link or a device"),
    "device": (link("train/a.png", "", tarfile.CHRTYPE), "a link or a device"),
    "through a link": (
        {**link("train", "/tmp"), "train/spectra-danger.png": b"x"},
        None,
    ),
    "twice": ({"train/a.png": b"x", "train//a.png": b"y"}, "twice"),
    "file as folder": ({"train": b"x", "train/a.png": b"y"}, None),
}


@pytest.mark.parametrize(
    ("danger", "pack"),
    [(danger, tarred) for danger in DANGERS]
    + [
        (name, zipped) for name, (files, _) in DANGERS.items() if all(map(is_plain, files.values()))
    ],
)
def test_archives_stay_in_their_folder(danger: str, pack: Callable, tmp_path: Path) -> None:
    members, words = DANGERS[danger]
    archive = tmp_path / "danger.bin"
    archive.write_bytes(pack(members))
    inside = tmp_path / "deep/inside"
    inside.mkdir(parents=True)
    if words is None:
        with contextlib.suppress(InputError):
            unpack(archive, inside, lambda _: True)
    else:
        assert words in refusal(lambda: unpack(archive, inside, lambda _: True))
    written = [path for path in tmp_path.rglob("*") if path != archive and not path.is_dir()]
    assert all(
        path.is_relative_to(inside) and stat.S_ISREG(path.lstat().st_mode) for path in written
    )
    assert not Path("/tmp/spectra-danger.png").exists()


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("train/a.png")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    (tmp_path / "in").mkdir()
    message = refusal(lambda: unpack(tmp_path / "a.zip", tmp_path / "in", lambda _: True))
    assert "a link or a device" in message


@pytest.mark.parametrize("pack", [tarred, zipped])
def test_a_bomb_is_stopped(pack: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spectra.data.archives.ALLOWANCE", 1_000_000)
    archive = tmp_path / "bomb"
    archive.write_bytes(pack({f"{part}.png": bytes(8_000_000) for part in range(4)}))
    (tmp_path / "in").mkdir()
    assert "bomb" in refusal(lambda: unpack(archive, tmp_path / "in", lambda _: True))
    size = sum(path.stat().st_size for path in (tmp_path / "in").rglob("*"))
    assert size < 20 * archive.stat().st_size + 3_000_000


@pytest.mark.parametrize(
    "body", [b"", b"no archive", zipped(PICTURES)[:-40], tarred(PICTURES)[:-40]]
)
def test_a_damaged_archive(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(body)
    (tmp_path / "in").mkdir()
    message = refusal(lambda: unpack(tmp_path / "a.zip", tmp_path / "in", lambda _: True))
    assert "a.zip" in message


def test_published_hashes_are_stated_for_all() -> None:
    """Every download has a sha256 and a size; Fashion-MNIST's content is known from Debian's."""
    for name in list_manifests():
        for place in load_manifest(name).locations:
            if place.url:
                assert place.hash.startswith("sha256:")
                assert place.bytes > 10**6


def test_a_damaged_receipt(serve: Serve, manifest: Callable[..., Path], cache: Path) -> None:
    body = zipped(PICTURES)
    mine = load_manifest(manifest(serve("whole/set.zip", body), body))
    fetch(mine)
    for text in (
        "{",
        "[]",
        '{"place": 3}',
        '{"files": [], "place": "", "origin": "", "sources": []}',
    ):
        (cache / "mine/receipt.json").write_text(text)
        assert "receipt" in refusal(lambda: open_source(mine))


def test_utterances_of_one_speaker_are_one_unit() -> None:
    from spectra.data.manifests import _group_of

    pattern = load_manifest("librispeech").group
    assert _group_of("84-121123-0000.flac", pattern) == "84"
    assert _group_of("notes.flac", pattern) == ""
