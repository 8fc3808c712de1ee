"""Our transforms against numpy's: rings, the half plane and cross power, in any mix of shapes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spectra
from spectra.spectrum.engine import RingEngine
from spectra.spectrum.lanes import lane_plan
from spectra.spectrum.rings import RingReach, ring_plan
from spectra.spectrum.windows import window as make_window

# Every length of a step, groups that are not full, a last column of vectors that overlaps.
USUAL = [
    (4, 16),
    (10, 16),
    (28, 28),
    (32, 16),
    (48, 81),
    (60, 84),
    (64, 30),
    (70, 49),
    (96, 320),
    (112, 50),
    (256, 128),
    (512, 16),
    (1024, 18),
]
OTHERS = [(3, 5), (9, 9), (16, 8), (15, 32), (32, 33), (34, 64), (22, 26)]
TOLERANCE = {np.float32: 2e-5, np.float64: 1e-12}


def is_usual(shape: tuple[int, int]) -> bool:
    return lane_plan(shape, np.dtype(np.float32)) is not None


def test_which_shapes_are_usual() -> None:
    """Powers of two and their like are; a side with a factor of 11 or an odd height is not."""
    assert all(map(is_usual, USUAL))
    assert not any(map(is_usual, [*OTHERS, (1, 64), (2, 64), (44, 64)]))


@pytest.mark.parametrize("shape", USUAL + OTHERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("window", ["none", "hann"])
def test_rings_plane_and_cross_power_are_numpys(
    shape: tuple[int, int], dtype: type, window: str
) -> None:
    rng = np.random.default_rng(shape[0])
    images = (rng.standard_normal((6, *shape)) + 3.0).astype(dtype)  # two examples of 3 channels
    images[1::3] += images[0::3]
    reach: RingReach = "corners" if shape[0] % 3 else "inside"
    plan = ring_plan(shape, None, reach)
    if len(plan.ring) == 0:
        pytest.skip("too small to have a ring")
    engine = RingEngine(plan, window, "mean", dtype, group=3)
    plane, cross = engine.new_plane(), np.zeros((3, 3, len(plan.ring)))
    rings, means = engine.measure(images, plane, cross)

    exact = images.astype(np.float64)
    taper = make_window(window, shape)
    taps = np.ones(shape) if taper.taps is None else taper.taps
    gain = np.ones(1) if taper.gain is None else taper.gain
    level = exact.mean(axis=(1, 2))
    modes = np.fft.rfft2((exact - level[:, None, None]) * taps) * np.sqrt(gain)
    modes[:, 0, 0] = 0
    power = np.abs(modes) ** 2
    within = {"rtol": TOLERANCE[dtype], "atol": TOLERANCE[dtype] * power.mean()}
    np.testing.assert_allclose(means, level, rtol=TOLERANCE[dtype])
    half = engine.half_plane(plane)
    half[0, 0] = 0
    np.testing.assert_allclose(half, power.sum(axis=0), **within)

    def summed(values: np.ndarray) -> np.ndarray:
        flat = values.reshape(-1, half.size)[:, plan.mode] * plan.weight * plan.count[plan.slot]
        return np.stack([np.bincount(plan.slot, row, len(plan.ring)) for row in flat])

    share = plan.count * images[0].size
    np.testing.assert_allclose(rings, summed(power) / share, **within)
    channels = modes.reshape(2, 3, *half.shape)
    for a in range(3):
        for b in range(a, 3):
            product = (channels[:, a] * channels[:, b].conj()).real.sum(axis=0)
            np.testing.assert_allclose(
                cross[a, b], summed(product)[0], rtol=TOLERANCE[dtype], atol=within["atol"] * 100
            )
    assert not cross[np.tril_indices(3, -1)].any()


@pytest.mark.parametrize("shape", [(32, 32), (33, 32)])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "f2", "f8", ">f4", "?"])
def test_any_type_is_measured_as_the_numbers_it_holds(shape: tuple[int, int], kind: str) -> None:
    images = np.random.default_rng(0).integers(-100, 156, (5, *shape)).astype(kind)
    engine = RingEngine(ring_plan(shape), "none", "mean", np.float32)
    exactly = engine.measure(images.astype(np.float32))[0]
    np.testing.assert_allclose(engine.measure(images)[0], exactly, rtol=1e-6)
    doubles = RingEngine(ring_plan(shape), "none", "mean", np.float64)
    np.testing.assert_allclose(doubles.measure(images)[0], exactly, rtol=1e-5)


@pytest.mark.parametrize("shape", [(32, 48), (33, 48)])
def test_images_do_not_touch_each_other(shape: tuple[int, int]) -> None:
    """Alone, among others, beside one that is not finite, from anywhere in memory: same bits."""
    rng = np.random.default_rng(1)
    images = rng.standard_normal((7, *shape)).astype(np.float32)
    engine = RingEngine(ring_plan(shape), "hann", "mean", np.float32)
    together, _ = engine.measure(images)
    spoiled = images.copy()
    spoiled[2, 5, 5] = np.nan
    with np.errstate(invalid="ignore"):
        beside, _ = engine.measure(spoiled)
    assert not np.isfinite(beside[2]).any()
    memory = np.empty(images.size + 1, np.float32)
    memory[1:] = images.ravel()
    elsewhere, _ = engine.measure(memory[1:].reshape(images.shape))
    np.testing.assert_array_equal(elsewhere, together)
    for i in range(7):
        np.testing.assert_array_equal(engine.measure(images[i : i + 1])[0][0], together[i])
        if i != 2:
            np.testing.assert_array_equal(beside[i], together[i])


@pytest.mark.slow
def test_compiled_code_is_made_anew_where_a_part_of_it_changed(tmp_path: Path) -> None:
    part, whole = tmp_path / "part.py", tmp_path / "whole.py"
    part.write_text("from numba import njit\n\n@njit\ndef number():\n    return 1\n")
    whole.write_text(
        "import part\nfrom spectra.compiled import compiled\n\n"
        "@compiled(uses=(part.__file__,))\ndef doubled():\n    return 2 * part_number()\n\n"
        "part_number = part.number\nprint(doubled())\n"
    )

    def run() -> str:
        environment = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
        return subprocess.run(
            [sys.executable, "-B", whole],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    assert [run(), run()] == ["2", "2"]
    part.write_text(part.read_text().replace("return 1", "return 21"))
    assert run() == "42"


@pytest.mark.slow
def test_without_compilation_the_numbers_are_the_same() -> None:
    """For those who look for a fault: every loop runs in Python."""
    script = (
        "import numpy as np, spectra\n"
        "images = np.random.default_rng(0).standard_normal((2, 16, 16))\n"
        "print(spectra.rapsd(images)[0].sum())"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    images = np.random.default_rng(0).standard_normal((2, 16, 16))
    assert float(done.stdout) == pytest.approx(spectra.rapsd(images)[0].sum(), rel=1e-9)
