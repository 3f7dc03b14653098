"""Small files that are whole or as they were before, whatever happens while they are written."""

from pathlib import Path

from musclehand.core.errors import OutputError


def write_whole(path: Path, content: str | bytes) -> None:
    """Puts a file in place in one step; text in UTF-8.

    Raises:
        OutputError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutputError(path, error.strerror or str(error)) from error
