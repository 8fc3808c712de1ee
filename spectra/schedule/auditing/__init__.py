"""What a schedule wastes on a spectrum, and what it misses."""
