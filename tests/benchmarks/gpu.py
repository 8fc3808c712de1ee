"""RAPSD of a float32 batch on a GPU beside the bare cuFFT of the same batch, timed in turn."""

import torch

import spectra
from tests.benchmarks.table import Row

__all__ = ["gpu"]

ASKED = 1.6  # times cuFFT
SIZES = (256, 512)
VALUES = 2**28  # of a batch
ROUNDS = 20
BANDWIDTH = {"H200": 4.8e12, "H100": 3.35e12, "A100": 2.0e12}  # bytes a second, as stated


def milliseconds(function: object, rounds: int = ROUNDS) -> float:
    """Median time on the device."""
    times = []
    for _ in range(rounds):
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        function()  # pyright: ignore[reportCallIssue]
        stop.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(stop))
    return sorted(times)[len(times) // 2]


def gpu() -> list[Row]:
    if not torch.cuda.is_available():
        return [Row("rapsd on a GPU", f"<= {ASKED:g}x cuFFT", "no GPU here: owed")]
    name = torch.cuda.get_device_name()
    bandwidth = next((b for key, b in BANDWIDTH.items() if key in name), None)
    rows = []
    for size in SIZES:
        images = torch.randn(VALUES // size**2, size, size, device="cuda")
        for function in (lambda x=images: spectra.rapsd(x), lambda x=images: torch.fft.rfft2(x)):
            milliseconds(function, 3)  # plans and caches
        ours = milliseconds(lambda x=images: spectra.rapsd(x))
        fft = milliseconds(lambda x=images: torch.fft.rfft2(x))
        # What cannot be avoided: every value read once.
        moved = images.numel() * 4 / (ours / 1e3)
        share = f", {100 * moved / bandwidth:.0f} % of bandwidth" if bandwidth else ""
        rows.append(
            Row(
                f"rapsd, {len(images)} x {size}x{size} float32, {name}",
                f"<= {ASKED:g}x cuFFT",
                f"{ours / fft:.2f}x ({ours:.2f} ms, cuFFT {fft:.2f} ms{share})",
                ours <= ASKED * fft,
            )
        )
    return rows
