"""Animations as files: what is in them, what is refused, and what plays without a network."""

import gc
import io
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from spectra import InputError, plots
from spectra.plots import animation as module
from spectra.plots.style import DATA, finish, house_style, new_figure

FRAMES, INTERVAL = 5, 90


@house_style()
def moving_bar(frames=FRAMES, layout="narrow"):
    figure = new_figure(layout, 1.7)
    axes = figure.subplots()
    axes.set(xlim=(0, max(frames, 1)), ylim=(0, 1), xlabel="place (m)", ylabel="height (m)")
    bar = axes.axvspan(0, 1, color=DATA)
    said = axes.set_title("place 0")
    finish(figure)

    def draw(frame):
        bar.set_x(frame)
        said.set_text(f"place {frame}")
        return bar, said

    return module.Moving(figure, draw, frames=frames, interval=INTERVAL, cache_frame_data=False)


def frames_of(gif) -> list[np.ndarray]:
    with Image.open(gif) as opened:
        found = []
        for i in range(opened.n_frames):
            opened.seek(i)
            found.append(np.asarray(opened.convert("RGB"), int))
    return found


def test_a_gif_holds_every_frame_for_its_time_and_starts_again(tmp_path):
    path = plots.save_animation(moving_bar(), tmp_path / "new" / "bar.GIF", dpi=60)
    with Image.open(path) as opened:
        assert (opened.format, opened.n_frames, opened.info["loop"]) == ("GIF", FRAMES, 0)
        assert opened.size == (240, 102)
        times = []
        for i in range(FRAMES):
            opened.seek(i)
            times.append(opened.info["duration"])
    assert times[:-1] == [INTERVAL] * (FRAMES - 1)
    assert times[-1] > 5 * INTERVAL  # what the motion led to can be looked at
    blue = [
        np.argwhere(np.abs(frame - (0, 114, 178)).sum(axis=-1) < 30) for frame in frames_of(path)
    ]
    places = [found[:, 1].mean() for found in blue]
    assert np.diff(places) == pytest.approx(np.full(FRAMES - 1, np.diff(places).mean()), abs=2)
    assert np.diff(places).mean() > 20


def test_the_same_animation_is_the_same_file(tmp_path):
    one = plots.save_animation(moving_bar(), tmp_path / "1.gif", dpi=50).read_bytes()
    animation = moving_bar()
    plots.save_animation(animation, tmp_path / "2.html", dpi=50)
    again = plots.save_animation(animation, tmp_path / "2.gif", dpi=50).read_bytes()
    assert one == again


def test_the_page_holds_all_its_frames_and_asks_nobody_for_anything(tmp_path):
    alt = "A <bar> & its 'place'"
    page = plots.save_animation(moving_bar(), tmp_path / "bar.html", alt=alt, dpi=50).read_text()
    assert not re.search(r"https?:|//\w|@import|url\(", re.sub(r"base64,[^\"]+", "", page))
    listed = re.search(r"const frames = \[(.*?)\]", page, re.S)
    assert listed
    assert listed[1].count("data:image/png;base64,") == FRAMES
    assert "A &lt;bar&gt; &amp; its" in page
    assert "<bar>" not in page
    for needed in ("<button", 'type="range"', "aria-label", "aria-valuetext", "<noscript>"):
        assert needed in page
    assert "prefers-reduced-motion: reduce" in page
    assert "prefers-color-scheme: dark" in page
    assert f"setTimeout(step, {INTERVAL})" in page


def test_a_notebook_shows_the_gif_itself_with_its_alt_text():
    shown = plots.inline_animation(moving_bar(), 'The "bar" moves', dpi=50)
    text = shown._repr_html_()
    assert text.startswith('<img alt="The &quot;bar&quot; moves" src="data:image/gif;base64,')
    assert len(frames_of(io.BytesIO(shown.gif))) == FRAMES
    with pytest.raises(InputError, match="alt"):
        plots.inline_animation(moving_bar(), " ")


def test_an_mp4_plays_everywhere(tmp_path):
    if not (shutil.which("ffmpeg") or _has_wheel()):
        pytest.skip("there is no ffmpeg here, and no imageio-ffmpeg")
    # 51 dots per inch: an odd number of pixels a side, which the format cannot hold.
    path = plots.save_animation(moving_bar(), tmp_path / "bar.mp4", dpi=51)
    payload = path.read_bytes()
    assert payload[4:8] == b"ftyp"
    assert payload.index(b"moov") < payload.index(b"mdat")  # plays while it is fetched
    told = subprocess.run(
        [module._ffmpeg(path), "-i", str(path), "-f", "null", "-"], capture_output=True, text=True
    ).stderr
    assert "h264" in told
    assert "yuv420p" in told
    assert "204x86" in told


def _has_wheel() -> bool:
    try:
        import imageio_ffmpeg  # noqa: F401  # pyright: ignore[reportMissingImports]
    except ImportError:
        return False
    return True


def test_without_ffmpeg_the_mend_is_told_before_anything_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    monkeypatch.setattr(module, "_drawn", lambda *_: pytest.fail("a frame was drawn"))
    with pytest.raises(InputError, match=r"bar\.mp4: \.mp4 needs ffmpeg.*\.gif or \.html") as told:
        plots.save_animation(moving_bar(), tmp_path / "bar.mp4")
    assert "\n" not in str(told.value)


def test_ffmpeg_that_fails_leaves_no_file_and_says_why(tmp_path, monkeypatch):
    broken = tmp_path / "ffmpeg"
    broken.write_text("#!/bin/sh\necho 'no encoder\nhere' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(module, "_ffmpeg", lambda _: str(broken))
    with pytest.raises(InputError, match="no encoder here"):
        plots.save_animation(moving_bar(), tmp_path / "bar.mp4", dpi=30)
    assert not (tmp_path / "bar.mp4").exists()


@pytest.mark.parametrize("name", ["bar", "bar.webm", "bar.png"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(InputError, match=r"\.gif, \.mp4, \.html"):
        plots.save_animation(moving_bar(), tmp_path / name)


def test_what_cannot_be_written_or_drawn_is_one_line(tmp_path):
    (tmp_path / "is.gif").mkdir()
    with pytest.raises(InputError, match="folder"):
        plots.save_animation(moving_bar(), tmp_path / "is.gif", dpi=30)
    with pytest.raises(InputError, match="no frame"):
        plots.save_animation(moving_bar(frames=0), tmp_path / "a.gif")
    for dpi in (0, float("nan"), 1e6):
        with pytest.raises(InputError, match="dpi"):
            plots.save_animation(moving_bar(), tmp_path / "a.gif", dpi=dpi)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["is.gif"]


def test_progress_goes_to_stderr_and_by_default_only_to_a_terminal(tmp_path, capsys):
    plots.save_animation(moving_bar(), tmp_path / "a.gif", dpi=30)
    assert capsys.readouterr() == ("", "")
    plots.save_animation(moving_bar(), tmp_path / "a.gif", dpi=30, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert f"/{FRAMES}" in err
    assert "animate" in err


def test_frames_have_the_house_style_whatever_the_caller_has(tmp_path):
    import matplotlib

    plain = plots.save_animation(moving_bar(), tmp_path / "a.gif", dpi=50).read_bytes()
    with matplotlib.rc_context({"font.size": 30, "savefig.facecolor": "red", "xtick.color": "red"}):
        styled = plots.save_animation(moving_bar(), tmp_path / "b.gif", dpi=50).read_bytes()
        assert matplotlib.rcParams["font.size"] == 30
    assert plain == styled


@pytest.mark.filterwarnings("error")
def test_one_that_nobody_looks_at_goes_without_a_warning():
    unseen = moving_bar()
    del unseen
    gc.collect()
