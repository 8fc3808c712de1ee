"""Moving: shared modes keep their SNR, and a finer sampling of the same content is foreseen."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError, Schedule
from spectra.bases import make_basis
from spectra.schedule.moving.modes import box_response, box_transfer, carried
from spectra.schedule.moving.scale import between
from spectra.schedule.moving.transfer import sigma_scale, transfer_schedule
from tests.repeats import then_slow
from tests.schedule.known import known_spectrum, power_law

T = np.linspace(0, 1, 7)
COARSE = known_spectrum(power_law(2.2), (2, 16, 16), quantum=0.0)


def finer(shape: tuple[int, int, int] = (2, 32, 32), law: Any = power_law(2.2)) -> Any:  # noqa: B008
    """The spectrum of the same content with twice the samples an axis: lambda times 4 at 2 f."""
    return known_spectrum(lambda f: 4 * law(2 * f), shape)


def shared(values: np.ndarray, shape: tuple[int, ...] = (2, 16, 16)) -> np.ndarray:
    return values[(..., *(slice(n) for n in shape[1:]))]


# ---- the scale


@pytest.mark.parametrize("basis", ["dct", "fourier", "rings"])
def test_finer_sampling_scales_noise_by_the_side(basis: str) -> None:
    found = sigma_scale(COARSE, finer(), basis=basis)
    assert found.relation == "resolution"
    # DC has no law of its own: known spectra put it where a mode of half the frequency is.
    assert found.scale == pytest.approx(2, rel=5e-3)
    assert found.scale == found.shift
    assert (found.sd3, found.simple_diffusion) == (2, 2)
    assert sigma_scale(finer(), COARSE, basis=basis).scale == pytest.approx(0.5, rel=5e-3)
    assert found.disagreement < 0.02


def test_rings_are_of_axes_that_scale_alike() -> None:
    """Half the samples along x alone: each axis has its own factor, which rings do not tell."""
    rng = np.random.default_rng(0)
    whole = make_basis("fourier", (1, 32, 32))
    fields = whole.inverse(
        rng.standard_normal((60, 1, 32, 32)) / np.maximum(whole.frequency, 1 / 64)
    )
    low = np.abs(np.fft.fftfreq(32)) < 0.25
    along_x = np.fft.ifft(np.fft.fft(fields, axis=3) * low, axis=3).real[..., ::2]
    bases: Any = ("dct", "fourier", "pixel")
    fine, coarse = (spectra.analyze(x, bases=bases, window="none") for x in (fields, along_x))
    for basis in ("dct", "fourier"):
        assert sigma_scale(coarse, fine, basis=basis).scale == pytest.approx(2**0.5, rel=0.06)
    for a, b in ((coarse, fine), (fine, coarse)):
        with pytest.raises(InputError, match="not scaled alike; use basis dct"):
            sigma_scale(a, b, basis="rings")
        with pytest.raises(InputError, match="not scaled alike; use basis dct"):
            transfer_schedule(spectra.derive_schedule(a, basis="pixel"), b)
    # of a field that is longer, rings at equal cycles/pixel stay the same
    assert sigma_scale(fine, coarse, relation="extension", basis="rings").modes > 0


def test_new_modes_have_no_part_in_it() -> None:
    """Power above the coarse Nyquist frequency, or none, is all the same."""
    fine = finer()
    loud = np.where(make_basis("dct", fine.shape).frequency > 0.375, 1e3, 1)
    louder = replace(fine, variances={"dct": fine.variances["dct"] * loud})
    assert sigma_scale(COARSE, louder).scale == sigma_scale(COARSE, fine, basis="dct").scale


@pytest.mark.parametrize("shape", [(1, 1, 12), (1, 12), (3, 8, 12)])
def test_scaled_data_scale_noise(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    variance = rng.lognormal(size=shape)
    found = between(variance, 9 * variance, "dct", "data")
    assert found.scale == pytest.approx(3, rel=1e-12)
    assert found.disagreement < 1e-12
    assert found.sd3 == 1


def test_a_series_goes_by_the_root() -> None:
    """The same content at twice the rate: lambda doubles, noise grows by sqrt 2."""
    coarse = np.arange(1, 9.0)[None] ** -2
    found = between(coarse, 2 * np.arange(1, 17.0)[None] ** -2, "dct", "resolution")
    assert found.scale == pytest.approx(2**0.5, rel=1e-12)
    assert found.sd3 == pytest.approx(2**0.5)
    assert found.simple_diffusion == pytest.approx(2)


@pytest.mark.parametrize("basis", ["dct", "fourier", "rings"])
def test_a_larger_field_at_the_same_sampling_needs_no_shift(basis: str) -> None:
    wide = known_spectrum(power_law(2.2), (2, 24, 48))
    found = sigma_scale(COARSE, wide, relation="extension", basis=basis)
    assert found.scale == pytest.approx(1, abs=0.06)  # of straight lines in a convex law
    rule = (24 * 48 / np.prod(COARSE.shape[1:])) ** 0.5  # what the rules of thumb say all the same
    assert (found.sd3, found.simple_diffusion) == pytest.approx((rule, rule))


def test_latents_of_other_channels() -> None:
    rng = np.random.default_rng(2)
    pictures = spectra.analyze(rng.standard_normal((40, 3, 16, 16)), window="none")
    latents = spectra.analyze(2 * rng.standard_normal((40, 4, 8, 8)), window="none")
    found = sigma_scale(pictures, latents)
    assert found.scale == pytest.approx(2, rel=0.05)  # white noise has no content to resample
    assert found.modes == 64


def test_the_octaves_say_where_they_disagree() -> None:
    fine = finer()
    upper = np.where(make_basis("dct", fine.shape).frequency > 0.125, 4.0, 1)
    bent = replace(fine, variances={"dct": fine.variances["dct"] * upper})
    found = sigma_scale(COARSE, bent)
    by_octave = {octave.high: octave.scale for octave in found.octaves}
    assert by_octave[2] == pytest.approx(2, rel=1e-6)
    assert by_octave[8] == pytest.approx(4, rel=1e-6)
    assert found.disagreement > 0.2
    text = "\n".join(found.lines())
    assert "4-8: 4" in text
    assert "SD3" in text
    assert found.to_dict()["octaves"][-1]["scale"] == found.octaves[-1].scale


# ---- the box filter


@pytest.mark.parametrize(("coarse", "fine"), [(8, 16), (8, 24), (5, 15), (6, 9)])
def test_what_averaging_does_to_each_row(coarse: int, fine: int) -> None:
    x = np.random.default_rng(3).standard_normal(fine)
    every = np.repeat(x, coarse).reshape(coarse, fine).mean(axis=1)  # areas, also of parts
    seen = make_basis("dct", (1, coarse)).forward(every[None])[0]
    told = box_response(coarse, fine) @ make_basis("dct", (1, fine)).forward(x[None])[0]
    np.testing.assert_allclose(seen, told, atol=1e-12)


def test_the_attenuation_is_that_of_a_box() -> None:
    m, r = 16, 2
    k = np.arange(1, m)
    own = (np.sin(np.pi * k / (2 * m)) / (r * np.sin(np.pi * k / (2 * m * r)))) ** 2
    np.testing.assert_allclose(box_transfer((m,), (m * r,))[1:], own, rtol=1e-12)
    outer = box_transfer((m, m), (m * r, m * r))
    np.testing.assert_allclose(outer[1:, 1:], np.multiply.outer(own, own), rtol=1e-12)


def test_averaged_noise_is_matched_with_its_aliases() -> None:
    """White noise is half alias at the coarse Nyquist frequency, and still all of it is known."""
    x = np.random.default_rng(4).standard_normal((400, 1, 32, 32))
    small = x.reshape(-1, 1, 16, 2, 16, 2).mean((3, 5))
    a, b = (spectra.analyze(data, window="none") for data in (small, x))
    assert sigma_scale(a, b, filter="box").scale == pytest.approx(2, rel=0.01)
    assert sigma_scale(b, a, filter="box").scale == pytest.approx(0.5, rel=0.01)
    found = sigma_scale(a, b, filter="box").octaves
    assert found[-1].alias > found[2].alias > 0
    with pytest.raises(InputError, match="dct"):
        sigma_scale(a, b, filter="box", basis="rings")


# ---- schedules


def schedules() -> list[Schedule]:
    made = [
        spectra.standard_schedule(COARSE, process="vp-cosine"),
        spectra.derive_schedule(COARSE, basis="dct"),
        spectra.derive_schedule(COARSE, basis="dct", ordering_strength=0.0),
        spectra.derive_schedule(
            COARSE, basis="dct", ordering_strength=2.5, prior="data", form="flow"
        ),
        spectra.derive_schedule(COARSE, basis="dct", ordering="frequency", ordering_strength=0.6),
        spectra.derive_schedule(COARSE, basis="fourier", ordering_strength=0.5),
    ]
    limited = replace(made[1], limits=(-6.0, 4.0))
    blurred = replace(
        made[0],
        blur_rate=30 * made[0].frequency ** 2,
        radial_blur_rate=30 * made[0].radial_frequency ** 2,
        blur=np.linspace(0, 1, len(made[0].t)),
        blur_floor=0.01,
    )
    return [*made, limited, blurred]


@pytest.mark.parametrize("number", then_slow(range(0, 8, 2), range(8)))
def test_shared_modes_keep_their_snr(number: int) -> None:
    schedule = schedules()[number]
    fine = finer()
    # An exact relation: shared modes are 4 times as strong, DC included.
    dc = {}
    for name in ("dct", "fourier"):
        variance = fine.variances[name].copy()
        variance[:, 0, 0] = 4 * COARSE.variances[name][:, 0, 0]
        dc[name] = variance
    moved = transfer_schedule(schedule, replace(fine, variances=dc))
    kept = carried(schedule.log_snr(T)[3], schedule.basis, moved.shape, "resolution")
    there = np.isfinite(kept)
    assert there.mean() > 0.2
    np.testing.assert_allclose(moved.log_snr(T)[3][there], kept[there], atol=1e-6)
    t = np.linspace(0, 1, 201)
    f_max = schedule.f_max(t)
    inside = (f_max > 0.1) & (f_max < 0.4)  # cycles/pixel; twice as many pixels an image
    np.testing.assert_allclose(2 * moved.f_max(t)[inside], f_max[inside], rtol=0.05)
    assert "2" in moved.explanation["moved"]


@pytest.mark.parametrize("number", then_slow(range(1, 8, 2), range(8)))
def test_there_and_back_by_shape_alone(number: int, tmp_path: Path) -> None:
    schedule = schedules()[number]
    there = transfer_schedule(schedule, shape=(2, 32, 32))
    there.save(tmp_path / "x.safetensors")
    np.testing.assert_array_equal(
        spectra.load_schedule(tmp_path / "x.safetensors").log_snr(T), there.log_snr(T)
    )
    assert (np.diff(there.log_snr(T), axis=0) <= 1e-12).all()
    if schedule.basis == "fourier":
        return  # the coarse Nyquist row is new on the way back
    back = transfer_schedule(there, shape=(2, 16, 16))
    np.testing.assert_allclose(back.log_snr(T), schedule.log_snr(T), atol=1e-6)
    np.testing.assert_allclose(back.variance, schedule.variance, rtol=1e-9)
    np.testing.assert_allclose(back.mean, schedule.mean, atol=1e-9)
    np.testing.assert_allclose(back.scale, schedule.scale, rtol=1e-6)


def test_standard_diffusion_stays_standard() -> None:
    moved = transfer_schedule(spectra.standard_schedule(COARSE), shape=(2, 32, 32))
    ratio = moved.log_ratio(T)
    assert np.ptp(ratio[3]) < 1e-9
    before = spectra.standard_schedule(COARSE).log_ratio(T)[3, 0, 0, 0]
    assert ratio[3, 0, 0, 0] == pytest.approx(before - 2 * np.log(2), abs=1e-9)


def test_equal_snr_stays_equal() -> None:
    schedule = spectra.derive_schedule(COARSE, ordering_strength=0.0)
    moved = transfer_schedule(schedule, finer())
    assert np.ptp(moved.log_snr(T)[3]) < 1e-9


def test_to_itself_nothing_moves() -> None:
    schedule = spectra.derive_schedule(COARSE)
    moved = transfer_schedule(schedule, COARSE)
    np.testing.assert_allclose(moved.log_snr(T), schedule.log_snr(T), atol=1e-9)


@pytest.mark.parametrize("basis", ["wavelet-haar", "pixel"])
def test_other_bases(basis: str) -> None:
    x = np.random.default_rng(5).standard_normal((60, 2, 16, 16)).cumsum(2).cumsum(3)
    spectrum = spectra.analyze(x, bases=("dct", basis), window="none")
    schedule = spectra.derive_schedule(spectrum, basis=basis, ordering_strength=0.7)
    moved = transfer_schedule(schedule, shape=(2, 32, 32))
    if basis == "pixel":  # noise grows, the variance of a place does not
        assert moved.variance.mean() == pytest.approx(schedule.variance.mean(), rel=0.05)
        ratio = moved.log_ratio(T)[3].mean() - schedule.log_ratio(T)[3].mean()
        assert ratio == pytest.approx(-2 * np.log(2), abs=0.05)
    else:
        np.testing.assert_allclose(shared(moved.log_snr(T)), schedule.log_snr(T), atol=1e-6)


def test_new_components_go_on_along_the_law() -> None:
    moved = transfer_schedule(spectra.derive_schedule(COARSE, basis="dct"), shape=(2, 24, 40))
    expected = 24 * 40 / 256 * power_law(2.2)(np.hypot(23 / 2 / 16, 39 / 2 / 16))
    assert moved.variance[0, 23, 39] == pytest.approx(expected, rel=0.05)
    assert "f^-2.2" in moved.explanation["components"]


def test_series() -> None:
    x = np.random.default_rng(6).standard_normal((50, 1, 64)).cumsum(2)
    source = spectra.open_source(x, view="series")
    schedule = spectra.derive_schedule(spectra.analyze(source, segment=None))
    moved = transfer_schedule(schedule, shape=(1, 128))
    np.testing.assert_allclose(moved.log_snr(T)[:, :, :64], schedule.log_snr(T), atol=1e-6)
    assert moved.variance[0, 64:].max() < moved.variance[0, 1:8].min()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "either the spectrum"),
        ({"spectrum": COARSE, "shape": (2, 32, 32)}, "either the spectrum"),
        ({"shape": (2, 16, 16)}, "already"),
        ({"shape": (3, 32, 32)}, "channels"),
        ({"shape": (2, 32)}, "spatial"),
        ({"shape": (2, 32, 0)}, "at least 1"),
        ({"shape": (2, 32, 32), "relation": "data"}, "equal sizes"),
        ({"shape": (2, 32, 32), "relation": "zoom"}, "zoom"),
        ({"shape": (2, 32, 32), "filter": "lanczos"}, "lanczos"),
        ({"shape": (2, 32, 8), "filter": "box"}, "box"),
    ],
)
def test_nonsense_is_one_clear_line(options: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        transfer_schedule(spectra.derive_schedule(COARSE), **options)
    assert "\n" not in str(caught.value)


def test_an_order_of_its_own_cannot_be_continued() -> None:
    schedule = spectra.derive_schedule(COARSE, basis="dct")
    own = replace(schedule, offset=np.random.default_rng(0).normal(size=schedule.shape))
    with pytest.raises(InputError, match="derive a schedule"):
        transfer_schedule(own, shape=(2, 32, 32))
    smaller = transfer_schedule(own, shape=(2, 8, 8))  # nothing is new there
    np.testing.assert_allclose(smaller.log_snr(T), shared(own.log_snr(T), (2, 8, 8)), atol=1e-6)


# ---- photographs


def test_a_schedule_of_averaged_photographs_is_that_of_the_whole(bsds500: Path) -> None:
    """The must-show at a quarter of its size: within 0.1 in log SNR up to ring 10 of 16."""
    source = spectra.open_source(bsds500 / "val", size=64, channels="grey", crop="center")
    whole = np.concatenate([np.asarray(batch) for batch in source.batches(50)])
    small = whole.reshape(-1, 1, 32, 2, 32, 2).mean((3, 5))
    a, b = (spectra.analyze(x, window="none") for x in (small, whole))
    schedule = spectra.derive_schedule(a, basis="dct")
    foreseen = transfer_schedule(schedule, shape=(1, 64, 64), filter="box")
    measured = transfer_schedule(schedule, b, filter="box")
    ring = np.rint(measured.frequency * 64)
    apart = (foreseen.log_snr(T) - measured.log_snr(T))[3]
    for k in range(11):
        assert abs(apart[ring == k].mean()) < 0.1
    # Without the filter's attenuation it is not: the law is not met by chance.
    plain = transfer_schedule(schedule, shape=(1, 64, 64))
    blind = plain.variance / measured.variance
    assert abs(np.log(blind[ring == 10]).mean()) > 0.2
