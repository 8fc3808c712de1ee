"""What the machine has."""

import os

__all__ = ["memory_size", "usable_cores"]


def usable_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS or Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_size() -> int | None:
    """Bytes of memory in all; None where the system does not say."""
    if not hasattr(os, "sysconf"):  # on Windows
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
