"""Pictures for a user's own check: keys, skeletons and fingers drawn over a film."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from musclehand.music.pitch import LOWEST_PITCH
from musclehand.music.score import Hand, Score
from musclehand.piano.geometry import KeyboardGeometry, keyboard_geometry, load_piano_parameters
from musclehand.watch.landmarks import TIPS, WRIST, HandLandmarks
from musclehand.watch.view import KeyboardView

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

BONES = tuple(
    (start, end)
    for tip in TIPS
    for start, end in ((WRIST, tip - 3), (tip - 3, tip - 2), (tip - 2, tip - 1), (tip - 1, tip))
)
"""Pairs of points that a skeleton connects."""

HAND_COLOURS = {Hand.LEFT: (86, 180, 233), Hand.RIGHT: (230, 159, 0)}
"""RGB; the blue and orange of Okabe and Ito, which the colour-blind can tell apart."""

_OUTLINE = (0, 158, 115)
"""RGB of the outlines of keys."""

_UNFINGERED = (204, 121, 167)
"""RGB of keys that sound without a finger."""

_SHORTEST_SHOWN = 0.1
"""[s] A note is drawn for at least this long, so that it can be seen."""


@dataclass(frozen=True, eq=False)
class CheckDrawing:
    """Draws what was understood of a film over its pictures."""

    view: KeyboardView
    """Camera of the film."""

    landmarks: HandLandmarks
    """Hands in the picture."""

    score: Score
    """Notes with hands and fingers; times are those of the film."""

    @cached_property
    def geometry(self) -> KeyboardGeometry:
        """Of the 88 keys."""
        return keyboard_geometry(load_piano_parameters())

    @cached_property
    def outlines(self) -> np.ndarray:
        """[pixels] Corners of every key's top in the picture. Shape (88, 4, 2)."""
        keys = self.geometry
        left = keys.x - keys.width / 2
        right = keys.x + keys.width / 2
        back = keys.hinge_y
        corners = np.stack(
            [
                np.stack([left, keys.front_y], axis=1),
                np.stack([right, keys.front_y], axis=1),
                np.stack([right, back], axis=1),
                np.stack([left, back], axis=1),
            ],
            axis=1,
        )
        height = np.broadcast_to(keys.top_z[:, None, None], (*corners.shape[:2], 1))
        return self.view.to_pixels(np.concatenate([corners, height], axis=2))

    def draw(self, picture: np.ndarray, time: float, *, scale: float = 1.0) -> Image:
        """A picture of the film with keys, skeletons and fingers.

        Args:
            picture: of the film, already scaled. Shape (height, width, 3), uint8.
            time: of the picture [s].
            scale: size of the picture over the size of the film.
        """
        from PIL import Image, ImageDraw

        image = Image.fromarray(picture)
        draw = ImageDraw.Draw(image, "RGBA")
        width = max(1, round(2 * scale))
        self._draw_keys(draw, time, scale, width)
        self._draw_hands(draw, time, scale, width)
        return image

    def _draw_keys(self, draw: ImageDraw, time: float, scale: float, width: int) -> None:
        lowest, highest = self.view.lowest - LOWEST_PITCH, self.view.highest - LOWEST_PITCH
        for black in (False, True):
            for key in range(lowest, highest + 1):
                corners = self.outlines[key] * scale
                if self.geometry.black[key] == black and np.isfinite(corners).all():
                    draw.polygon([tuple(c) for c in corners], outline=(*_OUTLINE, 150), width=1)
        for note in self.score.notes:
            if note.onset > time:
                break
            if time < max(note.offset, note.onset + _SHORTEST_SHOWN):
                corners = self.outlines[note.key] * scale
                if not np.isfinite(corners).all():
                    continue
                colour = _UNFINGERED if note.hand is None else HAND_COLOURS[note.hand]
                draw.polygon([tuple(c) for c in corners], fill=(*colour, 130), width=width)
                label = "?" if note.finger is None else str(int(note.finger))
                x, y = corners[2:].mean(axis=0)
                size = max(8.0, 26 * scale)
                draw.text((x, y - size), label, fill=(255, 255, 255), anchor="mm", font_size=size)

    def _draw_hands(self, draw: ImageDraw, time: float, scale: float, width: int) -> None:
        frame = int(np.argmin(np.abs(self.landmarks.time - time)))
        for hand in Hand:
            points = self.landmarks.points[frame, hand] * scale
            if not np.isfinite(points).all():
                continue
            colour = HAND_COLOURS[hand]
            for start, end in BONES:
                draw.line([tuple(points[start]), tuple(points[end])], fill=colour, width=width)
            radius = 2.5 * scale + 1
            for tip in TIPS:
                x, y = points[tip]
                box = (x - radius, y - radius, x + radius, y + radius)
                draw.ellipse(box, fill=(255, 255, 255), outline=colour)
