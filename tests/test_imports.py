"""What an import costs: heavy libraries load only when they are used."""

import json
import subprocess
import sys

import pytest

import spectra

HEAVY = {"torch", "scipy.stats", "matplotlib", "pysteps", "librosa", "tyro", "skimage", "sklearn"}


def modules_after(code: str) -> set[str]:
    """What a fresh interpreter has loaded after some code, which prints nothing."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not modules_after("import spectra") & HEAVY


def test_measuring_and_deriving_need_neither_the_trainer_nor_plots() -> None:
    loaded = modules_after("import spectra.spectrum, spectra.fit, spectra.schedule")
    assert not loaded & (HEAVY - {"tyro"})


@pytest.mark.slow
def test_measuring_an_array_needs_neither_the_trainer_nor_plots() -> None:
    """Not only the import: the whole way from an array to a schedule; torch transforms."""
    loaded = modules_after(
        "import numpy as np, spectra\n"
        "images = np.random.default_rng(0).standard_normal((8, 16, 16))\n"
        "spectrum = spectra.analyze(images)\n"
        "spectra.fit_power_law(spectrum)\n"
        "spectra.derive_schedule(spectrum).f_max(np.linspace(0, 1, 5))\n"
        # pysteps greets on stdout when imported; nothing here imports it
        "spectra.rapsd(images[0], compat='pysteps')\n"
    )
    assert not loaded & (HEAVY - {"scipy.stats", "torch"})
    assert not {name for name in loaded if name.startswith("spectra.diffusion")}


@pytest.mark.slow
def test_training_and_scoring_need_neither_plots_nor_peers() -> None:
    """torch, numpy, scipy, safetensors and tqdm are enough on a GPU node; numba may be absent."""
    loaded = modules_after(
        "import numpy as np, spectra.diffusion\n"
        "from spectra.evaluation.spectral import spectral_distance\n"
        "images = np.random.default_rng(0).standard_normal((8, 1, 16, 16))\n"
        "spectral_distance(images, images)\n"
    )
    assert "torch" in loaded
    allowed = {"torch", "scipy.stats"}
    assert not loaded & (HEAVY - allowed)
    assert not loaded & {"PIL", "jinja2", "pywt", "numba"}


@pytest.mark.slow
def test_training_starts_without_the_libraries_it_must_not_need() -> None:
    """Importing the trainer where these are missing altogether."""
    missing = ["matplotlib", "pysteps", "librosa", "tyro", "skimage", "sklearn", "jinja2", "pywt"]
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {missing!r}:\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import spectra.diffusion, spectra.diffusion.train, spectra.diffusion.likelihood\n"
    )
    modules_after(code)


def test_the_command_line_loads_nothing_heavy_to_show_its_help() -> None:
    loaded = modules_after(
        "import contextlib, io, sys\n"
        "from spectra.cli import main\n"
        "sys.argv = ['spectra', '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main()\n"
    )
    assert not loaded & (HEAVY - {"tyro"})


@pytest.mark.parametrize("name", spectra.__all__)
def test_every_public_name_resolves(name: str) -> None:
    assert getattr(spectra, name) is not None
    assert name in dir(spectra)


def test_every_lazy_name_is_public() -> None:
    assert sorted(spectra.__all__) == sorted([*spectra._HOME, "__version__"])


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        _ = spectra.analyse  # pyright: ignore


def test_the_parts_are_attributes_and_load_when_asked_for() -> None:
    loaded = modules_after(
        "import spectra\nassert callable(spectra.plots.plot_rapsd)\nassert 'plots' in dir(spectra)"
    )
    assert "matplotlib" in loaded
    assert "torch" not in loaded
    with pytest.raises(AttributeError, match="no attribute 'plot'"):
        _ = spectra.plot  # pyright: ignore[reportAttributeAccessIssue]
