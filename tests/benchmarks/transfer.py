"""A schedule of box-downsampled photographs, moved up, beside the one measured at full size."""

import time

import numpy as np

import spectra
from spectra.schedule.moving.modes import box_transfer
from spectra.schedule.moving.scale import SigmaScale, sigma_scale
from spectra.schedule.moving.transfer import transfer_schedule
from tests.benchmarks.table import Row
from tests.shared import BSDS500

__all__ = ["transfer"]

SIZE = 256
RING, ASKED = 40, 0.1  # cycles per image, of 64 at 128 pixels; log SNR
T = np.linspace(0, 1, 9)


def transfer() -> list[Row]:
    if not BSDS500.is_dir():
        return [Row("BSDS500", "", "not at ../shared/data/photos/bsds500: nothing measured")]
    source = spectra.open_source(BSDS500, size=SIZE, channels="grey", crop="center")
    whole = np.concatenate([np.asarray(batch) for batch in source.batches(50)])
    half = SIZE // 2
    small = whole.reshape(-1, 1, half, 2, half, 2).mean((3, 5))
    a, b = (spectra.analyze(x, window="none") for x in (small, whole))
    schedule = spectra.derive_schedule(a, basis="dct")
    begun = time.perf_counter()
    foreseen = transfer_schedule(schedule, shape=b.shape, filter="box")
    seconds = time.perf_counter() - begun
    measured = transfer_schedule(schedule, b, filter="box")

    ring = np.rint(measured.frequency * SIZE).astype(int)
    shared = (slice(None), slice(half), slice(half))
    divided = schedule.variance * 4 / box_transfer((half, half), (SIZE, SIZE))  # the filter alone
    apart = {
        "aliases taken off too": (foreseen.log_snr(T) - measured.log_snr(T))[4],
        "the filter alone": np.log(divided / measured.variance[shared]),
        "nothing taken off": np.log(4 * schedule.variance / measured.variance[shared]),
    }
    rows = []
    for name, difference in apart.items():
        own = ring if difference.shape == ring.shape else ring[shared]
        by_ring = np.array([difference[own == k].mean() for k in range(1, half // 2 + 1)])
        worst = float(np.abs(by_ring[:RING]).max())
        asked = name != "nothing taken off"
        rows.append(
            Row(
                f"log SNR moved {half} -> {SIZE} minus measured, to ring {RING}: {name}",
                f"within {ASKED}" if asked else "",
                f"{worst:.3f} at worst; ring {half // 2} {by_ring[-1]:+.3f}",
                worst < ASKED if asked else None,
            )
        )
    box, plain = sigma_scale(a, b, filter="box"), sigma_scale(a, b)
    rows += [
        Row("shift, box filter known", "", _beside(box)),
        Row("shift, filter not known", "", _beside(plain)),
        Row(
            "alias by octave (cycles per image)",
            "named",
            ", ".join(f"{o.low:.3g}-{o.high:.3g}: {o.alias:.1%}" for o in box.octaves[-4:]),
        ),
        Row("time of a move by shape", "", f"{seconds:.2f} s"),
    ]
    other = spectra.analyze(spectra.open_source("photos", size=SIZE), window="none")
    rows.append(
        Row("shift from BSDS500 to the embedded photos", "", _beside(sigma_scale(b, other)))
    )
    return rows


def _beside(found: SigmaScale) -> str:
    return (
        f"{found.scale:.3f}; SD3's rule {found.sd3:.3g}, simple diffusion's "
        f"{found.simple_diffusion:.3g}; octaves apart by {np.expm1(found.disagreement):.1%}"
    )
