"""The exponents of BSDS500 and Kodak, as they were measured elsewhere with the same settings."""

import pytest

import spectra
from tests.repeats import then_slow
from tests.shared import KODAK

TOLERANCE = 0.05
RANGE = (0.01, 0.25)  # cycles/pixel


@pytest.mark.parametrize(
    ("name", "size", "plain", "resampled"),
    then_slow([("kodak", 512, 2.24, 2.29)], [("bsds500", 256, 2.31, 2.35)]),
)
def test_exponents_of_photographs(
    name: str, size: int, plain: float, resampled: float, request: pytest.FixtureRequest
) -> None:
    """Grey centre crops, mean removed, Hann, mean of log radial power, 0.01 to 0.25."""
    folder = KODAK if name == "kodak" else request.getfixturevalue("bsds500")
    if not folder.is_dir():
        pytest.skip(f"the photographs are not at {folder}")
    source = spectra.open_source(folder, size=size, crop="center", channels="grey")
    spectrum = spectra.analyze(source, window="hann", bases=())
    expected: dict[spectra.fit.FitMethod, float] = {"plain": plain, "log-resampled": resampled}
    for method, alpha in expected.items():
        fit = spectra.fit_power_law(spectrum, method=method, f_range=RANGE)
        assert fit.average == "log"
        assert fit.alpha == pytest.approx(alpha, abs=TOLERANCE)
        assert fit.is_power_law
