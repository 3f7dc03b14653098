"""Matplotlib figures written to files, whole or not at all.

Figures are made without pyplot, so nothing global is left behind. Matplotlib itself is not imported
here: a figure is there only where it has been loaded.
"""

from __future__ import annotations

import warnings
from os import PathLike
from typing import TYPE_CHECKING

from musclehand.core.atomic import temporary_path
from musclehand.core.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 130
"""Resolution of pictures [dots an inch]."""


def save_figure(figure: Figure, path: str | PathLike[str]) -> None:
    """Writes a figure in the format of the file's suffix.

    Args:
        figure: of Matplotlib.
        path: of the file.

    Raises:
        OutputError: the file cannot be written, or Matplotlib does not know the format.
    """
    try:
        with temporary_path(path) as part, warnings.catch_warnings():
            # A title may be in any script; a glyph that the font lacks becomes a box.
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(part, dpi=DPI)
    except ValueError as error:
        raise OutputError(path, str(error)) from error
