"""A progress bar for whoever watches a long wait."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["shown"]

SHOWN_FROM = 200  # items; below this no progress bar
T = TypeVar("T")


def shown(items: Iterable[T], total: int, what: str) -> Iterator[T]:
    """Pass items on, with a progress bar on stderr where that is a terminal and they are many."""
    if total <= SHOWN_FROM or not sys.stderr.isatty():
        return iter(items)
    from tqdm import tqdm

    return iter(tqdm(items, total=total, desc=what, file=sys.stderr, leave=False))
