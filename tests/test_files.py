"""Files of tables: exact, atomic, and refused in one line when they are not ours."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from spectra import InputError
from spectra.files import (
    check_writable,
    is_same_file,
    read_tables,
    table_kind,
    write_atomically,
    write_tables,
)

TABLES = {
    "plain": np.arange(6, dtype=np.float64).reshape(2, 3) / 7,
    "strange": np.array([np.nan, -np.inf, -0.0, 5e-324]),
    "turned": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "counts": np.array([1, 2**62]),
    "scalar": np.array(0.1),
}
SETTINGS = {"name": "é", "shape": [1, 8, 8], "nested": {"none": None, "number": 0.1}}


def test_tables_and_settings_come_back_to_the_bit(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folders" / "x.safetensors"
    write_tables(path, "spectrum", "1.3", TABLES, SETTINGS)
    tables, settings = read_tables(path, "spectrum", major=1)
    assert settings == SETTINGS
    assert table_kind(path) == "spectrum"
    assert tables.keys() == TABLES.keys()
    for name, table in TABLES.items():
        assert tables[name].dtype == table.dtype
        assert tables[name].shape == table.shape
        assert tables[name].tobytes() == table.tobytes()


def test_the_same_content_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_tables(tmp_path / name, "spectrum", "1.0", TABLES, SETTINGS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_settings_are_json_in_the_metadata(tmp_path: Path) -> None:
    """Readable elsewhere with safetensors alone, no pickle anywhere."""
    import json

    from safetensors import safe_open

    path = tmp_path / "x.safetensors"
    write_tables(path, "schedule", "1.0", TABLES, SETTINGS)
    with safe_open(path, framework="numpy") as file:
        header = json.loads(file.metadata()["spectra"])
    assert header == {"kind": "schedule", "format": "1.0", "settings": SETTINGS}
    assert b"pickle" not in path.read_bytes()


def missing(path: Path) -> None:
    pass


def folder(path: Path) -> None:
    path.mkdir()


def garbage(path: Path) -> None:
    path.write_bytes(b"these are words, no tables\n" * 50)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def truncated(path: Path) -> None:
    write_tables(path, "spectrum", "1.0", TABLES, SETTINGS)
    path.write_bytes(path.read_bytes()[:-20])


def cut_header(path: Path) -> None:
    write_tables(path, "spectrum", "1.0", TABLES, SETTINGS)
    path.write_bytes(path.read_bytes()[:30])


def foreign(path: Path) -> None:
    save_file({"weight": np.ones(3)}, path)


def foreign_metadata(path: Path) -> None:
    save_file({"weight": np.ones(3)}, path, metadata={"spectra": "no JSON"})


def list_metadata(path: Path) -> None:
    save_file({"weight": np.ones(3)}, path, metadata={"spectra": "[1, 2]"})


def other_kind(path: Path) -> None:
    write_tables(path, "checkpoint", "1.0", TABLES, SETTINGS)


def later(path: Path) -> None:
    write_tables(path, "spectrum", "2.0", TABLES, SETTINGS)


def no_version(path: Path) -> None:
    write_tables(path, "spectrum", "newest", TABLES, SETTINGS)


@pytest.mark.parametrize(
    "damage",
    [
        missing,
        folder,
        garbage,
        empty,
        truncated,
        cut_header,
        foreign,
        foreign_metadata,
        list_metadata,
        other_kind,
        later,
        no_version,
    ],
)
def test_unreadable_files_are_refused_in_one_line(
    damage: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "x.safetensors"
    damage(path)
    with pytest.raises(InputError, match=r"x\.safetensors") as caught:
        read_tables(path, "spectrum", major=1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("cut.safetensors", "write it again with spectra"),
        ("notes.txt", "give a .safetensors file that spectra wrote"),
    ],
)
def test_the_mend_is_for_the_file_that_was_given(tmp_path: Path, name: str, mend: str) -> None:
    (tmp_path / name).write_text("no tables")
    with pytest.raises(InputError, match=f"{name}: not a readable spectrum file .*; {mend}"):
        read_tables(tmp_path / name, "spectrum", major=1)


def test_a_later_major_version_says_what_to_do(tmp_path: Path) -> None:
    later(tmp_path / "x")
    with pytest.raises(InputError, match=r"format 2\.0 .*update"):
        read_tables(tmp_path / "x", "spectrum", major=1)


def test_a_write_that_fails_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "x"
    write_atomically(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(InputError, match=r"No space left on device.*make room"):
        write_atomically(path, b"new")
    with pytest.raises(InputError, match="No space left on device"):
        check_writable(tmp_path)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "large").mkdir()
    link, behind = tmp_path / "x", tmp_path / "large" / "y"
    link.symlink_to(behind)
    for content in (b"first", b"again"):
        write_atomically(link, content)
        assert link.is_symlink()
        assert behind.read_bytes() == content
    assert is_same_file(link, behind)
    assert list((tmp_path / "large").iterdir()) == [behind]


def test_an_output_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "file" / "x", tmp_path / "folder"):
        with pytest.raises(InputError, match="cannot be written") as caught:
            write_atomically(path, b"new")
        assert str(path) in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
