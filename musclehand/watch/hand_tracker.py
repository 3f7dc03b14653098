"""Follows two hands from picture to picture: the state between pictures, and the search.

A hand is looked for where its points of the last picture say (`landmark_net.next_region`). Only
while a hand is missing the palm detector searches the picture. The tracker does not decide which
hand is the left one: its two places are anonymous, and `hand_sides` names them over the whole film.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from musclehand.watch.landmark_net import PRESENCE, HandPoints, LandmarkNetwork, next_region
from musclehand.watch.landmarks import NUM_POINTS, SIDES
from musclehand.watch.palm import Palm, PalmDetector, Region

SEARCH_TIME = 0.2
"""[s] A missing hand is searched in every picture for this long, then once in this time; chosen,
the longest gap that is bridged."""

SCALES = (1.0, 1.25, 1.5)
"""Sizes of a region that are tried for a hand that was just detected, or is about to be lost;
chosen, because palm boxes of hands seen from above are often too small."""

SURE = 0.9
"""Presence from which no further size is tried for a hand that was just detected; chosen."""

MOST_PALMS = 6
"""Palms in a picture that are looked at, the most confident ones."""

SAME_HAND = 0.25
"""[palm lengths] Mean distance of the points of two hands below which they are the same hand;
chosen: 24 mm, where a left over a right hand have 35 mm because thumbs point apart."""

SAME_PLACE = 0.5
"""[palm lengths] Distance of the middles of hands below which a newly detected hand is one that is
followed already; chosen: hands that come so near are followed before."""

MEMORY = 0.05
"""Share of the newest picture in the running mean of handedness; chosen, 0.7 s at 30 Hz."""

_SAME_SIDE = 0.2
"""Difference of handedness below which it does not tell two hands apart; chosen."""

_SMALLEST_SIDE = 16.0
"""[pixels] Smallest region of a hand: no finger can be told below."""


class Tracked(NamedTuple):
    """What is in the two places in a picture."""

    points: np.ndarray
    """[pixels] NaN where no hand is. Shape (2, 21, 2)."""

    presence: np.ndarray
    """0 to 1; 0 where no hand is. Shape (2,)."""

    right: np.ndarray
    """Confidence that the hand is a right one; 0.5 where no hand is. Shape (2,)."""


@dataclass
class _Place:
    """A place for a hand."""

    region: Region | None = None
    """Where the hand is searched in the next picture; None while it is missing."""

    last: Region | None = None
    """Where it was seen last; None if never."""

    right: float = 0.5
    """Running mean of the confidence that it is a right hand."""

    missing: int = 0
    """Pictures since the hand was lost."""


class HandTracker:
    """The two networks and the state between pictures."""

    def __init__(
        self,
        palms: PalmDetector,
        landmarks: LandmarkNetwork,
        *,
        rate: float,
        area: tuple[float, float, float, float],
    ) -> None:
        """Starts without hands.

        Args:
            palms: the palm detector.
            landmarks: the network of points.
            rate: pictures per second [Hz].
            area: left, top, right and bottom of the part of the picture that is searched [pixels].
        """
        self._palms = palms
        self._landmarks = landmarks
        self._pause = max(1, round(SEARCH_TIME * rate))
        self._area = area
        self._windows = search_windows(area)
        self._places = [_Place() for _ in range(SIDES)]

    @property
    def state(self) -> np.ndarray:
        """All that the next picture depends on. Shape (2, 8)."""
        rows = []
        for place in self._places:
            region = place.region or place.last
            kind = 0.0 if region is None else 1.0 if place.region is None else 2.0
            rows.append([kind, *(region or (0.0,) * 4), place.right, float(place.missing), 0.0])
        return np.array(rows)

    def resume(self, state: np.ndarray) -> None:
        """Goes on after a picture, as the tracker did whose state it is.

        Args:
            state: of that tracker. Shape (2, 8).
        """
        for place, row in zip(self._places, state, strict=True):
            region = Region(*(float(v) for v in row[1:5]))
            place.last = None if row[0] < 1 else region
            place.region = None if row[0] < 2 else region
            place.right, place.missing = float(row[5]), int(row[6])

    def track(self, picture: Image.Image) -> Tracked:
        """Hands in the next picture.

        Args:
            picture: RGB.
        """
        hands = [self._follow(picture, place) for place in self._places]
        self._drop_double(hands)
        vacant = [index for index, hand in enumerate(hands) if hand is None]
        if any(self._is_due(self._places[index]) for index in vacant):
            seen = [hand for hand in hands if hand is not None]
            self._assign(hands, vacant, self._search(picture, seen, len(vacant)))
        for place, hand in zip(self._places, hands, strict=True):
            self._update(place, hand)
        return _result(hands)

    def _follow(self, picture: Image.Image, place: _Place) -> HandPoints | None:
        """The hand of a place, where it is expected."""
        if place.region is None:
            return None
        hand = self._landmarks.detect(picture, place.region)
        for scale in SCALES[1:]:
            if hand.presence >= PRESENCE:
                break
            hand = self._landmarks.detect(picture, _scaled(place.region, scale))
        return hand if self._is_legal(hand) else None

    def _is_legal(self, hand: HandPoints) -> bool:
        """A hand is confident, and about where hands are searched."""
        if not hand.presence >= PRESENCE:
            return False
        region = next_region(hand.points)
        left, top, right, bottom = self._area
        inside = left <= region.x <= right and top <= region.y <= bottom
        return inside and _SMALLEST_SIDE <= region.side <= 2 * max(right - left, bottom - top)

    def _drop_double(self, hands: list[HandPoints | None]) -> None:
        """Where both places follow the same hand, the place that it does not belong to loses it."""
        first, second = hands
        if first is None or second is None or not _are_same(first, second):
            return
        wrong = [
            abs(hand.right - place.right)
            for hand, place in zip((first, second), self._places, strict=True)
        ]
        if abs(wrong[0] - wrong[1]) < _SAME_SIDE:
            wrong = [
                _moved(hand, place)
                for hand, place in zip((first, second), self._places, strict=True)
            ]
        hands[int(wrong[1] >= wrong[0])] = None

    def _is_due(self, place: _Place) -> bool:
        """A missing hand is searched in this picture."""
        return place.missing < self._pause or place.missing % self._pause == 0

    def _search(
        self, picture: Image.Image, seen: Sequence[HandPoints], wanted: int
    ) -> list[HandPoints]:
        """Hands that are not seen yet, at most as many as are wanted."""
        hands: list[HandPoints] = []
        for windows in self._windows:
            palms = [palm for window in windows for palm in self._palms.detect(picture, window)]
            palms.sort(key=lambda palm: -palm.confidence)
            for palm in _distinct(palms)[:MOST_PALMS]:
                hand = self._look(picture, palm.region)
                known = (*seen, *hands)
                if self._is_legal(hand) and not any(_overlap(hand, h) for h in known):
                    hands.append(hand)
                if len(hands) == wanted:
                    return hands
        return hands

    def _look(self, picture: Image.Image, region: Region) -> HandPoints:
        """The most confident hand about a palm."""
        best = self._landmarks.detect(picture, region)
        for scale in SCALES[1:]:
            if best.presence >= SURE:
                break
            hand = self._landmarks.detect(picture, _scaled(region, scale))
            best = max(best, hand, key=lambda h: h.presence)
        return best

    def _assign(
        self, hands: list[HandPoints | None], vacant: list[int], new: list[HandPoints]
    ) -> None:
        """Puts new hands into vacant places: nearest to the last hand there, else from the left."""
        new = sorted(new, key=lambda hand: float(hand.points[:, 0].mean()))
        while new and vacant:
            pairs = [
                (_moved(hand, self._places[index]), order, index)
                for order, hand in enumerate(new)
                for index in vacant
            ]
            _, order, index = min(pairs)
            hands[index] = new.pop(order)
            vacant.remove(index)

    def _update(self, place: _Place, hand: HandPoints | None) -> None:
        if hand is None:
            place.missing = place.missing + 1
            place.region = None
            return
        place.right += MEMORY * (hand.right - place.right)
        place.missing = 0
        place.region = place.last = next_region(hand.points)


def search_windows(
    area: tuple[float, float, float, float],
) -> tuple[tuple[tuple[float, float, float], ...], ...]:
    """Square windows for the palm detector, in the order in which they are tried.

    The first is a square about the whole area. Then come squares that overlap by half and show
    hands larger: as high as the area, but no smaller than a quarter of its width, and half that.

    Args:
        area: left, top, right and bottom [pixels].

    Returns:
        Groups of windows; a window is x and y of its upper left corner, and its side [pixels].
    """
    left, top, right, bottom = area
    width, height = right - left, bottom - top
    side = max(width, height)
    whole = ((left + width / 2 - side / 2, top + height / 2 - side / 2, side),)
    tile = max(min(width, height), side / 4)
    return whole, _tiles(area, tile), _tiles(area, tile / 2)


def _tiles(
    area: tuple[float, float, float, float], side: float
) -> tuple[tuple[float, float, float], ...]:
    """Squares that cover an area and overlap by half."""
    starts = []
    for low, high in ((area[0], area[2]), (area[1], area[3])):
        count = 1 + max(0, int(np.ceil((high - low - side) / (side / 2) - 1e-9)))
        middle = (low + high - side) / 2
        starts.append([middle] if count == 1 else np.linspace(low, high - side, count).tolist())
    return tuple((x, y, side) for y in starts[1] for x in starts[0])


def _scaled(region: Region, scale: float) -> Region:
    return region._replace(side=region.side * scale)


def _distinct(palms: list[Palm]) -> list[Palm]:
    """Palms of overlapping windows, the most confident about each place."""
    kept: list[Palm] = []
    for palm in palms:
        x, y, side, _ = palm.region
        if all(
            np.hypot(x - k.region.x, y - k.region.y) > SAME_HAND * min(side, k.region.side)
            for k in kept
        ):
            kept.append(palm)
    return kept


def palm_length(points: np.ndarray) -> np.ndarray:
    """Distance from the wrist to the middle finger's knuckle [pixels], 95 mm in a person's hand.

    Args:
        points: of hands [pixels]. Shape (..., 21, 2).

    Returns:
        Shape (...,).
    """
    return np.asarray(np.linalg.norm(points[..., 9, :] - points[..., 0, :], axis=-1))


def _are_same(first: HandPoints, second: HandPoints) -> bool:
    """Two detections show the same hand."""
    apart = np.linalg.norm(first.points - second.points, axis=1).mean()
    size = max(float(palm_length(h.points)) for h in (first, second))
    return bool(apart < SAME_HAND * size)


def _overlap(first: HandPoints, second: HandPoints) -> bool:
    """Two detections are at the same place, so that a new one is probably no hand of its own."""
    apart = np.linalg.norm(first.points.mean(axis=0) - second.points.mean(axis=0))
    size = max(float(palm_length(h.points)) for h in (first, second))
    return bool(apart < SAME_PLACE * size)


def _moved(hand: HandPoints, place: _Place) -> float:
    """Distance of a hand from the last one of a place, over its size; far where there was none."""
    if place.last is None:
        return 1e6
    region = next_region(hand.points)
    return float(np.hypot(region.x - place.last.x, region.y - place.last.y) / place.last.side)


def _result(hands: Sequence[HandPoints | None]) -> Tracked:
    result = Tracked(np.full((SIDES, NUM_POINTS, 2), np.nan), np.zeros(SIDES), np.full(SIDES, 0.5))
    for index, hand in enumerate(hands):
        if hand is not None:
            result.points[index] = hand.points
            result.presence[index] = hand.presence
            result.right[index] = hand.right
    return result
