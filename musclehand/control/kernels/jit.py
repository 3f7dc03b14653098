"""Compiling by numba, for the arithmetic that a control step repeats: loops over the parts of
hands.

At the size of a hand numpy's time is the number of its calls, the more so between simulation steps
that empty the caches. Modules of compiled functions (`compiled_*.py`) call none of each other's,
because numba looks for changes in a function's own file only, and are imported when they are
needed, because numba takes its time to load. In them h hands have k independent joints and m
muscles; arrays are contiguous doubles, and those that are written are said to be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Any:
    """`function`, compiled when it is first called, which takes seconds, and kept on disk where
    that is possible."""
    try:
        return njit(cache=True, error_model="numpy")(function)
    except RuntimeError:
        # There is no folder to keep it in.
        return njit(error_model="numpy")(function)
