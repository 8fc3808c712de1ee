"""Tests of spectra/comparison."""
