"""The README's training loop reads a schedule where spectra is not installed."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import spectra
from spectra.schedule import Schedule
from tests.interop.conftest import SPECTRUM

README = Path(__file__).parents[2] / "README.md"

LOOP = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("spectra", "scipy", "diffusers"):
            raise ImportError(name + " is not here")
sys.meta_path.insert(0, Absent())
import os
import numpy as np
import torch as torch_
class Model(torch_.nn.Module):
    def __init__(self):
        super().__init__()
        self.gain = torch_.nn.Parameter(torch_.zeros(1, 1, 16, 16))
    def forward(self, x, level):
        assert level.shape == (len(x),)
        return self.gain * x
def train(folder, code):
    os.chdir(folder)
    torch_.manual_seed(0)
    model = Model()
    scope = {
        "batches": [0.1 * torch_.randn(512, 1, 16, 16) for _ in range(4)],
        "model": model,
        "optimizer": torch_.optim.SGD(model.parameters(), 0.1),
    }
    exec(code, scope)
    assert model.gain.abs().max() > 0
    seen = ("level", "log_ratio", "noised", "x", "noise")
    np.savez("seen.npz", **{name: np.asarray(scope[name]) for name in seen})
code, *folders = sys.argv[1:]
for folder in folders:
    train(folder, code)
"""
KINDS = ("standard", "half", "data prior", "own density")


def code() -> str:
    found = re.search(
        r"<!-- own training loop -->\n```python\n(.*?)```", README.read_text(), re.DOTALL
    )
    assert found is not None
    return found[1]


def test_it_is_short() -> None:
    assert len([line for line in code().splitlines() if line.strip()]) <= 30


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Schedule, Path]]:
    """A schedule of each kind, and the folder that the README's code was run in beside it."""
    made_of = {kind: (made(kind), tmp_path_factory.mktemp("loop")) for kind in KINDS}
    for schedule, folder in made_of.values():
        schedule.save(folder / "schedule.safetensors")
    folders = [str(folder) for _, folder in made_of.values()]
    done = subprocess.run(
        [sys.executable, "-c", LOOP, code(), *folders], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return made_of


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_trains_at_the_schedules_noise(
    kind: str, trained: dict[str, tuple[Schedule, Path]]
) -> None:
    schedule, folder = trained[kind]
    seen = np.load(folder / "seen.npz")
    level = seen["level"].ravel()
    t = schedule.time_at(level)
    log_snr = seen["log_ratio"] + np.log(schedule.variance)
    assert np.abs(log_snr - schedule.log_snr(t)).max() < 1e-4
    quantile, times = schedule.quantiles
    drawn = np.sort(np.interp(t, times, quantile))
    assert np.abs(drawn - (np.arange(512) + 0.5) / 512).max() < 0.1  # Kolmogorov, 512 draws
    basis = schedule.make_basis()
    ratio = np.asarray(seen["log_ratio"], float)
    alpha, sigma = (1 / (1 + np.exp(-ratio))) ** 0.5, (1 / (1 + np.exp(ratio))) ** 0.5
    z, eps = basis.forward(seen["x"] - schedule.mean), basis.forward(seen["noise"])
    assert np.abs(basis.forward(seen["noised"]) - alpha * z - sigma * eps).max() < 1e-4


def made(kind: str) -> Schedule:
    from dataclasses import replace

    plain = spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=1.0)
    if kind == "half":
        return spectra.derive_schedule(SPECTRUM, basis="dct", ordering_strength=0.5)
    if kind == "data prior":
        return spectra.derive_schedule(
            SPECTRUM, basis="dct", ordering_strength=0.0, prior="data", form="ve"
        )
    return replace(plain, density=plain.t**2) if kind == "own density" else plain
