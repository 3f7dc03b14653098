"""Just-in-time compilation by numba of arithmetic that is repeated many times a second.

At the size of a hand, numpy's time is the number of its calls, the more so between simulation steps
that empty the processor's caches. Modules of kernels call none of each other's functions, because
numba looks for changes in a function's own file only, and they are imported when they are needed,
because numba takes its time to load. Kernels take records (named tuples) of arrays and numbers, and
read their fields by name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from numba import njit
from numba.core import event

_LOG = logging.getLogger(__name__)

_PACKAGE = __name__.partition(".")[0]


class _Announcement(event.Listener):
    """Logs the first real compilation of this process; kernels from numba's cache are silent."""

    def __init__(self) -> None:
        self._said = False

    def on_start(self, event: event.Event) -> None:
        """Called when numba begins to compile a function.

        Args:
            event: of numba.
        """
        module = getattr(event.data.get("dispatcher"), "py_func", self).__module__
        if not self._said and module.startswith(f"{_PACKAGE}."):
            self._said = True
            _LOG.info(
                "compiling arithmetic, which takes some ten seconds, once after an installation"
            )

    def on_end(self, event: event.Event) -> None:
        """Called when numba has compiled a function.

        Args:
            event: of numba.
        """


event.register("numba:compile", _Announcement())


def compiled(function: Callable[..., Any]) -> Any:
    """Compiles a function when it is first called, which takes seconds, and keeps the result on
    disk where that is possible.

    Args:
        function: of arrays, numbers and records of arrays.
    """
    try:
        return njit(cache=True, error_model="numpy")(function)
    except RuntimeError:
        # There is no folder to keep it in.
        return njit(error_model="numpy")(function)
