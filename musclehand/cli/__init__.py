"""The `musclehand` command.

Ctrl-C is taken at safe points (`core.interrupts`), also while libraries are loaded, and always ends
with exit code 130.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from musclehand.core.interrupts import EXIT_CODE, deferred


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code.

    Args:
        argv: words of the command line, by default the process's.

    Raises:
        SystemExit: help was asked for (0), or an argument is wrong (2).
    """
    try:
        with deferred():
            from musclehand.cli.commands import run

            return run(argv)
    except KeyboardInterrupt:
        print("musclehand: interrupted", file=sys.stderr)
        return EXIT_CODE
