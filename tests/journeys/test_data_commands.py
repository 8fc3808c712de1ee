"""spectra data list, show, fetch and verify, as a user types them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spectra.cli import main
from tests.journeys.test_bad_input import refused

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SPECTRA_DATA", str(tmp_path / "cache"))
    return tmp_path / "cache"


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A folder laid out as BSDS500's is."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 3), ("val", 2), ("test", 2)):
        for number in range(count):
            path = tmp_path / f"mine/{part}/{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(path)
    return tmp_path / "mine"


def test_list_and_show(capsys) -> None:
    listed = said(capsys, "data", "list")
    lines = {line.split()[0]: line for line in listed.splitlines()}
    assert {"photos", "digits", "bsds500", "cifar10", "librispeech"} <= set(lines)
    assert "embedded" in lines["photos"]
    assert "11 files" in lines["photos"]
    assert "to fetch" in lines["cifar10"]
    assert "170 MB" in lines["cifar10"]
    numbers = json.loads(said(capsys, "data", "list", "--json"))
    assert [row["name"] for row in numbers["data"]] == list(lines)
    for name in lines:
        shown = said(capsys, "data", "show", name)
        assert "licence" in shown
        assert "citation" in shown
        numbers = json.loads(said(capsys, "data", "show", name, "--json"))
        assert numbers["name"] == name
        assert numbers["licence"]
    assert "cifar10:test" in said(capsys, "data", "show", "cifar10")
    assert "sha256:c4a38c50" in said(capsys, "data", "show", "cifar10")
    assert "0 to 16" in said(capsys, "data", "show", "digits")
    assert "china.jpg: CC BY 2.0" in said(capsys, "data", "show", "photos")


def test_from_a_folder_to_a_spectrum(capsys, photographs: Path, tmp_path: Path) -> None:
    assert "spectra data fetch bsds500" in refused(
        capsys, "analyze", "bsds500", "--out", tmp_path / "out"
    )
    fetched = said(capsys, "data", "fetch", "bsds500", "--from", photographs)
    assert "7 files" in fetched
    assert "not compared with the publisher's" in fetched
    assert "licence: non-commercial" in fetched
    assert "here" in said(capsys, "data", "list")
    assert str(photographs) in said(capsys, "data", "show", "bsds500")
    numbers = json.loads(said(capsys, "data", "verify", "bsds500", "--json"))
    assert numbers == {
        "name": "bsds500",
        "files": 7,
        "examples": 7,
        "hashed": True,
        "problems": [],
    }
    main(["analyze", "bsds500:val", "--out", str(tmp_path / "out"), "--json"])
    assert json.loads(capsys.readouterr().out)["n_files"] == 2
    (photographs / "val/1.jpg").write_bytes(b"no longer")
    line = refused(capsys, "data", "verify", "bsds500")
    assert "1.jpg" in line
    assert "changed" in line


def test_what_comes_with_a_package(capsys) -> None:
    assert "nothing to fetch, 11 files here" in said(capsys, "data", "fetch", "photos")
    assert "11 examples decoded" in said(capsys, "data", "verify", "photos")
    assert "1,797 examples decoded" in said(capsys, "data", "verify", "digits")


def test_refusals(capsys, tmp_path: Path) -> None:
    assert "needs a name" in refused(capsys, "data", "show")
    assert "takes no name" in refused(capsys, "data", "list", "photos")
    assert "did you mean photos?" in refused(capsys, "data", "show", "photo")
    assert "did you mean train?" in refused(capsys, "data", "show", "cifar10:tran")
    assert "for spectra data fetch" in refused(capsys, "data", "show", "photos", "--out", tmp_path)
    for given in (("--from", tmp_path / "gone"), ("--out", tmp_path)):
        assert "leave --out and --from out" in refused(capsys, "data", "fetch", "photos", *given)
    assert "no such folder" in refused(
        capsys, "data", "fetch", "cifar10", "--from", tmp_path / "gone"
    )
    assert "data_batch_[1-5].bin" in refused(capsys, "data", "fetch", "cifar10", "--from", tmp_path)
    assert "is not here" in refused(capsys, "data", "verify", "cifar10")
    assert "--from" in refused(capsys, "data", "verify", "librispeech")
    refused(capsys, "data", "remove", "photos")


def test_a_table_says_which_value_is_the_label(capsys, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\n".join("0," * 16 + "7" for _ in range(2)))
    path = tmp_path / "t.toml"
    path.write_text(
        'kind = "table"\nexample_shape = [4, 4]\nvalue_range = [0, 9]\nlabel = "last"\n'
        f'[location]\nfolder = "{tmp_path}"\nfiles = ["t.csv"]\n'
    )
    assert "label     the last value of a row" in said(capsys, "data", "show", path)
    numbers = json.loads(said(capsys, "data", "show", path, "--json"))
    assert (numbers["label"], numbers["label_bytes"]) == ("last", 0)
