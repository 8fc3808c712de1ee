"""Data sets: from a folder, zip, array or manifest to batches of examples in [-1, 1].

Nothing here knows of spectra. Pillow, torch and safetensors are imported when first needed.
"""

from spectra.data.folders import Skipped
from spectra.data.manifests import Manifest, list_manifests, load_manifest
from spectra.data.openers import open_source, reopen_source
from spectra.data.sources import Source, parted, spread_examples

__all__ = [
    "Manifest",
    "Skipped",
    "Source",
    "list_manifests",
    "load_manifest",
    "open_source",
    "parted",
    "reopen_source",
    "spread_examples",
]
