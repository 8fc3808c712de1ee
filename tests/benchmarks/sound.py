"""Time of a clip's log-mel, MFCC and Welch spectrum beside librosa and scipy, on one thread.

Each pair is timed in turn in one run, ten seconds at 22.05 kHz in float32.
"""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from spectra.spectrum.mel import log_mel, mel_spectrogram, mfcc
from spectra.spectrum.periodogram import welch
from tests.benchmarks.table import Row
from tests.shared import AUDIO

__all__ = ["sound"]

RATE = 22050
SECONDS = 10
ASKED = 2.5
PARITY = 1e-5
ROUNDS = 31
MUSIC = AUDIO / "music"


def seconds(function: Callable[[], object]) -> float:
    """Of this thread's own work: others on the machine are not counted."""
    start = time.thread_time()
    function()
    return time.thread_time() - start


def compared(ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, str]:
    """How many times faster ours is, and both times in words."""
    for _ in range(3):
        ours()
        theirs()
    times = np.array([(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)])
    ratio = float(np.median(times[:, 1] / times[:, 0]))
    mine, other = 1e3 * np.median(times, axis=0)
    return ratio, f"{ratio:.2f}x ({mine:.2f} ms a clip, peer {other:.2f} ms)"


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def clip() -> tuple[np.ndarray, str]:
    """Ten seconds of recorded music where there is some, else of noise with a red spectrum."""
    paths = sorted(MUSIC.glob("*.ogg")) if MUSIC.is_dir() else []
    for path in paths:
        import soundfile

        x, rate = soundfile.read(path, frames=44100 * SECONDS, dtype="float32", always_2d=True)
        if rate == 2 * RATE and len(x) == rate * SECONDS:
            return np.ascontiguousarray(x.mean(axis=1)[::2]), "music"
    noise = np.random.default_rng(0).standard_normal(RATE * SECONDS).cumsum()
    return (noise / np.abs(noise).max()).astype(np.float32), "red noise"


def sound() -> list[Row]:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    import librosa
    from scipy import signal

    x, what = clip()

    def their_mel() -> np.ndarray:
        return librosa.feature.melspectrogram(y=x, sr=RATE)

    def their_log_mel() -> np.ndarray:
        return librosa.power_to_db(their_mel(), top_db=None)

    def their_mfcc() -> np.ndarray:
        return librosa.feature.mfcc(S=their_log_mel(), n_mfcc=20)

    with one_thread():
        mel = relative(mel_spectrogram(x, RATE), their_mel())
        cepstra = mfcc(x, RATE), their_mfcc()
        rows = [
            Row(
                f"mel power, {what}, largest relative difference from librosa",
                f"<= {PARITY:g}",
                f"{mel:.1e}",
                mel <= PARITY,
            ),
            Row(
                "MFCC, largest difference over the largest coefficient",
                f"<= {PARITY:g}",
                f"{peak_relative(*cepstra):.1e}",
                peak_relative(*cepstra) <= PARITY,
            ),
        ]
        ratio, words = compared(lambda: log_mel(x, RATE), their_log_mel)
        rows.append(Row("log-mel, 2048 / 512 / 128", f">= {ASKED}x librosa", words, ratio >= ASKED))
        ratio, words = compared(lambda: mfcc(x, RATE), their_mfcc)
        rows.append(Row("MFCC, 20 of them", f">= {ASKED}x librosa", words, ratio >= ASKED))
        for segment in (2048, 4096):
            for dtype in (np.float32, np.float64):
                y: Any = x.astype(dtype)
                ratio, words = compared(
                    lambda y=y, segment=segment: welch(y, segment),
                    lambda y=y, segment=segment: signal.welch(y, nperseg=segment),
                )
                name = f"Welch, {segment} samples, {np.dtype(dtype).name}"
                rows.append(Row(name, "> 1x scipy", words, ratio > 1))
    return rows


def relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.max(np.abs(ours - theirs) / np.maximum(theirs, 1e-20)))


def peak_relative(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())
