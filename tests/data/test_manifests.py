"""Manifests: those that come with the package, and a user's own."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from spectra.data import list_manifests, load_manifest, manifests, open_source
from spectra.errors import InputError

Write = Callable[..., Path]
Picture = Callable[..., np.ndarray]


def test_photos_are_there_offline_with_their_licences() -> None:
    source = open_source("photos", size=64)
    assert source.shape == (1, 64, 64)
    assert source.skipped == []
    assert len(source.files) == 11
    assert "china.jpg: CC BY 2.0" in source.licence
    assert all(f"{name}: " in source.licence for name in source.files)
    assert "scikit-image" in source.citation
    assert source.settings["channels"] == "grey"
    assert open_source("photos", size=64, channels="rgb").shape == (3, 64, 64)
    assert open_source("photos").shape == (1, 256, 256)
    assert set(np.unique(source.file_index)) == set(range(11))


def test_digits_are_scikit_learns() -> None:
    from sklearn.datasets import load_digits

    source = open_source("digits")
    assert source.shape == (1, 8, 8)
    assert source.kind == "array"
    assert source.quantum == 2 / 16
    values = next(source.batches(2000))
    np.testing.assert_array_equal(values[:, 0], load_digits().images / 8 - 1)
    assert len(source.files) == 1797
    assert open_source("digits", **source.settings).fingerprint == source.fingerprint
    assert "BSD" in source.licence


def test_every_manifest_loads_and_names_itself() -> None:
    names = ["bsds500", "cifar10", "digits", "fashion-mnist", "imagenette", "librispeech", "photos"]
    assert set(names) <= set(list_manifests())
    for name in list_manifests():
        manifest = load_manifest(name)
        assert manifest.name == manifest.whole == name
        assert manifest.title
        assert manifest.licence
        assert manifest.citation
        for part in manifest.splits:
            assert load_manifest(f"{name}:{part}").part == part
    assert open_source(load_manifest("digits")).name == "digits"


def test_manifests_are_found_inside_a_wheel(tmp_path: Path, monkeypatch) -> None:
    checkout = manifests.manifest_folder()
    module = tmp_path / "site-packages/spectra/data/manifests.py"
    monkeypatch.setattr(manifests, "__file__", str(module))
    shutil.copytree(checkout, tmp_path / "site-packages/spectra/data_manifests")
    assert manifests.manifest_folder() == tmp_path / "site-packages/spectra/data_manifests"
    assert "photos" in list_manifests()
    assert load_manifest("photos").path.is_relative_to(tmp_path)


def test_files_are_located_without_importing_their_package() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from spectra.data import open_source; open_source('photos', size=32);"
        "open_source('digits'); print([m for m in ('skimage', 'sklearn', 'torch', 'scipy')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_import_is_light() -> None:
    import subprocess
    import sys

    code = "import sys, spectra.data; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["PIL", "torch", "safetensors", "scipy", "tqdm"]
    done = subprocess.run(
        [sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.fixture
def mine(write: Write, picture: Picture) -> Callable[[str], Path]:
    """Three pictures, two of one scene, and a manifest of the text given."""
    for number, name in enumerate(("left.png", "right.png", "other.png")):
        folder = write(name, picture(16, 20, seed=number))

    def manifest(text: str) -> Path:
        path = folder.parent / "mine.toml"
        path.write_text(text)
        return path

    return manifest


GROUPED = """
name = "street"
title = "Two views of a street, and a tree"
licence = "CC0"
citation = "me"
[options]
size = 8
[location]
folder = "pictures"
files = [
  {path = "left.png", group = "street"},
  {path = "right.png", group = "street", licence = "CC BY 4.0", credit = "you"},
  "other.png",
]
"""


def test_files_of_one_scene_are_one_unit(mine: Callable[[str], Path]) -> None:
    source = open_source(mine(GROUPED))
    assert source.name == "street"
    assert source.files == ["street", "other.png"]
    assert source.shape == (1, 8, 8)
    np.testing.assert_array_equal(source.file_index, [0] * 8 + [1] * 4)
    assert source.licence == "right.png: CC BY 4.0 (you)"
    for seed in range(4):
        train, held_out = source.split(0.5, seed=seed)
        assert sorted(train.files + held_out.files) == ["other.png", "street"]
        for part in (train, held_out):
            assert len(part) == (8 if part.files == ["street"] else 4)
            assert (part.file_index == 0).all()


def test_one_group_cannot_be_split(mine: Callable[[str], Path]) -> None:
    text = GROUPED.replace('"other.png"', '{path = "other.png", group = "street"}')
    with pytest.raises(InputError, match="at least 2 files"):
        open_source(mine(text)).split()


def test_whole_folders_and_names_that_repeat(mine: Callable[[str], Path]) -> None:
    path = mine('title = "all"\n[[location]]\nfolder = "pictures"\n')
    source = open_source(path)
    assert source.files == ["left.png", "other.png", "right.png"]
    assert source.name == "mine"
    shutil.copytree(path.parent / "pictures", path.parent / "more")
    text = '[[location]]\nfolder = "pictures"\n[[location]]\nfolder = "more"\nfiles = ["left.png"]'
    source = open_source(mine(text))
    assert source.files == ["pictures/left.png", "other.png", "right.png", "more/left.png"]


def test_array_and_table_manifests(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 5, (6, 4, 4))
    np.save(tmp_path / "a.npy", values)
    rows = np.concatenate([values.reshape(6, 16), np.arange(6)[:, None]], 1)
    np.savetxt(tmp_path / "t.csv.gz", rows, delimiter=",", fmt="%d")
    np.savetxt(tmp_path / "f.csv", np.roll(rows, 1, axis=1), delimiter=",", fmt="%d")
    common = 'value_range = [0, 4]\n[location]\nfolder = "."\n'
    (tmp_path / "a.toml").write_text(f'kind = "array"\n{common}files = ["a.npy"]')
    (tmp_path / "t.toml").write_text(
        f'kind = "table"\nexample_shape = [4, 4]\n{common}files = ["t.csv.gz"]'
    )
    table = (tmp_path / "t.toml").read_text()
    with pytest.raises(InputError, match="label = "):  # the last was dropped, whichever it was
        open_source(tmp_path / "t.toml")
    (tmp_path / "t.toml").write_text('label = "last"\n' + table)
    (tmp_path / "f.toml").write_text('label = "first"\n' + table.replace("t.csv.gz", "f.csv"))
    for name in ("a.toml", "t.toml", "f.toml"):
        source = open_source(tmp_path / name)
        assert source.quantum == 0.5
        np.testing.assert_array_equal(source.examples(range(6))[:, 0], values / 2 - 1)
    wrong = (tmp_path / "t.toml").read_text().replace("[4, 4]", "[5, 5]")
    (tmp_path / "t.toml").write_text(wrong)
    with pytest.raises(InputError, match="rows have 17 values"):
        open_source(tmp_path / "t.toml")


def test_manifest_and_table_saved_with_a_byte_order_mark(tmp_path: Path) -> None:
    """Windows' editors and spreadsheets put one before the text."""
    values = np.arange(32).reshape(2, 4, 4)
    rows = "\n".join(",".join(map(str, row.ravel())) for row in values)
    text = (
        'kind = "table"\nexample_shape = [4, 4]\nvalue_range = [0, 31]\n'
        '[location]\nfolder = "."\nfiles = ["t.csv"]\n'
    )
    (tmp_path / "t.csv").write_text(rows, encoding="utf-8-sig")
    (tmp_path / "t.toml").write_text(text, encoding="utf-8-sig")
    examples = open_source(tmp_path / "t.toml").examples(range(2))
    np.testing.assert_allclose(examples[:, 0], values / 15.5 - 1, atol=1e-6)


def test_asked_for_goes_before_the_manifests_defaults(mine: Callable[[str], Path]) -> None:
    assert open_source(mine(GROUPED), size=4).shape == (1, 4, 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("licens = 'x'", "unknown key 'licens' (did you mean licence?)"),
        ("[location]\nfolder = 'pictures'\nfile = ['x']", "unknown key 'location.file'"),
        ("[location]\nfolder = 'pictures'\n[options]\nchannel = 'x'", "key 'options.channel'"),
        ("[options]\nchannels = 'x'\n[location]\nfolder = 'pictures'", "unknown channels 'x'"),
        ("name = ", "not valid TOML"),
        ("name = 3\n[location]\nfolder = 'pictures'", "name is no text"),
        ("name = 'x'", "location is missing"),
        ("location = 'x'", "location is missing"),
        ("options = 3\n[location]\nfolder = 'pictures'", "options is no table"),
        ("[location]\npackage = 'x'\nfolder = 'y'", "either package or folder"),
        ("[location]\nurl = 'ftp://a/b.zip'", "no http or https address"),
        ("[location]\nurl = 'http://[::1/b.zip'", "no http or https address"),
        ("[location]\nurl = 'http://a:99999/b.zip'", "no http or https address"),
        ("[location]\nurl = ''", "either package or folder"),
        ("[location]\nfolder = ''\npackage = ''", "either package or folder"),
        ("[location]\nurl = 'http://a/b.zip'\nhash = 'sha256:12'", "is no hash"),
        ("name = '../x'\n[location]\nurl = 'http://a/b.zip'", "is no name"),
        ("group = '('\n[location]\nfolder = 'pictures'", "no regular expression"),
        ("[location]\nfolder = 'pictures'\n[splits]\ntrain = 'x'", "no list of patterns"),
        ("label = 'left'\n[location]\nfolder = 'pictures'", "unknown label 'left'"),
        ("label_bytes = -1\n[location]\nfolder = 'pictures'", "no whole number"),
        ("[location]\nfolder = 'nowhere'", "no folder"),
        (f"[location]\nfolder = '{'a' * 5000}'", "no folder"),
        (f"[location]\nfolder = 'pictures'\nfiles = ['{'a' * 5000}']", "none of its files is here"),
        (
            "kind = 'records'\nexample_shape = [9999999999, 9999999999]\n"
            "[location]\nfolder = 'pictures'\nfiles = ['../mine.toml']",
            "no whole number of records",
        ),
        ("[location]\npackage = 'sklearn'", "location.files is missing"),
        ("[location]\nfolder = 'pictures'\nfiles = 'x'", "no list"),
        ("[location]\nfolder = 'pictures'\nfiles = [{group = 'x'}]", "has no path"),
        ("[location]\nfolder = 'pictures'\nfiles = [{path = 'a', tag = 'x'}]", "files.tag"),
        ("[location]\nfolder = 'pictures'\nfiles = ['gone.png']", "none of its files is here"),
        ("kind = 'film'\n[location]\nfolder = 'pictures'", "unknown kind"),
        ("kind = 'array'\n[location]\nfolder = 'pictures'", "kind array has one file"),
        ("kind = 'table'\n[location]\nfolder = 'pictures'\nfiles = ['x']", "example_shape"),
        (
            "[location]\npackage = 'no_such'\ndistribution = 'no-such'\nfiles = ['a']",
            "pip install no-such",
        ),
    ],
)
def test_manifests_that_are_wrong(mine: Callable[[str], Path], text: str, words: str) -> None:
    path = mine(text)
    with pytest.raises(InputError) as caught:
        open_source(path)
    message = str(caught.value)
    assert words in message
    assert "mine" in message
    assert "\n" not in message


def test_missing_file_of_a_manifest_is_skipped(mine: Callable[[str], Path]) -> None:
    source = open_source(mine("[location]\nfolder = 'pictures'\nfiles = ['left.png', 'gone.png']"))
    assert source.files == ["left.png"]
    assert source.skipped[0].name == "gone.png"


def test_unknown_manifest(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"did you mean digits\?"):
        load_manifest("digit")
    with pytest.raises(InputError, match="cannot be read"):
        load_manifest(tmp_path / "none.toml")


def test_folder_of_a_manifests_name(write: Write, picture: Picture, monkeypatch) -> None:
    folder = write("a.png", picture(16, 16))
    monkeypatch.chdir(folder.parent)
    folder.rename("digits")
    with pytest.warns(UserWarning, match=r"write \./digits"):
        assert open_source("digits").kind == "array"
    assert open_source("./digits").kind == "images"
    assert open_source(Path("digits")).kind == "images"
