"""Two hands that play some keys before a camera, with their exact landmarks."""

from typing import NamedTuple

import numpy as np

from musclehand.body.anatomy import Side
from musclehand.motion.inverse_kinematics import HandIk
from musclehand.music.score import Finger, Hand, Note, Score
from musclehand.watch.contacts import bundled_keys
from musclehand.watch.landmarks import HandLandmarks
from musclehand.watch.lifting.hand_points import place_points, points_of, scaled
from musclehand.watch.view import KeyboardView

IK = HandIk()
CHAIN, POINTS = points_of(IK)
JOINTS = len(IK.posture)
UNKNOWNS = JOINTS + 4
RATE = 30.0


class HandFilm(NamedTuple):
    """Motion, camera, notes and landmarks."""

    u: dict
    """Unknowns of each side's hand, as a right one's. Shape (T, n)."""

    places: np.ndarray
    """[m] Landmarks in the world. Shape (T, 2, 21, 3)."""

    view: KeyboardView
    score: Score
    landmarks: HandLandmarks


def camera(tilt=0.2):
    """A camera 1.2 m above the keys, tilted about the keyboard's direction."""
    c, s = np.cos(tilt), np.sin(tilt)
    rotation = np.array([[1.0, 0.0, 0.0], [0.0, -c, -s], [0.0, s, -c]])
    return KeyboardView((1280, 720), 1200.0, rotation, np.array([0.02, -0.25, 1.2]))


def moving_hand(frames, seed, *, x):
    """Unknowns of a hand that moves smoothly, within its limits. Shape (T, n)."""
    rng = np.random.default_rng(seed)
    time = np.arange(frames)[:, None] / RATE
    speed, phase = rng.uniform(1.0, 5.0, UNKNOWNS), rng.uniform(0.0, 6.0, UNKNOWNS)
    width = np.full(UNKNOWNS, 0.1)
    width[:3] = 0.05
    width[-4:] = (0.05, 0.01, 0.004, 0.03)
    home = np.append(IK.posture, [x, IK.playing.wrist_depth, IK.playing.wrist_height, 0.0])
    u = home + width * np.sin(speed * time + phase)
    u[:, :JOINTS] = np.clip(u[:, :JOINTS], IK.lower, IK.upper)
    return u


def film_hands(frames=60, *, size=1.0, offsets=None, noise=0.0, seed=0, sides=tuple(Side)):
    """Films moving hands; a finger that is at a key's height plays the key below it.

    Args:
        frames: of the film.
        size: of the hands.
        offsets: displacements of the points in the picture [pixels]. Shape (21, 2).
        noise: standard deviation of independent errors [pixels].
        seed: of motion and errors.
        sides: hands in the picture.
    """
    rng = np.random.default_rng(seed + 1000)
    view = camera()
    places = np.full((frames, 2, 21, 3), np.nan)
    motion, notes = {}, []
    for side in sides:
        hand = Hand.LEFT if side is Side.LEFT else Hand.RIGHT
        u = moving_hand(frames, seed + int(hand), x=0.15)
        points = place_points(scaled(CHAIN, size), POINTS, u)
        u[:, -2] -= points[:, 12, 2].mean() - 0.012
        points = place_points(scaled(CHAIN, size), POINTS, u)
        motion[side] = u
        places[:, int(hand)] = points * [side.mirror, 1.0, 1.0]
        notes += touching_notes(places[:, int(hand)], hand)
    pixels = view.to_pixels(places) + (0.0 if offsets is None else offsets)
    pixels += noise * rng.standard_normal(pixels.shape)
    present = np.isfinite(pixels).all(axis=(2, 3))
    landmarks = HandLandmarks(
        np.arange(frames) / RATE, pixels, present.astype(float), np.zeros_like(present), view.size
    )
    return HandFilm(motion, places, view, Score(tuple(sorted(notes))), landmarks)


def touching_notes(places, hand):
    """Notes of runs of frames in which a fingertip is within 2 mm of the height of a played key."""
    keys = bundled_keys()
    white = np.flatnonzero(~keys.black)
    notes = []
    for finger in Finger:
        tip = places[:, 4 * int(finger)]
        down = np.abs(tip[:, 2] + 0.001) < 0.002
        for row in np.flatnonzero(down[:-1] & down[1:])[::2]:
            key = int(white[np.abs(keys.x[white] - tip[row, 0]).argmin()])
            notes.append(Note(row / RATE, key + 21, (row + 1.5) / RATE, hand=hand, finger=finger))
    return notes
