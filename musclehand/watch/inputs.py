"""What `watch` is given: a film or landmarks, notes or a sound, and what is known of the view."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from musclehand.core.errors import InvalidValue
from musclehand.core.file_hash import file_sha256
from musclehand.music.pitch import is_on_keyboard, parse_pitch
from musclehand.watch.track_hands import RATE

LANDMARK_SUFFIXES = frozenset({".h5", ".hdf5"})
"""Endings of files of landmarks; any other file is taken for a film."""


@dataclass(frozen=True)
class WatchInputs:
    """A film or landmarks, and how they are to be understood.

    Raises:
        InvalidValue: an input contradicts another one, or is not legal.
    """

    film: Path
    """Film, or landmarks (`watch.landmarks_file`) where there is none."""

    midi: Path | None = None
    """Score file of the notes; None: they are heard in the sound."""

    sound: Path | None = None
    """Sound file, where the film has none or a poor one."""

    landmarks: Path | None = None
    """Landmarks of another detector for the film; None: they are detected."""

    view: Path | None = None
    """Camera, as `view.json` of another film by the same camera; None: it is found."""

    corners: tuple[tuple[float, float], ...] | None = None
    """[pixels] Corners of the keyboard in the picture: back left, back right, front right, front
    left; None: the keyboard is found."""

    lowest: str | None = None
    """Name of the leftmost key in the picture, such as C2; None: all 88 are there or it is
    found."""

    clip: tuple[float, float] | None = None
    """[s] Part of the film that is watched; times count from its start. None: all of it."""

    rate: float = RATE
    """[Hz] Pictures per second that are looked at."""

    hand_model: Path | None = None
    """Folder of the networks that detect hands; None: those of the user's cache."""

    def __post_init__(self) -> None:
        if not self.has_film and self.landmarks is not None:
            raise InvalidValue("film", str(self.film), "a film where landmarks are given beside it")
        if self.midi is not None and self.sound is not None:
            raise InvalidValue("sound", str(self.sound), "left out where the notes are given")
        if not self.has_film and self.view is None and self.corners is None:
            legal = "given with landmarks, since there is no picture: --view or --corners"
            raise InvalidValue("view", None, legal)
        if not self.has_film and self.midi is None and self.sound is None:
            raise InvalidValue("notes", None, "given with landmarks: --midi or --sound")
        if self.view is not None and (self.corners is not None or self.lowest is not None):
            raise InvalidValue("view", str(self.view), "given alone, without corners or lowest key")
        if self.corners is not None:
            _check_corners(self.corners)
        if self.clip is not None:
            start, stop = self.clip
            if not (math.isfinite(start) and math.isfinite(stop) and 0 <= start < stop):
                raise InvalidValue("clip", self.clip, "two times in seconds, ascending from 0")
        if not (math.isfinite(self.rate) and 10 <= self.rate <= 240):
            raise InvalidValue("rate", self.rate, "10 to 240 pictures per second")
        if self.lowest is not None and not is_on_keyboard(parse_pitch(self.lowest)):
            raise InvalidValue("lowest key", self.lowest, "A0 to C8")

    @property
    def has_film(self) -> bool:
        """There are pictures."""
        return self.film.suffix.lower() not in LANDMARK_SUFFIXES

    @property
    def lowest_pitch(self) -> int | None:
        """MIDI pitch of the leftmost key in the picture."""
        return None if self.lowest is None else parse_pitch(self.lowest)

    def hashes(self) -> dict[str, str]:
        """Hashes of all files that are given, by the name of the option."""
        files = {
            "film": self.film,
            "midi": self.midi,
            "sound": self.sound,
            "landmarks": self.landmarks,
            "view": self.view,
        }
        return {name: file_sha256(path) for name, path in files.items() if path is not None}


def _check_corners(corners: tuple[tuple[float, float], ...]) -> None:
    """Refuses corners that are not those of a convex quadrilateral in their order.

    Args:
        corners: back left, back right, front right, front left [pixels].

    Raises:
        InvalidValue: there are not four finite corners, or not in this order.
    """
    legal = "four corners x,y: back left, back right, front right, front left"
    if len(corners) != 4 or not all(math.isfinite(v) for corner in corners for v in corner):
        raise InvalidValue("corners", corners, legal)
    for i, (x, y) in enumerate(corners):
        x1, y1 = corners[(i + 1) % 4]
        x2, y2 = corners[(i + 2) % 4]
        if (x1 - x) * (y2 - y1) - (y1 - y) * (x2 - x1) <= 0:
            raise InvalidValue("corners", corners, legal)
