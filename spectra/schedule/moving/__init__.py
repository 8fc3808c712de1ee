"""A schedule moved to another resolution, extent or data set."""
