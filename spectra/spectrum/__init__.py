"""Batches of examples -> the power spectrum of the data set, with its uncertainty."""

from spectra.spectrum.analysis import analyze
from spectra.spectrum.mel import log_mel, mel_cepstrum, mel_spectrogram, mfcc, spectrogram
from spectra.spectrum.periodogram import welch, welch_covariance
from spectra.spectrum.rapsd import rapsd
from spectra.spectrum.spectrum import Spectrum
from spectra.spectrum.tables import load_spectrum

__all__ = [
    "Spectrum",
    "analyze",
    "load_spectrum",
    "log_mel",
    "mel_cepstrum",
    "mel_spectrogram",
    "mfcc",
    "rapsd",
    "spectrogram",
    "welch",
    "welch_covariance",
]
