"""Both hands of a pianist in a film: 21 points a hand in every picture.

The pictures go through the tracker one by one (`watch.hand_tracker`). Then the two hands are named
(`watch.hand_sides`), and gaps, outliers and jitter are treated (`watch.smooth_landmarks`). A minute
of film at a time is kept in a folder, so a computation that was stopped at any moment continues
there and ends with the same numbers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from PIL import Image

from musclehand.core import interrupts
from musclehand.core.errors import InvalidValue, OutputError
from musclehand.core.progress import Progress
from musclehand.watch.film import Film, FilmError
from musclehand.watch.hand_sides import assign_sides
from musclehand.watch.hand_tracker import HandTracker
from musclehand.watch.landmark_net import LandmarkNetwork
from musclehand.watch.landmarks import TIPS, WRIST, HandLandmarks
from musclehand.watch.landmarks_file import LARGEST_FRAMES
from musclehand.watch.networks import PACKAGE, HandNetworks
from musclehand.watch.palm import PalmDetector
from musclehand.watch.smooth_landmarks import CUT_OFF, Smoothed, smooth
from musclehand.watch.track_store import Piece, TrackStore, empty_piece

RATE = 30.0
"""[Hz] Pictures per second; fingers move along the keyboard below 10 Hz."""

PIECE = 60.0
"""[s] Film in a piece that is kept."""

WORKING_SIDE = 1920
"""[pixels] Larger pictures are made smaller to this width or height: a key then has 35 pixels, and
the networks look at 224 pixels of a hand anyway."""

_METHOD = 1
"""Version of the tracking: pieces of another one are not used."""

_MIRRORED_SHARE = 0.6
"""Share of pictures from which a finding about the picture's orientation counts; chosen."""


class Orientation(NamedTuple):
    """How the hands lie in the picture."""

    upright: float
    """Share of hands whose fingers point up in the picture, to the piano."""

    in_order: float
    """Share of pictures with both hands in which the left one is on the left."""


def detect_hands(
    film: Film,
    *,
    networks: HandNetworks,
    rate: float = RATE,
    band: tuple[float, float, float, float] | None = None,
    start: float = 0.0,
    stop: float | None = None,
    out: str | PathLike[str] | None = None,
    filtered: bool = True,
    progress: Progress | None = None,
) -> HandLandmarks:
    """Landmarks of both hands in a film.

    Args:
        film: the film (`watch.film.open_film`).
        networks: their files (`watch.networks.find_networks`).
        rate: wanted pictures per second [Hz]; the film's rate is divided by a whole number.
        band: left, top, right and bottom of the part of the picture with the hands [pixels]; None
            for the whole picture.
        start: first time [s].
        stop: last time [s]; None for the whole film.
        out: an existing folder in which finished pieces are kept (`track_store.clear_pieces`);
            None to keep nothing.
        filtered: gaps are bridged, and outliers and jitter taken out; without it points are as
            detected.
        progress: receives seconds of film.

    Raises:
        InvalidValue: an argument is not legal, or fewer than two pictures are asked for.
        FilmError: the film is damaged, or no hand is in it.
        MusclehandError: `ai-edge-litert` is not installed, or a network is damaged.
        OutputError: the folder is missing or cannot be written.
    """
    times = film.times(start, stop, rate)
    if not 2 <= len(times) <= LARGEST_FRAMES:
        legal = f"2 to {LARGEST_FRAMES}; change start, stop or the rate"
        raise InvalidValue("number of pictures", len(times), legal)
    raw = _track(film, networks, times, rate, _legal_band(band, film.size), out, progress)
    seen = np.isfinite(raw.points[:, :, 0, 0])
    if not seen.any():
        raise FilmError(film.path, f"no hand in any of {len(times)} pictures")
    effective = 1.0 / float(times[1] - times[0])
    exchanged = assign_sides(raw.points, raw.right, effective)
    order = np.where(exchanged[:, None], [1, 0], [0, 1])
    points = np.take_along_axis(raw.points, order[:, :, None, None], axis=1)
    presence = np.take_along_axis(raw.presence, order, axis=1)
    smoothed = Smoothed(points, np.zeros(seen.shape, dtype=bool))
    if filtered:
        smoothed = smooth(points, effective)
    detected = np.isfinite(smoothed.points[:, :, 0, 0]) & ~smoothed.bridged
    source = {
        "film": film.path.name,
        "film_sha256": film.sha256,
        "detector": f"hand networks of {PACKAGE}",
        "palm_sha256": networks.sha256[0],
        "landmarks_sha256": networks.sha256[1],
        "rate_hz": f"{effective:.6g}",
        "cut_off_hz": f"{CUT_OFF:g}" if filtered else "none",
    }
    return HandLandmarks(
        time=times,
        points=smoothed.points,
        presence=np.where(detected, presence, 0.0),
        bridged=smoothed.bridged,
        size=film.size,
        source=MappingProxyType(source),
    )


def orientation(landmarks: HandLandmarks) -> Orientation:
    """How the hands lie in the picture.

    A picture that was turned over from top to bottom, or turned by half, has fingers that point
    down. A picture that was mirrored from left to right cannot be told by hands alone, because a
    mirrored left hand at the left is a right hand at the right; its notes are those of other keys.

    Args:
        landmarks: of both hands.
    """
    seen = landmarks.detected
    tips = landmarks.points[:, :, list(TIPS), 1].mean(axis=2)
    up = tips[seen] < landmarks.points[:, :, WRIST, 1][seen]
    both = seen.all(axis=1)
    middle = landmarks.points[both][:, :, :, 0].mean(axis=2)
    in_order = middle[:, 0] < middle[:, 1]
    return Orientation(
        upright=float(up.mean()) if up.size else 1.0,
        in_order=float(in_order.mean()) if in_order.size else 1.0,
    )


def orientation_fault(landmarks: HandLandmarks) -> str | None:
    """What is wrong with the orientation of the picture, in words; None where nothing is.

    Args:
        landmarks: of both hands.
    """
    lie = orientation(landmarks)
    if lie.upright < 1 - _MIRRORED_SHARE and lie.in_order < 1 - _MIRRORED_SHARE:
        return "the picture is upside down: fingers point down; turn the film by 180 degrees"
    if lie.upright < 1 - _MIRRORED_SHARE:
        return "fingers point down in the picture, and the left hand is left: it is mirrored"
    if lie.in_order < 1 - _MIRRORED_SHARE:
        return "the left hand is on the right: the picture is mirrored, or hands stay crossed"
    return None


def _legal_band(
    band: tuple[float, float, float, float] | None, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """The part of the picture that is searched."""
    if band is None:
        return (0.0, 0.0, float(size[0]), float(size[1]))
    legal = f"left < right and top < bottom within {size[0]} x {size[1]} pixels"
    if len(band) != 4 or not np.isfinite(band).all():
        raise InvalidValue("band", band, legal)
    left, top = max(0.0, band[0]), max(0.0, band[1])
    right, bottom = min(float(size[0]), band[2]), min(float(size[1]), band[3])
    if not (left < right and top < bottom):
        raise InvalidValue("band", band, legal)
    return (left, top, right, bottom)


def _track(
    film: Film,
    networks: HandNetworks,
    times: np.ndarray,
    rate: float,
    band: tuple[float, float, float, float],
    out: str | PathLike[str] | None,
    progress: Progress | None,
) -> Piece:
    """All pieces of the film, those that are kept and those that are computed now."""
    scale = min(1.0, WORKING_SIDE / max(film.size))
    step = float(times[1] - times[0])
    tracker: HandTracker | None = None
    store = None
    if out is not None:
        settings = {
            "method": _METHOD,
            "film": film.sha256,
            "networks": list(networks.sha256),
            "times": [float(times[0]), step, len(times)],
            "band": list(band),
        }
        store = TrackStore(_existing(out), settings)
    length = max(2, round(PIECE / step))
    state = empty_piece(0).state
    pieces = []
    for index, first in enumerate(range(0, len(times), length)):
        moments = times[first : first + length]
        piece = None if store is None else store.load(index, len(moments))
        if piece is None:
            tracker = tracker or _new_tracker(networks, 1 / step, band, scale)
            tracker.resume(state)

            def report(count: int, before: int = first) -> None:
                if progress is not None:
                    progress((before + count) * step, len(times) * step)

            piece = _track_piece(film, tracker, moments, rate, scale, report)
            if store is not None:
                store.save(index, piece)
        elif progress is not None:
            progress((first + len(moments)) * step, len(times) * step)
        state = piece.state
        pieces.append(piece)
    return Piece(
        np.concatenate([piece.points for piece in pieces]),
        np.concatenate([piece.presence for piece in pieces]),
        np.concatenate([piece.right for piece in pieces]),
        state,
    )


def _new_tracker(
    networks: HandNetworks,
    rate: float,
    band: tuple[float, float, float, float],
    scale: float,
) -> HandTracker:
    left, top, right, bottom = (scale * edge for edge in band)
    return HandTracker(
        PalmDetector(networks.palm),
        LandmarkNetwork(networks.landmarks),
        rate=rate,
        area=(left, top, right, bottom),
    )


def _track_piece(
    film: Film,
    tracker: HandTracker,
    moments: np.ndarray,
    rate: float,
    scale: float,
    report: Callable[[int], None],
) -> Piece:
    """Hands of consecutive pictures."""
    piece = empty_piece(len(moments))
    middle = float(moments[1] - moments[0]) / 2 if len(moments) > 1 else 0.5 / film.rate
    stop = float(moments[-1]) + middle
    pictures = film.frames(float(moments[0]), stop, rate, scale=scale)
    for index, (_, picture) in enumerate(pictures):
        interrupts.check()
        height, width = picture.shape[:2]
        tracked = tracker.track(Image.fromarray(picture))
        grow = np.array([film.size[0] / width, film.size[1] / height])
        piece.points[index] = tracked.points * grow
        piece.presence[index] = tracked.presence
        piece.right[index] = tracked.right
        report(index + 1)
    return piece._replace(state=tracker.state)


def _existing(folder: str | PathLike[str]) -> Path:
    path = Path(folder)
    if not path.is_dir():
        raise OutputError(os.fspath(folder), "no such folder")
    return path
