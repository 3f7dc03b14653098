"""What a film tells of one hand, frame by frame, on an even grid of times: `Frames`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.music.score import Hand, Score
from musclehand.watch.contacts import bundled_keys, key_residuals
from musclehand.watch.landmarks import NUM_POINTS, TIPS, WRIST, HandLandmarks
from musclehand.watch.lifting.config import LiftConfig
from musclehand.watch.lifting.problem import Camera, Frames
from musclehand.watch.view import KeyboardView

KNUCKLE = 9
"""Index of the middle finger's knuckle among the points, which with the wrist gives the direction
of a hand."""

HEIGHT = 0.03
"""[m] Usual height of a hand above the keys, at which the picture's scale is taken; chosen."""

_FREE = 1e3
"""[m] Place that no fingertip goes beyond, where there is no limit."""

_WRIST_JOINTS = 3
"""Joints of forearm and wrist, the first ones."""


class Observed(NamedTuple):
    """A hand in a film."""

    side: Side
    """Of the hand."""

    camera: Camera
    """Of the film, in the world of a right hand."""

    frames: Frames
    """At the times of the grid."""

    seen: np.ndarray
    """The hand was detected, and not interpolated. Shape (T,), bool."""

    contacts: np.ndarray
    """A finger plays a key. Shape (T, 5), bool."""

    refused: int
    """Notes of the hand whose finger is too far from the key."""


def even_times(landmarks: HandLandmarks) -> np.ndarray:
    """Even times from the first frame of a film to the last one [s]. Shape (T,)."""
    step = float(np.median(np.diff(landmarks.time)))
    first, last = float(landmarks.time[0]), float(landmarks.time[-1])
    return first + step * np.arange(round((last - first) / step) + 1)


def observe(
    landmarks: HandLandmarks,
    view: KeyboardView,
    score: Score,
    side: Side,
    *,
    ik: HandIk,
    config: LiftConfig,
) -> Observed | None:
    """What a film tells of a hand.

    Args:
        landmarks: of the film.
        view: its camera.
        score: notes with hands and fingers, in the time of the film.
        side: of the hand.
        ik: our hand.
        config: constants.

    Returns:
        None for a hand that is in no frame.
    """
    hand = Hand.LEFT if side is Side.LEFT else Hand.RIGHT
    pixels, bridged = _sampled(landmarks, int(hand))
    detected = np.isfinite(pixels).all(axis=(1, 2))
    if not detected.any():
        return None
    times = even_times(landmarks)
    wrist, basis = _place_hand(pixels, detected, view, side)
    scale = np.linalg.norm(basis[:, :, 0], axis=1)
    error = config.point_error * np.where(bridged, config.bridged_error, 1.0)
    precision = np.where(detected, 1.0 / (scale * error) ** 2, 0.0)
    low = np.full((len(times), 5, 3), -_FREE)
    high = -low
    tips = np.zeros_like(low)
    low[:, :, 2] = high[:, :, 2] = config.idle_height
    tips[:, :, 2] = config.idle_error**-2
    contacts, refused = _touch(
        times, pixels, view, score, side, low=low, high=high, precision=tips, config=config
    )
    home, home_precision = _expect(ik, wrist, detected, config)
    frames = Frames(
        pixels=np.nan_to_num(pixels),
        precision=np.repeat(precision[:, None], NUM_POINTS, axis=1),
        basis=basis,
        low=low,
        high=high,
        tip_precision=tips,
        home=home,
        home_precision=home_precision,
    )
    camera = Camera.of(view, side.mirror)
    return Observed(side, camera, frames, detected & ~bridged, contacts, refused)


def _sampled(landmarks: HandLandmarks, hand: int) -> tuple[np.ndarray, np.ndarray]:
    """Points of a hand at even times, linear between frames, NaN where a frame has none.

    Args:
        landmarks: of the film.
        hand: 0 left, 1 right.

    Returns:
        [pixels] of shape (T, 21, 2), and whether they are bridged, shape (T,).
    """
    times = even_times(landmarks)
    before = np.clip(
        np.searchsorted(landmarks.time, times, side="right") - 1, 0, len(landmarks.time) - 2
    )
    start, end = landmarks.time[before], landmarks.time[before + 1]
    share = np.clip((times - start) / (end - start), 0.0, 1.0)
    # At a frame's own time the neighbour does not count, even if it has no points.
    share = np.where(share < 1e-3, 0.0, np.where(share > 1.0 - 1e-3, 1.0, share))
    first = before + (share == 1.0)
    last = np.where(share == 0.0, before, before + 1)
    points = landmarks.points[:, hand]
    mix = share[:, None, None]
    pixels = (1.0 - mix) * points[first] + mix * points[last]
    pixels[~np.isfinite(pixels).all(axis=(1, 2))] = np.nan
    bridged = landmarks.bridged[first, hand] | landmarks.bridged[last, hand]
    return pixels, bridged & np.isfinite(pixels[:, 0, 0])


def _place_hand(
    pixels: np.ndarray, detected: np.ndarray, view: KeyboardView, side: Side
) -> tuple[np.ndarray, np.ndarray]:
    """Where a hand is, and along which directions of the picture.

    Args:
        pixels: points. Shape (T, 21, 2).
        detected: frames that have them. Shape (T,).
        view: camera of the film.
        side: of the hand.

    Returns:
        x and y of the wrist in the world of a right hand [m], straight through gaps, shape (T, 2),
        and `Frames.basis`.
    """
    rows = np.flatnonzero(detected)
    wrist = view.to_world(pixels[rows, WRIST], HEIGHT)
    ahead = pixels[rows, KNUCKLE] - pixels[rows, WRIST]
    ahead = ahead / np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    across = side.mirror * np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    depth = ((wrist - view.position) @ view.rotation.T)[:, 2]
    basis = np.stack([ahead, across], axis=2) * (view.focal / depth)[:, None, None]
    nearest = np.clip(np.searchsorted(rows, np.arange(len(pixels))), 0, len(rows) - 1)
    frames = np.arange(len(pixels))
    path = [np.interp(frames, rows, wrist[:, i]) for i in range(2)]
    return np.stack(path, axis=1) * [side.mirror, 1.0], basis[nearest]


def _touch(
    times: np.ndarray,
    pixels: np.ndarray,
    view: KeyboardView,
    score: Score,
    side: Side,
    *,
    low: np.ndarray,
    high: np.ndarray,
    precision: np.ndarray,
    config: LiftConfig,
) -> tuple[np.ndarray, int]:
    """Puts fingertips that play on their keys.

    Args:
        times: of the frames [s]. Shape (T,).
        pixels: points. Shape (T, 21, 2).
        view: camera of the film.
        score: notes with hands and fingers.
        side: of the hand.
        low: `Frames.low`, changed in place.
        high: `Frames.high`, changed in place.
        precision: `Frames.tip_precision`, changed in place.
        config: constants.

    Returns:
        Which fingers play, shape (T, 5), and the number of notes that the picture contradicts.
    """
    keys = bundled_keys()
    hand = Hand.LEFT if side is Side.LEFT else Hand.RIGHT
    contacts = np.zeros(low.shape[:2], dtype=bool)
    refused = 0
    for note in score.notes:
        if note.hand is not hand or note.finger is None:
            continue
        end = min(note.offset, note.onset + config.longest_contact)
        first = int(np.searchsorted(times, note.onset - 1e-6))
        last = max(int(np.searchsorted(times, end)), first + 1)
        rows = np.arange(first, min(last, len(times)))
        if not len(rows):
            continue
        key, finger = note.key, int(note.finger) - 1
        height = float(keys.top_z[key]) + config.contact_height
        place = view.to_world(pixels[rows, TIPS[finger]], height)[:, :2]
        along, short, half = key_residuals(keys, np.full(len(rows), key), place)
        away = np.hypot(np.maximum(np.abs(along) - half, 0.0), short)
        visible = np.isfinite(away)
        if visible.any() and np.median(away[visible]) > config.contact_gate:
            refused += 1
            continue
        edges = side.mirror * (keys.x[key] + 0.5 * keys.width[key] * np.array([-1.0, 1.0]))
        low[rows, finger] = (edges.min(), keys.front_y[key], height)
        high[rows, finger] = (edges.max(), _FREE, height)
        slack = config.contact_slack**-2
        precision[rows, finger] = (slack, slack, config.contact_error**-2)
        contacts[rows, finger] = True
        # While the key is on its way a finger is neither idle nor at the bottom.
        for row in (first - 1, rows[-1] + 1):
            if 0 <= row < len(times) and not contacts[row, finger]:
                precision[row, finger] = 0.0
    return contacts, refused


def _expect(
    ik: HandIk, wrist: np.ndarray, detected: np.ndarray, config: LiftConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Unknowns that are expected, and their inverse variances. Two arrays of shape (T, n).

    Args:
        ik: our hand.
        wrist: x and y of the wrist [m]. Shape (T, 2).
        detected: frames in which it is in the picture. Shape (T,).
        config: constants.
    """
    joints = len(ik.posture)
    home = np.zeros((len(wrist), joints + 4))
    home[:, :joints] = ik.posture
    home[:, joints : joints + 2] = wrist
    home[:, joints + 2] = ik.playing.wrist_height
    precision = np.zeros_like(home)
    precision[:, :_WRIST_JOINTS] = config.wrist_posture**-2
    precision[:, _WRIST_JOINTS:joints] = config.finger_posture**-2
    path = np.where(detected, 0.0, config.wrist_path**-2)
    precision[:, joints : joints + 2] = path[:, None]
    precision[:, joints + 2] = config.wrist_height**-2
    precision[:, joints + 3] = config.yaw**-2
    return home, precision
