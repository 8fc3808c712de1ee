"""Any schedule that the command line can make: SNR falls, both ends hold, its file is exact.

Options are drawn at random, through the words that the command line reads; what is refused is
refused in one line.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import spectra
from spectra import InputError, Schedule
from spectra.cli import main
from spectra.schedule.tables import load_schedule

BASES = ("dct", "fourier", "pixel", "wavelet", "wavelet-haar", "pca")
PACES = (
    "information",
    "frequency",
    "octave",
    "modes",
    "power",
    "frequency-power",
    "linear",
    "tangent",
)
PLACES = ("columns", "rows", "frames", "columns-reversed", "rows-reversed")
T = np.linspace(0, 1, 41)
SHAPES = {"grey": (24, 1, 8, 16), "colour": (24, 3, 8, 8), "series": (24, 2, 64)}

numbers = {
    "power-weight": st.floats(0, 1),
    "threshold": st.floats(1e-3, 1e3),
    "information-left": st.floats(1e-6, 1.0),
    "g-noise": st.floats(1, 30),
    "penalty": st.floats(0, 50),
}
clean_ends = {
    "w2-left": st.floats(1e-12, 0.5),
    "w2-absolute": st.floats(1e-12, 1e-3),
    "g-denoise": st.floats(-30, -1),
}
names = {
    "basis": st.sampled_from((*BASES, "auto")),
    "pace": st.sampled_from(PACES),
    "prior": st.sampled_from(("white", "data")),
    "form": st.sampled_from(("vp", "flow", "ve")),
    "density": st.sampled_from(("pace", "modes", "information")),
}
strength = st.floats(0, 6).map(lambda a: f"{a:.6g}")
term = st.tuples(st.sampled_from(("variance", "frequency", "level", *PLACES)), strength)
ordering = st.one_of(
    st.sampled_from(("variance", "frequency", "level", *PLACES)),
    st.lists(term, min_size=1, max_size=3).map(lambda terms: "+".join(map(":".join, terms))),
)
bands = st.lists(st.tuples(st.floats(0.01, 0.5), strength), min_size=1, max_size=3).map(
    lambda pairs: ",".join(f"{edge:.4f}:{a}" for edge, a in sorted(pairs))
)


def suited(choices: dict[str, Any], end: dict[str, Any]) -> dict[str, Any]:
    """One clean end, and a penalty only where a strength is chosen."""
    if choices.get("ordering-strength", "auto") != "auto":
        choices.pop("penalty", None)
    return choices | end


derived = st.builds(
    suited,
    st.fixed_dictionaries(
        {},
        optional={
            **names,
            **numbers,
            "ordering": ordering,
            "ordering-strength": st.one_of(strength, bands, st.just("auto")),
        },
    ),
    st.one_of(
        st.just({}),
        *(st.fixed_dictionaries({name: value}) for name, value in clean_ends.items()),
    ),
)
scalar = st.sampled_from(("rectified-flow", "vp-cosine", "vp-linear", "ve", "edm"))
copied = st.one_of(
    st.fixed_dictionaries(
        {"preset": scalar},
        optional={
            "basis": names["basis"],
            "shift": st.floats(0.05, 20),
            "sigma-data": st.floats(1e-3, 1e3),
        },
    ),
    st.fixed_dictionaries(
        {"preset": st.just("edm"), "p-mean": st.floats(-5, 3)},
        optional={"p-std": st.floats(0.3, 3)},
    ),
    st.fixed_dictionaries(
        {"preset": st.sampled_from(("equal-snr", "power-law-noise"))}, optional={"process": scalar}
    ),
    st.fixed_dictionaries(
        {"preset": st.just("soft-conditioning")},
        optional={"ordering-strength": strength, "g-denoise": clean_ends["g-denoise"]},
    ),
    st.fixed_dictionaries(
        {"preset": st.sampled_from(("blurring", "heat-dissipation"))},
        optional={"blur-max": st.floats(1, 40)},
    ),
    st.fixed_dictionaries(
        {"preset": st.sampled_from(("columns", "rows"))},
        optional={"tau-max": st.floats(0, 0.98), "reverse": st.sampled_from(("yes", "no"))},
    ),
)
wished = st.fixed_dictionaries(
    {"f-max": scalar},
    optional={
        "basis": names["basis"],
        "ordering-strength": strength,
        "threshold": numbers["threshold"],
        "form": names["form"],
    },
)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Measured spectra of three shapes, in all bases."""
    found = {}
    for name, shape in SHAPES.items():
        folder = tmp_path_factory.mktemp(name)
        fields = np.random.default_rng(0).normal(size=shape).cumsum(-1).cumsum(-2) / 30
        view = "series" if len(shape) == 3 else "pixels"
        source = spectra.open_source(fields, view=view)
        found[name] = folder / "spectrum.safetensors"
        spectra.analyze(source, bases=BASES).save(found[name])
    return found


def made(path: Path, options: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> Any:
    """The schedule that a command writes, with what it printed; None where it is refused."""
    out = path.parent / "schedule.safetensors"
    out.unlink(missing_ok=True)
    flags = [f"--{name}={value}" for name, value in options.items()]
    capsys.readouterr()
    try:
        main(["schedule", str(path), "--out", str(out), "--json", *flags])
    except SystemExit as stop:
        code = stop.code
        printed = capsys.readouterr()
        assert code == 2
        assert printed.err.count("\n") == 1, printed.err
        assert printed.err.startswith("spectra: ")
        assert printed.out == ""
        assert not out.exists()
        return None
    return load_schedule(out), json.loads(capsys.readouterr().out)


def check(schedule: Schedule, numbers: dict[str, Any], options: dict[str, Any], tmp: Path) -> None:
    log_snr = schedule.log_snr(T)
    assert np.isfinite(log_snr).all()
    assert (np.diff(log_snr, axis=0) <= 1e-9).all()
    assert log_snr[0].min() >= -schedule.g_denoise - 1e-9
    assert log_snr[-1].max() <= -schedule.g_noise + 1e-9
    assert np.isfinite(schedule.alpha(T)).all()
    assert np.isfinite(schedule.sigma(T)).all()
    if "preset" not in options and "f-max" not in options:
        if "g-denoise" in options:
            assert schedule.g_denoise <= options["g-denoise"] + 1e-9
        if "g-noise" in options:
            assert schedule.g_noise >= options["g-noise"] - 1e-9
        else:
            left = 0.5 * np.logaddexp(0, log_snr[-1]).sum()
            assert left <= options.get("information-left", 0.01) * (1 + 1e-3)
    grid = schedule.grid(4)
    assert grid[0] == 1
    assert grid[-1] == 0
    assert (np.diff(grid) < 0).all()
    # to the bit, and once more
    schedule.save(tmp)
    again = load_schedule(tmp)
    for name in ("variance", "mean", "offset", "t", "pace", "scale", "radial_offset"):
        assert getattr(again, name).tobytes() == getattr(schedule, name).tobytes()
    assert again.log_snr(T).tobytes() == log_snr.tobytes()
    assert again.explanation == schedule.explanation == numbers["explanation"]
    assert all("\n" not in line for line in schedule.explanation.values())


FEW = settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("family", [derived, copied, wished], ids=["derived", "copied", "wished"])
def test_every_schedule_holds(
    family: Any,
    kind: str,
    files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    counted = {"made": 0, "refused": 0}

    @FEW
    @given(family)
    def every(options: dict[str, Any]) -> None:
        found = made(files[kind], options, capsys)
        counted["made" if found else "refused"] += 1
        if found:
            schedule, numbers = found
            check(schedule, numbers, options, tmp_path / "again")

    every()
    assert counted["made"] >= 5, counted


@pytest.mark.slow
@FEW
@given(pace=st.sampled_from(PACES), a=st.floats(0.05, 20), basis=st.sampled_from(BASES))
def test_every_pace_can_be_had(
    files: dict[str, Path], capsys: pytest.CaptureFixture[str], pace: str, a: float, basis: str
) -> None:
    """Ordered by frequency, or by variance where there is none, no pace is refused."""
    assume(not (basis == "pixel" and pace in ("frequency", "octave", "frequency-power")))
    order = "variance" if basis == "pixel" else "frequency"
    options = {"pace": pace, "ordering-strength": a, "basis": basis, "ordering": order}
    assert made(files["grey"], options, capsys) is not None


def later(path: Path, target: Path) -> Path:
    """The same file as a future version would write it."""
    from safetensors import safe_open
    from safetensors.numpy import save_file

    with safe_open(path, "numpy") as file:
        tables = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        about = dict(file.metadata())
    settings = json.loads(about["spectra"])
    key = next(name for name, value in settings.items() if isinstance(value, str) and "." in value)
    settings[key] = "2.0"
    save_file(tables, target, {"spectra": json.dumps(settings)})
    return target


def test_a_future_file_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    schedule = tmp_path / "schedule.safetensors"
    spectra.derive_schedule(spectra.load_spectrum(files["grey"])).save(schedule)
    with pytest.raises(InputError, match=r"version|later|newer"):
        load_schedule(later(schedule, tmp_path / "later.safetensors"))
    with pytest.raises(InputError, match=r"version|later|newer"):
        spectra.load_spectrum(later(files["grey"], tmp_path / "spectrum.safetensors"))
