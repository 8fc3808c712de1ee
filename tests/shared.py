"""Where real data for tests and benchmarks lie: beside the checkout, or nowhere."""

from pathlib import Path

__all__ = ["AUDIO", "BSDS500", "CIFAR10", "KODAK", "RADAR", "SHARED"]

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
AUDIO = SHARED / "audio"
BSDS500 = SHARED / "photos" / "bsds500"
CIFAR10 = SHARED / "cifar10" / "cifar10_20k+5k.zip"
KODAK = SHARED / "photos" / "kodak"
RADAR = SHARED / "fields" / "radar_mch"
