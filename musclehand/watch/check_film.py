"""The pictures for a user's own check: a sheet of moments, and the whole film."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from musclehand.core.atomic import write_file
from musclehand.core.progress import Progress
from musclehand.watch.drawing import CheckDrawing
from musclehand.watch.film import Film

RATE = 10.0
"""[Hz] Pictures per second of the film; chosen, enough to follow fingers."""

WIDTH = 960
"""[pixels] Greatest width of the pictures; chosen, numbers of fingers can be read."""

MOMENTS = 6
"""Pictures on the sheet."""

_COLUMNS = 2
_BACKGROUND = 90


@dataclass(frozen=True, eq=False)
class FilmPictures:
    """The pictures to draw over; grey ones where there are only landmarks."""

    film: Film | None
    """The film; None where there is none."""

    size: tuple[int, int]
    """[pixels] Width and height of the film."""

    start: float
    """[s] First time of the film that is watched; times below count from it."""

    stop: float | None
    """[s] Last time of the film that is watched; None for its end."""

    @property
    def scale(self) -> float:
        """Size of the drawn pictures over the film's."""
        return min(1.0, WIDTH / self.size[0])

    @property
    def drawn_size(self) -> tuple[int, int]:
        """[pixels] Width and height of the drawn pictures."""
        return round(self.size[0] * self.scale), round(self.size[1] * self.scale)

    def blank(self) -> np.ndarray:
        """A grey picture."""
        width, height = self.drawn_size
        return np.full((height, width, 3), _BACKGROUND, dtype=np.uint8)

    def at(self, time: float) -> np.ndarray:
        """The picture at a time.

        Args:
            time: from the start [s].
        """
        if self.film is not None:
            last = self.film.duration - 1.0 / self.film.rate
            return self.film.picture(min(self.start + time, last), scale=self.scale)
        return self.blank()

    def every(self, end: float) -> Iterator[tuple[float, np.ndarray]]:
        """Times from the start [s], and pictures.

        Args:
            end: last time [s].
        """
        if self.film is None:
            for index in range(int(end * RATE) + 1):
                yield index / RATE, self.blank()
            return
        for time, picture in self.film.frames(
            self.start, self.stop, rate=self.rate, scale=self.scale
        ):
            yield time - self.start, picture

    @property
    def rate(self) -> float:
        """[Hz] Pictures per second: the film's, divided by a whole number."""
        if self.film is None:
            return RATE
        return self.film.rate / max(1, round(self.film.rate / RATE))


def draw_sheet(path: Path, drawing: CheckDrawing, pictures: FilmPictures) -> None:
    """Draws moments spread over the notes on one sheet, each a twentieth of a second after a note.

    Args:
        path: of the picture (PNG).
        drawing: what is drawn over the film.
        pictures: of the film.

    Raises:
        OutputError: it cannot be written.
    """
    from PIL import Image

    notes = drawing.score.notes
    chosen = np.unique(np.linspace(0, len(notes) - 1, MOMENTS + 2).astype(int)[1:-1])
    width, height = pictures.drawn_size
    rows = -(-len(chosen) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * width, rows * height))
    for place, index in enumerate(chosen.tolist()):
        time = notes[index].onset + 0.05
        picture = drawing.draw(pictures.at(time), time, scale=pictures.scale)
        sheet.paste(picture, (place % _COLUMNS * width, place // _COLUMNS * height))
    content = io.BytesIO()
    sheet.save(content, "PNG")
    write_file(path, content.getvalue())


def draw_film(
    path: Path, drawing: CheckDrawing, pictures: FilmPictures, progress: Progress | None
) -> None:
    """Draws the whole film.

    Args:
        path: of the film (MP4).
        drawing: what is drawn over it.
        pictures: of the film.
        progress: receives seconds of film.

    Raises:
        OutputError: it cannot be written.
    """
    from musclehand.sim.render.video import HOLD, encode_video

    end = float(drawing.landmarks.time[-1])

    def frames() -> Iterator[np.ndarray]:
        for time, picture in pictures.every(end):
            image = np.asarray(drawing.draw(picture, time, scale=pictures.scale))
            yield image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
            if progress is not None:
                progress(min(time, end), end)

    width, height = pictures.drawn_size
    film = pictures.film
    with_sound = film is not None and film.has_sound and pictures.start == 0.0
    encode_video(
        frames(),
        path,
        (width // 2 * 2, height // 2 * 2),
        pictures.rate,
        sound=film.path if with_sound and film is not None else None,
        times=np.array([0.0, max(end - HOLD, 0.0)]),
    )
