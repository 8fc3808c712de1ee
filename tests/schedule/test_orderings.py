"""Orderings: each one's labels, sums, natural units, strengths by band, and what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import spectra
from spectra import InputError
from spectra.bases import WaveletBasis
from spectra.schedule.orderings import Ordering, ordering_text, parse_ordering
from tests.schedule.known import bumped, known_spectrum, power_law

T = np.linspace(0, 1, 17)
NAMES = ("dct", "fourier", "pixel", "wavelet", "wavelet-haar")


def spectrum_of(shape: tuple[int, ...] = (1, 16, 16), seed: int = 0) -> spectra.Spectrum:
    """Of fields with a falling spectrum, in all bases, 1-D or 2-D, any channels."""
    noise = np.random.default_rng(seed).normal(size=(48, *shape))
    axes = tuple(range(2, noise.ndim))
    grids = np.meshgrid(*(np.fft.fftfreq(n) for n in shape[1:]), indexing="ij")
    f = np.maximum(np.sqrt(sum(grid**2 for grid in grids)), 0.5 / max(shape[1:]))
    fields = np.fft.ifftn(np.fft.fftn(noise, axes=axes) / f, axes=axes).real
    view = "series" if len(shape) == 2 else "pixels"
    return spectra.analyze(spectra.open_source(0.1 * fields, view=view), bases=NAMES)


SPECTRUM = spectrum_of()


def offset(ordering: Any, basis: str, strength: Any = 1.0, spectrum: Any = SPECTRUM) -> np.ndarray:
    made = spectra.derive_schedule(
        spectrum, ordering=ordering, basis=basis, ordering_strength=strength, pace="linear"
    )
    log_snr = made.log_snr(T)
    assert (np.diff(log_snr, axis=0) <= 0).all()
    return made.offset


def test_variance_at_strength_one_is_ln_lambda() -> None:
    for basis in NAMES:
        made = spectra.derive_schedule(SPECTRUM, basis=basis, ordering_strength=1.0)
        np.testing.assert_allclose(made.offset, np.log(made.variance), atol=1e-12)


def test_frequency_orders_by_frequency_alone() -> None:
    for basis in ("dct", "fourier", "wavelet"):
        values = offset("frequency", basis)
        frequency = spectra.make_basis(basis, SPECTRUM.shape).frequency
        order = np.argsort(frequency, axis=None)
        assert (np.diff(values.ravel()[order]) <= 1e-12).all()
        for f in np.unique(frequency):
            assert np.ptp(values[frequency == f]) == 0


def test_level_is_one_step_an_octave_fine_levels_first() -> None:
    values = offset("level", "wavelet")
    level = WaveletBasis(SPECTRUM.shape, "wavelet").level
    means = [values[level == j] for j in range(level.max() + 1)]
    assert all(np.ptp(part) < 1e-12 for part in means)
    steps = np.diff([part[0] for part in means])
    alpha = spectra.fit_power_law(SPECTRUM).alpha
    np.testing.assert_allclose(steps, alpha * np.log(2))  # coarse keeps its SNR longer


@pytest.mark.parametrize(
    ("name", "axis", "last_drowns_first"),
    [
        ("columns", 2, True),
        ("rows", 1, True),
        ("frames", 2, True),
        ("columns-reversed", 2, False),
        ("rows-reversed", 1, False),
    ],
)
def test_places_drown_one_after_another(name: str, axis: int, last_drowns_first: bool) -> None:
    spectrum = spectrum_of((2, 8, 16))
    values = offset(name, "pixel", spectrum=spectrum)
    line = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    assert (np.ptp(line, axis=1) < 1e-12).all()
    steps = np.diff(line[:, 0])
    np.testing.assert_allclose(steps, steps[0])
    assert (steps[0] < 0) == last_drowns_first


def test_wavelets_are_ordered_by_the_middle_of_their_support() -> None:
    values = offset("rows", "wavelet-haar")
    place = WaveletBasis(SPECTRUM.shape, "wavelet-haar").position[0]
    order = np.argsort(place, axis=None)
    assert (np.diff(values.ravel()[order]) <= 1e-12).all()


def test_series_have_frames() -> None:
    spectrum = spectrum_of((1, 64))
    assert (np.diff(offset("frames", "pixel", spectrum=spectrum)[0]) < 0).all()
    with pytest.raises(InputError, match="no such axis"):
        offset("rows", "pixel", spectrum=spectrum)


def test_strength_one_is_as_far_apart_as_standard_diffusion() -> None:
    """All orders span, at strength 1, the nats of ln lambda within a factor of two."""
    spectrum = known_spectrum(power_law(2.0), (1, 64, 64))
    variances = dict.fromkeys(("dct", "pixel", "wavelet"), spectrum.variances["dct"])
    spectrum = replace(spectrum, variances=variances)
    standard = np.ptp(np.log(spectrum.variances["dct"]))
    for name, basis in (("frequency", "dct"), ("level", "wavelet"), ("columns", "pixel")):
        assert 0.5 < np.ptp(offset(name, basis, spectrum=spectrum)) / standard < 2


def test_a_sum_adds_its_terms() -> None:
    level, columns = offset("level", "wavelet"), offset("columns", "wavelet")
    both = offset("level:0.8+columns:0.3", "wavelet")
    np.testing.assert_allclose(both, 0.8 * level + 0.3 * columns, atol=1e-12)
    terms = (Ordering("level", 0.8), Ordering("position", 0.3))
    np.testing.assert_array_equal(both, offset(terms, "wavelet"))
    np.testing.assert_allclose(offset(terms, "wavelet", 2.0), 2 * both, atol=1e-12)


def test_a_given_tensor_is_the_labels() -> None:
    labels = np.random.default_rng(1).normal(size=SPECTRUM.shape)
    for basis in ("dct", "pixel"):
        np.testing.assert_allclose(offset(labels, basis, 1.5), -1.5 * labels, atol=1e-12)
    made = spectra.derive_schedule(SPECTRUM, basis="pixel", ordering=labels)
    assert np.isnan(made.f_max(T)).all()


@pytest.mark.parametrize("ordering", ["variance", "frequency", "level"])
def test_strength_by_band_is_the_strength_there_and_continuous(ordering: str) -> None:
    """Equal strengths are one strength; a band's slope is its own; the order is kept."""
    basis = "wavelet" if ordering == "level" else "dct"
    spectrum = known_spectrum(power_law(2.0), (1, 32, 32))
    variances = {"dct": spectrum.variances["dct"], "wavelet": spectrum.variances["dct"]}
    spectrum = replace(spectrum, variances=variances)
    plain = offset(ordering, basis, 1.0, spectrum)
    flat = offset(ordering, basis, [(0.1, 0.7), (0.5, 0.7)], spectrum)
    np.testing.assert_allclose(flat, 0.7 * plain, atol=1e-12)
    two = offset(ordering, basis, [(0.1, 1.0), (0.5, 0.25)], spectrum)
    order = np.argsort(plain, axis=None)
    steps, wanted = np.diff(two.ravel()[order]), np.diff(plain.ravel()[order])
    assert (steps >= -1e-12).all()
    assert (steps <= wanted + 1e-12).all()
    low = np.isclose(steps, wanted, atol=1e-12)
    high = np.isclose(steps, 0.25 * wanted, atol=1e-12)
    assert ((~low & ~high).sum()) <= 1  # the one step across the edge
    assert (low & (wanted > 1e-9)).any()
    assert (high & (wanted > 1e-9)).any()


def test_bands_keep_the_order_of_a_spectrum_with_a_bump() -> None:
    spectrum = known_spectrum(bumped, (1, 32, 32))
    values = offset("variance", "dct", [(0.2, 1.0), (0.3, 0.0), (0.5, 2.0)], spectrum)
    order = np.argsort(spectrum.variances["dct"], axis=None)
    assert (np.diff(values.ravel()[order]) >= -1e-12).all()


@pytest.mark.parametrize(
    "text",
    ["variance", "level:1+columns:0.3", "rows-reversed:2", "frequency:0.5+variance:0.5"],
)
def test_the_grammar_reads_what_it_writes(text: str) -> None:
    terms = parse_ordering(text)
    assert parse_ordering(ordering_text(terms)) == terms


@pytest.mark.parametrize(
    ("ordering", "basis", "strength", "names"),
    [
        ("size", "dct", 1.0, "'size' is unknown"),
        ("", "dct", 1.0, "'' is unknown"),
        ("level+", "wavelet", 1.0, "'' is unknown"),
        ("level:strong", "wavelet", 1.0, "'strong' is no number"),
        ("level:", "wavelet", 1.0, "'' is no number"),
        ("level:-1", "wavelet", 1.0, "level: strength -1"),
        ("level:nan", "wavelet", 1.0, "level: strength nan"),
        ("variance-reversed", "dct", 1.0, "'variance-reversed' is unknown"),
        ("level", "dct", 1.0, "needs a wavelet basis"),
        ("columns", "dct", 1.0, "choose basis pixel or wavelet"),
        ("frequency", "pixel", 1.0, "choose basis dct"),
        ((), "dct", 1.0, "ordering: give a name"),
        (["variance"], "dct", 1.0, "ordering: give a name"),
        (np.zeros((1, 4, 4)), "dct", 1.0, "ordering: labels of shape (1, 4, 4)"),
        (np.full((1, 16, 16), np.nan), "dct", 1.0, "ordering: labels"),
        ("variance", "dct", "much", "'much'"),
        ("variance", "dct", [], "ordering_strength"),
        ("variance", "dct", [(0.3, 1.0), (0.1, 1.0)], "must rise"),
        ("variance", "dct", [(0.3, -1.0)], "ordering_strength -1"),
        ("variance", "dct", [0.3, 0.4], "pairs"),
        ("columns", "pixel", [(0.3, 1.0)], "order of frequencies"),
    ],
)
def test_what_is_no_order_is_refused(ordering: Any, basis: str, strength: Any, names: str) -> None:
    with pytest.raises(InputError) as caught:
        offset(ordering, basis, strength)
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_places_have_a_direction() -> None:
    with pytest.raises(InputError, match="only position"):
        Ordering("variance", reverse=True)
