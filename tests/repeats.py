"""The same law again, on more cases than a developer waits for between edits."""

from collections.abc import Iterable
from typing import Any

import pytest

__all__ = ["then_slow"]


def then_slow(fast: Iterable[Any], rest: Iterable[Any]) -> list[Any]:
    """Cases for parametrize: some always, the rest as slow ones (tuples hold several values)."""
    fast = list(fast)
    return [
        *fast,
        *(
            pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.slow)
            for case in rest
            if case not in fast
        ),
    ]
