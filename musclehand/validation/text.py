"""Text of results: built as renderables of rich, which a terminal colours, or as plain text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

PLAIN_WIDTH = 120
"""Width of tables in plain text [characters]."""


def line(sentence: str) -> Text:
    """A line of text without markup, which is not broken."""
    from rich.text import Text

    return Text(sentence, no_wrap=True, overflow="ignore")


def render_plain(renderable: RenderableType, *, width: int = PLAIN_WIDTH) -> str:
    """Plain text without colours and trailing spaces.

    Args:
        renderable: any renderable of rich.
        width: of tables [characters].
    """
    from rich.console import Console

    sink = io.StringIO()
    console = Console(
        file=sink, width=width, color_system=None, force_terminal=False, highlight=False
    )
    console.print(renderable, crop=False)
    return "\n".join(text.rstrip() for text in sink.getvalue().splitlines())
