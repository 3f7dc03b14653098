"""The `musclehand` command.

`main` loads the commands itself, so that Ctrl-C while libraries are loaded has the same exit code as
later.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

INTERRUPTED = 130
"""Exit code of an interrupted command, as shells have it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit code.

    Args:
        argv: words of the command line, by default the process's.

    Raises:
        SystemExit: help was asked for (0), or an argument is wrong (2).
    """
    try:
        from musclehand.cli.commands import run

        return run(argv)
    except KeyboardInterrupt:
        print("musclehand: interrupted", file=sys.stderr)
        return INTERRUPTED
