"""Small files that are whole or as they were before, whatever happens while they are written."""

from pathlib import Path

from musclehand.core.errors import OutputError


def write_whole(path: Path, text: str) -> None:
    """Puts a text file in place in one step.

    Raises:
        OutputError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8", newline="")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(path, error.strerror or str(error)) from error
