"""The audit's figure: what it draws is what the audit says."""

import numpy as np
import pytest

import spectra
from spectra.plots import plot_audit
from spectra.schedule.auditing.audit import Audit, audit
from tests.schedule.known import known_spectrum, power_law

SPECTRUM = known_spectrum(power_law(2.2), (1, 16, 16), quantum=2 / 255)


def labels(figure) -> list[str]:
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


@pytest.fixture(scope="module")
def planted() -> Audit:
    return audit("stable-diffusion", SPECTRUM, steps=6)


@pytest.mark.parametrize("layout", ["wide", "narrow"])
def test_every_octave_and_step_is_drawn(planted: Audit, layout) -> None:
    figure = plot_audit(planted, layout=layout)
    density, steps, octaves = figure.axes
    assert len(octaves.get_yticklabels()) == len(planted.octaves)
    drawn = [len(lines.get_segments()) for lines in steps.collections]
    assert drawn[:2] == [6, 6]
    ends = octaves.lines[-1].get_xdata()
    np.testing.assert_allclose(ends, [row.error for row in planted.octaves])
    assert f"{len(planted.findings)} findings" in density.get_title(loc="left")
    box = figure.get_tightbbox()
    assert box.x0 > -0.05
    assert box.x1 < figure.get_figwidth() + 0.05


def test_a_severity_has_one_name_in_the_picture_and_in_words(planted: Audit) -> None:
    title = plot_audit(planted).axes[0].get_title(loc="left")
    count = sum(line.startswith("[high]") for line in planted.lines())
    assert count > 0
    assert title.endswith(f", {count} high")


def test_training_integrates_to_one(planted: Audit) -> None:
    step = np.log(planted.sigma[1] / planted.sigma[0])
    assert planted.training_density is not None
    assert planted.training_density.sum() * step == pytest.approx(1, abs=1e-6)
    assert (planted.octave_rate.sum(axis=0) * step <= 1 + 1e-9).all()


def test_what_is_not_known_or_not_amiss(tmp_path) -> None:
    path = tmp_path / "sigmas.txt"
    path.write_text("30 10 3 1 0.3 0.1 0.03")
    assert "trained: not known" in labels(plot_audit(audit(path, SPECTRUM)))
    fits = audit(spectra.derive_schedule(SPECTRUM), SPECTRUM, steps=6)
    assert "nothing amiss" in plot_audit(fits).axes[0].get_title(loc="left")


def test_untrained_levels_are_hatched(tmp_path) -> None:
    path = tmp_path / "edm.json"
    path.write_text('{"P_mean": -5, "P_std": 0.4}')
    assert "sampled, not trained" in labels(plot_audit(audit(path, SPECTRUM, steps=6)))


def test_components_without_frequency() -> None:
    figure = plot_audit(audit("columns", SPECTRUM, steps=5), layout="narrow")
    assert "variance" in figure.axes[2].get_title(loc="left")
