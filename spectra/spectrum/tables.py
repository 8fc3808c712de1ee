"""The spectrum.safetensors file: tables in float64, everything else as JSON."""

from pathlib import Path
from typing import Any

import numpy as np

from spectra.bases import ScatterMoments
from spectra.errors import InputError
from spectra.files import read_tables, write_tables
from spectra.spectrum.checks import check_spectrum
from spectra.spectrum.moments import FileMoments
from spectra.spectrum.spectrum import SETTINGS, Spectrum

__all__ = ["load_spectrum", "save_spectrum", "spectrum_of_tables", "spectrum_tables"]

FORMAT = "1.1"


def save_spectrum(spectrum: Spectrum, path: str | Path) -> None:
    """Write a spectrum.safetensors file."""
    write_tables(path, "spectrum", FORMAT, *spectrum_tables(spectrum))


def load_spectrum(path: str | Path) -> Spectrum:
    """Read a spectrum.safetensors file.

    Parameters
    ----------
    path
        The .safetensors file.

    Returns
    -------
    Spectrum

    Raises
    ------
    InputError
        Missing, damaged, incomplete, of another kind, or from a later major version.

    Examples
    --------
    >>> spectrum = spectra.analyze("digits")
    >>> spectrum.save("spectrum.safetensors")
    >>> spectra.load_spectrum("spectrum.safetensors").n
    1797
    """
    tables, settings = read_tables(path, "spectrum", major=1)
    try:
        spectrum = spectrum_of_tables(tables, settings)
    except KeyError as missing:
        raise InputError(f"{path}: lacks {missing}; write it again with spectra") from missing
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(
            f"{path}: its settings are damaged ({error}); analyze the source again"
        ) from error
    check_spectrum(spectrum, str(path))
    return spectrum


def spectrum_tables(spectrum: Spectrum) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """A spectrum as tables and settings of a file."""
    tables: dict[str, np.ndarray] = {
        "frequency": spectrum.frequency,
        "ring": spectrum.ring,
        "count": spectrum.count,
        "power": spectrum.power,
        "log_power": spectrum.log_power,
        "mean": spectrum.mean,
    }
    for name in ("mean_power_2d", "cross_power"):
        if (table := getattr(spectrum, name)) is not None:
            tables[name] = table
    if spectrum.scatter is not None:
        tables |= {f"scatter.{name}": table for name, table in spectrum.scatter.tables().items()}
    tables |= {f"variance.{basis}": table for basis, table in spectrum.variances.items()}
    sizes = {}
    for name, moments in (("power", spectrum.power_moments), ("log", spectrum.log_moments)):
        tables[f"moments.{name}.total"] = moments.total
        tables[f"moments.{name}.sized_total"] = moments.sized_total
        tables[f"moments.{name}.outer"] = moments.outer
        sizes[name] = [moments.n, moments.n_files, moments.squared_sizes]
    settings = {
        "name": spectrum.name,
        "kind": spectrum.kind,
        "shape": list(spectrum.shape),
        "n": spectrum.n,
        "n_files": spectrum.n_files,
        "sizes": sizes,
        "blank": spectrum.blank,
        "quantum": spectrum.quantum,
        "data": spectrum.data,
        "fingerprint": spectrum.fingerprint,
        "skipped": [list(item) for item in spectrum.skipped],
    }
    settings |= {name: _listed(getattr(spectrum, name)) for name in SETTINGS}
    return tables, settings


def spectrum_of_tables(tables: dict[str, np.ndarray], settings: dict[str, Any]) -> Spectrum:
    """What `spectrum_tables` gave; KeyError names what is not there."""
    same = [settings["n"], settings["n_files"], settings.get("squared_sizes")]
    sizes = settings.get("sizes", {"power": same, "log": same})  # format 1.0 had one for both
    moments = {
        name: FileMoments(
            *sizes[name],
            total=tables[f"moments.{name}.total"],
            sized_total=tables[f"moments.{name}.sized_total"],
            outer=tables[f"moments.{name}.outer"],
        )
        for name in ("power", "log")
    }
    scatter = {k.removeprefix("scatter."): v for k, v in tables.items() if k.startswith("scatter.")}
    prefix = "variance."
    stated = {name: settings[name] for name in SETTINGS if name in settings}
    for name in ("spacing", "axis_units"):
        stated[name] = tuple(stated.get(name, ()))
    return Spectrum(
        name=settings["name"],
        kind=settings["kind"],
        shape=tuple(settings["shape"]),
        power_moments=moments["power"],
        log_moments=moments["log"],
        mean=tables["mean"],
        mean_power_2d=tables.get("mean_power_2d"),
        cross_power=tables.get("cross_power"),
        variances={k[len(prefix) :]: v for k, v in tables.items() if k.startswith(prefix)},
        scatter=ScatterMoments.from_tables(scatter) if scatter else None,
        blank=settings.get("blank", 0),
        quantum=settings["quantum"],
        data=settings["data"],
        fingerprint=settings["fingerprint"],
        skipped=tuple((name, reason) for name, reason in settings["skipped"]),
        **stated,
    )


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
