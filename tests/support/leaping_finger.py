"""Landmarks of a film in which a middle finger leaps from key to key."""

import numpy as np

from musclehand.music.score import Note, Score
from musclehand.watch.contacts import bundled_keys
from musclehand.watch.landmarks import TIPS, HandLandmarks
from musclehand.watch.view import KeyboardView

DOWN = np.diag([1.0, -1.0, -1.0])
VIEW = KeyboardView((1280, 720), 1200.0, DOWN, np.array([0.0, 0.05, 1.3]))
KEYS = bundled_keys()
RATE = 30.0


def melody(seconds: float, *, seed: int = 0) -> Score:
    """Leaps of the middle finger over three octaves, three notes a second."""
    rng = np.random.default_rng(seed)
    onset = np.arange(1.0, seconds, 1 / 3)
    pitch = rng.integers(50, 86, len(onset))
    pairs = zip(onset.tolist(), pitch.tolist(), strict=True)
    return Score(tuple(Note(at, key, at + 0.3) for at, key in pairs))


def film(score: Score, *, seconds: float, error: float = 0.0) -> HandLandmarks:
    """A right hand whose middle fingertip goes from key to key, halfway between two notes."""
    time = np.arange(0.0, seconds, 1 / RATE)
    middle = score.intervals.mean(axis=1)
    note = np.abs(time[:, None] - middle).argmin(axis=1)
    world = np.zeros((len(time), 2, 21, 3))
    keys = score.pitches[note] - 21
    for finger, tip in enumerate(TIPS):
        world[:, 1, tip, 0] = KEYS.x[keys] + 0.05 * (finger - 2)
    world[..., 1] = np.where(KEYS.black[keys], 0.07, 0.03)[:, None, None]
    world[..., 2] = (KEYS.top_z[keys] + 0.005)[:, None, None]
    world += error * np.random.default_rng(1).standard_normal(world.shape)
    points = VIEW.to_pixels(world)
    points[:, 0] = np.nan
    visible = np.isfinite(points).all(axis=(2, 3))
    return HandLandmarks(time, points, visible.astype(float), np.zeros_like(visible), VIEW.size)
